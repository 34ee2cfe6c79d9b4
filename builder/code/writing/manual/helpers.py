"""Functions that written files take from here, word for word: those they call, and no others.

This file is never imported: `manual/texts.py` reads its text. A comma behind the last argument
keeps a function as it is at 88 columns and at ours.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# Tensors that learn --------------------------------------------------------------------------


def uniform(*size: int, fan_in: int) -> Tensor:
    """Numbers to learn, drawn between ±1/√fan_in as nn.Linear and its kin draw them."""
    bound = 1 / fan_in**0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def xavier(*size: int) -> Tensor:
    """Numbers to learn, drawn between ±√(6 / (rows + columns)) as Glorot has them."""
    bound = (6 / (size[0] + size[1])) ** 0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def zeroed(tensor: Tensor) -> Tensor:
    """Zeros to learn, in place of what was drawn."""
    return tensor.detach().zero_().requires_grad_()


def table(rows: int, columns: int, padding_idx: int) -> Tensor:
    """Rows to learn, one for each word; that of padding_idx is 0."""
    drawn = torch.randn(rows, columns)
    drawn[padding_idx] = 0
    return drawn.requires_grad_()


def learned(tensors: Any) -> list[Tensor]:
    """The tensors that learn, also those in blocks and lists of blocks, each once."""
    found: dict[int, Tensor] = {}
    for tensor in tensors:
        inside = [tensor] if isinstance(tensor, Tensor) else learned(tensor)
        found |= {id(each): each for each in inside if each.requires_grad}
    return list(found.values())


# Embeddings and what is bilinear -------------------------------------------------------------


def embedding(x: Tensor, weight: Tensor, padding_idx: int) -> Tensor:
    """The rows of the table that x names; the row of padding_idx does not learn."""
    rows = weight[x]
    return torch.where((x == padding_idx).unsqueeze(-1), rows.detach(), rows)


def bilinear(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """xᵀ W y for each matrix W of the weight."""
    return torch.einsum("...i,oij,...j->...o", x, weight, y)


# Windows: convolutions and pooling -----------------------------------------------------------


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


def grouped_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    groups: int,
    stride: tuple[int, ...] = (1, 1, 1),
    dilation: tuple[int, ...] = (1, 1, 1),
) -> Tensor:
    """A convolution in which each group of channels sees only its own."""
    seen = windows(x, weight.shape[2:], stride, dilation)
    rows = seen.movedim(1, weight.dim() - 1).flatten(weight.dim() - 1)
    rows = torch.unflatten(rows, -1, (groups, 1, -1))
    matrices = torch.unflatten(weight.flatten(1), 0, (groups, -1)).transpose(1, 2)
    y = (rows @ matrices).flatten(-3)
    if bias is not None:
        y = y + bias
    return y.movedim(-1, 1).contiguous()


def spread(x: Tensor, stride: tuple[int, ...]) -> Tensor:
    """(N, C, places…) with zeros between the places, so that they lie a stride apart."""
    for axis, step in enumerate(stride, start=2):
        x = x.movedim(axis, -1).unsqueeze(-1)
        x = F.pad(x, (0, step - 1)).flatten(-2)[..., : (x.shape[-2] - 1) * step + 1]
        x = x.movedim(-1, axis)
    return x


def turned(weight: Tensor) -> Tensor:
    """The weight of a transposed convolution as that of a convolution: back to front."""
    return weight.flip(list(range(2, weight.dim()))).transpose(0, 1)


def max_pool(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...] = (1, 1, 1),
) -> Tensor:
    """The largest number of each window."""
    return windows(x, kernel, stride, dilation).flatten(x.dim()).max(dim=-1).values


def mean_pool(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """The mean of each window."""
    return windows(x, kernel, stride).flatten(x.dim()).mean(dim=-1)


def power_pool(
    x: Tensor,
    power: float,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
) -> Tensor:
    """The root of the sum of powers of each window."""
    powers = windows(x, kernel, stride).flatten(x.dim()) ** power
    return powers.sum(dim=-1) ** (1 / power)


# Activations ---------------------------------------------------------------------------------


def softmax(x: Tensor, dim: int) -> Tensor:
    """eˣ over the sum of all; the largest is taken away first, so that no power is too big."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """x less the logarithm of the sum of all eˣ."""
    return x - torch.logsumexp(x, dim, keepdim=True)


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + eˣ), a smooth relu; where x is large it is x itself."""
    scaled = beta * x
    smooth = torch.log1p(torch.exp(scaled.clamp(max=threshold))) / beta
    return torch.where(scaled > threshold, x, smooth)


def gelu(x: Tensor) -> Tensor:
    """x times the chance that a normal number is below x."""
    return 0.5 * x * (1 + torch.erf(x / 2**0.5))


def gelu_tanh(x: Tensor) -> Tensor:
    """gelu, nearly, by a tanh."""
    inner = (2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + torch.tanh(inner))


