"""What is said: templates in every language, with slots that are filled and formatted at the time of speaking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ivr.core.words import Language


@dataclass(frozen=True)
class Slot:
    """A variable to be spoken: ``{order.due}``; ``style`` (``{amount:money}``) overrides the variable's own kind."""

    name: str
    style: str | None = None


@dataclass(frozen=True)
class Template:
    """Text with slots, in order; ``parts`` never holds two strings side by side."""

    parts: tuple[str | Slot, ...]

    def slots(self) -> tuple[Slot, ...]:
        return tuple(part for part in self.parts if isinstance(part, Slot))

    def plain(self) -> str:
        """The text with its slots as they were written."""
        return "".join(part if isinstance(part, str) else "{" + part.name + "}" for part in self.parts)


@dataclass(frozen=True)
class Prompt:
    """One sentence (or several) in each language of the flow."""

    texts: Mapping[Language, Template]

    def slots(self) -> frozenset[str]:
        return frozenset(slot.name for template in self.texts.values() for slot in template.slots())
