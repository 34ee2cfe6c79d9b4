"""More functions for written files, of what reads sequences; see `manual/helpers.py`."""

from __future__ import annotations

import torch
from torch import Tensor

from builder.code.writing.manual.helpers import dropout, softmax


def rnn(
    x: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | float = 0.0,
    state: Tensor | None = None,
    time: int = 0,
    relu: bool = False,
) -> tuple[Tensor, Tensor]:
    """Reads a sequence step by step; h is what it remembers."""
    first = x.select(time, 0)
    h = first.new_zeros(*first.shape[:-1], weight_hh.shape[1])
    if state is not None:
        h = state.squeeze(0)
    outputs: list[Tensor] = []
    for step in x.unbind(time):
        h = rnn_step(step, h, weight_ih, weight_hh, bias, relu)
        outputs.append(h)
    return torch.stack(outputs, time), h.unsqueeze(0)


def rnn_step(
    x: Tensor,
    h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | float = 0.0,
    relu: bool = False,
) -> Tensor:
    """One step: what comes in and what is remembered, added and bounded."""
    total = x @ weight_ih.T + h @ weight_hh.T + bias
    return torch.where(total <= 0, 0.0, total) if relu else torch.tanh(total)


def lstm(
    x: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | float = 0.0,
    state: tuple[Tensor, Tensor] | None = None,
    time: int = 0,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Reads a sequence step by step; h is what it shows, c what it remembers."""
    first = x.select(time, 0)
    h = c = first.new_zeros(*first.shape[:-1], weight_hh.shape[1])
    if state is not None:
        h, c = state[0].squeeze(0), state[1].squeeze(0)
    outputs: list[Tensor] = []
    for step in x.unbind(time):
        h, c = lstm_step(step, h, c, weight_ih, weight_hh, bias)
        outputs.append(h)
    return torch.stack(outputs, time), (h.unsqueeze(0), c.unsqueeze(0))


def lstm_step(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | float = 0.0,
) -> tuple[Tensor, Tensor]:
    """One step: gates say what goes into the memory, what is forgotten, what is shown."""
    gates = x @ weight_ih.T + h @ weight_hh.T + bias
    take, keep, new, show = gates.chunk(4, dim=-1)
    c = torch.sigmoid(keep) * c + torch.sigmoid(take) * torch.tanh(new)
    return torch.sigmoid(show) * torch.tanh(c), c


def gru(
    x: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | float = 0.0,
    bias_hh: Tensor | float = 0.0,
    state: Tensor | None = None,
    time: int = 0,
) -> tuple[Tensor, Tensor]:
    """Reads a sequence step by step; h is what it remembers."""
    first = x.select(time, 0)
    h = first.new_zeros(*first.shape[:-1], weight_hh.shape[1])
    if state is not None:
        h = state.squeeze(0)
    outputs: list[Tensor] = []
    for step in x.unbind(time):
        h = gru_step(step, h, weight_ih, weight_hh, bias_ih, bias_hh)
        outputs.append(h)
    return torch.stack(outputs, time), h.unsqueeze(0)


def gru_step(
    x: Tensor,
    h: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | float = 0.0,
    bias_hh: Tensor | float = 0.0,
) -> Tensor:
    """One step: one gate says what of h counts for the new memory, one what of h stays."""
    reset, stay, new = (x @ weight_ih.T + bias_ih).chunk(3, dim=-1)
    reset_h, stay_h, new_h = (h @ weight_hh.T + bias_hh).chunk(3, dim=-1)
    stay = torch.sigmoid(stay + stay_h)
    new = torch.tanh(new + torch.sigmoid(reset + reset_h) * new_h)
    return (1 - stay) * new + stay * h


def heads_of(x: Tensor, heads: int) -> Tensor:
    """(N, L, E) as (N, heads, L, E / heads)."""
    return torch.unflatten(x, -1, (heads, -1)).transpose(1, 2)


def attention(query: Tensor, key: Tensor, unsuited: Tensor | None = None) -> Tensor:
    """How much each place of the query takes from each place of the key: rows that sum to 1."""
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    return softmax(scores if unsuited is None else scores + unsuited, dim=-1)


def minus_infinity(mask: Tensor) -> Tensor:
    """A mask of True where nothing may be taken, as what is added to the scores."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape).masked_fill(mask, -float("inf"))


def multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_weight: Tensor,
    in_bias: Tensor,
    out_weight: Tensor,
    out_bias: Tensor,
    heads: int,
    batch_first: bool = False,
    p: float = 0.0,
    training: bool = False,
    ignored: Tensor | None = None,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Values mixed by how well their keys suit the query, in several heads; and how well."""
    parts: list[Tensor] = []
    rows = zip((query, key, value), in_weight.chunk(3), in_bias.chunk(3), strict=True)
    for x, weight, bias in rows:
        x = x if batch_first else x.transpose(0, 1)  # (N, L, E)
        parts.append(heads_of(x @ weight.T + bias, heads))
    unsuited = None if mask is None else minus_infinity(mask)
    if ignored is not None:
        keys = minus_infinity(ignored)[:, None, None, :]
        unsuited = keys if unsuited is None else keys + unsuited
    weights = dropout(attention(parts[0], parts[1], unsuited), p, training)
    mixed = (weights @ parts[2]).transpose(1, 2).flatten(2)
    y = mixed @ out_weight.T + out_bias
    return y if batch_first else y.transpose(0, 1), weights.mean(dim=1)
