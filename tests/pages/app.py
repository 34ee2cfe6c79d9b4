"""The app in AppTest, as a page's test drives it: a home of its own, and the browser's operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from builder.graph.model import Graph
from builder.graph.project import Project

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 60


class App:
    """One browser tab."""

    def __init__(self) -> None:
        self.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT_SECONDS)
        self.sent = 0

    def run(self) -> App:
        self.at.run()
        return self

    def open(self, page: str, project: Project | None = None) -> App:
        """Goes to a page; with a project given, opens a new one of it first."""
        self.at.run()
        if project is not None:
            from builder.ui import projects

            fresh = projects.new_project_id()
            projects.write_project(self.owner, fresh, project, None)
            self.at.query_params["project"] = fresh
        if page != "gallery":  # the start page; AppTest would hold on to a page it was sent to
            self.at.switch_page(f"pages/{page}.py").run()
        return self

    def click(self, key: str) -> App:
        self.at.button(key=key).click().run()
        return self

    def box(self, key: str) -> Selectbox:
        """The select box of that name; the rest of its key says which words it shows."""
        [found] = [b for b in self.at.selectbox if (b.key or "").startswith(f"{key}.")]
        return found

    def send(self, *operations: dict[str, Any], to: str = "lw_stack") -> App:
        """What the stack or the palette reports, as the browser would."""
        numbered = []
        for operation in operations:
            self.sent += 1
            numbered.append({"seq": self.sent, **operation})
        self.at.session_state[to] = {"ops": {"client": f"test-{to}-{id(self)}", "ops": numbered}}
        return self.run()

    def add(self, *keys: str) -> App:
        return self.send(*({"op": "add", "key": key} for key in keys), to="lw_palette")

    def draw(self, *operations: dict[str, Any]) -> App:
        """What the canvas reports."""
        return self.send(*operations, to="lw_canvas")

    @property
    def session(self) -> Any:
        return self.at.session_state["layerwise"]

    @property
    def owner(self) -> str:
        return str(self.session.owner)

    @property
    def graph(self) -> Graph:
        graph: Graph = self.session.work.graph
        return graph

    @property
    def labels(self) -> list[str]:
        """The names of the root's nodes, in order."""
        return [self.graph.label(node) for node in self.graph.nodes]

    @property
    def said(self) -> list[str]:
        """Every message on the page."""
        groups = (self.at.error, self.at.warning, self.at.info, self.at.success)
        return [element.value for group in groups for element in group]

    def field(self, label: str) -> Any:
        """The widget with this label, whatever kind it is."""
        kinds = ("text_input", "number_input", "selectbox", "toggle", "multiselect", "text_area")
        for kind in kinds:
            for widget in getattr(self.at, kind):
                if widget.label == label:
                    return widget
        raise KeyError(label)

    def shows_no_trouble(self) -> None:
        """No traceback and none of our “something went wrong”."""
        assert not self.at.exception, [e.value for e in self.at.exception]
        assert not [text for text in self.said if "went wrong" in text]
