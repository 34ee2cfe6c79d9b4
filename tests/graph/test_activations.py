"""The memory of what is computed: a layer made of others counts what lies inside it."""

from __future__ import annotations

import torch

from builder.graph.model import Ref
from builder.graph.report import NodeReport
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import Net


def encoder(layers: int) -> NodeReport:
    net = Net("N", 256, 64)
    net.owns("it", "TransformerEncoder", num_layers=layers, nhead=4, batch_first=True)
    net.call("it", "it", src=Ref("x"))
    return infer_shapes(net.done()).nodes["it"]


def recurrent(kind: str, steps: int) -> NodeReport:
    net = Net("N", steps, 8)
    net.layer("it", kind, hidden_size=32, batch_first=True)
    net.last = Ref("it", (0,))
    return infer_shapes(net.done()).nodes["it"]


def kept_by_autograd(layers: int) -> int:
    """Bytes that torch keeps for backward with a batch of one, without the weights."""
    layer = torch.nn.TransformerEncoderLayer(64, 4, batch_first=True)
    module = torch.nn.TransformerEncoder(layer, layers)
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(torch.randn(1, 256, 64))
    return sum(kept.values()) - sum(p.numel() * 4 for p in module.parameters())


def test_a_transformer_counts_what_its_layers_compute() -> None:
    found = encoder(2).activation_bytes
    assert 0.7 < found / kept_by_autograd(2) < 1.6
    assert found * 3 == encoder(6).activation_bytes


def test_a_recurrent_layer_counts_every_step() -> None:
    lstm = recurrent("LSTM", 100).activation_bytes
    assert lstm > 100 * 32 * 4 * 6  # four gates, the state and the cell
    assert lstm == 2 * recurrent("LSTM", 50).activation_bytes


def test_a_plain_layer_counts_its_own_result() -> None:
    net = Net("N", 3, 8, 8)
    net.layer("conv", "Conv2d", out_channels=4, kernel_size=3)
    net.layer("norm", "BatchNorm2d")
    net.layer("relu", "ReLU")
    found = infer_shapes(net.done()).nodes
    assert [found[n].activation_bytes for n in ("conv", "norm", "relu")] == [4 * 6 * 6 * 4] * 3
