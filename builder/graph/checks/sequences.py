"""Recurrent layers, attention, transformers and embeddings: sequences of features."""

from __future__ import annotations

from builder.catalogue.packing import LENGTHS, TOTAL_LENGTH
from builder.graph.call import Call, show
from builder.graph.checks.common import WHOLE, has_batch
from builder.graph.checks.linear import check_last_size
from builder.graph.checks.merging import check_attention_values
from builder.graph.diagnostics import Finding

_MOST_DIVISORS = 6  # named in a sentence


def check_recurrent(call: Call) -> Finding | None:
    """N×length×features in, and the batch where batch_first says it is."""
    return (
        _check_sequence(call, "input")
        or check_last_size(call, "input_size", "input")
        or _check_projection(call)
        or _check_states(call)
        or _check_sequence_lengths(call)
        or _check_batch_first(call, "input")
        or _check_idle_dropout(call)
    )


def _check_sequence(call: Call, port: str) -> Finding | None:
    spec = call.tensor(port)
    if spec is None:
        return None
    rank, batched, came = len(spec.shape), has_batch(spec), call.from_(port)
    if rank == 3 or (rank == 2 and not batched):
        return None
    if rank == 2 and batched:
        way = "Torch would read the batch as one sequence. Add a length with unsqueeze, or use Linear."
    elif rank == 4:
        way = "Flatten or permute the picture into a sequence first."
    else:
        way = "Bring it to three dimensions first."
    return call.finding(
        "rank", f"needs N×length×features but receives {show(spec)}{came}. {way}", port=port
    )


def _check_projection(call: Call) -> Finding | None:
    size, hidden = call.whole("proj_size"), call.whole("hidden_size")
    if size and hidden and size >= hidden:
        return call.finding(
            "proj_size",
            f"projects to proj_size={size}, which must be smaller than hidden_size={hidden}.",
            parameter="proj_size",
        )
    return None


def _check_states(call: Call) -> Finding | None:
    """The states a sequence begins with: an LSTM's are two."""
    port, parts = call.entry.port("hx"), call.tensors("hx")
    if "hx" in call.inputs and port and port.length not in (None, len(parts)):
        have = "one" if len(parts) == 1 else f"{len(parts)}"
        return call.finding(
            "states",
            f"begins with two states, h_0 and c_0, but receives {have}: {show(parts)}{call.from_('hx')}. "
            "Wire both, as h_n and c_n of another LSTM, or neither: then it begins with zeros.",
            port="hx",
        )
    return None


def _check_sequence_lengths(call: Call) -> Finding | None:
    """A whole number for each sequence of the batch."""
    spec, sequences = call.tensor(LENGTHS), call.tensor("input")
    if spec is None or sequences is None:
        return _check_idle_length(call)
    came = call.from_(LENGTHS)
    if len(sequences.shape) != 3:
        return call.finding(
            "packed_rank",
            f"is told the lengths of several sequences but receives a single one, {show(sequences)}"
            f"{call.from_('input')}. Give it a batch, or no lengths.",
            port=LENGTHS,
        )
    batch = sequences.shape[0 if call.argument("batch_first") is True else 1]
    if spec.shape != (batch,):
        return call.finding(
            "packed_lengths",
            f"needs one length for each of its {batch} sequences but receives {show(spec)} at "
            f"“{LENGTHS}”{came}. Give it a tensor of {batch} whole numbers.",
            port=LENGTHS,
        )
    if spec.dtype not in WHOLE:
        what = "True and False" if spec.dtype == "bool" else f"real numbers ({spec.dtype})"
        return call.finding(
            "packed_dtype",
            f"takes whole numbers at “{LENGTHS}” but receives {what}{came}. Turn them into whole "
            "numbers with .long().",
            port=LENGTHS,
        )
    return None


def _check_idle_length(call: Call) -> Finding | None:
    if LENGTHS in call.inputs or call.argument(TOTAL_LENGTH) is None:
        return None
    return call.finding(
        "idle_length",
        f"has {TOTAL_LENGTH}={show(call.argument(TOTAL_LENGTH))}, which only counts where lengths are "
        f"wired. Wire them to “{LENGTHS}”, or take {TOTAL_LENGTH} out.",
        parameter=TOTAL_LENGTH,
        severity="warning",
    )


