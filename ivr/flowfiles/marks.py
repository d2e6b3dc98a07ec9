"""YAML as its author wrote it: every scalar is text, every key and value knows its place, no key comes twice.

Nothing in a file may raise, hang or grow: size, depth and the number of nodes (aliases counted out) are limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from ivr.core.flow.model import Mark
from ivr.flowfiles.problems import Notes, Problem

LARGEST = 1_000_000
"""Bytes of a file, at most."""
DEEPEST = 24
"""Levels of nesting, at most."""
MOST = 20_000
"""Nodes of a file, at most, each alias counted with all it stands for."""

# What YAML 1.1 calls printable (https://yaml.org/spec/1.1/#id868524), without the byte order mark.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Text:
    """A scalar, exactly as written; ``plain``: without quotes."""

    text: str
    mark: Mark
    plain: bool = True


@dataclass(frozen=True)
class Listing:
    items: tuple[Tree, ...]
    mark: Mark


@dataclass(frozen=True)
class Entry:
    key: Text
    value: Tree


@dataclass(frozen=True)
class Table:
    entries: tuple[Entry, ...]
    mark: Mark

    def get(self, key: str) -> Tree | None:
        return next((entry.value for entry in self.entries if entry.key.text == key), None)

    def key(self, key: str) -> Text | None:
        return next((entry.key for entry in self.entries if entry.key.text == key), None)

    def keys(self) -> tuple[str, ...]:
        return tuple(entry.key.text for entry in self.entries)


Tree = Text | Listing | Table


def read_one(file: str, source: bytes | str) -> tuple[Tree | None, tuple[Problem, ...]]:
    """The one YAML document of a file as a marked tree, or None where there is none to go on with."""
    trees, problems = read_all(file, source)
    notes = Notes()
    notes.found.extend(problems)
    if len(trees) > 1:
        notes.error(trees[1].mark, "several-documents", "a second YAML document begins here", "one file holds one flow")
    if not trees and not notes.found:
        notes.error(Mark(file, 1, 1), "empty", "the file is empty")
    return (trees[0] if trees else None), tuple(notes.found)


def read_all(file: str, source: bytes | str) -> tuple[tuple[Tree, ...], tuple[Problem, ...]]:
    """Every YAML document of a file, and what is wrong with it; never raises for what is in the file."""
    notes = Notes()
    text = _decoded(file, source, notes)
    if text is None:
        return (), tuple(notes.found)
    building = _Building(file, notes)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            building.take(event)
            if building.stopped:
                break
    except yaml.MarkedYAMLError as refused:
        mark = _mark(file, refused.problem_mark or refused.context_mark)
        notes.error(mark, "not-yaml", *_in_our_words(refused, _line(text, mark.line)))
    except (yaml.YAMLError, ValueError, OverflowError) as refused:  # the scanner's own conversions may raise those
        notes.error(Mark(file, 1, 1), "not-yaml", f"this is not YAML ({type(refused).__name__})")
    return tuple(building.documents), tuple(notes.found)


def places(tree: Tree, path: str = "") -> Iterator[tuple[str, Mark]]:
    """Each value's key path (``menu.1.to``, lists count from 1) and place."""
    if path:
        yield path, tree.mark
    dot = f"{path}." if path else ""
    match tree:
        case Table(entries):
            for entry in entries:
                yield from places(entry.value, dot + entry.key.text)
        case Listing(items):
            for number, item in enumerate(items, 1):
                yield from places(item, f"{dot}{number}")


def texts(tree: Tree) -> Iterator[Text]:
    """Every scalar value below."""
    match tree:
        case Text():
            yield tree
        case Table(entries):
            for entry in entries:
                yield from texts(entry.value)
        case Listing(items):
            for item in items:
                yield from texts(item)


def _decoded(file: str, source: bytes | str, notes: Notes) -> str | None:
    too_large = len(source) > LARGEST
    if too_large:
        notes.error(Mark(file, 1, 1), "too-large", f"the file is larger than {LARGEST // 1000} kB", "split it up")
        return None
    if isinstance(source, bytes):
        try:
            text = source.decode("utf-8-sig")
        except UnicodeDecodeError as refused:
            before = source[: refused.start].decode("utf-8", "replace")
            notes.error(_place(file, before), "not-utf8", "this is not UTF-8 text", "save the file as UTF-8")
            return None
    else:
        text = source.removeprefix("\ufeff")
    odd = UNPRINTABLE.search(text)
    if odd:
        notes.error(
            _place(file, text[: odd.start()]),
            "unprintable",
            f"character U+{ord(odd.group()):04X} cannot stand in a text file",
            "remove it",
        )
        return None
    return text


