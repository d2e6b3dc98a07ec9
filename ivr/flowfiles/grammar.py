"""The words of the flow language: every kind of node, every key and its shape.

The parser refuses keys that do not stand here, ``ivr flows schema`` is made from it, and docs/flows.md is tested
against it. Shapes: ``prompt node expression name text duration count flag length keys number day spans language
languages fraction``, ``one:a|b``, ``table:NAME``, ``list:SHAPE``, ``map:SHAPE``, ``either:SHAPE+SHAPE``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TYPES = ("text", "digits", "number", "money", "date", "moment", "duration", "phone_number", "yes_no")
"""Types of variables; ``enum:NAME`` besides, with the words of company.yaml."""
STYLES = ("text", "digits", "number", "money", "date", "moment", "duration", "phone_number")
"""Styles of a slot: ``{amount:money}``."""
COLLECTS = ("digits", "number", "money", "date", "phone_number")
CHECKS = ("luhn", "iban97", "ean13", "italian_vat")
CASES = ("question", "order", "complaint", "suggestion")
RECORDS = ("order", "customer", "case", "callback")
WAIT_KEYS = ("callback", "voicemail", "information", "language")
OVERFLOW_WHEN = ("nobody_signed_in", "closing", "too_long")
STRATEGIES = ("longest_idle", "fewest_calls", "round_robin", "top_down", "ring_all")
CONSENTS = ("announce", "ask")
MEASURES = ("helped", "solved", "satisfaction", "effort")


@dataclass(frozen=True)
class Key:
    """A key of a table: its shape, whether it must be there, and what it is for."""

    name: str
    shape: str
    says: str
    needed: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of node: the shape behind its own key, and its other keys."""

    shape: str
    says: str
    keys: tuple[Key, ...]


def _way(name: str, says: str, needed: bool = True) -> Key:
    return Key(name, "node", says, needed)


_FAILED = _way("failed", "when it cannot be done now; left out: the flow's if_all_fails", needed=False)
_THEN = _way("then", "what comes next")
_NO_INPUT = Key("no_input", "table:reprompt", "after silence; left out: three tries, then a person")
_NO_MATCH = Key("no_match", "table:reprompt", "after a wrong key; left out: three tries, then a person")
_ASK = Key("ask", "prompt", "the question", True)

