"""A thousand names that people, or an attacker, could give: none changes the program."""

from __future__ import annotations

import builtins
import io
import itertools
import keyword
import unicodedata
import zipfile
from dataclasses import replace

import pytest
import torch
from torch import nn

from builder.code import styles
from builder.errors import CodeRefused
from builder.export.archive import zipped
from builder.export.names import as_comment, file_stem
from builder.export.notebook import export_ipynb, without_collisions
from builder.export.python_file import export_files
from builder.export.subject import Subject, subject_of
from builder.export.training_script import RESERVED
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.project import Project
from tests.code.adversarial import NAMES
from tests.code.test_hostile import assert_harmless

PLAIN = ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def thousand() -> list[str]:
    """All of dir(nn.Module()), keywords, modules of torch, builtins, look-alikes, quotes, long ones."""
    wide = [
        "".join(chr(ord(c) + 0xFEE0) for c in word)
        for word in (*keyword.kwlist, "self", "forward", "training", "torch")
        if word.isascii()
    ]
    injected = [f"{quote}{text}{quote}" for quote in ('"', "'", '"""', "'''", "\n", "`")
                for text in ("); import os; (", "\\", "{x}", "%s", "# noqa", "../../etc/passwd")]  # fmt: skip
    names = dict.fromkeys(
        [
            *NAMES, *dir(nn.Module()), *dir(nn.Sequential()), *keyword.kwlist, *keyword.softkwlist,
            *dir(builtins), *wide, *injected, *sorted(RESERVED), *dir(nn), *dir(torch),
        ]
    )  # fmt: skip
    return list(names)[:1000]


def holding(names: list[str]) -> Graph:
    """A network in which eight things, among them the class and a block's, have these names."""
    root, source, block_name, inner, *layers = names
    block = Graph(
        block_name,
        {
            "x": Node("x", "input", source, spec=TensorSpec(("N", 4))),
            "a": Node("a", "layer", "", "a", {"input": Ref("x")}, note=inner),
            "y": Node("y", "output", source, arguments={"value": Ref("a")}),
        },
        {"a": Owner("a", inner, "torch.nn.Linear", {"out_features": 4})},
    )
    kinds = ["torch.nn.Linear", "torch.nn.Tanh", "torch.nn.BatchNorm1d"]
    nodes = [Node("in", "input", source, spec=TensorSpec(("N", 4)), note=root)]
    owners = {}
    last = Ref("in")
    for place, name in enumerate(layers[:3]):
        arguments = {"out_features": 4} if place == 0 else {}
        owners[f"o{place}"] = Owner(f"o{place}", name, kinds[place], arguments)
        nodes.append(Node(f"n{place}", "layer", "", f"o{place}", {"input": last}, note=name))
        last = Ref(f"n{place}")
    owners["b"] = Owner("b", layers[3], f"block:{block_name or 'block'}")
    nodes.append(Node("nb", "layer", "", "b", {source or "x": last}))
    nodes.append(Node("out", "output", inner, arguments={"value": Ref("nb")}))
    return Graph(root, {n.id: n for n in nodes}, owners, blocks={block_name or "block": block})


def test_none_of_a_thousand_names_changes_the_program_and_every_export_imports() -> None:
    names = thousand()
    assert len(names) == 1000
    assert {*dir(nn.Module()), *keyword.kwlist, *keyword.softkwlist, *NAMES} <= set(names)
    plain = subject_of(holding(PLAIN))
    every_style = itertools.cycle(styles())
    subjects: list[Subject] = []
    for start in range(0, 1000, 8):
        given = names[start : start + 8]
        graph = holding([*given, *PLAIN[len(given) :]])
        try:
            subject = subject_of(graph, next(every_style))
        except CodeRefused:  # a style that cannot write this network: the next one can
            subject = subject_of(graph)
        assert_harmless(subject.source)
        assert [v.shape for v in subject.state.values()] in (
            [], [v.shape for v in plain.state.values()],
        )  # fmt: skip
        assert list(subject.expected) == list(plain.expected)
        for place, value in plain.expected.items():
            assert torch.equal(subject.expected[place], value), given
        subjects.append(subject)
    assert {s.style for s in subjects} == set(styles())
    export_files(subjects)  # imported and run by one clean interpreter, or it raises


def test_names_of_files_are_plain_on_every_system() -> None:
    for name in thousand():
        stem = file_stem(name)
        assert all(unicodedata.category(c)[0] in "LNM" for c in stem.replace("_", ""))
        assert stem == stem.strip("_ ") and len(stem) <= 64
        assert len(f"{stem}.safetensors".encode()) <= 255
        assert stem not in ("con", "nul", "aux", "prn", "com1", "lpt1")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("My Net!", "my_net"),
        ("Café / Größe", "café_größe"),
        ("Моя сеть № 1", "моя_сеть_no_1"),
        ("हिन्दी", "हिन्दी"),
        ("数字识别", "数字识别"),
        ("\u202egnp.exe", "gnp_exe"),
        ('"; rm -rf ~; "', "rm_rf"),
        ("../../etc/passwd", "etc_passwd"),
        ("\u0301\ud800", "network"),
        ("x" * 200, "x" * 60),
        ("NUL", "nul_net"),
    ],
)
def test_a_file_is_called_as_its_project(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_words_of_a_comment_stay_in_it() -> None:
    for name in thousand():
        said = as_comment(name)
        assert not set(said) & set('"\\\n\r`<>[]{}#*_$\u2028\x00') and len(said) <= 80
        said.encode("utf-8")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "..", "a\\b", "", "a\nb", "C:x"])
def test_a_zip_takes_no_name_that_leads_out_of_it(name: str) -> None:
    with pytest.raises(ValueError):
        zipped({name: b"x"})


def test_a_zip_has_the_same_bytes_whenever_it_is_made() -> None:
    content = zipped({"b.py": b"2", "a.py": b"1"})
    assert content == zipped({"a.py": b"1", "b.py": b"2"})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert [e.filename for e in archive.infolist()] == ["a.py", "b.py"]
        assert {e.date_time for e in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_notebook_renames_classes_that_are_called_as_its_own_things() -> None:
    graph = holding(
        ["DataLoader", "x", "TensorDataset", "load_data", "SEED", "figures", "nn", "history"]
    )
    project = without_collisions(Project('<b>SEED</b>""" `x`', replace(graph, name="EPOCHS")))
    subject = subject_of(project.graph)
    assert "class EPOCHSModel(" in subject.source and "class TensorDatasetBlock(" in subject.source
    content, _ = export_ipynb(subject, None, project.name)
    assert b"<b>" not in content
