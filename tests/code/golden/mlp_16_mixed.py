import torch
from torch import Tensor, nn


class MyNetwork(nn.Module):
    """Maps (N, 16) to (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(16, 12),  # (N, 12)
            nn.ReLU(),
            nn.Linear(12, 10),  # (N, 10)
            nn.ReLU(),
            nn.Linear(10, 1),  # (N, 1)
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x)  # (N, 1)
        return x


if __name__ == "__main__":
    model = MyNetwork()
    x = torch.randn(4, 16)
    print(model(x).shape)
