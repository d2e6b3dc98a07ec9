"""What is wrong with a flow that can be read: where, how bad, in whose words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from ivr.core.flow.model import AnyNode, Flow, Mark

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Fault:
    """One fault; ``path`` is the node and key (``welcome.menu.2.to``), ``code`` is explained in docs/flows.md."""

    mark: Mark
    path: str
    severity: str  # error or warning
    code: str
    text: str
    suggestion: str | None = None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A question with the nearest known name, or None when none is near."""
    near = nearest(word, known)
    return f"did you mean '{near}'?" if near else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)
    return found[0] if found else None


class Faults:
    """The faults found so far in one flow."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.found: list[Fault] = []
        self._seen: set[Fault] = set()

    def of_flow(self, severity: str, code: str, key: str, text: str, suggestion: str | None = None) -> None:
        mark = self.flow.marks.get(key, self.flow.mark)
        self.add(Fault(mark, key, severity, code, f"flow '{self.flow.name}': {text}", suggestion))

    def of_node(
        self, node: AnyNode, severity: str, code: str, key: str, text: str, suggestion: str | None = None
    ) -> None:
        mark = _nearest_mark(node, key)
        path = f"{node.name}.{key}" if key else node.name
        self.add(Fault(mark, path, severity, code, f"{node.kind} '{node.name}': {text}", suggestion))

    def add(self, fault: Fault) -> None:
        """Note a fault, once."""
        if fault not in self._seen:
            self._seen.add(fault)
            self.found.append(fault)


def _nearest_mark(node: AnyNode, key: str) -> Mark:
    """The place of a key path, or of what it stands in."""
    while key:
        if key in node.marks:
            return node.marks[key]
        key = key.rpartition(".")[0]
    return node.mark
