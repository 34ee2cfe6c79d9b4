"""Project files: what is written is read again, and what is no project is told in one sentence."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import ProjectRefused
from builder.graph.encoding import argument_from_json, argument_to_json
from builder.graph.history import same
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Ref,
    Setting,
    Size,
    Slice,
    Training,
)
from builder.graph.own_texts import OwnText
from builder.graph.project import MAX_BYTES, Project, from_json, load_project, save_project, to_json
from tests.graph.networks import mlp
from tests.strategies import arguments, graphs

PROJECT = Project("Digits", mlp(), {"source": "digits"}, {"epochs": 3})
TEXT = to_json(PROJECT)


def value() -> dict[str, Any]:
    """The project as JSON values, to be spoilt."""
    found: dict[str, Any] = json.loads(TEXT)
    return found


def refusal(text: str) -> str:
    with pytest.raises(ProjectRefused) as refused:
        from_json(text)
    sentence = str(refused.value)
    assert "\n" not in sentence and len(sentence) < 400
    return sentence


def test_a_project_file_reads_well() -> None:
    assert (Path(__file__).parent / "golden" / "project.json").read_text(encoding="utf-8") == TEXT


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_what_is_written_is_read_again(graph: Graph) -> None:
    project = Project("p", graph, {"source": "iris", "split": [0.7, None]}, None)
    again = from_json(to_json(project))
    assert again == project and same(again.graph, graph)
    assert to_json(again) == to_json(project)


@settings(deadline=None)
@given(arguments())
def test_every_argument_is_written_and_read_again(argument: Argument) -> None:
    text = json.dumps(argument_to_json(argument), allow_nan=False)
    again = argument_from_json(json.loads(text))
    assert again == argument
    assert repr(again) == repr(argument)  # 1 and 1.0 and True are different arguments


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (Ref("lstm", (1, 0)), '{"from": "lstm", "path": [1, 0]}'),
        (Size(Ref("x"), 0), '{"size": {"from": "x"}, "dim": 0}'),
        ((Slice(), Slice(1, 3)), '[{"slice": [null, null, null]}, {"slice": [1, 3, null]}]'),
        (Calc("*", Setting("d"), 2), '{"calc": "*", "left": {"setting": "d"}, "right": 2}'),
        (Compare(">", Ref("s"), 0.5), '{"compare": ">", "left": {"from": "s"}, "right": 0.5}'),
        (Training(), '{"training": true}'),
        (GradEnabled(), '{"grad_enabled": true}'),
        ((..., -1), '[{"ellipsis": true}, -1]'),
        (-math.inf, '{"float": "-inf"}'),
        (1e-5, "1e-05"),
        (True, "true"),
    ],
)
def test_arguments_in_a_file(argument: Argument, text: str) -> None:
    assert json.dumps(argument_to_json(argument)) == text
    assert argument_from_json(json.loads(text)) == argument


def test_one_changed_number_changes_one_line() -> None:
    other = to_json(Project("Digits", mlp(), {"source": "digits"}, {"epochs": 4}))
    changed = [a for a, b in zip(TEXT.splitlines(), other.splitlines(), strict=True) if a != b]
    assert changed == ['  "training": {"epochs": 3}']


def test_a_file_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    save_project(PROJECT, path)
    save_project(PROJECT, path)
    assert load_project(path) == PROJECT
    assert os.listdir(tmp_path) == ["net.json"]


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "net.json"
    save_project(PROJECT, path)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_project(Project("Other", mlp()), path)
    assert load_project(path) == PROJECT
    assert os.listdir(tmp_path) == ["net.json"]


@pytest.mark.parametrize("place", ["nope/x.json", "file/x.json", "."])
def test_a_save_that_the_disk_refuses_names_the_file_asked_for(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as refused:
        save_project(PROJECT, tmp_path / place)
    assert refused.value.filename == str(tmp_path / place)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_choices_that_are_no_json_are_refused_when_written() -> None:
    for wrong in ({"lr": math.nan}, {"lr": object()}):
        with pytest.raises(ProjectRefused, match="The project cannot be written"):
            to_json(Project("a", mlp(), None, wrong))


def test_a_project_has_a_name_that_can_be_read_again() -> None:
    for name in ("", "  ", "a" * 121, "a\ud800"):
        with pytest.raises(ProjectRefused, match="The project needs a “name”"):
            Project(name, mlp())


def test_windows_line_ends_and_marks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert load_project(path) == PROJECT


def test_a_text_with_the_mark_of_notepad_is_read() -> None:
    assert same(from_json("\ufeff" + TEXT).graph, PROJECT.graph)


def test_a_path_that_holds_no_project_is_told(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    big = tmp_path / "big.json"
    with big.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for path, words in [
        (tmp_path / "none.json", "There is no file"),
        (tmp_path, "is no file"),
        (tmp_path / "picture.png", "is no text file"),
        (big, "The file has 20.0 MiB; a project has at most 20 MiB"),
        (Path("a\0b"), "cannot be read"),
    ]:
        with pytest.raises(ProjectRefused, match=words):
            load_project(path)


@pytest.mark.parametrize("length", [0, 1, 10, 100, len(TEXT) // 2, len(TEXT) - 3])
def test_a_file_cut_off_anywhere_is_refused(length: int) -> None:
    assert refusal(TEXT[:length])


def test_a_file_cut_in_half_is_told_as_that() -> None:
    assert refusal(TEXT[: len(TEXT) // 2]).endswith(
        "it was cut off. Open an older copy, or save it again."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty. Choose a project file that was saved here."),
        (
            "import torch",
            "This is no JSON: line 1, column 1 cannot be read. "
            "Choose a project file that was saved here.",
        ),
        (
            "[1, 2]",
            "This is JSON, but no Layerwise project: it lacks the key “layerwise”. "
            "Choose a file that was saved here.",
        ),
        (
            '{"layerwise": 6}',
            "This project has the format “6”; this Layerwise reads formats 1 to 5. "
            "Update Layerwise to open it.",
        ),
        (
            '{"layerwise": "1"}',
            "This project has the format “1”; this Layerwise reads formats 1 to 5. "
            "Save it again with a current Layerwise.",
        ),
        (
            '{"layerwise": 1, "name": "a"}',
            "The project lacks the key “model”: the file holds no network.",
        ),
        (
            '{"layerwise": 1, "modle": {}}',
            "The project has the unknown key “modle”. Did you mean “model”?",
        ),
        (
            '{"layerwise": 1, "layerwise": 1}',
            "The file has the key “layerwise” twice in one place. Keep one of them.",
        ),
        (
            '{"layerwise": NaN}',
            "The file holds NaN, which is no number in JSON. Write null or a number.",
        ),
        (
            '{"layerwise": -Infinity}',
            "The file holds -Infinity, which is no number in JSON. Write null or a number.",
        ),
        (
            '{"layerwise": 1' + "0" * 5000 + "}",
            "The file holds a whole number of 5001 digits, which is too long. Write a smaller one.",
        ),
        (
            '{"layerwise": ' + "[" * 100_000,
            "The file has too many brackets inside each other to be a project.",
        ),
    ],
    ids=lambda text: str(text)[:30],
)
def test_what_is_no_project_says_why(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


def test_a_file_that_is_too_big_is_refused_with_the_numbers() -> None:
    assert refusal(" " * (MAX_BYTES + 1)).startswith(
        "The file has 20.0 MiB; a project has at most 20 MiB."
    )


def _node(**changes: Any) -> dict[str, Any]:
    found = value()
    found["model"]["nodes"][1].update(changes)
    return found


def _owner(**changes: Any) -> dict[str, Any]:
    found = value()
    found["model"]["owners"][0].update(changes)
    return found


def _project(**changes: Any) -> dict[str, Any]:
    return {**value(), **changes}


def _deep(levels: int) -> Any:
    return [_deep(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (_node(kind="lair"), "has the unknown kind “lair”. Did you mean “layer”?"),
        (_node(bypased=True), "has the unknown key “bypased”. Did you mean “bypassed”?"),
        (_node(bypassed=1), "has “1” for “bypassed”, which is true or false"),
        (_node(id=3), "has “3” for “id”, which is a short text"),
        (_node(id="relu"), "has two parts with the id “relu”"),
        (_node(id="a/b", target="fc1"), "“a/b” cannot be an id"),
        (_node(note="\ud800"), "for “note”"),
        (_node(position=[1]), "two numbers are needed"),
        (_node(position=[1, 1e300]), "two numbers are needed"),
        (_node(arguments=[]), "an object {…} is needed, not “[]”"),
        (_node(arguments={"input": {"frm": "x"}}), "is an object with “frm”"),
        (_node(arguments={"input": {"from": "x", "path": [-1]}}), "has a broken “from”"),
        (_node(arguments={"input": {"from": "x", "path": "1"}}), "has a broken “from”"),
        (_node(arguments={"input": {"from": 3}}), "has a broken “from”"),
        (_node(arguments={"input": {"from": "nothing"}}), "“nothing”, which does not exist"),
        (_node(arguments={"input": {"from": "relu"}}), "the values go in a cycle"),
        (_node(arguments={"inptu": {"from": "x"}}), "Did you mean “input”?"),
        (_node(arguments={"input": _deep(30)}), "has more than 20 brackets inside each other"),
        (_owner(arguments={"out_features": [0] * 20_000}), "more than 10,000 parts"),
        (_node(target="fc9"), "calls “fc9”, which does not exist. Did you mean “fc2”?"),
        (_node(shape=["N", 3]), "has a shape of its own; only inputs do"),
        (_owner(target="torch.nn.Linaer"), "Did you mean “torch.nn.Linear”?"),
        (_owner(target="os.system"), "There is no layer or operation “os.system”"),
        (_owner(target="torch.cat"), "“torch.cat” is an operation, not a layer"),
        (_owner(target="block:Nothing"), "There is no block “Nothing”"),
        (_owner(name="forward"), "“forward” needs another name"),
        (_owner(name="x; import os"), "“x_import_os” would do"),
        (_owner(name="fc2"), "needs another name. The name “fc2” is taken; “fc3” is free"),
        (_owner(arguments={"out_feature": 3}), "Did you mean “out_features”?"),
        (_owner(arguments={"out_features": {"from": "x"}}), "can only be a constant"),
        (_owner(arguments={"out_features": {"setting": "w"}}), "There is no setting “w”"),
        (_owner(arguments={"out_features": 2**63}), "64 bits"),
        (_owner(repeat=True), "is no whole number"),
        (_owner(repeat=2), "cannot repeat"),
        (_project(name=""), "The project needs a “name”"),
        (_project(name=5), "The project needs a “name”"),
        (_project(name="a" * 121), "The project needs a “name”"),
        (_project(data=[1]), "an object {…} is needed"),
        (_project(data={"a": _deep(30)}), "“data” has more than 20 brackets inside each other"),
        (_project(model=None), "an object {…} is needed, not “None”"),
        (_project(model={"name": "class", "nodes": []}), "“class_” would do"),
        (_project(model={"nodes": {}}), "a list […] is needed"),
        (_project(model={"nodes": [{"id": str(i)} for i in range(30_000)]}), "30,000 entries"),
        (_project(model={"nodes": [1]}), "an object {…} is needed, not “1”"),
        (_project(model={"nodes": [], "settings": {"a": [1]}}), "A setting is a number"),
        (_project(model={"nodes": [], "blocks": {"A": {"blocks": {}}}}), "unknown key “blocks”"),
        (
            _project(model={"nodes": [{"id": "x", "kind": "input"}]}),
            "The input “x” needs a shape, such as",
        ),
        (
            _project(model={"nodes": [{"id": "x", "kind": "input", "shape": ["N", -3]}]}),
            "A size is a whole number from 1",
        ),
        (
            _project(model={"nodes": [{"id": "x", "kind": "input", "dtype": "int64"}]}),
            "has a dtype but no shape",
        ),
    ],
)
def test_every_broken_part_is_named(spoilt: dict[str, Any], words: str) -> None:
    assert words in refusal(json.dumps(spoilt))


def test_a_million_nodes_are_refused_before_they_are_read() -> None:
    nodes = ",".join(['{"id":"a"}'] * 1_000_000)
    text = '{"layerwise":1,"name":"a","model":{"nodes":[' + nodes + "]}}"
    assert "1,000,000 entries, of at most 20,000" in refusal(text)


def test_a_block_that_contains_itself_is_refused() -> None:
    block = {"owners": [{"id": "b", "target": "block:B"}], "nodes": []}
    other = {"owners": [{"id": "a", "target": "block:A"}], "nodes": []}
    model = {"nodes": [], "blocks": {"A": block, "B": other}}
    sentence = refusal(json.dumps(_project(model=model)))
    assert sentence == "Blocks cannot contain themselves: “A” → “B” → “A”. Take one call out."


def test_a_key_that_stands_twice_among_many_is_found_at_once() -> None:
    keys = ",".join(f'"k{i}":1' for i in [*range(100_000), 99_999])
    begun = time.perf_counter()
    assert "the key “k99999” twice" in refusal("{" + keys + "}")
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("part", ["data", "training"])
@pytest.mark.parametrize("number", ["1e400", "-1e999", "NaN", "Infinity"])
def test_a_number_without_end_is_refused(part: str, number: str) -> None:
    text = json.dumps(value() | {part: {"a": [{"b": "HERE"}]}}).replace('"HERE"', number)
    assert "The file holds" in refusal(text)


@pytest.mark.parametrize("where", [{"a": ["\ud800"]}, {"\udfff": 1}, {"a": {"b": "x\ud83d"}}])
@pytest.mark.parametrize("part", ["data", "training"])
def test_half_a_character_is_refused_wherever_it_stands(part: str, where: dict[str, Any]) -> None:
    assert "broken character" in refusal(json.dumps(value() | {part: where}))
    assert "broken character" in refusal(json.dumps(value() | {part: where}, ensure_ascii=False))
    with pytest.raises(ProjectRefused, match="broken character"):
        to_json(Project("p", mlp(), where, None))


def test_half_a_character_in_a_name_or_note_is_refused_and_a_whole_one_is_not() -> None:
    refusal(json.dumps(value() | {"name": "\ud800"}))
    spoilt = value()
    spoilt["model"]["nodes"][0]["note"] = "\ud800"
    refusal(json.dumps(spoilt))
    fine = from_json(json.dumps(value() | {"name": "\U0001f600", "data": {"a": "\U0001f600"}}))
    assert fine.name == "\U0001f600" and fine.data == {"a": "\U0001f600"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["x", "fc1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_a_file_is_read_or_refused(data: st.DataObject) -> None:
    spoilt = value()
    place: Any = spoilt
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    if data.draw(st.booleans()):
        place[key] = data.draw(_JSON)
    elif isinstance(place, dict):
        place[data.draw(st.text(max_size=6) | st.sampled_from(["from", "path", "name"]))] = (
            place.pop(key)
        )
    else:
        del place[key]
    text = json.dumps(spoilt)
    try:
        project = from_json(text)
    except ProjectRefused as refused:
        assert str(refused)[-1] in ".?" and "\n" not in str(refused)
    else:
        assert same(from_json(to_json(project)).graph, project.graph)


def test_own_texts_are_kept_in_lines_and_raise_the_format() -> None:
    graph = mlp()
    other = replace(graph, name="Other")
    value = Project(
        "Own", graph, texts={"module": OwnText("a\n# ü\n"), "mixed": OwnText("b", other)}
    )
    written = json.loads(to_json(value))
    assert written["layerwise"] == 3
    assert written["code"]["module"] == {"text": ["a", "# ü", ""]}
    assert from_json(to_json(value)) == value
    assert json.loads(to_json(replace(value, texts={})))["layerwise"] == 1


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ([], "an object with a text by style is needed"),
        ({str(i): {"text": []} for i in range(13)}, "an object with a text by style is needed"),
        ({"m" * 41: {"text": []}}, "too long for a style of code"),
        ({"module": "text"}, "an object with “text” is needed"),
        ({"module": {"text": "a"}}, "needs its “text” as a list of lines"),
        ({"module": {"text": [1]}}, "needs its “text” as a list of lines"),
        ({"module": {"text": ["x" * 200_001]}}, "has 200,001 characters, of at most 200,000"),
        ({"module": {"text": [], "run": True}}, "run"),
        ({"module": {"text": [], "model": []}}, "“[]”"),
    ],
)
def test_texts_that_are_none_are_refused_in_words(code: object, sentence: str) -> None:
    value = {**json.loads(to_json(Project("Own", mlp()))), "layerwise": 3, "code": code}
    with pytest.raises(ProjectRefused) as refusal:
        from_json(json.dumps(value))
    assert sentence in str(refusal.value)
