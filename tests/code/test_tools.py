"""`ruff check`, `ruff format --check` and `mypy --strict` have nothing to say about written code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from builder import catalogue
from builder.code import StyleRefused, styles, why_not_chain, write_code
from builder.code.registry import MANUAL
from builder.graph.model import Graph
from builder.graph.project import load_project
from tests.code.adversarial import NAMES
from tests.code.golden_networks import GOLDEN
from tests.code.networks import example_graph, whole_tuples
from tests.code.norm_networks import NETWORKS as NORMS
from tests.code.test_inline import wrapped_chains
from tests.code.test_names import named
from tests.code.weight_networks import NETWORKS as WEIGHTS
from tests.strategies import graphs

DESIGNS = Path(__file__).parents[2] / "builder" / "gallery" / "designs"


def networks() -> Iterator[tuple[str, Graph]]:
    for key, entry in catalogue.entries().items():
        yield key.replace(".", "_"), example_graph(entry)
    for path in sorted(DESIGNS.glob("*.json")):
        yield f"design_{path.stem}".replace("-", "_"), load_project(path).graph
    for name, (network, _) in GOLDEN.items():
        yield f"golden_{name}", network()
    for number, name in enumerate(NAMES):
        yield f"name_{number}", named(name)
    for name, owning in WEIGHTS.items():
        yield f"weights_{name}", owning()
    for name, norms in NORMS.items():
        yield f"norms_{name.replace(' ', '_').replace('.', '_')}", norms()
    for name, graph in whole_tuples().items():
        yield f"tuple_{name}", graph
    yield from random_networks("random", graphs(), 60)
    yield from random_networks("wrapped", wrapped_chains(), 30)


def random_networks(
    name: str, strategy: SearchStrategy[Graph], count: int
) -> list[tuple[str, Graph]]:
    found: list[tuple[str, Graph]] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(graph: Graph) -> None:
        found.append((f"{name}_{len(found)}", graph))

    collect()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every network in every style it can be written in: some 900 files."""
    folder = tmp_path_factory.mktemp("written")
    for name, graph in networks():
        for style in styles().values():
            if style.chain_only and why_not_chain(graph) is not None:
                continue
            try:
                text = write_code(graph, style.key)
            except StyleRefused:  # by hand, for what has no short formula
                assert style.key == MANUAL
                continue
            (folder / f"{name}_{style.key}.py").write_text(text, encoding="utf-8")
    return folder


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-3000:] or "failed"


@pytest.mark.xdist_group("written code")
def test_ruff_check_finds_nothing(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) > 800
    assert run("ruff", "check", "--isolated", "--no-cache", str(folder)) == ""


@pytest.mark.xdist_group("written code")
def test_ruff_format_changes_nothing(folder: Path) -> None:
    assert run("ruff", "format", "--isolated", "--no-cache", "--diff", str(folder)) == ""


@pytest.mark.xdist_group("written code")
def test_mypy_strict_finds_nothing(folder: Path) -> None:
    files = sorted(str(path) for path in folder.glob("*.py"))
    config = ["--config-file", "", "--strict", "--python-version", "3.11"]
    cache = ["--cache-dir", str(folder / ".cache")]
    assert run("mypy", *config, *cache, *files) == ""
