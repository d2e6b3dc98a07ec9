"""A call flow as typed nodes: what a YAML file becomes once it is checked.

Every node has a ``name``, the ``mark`` where it was written, and its ways out. ``ways()`` gives each way out as
``(exit, target)``; the interpreter, the checker, the drawn graph and the coverage all use those names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import ClassVar

from ivr.core.company import Company
from ivr.core.flow.expression import Expression
from ivr.core.flow.text import Prompt
from ivr.core.words import FlowVersionId, Language, QueueName

NEXT_SLOT = "callback.next_slot"
"""The variable with the next slot that is free for a call back."""

FORMAT = 1
"""The newest flow format this version reads."""


@dataclass(frozen=True)
class Mark:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int


NOWHERE = Mark("", 0, 0)


@dataclass(frozen=True)
class Reprompt:
    """What happens after silence (``no_input``) or a wrong key (``no_match``).

    ``tries`` counts all asks, the first included; after the last one the caller leaves by ``then``.
    """

    then: str
    tries: int = 3
    say: Prompt | None = None


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a flow."""

    kind: ClassVar[str] = ""
    name: str
    mark: Mark = NOWHERE
    marks: Mapping[str, Mark] = field(default_factory=dict, compare=False)  # key path ("menu.1.to") -> place

    def ways(self) -> tuple[tuple[str, str], ...]:
        return ()

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        """Every prompt of the node with its key path."""
        return ()


def _present(*ways: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple((exit_, target) for exit_, target in ways if target is not None)


def _said(*prompts: tuple[str, Prompt | None]) -> tuple[tuple[str, Prompt], ...]:
    return tuple((path, prompt) for path, prompt in prompts if prompt is not None)


@dataclass(frozen=True, kw_only=True)
class Say(Node):
    """Speak, then go on."""

    kind: ClassVar[str] = "say"
    say: Prompt
    then: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then),)

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return (("say", self.say),)


@dataclass(frozen=True, kw_only=True)
class Play(Node):
    """Play a sound of the company's (``company.sounds``), then go on."""

    kind: ClassVar[str] = "play"
    sound: str
    then: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then),)


@dataclass(frozen=True)
class Option:
    """One choice of a menu: keys, what it is for (spoken as "for …, press …") or a whole sentence of its own."""

    keys: str
    to: str
    purpose: Prompt | None = None  # `for:`
    words: Prompt | None = None
    spoken_in_other: bool = False  # `spoken_in: other`: each text is said by the *other* language's voice
    speech: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Menu(Node):
    """Ask which; a way out for each key, one for silence and one for wrong keys."""

    kind: ClassVar[str] = "menu"
    options: tuple[Option, ...]
    no_input: Reprompt
    no_match: Reprompt
    ask: Prompt | None = None  # said before the options

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (
            *((option.keys, option.to) for option in self.options),
            ("no_input", self.no_input.then),
            ("no_match", self.no_match.then),
        )

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        options = [
            pair
            for o in self.options
            for pair in _said((f"menu.{o.keys}.for", o.purpose), (f"menu.{o.keys}.words", o.words))
        ]
        return (
            *_said(("ask", self.ask)),
            *options,
            *_said(("no_input.say", self.no_input.say), ("no_match.say", self.no_match.say)),
        )


@dataclass(frozen=True, kw_only=True)
class Collect(Node):
    """Take digits as text into a variable, check them, read them back."""

    kind: ClassVar[str] = "collect"
    variable: str
    type: str  # digits, number, money, date, phone_number
    ask: Prompt
    then: str
    no_input: Reprompt
    no_match: Reprompt
    shortest: int = 1
    longest: int = 20
    terminator: str = "#"
    check: str | None = None  # luhn, iban97, ean13, italian_vat
    read_back: bool = False
    not_confirmed: str | None = None  # left out: asked again
    private: bool = False  # never stored in events, never read back

    def ways(self) -> tuple[tuple[str, str], ...]:
        return _present(
            ("then", self.then),
            ("no_input", self.no_input.then),
            ("no_match", self.no_match.then),
            ("not_confirmed", self.not_confirmed),
        )

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return _said(("ask", self.ask), ("no_input.say", self.no_input.say), ("no_match.say", self.no_match.say))


@dataclass(frozen=True, kw_only=True)
class HoursNode(Node):
    """Go by the clock; `holiday` and `emergency` fall back to `closed`."""

    kind: ClassVar[str] = "hours"
    hours: str
    open: str
    closed: str
    holiday: str | None = None
    emergency: str | None = None

    def ways(self) -> tuple[tuple[str, str], ...]:
        return _present(
            ("open", self.open),
            ("closed", self.closed),
            ("holiday", self.holiday),
            ("emergency", self.emergency),
        )


@dataclass(frozen=True)
class Case:
    """One test of a branch; the first that holds is taken."""

    when: Expression
    to: str
    name: str  # the exit's name: the expression as written