KINDS: Mapping[str, Kind] = {
    "say": Kind("prompt", "speak, then go on", (_THEN,)),
    "play": Kind("name", "play one of the company's sounds, then go on", (_THEN,)),
    "menu": Kind(
        "map:table:option",
        "ask which; the keys are said by the language",
        (Key("ask", "prompt", "said before the options"), _NO_INPUT, _NO_MATCH),
    ),
    "collect": Kind(
        "name",
        "take digits, as text, into the variable of this name",
        (
            _ASK,
            Key("type", f"one:{'|'.join(COLLECTS)}", "what the digits are; left out: digits"),
            Key("length", "length", "how many digits: 6 or 6-8"),
            Key("terminator", "one:#|*|none", "the key that ends it; left out: #"),
            Key("check", f"one:{'|'.join(CHECKS)}", "the check digit's rule"),
            Key("read_back", "flag", "say the digits and ask whether they are right"),
            Key("private", "flag", "never kept in the call's events, never read back"),
            _THEN,
            _way("not_confirmed", "when the caller says they are wrong; left out: asked again", needed=False),
            _NO_INPUT,
            _NO_MATCH,
        ),
    ),
    "hours": Kind(
        "name",
        "go by the company's hours of this name",
        (
            _way("open", "open now"),
            _way("closed", "closed now"),
            _way("holiday", "a public holiday; left out: closed", needed=False),
            _way("emergency", "the emergency switch is on; left out: closed", needed=False),
        ),
    ),
    "branch": Kind(
        "list:table:case",
        "go by what is known; the first condition that holds is taken",
        (_way("otherwise", "when none holds"),),
    ),
    "set": Kind("map:expression", "give variables values, in the order written", (_THEN,)),
    "language": Kind("either:language+one:next", "speak this language from now on, and remember it", (_THEN,)),
    "pace": Kind("one:slow|normal|other", "slow mode on, off or the other way round, and remember it", (_THEN,)),
    "verify": Kind(
        "either:one:pin+table:proof",
        "make sure who it is: a PIN, or an order number with its postcode",
        (
            _ASK,
            Key("longest", "count", "digits of the answer, at most; left out: 12"),
            Key("tries", "count", "asks, the first included; left out: 3"),
            _way("known", "proven"),
            _way("unknown", "not proven"),
            _FAILED,
        ),
    ),
    "lookup": Kind(
        f"one:{'|'.join(RECORDS)}",
        "read a record into variables (order.status …)",
        (
            Key("by", "name", "the variable that holds its number", True),
            _way("found", "it is there"),
            _way("not_found", "there is none"),
            _FAILED,
        ),
    ),
    "http": Kind(
        "text",
        "ask another system while the caller hears `wait`; https, and only hosts of company.yaml",
        (
            Key("wait", "prompt", "said while it is asked", True),
            Key("method", "one:GET|POST", "left out: GET"),
            Key("limit", "duration", "how long it may take; left out: 3 s"),
            Key("sends", "map:expression", "fields of the JSON that POST sends"),
            Key("gives", "map:table:given", "variables taken from the JSON answer"),
            _way("success", "answered"),
            _way("failure", "refused, or not the answer expected; left out: failed", needed=False),
            _way("timeout", "not in time; left out: failed", needed=False),
            _way("failed", "stands for failure and timeout; left out: the flow's if_all_fails", needed=False),
        ),
    ),
    "info": Kind(
        "either:list:name+name",
        "read out the company's items that are in date",
        (_THEN, _way("none", "nothing is in date; left out: then", needed=False)),
    ),
    "voicemail": Kind(
        "name",
        "take a message for the queue of this name",
        (
            _ASK,
            Key("longest", "duration", "left out: 2 min"),
            Key("answer_within", "table:within", "the promise made: {open: 8 h} or {clock: 24 h}"),
            _way("recorded", "the message is on record"),
            _way("empty", "nobody spoke"),
            _FAILED,
        ),
    ),
    "queue": Kind(
        "name",
        "wait for a person of the queue of this name",
        (
            Key("skills", "map:count", "needed, with the least level"),
            Key("preferred", "map:count", "wished for, with the least level"),
            Key("relax", "list:table:relax", "skills no longer asked for after some time"),
            Key("prefer", "one:last_agent", "who answered last time, for the first 20 s"),
            Key("priority", "duration", "as if the caller had waited so long already"),
            Key("wait", "table:wait", "what the waiting caller is offered"),
            Key("overflow", "list:table:overflow", "ways out of the wait; the first that holds is taken"),
            _way("when_done", "after the talk"),
            _FAILED,
        ),
    ),
    "callback": Kind(
        "name",
        "promise to call back, for the queue of this name",
        (
            Key("slots", "name", "hours to book in; left out: as soon as possible"),
            _way("when_done", "promised"),
            _way("refused", "the caller would rather not, or no slot is free"),
            _FAILED,
        ),
    ),
    "transfer": Kind(
        "number",
        "connect to a number outside",
        (
            Key("limit", "duration", "how long it rings; left out: 25 s"),
            _way("when_done", "after the talk"),
            _way("busy", "left out: failed", needed=False),
            _way("no_answer", "left out: failed", needed=False),
            _FAILED,
        ),
    ),
    "survey": Kind("name", "ask the questions of this survey", (_THEN, _FAILED)),
    "message": Kind("prompt", "send the caller a text message", (_THEN, _FAILED)),
    "case": Kind(
        f"one:{'|'.join(CASES)}",
        "open a case and read its code out, once it is on record",
        (Key("about", "name", "a variable whose value is written into the case"), _THEN, _FAILED),
    ),
    "subflow": Kind(
        "name",
        "run another flow as a step",
        (
            Key("parameters", "map:expression", "values handed over"),
            Key("exits", "map:node", "where each of its return nodes leads", True),
            _FAILED,
        ),
    ),
    "return": Kind(
        "name", "end a subflow by the exit of this name", (Key("gives", "map:expression", "values handed back"),)
    ),
    "hangup": Kind("table:farewell", "say goodbye and end the call", ()),
}

