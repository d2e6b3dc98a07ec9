"""What is wrong with a flow file: where, how bad, in whose words, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ivr.core.flow.faults import did_you_mean
from ivr.core.flow.model import Mark

__all__ = ["ERROR", "WARNING", "Notes", "Problem", "did_you_mean", "errors", "in_order", "one_of"]

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Problem:
    """One problem of a file; lines and columns count from 1, ``code`` is explained in docs/flows.md."""

    file: str
    line: int
    column: int
    severity: str  # error or warning
    code: str
    text: str
    suggestion: str | None = None

    def __str__(self) -> str:
        cure = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.text}{cure}"


class Notes:
    """The problems found so far in one reading."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._seen: set[Problem] = set()

    def error(self, mark: Mark, code: str, text: str, suggestion: str | None = None) -> None:
        self._add(mark, ERROR, code, text, suggestion)

    def warning(self, mark: Mark, code: str, text: str, suggestion: str | None = None) -> None:
        self._add(mark, WARNING, code, text, suggestion)

    def _add(self, mark: Mark, severity: str, code: str, text: str, suggestion: str | None) -> None:
        problem = Problem(mark.file, mark.line, mark.column, severity, code, text, suggestion)
        if problem not in self._seen:
            self._seen.add(problem)
            self.found.append(problem)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file and place, each once."""
    return tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.severity, p.code, p.text)))


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity == ERROR)


def one_of(words: Sequence[str]) -> str:
    """``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
