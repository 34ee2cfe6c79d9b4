"""By hand: recurrent layers, step by step, and attention."""

from __future__ import annotations

from builder.catalogue.packing import LENGTHS
from builder.code.writing.layout import Expression, Group, Prefixed, call
from builder.code.writing.literals import keyword
from builder.code.writing.manual.recipe import (
    Called,
    Drawn,
    Layer,
    by_hand,
    learning,
    plus,
    times,
    uniform,
)
from builder.errors import CodeRefused

_GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def _recurrent(layer: Layer) -> list[Drawn]:
    kind = layer.entry.name.removesuffix("Cell")
    end = "" if layer.entry.name.endswith("Cell") else "_l0"
    if end:
        layer.refuse_unless_default(
            num_layers="it is several layers",
            bidirectional="it reads in both directions",
            **({"proj_size": "it projects what it gives"} if kind == "LSTM" else {}),
        )
    taken, hidden = layer.written("input_size"), layer.written("hidden_size")
    rows = times(hidden, str(_GATES[kind]))
    drawn = [
        Drawn(f"weight_ih{end}", uniform(rows, taken, fan_in=hidden)),
        Drawn(f"weight_hh{end}", uniform(rows, hidden, fan_in=hidden)),
    ]
    if layer.literal("bias"):
        drawn += [Drawn(f"bias_{n}{end}", uniform(rows, fan_in=hidden)) for n in ("ih", "hh")]
    return drawn


def _weights(layer: Called, end: str) -> list[Expression]:
    return [layer.tensor(f"weight_{n}{end}") for n in ("ih", "hh")]


def _biases(layer: Called, end: str) -> list[str]:
    return [layer.tensor(f"bias_{n}{end}") for n in ("ih", "hh") if layer.has(f"bias_{n}{end}")]


@by_hand("RNN", "LSTM", "GRU", draw=_recurrent)
def recurrent(layer: Called) -> Expression:
    """`lstm(x, weight_ih, weight_hh, bias_ih + bias_hh, time=1)`."""
    kind = layer.entry.name
    if layer.reads(LENGTHS):
        raise CodeRefused("it reads sequences of several lengths, packed")
    items: list[Expression] = [layer.x, *_weights(layer, "_l0")]
    biases = _biases(layer, "_l0")
    items += biases if kind == "GRU" else [plus(*biases)] if biases else []
    if layer.reads("hx"):
        items.append(keyword("state", layer.port("hx")))
    shape = layer.shape()
    if layer.literal("batch_first") and (shape is None or len(shape) == 3):
        items.append(keyword("time", "1"))
    if kind == "RNN" and layer.literal("nonlinearity") == "relu":
        items.append(keyword("relu", "True"))
    return layer.help(kind.lower(), *items)


@by_hand("RNNCell", "LSTMCell", "GRUCell", draw=_recurrent)
def cell(layer: Called) -> Expression:
    """One step of a recurrent layer."""
    kind = layer.entry.name.removesuffix("Cell")
    biases, weights = _biases(layer, ""), _weights(layer, "")
    summed = [plus(*biases)] if biases else []
    if kind == "GRU":
        return layer.help("gru_step", layer.x, *_state(layer, 1), *weights, *biases)
    if kind == "LSTM":
        return layer.help("lstm_step", layer.x, *_state(layer, 2), *weights, *summed)
    relu = [keyword("relu", "True")] if layer.literal("nonlinearity") == "relu" else []
    return layer.help("rnn_step", layer.x, *_state(layer, 1), *weights, *summed, *relu)


def _state(layer: Called, count: int) -> list[Expression]:
    """What a cell remembers until now: zeros where nothing is given."""
    if not layer.reads("hx"):
        layer.needs_batch(2)
        zeros = call(f"{layer.term}.new_zeros", f"len({layer.term})", layer.written("hidden_size"))
        return [zeros] * count
    given = layer.port("hx")
    if count == 1:
        return [given]
    return list(given.items) if isinstance(given, Group) else [Prefixed("*", given)]


def _attention(layer: Layer) -> list[Drawn]:
    layer.refuse_unless_default(
        add_bias_kv="it learns a key and a value of its own (add_bias_kv)",
        add_zero_attn="it attends to zeros too (add_zero_attn)",
        kdim="its keys have another size than its queries (kdim)",
        vdim="its values have another size than its queries (vdim)",
    )
    size = layer.written("embed_dim")
    rows = times(size, "3")
    bias = uniform(size, fan_in=size)
    has_bias = layer.literal("bias")
    return [
        Drawn("out_proj.weight", uniform(size, size, fan_in=size)),
        *([Drawn("out_proj.bias", call("zeroed", bias))] if has_bias else []),
        Drawn("in_proj_weight", call("xavier", rows, size)),
        *([Drawn("in_proj_bias", learning("torch.zeros", rows))] if has_bias else []),
    ]


@by_hand("MultiheadAttention", draw=_attention)
def attention(layer: Called) -> Expression:
    """Queries, keys and values, what suits what, and the values mixed by it."""
    layer.needs_batch(3)
    if layer.option("average_attn_weights") is False:
        raise CodeRefused("it is asked for the weights of each head")
    if not layer.has("in_proj_bias"):
        raise CodeRefused("it has no bias")
    if layer.reads("attn_mask") and len(layer.shape("attn_mask") or ()) != 2:
        raise CodeRefused("its mask is another one for each sample")
    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    items = [layer.port(name) for name in ("query", "key", "value")]
    items += [*map(layer.tensor, names), layer.written("num_heads")]
    if layer.literal("batch_first"):
        items.append(keyword("batch_first", "True"))
    if not layer.is_default("dropout"):
        items += [keyword("p", layer.written("dropout")), keyword("training", layer.training())]
    for name, port in (("ignored", "key_padding_mask"), ("mask", "attn_mask")):
        if layer.reads(port):
            items.append(keyword(name, layer.port(port)))
    return layer.help("multi_head_attention", *items)
