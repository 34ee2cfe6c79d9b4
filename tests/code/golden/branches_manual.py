import torch
from torch import Tensor


def uniform(*size: int, fan_in: int) -> Tensor:
    """Numbers to learn, drawn between ±1/√fan_in as nn.Linear and its kin draw them."""
    bound = 1 / fan_in**0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def standardized(x: Tensor, dims: list[int], eps: float) -> Tensor:
    """x less its mean, over its deviation."""
    mean = x.mean(dims, keepdim=True)
    return (x - mean) / torch.sqrt(x.var(dims, correction=0, keepdim=True) + eps)


def layer_norm(x: Tensor, dims: int = 1, eps: float = 1e-5) -> Tensor:
    """Each sample less its mean, over its deviation, both over the last dims sizes."""
    return standardized(x, list(range(-dims, 0)), eps)


use_skip = True
hidden = 32

# The numbers that learn, drawn as PyTorch's own layers draw them.
fc1_weight = uniform(hidden, 16, fan_in=16)
fc1_bias = uniform(hidden, fan_in=16)
norm_weight = torch.ones(hidden, requires_grad=True)
norm_bias = torch.zeros(hidden, requires_grad=True)
fc2_weight = uniform(16, hidden, fan_in=hidden)
fc2_bias = uniform(16, fan_in=hidden)
scale_weight = uniform(16, 16, fan_in=16)
scale_bias = uniform(16, fan_in=16)

parameters: list[Tensor] = [
    fc1_weight,
    fc1_bias,
    norm_weight,
    norm_bias,
    fc2_weight,
    fc2_bias,
    scale_weight,
    scale_bias,
]


def forward(x: Tensor, training: bool = False) -> Tensor:
    """Maps (N, 16) to (N, 16)."""
    inputs = x
    x = x @ fc1_weight.T + fc1_bias  # (N, 32)
    norm = layer_norm(x) * norm_weight + norm_bias
    if training:
        noise = torch.randn_like(norm)
        scaled = noise * 0.1
        x = norm + scaled
    else:
        x = norm
    x = x @ fc2_weight.T + fc2_bias  # (N, 16)
    if use_skip:
        plus = x + inputs
        energy = plus.mean()  # scalar
        if energy > 0.5:
            skipped = plus @ scale_weight.T + scale_bias
        else:
            skipped = plus
        x = inputs * 2
    else:
        skipped = x
        x = inputs
    x = skipped + x
    return x


if __name__ == "__main__":
    x = torch.randn(4, 16)
    print(forward(x).shape)

    # One step of learning: every number goes a little against its gradient.
    result = forward(x, training=True)
    loss = result.square().mean()
    loss.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= 0.01 * p.grad
                p.grad = None