def _check_batch_first(call: Call, port: str) -> Finding | None:
    spec = call.tensor(port)
    if spec is None or len(spec.shape) != 3 or not has_batch(spec):
        return None
    first = call.argument("batch_first") is True
    if isinstance(spec.shape[0 if first else 1], str):
        return None
    if isinstance(spec.shape[2], str):
        return None  # said already: the batch as features
    if first:
        text = (
            f"reads {show(spec)}{call.out_of(port)} with the batch in front, since batch_first is True, "
            "but the batch stands second. Set batch_first to False."
        )
    else:
        text = (
            f"reads the batch of {show(spec)}{call.out_of(port)} as the steps of a sequence, since "
            "batch_first is False. Set batch_first to True."
        )
    return call.finding("batch_first", text, port=port, parameter="batch_first", severity="warning")


def _check_idle_dropout(call: Call) -> Finding | None:
    """Torch drops between stacked layers only."""
    dropout, layers = call.argument("dropout"), call.argument("num_layers")
    if not isinstance(dropout, int | float) or not dropout or layers != 1:
        return None
    return call.finding(
        "idle_dropout",
        f"has dropout={dropout}, which works between stacked layers, but num_layers=1: nothing is "
        "dropped. Set num_layers to 2, or insert Dropout behind it.",
        parameter="dropout",
        severity="warning",
    )


def check_causal(call: Call) -> Finding | None:
    """is_causal only describes the mask; torch refuses it without one."""
    for parameter in call.entry.call_parameters:
        if not parameter.name.endswith("is_causal") or call.argument(parameter.name) is not True:
            continue
        stem = parameter.name.removesuffix("is_causal")
        names = (f"{stem}mask",) if stem else ("attn_mask", "src_mask", "mask")
        port = next((name for name in names if call.entry.port(name) is not None), None)
        if port is None or port in call.inputs:
            continue
        spec = call.tensor("tgt" if stem in ("tgt_", "memory_") else None)
        length = spec.shape[1 if call.argument("batch_first") is True else 0] if spec else "L"
        size = f"{length}×{length}" if stem != "memory_" else "target × memory"
        return call.finding(
            "causal_mask",
            f"has {parameter.name}=True, which only describes a mask, but nothing is wired to “{port}”. "
            f"Wire a mask of {size} to it: an input of dtype bool (True: not seen), or ones_like, "
            "triu(diagonal=1) and bool behind a value of that shape. Or set "
            f"{parameter.name} to False.",
            port=port,
            parameter=parameter.name,
        )
    return None


def check_masks(call: Call) -> Finding | None:
    """Masks of 0 and 1, which torch refuses. As real numbers it would add them to the scores."""
    for port in call.entry.ports:
        spec = call.tensor(port.name)
        if spec is None or spec.dtype not in WHOLE or not port.name.endswith("mask"):
            continue
        true = "seen" if call.entry.kind == "operation" else "not seen"
        return call.finding(
            "needs_bool",
            f"takes True and False at “{port.name}” but receives whole numbers ({spec.dtype})"
            f"{call.from_(port.name)}. Turn them into True and False with .bool(), where True means "
            f"{true}.",
            port=port.name,
        )
    return None


def check_cell(call: Call) -> Finding | None:
    """One step: N×features."""
    spec = call.tensor()
    if found := _check_states(call):
        return found
    if spec is not None and len(spec.shape) not in (1, 2):
        way = "Take one step of the sequence, or use the layer without “Cell”."
        return call.finding(
            "rank", f"needs N×features but receives {show(spec)}{call.from_()}. {way}", port="input"
        )
    return check_last_size(call, "input_size", "input")


def check_attention(call: Call) -> Finding | None:
    """Heads divide the features; queries, keys and values fit together."""
    found = _check_sequence(call, "query") or check_last_size(call, "embed_dim", "query")
    found = found or _check_heads(call, "embed_dim", "num_heads")
    if found:
        return found
    for port, own in (("key", "kdim"), ("value", "vdim")):
        parameter = own if call.whole(own) is not None else "embed_dim"
        found = _check_sequence(call, port)
        spec, expected = call.tensor(port), call.whole(parameter)
        if (
            found is None
            and spec is not None
            and expected is not None
            and spec.shape[-1] != expected
        ):
            found = call.finding(
                "in_size",
                f"expects {parameter}={expected} features at “{port}” but receives {show(spec)}"
                f"{call.from_(port)}. Set {own} to {spec.shape[-1]}.",
                port=port,
                parameter=own,
            )
        if found:
            return found
    found = _check_lengths(call) or check_masks(call) or check_causal(call)
    return found or _check_batch_first(call, "query")


