"""Packed sequences are read as one call of the layer, which is told the lengths, and run exactly."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from builder.code import build_module, write_code
from builder.code.reading import Read, read_here
from builder.errors import CodeRefused
from builder.graph.model import Ref
from tests.code.reading.harness import check, executed

HEAD = """import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

"""
N_STEPS, STEPS_N = ["int64[N,7]", "int64[N]"], ["int64[7,N]", "int64[N]"]

SENTIMENT = (
    HEAD
    + """
class Sentiment(nn.Module):
    def __init__(self, words=30, hidden=6):
        super().__init__()
        self.embedding = nn.Embedding(words, 5, padding_idx=0)
        self.encoder = nn.LSTM(5, hidden, num_layers=2, bidirectional=True, dropout=0.2, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(2 * hidden, 1)

    def forward(self, tokens, lengths):
        vectors = self.drop(self.embedding(tokens))
        packed = pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (state, _) = self.encoder(packed)
        both = torch.cat((state[-2], state[-1]), dim=1)
        return self.head(self.drop(both)).squeeze(1)
"""
)

ENCODER = (
    HEAD
    + """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.rnn = nn.GRU(5, 6, bidirectional=True)
        self.fc = nn.Linear(12, 4)

    def forward(self, source, source_lengths):
        embedded = self.embedding(source)
        packed = pack_padded_sequence(embedded, source_lengths.to("cpu"))
        outputs, hidden = self.rnn(packed)
        outputs, _ = pad_packed_sequence(outputs)
        hidden = torch.tanh(self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1)))
        return outputs[:, :, :6] + outputs[:, :, 6:], hidden
"""
)

MEAN = (
    HEAD
    + '''
class Mean(nn.Module):
    """The mean over the words that are there, and the lengths that came back."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.rnn = nn.RNN(5, 6, batch_first=True)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embedding(words), lengths.tolist(), True, False)
        packed, _ = self.rnn(packed)
        steps, counted = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        return steps.sum(1) / counted.unsqueeze(1), counted
'''
)

STACKED = (
    HEAD
    + '''
class Stacked(nn.Module):
    """Two layers, one on the packed output of the other, begun with the state of the first."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.below = nn.GRU(5, 6, batch_first=True)
        self.above = nn.GRU(6, 6, batch_first=True)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(
            self.embedding(words), lengths.data.cpu().numpy(), batch_first=True, enforce_sorted=False
        )
        packed, state = self.below(packed)
        packed, state = self.above(packed, state)
        return pad_packed_sequence(packed, batch_first=True)[0], state
'''
)

PADDED = (
    HEAD
    + """
class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.rnn = nn.LSTM(5, 6, batch_first=True)
        self.fc = nn.Linear(6 * 7, 3)

    def forward(self, words, lengths):
        x = self.embedding(words)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, _ = self.rnn(packed)
        out, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.size(1))
        return self.fc(out.flatten(1)), out + 1
"""
)

INSIDE = (
    HEAD
    + '''
class Reader(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.rnn = nn.GRU(size, 6, batch_first=True)

    def forward(self, packed):
        return self.rnn(packed)


class Net(nn.Module):
    """The packed value goes into a module of the text, and out of it."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.reader = Reader(5)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embedding(words), lengths, batch_first=True)
        packed, state = self.reader(packed)
        if isinstance(packed, nn.utils.rnn.PackedSequence):
            packed = packed.to(words.device)
        return pad_packed_sequence(packed, batch_first=True)[0], state
'''
)

BLOCK = (
    HEAD
    + '''
class Reader(nn.Module):
    def __init__(self, size, hidden):
        super().__init__()
        self.rnn = nn.LSTM(size, hidden, batch_first=True)

    def forward(self, x, lengths):
        total = x.size(1)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed, _ = self.rnn(packed)
        return pad_packed_sequence(packed, batch_first=True, total_length=total)[0]


