import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CNN(nn.Module):
    """Maps (N, 3, 32, 32) to (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(2048, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # (N, 16, 32, 32)
        x = F.relu(x)
        x = self.pool(x)  # (N, 16, 16, 16)
        x = self.conv2(x)  # (N, 32, 16, 16)
        x = F.relu(x)
        x = self.pool(x)  # (N, 32, 8, 8)
        x = x.view(x.size(0), -1)  # (N, 2048)
        x = self.fc1(x)  # (N, 128)
        x = F.relu(x)
        x = self.fc2(x)  # (N, 10)
        return x


if __name__ == "__main__":
    model = CNN()
    x = torch.randn(4, 3, 32, 32)
    print(model(x).shape)