def leaky_relu(x: Tensor, slope: float | Tensor = 0.01) -> Tensor:
    """x where it is positive, a small part of it elsewhere."""
    return torch.where(x > 0, x, slope * x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where it is positive, alpha (eˣ - 1) elsewhere."""
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


def celu(x: Tensor, alpha: float) -> Tensor:
    """elu, without a bend at 0."""
    return alpha * elu(x / alpha)


def selu(x: Tensor) -> Tensor:
    """elu, scaled so that mean 0 and variance 1 stay through many layers."""
    below = 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return 1.0507009873554805 * torch.where(x > 0, x, below)


def mish(x: Tensor) -> Tensor:
    """x tanh(log(1 + eˣ))."""
    return x * torch.tanh(softplus(x))


def glu(x: Tensor, dim: int = -1) -> Tensor:
    """One half of x, each number let through as far as the other half says."""
    values, gates = x.chunk(2, dim)
    return values * torch.sigmoid(gates)


def rrelu(x: Tensor, lower: float, upper: float, training: bool) -> Tensor:
    """leaky_relu; in training each slope is drawn anew."""
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    return leaky_relu(x, x.new_empty(x.shape).uniform_(lower, upper))


# Dropout -------------------------------------------------------------------------------------


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """In training each number is 0 with probability p; the others grow by 1 / (1 - p)."""
    if not training or p == 0:
        return x
    kept = x.new_empty(x.shape).bernoulli_(1 - p)
    return x * (kept / (1 - p))


def channel_dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """In training whole channels are 0 with probability p; the others grow."""
    if not training or p == 0:
        return x
    kept = x.new_empty(*x.shape[:2], *(1 for _ in x.shape[2:])).bernoulli_(1 - p)
    return x * (kept / (1 - p))


def alpha_dropout(
    x: Tensor,
    p: float,
    training: bool,
    channels: bool = False,
) -> Tensor:
    """Dropout for selu: what is dropped is its lowest value, and mean and variance stay."""
    if not training or p == 0:
        return x
    alpha = 1.7580993408473766
    scale: float = ((alpha**2 * p + 1) * (1 - p)) ** -0.5
    size = (*x.shape[:2], *(1 for _ in x.shape[2:])) if channels else x.shape
    kept = x.new_empty(size).bernoulli_(1 - p)
    return x * (kept * scale) + (alpha * scale * (kept - 1) + alpha * scale * p)


# Normalization -------------------------------------------------------------------------------


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


def instance_norm(
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample less its mean, over its deviation."""
    return scaled(standardized(x, list(range(2, x.dim())), eps), weight, bias)


def group_norm(
    x: Tensor,
    groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each group of channels of each sample less its mean, over its deviation."""
    grouped = standardized(x.reshape(len(x), groups, -1), [-1], eps)
    return scaled(grouped.view(x.shape), weight, bias)


def layer_norm(x: Tensor, dims: int = 1, eps: float = 1e-5) -> Tensor:
    """Each sample less its mean, over its deviation, both over the last dims sizes."""
    return standardized(x, list(range(-dims, 0)), eps)


def rms_norm(x: Tensor, dims: int = 1, eps: float | None = None) -> Tensor:
    """x over the root of its mean square."""
    mean = x.square().mean(list(range(-dims, 0)), keepdim=True)
    return x / torch.sqrt(mean + (torch.finfo(x.dtype).eps if eps is None else eps))


def local_response_norm(
    x: Tensor,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Tensor:
    """Each number made smaller by the squares at its place in the channels around it."""
    around = F.pad(x.square().movedim(1, -1), (size // 2, (size - 1) // 2))
    mean = around.unfold(-1, size, 1).mean(dim=-1).movedim(-1, 1)
    return x / (k + alpha * mean) ** beta


# Places and distances ------------------------------------------------------------------------


def pixel_shuffle(x: Tensor, factor: int) -> Tensor:
    """(N, C · factor², H, W) as (N, C, H · factor, W · factor): channels become places."""
    n, c, h, w = x.shape
    parts = x.view(n, c // factor**2, factor, factor, h, w)
    return parts.permute(0, 1, 4, 2, 5, 3).reshape(n, -1, h * factor, w * factor)


def pixel_unshuffle(x: Tensor, factor: int) -> Tensor:
    """(N, C, H · factor, W · factor) as (N, C · factor², H, W): places become channels."""
    n, c, h, w = x.shape
    parts = x.view(n, c, h // factor, factor, w // factor, factor)
    return parts.permute(0, 1, 3, 5, 2, 4).reshape(n, -1, h // factor, w // factor)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """The first channel of each group, then the second of each, and so on."""
    return torch.unflatten(x, 1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def cosine_similarity(x: Tensor, y: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x and y: 1 for the same direction."""
    lengths = x.square().sum(dim).sqrt(), y.square().sum(dim).sqrt()
    return (x * y).sum(dim) / (lengths[0].clamp(min=eps) * lengths[1].clamp(min=eps))


def distance(x: Tensor, y: Tensor, p: float = 2.0, eps: float = 1e-6) -> Tensor:
    """How far x is from y: the root of the sum of powers of what differs."""
    return ((x - y + eps).abs() ** p).sum(dim=-1) ** (1 / p)
