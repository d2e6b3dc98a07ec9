"""What somebody keyed in, by its type: the value, or the name of our sentence about what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ivr.core.checks import CHECKS
from ivr.core.flow.expression import Value
from ivr.core.flow.model import Collect
from ivr.core.words import E164

MOST_DIGITS = 15  # of a number or an amount: JSON readers keep it exact


@dataclass(frozen=True)
class Good:
    value: Value


@dataclass(frozen=True)
class Wrong:
    because: str  # a name in sentences.py


def read_entry(node: Collect, keys: str) -> Good | Wrong:
    """Length first, then the type's own form, then the check digit."""
    match node.type:
        case "date":
            return read_date(keys)
        case "money":
            entry = read_money(keys)
        case "number":
            entry = read_number(keys)
        case "phone_number":
            entry = read_phone_number(keys)
        case _:
            entry = Good(keys) if is_digits(keys) else Wrong("not_a_number")
    if isinstance(entry, Wrong):
        return entry
    digits = keys.replace("*", "")
    if len(digits) < node.shortest:
        return Wrong("too_short")
    if len(digits) > node.longest:
        return Wrong("too_long")
    if node.check is not None and not CHECKS[node.check](keys):
        return Wrong("wrong_check")
    return entry


def read_number(keys: str) -> Good | Wrong:
    return Good(int(keys)) if is_digits(keys) and len(keys) <= MOST_DIGITS else Wrong("not_a_number")


def read_money(keys: str) -> Good | Wrong:
    """Whole units, or units, star and two digits of cents; in cents."""
    amount = re.fullmatch(r"([0-9]{1,12})(?:\*([0-9]{2}))?", keys)
    return Wrong("not_money") if amount is None else Good(int(amount[1]) * 100 + int(amount[2] or "0"))


def read_date(keys: str) -> Good | Wrong:
    """Day, month, year: ``24112026``; as ISO text."""
    if not re.fullmatch(r"[0-9]{8}", keys):
        return Wrong("not_a_date")
    try:
        return Good(date(int(keys[4:]), int(keys[2:4]), int(keys[:2])).isoformat())
    except ValueError:
        return Wrong("not_a_date")


def read_phone_number(keys: str) -> Good | Wrong:
    """As people dial it: ``00`` and a country code gives ``+…``; a national number stays as it was keyed in."""
    if not is_digits(keys) or not 5 <= len(keys) <= 17:
        return Wrong("not_a_phone_number")
    if not keys.startswith("00"):
        return Good(keys)
    number = f"+{keys[2:]}"
    return Good(number) if E164.fullmatch(number) else Wrong("not_a_phone_number")


def is_digits(keys: str) -> bool:
    return keys.isascii() and keys.isdigit()
