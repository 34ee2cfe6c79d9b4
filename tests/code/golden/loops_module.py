import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cell(nn.Module):
    """Maps h (N, 8), memory (N, 8) and mask (N, 8) to (N, 8) and (N, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.from_h = nn.Linear(8, 8)

    def forward(self, h: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = self.from_h(h)
        mixed = x + memory
        h_out = torch.tanh(mixed)
        memory_out = memory * mask
        return h_out, memory_out


class Step(nn.Module):
    """Maps (N, 8) to (N, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, z: Tensor) -> Tensor:
        x = self.fc(z)
        x = F.relu(x)
        return x


class Recurrent(nn.Module):
    """Maps (N, 8) to (N, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList(Cell() for _ in range(4))
        self.steps = Step()
        self.steps.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.sigmoid(x)
        h_out = x
        memory_out = x
        for block in self.cells:
            h_out, memory_out = block(h_out, memory_out, mask)  # (N, 8) each
        x = h_out
        for _ in range(3):
            x = self.steps(x)
        end = torch.cat((x, memory_out), dim=1)  # (N, 16)
        return end


if __name__ == "__main__":
    model = Recurrent()
    x = torch.randn(4, 8)
    print(model(x).shape)
