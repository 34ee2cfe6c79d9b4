import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CNN(nn.Module):
    """Maps (N, 3, 32, 32) to (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, stride=2)
        self.fc = nn.Linear(1568, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))  # (N, 16, 32, 32)
        x = F.max_pool2d(x, 2)  # (N, 16, 16, 16)
        x = F.relu(self.conv2(x))  # (N, 32, 7, 7)
        x = torch.flatten(x, start_dim=1)  # (N, 1568)
        x = F.dropout(x, p=0.25, training=self.training)
        x = self.fc(x)  # (N, 10)
        return x


if __name__ == "__main__":
    model = CNN()
    x = torch.randn(4, 3, 32, 32)
    print(model(x).shape)