def _place(file: str, before: str) -> Mark:
    return Mark(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class _Place(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _mark(file: str, mark: _Place | None) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1) if mark else Mark(file, 1, 1)


_OUR_WORDS = (
    ("mapping values are not allowed", "a second colon on this line", "put the text in quotes"),
    ("could not find expected ':'", "a colon is missing", "write `key: value`"),
    ("did not find expected key", "the indentation does not fit, or a quote or bracket is open", None),
    ("did not find expected ',' or", "a bracket or brace is not closed, or a comma is missing", None),
    ("did not find expected '-'", "the indentation of this list does not fit", None),
    ("cannot start any token", "this character begins nothing in YAML", "put the text in quotes"),
    ("while scanning a quoted scalar", "a quote is not closed", None),
    ("unexpected end of stream", "a quote is not closed", None),
    ("duplicate anchor", "the same anchor twice", None),
    ("found unexpected document indicator", "a quote is open where a document ends", None),
    ("unknown escape character", "an unknown escape after a backslash", "use single quotes, or double the backslash"),
    ("block sequence entries are not allowed", "a list cannot begin here", None),
    ("undefined tag handle", "tags (!) mean nothing in a flow file", "leave the tag out"),
)


def _line(text: str, number: int) -> str:
    return next(iter(text.split("\n")[number - 1 : number]), "")


def _in_our_words(refused: yaml.MarkedYAMLError, line: str) -> tuple[str, str | None]:
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab stands where YAML wants spaces", "indent with spaces"
    said = f"{refused.context or ''} {refused.problem or ''}"
    for part, text, cure in _OUR_WORDS:
        if part in said:
            return text, cure
    return f"this is not YAML: {(refused.problem or 'unreadable').strip()}", None


@dataclass
class _Open:
    """A list or table that is not finished."""

    mark: Mark
    anchor: str | None
    table: bool
    items: list[Tree] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Text | None = None
    size: int = 1


class _Building:
    """The tree, grown event by event; no recursion, so that depth cannot hurt."""

    def __init__(self, file: str, notes: Notes) -> None:
        self.documents: list[Tree] = []
        self.stopped = False
        self._file, self._notes = file, notes
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Tree, int]] = {}
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        mark = _mark(self._file, event.start_mark)
        match event:
            case yaml.DocumentStartEvent():
                self._anchors.clear()
            case yaml.ScalarEvent():
                self._untagged(event, mark)
                self._count(1, mark)
                self._put(self._scalar(event, mark), 1, event.anchor)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._untagged(event, mark)
                self._count(1, mark)
                self._open.append(_Open(mark, event.anchor, isinstance(event, yaml.MappingStartEvent)))
                if len(self._open) > DEEPEST:
                    self._stop(mark, "too-deep", f"more than {DEEPEST} levels of nesting")
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self._open.pop()
                tree = Table(tuple(done.entries.values()), done.mark) if done.table else self._listing(done)
                self._put(tree, done.size, done.anchor)
            case yaml.AliasEvent():
                self._alias(event, mark)

    def _listing(self, done: _Open) -> Listing:
        return Listing(tuple(done.items), done.mark)

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Text:
        odd = UNSPEAKABLE.search(event.value)
        if odd:
            self._notes.error(
                mark, "unprintable", f"an escape makes character U+{ord(odd.group()):04X} here", "leave it out"
            )
        return Text(UNSPEAKABLE.sub("", event.value), mark, event.style is None)

    def _alias(self, event: yaml.AliasEvent, mark: Mark) -> None:
        if any(waiting.anchor == event.anchor for waiting in self._open):
            self._notes.error(mark, "circle", f"*{event.anchor} stands inside what it stands for")
            self._put(Text("", mark), 1, None)
        elif event.anchor not in self._anchors:
            self._notes.error(mark, "unknown-anchor", f"*{event.anchor} stands for nothing: no &{event.anchor}")
            self._put(Text("", mark), 1, None)
        else:
            tree, size = self._anchors[event.anchor]
            self._count(size, mark)
            self._put(tree, size, None)

    def _untagged(self, event: yaml.NodeEvent, mark: Mark) -> None:
        tag = getattr(event, "tag", None)
        if tag:
            self._notes.error(mark, "tag", "tags (!) mean nothing in a flow file", "leave the tag out")

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > MOST:
            self._stop(mark, "too-many", f"more than {MOST} keys and values, aliases counted out")

    def _stop(self, mark: Mark, code: str, text: str) -> None:
        if not self.stopped:
            self._notes.error(mark, code, text, "this is no call flow")
        self.stopped = True
        self.documents.clear()

    def _put(self, tree: Tree, size: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (tree, size)
        if self.stopped:
            return
        if not self._open:
            self.documents.append(tree)
            return
        top = self._open[-1]
        top.size += size
        if not top.table:
            top.items.append(tree)
        elif top.key is None:
            top.key = self._as_key(tree)
        else:
            self._enter(top, top.key, tree)
            top.key = None

    def _as_key(self, tree: Tree) -> Text:
        if isinstance(tree, Text):
            return tree
        self._notes.error(tree.mark, "odd-key", "a key is a word, not a list or table")
        return Text("", tree.mark)

    def _enter(self, table: _Open, key: Text, value: Tree) -> None:
        first = table.entries.get(key.text)
        if first is None:
            table.entries[key.text] = Entry(key, value)
        elif key.text:
            self._notes.error(
                key.mark,
                "repeated-key",
                f"key '{key.text}' stands here a second time (first on line {first.key.mark.line})",
                "remove one of them",
            )
