"""What a request asks, read against a table of the parameters that are offered; all others are refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ivr.exchange.records import CarrierRefused

Read = Callable[[str, Sequence[str]], Any]


@dataclass(frozen=True)
class Parameter:
    name: str
    keyword: str
    read: Read


@dataclass(frozen=True)
class Asked:
    """One request, without the web framework: views run on the network's loop, far from the request's thread."""

    path: str
    host_url: str  # http://127.0.0.1:8081, no slash at the end
    query: Mapping[str, Sequence[str]]
    form: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answer:
    status: int
    body: object = None
    media: bytes | None = None
    media_type: str = ""


def read(given: Mapping[str, Sequence[str]], offered: Sequence[Parameter]) -> dict[str, Any]:
    """The given parameters as keywords. Empty ones count as not given, unless their reader says otherwise.

    Raises CarrierRefused 20001 (Twilio docs: error 20001, unknown parameters) for any that is not offered: the carrier
    would take some of them, and leaving them out silently would look like having them.
    """
    by_name = {parameter.name: parameter for parameter in offered}
    unknown = sorted(name for name in given if name not in by_name)
    if unknown:
        raise refused_value(f"Unknown parameters: {', '.join(unknown)}. This carrier does not offer them.")
    return {
        by_name[name].keyword: by_name[name].read(name, values)
        for name, values in given.items()
        if any(values) or getattr(by_name[name].read, "takes_empty", False)
    }


def refused_value(message: str, code: int = 20001) -> CarrierRefused:
    return CarrierRefused(400, code, message)


def snake(name: str) -> str:
    """``StatusCallbackEvent`` is ``status_callback_event``; ``From`` would be a keyword of Python: ``from_``."""
    snaked = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
    return "from_" if snaked == "from" else snaked


def _parameter(name: str, read: Read, keyword: str | None) -> Parameter:
    return Parameter(name, keyword or snake(name), read)


def text(name: str, longest: int | None = None, keyword: str | None = None, code: int = 20001) -> Parameter:
    def read(name: str, values: Sequence[str]) -> str:
        value = values[0]
        if longest is not None and len(value) > longest:
            raise refused_value(f"{name} has {len(value)} characters; at most {longest} are taken", code)
        return value

    return _parameter(name, read, keyword)


def emptiable(name: str, longest: int | None = None, keyword: str | None = None) -> Parameter:
    """A text whose emptiness says something (it clears or redacts)."""
    parameter = text(name, longest, keyword)
    parameter.read.takes_empty = True  # type: ignore[attr-defined]
    return parameter


def url(name: str, code: int = 21205, clears: bool = False) -> Parameter:
    """An absolute http(s) address (Twilio docs: error 21205, invalid URL)."""

    def read(name: str, values: Sequence[str]) -> str:
        if values[0] and not _is_url(values[0]):
            raise refused_value(f"{name} is not a valid URL: {values[0]}", code)
        return values[0]

    read.takes_empty = clears  # type: ignore[attr-defined]
    return _parameter(name, read, None)


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", value)
    except ValueError:
        return False


def method(name: str, code: int = 21209) -> Parameter:
    """GET or POST (Twilio docs: error 21209, invalid method)."""

    def read(name: str, values: Sequence[str]) -> str:
        if values[0].upper() not in ("GET", "POST"):
            raise refused_value(f"{name} must be GET or POST, not {values[0]!r}", code)
        return values[0].upper()

    return _parameter(name, read, None)


def choice(name: str, *allowed: str, keyword: str | None = None, code: int = 20001) -> Parameter:
    def read(name: str, values: Sequence[str]) -> str:
        if values[0] not in allowed:
            raise refused_value(f"{name} must be one of {', '.join(allowed)}, not {values[0]!r}", code)
        return values[0]

    return _parameter(name, read, keyword)


def events(name: str, *allowed: str) -> Parameter:
    """Several values: the parameter repeated, or separated by spaces or commas in one."""

    def read(name: str, values: Sequence[str]) -> tuple[str, ...]:
        wanted = tuple(word for value in values for word in re.split(r"[\s,]+", value) if word)
        wrong = [word for word in wanted if word not in allowed]
        if wrong:
            raise refused_value(f"{name} can hold {', '.join(allowed)}, not {', '.join(wrong)}")
        return wanted

    return _parameter(name, read, None)


def flag(name: str, keyword: str | None = None) -> Parameter:
    def read(name: str, values: Sequence[str]) -> bool:
        if values[0].lower() not in ("true", "false"):
            raise refused_value(f"{name} must be true or false, not {values[0]!r}")
        return values[0].lower() == "true"

    return _parameter(name, read, keyword)


def number(name: str, least: int, most: int, code: int = 20001) -> Parameter:
    def read(name: str, values: Sequence[str]) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", values[0]) or not least <= int(values[0]) <= most:
            raise refused_value(f"{name} must be a whole number from {least} to {most}, not {values[0]!r}", code)
        return int(values[0])

    return _parameter(name, read, None)


def needed(values: Mapping[str, Any], keyword: str, code: int, message: str) -> None:
    if not values.get(keyword):
        raise CarrierRefused(400, code, message)
