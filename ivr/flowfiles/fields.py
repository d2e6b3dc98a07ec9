"""A table of a file, read key by key; what is missing, odd or unknown is noted, never raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

from ivr.core.flow import expression
from ivr.core.flow.expression import Expression, ExpressionUnreadable
from ivr.core.flow.model import Mark
from ivr.core.flow.text import Prompt, Slot, Template
from ivr.core.words import Language
from ivr.flowfiles import scalars
from ivr.flowfiles.grammar import STYLES
from ivr.flowfiles.marks import Listing, Table, Text, Tree
from ivr.flowfiles.problems import Notes, did_you_mean, one_of

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_]*")
VARIABLE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_LANGUAGE = re.compile(r"[a-z]{2}")


class Reading:
    """What all tables of one file share: the notes, the languages and the phrases."""

    def __init__(
        self, notes: Notes, languages: tuple[Language, ...] = (), phrases: dict[str, Prompt] | None = None
    ) -> None:
        self.notes, self.languages, self.phrases = notes, languages, phrases or {}


class Fields:
    """The keys of one table; ``where`` begins each problem's text ("menu 'welcome'")."""

    def __init__(self, table: Table, where: str, known: Iterable[str], reading: Reading) -> None:
        self.table, self.where, self.mark = table, where, table.mark
        self._reading, self._notes = reading, reading.notes
        self._refuse_unknown(tuple(known))

    def _refuse_unknown(self, known: tuple[str, ...]) -> None:
        for entry in self.table.entries:
            if entry.key.text not in known:
                cure = did_you_mean(entry.key.text, known) or (
                    f"it may have {one_of([f'{name!r}' for name in known])}" if known else None
                )
                self._notes.error(
                    entry.key.mark, "unknown-key", f"{self.where}: key '{entry.key.text}' means nothing here", cure
                )

    def has(self, key: str) -> bool:
        return self.table.get(key) is not None

    def wrong(self, mark: Mark, code: str, text: str, suggestion: str | None = None) -> None:
        self._notes.error(mark, code, f"{self.where}: {text}", suggestion)

    def value(self, key: str, needed: bool = False) -> Tree | None:
        value = self.table.get(key)
        if value is None and needed:
            self.wrong(self.mark, "missing-key", f"'{key}' is missing", f"add '{key}:'")
        return value

    def word(self, key: str, needed: bool = False) -> Text | None:
        """A scalar that is not empty."""
        value = self.value(key, needed)
        if value is None:
            return None
        if not isinstance(value, Text):
            self.wrong(value.mark, "wrong-shape", f"'{key}' takes a word, not a {_shape(value)}")
            return None
        if not value.text.strip():
            self.wrong(value.mark, "empty-value", f"'{key}' is empty")
            return None
        return value

    def convert(self, key: str, how: Callable[[str], T], default: T, needed: bool = False) -> T:
        """The scalar under ``key`` made a value by ``how``, whose ValueError is noted; else the default."""
        word = self.word(key, needed)
        if word is None:
            return default
        try:
            return how(word.text.strip())
        except ValueError as refused:
            self.wrong(word.mark, "wrong-value", f"'{key}': {refused}")
            return default

    def text(self, key: str, default: str = "", needed: bool = False) -> str:
        return self.convert(key, str, default, needed)

    def name(self, key: str, needed: bool = False) -> str:
        return self.convert(key, name, "", needed)

    def optional_name(self, key: str) -> str | None:
        return self.name(key) or None

    def variable(self, key: str, needed: bool = False) -> str:
        return self.convert(key, variable, "", needed)

    def choice(self, key: str, allowed: tuple[str, ...], default: str, needed: bool = False) -> str:
        word = self.word(key, needed)
        if word is None:
            return default
        return self.among(word, f"'{key}'", allowed, default)

    def among(self, word: Text, what: str, allowed: tuple[str, ...], default: str) -> str:
        if word.text in allowed:
            return word.text
        cure = did_you_mean(word.text, allowed) or f"it takes {one_of(allowed)}"
        self.wrong(word.mark, "wrong-value", f"{what} cannot be '{word.text}'", cure)
        return default

    def flag(self, key: str) -> bool:
        return self.convert(key, scalars.yes_or_no, False)

    def count(self, key: str, default: int) -> int:
        return self.convert(key, scalars.whole_number, default)

    def duration(self, key: str, default: timedelta) -> timedelta:
        return self.convert(key, scalars.duration, default)

    def optional_duration(self, key: str) -> timedelta | None:
        return self.convert(key, scalars.duration, None)

    def expression(self, key: str) -> Expression | None:
        word = self.word(key, needed=True)
        return self.as_expression(word, f"'{key}'") if word else None

    def as_expression(self, value: Tree, what: str) -> Expression | None:
        if not isinstance(value, Text):
            self.wrong(value.mark, "wrong-shape", f"{what} takes an expression, not a {_shape(value)}")
            return None
        try:
            return expression.read(value.text)
        except ExpressionUnreadable as refused:
            place = Mark(value.mark.file, value.mark.line, value.mark.column + (refused.column - 1) + (not value.plain))
            self.wrong(place, "expression", f"{what}: {refused}")
            return None

    def names(self, key: str, needed: bool = False) -> tuple[str, ...]:
        return tuple(word.text for word in self.words(key, needed))

    def words(self, key: str, needed: bool = False) -> tuple[Text, ...]:
        """A list of scalars; one scalar counts as a list of one."""
        value = self.value(key, needed)
        return () if value is None else self.as_words(value, f"'{key}'")

    def as_words(self, value: Tree, what: str) -> tuple[Text, ...]:
        items = value.items if isinstance(value, Listing) else (value,)
        for item in items:
            if not isinstance(item, Text):
                self.wrong(item.mark, "wrong-shape", f"{what} takes words, not a {_shape(item)}")
        return tuple(item for item in items if isinstance(item, Text) and item.text.strip())

    def entries(self, key: str, needed: bool = False) -> Iterator[tuple[Text, Tree]]:
        """The keys and values of the table under ``key``."""
        value = self.value(key, needed)
        if value is None:
            return
        if not isinstance(value, Table):
            self.wrong(value.mark, "wrong-shape", f"'{key}' takes a table (key: value), not a {_shape(value)}")
            return
        for entry in value.entries:
            yield entry.key, entry.value

    def items(self, key: str) -> Iterator[Tree]:
        """The items of the list under ``key``; a lone table counts as a list of one."""
        value = self.value(key)
        match value:
            case None:
                return
            case Listing(items):
                yield from items
            case Table():
                yield value
            case Text():
                self.wrong(value.mark, "wrong-shape", f"'{key}' takes a list, not a word")

    def below(self, key: str, known: Iterable[str]) -> Fields | None:
        """The table under ``key``."""
        value = self.value(key)
        return None if value is None else self.within(value, f"'{key}'", known)

    def within(self, value: Tree, what: str, known: Iterable[str]) -> Fields | None:
        if isinstance(value, Table):
            return Fields(value, f"{self.where}: {what}", known, self._reading)
        self.wrong(value.mark, "wrong-shape", f"{what} takes a table (key: value), not a {_shape(value)}")
        return None

    def prompt(self, key: str, needed: bool = False) -> Prompt | None:
        value = self.value(key, needed)
        return None if value is None else self.as_prompt(value, f"'{key}'")

    def as_prompt(self, value: Tree, what: str) -> Prompt | None:
        match value:
            case Table() if value.keys() == ("phrase",):
                return self._phrase(value.entries[0].value)
            case Table():
                return self._in_languages(value, what)
            case Text() if len(self._reading.languages) == 1:
                return Prompt({self._reading.languages[0]: self._template(value, what)})
            case Text():
                self.wrong(
                    value.mark,
                    "missing-language",
                    f"{what} does not say which language it is in",
                    "write {it: …, en: …}, one text for each language",
                )
            case Listing():
                self.wrong(value.mark, "wrong-shape", f"{what} takes a text in each language, not a list")
        return None

    def _phrase(self, value: Tree) -> Prompt | None:
        known = self._reading.phrases
        if isinstance(value, Text) and value.text in known:
            return known[value.text]
        word = value.text if isinstance(value, Text) else "?"
        self.wrong(
            value.mark,
            "unknown-phrase",
            f"company.yaml has no phrase '{word}'",
            did_you_mean(word, known) or "add it under 'phrases'",
        )
        return None

    def _in_languages(self, table: Table, what: str) -> Prompt:
        texts: dict[Language, Template] = {}
        for entry in table.entries:
            code, value = entry.key, entry.value
            if not _LANGUAGE.fullmatch(code.text):
                split = isinstance(value, Text) and not value.text  # {en: Key it in, then hash.}
                cure = "a comma ends a text inside { }; put the text in quotes" if split else "write it, en, …"
                self.wrong(code.mark, "unknown-key", f"{what}: '{code.text}' is no language", cure)
            elif not isinstance(value, Text):
                self.wrong(value.mark, "wrong-shape", f"{what} in {code.text} takes a text, not a {_shape(value)}")
            elif not value.text.strip():
                self.wrong(value.mark, "empty-value", f"{what} in {code.text} is empty")
            else:
                texts[Language(code.text)] = self._template(value, f"{what} in {code.text}")
        return Prompt(texts)

    def _template(self, value: Text, what: str) -> Template:
        try:
            return template(value.text)
        except ValueError as refused:
            self.wrong(value.mark, "slot", f"{what}: {refused}")
            return Template((value.text,))


