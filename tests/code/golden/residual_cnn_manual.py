from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
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


class ResidualBlock(NamedTuple):
    """The tensors of one ResidualBlock."""

    conv1_weight: Tensor
    bn1_weight: Tensor
    bn1_bias: Tensor
    bn1_running_mean: Tensor
    bn1_running_var: Tensor
    conv2_weight: Tensor
    bn2_weight: Tensor
    bn2_bias: Tensor
    bn2_running_mean: Tensor
    bn2_running_var: Tensor
    project_weight: Tensor
    project_bias: Tensor


def make_residual_block(in_channels: int, channels: int) -> ResidualBlock:
    """Draws the tensors of one ResidualBlock."""
    conv1_weight = uniform(channels, in_channels, 3, 3, fan_in=in_channels * 9)
    bn1_weight = torch.ones(channels, requires_grad=True)
    bn1_bias = torch.zeros(channels, requires_grad=True)
    bn1_running_mean = torch.zeros(channels)
    bn1_running_var = torch.ones(channels)
    conv2_weight = uniform(channels, channels, 3, 3, fan_in=channels * 9)
    bn2_weight = torch.ones(channels, requires_grad=True)
    bn2_bias = torch.zeros(channels, requires_grad=True)
    bn2_running_mean = torch.zeros(channels)
    bn2_running_var = torch.ones(channels)
    project_weight = uniform(channels, in_channels, 1, 1, fan_in=in_channels)
    project_bias = uniform(channels, fan_in=in_channels)
    return ResidualBlock(
        conv1_weight,
        bn1_weight,
        bn1_bias,
        bn1_running_mean,
        bn1_running_var,
        conv2_weight,
        bn2_weight,
        bn2_bias,
        bn2_running_mean,
        bn2_running_var,
        project_weight,
        project_bias,
    )


def residual_block_forward(
    x: Tensor, w: ResidualBlock, stride: int, training: bool
) -> Tensor:
    """What one ResidualBlock computes."""
    inputs = x
    x = conv(F.pad(x, (1, 1, 1, 1)), w.conv1_weight, stride=(stride, stride))
    x = batch_norm(
        x, w.bn1_running_mean, w.bn1_running_var, training, w.bn1_weight, w.bn1_bias
    )
    x = torch.where(x <= 0, 0.0, x)
    x = conv(F.pad(x, (1, 1, 1, 1)), w.conv2_weight)
    bn2 = batch_norm(
        x, w.bn2_running_mean, w.bn2_running_var, training, w.bn2_weight, w.bn2_bias
    )
    project = conv(inputs, w.project_weight, w.project_bias, stride=(stride, stride))
    x = bn2 + project
    x = torch.where(x <= 0, 0.0, x)
    return x


# The numbers that learn, drawn as PyTorch's own layers draw them.
stem_weight = uniform(16, 3, 3, 3, fan_in=27)
stem_bias = uniform(16, fan_in=27)
stage1 = [make_residual_block(16, 16) for _ in range(3)]
down = make_residual_block(16, 32)
stage2 = [make_residual_block(32, 32) for _ in range(2)]
head_weight = uniform(10, 32, fan_in=32)
head_bias = uniform(10, fan_in=32)

parameters: list[Tensor] = learned(
    [stem_weight, stem_bias, stage1, down, stage2, head_weight, head_bias]
)


def forward(image: Tensor, training: bool = False) -> Tensor:
    """Maps (N, 3, 32, 32) to (N, 10)."""
    x = conv(F.pad(image, (1, 1, 1, 1)), stem_weight, stem_bias)  # (N, 16, 32, 32)
    for block in stage1:
        x = residual_block_forward(x, block, stride=1, training=training)
    x = residual_block_forward(x, down, stride=2, training=training)  # (N, 32, 16, 16)
    for block in stage2:
        x = residual_block_forward(x, block, stride=1, training=training)
    x = x.mean(dim=(2, 3), keepdim=True)  # (N, 32, 1, 1)
    x = torch.flatten(x, start_dim=1)  # (N, 32)
    x = x @ head_weight.T + head_bias  # (N, 10)
    return x


if __name__ == "__main__":
    image = torch.randn(4, 3, 32, 32)
    print(forward(image).shape)

    # One step of learning: every number goes a little against its gradient.
    result = forward(image, training=True)
    loss = result.square().mean()
    loss.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= 0.01 * p.grad
                p.grad = None
