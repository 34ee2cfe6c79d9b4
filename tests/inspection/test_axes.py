"""Every axis of a weight bears torch's own word, and its size is that argument's value."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from builder.inspection.axes import axis_names


@pytest.mark.parametrize(
    ("layer", "parameter", "names"),
    [
        (nn.Linear(3, 2), "weight", ("out_features", "in_features")),
        (nn.Linear(3, 2), "bias", ("out_features",)),
        (
            nn.Conv2d(4, 8, 3),
            "weight",
            ("out_channels", "in_channels", "kernel height", "kernel width"),
        ),
        (
            nn.ConvTranspose1d(4, 8, 3),
            "weight",
            ("in_channels", "out_channels", "kernel width"),
        ),
        (nn.Embedding(9, 5), "weight", ("num_embeddings", "embedding_dim")),
        (nn.LSTM(3, 2), "weight_ih_l0", ("4·hidden_size: gates i, f, g, o", "input_size")),
        (nn.GRU(3, 2), "weight_hh_l0", ("3·hidden_size: gates r, z, n", "hidden_size")),
        (nn.BatchNorm2d(6), "running_mean", ("num_features",)),
        (
            nn.TransformerEncoderLayer(8, 2, 16),
            "self_attn.in_proj_weight",
            ("3·embed_dim: query, key, value", "embed_dim"),
        ),
        (nn.TransformerEncoderLayer(8, 2, 16), "linear1.weight", ("dim_feedforward", "d_model")),
        (nn.BatchNorm2d(6), "num_batches_tracked", ()),
        (nn.LayerNorm((4, 5)), "weight", ("axis 0", "axis 1")),
    ],
)
def test_axes_are_named_as_torch_names_them(
    layer: nn.Module, parameter: str, names: tuple[str, ...]
) -> None:
    tensor = layer.state_dict()[parameter]
    assert axis_names(type(layer).__name__, parameter, tensor.dim()) == names


def test_the_sizes_are_those_of_the_arguments_named() -> None:
    layer = nn.Linear(3, 2)
    sizes = torch.tensor([getattr(layer, name) for name in axis_names("Linear", "weight", 2)])
    assert sizes.tolist() == list(layer.weight.shape)


def test_a_convolution_in_groups_says_so() -> None:
    assert axis_names("Conv1d", "weight", 3, grouped=True)[1] == "in_channels / groups"
