"""train.py: a plain loop, to read and to change, that gives the numbers the app gives.

The same order of random draws (model, then a shuffle an epoch), the same arithmetic, one thread: the
losses are those of a run on the processor to the last bit. The proof of a project holds it to that.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final

from builder.errors import JobRefused
from builder.export.subject import Subject
from builder.graph.model import Graph
from builder.graph.modes import main_place
from builder.training.optimizers import get_optimizer
from builder.training.prepare import Plan

RESERVED: Final = frozenset(
    {
        "BATCH_SIZE", "DEVICE", "EPOCHS", "EVALUATION_ROWS", "SEED", "DataLoader", "Tensor",
        "TensorDataset", "F", "Any", "OrderedDict", "Network", "Path", "Rows", "Values",
        "load_data", "load_rows", "main", "measured", "train_one_epoch", "evaluate", "figures",
        "history", "load_file", "parts", "nn", "torch", "np", "split", "standardised", "told",
        "argparse", "json", "test", "loaded",
    }
)  # fmt: skip
"""Names that the scripts use: a class of the model of the same name gets another beside them."""


START: Final = "start.safetensors"
"""Beside train.py, where it does not start from the weights that its seed draws."""


@dataclass(frozen=True)
class Script:
    """The pieces of a training script: `train.py` puts them into one file, a notebook into cells."""

    imports: str
    settings: str
    functions: str
    main: str


def train_script(subject: Subject, plan: Plan, title: str) -> str:
    """The text of train.py, beside model.py and data.py."""
    own_class = subject.class_name
    alias = " as Network" if own_class in RESERVED else ""
    model_import = f"from model import {own_class}{alias}\n" if own_class else ""
    makes = "Network()" if alias else subject.makes
    script = script_of(subject, plan, makes, goes_on=True)
    return (
        f'"""Trains the network on {title}: the losses are those of Layerwise on one thread.\n\n'
        "`python train.py` writes the trained weights to trained.pt, and every figure to history.json.\n"
        '`python train.py --from weights.safetensors` goes on from weights.\n"""\n\n'
        f"{script.imports}\n"
        f"from data import load_data\n{model_import}\n"
        f"{script.settings}\n\n{script.functions}\n\n"
        "def main(epochs: int = EPOCHS, weights: str = "
        '"") -> list[dict[str, dict[str, float]]]:\n'
        '    """Trains from the first epoch to the last and gives the figures of each.\n\n'
        "    `weights`: a file to go on from; the optimizer and the order of the rows start anew.\n"
        '    """\n'
        f"{textwrap.indent(script.main, '    ')}"
        '    torch.save(model.state_dict(), "trained.pt")\n'
        '    written = json.dumps({"epochs": history, "test": test}, indent=1)\n'
        '    Path("history.json").write_text(written, "utf-8")\n'
        "    return history\n\n\n"
        f"{_LOADED}\n\n"
        f"{_COMMAND}"
    )


def script_of(subject: Subject, plan: Plan, makes: str, *, goes_on: bool = False) -> Script:
    """The pieces.

    Args: makes: what makes the model, "" where model.py makes it when it is imported. goes_on: whether
          `weights` may name a file to start from.
    """
    settings = plan.settings
    device = (
        '"cpu"'
        if settings.device == "cpu"
        else '"cuda" if torch.cuda.is_available() else "cpu"  # the run had a GPU'
    )
    return Script(
        _IMPORTS_OF_A_FILE if goes_on else _IMPORTS,
        f"SEED = {settings.seed}\nEPOCHS = {settings.epochs}\nBATCH_SIZE = {settings.batch_size}\n"
        f"EVALUATION_ROWS = {plan.evaluation_rows}  # at once, where nothing is learned\n"
        f"DEVICE = {device}\n",
        f"{_FIGURES[plan.loss.metrics]}\n\n{_functions(plan.project.graph)}",
        _main(plan, makes, optimizer_call(subject, plan), subject.start is not None, goes_on),
    )


def optimizer_call(subject: Subject, plan: Plan) -> str:
    """`torch.optim.Adam(model.parameters(), lr=0.001, …)`, with every option written out."""
    entry, settings = get_optimizer(plan.settings.optimizer), plan.settings
    trained = _parameters(subject)
    if not any(trained.values()):
        raise JobRefused("This network has nothing to train. Add a layer with weights.")
    every = all(trained.values())
    parameters = (
        "model.parameters()" if every else "[p for p in model.parameters() if p.requires_grad]"
    )
    chosen = {o.name: settings.options.get(o.name, o.default) for o in entry.options}
    arguments = {"lr": settings.learning_rate, **entry.arguments(chosen)}
    if entry.fused and not _sparse(subject):
        arguments["fused"] = True  # another implementation rounds differently
    listed = ",\n    ".join(
        [parameters, *(f"{name}={value!r}" for name, value in arguments.items())]
    )
    return f"torch.optim.{entry.torch_name}(\n    {listed},\n)"


def _parameters(subject: Subject) -> dict[str, bool]:
    """Which parameters learn."""
    from builder.code import build_hollow

    module = build_hollow(subject.graph, subject.style, report=subject.report)
    return {name: p.requires_grad for name, p in module.named_parameters()}


def _sparse(subject: Subject) -> bool:
    from builder.code import build_hollow

    module = build_hollow(subject.graph, subject.style, report=subject.report)
    return any(getattr(layer, "sparse", False) is True for layer in module.modules())


