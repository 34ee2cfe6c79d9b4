"""A person's own text in an export: only where it is the written program but for comments and layout."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from builder import gallery
from builder.code import write_code
from builder.code.live import show, take
from builder.export import export_project
from builder.export.own_source import is_written
from builder.export.wish import Wish
from builder.graph.own_texts import OwnText
from builder.graph.project import Project

WRITTEN = write_code(gallery.project("digits_mlp").graph, "module")
MINE = WRITTEN.replace("nn.ReLU()", "nn.ReLU( )  # what makes it more than a line").replace(
    "    def forward", "    # the way through\n    def forward"
)


def project(text: str, style: str = "module") -> Project:
    return replace(gallery.project("digits_mlp"), texts={style: OwnText(text)})


def test_a_file_has_the_comments_of_the_person_and_is_proven() -> None:
    assert MINE != WRITTEN
    exported = export_project(project(MINE), "py")
    text = exported.content.decode()
    assert "nn.ReLU( )  # what makes it more than a line" in text
    assert "    # the way through\n    def forward" in text
    assert exported.proof is not None and exported.proof.max_difference == 0.0
    assert exported.proof.more[-1].startswith("The text is your own, with your comments")
    head = " ".join(line.removeprefix("# ").strip() for line in text.split("\n\n")[0].splitlines())
    assert "it is what Layerwise writes." in head


def test_the_text_of_another_style_is_left_alone() -> None:
    exported = export_project(project(MINE), "py", style="functional")
    assert b"the way through" not in exported.content
    assert exported.proof is not None and exported.proof.more == ()


def test_the_project_and_the_notebook_have_them_too() -> None:
    content = export_project(project(MINE), "zip", epochs=1).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "# the way through" in archive.read("model.py").decode()
        assert "The text is your own" in archive.read("PROOF.txt").decode()
    book = json.loads(export_project(project(MINE), "ipynb", epochs=1).content)
    assert any("    # the way through\n" in cell["source"] for cell in book["cells"])


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN.replace("import torch\n", "import torch\nprint('mine')\n", 1),
        WRITTEN.replace("nn.ReLU()", "nn.ReLU(inplace=False)"),
        WRITTEN.replace("nn.ReLU()", "nn.Tanh()"),
        WRITTEN + "\nopen('there', 'w')\n",
        WRITTEN.replace("return x", 'f"{open(chr(97))}"\n        return x'),
        "# \rimport os\n" + WRITTEN,
        "# \x0cimport os\n" + WRITTEN,
        "# \u2028import os\n" + WRITTEN,
        "\ufeff" + WRITTEN,
        WRITTEN + "#\x00",
        "# coding: latin-1\nclass",
        "(" * 5000,
        "-" * 150_000 + "1",
        "",
        "# " + "\ud800",
    ],
)
def test_another_program_is_never_taken(text: str) -> None:
    assert not is_written(text, WRITTEN)


def test_comments_docstrings_and_layout_may_be_others() -> None:
    lines = WRITTEN.splitlines()
    shouted = [f"{line}  # {number} é ü" for number, line in enumerate(lines)]
    assert is_written("\n\n".join(shouted), WRITTEN)
    assert is_written(WRITTEN.replace('"""Maps ', '"""Meine Karte: '), WRITTEN)
    assert not is_written("# -*- coding: utf-7 -*-\n# +AAo-import os\n" + WRITTEN, WRITTEN)
    assert is_written(WRITTEN.replace("    ", "   "), WRITTEN)


def test_a_text_that_says_it_otherwise_is_left_out_and_the_file_says_why() -> None:
    other = MINE.replace("nn.Linear(64, 32)", "nn.Linear(in_features=64, out_features=32)")
    assert other != MINE
    exported = export_project(project(other), "py")
    assert b"the way through" not in exported.content
    assert exported.proof is not None
    assert exported.proof.more[-1].startswith("Your own text is not in this file")


def test_hostile_text_kept_in_a_project_file_is_not_run(tmp_path: Path) -> None:
    there = tmp_path / "was run"
    exported = export_project(project(MINE + f"\nopen({str(there)!r}, 'w')\n"), "py")
    assert b"was run" not in exported.content and not there.exists()


def test_what_a_docstring_says_is_not_run_by_the_proof_of_a_notebook(tmp_path: Path) -> None:
    """The notebook is proven with fewer epochs: a line of a docstring may look as the one that sets them."""
    there = tmp_path / "was run"
    head, body = WRITTEN.split("    def forward", 1)
    signature, rest = body.split("\n", 1)
    evil = head.replace('"""Maps (N, 64) to (N, 10)."""', '"""Our network.\n\nEPOCHS = """')
    made = evil[evil.index("    def __init__") :]
    evil += f'''    def forward{signature}
        """
    open({str(there)!r}, "w").close()

{made}    def forward{signature}
        # """
{rest}'''
    assert evil.count("EPOCHS") == 1 and is_written(evil, WRITTEN)
    exported = export_project(project(evil), "ipynb", epochs=1)
    assert b"was run" in exported.content and not there.exists()


def test_a_notebook_looks_at_the_model_it_trained() -> None:
    one_line = WRITTEN.replace("()\n    x = ", "(); x = ")
    assert one_line != WRITTEN and is_written(one_line, WRITTEN)
    book = json.loads(export_project(project(one_line), "ipynb", epochs=1).content)
    last = "".join(next(c for c in reversed(book["cells"]) if c["cell_type"] == "code")["source"])
    assert "model.eval()" in last and "model = " not in last


def test_a_text_of_the_network_before_an_edit_is_taken_along() -> None:
    before = gallery.project("digits_mlp")
    shown = take(show(before.graph, "module"), MINE).shown
    after = take(shown, MINE.replace("nn.ReLU( )", "nn.Tanh( )"))
    value = replace(before, graph=after.graph, texts={"module": OwnText(MINE, before.graph)})
    text = export_project(value, "py").content.decode()
    assert "nn.Tanh()  # what makes" in text or "nn.Tanh( )  # what makes" in text
    assert "# the way through" in text


def test_what_is_asked_for_has_another_key_with_another_text() -> None:
    keys = {Wish.of(project(text), "py", "module").key for text in (WRITTEN, MINE)}
    assert len(keys) == 2
    for to, style in (("py", "functional"), ("onnx", "module"), ("svg", "module")):
        keys = {Wish.of(project(text), to, style).key for text in (WRITTEN, MINE)}
        assert len(keys) == 1
    wish = Wish.of(project(MINE), "py", "module")
    assert (
        Wish.from_json(json.loads(json.dumps(wish.to_json()))).project.texts == wish.project.texts
    )
