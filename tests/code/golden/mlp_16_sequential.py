"""MyNetwork maps (N, 16) to (N, 1)."""

import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(16, 12),  # (N, 12)
    nn.ReLU(),
    nn.Linear(12, 10),  # (N, 10)
    nn.ReLU(),
    nn.Linear(10, 1),  # (N, 1)
    nn.Sigmoid(),
)

if __name__ == "__main__":
    x = torch.randn(4, 16)
    print(model(x).shape)
