"""What a person types, and what they find."""

from __future__ import annotations

import pytest

from builder.catalogue import entries, search


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Linear", "Linear"),
        ("fully connected", "Linear"),
        ("dense", "Linear"),
        ("conv layer", "Conv2d"),
        ("conv2d", "Conv2d"),
        ("torch.nn.Conv1d", "Conv1d"),
        ("batchnorm", "BatchNorm2d"),
        ("batch norm 1d", "BatchNorm1d"),
        ("max pooling", "MaxPool2d"),
        ("global average pooling", "AdaptiveAvgPool2d"),
        ("lstm memory", "LSTM"),
        ("activation", "ReLU"),
        ("relu", "ReLU"),
        ("swish", "SiLU"),
        ("shortcut", "add"),
        ("skip connection", "add"),
        ("residual", "add"),
        ("+", "add"),
        ("concatenate", "cat"),
        ("join", "cat"),
        ("merge", "cat"),
        ("slice", "getitem"),
        ("self attention", "MultiheadAttention"),
        ("word vectors", "Embedding"),
        ("deconvolution", "ConvTranspose2d"),
        ("resize", "Upsample"),
        ("unsqueeze", "unsqueeze"),
        ("matrix multiplication", "matmul"),
        ("probabilities", "Softmax"),
    ],
)
def test_everyday_words_find_it(typed: str, first: str) -> None:
    assert search(typed)[0].name == first


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("linaer", "Linear"),
        ("softmx", "Softmax"),
        ("dropuot", "Dropout"),
        ("convolutoin", "Conv2d"),
        ("flaten", "Flatten"),
        ("fuly connected", "Linear"),
        ("embeding", "Embedding"),
    ],
)
def test_a_slip_of_the_finger_is_forgiven(typed: str, meant: str) -> None:
    assert meant in [entry.name for entry in search(typed)[:4]]


def test_a_family_lists_its_members() -> None:
    assert {e.family for e in search("recurrent", limit=6)} == {"recurrent"}
    assert "Conv3d" in [e.name for e in search("convolution", limit=10)]


def test_nothing_typed_lists_the_palette() -> None:
    assert [e.key for e in search("", limit=1000)] == list(entries())
    assert search("  ", limit=3) == list(entries().values())[:3]


def test_nonsense_finds_nothing_and_harms_nothing() -> None:
    for typed in ("qqqzzz", "<script>", "((((", "x" * 100_000, "🦆", "\x00"):
        assert isinstance(search(typed), list)
    assert search("qqqzzz") == []


def test_each_entry_is_found_by_its_name() -> None:
    for entry in entries().values():
        assert entry.name in [found.name for found in search(entry.name, limit=4)]


def test_limit_is_kept() -> None:
    assert len(search("conv", limit=2)) == 2
