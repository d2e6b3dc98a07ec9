"""How values stand in Twilio's JSON: dates, addresses within the account, and the frame around a page of a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from ivr.exchange.records import CarrierRefused
from ivr.exchange.rest.asked import Answer, Asked, Parameter, number, refused_value, text

API_VERSION = "2010-04-01"
PAGE_SIZE = 50

R = TypeVar("R")


def account_uri(account_sid: str) -> str:
    return f"/{API_VERSION}/Accounts/{account_sid}"


def date(at: datetime | None) -> str | None:
    """RFC 2822, in UTC: ``Fri, 18 Oct 2019 17:00:00 +0000``."""
    return None if at is None else format_datetime(at.astimezone(UTC))


def seconds(duration: int | None) -> str | None:
    return None if duration is None else str(duration)


def formatted(number: str) -> str:
    """North American numbers as they are written there, all others as they are (Twilio docs: Call resource)."""
    american = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"({american[1]}) {american[2]}-{american[3]}" if american else number


def paging() -> list[Parameter]:
    """Twilio docs: error 20007, the maximum page size is 1000."""
    return [number("PageSize", 1, 1000, code=20007), number("Page", 0, 10**9), text("PageToken")]


def dated(name: str) -> list[Parameter]:
    """A day or an instant to be equal to, and the two inequalities, whose signs stand in the parameter's name."""
    return [Parameter(name + sign, name + sign, _moment) for sign in ("", "<", ">")]


def _moment(name: str, values: Sequence[str]) -> tuple[datetime, bool]:
    """The instant, and whether a whole day was meant: Twilio's own libraries send a day as its midnight."""
    value = values[0]
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise refused_value(f"{name} is neither a date nor a time of ISO 8601: {value!r}") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at, at.time() == time(0)


def keep(items: Sequence[R], when: Callable[[R], datetime | None], name: str, values: dict[str, Any]) -> list[R]:
    """Those whose time fits the filters of ``dated(name)``, which are taken out of ``values``.

    ``<`` and ``>`` include the instant itself; a bare day stands for its midnight there, and for all of it where
    equality is asked (Twilio docs: Call resource, read multiple; times are UTC).
    """
    exact, before, after = (values.pop(name + sign, None) for sign in ("", "<", ">"))

    def fits(at: datetime | None) -> bool:
        if at is None:
            return exact is before is after is None
        at = at.replace(microsecond=0)
        return (
            (exact is None or exact[0] <= at < exact[0] + timedelta(days=1 if exact[1] else 0, seconds=not exact[1]))
            and (before is None or at <= before[0])
            and (after is None or at >= after[0])
        )

    return [item for item in items if fits(when(item))]


def page(
    asked: Asked,
    values: dict[str, Any],
    name: str,
    items: Sequence[R],
    key: Callable[[R], str],
    show: Callable[[R], Any],
) -> Answer:
    """One page of a list, with the addresses of its neighbours.

    A page begins after the item its token names, so that calls which arrive meanwhile shift nothing. Raises
    CarrierRefused 21481 (Twilio docs: error 21481, invalid PageToken) when that item is gone.
    """
    size, at = values.get("page_size", PAGE_SIZE), values.get("page", 0)
    start = _begin(items, key, values.get("page_token"), size, at)
    here = items[start : start + size]
    filters = [(k, v) for k, vs in asked.query.items() if k not in ("PageSize", "Page", "PageToken") for v in vs]

    def address(page: int, token: str | None = None) -> str:
        query = [*filters, ("PageSize", size), ("Page", page), *([("PageToken", token)] if token else [])]
        return f"{asked.path}?{urlencode(query)}"

    more = start + size < len(items)
    body = {
        name: [show(item) for item in here],
        "page": at,
        "page_size": size,
        "start": at * size,
        "end": at * size + max(0, len(here) - 1),
        "uri": address(at, values.get("page_token")),
        "first_page_uri": address(0),
        "next_page_uri": address(at + 1, f"PA{key(here[-1])}") if more else None,
        "previous_page_uri": address(at - 1, f"PB{key(here[0])}") if at > 0 and here else None,
    }
    return Answer(200, body)


def _begin(items: Sequence[R], key: Callable[[R], str], token: str | None, size: int, page: int) -> int:
    if token is None:
        return page * size
    for n, item in enumerate(items):
        if key(item) == token[2:]:
            return n + 1 if token.startswith("PA") else max(0, n - size)
    raise CarrierRefused(400, 21481, "Invalid PageToken")
