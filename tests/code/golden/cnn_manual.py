import torch
import torch.nn.functional as F
from torch import Tensor


def uniform(*size: int, fan_in: int) -> Tensor:
    """Numbers to learn, drawn between ±1/√fan_in as nn.Linear and its kin draw them."""
    bound = 1 / fan_in**0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def windows(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1, 1),
    dilation: tuple[int, ...] = (1, 1, 1),
) -> Tensor:
    """Every window of (N, C, places…), as (N, C, windows…, kernel…)."""
    for axis, size in enumerate(kernel):
        gap = dilation[axis]
        x = x.unfold(axis + 2, gap * (size - 1) + 1, stride[axis])[..., ::gap]
    return x


def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: tuple[int, ...] = (1, 1, 1),
    dilation: tuple[int, ...] = (1, 1, 1),
) -> Tensor:
    """A convolution: each window of x is one row, multiplied as in a linear layer."""
    seen = windows(x, weight.shape[2:], stride, dilation)
    rows = seen.movedim(1, weight.dim() - 1).flatten(weight.dim() - 1)
    y = rows @ weight.flatten(1).T
    if bias is not None:
        y = y + bias
    return y.movedim(-1, 1).contiguous()


def max_pool(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...] = (1, 1, 1),
) -> Tensor:
    """The largest number of each window."""
    return windows(x, kernel, stride, dilation).flatten(x.dim()).max(dim=-1).values


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """In training each number is 0 with probability p; the others grow by 1 / (1 - p)."""
    if not training or p == 0:
        return x
    kept = x.new_empty(x.shape).bernoulli_(1 - p)
    return x * (kept / (1 - p))


def standardized(x: Tensor, dims: list[int], eps: float) -> Tensor:
    """x less its mean, over its deviation."""
    mean = x.mean(dims, keepdim=True)
    return (x - mean) / torch.sqrt(x.var(dims, correction=0, keepdim=True) + eps)


def scaled(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Each channel of (N, C, places…) times its weight, plus its bias."""
    places = [1 for _ in x.shape[2:]]
    if weight is not None:
        x = x * weight.view(-1, *places)
    return x if bias is None else x + bias.view(-1, *places)


def batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    training: bool,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel less its mean, over its deviation: in training those of the batch.

    The running ones follow them, and take their place when training is over.
    """
    dims = [0, *range(2, x.dim())]
    if training:
        with torch.no_grad():
            running_mean.lerp_(x.mean(dims), momentum)
            running_var.lerp_(x.var(dims), momentum)
        return scaled(standardized(x, dims, eps), weight, bias)
    factor = 1 / torch.sqrt(running_var + eps)
    return scaled(scaled(x, factor, -running_mean * factor), weight, bias)


# The numbers that learn, drawn as PyTorch's own layers draw them, and those that stay.
conv1_weight = uniform(16, 3, 3, 3, fan_in=27)
conv1_bias = uniform(16, fan_in=27)
bn1_weight = torch.ones(16, requires_grad=True)
bn1_bias = torch.zeros(16, requires_grad=True)
bn1_running_mean = torch.zeros(16)
bn1_running_var = torch.ones(16)
conv2_weight = uniform(32, 16, 3, 3, fan_in=144)
conv2_bias = uniform(32, fan_in=144)
fc_weight = uniform(10, 1568, fan_in=1568)
fc_bias = uniform(10, fan_in=1568)

parameters: list[Tensor] = [
    conv1_weight,
    conv1_bias,
    bn1_weight,
    bn1_bias,
    conv2_weight,
    conv2_bias,
    fc_weight,
    fc_bias,
]


def forward(x: Tensor, training: bool = False) -> Tensor:
    """Maps (N, 3, 32, 32) to (N, 10)."""
    x = conv(F.pad(x, (1, 1, 1, 1)), conv1_weight, conv1_bias)  # (N, 16, 32, 32)
    x = batch_norm(x, bn1_running_mean, bn1_running_var, training, bn1_weight, bn1_bias)
    x = torch.where(x <= 0, 0.0, x)
    x = max_pool(x, (2, 2), (2, 2))  # (N, 16, 16, 16)
    x = conv(x, conv2_weight, conv2_bias, stride=(2, 2))  # (N, 32, 7, 7)
    x = torch.where(x <= 0, 0.0, x)
    x = x.flatten(1)  # (N, 1568)
    x = dropout(x, p=0.25, training=training)
    x = x @ fc_weight.T + fc_bias  # (N, 10)
    return x


if __name__ == "__main__":
    x = torch.randn(4, 3, 32, 32)
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