TABLES: Mapping[str, tuple[Key, ...]] = {
    "flow": (
        Key("format", "one:1", "the format of this file", True),
        Key("flow", "name", "the flow's name; the file is called the same", True),
        Key("line", "name", "the company's line that rings here; a subflow has none"),
        Key("languages", "languages", "the first is spoken when nothing else is known", True),
        Key("start", "node", "where a call begins", True),
        Key("person", "node", "where 0 leads, at any hour; a subflow may leave it to its caller"),
        Key("if_all_fails", "node", "the `failed` exit of every node that names none", True),
        Key("parameters", "map:type", "subflow: values it is given, with their types"),
        Key("returns", "map:type", "subflow: values it hands back, with their types"),
        Key("variables", "map:type", "variables that exist from the start, empty"),
        Key("nodes", "map:table:node", "the steps", True),
    ),
    "option": (
        Key("for", "prompt", "what it is for; spoken as “for …, press …”"),
        Key("words", "prompt", "a whole sentence of its own, instead of `for`"),
        Key("spoken_in", "one:other", "`words` are said by the other language's voice"),
        Key("speech", "map:list:text", "words the recogniser listens for, where the line allows it"),
        _way("to", "where it leads"),
    ),
    "reprompt": (
        Key("say", "prompt", "said before it is asked again"),
        Key("tries", "count", "asks, the first included; left out: 3"),
        _way("then", "after the last; left out: a person", needed=False),
    ),
    "case": (Key("when", "expression", "the condition", True), _way("to", "where it leads")),
    "proof": (
        Key("order", "name", "the variable that holds the order number", True),
        Key("with", "one:postcode", "what proves it", True),
    ),
    "given": (
        Key("from", "text", "the place in the JSON answer: data.status", True),
        Key("type", "type", "the variable's type; left out: text"),
    ),
    "within": (
        Key("open", "duration", "opening time of the queue's hours"),
        Key("clock", "duration", "by the clock"),
    ),
    "relax": (
        Key("after", "duration", "time waited", True),
        Key("skills", "list:name", "no longer asked for", True),
    ),
    "wait": (
        Key("offer_callback", "table:offer", "when a callback is offered"),
        Key("keys", "map:one:" + "|".join(WAIT_KEYS), "keys while waiting"),
        Key("information", "list:name", "items read out on request, the place is kept; left out: all"),
        _way("callback_to", "where `callback` leads; left out: the queue books it itself", needed=False),
        _way("voicemail_to", "where `voicemail` leads; left out: failed", needed=False),
    ),
    "offer": (
        Key("from", "duration", "after so long a wait"),
        Key("or_estimate", "duration", "or when the wait is estimated so long"),
        Key("or_ratio", "fraction", "or so many people wait for each agent"),
    ),
    "overflow": (
        Key("from", "duration", "after so long a wait"),
        Key("when", f"one:{'|'.join(OVERFLOW_WHEN)}", "or when this holds"),
        _way("to", "where it leads"),
    ),
    "farewell": (Key("say", "prompt", "the last words"),),
    "company": (
        Key("format", "one:1", "the format of this file", True),
        Key("company", "text", "its name", True),
        Key("country", "country", "ISO 3166: IT", True),
        Key("zone", "text", "IANA time zone: Europe/Rome", True),
        Key("currency", "text", "ISO 4217; left out: EUR"),
        Key("lines", "map:table:line", "dialled numbers and their flows", True),
        Key("hours", "map:table:hours", "opening hours by name"),
        Key("closings", "list:table:closing", "days on which all hours are closed"),
        Key("items", "map:table:item", "information with an end: price list, fair, promotion"),
        Key("phrases", "map:prompt", "sentences that several flows share"),
        Key("words", "map:map:prompt", "how the values of an enumeration are said"),
        Key("queues", "map:table:queue", "lines of people waiting"),
        Key("skills", "list:name", "what agents can be good at"),
        Key("surveys", "map:table:survey", "questions after the talk"),
        Key("sounds", "list:name", "names that `play` may use"),
        Key("http_hosts", "list:text", "hosts that http nodes may ask"),
        Key("pronunciations", "map:map:text", "by language: a word, and how it is to be spelt for the voice"),
    ),
    "line": (
        Key("number", "number", "the number dialled", True),
        Key("flow", "name", "the flow that answers", True),
        Key("shows", "number", "caller id of the calls we make"),
        Key("texts_from", "text", "a number, or a one-way name of up to 11 letters"),
        Key("callable_from", "list:country", "whose numbers it calls back and texts to; left out: the company's"),
        Key("greets_by_name", "flag", "the name may be spoken to a caller known only by caller id"),
        Key("carrier_speech", "flag", "the carrier's recogniser may listen (it leaves the house)"),
        Key("reaches", "number", "a number that always reaches a person, for the static fallback"),
        Key("staff", "number", "rung by agents who have only a telephone: their own menu"),
    ),
    "hours": (
        Key("week", "map:spans", "mon-fri: 8:30-19:30", True),
        Key("zone", "text", "left out: the company's"),
        Key("holidays_of", "country", "public holidays: IT, or IT-MI with those of Milan"),
        Key("closings", "list:table:closing", "own days off"),
    ),
    "closing": (
        Key("name", "text", "for people who read the file", True),
        Key("day", "day", "one day: 2026-12-24"),
        Key("first", "day", "or from this day"),
        Key("last", "day", "to this, included"),
        Key("because", "prompt", "spoken as {closed.because}"),
        Key("yearly", "flag", "each year again"),
    ),
    "item": (
        Key("says", "prompt", "what is read out", True),
        Key("since", "day", "not before this day"),
        Key("until", "day", "not after this day"),
    ),
    "queue": (
        Key("hours", "name", "when somebody is there"),
        Key("title", "prompt", "as it is said"),
        Key("music", "name", "a sound of the company's"),
        Key("skills", "map:count", "every caller needs these, with the least level"),
        Key("target", "duration", "answered within; left out: 20 s"),
        Key("longest", "count", "tickets at most; left out: 100"),
        Key("callback_capacity", "count", "bookings an hour; left out: 4"),
        Key("wrap_up", "duration", "after each talk; left out: 30 s"),
        Key("strategy", f"one:{'|'.join(STRATEGIES)}", "left out: longest_idle"),
        Key(
            "records_calls",
            f"one:{'|'.join(CONSENTS)}",
            "talks are recorded once the caller was told, or was asked and pressed 1; left out: never",
        ),
    ),
    "survey": (Key("questions", "map:table:question", "in the order written", True),),
    "question": (
        Key("ask", "prompt", "the question", True),
        Key("answers", "map:text", "key: what it means; words, the best first", True),
        Key("measures", f"one:{'|'.join(MEASURES)}", "what it tells", True),
    ),
}  # fmt: skip


def names(table: str) -> tuple[str, ...]:
    """The keys of a table."""
    return tuple(key.name for key in TABLES[table])
