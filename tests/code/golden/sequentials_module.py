import torch
from torch import Tensor, nn


class Skip(nn.Module):
    """Maps (N, 8) to (N, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        skip = x
        x = self.body(x)
        x = x + skip
        return x


class Stacked(nn.Module):
    """Maps (N, 16) to (N, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(16, 8), nn.ReLU())
        # Note: Narrow first.
        self.twice = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Linear(8, 4, bias=False),
                    nn.Sequential(nn.Linear(4, 8), nn.ReLU()),
                    nn.Sequential(
                        *(nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(2))
                    ),
                    Skip(),
                )
                for _ in range(2)
            )
        )
        self.twice.get_submodule("0.2.0.0").requires_grad_(False)
        self.twice.get_submodule("0.2.1.0").requires_grad_(False)
        self.twice.get_submodule("1.2.0.0").requires_grad_(False)
        self.twice.get_submodule("1.2.1.0").requires_grad_(False)
        # Note: Narrow first.
        self.deep = nn.Sequential(
            nn.Linear(8, 4, bias=False),  # (N, 4)
            nn.Sequential(
                nn.Linear(4, 8),  # (N, 8)
                nn.ReLU(),
            ),
            nn.Sequential(
                *(nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(2))
            ),
            Skip(),
        )
        self.deep.get_submodule("2.0.0").requires_grad_(False)
        self.deep.get_submodule("2.1.0").requires_grad_(False)
        self.again = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
        self.wide = nn.Linear(8, 32)
        self.still = nn.Sequential(nn.Linear(32, 8), nn.ReLU())
        self.still[0].requires_grad_(False)
        self.skip = Skip()

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)  # (N, 8)
        x = self.twice(x)
        x = self.deep(x)
        for _ in range(3):
            x = self.again(x)
        x = self.wide(x)  # (N, 32)
        x = self.still(x)  # (N, 8)
        x = self.skip(x)
        return x


if __name__ == "__main__":
    model = Stacked()
    x = torch.randn(4, 16)
    print(model(x).shape)
