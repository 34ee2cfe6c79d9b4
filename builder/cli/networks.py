"""The commands about networks: layers, gallery, check, code, draw."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import builder
from builder.cli.answers import DONE, PROBLEMS, print_json, say
from builder.errors import InspectionRefused, NotFound, quote

if TYPE_CHECKING:
    from builder.graph.diagnostics import Diagnostic


def layers(arguments: argparse.Namespace) -> int:
    """`layers`: the catalogue, or what a search finds in it."""
    from builder import catalogue

    text = " ".join(arguments.text)
    found = catalogue.search(text) if text else list(catalogue.entries().values())
    if not found:
        raise NotFound(f"No layer or operation is found by {quote(text)}.")
    if arguments.json:
        print_json(
            [
                {
                    "key": entry.key,
                    "family": entry.family,
                    "help": entry.help,
                    "link": entry.link,
                    "parameters": {
                        p.name: {"type": p.type, "default": str(p.default), "help": p.help}
                        for p in (*entry.parameters, *entry.call_parameters)
                    },
                }
                for entry in found
            ]
        )
        return DONE
    width = max(len(entry.key) for entry in found)
    for entry in found:
        print(f"{entry.key:<{width}}  {entry.family:<13}  {entry.help}")
    return DONE


def gallery(arguments: argparse.Namespace) -> int:
    """`gallery`: the designs, or one of them as a project file."""
    from builder import gallery as starters

    if not arguments.name:
        width = max(map(len, starters.designs()))
        for design in starters.designs().values():
            print(f"{design.key:<{width}}  {design.title}: {design.lesson}")
        return DONE
    project = starters.project(arguments.name)
    if arguments.output:
        builder.save_project(project, arguments.output)
        say(f"Wrote {arguments.output}.")
        return DONE
    from builder.graph.project import to_json

    print(to_json(project))
    return DONE


def check(arguments: argparse.Namespace) -> int:
    """`check`: shapes, sizes and problems with their repairs."""
    from builder.graph.model import format_value
    from builder.graph.size import format_bytes, format_count

    graph = builder.load_project(arguments.file).graph
    checked = builder.check(graph)
    report = checked.report
    problems = [p for p in report.problems if p.severity == "error"]
    if arguments.json:
        print_json(
            {
                "layers": {
                    graph.label(i): {
                        "shape": format_value(node.result),
                        "parameters": node.parameters,
                    }
                    for i, node in report.nodes.items()
                },
                "parameters": report.totals.parameters,
                "trainable": report.totals.trainable,
                "flops": report.totals.flops,
                "problems": [
                    {
                        "layer": _place(graph, p),
                        "severity": p.severity,
                        "message": p.message,
                        "repairs": [
                            {"label": r.label, "parameters": r.parameters_delta}
                            for r in checked.repairs.get(p, ())
                        ],
                    }
                    for p in report.problems
                ],
            }
        )
        return PROBLEMS if problems else DONE
    width = max([len(graph.label(i)) for i in report.nodes] or [0])
    for i, node in report.nodes.items():
        weights = f"{node.parameters:>12,} parameters" if node.parameters else ""
        print(f"{graph.label(i):<{width}}  {format_value(node.result):<24}{weights}".rstrip())
    totals = report.totals
    print(
        f"{format_count(totals.parameters)} parameters, {format_count(totals.trainable)} trainable; "
        f"{format_bytes(totals.memory_bytes)} of memory to train"
    )
    for problem in report.problems:
        say(f"{problem.severity}: {problem.message}")
        for repair in checked.repairs.get(problem, ()):
            say(f"  repair: {repair.label} ({repair.parameters_delta:+,} parameters)")
    return PROBLEMS if problems else DONE


def _place(graph: Any, problem: Diagnostic) -> str:
    return " / ".join((*problem.scope, problem.node))


def code(arguments: argparse.Namespace) -> int:
    """`code`: the network as PyTorch code."""
    text = builder.write_code(builder.load_project(arguments.file).graph, arguments.style)
    if arguments.output is None:
        print(text, end="")
        return DONE
    arguments.output.write_text(text, encoding="utf-8")
    say(f"Wrote {arguments.output}.")
    return DONE


def draw(arguments: argparse.Namespace) -> int:
    """`draw`: the network as a picture."""
    from builder import gallery as starters
    from builder.graph.shapes import infer_shapes
    from builder.inspection import drawing

    ending = arguments.output.suffix.lower()
    if ending not in (".svg", ".png"):
        raise InspectionRefused(
            f"A picture is written as .svg or .png, not as {quote(arguments.output.name)}."
        )
    if not Path(arguments.file).exists() and arguments.file in starters.designs():
        graph = starters.project(arguments.file).graph
    else:
        graph = builder.load_project(Path(arguments.file)).graph
    report = infer_shapes(graph)
    placed = drawing.middles(graph)
    as_drawn = bool(placed) and len(placed) == len(graph.nodes)
    asked = arguments.direction is not None or arguments.unfold or arguments.wrap is not None
    if arguments.arrange or (arguments.arrange is None and asked):
        as_drawn = False
    picture = drawing.draw(
        graph,
        report,
        positions=placed if as_drawn else None,
        direction=arguments.direction,
        dark=arguments.dark,
        unfold=arguments.unfold,
        wrap=arguments.wrap,
    )
    if ending == ".png":
        arguments.output.write_bytes(picture.png(arguments.scale))
    else:
        arguments.output.write_text(picture.svg, encoding="utf-8")
    for problem in report.problems:
        say(f"{problem.severity}: {problem.message}")
    say(f"Wrote {arguments.output}.")
    return DONE if report.ok else PROBLEMS
