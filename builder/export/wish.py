"""What somebody wants exported, as a value: equal wishes have one key, and give one file."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import builder
from builder.errors import ExportRefused
from builder.export.exporting import Exported, export_project
from builder.export.formats import format_for
from builder.export.own_source import TAKES_TEXT
from builder.graph.model import Graph
from builder.graph.project import Project, from_json, to_json

_PACKAGES: Final = ("torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Wish:
    """One export that is asked for.

    `project`: with its data choice and training settings. `seed`: of fresh weights. `run`: the folder of
    a run, for its weights of `epoch`, its data and settings. `owner_dir`: where uploads lie; only with
    a choice that is one. `weights`: a file of a person's own weights in place of a run's; `stamp`: its
    inode, time of change and size when it was asked for.
    """

    project: Project
    to: str
    style: str = "module"
    seed: int = 0
    run: Path | None = None
    epoch: int | None = None
    owner_dir: Path | None = None
    weights: Path | None = None
    stamp: tuple[int, ...] = ()

    @cached_property
    def key(self) -> str:
        """A name for what comes out: whatever changes a byte of the file changes it."""
        plain = self.to_json()
        plain["versions"] = [builder.__version__, platform.python_version(), *_versions()]
        text = json.dumps(plain, sort_keys=True)
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=20).hexdigest()

    @property
    def graph(self) -> Graph:
        """The network."""
        return self.project.graph

    @classmethod
    def of(
        cls,
        project: Project,
        to: str,
        style: str = "module",
        *,
        seed: int = 0,
        run: Path | None = None,
        epoch: int | None = None,
        owner_dir: Path | None = None,
        weights: Path | None = None,
        stamp: tuple[int, ...] = (),
    ) -> Wish:
        """A wish without what its format has no use for. Errors: NotFound for a format there is not."""
        wanted = format_for(to)
        trains = wanted.trains and run is None
        source = project.data.get("source") if isinstance(project.data, Mapping) else None
        private = trains and str(source).startswith("upload:")
        return cls(
            replace(
                project,
                graph=_unplaced(project.graph) if wanted.proven else project.graph,
                data=project.data if trains else None,
                training=project.training if trains else None,
                done={},
                texts={s: own for s, own in project.texts.items() if s == style}
                if to in TAKES_TEXT
                else {},
            ),
            to,
            style if wanted.proven else "",
            seed if wanted.proven and not wanted.trains and run is None else 0,
            run if wanted.proven else None,
            epoch if wanted.proven and run is not None else None,
            owner_dir if private else None,
            weights if wanted.proven and run is None else None,
            stamp if wanted.proven and run is None and weights is not None else (),
        )

    def carry_out(self) -> Exported:
        """Makes the file and proves it. Errors: as `export_project`."""
        if not format_for(self.to).proven:
            return export_project(self.project, self.to)
        if self.run is not None:
            return export_project(
                self.project, self.to, style=self.style, run=self.run, epoch=self.epoch
            )
        self._refuse_other_weights()
        if not format_for(self.to).trains:
            return export_project(
                self.project, self.to, style=self.style, seed=self.seed, weights=self.weights
            )
        data: Any = None
        if self.owner_dir is not None:
            from builder.data import load_dataset

            data = load_dataset(self.project.data, owner_dir=self.owner_dir)
        return export_project(
            self.project, self.to, style=self.style, data=data, weights=self.weights
        )

    def _refuse_other_weights(self) -> None:
        """Never other weights under this wish's key."""
        if self.weights is None:
            return
        try:
            seen = self.weights.stat()
            same = (seen.st_ino, seen.st_mtime_ns, seen.st_size) == self.stamp
        except OSError:
            same = False
        if not same:
            raise ExportRefused(
                "The weights were replaced or taken away since this was asked for. Export it again."
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "project": to_json(self.project),
            "to": self.to,
            "style": self.style,
            "seed": self.seed,
            "run": str(self.run) if self.run is not None else None,
            "epoch": self.epoch,
            "owner_dir": str(self.owner_dir) if self.owner_dir is not None else None,
            "weights": str(self.weights) if self.weights is not None else None,
            "stamp": list(self.stamp),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Wish:
        """What `to_json` gave."""
        return cls(
            from_json(value["project"]),
            value["to"],
            value["style"],
            value["seed"],
            Path(value["run"]) if value["run"] is not None else None,
            value["epoch"],
            Path(value["owner_dir"]) if value["owner_dir"] is not None else None,
            Path(value["weights"]) if value["weights"] is not None else None,
            tuple(value["stamp"]),
        )


def _unplaced(graph: Graph) -> Graph:
    """Without what is only seen on the canvas: moving a layer makes no other file."""
    return replace(
        graph,
        nodes={i: replace(node, position=None) for i, node in graph.nodes.items()},
        blocks={name: _unplaced(block) for name, block in graph.blocks.items()},
        frames={},
    )


def _versions() -> list[str]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(version(name))
        except PackageNotFoundError:
            found.append("")
    return found