def template(text: str) -> Template:
    """Text with slots; ``{{`` and ``}}`` stand for braces. Raises ValueError with words for the author."""
    parts: list[str | Slot] = []
    plain, at = "", 0
    while at < len(text):
        two, one = text[at : at + 2], text[at]
        if two in ("{{", "}}"):
            plain, at = plain + one, at + 2
        elif one == "}":
            raise ValueError("a } stands alone; write }} for a brace that is spoken")
        elif one == "{":
            end = text.find("}", at)
            if end < 0:
                raise ValueError("a { is not closed; write {{ for a brace that is spoken")
            parts += [plain, _slot(text[at + 1 : end])] if plain else [_slot(text[at + 1 : end])]
            plain, at = "", end + 1
        else:
            plain, at = plain + one, at + 1
    return Template((*parts, plain) if plain else tuple(parts))


def _slot(inside: str) -> Slot:
    name_, colon, style = (part.strip() for part in inside.partition(":"))
    if not VARIABLE.fullmatch(name_):
        raise ValueError(f"{{{inside}}} is no variable; write {{order.due}} or {{amount:money}}")
    if colon and style not in STYLES:
        cure = did_you_mean(style, STYLES) or f"it is one of {one_of(STYLES)}"
        raise ValueError(f"'{style}' is no style; {cure}")
    return Slot(name_, style or None)


def name(text: str) -> str:
    """A name of ours: small letters, digits and _; raises ValueError."""
    if not NAME.fullmatch(text):
        better = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
        raise ValueError(f"'{text}' is no name; use small letters, digits and _" + (f": {better}" if better else ""))
    return text


def variable(text: str) -> str:
    """A variable's name, dots allowed; raises ValueError."""
    if not VARIABLE.fullmatch(text):
        raise ValueError(f"'{text}' is no variable's name; use small letters, digits, _ and dots")
    return text


def _shape(tree: Tree) -> str:
    match tree:
        case Text():
            return "word"
        case Listing():
            return "list"
        case Table():
            return "table"
