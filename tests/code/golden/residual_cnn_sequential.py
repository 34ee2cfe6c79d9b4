"""ResNet maps (N, 3, 32, 32) to (N, 10)."""

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


model = nn.Sequential(
    nn.Conv2d(3, 16, kernel_size=3, padding=1),  # (N, 16, 32, 32)
    nn.Sequential(*(ResidualBlock(16, 16) for _ in range(3))),
    ResidualBlock(16, 32, stride=2),  # (N, 32, 16, 16)
    nn.Sequential(*(ResidualBlock(32, 32) for _ in range(2))),
    nn.AdaptiveAvgPool2d(1),  # (N, 32, 1, 1)
    nn.Flatten(),  # (N, 32)
    nn.Linear(32, 10),  # (N, 10)
)

if __name__ == "__main__":
    image = torch.randn(4, 3, 32, 32)
    print(model(image).shape)
