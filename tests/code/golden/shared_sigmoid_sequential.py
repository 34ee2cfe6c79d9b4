"""MyModel maps (N, 2) to (N, 3)."""

import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(2, 5),  # (N, 5)
    nn.Sigmoid(),
    nn.Linear(5, 10),  # (N, 10)
    nn.Sigmoid(),
    nn.Linear(10, 3),  # (N, 3)
    nn.Sigmoid(),
)

if __name__ == "__main__":
    x = torch.randn(4, 2)
    print(model(x).shape)
