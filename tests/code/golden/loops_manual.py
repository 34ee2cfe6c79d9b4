from typing import Any, NamedTuple

import torch
from torch import Tensor


def uniform(*size: int, fan_in: int) -> Tensor:
    """Numbers to learn, drawn between ±1/√fan_in as nn.Linear and its kin draw them."""
    bound = 1 / fan_in**0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def learned(tensors: Any) -> list[Tensor]:
    """The tensors that learn, also those in blocks and lists of blocks, each once."""
    found: dict[int, Tensor] = {}
    for tensor in tensors:
        inside = [tensor] if isinstance(tensor, Tensor) else learned(tensor)
        found |= {id(each): each for each in inside if each.requires_grad}
    return list(found.values())


class Cell(NamedTuple):
    """The tensors of one Cell."""

    from_h_weight: Tensor
    from_h_bias: Tensor


def make_cell() -> Cell:
    """Draws the tensors of one Cell."""
    from_h_weight = uniform(8, 8, fan_in=8)
    from_h_bias = uniform(8, fan_in=8)
    return Cell(from_h_weight, from_h_bias)


def cell_forward(
    h: Tensor, memory: Tensor, mask: Tensor, w: Cell
) -> tuple[Tensor, Tensor]:
    """Maps h (N, 8), memory (N, 8) and mask (N, 8) to (N, 8) and (N, 8)."""
    x = h @ w.from_h_weight.T + w.from_h_bias
    mixed = x + memory
    h_out = torch.tanh(mixed)
    memory_out = memory * mask
    return h_out, memory_out


class Step(NamedTuple):
    """The tensors of one Step."""

    fc_weight: Tensor
    fc_bias: Tensor


def make_step() -> Step:
    """Draws the tensors of one Step."""
    fc_weight = uniform(8, 8, fan_in=8)
    fc_bias = uniform(8, fan_in=8)
    return Step(fc_weight, fc_bias)


def step_forward(z: Tensor, w: Step) -> Tensor:
    """Maps (N, 8) to (N, 8)."""
    x = z @ w.fc_weight.T + w.fc_bias
    x = torch.where(x <= 0, 0.0, x)
    return x


# The numbers that learn, drawn as PyTorch's own layers draw them.
cells = [make_cell() for _ in range(4)]
steps = make_step()
for tensor in learned([steps]):
    tensor.requires_grad_(False)

parameters: list[Tensor] = learned([cells, steps])


def forward(x: Tensor) -> Tensor:
    """Maps (N, 8) to (N, 16)."""
    mask = torch.sigmoid(x)
    h_out = x
    memory_out = x
    for block in cells:
        h_out, memory_out = cell_forward(h_out, memory_out, mask, block)  # (N, 8) each
    x = h_out
    for _ in range(3):
        x = step_forward(x, steps)
    end = torch.cat((x, memory_out), dim=1)  # (N, 16)
    return end


if __name__ == "__main__":
    x = torch.randn(4, 8)
    print(forward(x).shape)

    # One step of learning: every number goes a little against its gradient.
    result = forward(x)
    loss = result.square().mean()
    loss.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= 0.01 * p.grad
                p.grad = None