@dataclass(frozen=True, kw_only=True)
class Branch(Node):
    kind: ClassVar[str] = "branch"
    cases: tuple[Case, ...]
    otherwise: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (*((case.name, case.to) for case in self.cases), ("otherwise", self.otherwise))


@dataclass(frozen=True, kw_only=True)
class Set(Node):
    """Give variables values, in the order written."""

    kind: ClassVar[str] = "set"
    values: tuple[tuple[str, Expression], ...]
    then: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then),)


@dataclass(frozen=True, kw_only=True)
class LanguageNode(Node):
    """Change the language (`next`: the one after the present), and remember it on the customer."""

    kind: ClassVar[str] = "language"
    language: str  # a code, or "next"
    then: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then),)


@dataclass(frozen=True, kw_only=True)
class Pace(Node):
    """Slow mode on or off (`slow`, `normal`, `other`), remembered on the customer."""

    kind: ClassVar[str] = "pace"
    pace: str
    then: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then),)


@dataclass(frozen=True, kw_only=True)
class Verify(Node):
    """Make sure who it is: a PIN, or an order number with its postcode. Caller id is never proof."""

    kind: ClassVar[str] = "verify"
    by: str  # "pin" or "order"
    ask: Prompt
    known: str
    unknown: str
    failed: str
    order_variable: str | None = None  # by "order": the variable that holds the order number
    longest: int = 12  # digits of the answer, at most
    tries: int = 3

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("known", self.known), ("unknown", self.unknown), ("failed", self.failed))

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return (("ask", self.ask),)


@dataclass(frozen=True, kw_only=True)
class Lookup(Node):
    """Read a record of ours (`order`, `customer`, `case`, `callback`) by a variable, into variables of that name."""

    kind: ClassVar[str] = "lookup"
    record: str
    by: str
    found: str
    not_found: str
    failed: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("found", self.found), ("not_found", self.not_found), ("failed", self.failed))


@dataclass(frozen=True, kw_only=True)
class Http(Node):
    """Ask another system; the caller hears `wait` while a worker fetches. Never runs inside a webhook."""

    kind: ClassVar[str] = "http"
    url: str  # https only; its slots are filled with quoted values
    method: str  # GET, POST
    wait: Prompt
    success: str
    failure: str
    timed_out: str
    limit: timedelta = timedelta(seconds=3)
    gives: tuple[tuple[str, str, str], ...] = ()  # variable, type, path in the JSON answer ("data.status")
    sends: tuple[tuple[str, Expression], ...] = ()

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("success", self.success), ("failure", self.failure), ("timeout", self.timed_out))

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return (("wait", self.wait),)


@dataclass(frozen=True, kw_only=True)
class Info(Node):
    """Read out the company's items that are in date; `none` when there is nothing to say."""

    kind: ClassVar[str] = "info"
    items: tuple[str, ...]
    then: str
    none: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then), ("none", self.none))


@dataclass(frozen=True)
class Within:
    """By when: so much of the clock, or so much opening time of some hours."""

    amount: timedelta
    counts: str  # "clock" or "open"


@dataclass(frozen=True, kw_only=True)
class Voicemail(Node):
    """Take a message for a queue; an answer may be promised, aloud only once it is on record."""

    kind: ClassVar[str] = "voicemail"
    queue: QueueName
    ask: Prompt
    recorded: str
    empty: str
    failed: str
    longest: timedelta = timedelta(minutes=2)
    answer_within: Within | None = None

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("recorded", self.recorded), ("empty", self.empty), ("failed", self.failed))

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return (("ask", self.ask),)


@dataclass(frozen=True)
class OfferCallback:
    """When the wait offers to call back: after waiting so long, or for an estimate so long."""

    after: timedelta | None = None  # `from`
    or_estimate: timedelta | None = None
    or_ratio: float | None = None  # people waiting for each agent


@dataclass(frozen=True)
class Overflow:
    """Out of the wait: after so long, or when a condition holds; the first that does is taken."""

    to: str
    after: timedelta | None = None  # `from`
    when: str | None = None  # nobody_signed_in, closing, too_long
    name: str = ""  # the exit's name: overflow_1, overflow_2, …


@dataclass(frozen=True, kw_only=True)
class QueueNode(Node):
    """Wait for a person."""

    kind: ClassVar[str] = "queue"
    queue: QueueName
    when_done: str
    failed: str
    skills: Mapping[str, int] = field(default_factory=dict)
    preferred: Mapping[str, int] = field(default_factory=dict)
    relax: tuple[tuple[timedelta, tuple[str, ...]], ...] = ()  # after so long these skills are no longer asked
    prefer: str | None = None  # "last_agent"
    priority: int = 0  # boost in seconds
    offer_callback: OfferCallback | None = None
    keys: Mapping[str, str] = field(default_factory=dict)  # key -> callback, voicemail, information, language
    callback_to: str | None = None
    voicemail_to: str | None = None
    information: tuple[str, ...] = ()
    overflow: tuple[Overflow, ...] = ()

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (
            ("when_done", self.when_done),
            *_present(("callback", self.callback_to), ("voicemail", self.voicemail_to)),
            *((o.name, o.to) for o in self.overflow),
            ("failed", self.failed),
        )


