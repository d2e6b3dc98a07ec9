"""Where the execution of documents goes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ivr.exchange.twiml import Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg


@dataclass(frozen=True, slots=True)
class Goto:
    """Ask for a document and go on with it."""

    url: str
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """Verbs, and the address they came from (empty: handed over by REST, then ``source`` is read when it is due)."""

    verbs: list[Verb]
    url: str = ""
    source: bytes = b""

    def address(self, text: str) -> str:
        """An address in this document, made absolute; the document's own when empty."""
        return urljoin(self.url, text) if text else self.url

    def action(self, verb: Verb, params: Mapping[str, str]) -> Goto:
        """The verb's action, by default this document again."""
        return Goto(self.address(verb.get("action")), verb.get("method", "POST").upper(), params)


class Stop(Enum):
    HANG_UP = "hang up"
    LEAVE = "leave"


Outcome = Goto | Stop | None


class DocumentFailed(Exception):
    """A document could not be had, or breaks the rules: Twilio's error code, and the address."""

    def __init__(self, code: int, url: str) -> None:
        super().__init__(f"{code} at {url}")
        self.code, self.url = code, url


def go_on(verb: Verb, document: Document, params: Mapping[str, str]) -> Outcome:
    """The action of a verb that has none by default: the next verb then."""
    return document.action(verb, params) if verb.get("action") else None


def hung_up(leg: Leg, verb: Verb, document: Document, params: Mapping[str, str]) -> None:
    """The caller left first: the action is still asked, nothing in its answer is executed."""
    if verb.get("action"):
        leg.request(document.action(verb, params))
