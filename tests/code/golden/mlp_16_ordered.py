"""MyNetwork maps (N, 16) to (N, 1)."""

from collections import OrderedDict

import torch
from torch import nn

model = nn.Sequential(
    OrderedDict(
        [
            ("fc1", nn.Linear(16, 12)),  # (N, 12)
            ("relu1", nn.ReLU()),
            ("fc2", nn.Linear(12, 10)),  # (N, 10)
            ("relu2", nn.ReLU()),
            ("fc3", nn.Linear(10, 1)),  # (N, 1)
            ("sigmoid", nn.Sigmoid()),
        ]
    )
)

if __name__ == "__main__":
    x = torch.randn(4, 16)
    print(model(x).shape)
