import torch
from torch import Tensor


def uniform(*size: int, fan_in: int) -> Tensor:
    """Numbers to learn, drawn between ±1/√fan_in as nn.Linear and its kin draw them."""
    bound = 1 / fan_in**0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


# The numbers that learn, drawn as PyTorch's own layers draw them.
fc1_weight = uniform(12, 16, fan_in=16)
fc1_bias = uniform(12, fan_in=16)
fc2_weight = uniform(10, 12, fan_in=12)
fc2_bias = uniform(10, fan_in=12)
fc3_weight = uniform(1, 10, fan_in=10)
fc3_bias = uniform(1, fan_in=10)

parameters: list[Tensor] = [
    fc1_weight,
    fc1_bias,
    fc2_weight,
    fc2_bias,
    fc3_weight,
    fc3_bias,
]


def forward(x: Tensor) -> Tensor:
    """Maps (N, 16) to (N, 1)."""
    x = x @ fc1_weight.T + fc1_bias  # (N, 12)
    x = torch.where(x <= 0, 0.0, x)
    x = x @ fc2_weight.T + fc2_bias  # (N, 10)
    x = torch.where(x <= 0, 0.0, x)
    x = x @ fc3_weight.T + fc3_bias  # (N, 1)
    x = torch.sigmoid(x)
    return x


if __name__ == "__main__":
    x = torch.randn(4, 16)
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