def _check_lengths(call: Call) -> Finding | None:
    """Keys and values in equal number, and one batch for all."""
    query, key, value = (call.tensor(port) for port in ("query", "key", "value"))
    if query is None or key is None or value is None:
        return None
    if key.shape[:-1] != value.shape[:-1]:
        return call.finding(
            "lengths",
            f"needs as many values as keys, but receives {show(key)} as key and {show(value)} as value.",
            port="value",
        )
    batch = 0 if call.argument("batch_first") is True else 1
    if len(query.shape) == len(key.shape) == 3 and query.shape[batch] != key.shape[batch]:
        return call.finding(
            "lengths",
            f"needs one batch size for query and key, but receives {show(query)} and {show(key)}.",
            port="key",
        )
    return None


def _check_heads(call: Call, size: str, heads: str) -> Finding | None:
    features, count = call.whole(size), call.whole(heads)
    if features is None or not count or count < 1 or features % count == 0:
        return None
    nearest = nearest_divisors(features, count)[:_MOST_DIVISORS]
    fitting = ", ".join(str(n) for n in sorted(nearest))
    return call.finding(
        "heads",
        f"splits {size}={features} among {heads}={count}, which does not divide it. Choose {heads} "
        f"among {fitting}.",
        parameter=heads,
    )


def nearest_divisors(number: int, wish: int) -> list[int]:
    """The divisors of a number, those nearest to a wish first (the smaller of two equally near)."""
    if number < 1:
        return [1]
    small = [d for d in range(1, min(int(number**0.5), 100_000) + 1) if number % d == 0]
    divisors = sorted({*small, *(number // d for d in small)})
    return sorted(divisors, key=lambda d: (abs(d - wish), d))


def check_transformer(call: Call) -> Finding | None:
    """Heads divide d_model, and every sequence has d_model features."""
    ports = [p.name for p in call.entry.ports if not p.optional]
    found = None
    for port in ports:
        found = found or _check_sequence(call, port) or check_last_size(call, "d_model", port)
    found = found or _check_heads(call, "d_model", "nhead")
    found = found or check_masks(call) or check_causal(call)
    return found or _check_batch_first(call, ports[0])


def check_embedding(call: Call) -> Finding | None:
    """Whole numbers in: which rows to look up."""
    spec = call.tensor()
    if spec is None or spec.dtype in ("int64", "int32"):
        return None
    return call.finding(
        "float_input",
        f"looks up whole numbers (int64) but receives {spec.dtype}{call.from_()}. Give the input the "
        "dtype int64, turn it into whole numbers with .long(), or use Linear for real numbers.",
        port="input",
    )


def check_one_hot(call: Call) -> Finding | None:
    """The number of classes, which torch would else read off the data."""
    if call.argument("num_classes") not in (-1, None):
        return None
    return call.finding(
        "value",
        "has no num_classes, so its result would be as wide as the largest number in the data, and no "
        "layer behind it could be built. Set num_classes to the number of classes.",
        parameter="num_classes",
    )


CHECKS = {
    "torch.nn.functional.one_hot": (check_one_hot,),
    "torch.nn.functional.scaled_dot_product_attention": (check_attention_values, check_masks),
    **{f"torch.nn.{kind}": (check_recurrent,) for kind in ("RNN", "LSTM", "GRU")},
    **{f"torch.nn.{kind}Cell": (check_cell,) for kind in ("RNN", "LSTM", "GRU")},
    "torch.nn.MultiheadAttention": (check_attention,),
    **{
        f"torch.nn.{kind}": (check_transformer,)
        for kind in (
            "Transformer",
            "TransformerEncoder",
            "TransformerDecoder",
            "TransformerEncoderLayer",
            "TransformerDecoderLayer",
        )
    },
    "torch.nn.Embedding": (check_embedding,),
    "torch.nn.EmbeddingBag": (check_embedding,),
}
