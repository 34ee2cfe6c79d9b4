import torch
from torch import Tensor, nn


class MyModel(nn.Module):
    """Maps (N, 2) to (N, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, 5)
        self.act = nn.Sigmoid()
        self.fc2 = nn.Linear(5, 10)
        self.fc3 = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)  # (N, 5)
        x = self.act(x)
        x = self.fc2(x)  # (N, 10)
        x = self.act(x)
        x = self.fc3(x)  # (N, 3)
        x = self.act(x)
        return x


if __name__ == "__main__":
    model = MyModel()
    x = torch.randn(4, 2)
    print(model(x).shape)
