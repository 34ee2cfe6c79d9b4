"""The weights of tensors without a layer, of tied layers and of layers only kept, as they are listed."""

from __future__ import annotations

import pytest

from builder.code import build_module
from builder.inspection.layers import layers_of
from builder.inspection.weights import look_up, weights_of
from tests.code.weight_networks import NETWORKS, gpt, kept, vit


@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_of_the_state_is_listed_with_what_it_belongs_to(name: str) -> None:
    graph = NETWORKS[name]()
    module = build_module(graph)
    listed = weights_of(module.state_dict(), layers_of(graph))
    assert {w.name for w in listed} == set(module.state_dict())
    assert {w.name for w in listed if w.learned} == {
        n for n, _ in module.named_parameters(remove_duplicate=False)
    }
    assert all(w.layer for w in listed)


def test_a_tensor_is_found_by_its_name() -> None:
    graph = vit()
    listed = weights_of(build_module(graph).state_dict(), layers_of(graph))
    found = look_up("model.pos_embed[0, 1]", listed, layers_of(graph))
    assert found.index == (0, 1)
    assert found.layer is not None
    assert found.layer.words == "Parameter(1, 17, 32)"


def test_what_is_kept_or_tied_has_its_layer() -> None:
    titles = {
        w.name: w.layer for w in weights_of(build_module(kept()).state_dict(), layers_of(kept()))
    }
    assert titles["unused.weight"] == "unused · Linear"
    tied = {w.name: w.layer for w in weights_of(build_module(gpt()).state_dict(), layers_of(gpt()))}
    assert tied["head.weight"] == "head · Linear"