class Net(nn.Module):
    """A block with a port for the lengths, used twice."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.first = Reader(5, 6)
        self.second = Reader(6, 4)

    def forward(self, words, lengths):
        lengths = lengths.cpu()
        return self.second(self.first(self.embedding(words), lengths), lengths)
'''
)

TEXTS = {
    "Sentiment": (SENTIMENT, N_STEPS),
    "Encoder": (ENCODER, STEPS_N),
    "Mean": (MEAN, N_STEPS),
    "Stacked": (STACKED, N_STEPS),
    "Padded": (PADDED, N_STEPS),
    "Net()": (INSIDE, N_STEPS),
    "Net( )": (BLOCK, N_STEPS),
}

LENGTHS = [[7, 5, 2], [4, 4, 1], [3, 1, 1], [1, 1, 1], [7, 7, 7]]


def same_for_all_lengths(read: Read, source: str, by_steps: bool, is_sorted: bool) -> None:
    """Outputs, and the gradients of all weights, bit for bit, for batches of several lengths."""
    theirs, ours = executed(source, read.target), build_module(read.graph)
    ours.load_state_dict(theirs.state_dict())
    for lengths in LENGTHS:
        torch.manual_seed(3)
        words = torch.randint(1, 30, (7, 3) if by_steps else (3, 7))
        told = torch.tensor(lengths if is_sorted else lengths[::-1])
        results: list[Any] = []
        for model in (theirs, ours):
            model.zero_grad()
            torch.manual_seed(4)
            given = model(words.clone(), told.clone())
            parts = given if isinstance(given, tuple) else (given,)
            sum((p * 1.5).sum() for p in parts if p.is_floating_point()).backward()
            results.append([*parts, *(p.grad for p in model.parameters())])
        for one, other in zip(*results, strict=True):
            assert one.shape == other.shape and one.dtype == other.dtype
            assert torch.equal(one, other), lengths


@pytest.mark.parametrize("name", TEXTS)
def test_it_is_the_original_for_every_length(name: str) -> None:
    source, inputs = TEXTS[name]
    read = check(source, f"{name.removesuffix('()').removesuffix('( )')}()", inputs, below=30)
    is_sorted = "enforce_sorted" not in source and "True, False" not in source
    same_for_all_lengths(read, source, inputs is STEPS_N, is_sorted)


def test_the_three_lines_are_one_call_of_the_layer() -> None:
    graph = read_here(SENTIMENT, "Sentiment()", N_STEPS).graph
    call = graph.nodes["encoder"]
    assert call.arguments == {
        "input": Ref("drop"),
        "lengths": Ref("lengths"),
        "enforce_sorted": False,
    }
    text = write_code(graph)
    assert "from torch.nn.utils.rnn import pack_padded_sequence\n" in text
    assert "pad_packed_sequence" not in text  # nobody reads the output
    assert "        _, (h_n, _) = self.encoder(packed)  # (4, N, 6)\n" in text


@pytest.mark.parametrize(("name", "inputs"), [("Sentiment", N_STEPS), ("Encoder", STEPS_N)])
def test_inputs_that_nobody_says_are_found(name: str, inputs: list[str]) -> None:
    found = read_here(TEXTS[name][0], f"{name}()").graph.inputs
    specs = [node.spec.shape for node in found if node.spec]
    assert [shape.index("N") for shape in specs] == [0 if inputs is N_STEPS else 1, 0]
    assert all(node.spec and node.spec.dtype == "int64" for node in found)


def test_what_the_shapes_assume_is_told() -> None:
    notes = [text for _, text in read_here(ENCODER, "Encoder()", STEPS_N).notes]
    assert notes == [
        "The output of “rnn” is as long as the longest sequence of a batch; its shape here assumes that "
        "one fills the input."
    ]
    assert not read_here(SENTIMENT, "Sentiment()", N_STEPS).notes
    assert not read_here(PADDED, "Padded()", N_STEPS).notes


# The batch in front or behind ----------------------------------------------------------------------


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("layer", [True, False])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_batch_first_of_each_line_means_what_it_means_in_torch(
    is_sorted: bool, layer: bool, packed: bool, padded: bool
) -> None:
    """The layer's own says nothing of packed sequences: where another is meant, the two are exchanged."""
    source = f"""{HEAD}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5)
        self.rnn = nn.GRU(5, 6, batch_first={layer})

    def forward(self, words, lengths):
        x = self.embedding(words)
        p = pack_padded_sequence(x, lengths, batch_first={packed}, enforce_sorted={is_sorted})
        p, h = self.rnn(p)
        y, _ = pad_packed_sequence(p, batch_first={padded})
        return y.mean(-1), y.sum(0), h
"""
    read = check(source, "Net()", N_STEPS if packed else STEPS_N, below=30)
    same_for_all_lengths(read, source, not packed, is_sorted)


# Lengths -------------------------------------------------------------------------------------------


def tagger(forward: str, layers: str = "self.rnn = nn.GRU(5, 6, batch_first=True)") -> str:
    lines = "".join(f"        {line}\n" for line in forward.splitlines())
    made = "".join(f"        {line}\n" for line in layers.splitlines())
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{made}"
        f"    def forward(self, x, lengths):\n{lines}"
    )


SIZES = ["float32[N,7,5]", "int64[N]"]


def test_lengths_that_are_real_numbers_are_cut_off_as_torch_does() -> None:
    source = tagger(
        "p = pack_padded_sequence(x, lengths * 1.0, True, False)\nreturn self.rnn(p)[1]"
    )
    graph = check(source, "Net()", SIZES).graph
    assert any(node.target == "torch.Tensor.long" for node in graph.nodes.values())