@dataclass(frozen=True, kw_only=True)
class Callback(Node):
    """Promise to call back: as soon as possible, or in a slot of some hours."""

    kind: ClassVar[str] = "callback"
    queue: QueueName
    when_done: str
    refused: str
    failed: str
    slots: str | None = None  # name of hours; left out: as soon as possible

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("when_done", self.when_done), ("refused", self.refused), ("failed", self.failed))


@dataclass(frozen=True, kw_only=True)
class Transfer(Node):
    """Connect to a number outside."""

    kind: ClassVar[str] = "transfer"
    number: str  # E.164, or the name of a phrase-like entry is not allowed: numbers are written out
    when_done: str
    busy: str
    no_answer: str
    failed: str
    limit: timedelta = timedelta(seconds=25)

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (
            ("when_done", self.when_done),
            ("busy", self.busy),
            ("no_answer", self.no_answer),
            ("failed", self.failed),
        )


@dataclass(frozen=True, kw_only=True)
class SurveyNode(Node):
    kind: ClassVar[str] = "survey"
    survey: str
    then: str
    failed: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then), ("failed", self.failed))


@dataclass(frozen=True, kw_only=True)
class Message(Node):
    """Send a text message to the caller."""

    kind: ClassVar[str] = "message"
    text: Prompt
    then: str
    failed: str

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then), ("failed", self.failed))

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return (("message", self.text),)


@dataclass(frozen=True, kw_only=True)
class CaseNode(Node):
    """Open a case (question, order, complaint, suggestion) and read its code out, once it is on record."""

    kind: ClassVar[str] = "case"
    case: str
    then: str
    failed: str
    about: str | None = None  # a variable whose value is written into the case

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (("then", self.then), ("failed", self.failed))


@dataclass(frozen=True, kw_only=True)
class Subflow(Node):
    """Run another flow as a step; its `return` nodes name the exits."""

    kind: ClassVar[str] = "subflow"
    flow: str
    exits: Mapping[str, str]
    failed: str
    parameters: tuple[tuple[str, Expression], ...] = ()

    def ways(self) -> tuple[tuple[str, str], ...]:
        return (*self.exits.items(), ("failed", self.failed))


@dataclass(frozen=True, kw_only=True)
class Return(Node):
    """End a subflow by one of its exits, handing values back (`gives`)."""

    kind: ClassVar[str] = "return"
    exit: str
    gives: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hangup(Node):
    kind: ClassVar[str] = "hangup"
    say: Prompt | None = None

    def prompts(self) -> tuple[tuple[str, Prompt], ...]:
        return _said(("hangup.say", self.say))


AnyNode = (
    Say
    | Play
    | Menu
    | Collect
    | HoursNode
    | Branch
    | Set
    | LanguageNode
    | Pace
    | Verify
    | Lookup
    | Http
    | Info
    | Voicemail
    | QueueNode
    | Callback
    | Transfer
    | SurveyNode
    | Message
    | CaseNode
    | Subflow
    | Return
    | Hangup
)

WAITS_FOR_THE_CALLER = frozenset(
    {"menu", "collect", "verify", "voicemail", "queue", "callback", "transfer", "survey", "hangup", "return"}
)
"""Kinds in which a caller is waited for, or the flow ends: a loop without any of them never ends."""

ENDS_IN_A_PERSON = frozenset({"queue", "callback", "voicemail"})
"""Kinds that the `person` way must come to, at any hour."""


@dataclass(frozen=True)
class Flow:
    """One YAML file, checked."""

    name: str
    languages: tuple[Language, ...]
    start: str
    nodes: Mapping[str, AnyNode]
    if_all_fails: str
    person: str | None = None  # where 0 leads; a subflow takes its caller's
    line: str | None = None
    format: int = FORMAT
    parameters: Mapping[str, str] = field(default_factory=dict)  # subflow: name -> type
    returns: Mapping[str, str] = field(default_factory=dict)  # subflow: value name -> type
    variables: Mapping[str, str] = field(default_factory=dict)  # declared: name -> type
    mark: Mark = NOWHERE
    marks: Mapping[str, Mark] = field(default_factory=dict, compare=False)

    @cached_property
    def telling_next_slot(self) -> frozenset[str]:
        """The nodes that speak of the next slot for a call back: it is looked up for these only."""
        return frozenset(
            name
            for name, node in self.nodes.items()
            if any(NEXT_SLOT in prompt.slots() for _, prompt in node.prompts())
        )


@dataclass(frozen=True)
class FlowVersion:
    """The closure a call is pinned to: a flow, its subflows and the company file, by the hash of their text."""

    id: FlowVersionId
    flow: Flow
    company: Company
    subflows: Mapping[str, Flow] = field(default_factory=dict)

    def named(self, name: str) -> Flow:
        """The flow or subflow of this name; KeyError when the closure has none."""
        return self.flow if name == self.flow.name else self.subflows[name]