def _main(plan: Plan, makes: str, optimizer: str, start: bool, goes_on: bool) -> str:
    made = f"model = {makes}.to(DEVICE)\n" if makes else _IMPORTED
    if start:
        made += f'model.load_state_dict(load_file(Path(__file__).with_name("{START}")))\n'
    if goes_on:
        made += "if weights:\n    model.load_state_dict(loaded(weights))\n"
    return (
        "torch.set_num_threads(1)  # sums that threads share round differently\n"
        "parts = {name: (x.to(DEVICE), y.to(DEVICE)) for name, (x, y) in load_data().items()}\n"
        "torch.manual_seed(SEED)\n"
        f"{made}"
        f"loss_of = nn.{plan.loss.torch_name}()\n"
        f"optimizer = {optimizer}\n"
        "rows = torch.utils.data.DataLoader(\n"
        '    torch.utils.data.TensorDataset(*parts["train"]),\n'
        "    batch_size=BATCH_SIZE,\n"
        "    shuffle=True,\n"
        ")\n"
        "history = []\n"
        "for epoch in range(1, epochs + 1):\n"
        '    measured = {"train": train_one_epoch(model, loss_of, optimizer, rows)}\n'
        '    if "validation" in parts:\n'
        '        measured["validation"] = evaluate(model, loss_of, *parts["validation"])\n'
        "    history.append(measured)\n"
        '    print(f"epoch {epoch}/{epochs}: {told(measured)}")\n'
        'test = evaluate(model, loss_of, *parts["test"]) if "test" in parts else {}\n'
        "if test:\n"
        '    print(told({"test": test}))\n'
    )


def _functions(graph: Graph) -> str:
    place = main_place(graph)
    if place is None:
        return _FUNCTIONS
    main = f"output = model(x)[{place}]  # the others are auxiliary, and given while training only"
    return _FUNCTIONS.replace("output = model(x)", main, 1)


_IMPORTED = (
    "from model import model as made  # draws its weights when it is imported: after the seed\n\n"
    "model = made.to(DEVICE)\n"
)

_IMPORTS = """import torch
from torch import Tensor, nn
"""
_IMPORTS_OF_A_FILE = """import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
"""

_FUNCTIONS = '''def train_one_epoch(
    model: nn.Module,
    loss_of: nn.Module,
    optimizer: torch.optim.Optimizer,
    rows: torch.utils.data.DataLoader[tuple[Tensor, ...]],
) -> dict[str, float]:
    """One pass over the training rows, in a new order each time."""
    losses, outputs, targets = [], [], []
    model.train()
    for x, y in rows:
        optimizer.zero_grad()
        output = model(x)
        loss = loss_of(output, y)
        loss.backward()
        optimizer.step()
        losses.append((loss.item(), len(y)))
        outputs.append(output.detach())
        targets.append(y)
    mean = sum(loss * count for loss, count in losses) / sum(count for _, count in losses)
    return {"loss": mean, **figures(torch.cat(outputs), torch.cat(targets))}


@torch.no_grad()
def evaluate(model: nn.Module, loss_of: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """The figures on rows that are not learned from."""
    losses, outputs = [], []
    steps = (torch.split(part, EVALUATION_ROWS) for part in (x, y))
    model.eval()
    with torch.random.fork_rng():  # a layer that draws here too changes no draw of training
        for rows, wanted in zip(*steps, strict=True):
            output = model(rows.clone())
            losses.append((loss_of(output, wanted).item(), len(wanted)))
            outputs.append(output)
    mean = sum(loss * count for loss, count in losses) / len(y)
    return {"loss": mean, **figures(torch.cat(outputs), y)}


def told(measured: dict[str, dict[str, float]]) -> str:
    """The figures in a line, with four digits each."""
    return "; ".join(
        f"{part} " + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        for part, numbers in measured.items()
    )
'''

_LOADED = '''def loaded(path: str) -> dict[str, Tensor]:
    """The weights in a .safetensors file, or in one of torch.save."""
    if path.endswith(".safetensors"):
        return dict(load_file(path))
    return dict(torch.load(path, weights_only=True))
'''

_COMMAND = """if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Trains the network.")
    asked.add_argument(
        "--from",
        dest="weights",
        default="",
        metavar="FILE",
        help="weights to go on from: weights.safetensors, trained.pt",
    )
    asked.add_argument("--epochs", type=int, default=EPOCHS, help=f"how many ({EPOCHS})")
    given = asked.parse_args()
    if given.epochs < 1:
        asked.error(f"--epochs is {given.epochs}, but one is the least.")
    if given.weights and not Path(given.weights).is_file():
        asked.error(f"there is no file {given.weights} to go on from.")
    main(**vars(given))
"""

_SHARE = '''def figures(output: Tensor, y: Tensor) -> dict[str, float]:
    """The share of right answers."""
    return {"accuracy": (%s).double().mean().item()}
'''
_FIGURES = {
    "classes": _SHARE % "output.argmax(1) == y",
    "logits": _SHARE % "(output > 0) == (y > 0.5)",
    "probabilities": _SHARE % "(output > 0.5) == (y > 0.5)",
    "numbers": '''def figures(output: Tensor, y: Tensor) -> dict[str, float]:
    """How far the answers are off: the mean, and the root of the mean of the squares."""
    miss = output.double() - y.double()
    return {"mae": miss.abs().mean().item(), "rmse": miss.square().mean().sqrt().item()}
''',
}
