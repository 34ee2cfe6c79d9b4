"""Every starter design opens, has no problem, and is the network its card says."""

from __future__ import annotations

import pytest

from builder import gallery
from builder.errors import NotFound
from builder.graph.model import format_value
from builder.graph.project import from_json, to_json
from builder.graph.shapes import infer_shapes

# Parameters and output, worked out by hand or known from the literature.
KNOWN = {
    "mlp_784_sequential": (784 * 128 + 128 + 128 * 10 + 10, "N×10"),
    "mlp_784_module": (784 * 128 + 128 + 128 * 10 + 10, "N×10"),
    "mlp_16_named": (16 * 12 + 12 + 12 * 10 + 10 + 10 + 1, "N×1"),
    "mlp_16_functional": (345, "N×1"),
    "mlp_16_mixed": (345, "N×1"),
    "linear_regression": (2, "N×1"),
    "mlp_10_50_2": (10 * 50 + 50 + 50 * 2 + 2, "N×2"),
    "cnn_3x32x32": (448 + 4640 + 2048 * 128 + 128 + 1290, "N×10"),
    "two_branches": (55 + 55 + 11, "N×1"),
    "sigmoid_2_5_10_3": (108, "N×3"),
    "mlp_10_20_10_1": (220 + 210 + 11, "N×1"),
    "lenet5": (61_706, "N×10"),
    "siamese": (80 + 8 * 13 * 13 * 32 + 32 + 33, "N×1"),  # the encoder's weights count once
    "resnet18": (11_689_512, "N×1000"),  # torchvision's
    "unet": (116_770, "N×2×64×64"),
}


@pytest.mark.parametrize("key", gallery.designs())
def test_a_design_opens_without_problems(key: str) -> None:
    project = gallery.project(key)
    report = infer_shapes(project.graph)
    assert report.problems == ()
    assert from_json(to_json(project)) == project


@pytest.mark.parametrize("key", KNOWN)
def test_a_design_is_the_network_it_says(key: str) -> None:
    graph = gallery.project(key).graph
    report = infer_shapes(graph)
    shape = format_value(report.nodes[graph.outputs[0].id].result)
    assert (report.totals.parameters, shape) == KNOWN[key]


def test_every_card_teaches_in_one_line() -> None:
    for card in gallery.designs().values():
        assert card.title and card.path.exists()
        assert 30 <= len(card.lesson) <= 110 and card.lesson.endswith("."), card.lesson


def test_every_file_has_a_card() -> None:
    files = {p.stem for p in gallery.designs()["lenet5"].path.parent.glob("*.json")}
    assert files == set(gallery.designs())


def test_a_typo_offers_the_nearest_design() -> None:
    with pytest.raises(NotFound, match="lenet5"):
        gallery.project("lenet-5")


@pytest.mark.parametrize("key", [d.key for d in gallery.designs().values() if d.data])
def test_a_design_with_data_can_be_trained_as_it_comes(key: str) -> None:
    from builder import load_dataset
    from builder.data import DataChoice, disagreements
    from builder.training.settings import TrainingSettings

    project = gallery.project(key)
    assert project.data is not None
    choice = DataChoice.from_json(project.data)
    assert choice.source == gallery.designs()[key].data
    assert disagreements(project.graph, load_dataset(choice)) == ()
    assert TrainingSettings.from_json(project.training or {}).epochs >= 20


def test_the_transformer_sees_the_order_of_its_tokens() -> None:
    import torch

    from builder.code import module_from_source, write_code

    torch.manual_seed(0)
    model = module_from_source(write_code(gallery.project("transformer").graph, "module")).eval()
    tokens = torch.randint(0, 1000, (1, 50))
    with torch.no_grad():
        assert not torch.allclose(model(tokens), model(tokens.flip(1)), atol=1e-4)


def test_the_autoencoder_comes_with_its_goal() -> None:
    assert gallery.project("autoencoder").training == {"goal": "input"}
