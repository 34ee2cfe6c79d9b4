import torch
from torch import Tensor, nn


class Gated(nn.Module):
    """Maps (N, 16) to (N, 16)."""

    def __init__(self, use_skip: bool = True, hidden: int = 32) -> None:
        super().__init__()
        self.use_skip = use_skip
        self.fc1 = nn.Linear(16, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.fc2 = nn.Linear(hidden, 16)
        self.scale = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        inputs = x
        x = self.fc1(x)  # (N, 32)
        norm = self.norm(x)
        if self.training:
            noise = torch.randn_like(norm)
            scaled = noise * 0.1
            x = norm + scaled
        else:
            x = norm
        x = self.fc2(x)  # (N, 16)
        if self.use_skip:
            plus = x + inputs
            energy = plus.mean()  # scalar
            if energy > 0.5:
                skipped = self.scale(plus)
            else:
                skipped = plus
            x = inputs * 2
        else:
            skipped = x
            x = inputs
        x = skipped + x
        return x


if __name__ == "__main__":
    model = Gated()
    x = torch.randn(4, 16)
    print(model(x).shape)
