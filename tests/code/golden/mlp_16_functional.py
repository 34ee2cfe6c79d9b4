import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MyNetwork(nn.Module):
    """Maps (N, 16) to (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(16, 12)
        self.fc2 = nn.Linear(12, 10)
        self.fc3 = nn.Linear(10, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.fc1(x))  # (N, 12)
        x = F.relu(self.fc2(x))  # (N, 10)
        x = torch.sigmoid(self.fc3(x))  # (N, 1)
        return x


if __name__ == "__main__":
    model = MyNetwork()
    x = torch.randn(4, 16)
    print(model(x).shape)
