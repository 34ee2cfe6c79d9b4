import torch
from torch import Tensor, nn


class SimpleNet(nn.Module):
    """Maps (N, 784) to (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Linear(784, 128)
        self.relu = nn.ReLU()
        self.layer2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(x)  # (N, 128)
        x = self.relu(x)
        x = self.layer2(x)  # (N, 10)
        return x


if __name__ == "__main__":
    model = SimpleNet()
    x = torch.randn(4, 784)
    print(model(x).shape)