def test_lengths_may_be_counted_from_the_words() -> None:
    source = f"""{HEAD}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 5, padding_idx=0)
        self.rnn = nn.GRU(5, 6, batch_first=True)

    def forward(self, words):
        lengths = (words != 0).sum(dim=1).clamp(min=1)
        packed = pack_padded_sequence(
            self.embedding(words), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        return self.rnn(packed)[1].squeeze(0)
"""
    check(source, "Net()", ["int64[N,7]"], below=3)


@pytest.mark.parametrize(
    "lengths",
    ["lengths.numpy()[::-1]", "sorted(lengths.tolist())", "[7, 7]", "lengths.tolist() * 2", "7"],
)
def test_numbers_that_something_was_done_to_are_no_lengths_here(lengths: str) -> None:
    source = tagger(f"p = pack_padded_sequence(x, {lengths}, True)\nreturn self.rnn(p)[1]")
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", SIZES)
    assert caught.value.line == 10


# What cannot be kept -------------------------------------------------------------------------------

PACK = "p = pack_padded_sequence(x, lengths, batch_first=True)\n"


@pytest.mark.parametrize(
    ("forward", "line", "words"),
    [
        (PACK + "p, h = self.rnn(p)\nreturn p.data", 12, "“.data” of packed sequences"),
        (PACK + "p, h = self.rnn(p)\nreturn torch.relu(p[0])", 12, "depend on the data"),
        (PACK + "data, sizes, _, _ = self.rnn(p)[0]\nreturn data", 11, "depend on the data"),
        (PACK + "p, h = self.rnn(p)\nreturn p", 12, "no tensor but packed sequences"),
        (PACK + "p, h = self.rnn(p)\nreturn torch.relu(p)", 12, "needs a tensor"),
        (PACK + "return self.fc(p)", 11, "nn.Linear cannot take packed sequences"),
        (PACK + "return pad_packed_sequence(p)[0]", 11, "no layer stands in between"),
        (
            PACK + "p, h = self.rnn(p)\nreturn pad_packed_sequence(p, True, padding_value=-1.0)[0]",
            12,
            "padding_value is another number",
        ),
        (
            "return self.rnn(nn.utils.rnn.pack_sequence([x[0], x[1]]))[1]",
            10,
            "Pad them where the data is loaded",
        ),
        ("return self.rnn(x, None, lengths)[0]", 10, "more values than it takes"),
        ("return self.rnn(x, lengths=lengths)[0]", 10, "cannot be given “lengths”"),
    ],
)
def test_what_a_graph_cannot_hold_is_refused_by_line_with_a_way_out(
    forward: str, line: int, words: str
) -> None:
    layers = "self.rnn = nn.GRU(5, 6, batch_first=True); self.fc = nn.Linear(5, 2)"
    with pytest.raises(CodeRefused) as caught:
        read_here(tagger(forward, layers), "Net()", SIZES)
    said = f"{caught.value.reason} {caught.value.help}"
    assert caught.value.line == line, said
    assert words in said


COUNTING = [
    "total = 0\nfor t in range(y.size(1)):\n    total = total + y[:, t] * t\nreturn total",
    "return torch.stack([row for row in y.transpose(0, 1)][::-1])",
    "return y * (3 if y.shape[1] == 7 else 2)",
    "return y / torch.sqrt(torch.tensor(float(y.size(1))))",
]


@pytest.mark.parametrize("behind", COUNTING)
def test_no_number_is_made_of_a_length_that_differs_from_batch_to_batch(behind: str) -> None:
    text = PACK + "p, h = self.rnn(p)\ny, _ = pad_packed_sequence(p, batch_first=True)\n" + behind
    with pytest.raises(CodeRefused, match="longest sequence") as caught:
        read_here(tagger(text), "Net()", SIZES)
    assert caught.value.line == 12 and "total_length=x.size(1)" in caught.value.help


@pytest.mark.parametrize("behind", COUNTING)
def test_with_a_total_length_the_steps_may_be_counted(behind: str) -> None:
    unpacked = "y, _ = pad_packed_sequence(p, batch_first=True, total_length=7)\n"
    source = tagger(PACK + "p, h = self.rnn(p)\n" + unpacked + behind)
    check(source, "Net()", SIZES)


def test_sizes_asked_while_it_runs_are_those_of_the_batch() -> None:
    text = PACK + (
        "p, h = self.rnn(p)\ny, _ = pad_packed_sequence(p, batch_first=True)\n"
        "return y.reshape(y.size(0) * y.size(1), -1), y.mean(1) * y.size(1), y[:, -1]"
    )
    read = check(tagger(text), "Net()", SIZES)
    theirs, ours = executed(tagger(text), "Net()"), build_module(read.graph)
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(3, 7, 5)
    for lengths in LENGTHS:
        told = torch.tensor(lengths)
        for one, other in zip(theirs(x, told), ours(x, told), strict=True):
            assert torch.equal(one, other)
