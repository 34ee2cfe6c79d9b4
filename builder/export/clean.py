"""The clean interpreter: `python -I clean.py FOLDER` carries out FOLDER/task.json, knowing nothing of us.

It reads files, never this package: what an exported file needs beside torch would be found here. Each
job of the task is answered in FOLDER/answers.json, with an error that names what went wrong; the values
that came out lie beside it, as tensors.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Carries out the task of a folder, job by job."""
    sys.modules["builder"] = None  # type: ignore[assignment]  # an import of Layerwise is an error
    task = json.loads((folder / "task.json").read_text("utf-8"))
    import torch

    _limit(task["memory_bytes"], task["cpu_seconds"])
    torch.set_num_threads(1)
    answers = [_answered(folder, job) for job in task["jobs"]]
    (folder / "answers.json").write_text(json.dumps(answers), "utf-8")


def _answered(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    import torch

    versions = {"python": platform.python_version(), "torch": str(torch.__version__)}
    try:
        return {"versions": versions, **_JOBS[job["kind"]](folder, job)}
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())[:300]
        return {"versions": versions, "error": f"{type(error).__name__}: {text}".rstrip(": ")}


def model_file(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """A model.py: imported, its weights loaded strictly, run."""
    model = _model(_imported(folder / job["file"], job["seed"]))
    tensors = _load_weights(model, folder / job["weights"])
    _run(folder, job, model)
    return {"tensors": tensors}


def by_hand(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """A file without a module: its own tensors, drawn from the seed, and its function."""
    forward = _imported(folder / job["file"], job["seed"]).forward
    _keep(folder, {**job, "training": False}, lambda *inputs, training: forward(*inputs))
    return {}


def project_folder(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """A project that was unpacked: its model with its weights, then its train.py for some epochs."""
    place = folder / job["project"]
    os.chdir(place)
    sys.path.insert(0, str(place))  # as `python train.py` does
    model = _model(_imported(place / "model.py", job["seed"]))
    tensors = _load_weights(model, place / job["weights"])
    _run(folder, job, model)
    history: Any = []
    if job["epochs"]:
        train = _imported(place / "train.py", None)
        history = train.main(epochs=job["epochs"])
    return {"tensors": tensors, "history": history}


def notebook(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """A notebook: its code cells in order, top to bottom; training for some epochs only."""
    cells = json.loads((folder / job["file"]).read_text("utf-8"))["cells"]
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        for node in tree.body:  # never the text: in a docstring a line may say anything
            match node:
                case ast.Assign(targets=[ast.Name(id="EPOCHS")], value=ast.Constant() as given):
                    given.value = job["epochs"]
        exec(compile(tree, f"cell {number}", "exec"), space)
    tensors = _load_weights(space["model"], folder / job["weights"])
    _run(folder, job, space["model"])
    return {"tensors": tensors, "history": space.get("history", [])}


def make_pt2(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Exports by torch.export, with the batch left open where the network allows it."""
    import torch

    model, inputs = _ready(folder, job)

    def export(axes: Any) -> Any:
        shapes = _open(model, axes, torch.export.Dim.AUTO)
        program = torch.export.export(model, inputs, dynamic_shapes=shapes)
        if axes:
            _same_for_less(model, inputs, axes, program.module())
        return program

    program, batch = _with_any_batch(job, export)
    extra = {"proof.json": json.dumps({**job["proof"], "batch": batch})}
    torch.export.save(program, folder / job["gives"], extra_files=extra)
    return {"batch": batch}


def run_pt2(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """A .pt2 file, loaded and run."""
    import torch

    program = torch.export.load(folder / job["file"]).module()
    _keep(folder, {**job, "training": False}, lambda *inputs, training: program(*inputs))
    return {}


def make_onnx(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Exports by torch.onnx, with the batch left open where the network allows it."""
    import torch

    model, inputs = _ready(folder, job)
    path = folder / job["gives"]

    def export(axes: Any) -> Any:
        shapes = _open(model, axes, torch.export.Dim.DYNAMIC)
        made = torch.onnx.export(model, inputs, dynamo=True, dynamic_shapes=shapes, verbose=False)
        assert made is not None
        made.save(path, external_data=False)
        if axes:
            _same_for_less(model, inputs, axes, _in_onnxruntime(path))
        return made

    made, batch = _with_any_batch(job, export)
    with torch.no_grad():
        wanted = [value for _, value in flattened(model(*inputs))]
    given = _in_onnxruntime(path)(*inputs)
    pairs = [
        (a, b)
        for a, b in zip(given, wanted, strict=True)
        if a.numel() and a.dtype.is_floating_point
    ]
    largest = max((float((a - b).abs().max()) for a, b in pairs), default=0.0)
    proof = {**job["proof"], "batch": batch, "max_difference": largest}
    made.model.metadata_props["layerwise_proof"] = json.dumps(proof)
    made.save(path, external_data=False)
    return {"batch": batch}


def run_onnx(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """An .onnx file, checked by onnx and run by onnxruntime."""
    import onnx

    path = folder / job["file"]
    onnx.checker.check_model(str(path), full_check=True)
    run = _in_onnxruntime(path)
    _keep(folder, {**job, "training": False}, lambda *inputs, training: run(*inputs))
    return {}


def _in_onnxruntime(path: Path) -> Callable[..., Any]:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def call(*inputs: Any) -> Any:
        names = [value.name for value in session.get_inputs()]
        given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return [torch.from_numpy(value.copy()) for value in session.run(None, given)]

    return call


def _open(model: Any, axes: Any, size: Any) -> Any:
    """What torch is told of the sizes that are open, by input and axis."""
    shapes = tuple(dict.fromkeys(of_input, size) for of_input in axes) if axes else None
    return (shapes,) if axes and getattr(model, "takes_any_number", False) else shapes


def _with_any_batch(job: dict[str, Any], export: Callable[[Any], Any]) -> tuple[Any, str]:
    """The program for any batch, else for the one of the proof: torch names dozens of reasons."""
    if any(job["batch_axes"]):
        try:
            return export(job["batch_axes"]), "any size"
        except Exception as error:
            print(f"only this batch: {error}", file=sys.stderr)
    return export(None), "as in the proof"


def _same_for_less(model: Any, inputs: Any, axes: Any, program: Callable[..., Any]) -> None:
    """Holds a program to its network for a smaller batch than the one it was made with."""
    import torch

    less = [
        value.narrow(a[0], 0, value.shape[a[0]] - 1).contiguous() if len(a) == 1 else value
        for value, a in zip(inputs, axes, strict=True)
    ]
    with torch.no_grad():
        wanted, given = flattened(model(*less)), flattened(program(*less))
    for (_, a), (_, b) in zip(wanted, given, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-4, equal_nan=True)


_JOBS: dict[str, Callable[[Path, dict[str, Any]], dict[str, Any]]] = {
    "model": model_file,
    "manual": by_hand,
    "project": project_folder,
    "notebook": notebook,
    "make_pt2": make_pt2,
    "pt2": run_pt2,
    "make_onnx": make_onnx,
    "onnx": run_onnx,
}


def _imported(path: Path, seed: int | None) -> Any:
    import torch

    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if seed is not None:
        torch.manual_seed(seed)
    spec.loader.exec_module(module)
    return module


def _model(module: Any) -> Any:
    """The file's `model`, or one of its last class: blocks stand before the network."""
    from torch import nn

    found = vars(module).get("model")
    if isinstance(found, nn.Module):
        return found
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.__module__ == module.__name__
    ]
    return classes[-1]()


def _load_weights(model: Any, path: Path) -> int:
    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        state = load_file(path)
    else:
        state = torch.load(path, weights_only=True)
    model.load_state_dict(state, strict=True)
    return len(state)


def _ready(folder: Path, job: dict[str, Any]) -> tuple[Any, Any]:
    import torch

    model = _model(_imported(folder / job["file"], job["seed"]))
    _load_weights(model, folder / job["weights"])
    names = {name for name, _ in (*model.named_children(), *model.named_parameters())}
    if names & set(dir(torch.fx.GraphModule)):  # a layer called "code" would hide torch's own
        model = _held(model)
    return model.eval(), tuple(torch.load(folder / job["inputs"], weights_only=True))


def _held(model: Any) -> Any:
    """The model one level down, as `network`, where no name of its layers is in torch's way."""
    from torch import nn

    class Held(nn.Module):
        takes_any_number = True  # of inputs: its sizes stand one level down too

        def __init__(self) -> None:
            super().__init__()
            self.network = model

        def forward(self, *inputs: Any) -> Any:
            return self.network(*inputs)

    return Held()


def _run(folder: Path, job: dict[str, Any], model: Any) -> None:
    def call(*inputs: Any, training: bool) -> Any:
        return model.train(training)(*inputs)

    _keep(folder, job, call)


def _keep(folder: Path, job: dict[str, Any], call: Callable[..., Any]) -> None:
    """Runs in eval mode, and training mode where asked, with the seed; keeps every tensor given."""
    import torch

    values: dict[str, Any] = {}
    modes = {"eval": False, "train": True} if job["training"] else {"eval": False}
    for mode, training in modes.items():
        inputs = torch.load(folder / job["inputs"], weights_only=True)
        torch.manual_seed(job["seed"])
        with torch.no_grad():
            given = call(*inputs, training=training)
        values |= {f"{mode}{place}": value for place, value in flattened(given)}
    torch.save(values, folder / job["outputs"])


def flattened(value: Any, place: str = "") -> list[tuple[str, Any]]:
    """Every tensor of nested tuples with its place: [("[0]", …), ("[1][0]", …)]."""
    import torch

    if isinstance(value, torch.Tensor):
        return [(place, value.detach().clone())]
    if isinstance(value, list | tuple):
        return [x for i, part in enumerate(value) for x in flattened(part, f"{place}[{i}]")]
    return []


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """No more memory and time than an export needs; no core dump. Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    used = 0
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as status:
            used = int(status.read().split()[0]) * resource.getpagesize()
        most, hard = used + memory_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard != resource.RLIM_INFINITY:  # whoever started this is held to less
            most = min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
