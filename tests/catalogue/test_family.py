"""Every member of the catalogue is enrolled here: a new entry is tested without a new test."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from builder.catalogue import (
    FAMILIES,
    build_layer,
    call_arguments,
    check_literal,
    defaults_for,
    entries,
    example,
    parts_of,
    target_of,
)
from builder.catalogue.entry import REQUIRED, Entry, Parameter
from builder.catalogue.example import tensors
from builder.catalogue.exclusions import EXCLUDED
from builder.catalogue.introspection import module_names
from builder.catalogue.packing import PACKING, packs

ALL = list(entries().values())
LAYERS = [e for e in ALL if e.kind == "layer"]
OPERATIONS = [e for e in ALL if e.kind == "operation"]

each_entry = pytest.mark.parametrize("entry", ALL, ids=lambda e: e.key)
each_layer = pytest.mark.parametrize("entry", LAYERS, ids=lambda e: e.key)
each_operation = pytest.mark.parametrize("entry", OPERATIONS, ids=lambda e: e.key)


def run(
    entry: Entry, device: str, training: bool = True, changed: Mapping[str, Any] | None = None
) -> Any:
    """Builds an entry and calls it with its example on a device, some arguments changed."""
    used = example(entry)
    with torch.device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # TransformerEncoder on its nested tensors
        target = target_of(entry)
        made = {p.name for p in entry.parameters}
        arguments = {n: v for n, v in (changed or {}).items() if n in made}
        literals = {n: v for n, v in (changed or {}).items() if n not in made}
        if entry.kind == "layer":
            target = build_layer(entry, {**used.arguments, **arguments}).train(training)
        values = {**tensors(used.inputs, device), **used.call, **literals}
        positional, keywords = call_arguments(entry, values, training)
        return target(*positional, **keywords)


def outline(value: Any) -> Any:
    """Shapes and dtypes of a result, nested as it is."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.dtype
    return None if value is None else tuple(outline(part) for part in value)


