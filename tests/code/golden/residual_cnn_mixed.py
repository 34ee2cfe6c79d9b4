import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """A part of ResNet."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.project = nn.Conv2d(in_channels, channels, kernel_size=1, stride=stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        inputs = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu1(x)
        x = self.conv2(x)
        bn2 = self.bn2(x)
        project = self.project(inputs)
        x = bn2 + project
        x = self.relu2(x)
        return x


class ResNet(nn.Module):
    """Maps (N, 3, 32, 32) to (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.stage1 = nn.Sequential(*(ResidualBlock(16, 16) for _ in range(3)))
        self.down = ResidualBlock(16, 32, stride=2)
        self.stage2 = nn.Sequential(*(ResidualBlock(32, 32) for _ in range(2)))
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),  # (N, 32, 1, 1)
            nn.Flatten(),  # (N, 32)
            nn.Linear(32, 10),  # (N, 10)
        )

    def forward(self, image: Tensor) -> Tensor:
        x: Tensor = self.stem(image)  # (N, 16, 32, 32)
        x = self.stage1(x)
        x = self.down(x)  # (N, 32, 16, 16)
        x = self.stage2(x)
        x = self.head(x)  # (N, 10)
        return x


if __name__ == "__main__":
    model = ResNet()
    image = torch.randn(4, 3, 32, 32)
    print(model(image).shape)
