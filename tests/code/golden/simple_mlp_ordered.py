"""SimpleNet maps (N, 784) to (N, 10)."""

from collections import OrderedDict

import torch
from torch import nn

model = nn.Sequential(
    OrderedDict(
        [
            ("layer1", nn.Linear(784, 128)),  # (N, 128)
            ("relu", nn.ReLU()),
            ("layer2", nn.Linear(128, 10)),  # (N, 10)
        ]
    )
)

if __name__ == "__main__":
    x = torch.randn(4, 784)
    print(model(x).shape)
