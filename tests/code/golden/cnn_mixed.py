import torch
from torch import Tensor, nn


class CNN(nn.Module):
    """Maps (N, 3, 32, 32) to (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, kernel_size=3, padding=1),  # (N, 16, 32, 32)
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, 16, 16)
            nn.Conv2d(16, 32, kernel_size=3, stride=2),  # (N, 32, 7, 7)
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 1568)
            nn.Dropout(p=0.25),
            nn.Linear(1568, 10),  # (N, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (N, 32, 7, 7)
        x = self.classifier(x)  # (N, 10)
        return x


if __name__ == "__main__":
    model = CNN()
    x = torch.randn(4, 3, 32, 32)
    print(model(x).shape)