def at(value: Any, path: tuple[int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@each_entry
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_shapes_and_dtypes_on_meta_are_those_on_the_cpu(entry: Entry, training: bool) -> None:
    assert outline(run(entry, "meta", training)) == outline(run(entry, "cpu", training))


NEEDS_MORE: dict[tuple[str, Any], str] = {
    ("vision", "linear"): "3-D input",
    ("vision", "trilinear"): "5-D input",
    ("vision", "align_corners"): "a mode that interpolates",
    **{("transformer", f"{which}is_causal"): "a mask" for which in ("", "src_", "tgt_", "memory_")},
}
"""Choices that an example cannot meet, each with what torch asks for."""


@each_entry
def test_every_choice_of_a_form_is_one_torch_takes(entry: Entry) -> None:
    """On the CPU, and on meta with the same shapes: no form offers what fails."""
    for parameter in (*entry.parameters, *entry.call_parameters):
        for value in values_to_try(parameter):
            if {(entry.family, value), (entry.family, parameter.name)} & NEEDS_MORE.keys():
                continue
            changed = {parameter.name: value}
            on_meta, on_cpu = (run(entry, d, changed=changed) for d in ("meta", "cpu"))
            assert outline(on_meta) == outline(on_cpu), f"{parameter.name}={value}"


def values_to_try(parameter: Parameter) -> list[Any]:
    """All choices, both sides of a switch, and a tuple where a number or a tuple may stand."""
    if parameter.type == "bool":
        return [True, False]
    if parameter.type == "dtype":
        return ["float64"]
    one = parameter.suggested
    pair = [(one,) * parameter.length] if parameter.length and isinstance(one, int | float) else []
    return [*parameter.choices, *pair] if parameter.name != "output_size" else [*pair]


@each_entry
def test_named_parts_are_the_tensors_of_the_result(entry: Entry) -> None:
    used = example(entry)
    parts = parts_of(entry, {**used.arguments, **used.call, **used.inputs})
    result = run(entry, "meta")
    assert isinstance(result, torch.Tensor) == (parts == ())
    assert all(isinstance(at(result, part.path), torch.Tensor) for part in parts)
    assert len({part.name for part in parts}) == len(parts)


@each_entry
def test_is_documented(entry: Entry) -> None:
    assert entry.help.endswith(".") and 10 < len(entry.help) <= 160
    assert entry.link.startswith("https://docs.pytorch.org/docs/stable/")
    assert entry.family in FAMILIES
    for parameter in (*entry.parameters, *entry.call_parameters):
        assert parameter.help.endswith("."), f"{parameter.name} is not explained"
        assert len(parameter.help) <= 170, f"{parameter.name}: too long beside a field"
    assert all(not port.help or port.help.endswith(".") for port in entry.ports)
    for text in (entry.help, *(p.help for p in (*entry.parameters, *entry.call_parameters))):
        assert not any(mark in text for mark in (":attr:", ":math:", "``", "\\", "{", ".. ")), text


@each_entry
def test_defaults_and_suggestions_pass_their_own_check(entry: Entry) -> None:
    for parameter in (*entry.parameters, *entry.call_parameters):
        if parameter.default is not REQUIRED and parameter.name != "num_classes":
            assert check_literal(parameter, parameter.default) is None, parameter.name
        if parameter.suggested is not None:
            assert check_literal(parameter, parameter.suggested) is None, parameter.name


@each_entry
def test_a_new_one_lacks_nothing(entry: Entry) -> None:
    suggested = defaults_for(entry)
    for parameter in (*entry.parameters, *entry.call_parameters):
        assert not parameter.required or parameter.name in suggested, parameter.name
    for group in entry.one_of:
        assert len(set(group) & set(suggested)) == 1


@each_entry
def test_names_are_unique_and_ports_come_in_call_order(entry: Entry) -> None:
    call = [p.name for p in (*entry.ports, *entry.call_parameters)]
    made = [p.name for p in entry.parameters]
    assert len(set(call)) == len(call) and len(set(made)) == len(made)
    assert sorted(entry.order) == sorted(call)
    for parameter in entry.parameters:
        if parameter.inferred is not None:
            assert entry.port(parameter.inferred.port) is not None


@each_layer
def test_parameters_are_arguments_of_the_constructor(entry: Entry) -> None:
    """So that what a form sets can be written, in torch's order."""
    used = example(entry)
    layer = build_layer(entry, used.arguments)
    assert type(layer) is getattr(nn, entry.name)
    accepted = inspect.signature(type(layer).forward).parameters
    around = PACKING if packs(entry) else set()  # what stands in lines around the call
    assert set(entry.order) - around <= set(accepted)


@each_operation
def test_an_operation_written_as_a_method_gives_the_same(entry: Entry) -> None:
    if entry.form != "method":
        return
    used = example(entry)
    first, *others = call_arguments(entry, {**tensors(used.inputs, "cpu"), **used.call})[0]
    keywords = call_arguments(entry, used.call)[1]
    spread = [p.name for p in entry.call_parameters if p.spread]
    if spread:
        others = [size for value in others for size in value]
    written = getattr(first, entry.name)(*others, **keywords)
    assert outline(written) == outline(run(entry, "cpu"))


def test_no_module_of_torch_is_forgotten() -> None:
    known = {e.name for e in LAYERS} | set(EXCLUDED)
    assert set(module_names()) == known
    assert not {e.name for e in LAYERS} & set(EXCLUDED)


def test_keys_are_unique_and_name_what_they_say() -> None:
    assert len({e.key for e in ALL}) == len(ALL) >= 114 + 100
    assert all(e.key == f"torch.nn.{e.name}" for e in LAYERS)


def test_the_chain_is_fed_by_the_first_port() -> None:
    assert all(e.ports and not e.ports[0].optional for e in ALL)
