"""A marked tree to the typed flow, with all problems at once.

What cannot be read is replaced by a stand-in, so that reading and checking go on; ``Parsed.broken`` names the nodes
that must not be judged further. A flow with an error is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ivr.core.company import Company
from ivr.core.flow.expression import Expression, Literal
from ivr.core.flow.model import (
    FORMAT,
    AnyNode,
    Branch,
    Callback,
    Case,
    CaseNode,
    Collect,
    Flow,
    Hangup,
    HoursNode,
    Http,
    Info,
    LanguageNode,
    Lookup,
    Mark,
    Menu,
    Message,
    OfferCallback,
    Option,
    Overflow,
    Pace,
    Play,
    QueueNode,
    Reprompt,
    Return,
    Say,
    Set,
    Subflow,
    SurveyNode,
    Transfer,
    Verify,
    Voicemail,
    Within,
)
from ivr.core.flow.text import Prompt
from ivr.core.words import Language, QueueName
from ivr.flowfiles import scalars
from ivr.flowfiles.fields import Fields, Reading, name, variable
from ivr.flowfiles.grammar import (
    CASES,
    CHECKS,
    COLLECTS,
    KINDS,
    OVERFLOW_WHEN,
    RECORDS,
    TYPES,
    WAIT_KEYS,
    names,
)
from ivr.flowfiles.marks import Listing, Table, Text, Tree, places, texts
from ivr.flowfiles.problems import Notes, Problem, did_you_mean, one_of

_NO_PROMPT = Prompt({})
_NO_EXPRESSION = Expression("", Literal(None))


@dataclass(frozen=True)
class Parsed:
    """A flow as far as it could be read; ``broken``: nodes that are stand-ins, or only partly read."""

    flow: Flow | None
    problems: tuple[Problem, ...]
    broken: frozenset[str] = field(default_factory=frozenset)


def parse_flow(tree: Tree, company: Company | None = None) -> Parsed:
    """The flow of a marked tree; phrases are the company's."""
    notes = Notes()
    if not isinstance(tree, Table):
        notes.error(tree.mark, "wrong-shape", "a flow file is a table (key: value)", "begin with 'format: 1'")
        return Parsed(None, tuple(notes.found))
    if _from_the_future(tree, notes):
        return Parsed(None, tuple(notes.found))
    reading = Reading(notes, _languages(tree), dict(company.phrases) if company else {})
    top = Fields(tree, "flow", names("flow"), reading)
    top.choice("format", (str(FORMAT),), "", needed=True)
    head = _Head(
        name=top.name("flow", needed=True),
        person=top.optional_name("person"),
        if_all_fails=top.name("if_all_fails", needed=True),
        languages=reading.languages,
        items=tuple(company.items) if company else (),
    )
    _refuse_odd_languages(top)
    nodes, broken = _nodes(top, head, reading)
    flow = Flow(
        name=head.name,
        languages=reading.languages,
        start=top.name("start", needed=True),
        nodes=nodes,
        if_all_fails=head.if_all_fails,
        person=head.person,
        line=top.optional_name("line"),
        parameters=_types(top, "parameters"),
        returns=_types(top, "returns"),
        variables=_types(top, "variables"),
        mark=tree.mark,
        marks={path: mark for path, mark in places(tree) if not path.startswith("nodes.")},
    )
    return Parsed(flow, tuple(notes.found), broken)


def _from_the_future(tree: Table, notes: Notes) -> bool:
    said = tree.get("format")
    if not isinstance(said, Text) or not said.text.isdecimal() or int(said.text) <= FORMAT:
        return False
    notes.error(
        said.mark,
        "future-format",
        f"this file is in format {said.text}, and this version reads format {FORMAT}",
        "update Numero Verde, or write the flow in the older format",
    )
    return True


def _languages(tree: Table) -> tuple[Language, ...]:
    value = tree.get("languages")
    items = value.items if isinstance(value, Listing) else (value,)
    said = [item.text for item in items if isinstance(item, Text)]
    return tuple(Language(code) for code in dict.fromkeys(said) if code.isascii() and len(code) == 2 and code.islower())


def _refuse_odd_languages(top: Fields) -> None:
    for word in top.words("languages", needed=True):
        if not (word.text.isascii() and len(word.text) == 2 and word.text.islower()):
            top.wrong(word.mark, "wrong-value", f"'{word.text}' is no language", "use a code of two letters: it, en")


def _types(top: Fields, key: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for word, value in top.entries(key):
        named = _checked(top, word, variable)
        if not isinstance(value, Text):
            top.wrong(value.mark, "wrong-shape", f"the type of '{word.text}' is one word", one_of(TYPES))
        elif _is_type(value.text):
            found[named] = value.text
        else:
            cure = did_you_mean(value.text, TYPES) or f"it is one of {one_of(TYPES)}, or enum:NAME"
            top.wrong(value.mark, "wrong-value", f"'{value.text}' is no type", cure)
    return found


def _is_type(text: str) -> bool:
    return text in TYPES or text.startswith("enum:")


def _checked(fields: Fields, word: Text, how: Callable[[str], str]) -> str:
    try:
        return how(word.text)
    except ValueError as refused:
        fields.wrong(word.mark, "wrong-value", str(refused))
        return ""


# --- Nodes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Head:
    """What the nodes need of the flow they stand in."""

    name: str
    person: str | None
    if_all_fails: str
    languages: tuple[Language, ...]
    items: tuple[str, ...] = ()  # of the company

    @property
    def last_way_out(self) -> str:
        return self.person or self.if_all_fails


@dataclass(frozen=True)
class _Source:
    """One node as written: its name, place, the value behind its kind's key, and its fields."""

    name: str
    mark: Mark
    marks: Mapping[str, Mark]
    kind: str
    value: Tree
    fields: Fields
    head: _Head

    def to(self, key: str) -> str:
        """The target of a way out that must be there."""
        return self.fields.name(key, needed=True)

    def maybe(self, key: str) -> str | None:
        return self.fields.optional_name(key)

    def failed(self, key: str = "failed") -> str:
        return self.fields.optional_name(key) or self.fields.optional_name("failed") or self.head.if_all_fails

    def own_name(self) -> str:
        """The name behind the kind's own key: ``hours: office``."""
        return self.fields.name(self.kind, needed=True)

    def own_prompt(self) -> Prompt:
        return self.fields.prompt(self.kind, needed=True) or _NO_PROMPT

    def prompt(self, key: str) -> Prompt:
        return self.fields.prompt(key, needed=True) or _NO_PROMPT

    def expressions(self, key: str) -> tuple[tuple[str, Expression], ...]:
        entries = self.fields.entries(key)
        return tuple((_checked(self.fields, word, variable), self._read(word, value)) for word, value in entries)

    def _read(self, word: Text, value: Tree) -> Expression:
        return self.fields.as_expression(value, f"'{word.text}'") or _NO_EXPRESSION

    def reprompt(self, key: str) -> Reprompt:
        below = self.fields.below(key, names("reprompt"))
        if below is None:
            return Reprompt(self.head.last_way_out)
        then = below.optional_name("then") or self.head.last_way_out
        return Reprompt(then, below.count("tries", 3), below.prompt("say"))

    def levels(self, key: str) -> Mapping[str, int]:
        return levels(self.fields, key)


def levels(fields: Fields, key: str) -> Mapping[str, int]:
    """Skills with their least level, at least 1: ``{orders: 2}``."""
    found: dict[str, int] = {}
    for word, value in fields.entries(key):
        if isinstance(value, Text) and value.text.isdecimal() and 1 <= int(value.text[:4]) <= 100:
            found[word.text] = int(value.text)
        else:
            fields.wrong(value.mark, "wrong-value", f"the level of skill '{word.text}' is a number from 1", "write 1")
    return found


def _nodes(top: Fields, head: _Head, reading: Reading) -> tuple[Mapping[str, AnyNode], frozenset[str]]:
    nodes: dict[str, AnyNode] = {}
    broken: set[str] = set()
    written = [(word, value) for word, value in top.entries("nodes", needed=True)]
    all_names = frozenset(word.text for word, _ in written)
    for word, value in written:
        before = len(reading.notes.found)
        _checked(top, word, name)
        node = _node(word, value, head, reading)
        if len(reading.notes.found) > before:
            broken.add(word.text)
        nodes[word.text] = node or _stand_in(word, value, all_names)
    if not written and top.has("nodes"):
        top.wrong(top.mark, "empty-value", "there are no nodes")
    return nodes, frozenset(broken)


def _stand_in(word: Text, value: Tree, known: frozenset[str]) -> Branch:
    """Leads wherever the unreadable node may lead, so that what follows it is not called unreachable."""
    meant = dict.fromkeys(text.text for text in texts(value) if text.text in known)
    cases = tuple(Case(_NO_EXPRESSION, target, target) for target in meant)
    return Branch(name=word.text, mark=word.mark, cases=cases, otherwise="")


def _node(word: Text, value: Tree, head: _Head, reading: Reading) -> AnyNode | None:
    notes = reading.notes
    if not isinstance(value, Table):
        notes.error(value.mark, "wrong-shape", f"node '{word.text}' is a table (key: value)", "begin with its kind")
        return None
    kind = _kind(word, value, notes)
    if kind is None:
        return None
    known = (kind, *(key.name for key in KINDS[kind].keys))
    fields = Fields(value, f"{kind} '{word.text}'", known, reading)
    own = value.get(kind)
    source = _Source(word.text, word.mark, dict(places(value)), kind, own or value, fields, head)
    return _READERS[kind](source)


def _kind(word: Text, table: Table, notes: Notes) -> str | None:
    kinds = [entry.key.text for entry in table.entries if entry.key.text in KINDS]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        second = table.key(kinds[1])
        notes.error(
            second.mark if second else word.mark,
            "two-kinds",
            f"node '{word.text}' is both a {kinds[0]} and a {kinds[1]}",
            "one node does one thing; make two of it",
        )
        return None
    near = next((cure for entry in table.entries if (cure := did_you_mean(entry.key.text, KINDS))), None)
    notes.error(
        word.mark,
        "no-kind",
        f"node '{word.text}' does not say what it does",
        near or f"give it one of {one_of(tuple(KINDS))}",
    )
    return None


def _say(s: _Source) -> AnyNode:
    return Say(name=s.name, mark=s.mark, marks=s.marks, say=s.own_prompt(), then=s.to("then"))


def _play(s: _Source) -> AnyNode:
    return Play(name=s.name, mark=s.mark, marks=s.marks, sound=s.own_name(), then=s.to("then"))


def _menu(s: _Source) -> AnyNode:
    options = tuple(
        option
        for word, value in s.fields.entries("menu", needed=True)
        if (option := _option(s, word, value)) is not None
    )
    if not options and isinstance(s.value, Table):
        s.fields.wrong(s.value.mark, "empty-value", "the menu offers nothing", "add an option: 1: {for: …, to: …}")
    return Menu(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        options=options,
        ask=s.fields.prompt("ask"),
        no_input=s.reprompt("no_input"),
        no_match=s.reprompt("no_match"),
    )


def _option(s: _Source, word: Text, value: Tree) -> Option | None:
    keys = word.text
    if not keys or not set(keys) <= set("0123456789*#") or len(keys) > 4:
        s.fields.wrong(word.mark, "wrong-value", f"'{keys}' are no keys of a telephone", "an option's key is 1 to 9")
        return None
    option = s.fields.within(value, f"key {keys}", names("option"))
    if option is None:
        return None
    purpose, words = option.prompt("for"), option.prompt("words")
    if not option.has("for") and not option.has("words"):
        option.wrong(option.mark, "missing-key", "it does not say what it is for", "add 'for:' (or 'words:')")
    if option.has("for") and option.has("words"):
        option.wrong(option.mark, "two-texts", "it has both 'for' and 'words'", "'words' replaces 'for': keep one")
    return Option(
        keys=keys,
        to=option.name("to", needed=True),
        purpose=purpose,
        words=words,
        spoken_in_other=option.choice("spoken_in", ("other",), "") == "other",
        speech={
            Language(code.text): tuple(text.text for text in option.as_words(said, f"'speech' in {code.text}"))
            for code, said in option.entries("speech")
        },
    )


def _collect(s: _Source) -> AnyNode:
    shortest, longest = s.fields.convert("length", scalars.length, (1, 20))
    terminator = s.fields.choice("terminator", ("#", "*", "none"), "#")
    return Collect(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        variable=s.fields.variable("collect", needed=True),
        type=s.fields.choice("type", COLLECTS, "digits"),
        ask=s.prompt("ask"),
        then=s.to("then"),
        no_input=s.reprompt("no_input"),
        no_match=s.reprompt("no_match"),
        shortest=shortest,
        longest=longest,
        terminator="" if terminator == "none" else terminator,
        check=s.fields.choice("check", CHECKS, "") or None,
        read_back=s.fields.flag("read_back"),
        not_confirmed=s.maybe("not_confirmed"),
        private=s.fields.flag("private"),
    )


def _hours(s: _Source) -> AnyNode:
    return HoursNode(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        hours=s.own_name(),
        open=s.to("open"),
        closed=s.to("closed"),
        holiday=s.maybe("holiday"),
        emergency=s.maybe("emergency"),
    )


def _branch(s: _Source) -> AnyNode:
    cases: list[Case] = []
    for item in s.fields.items("branch"):
        below = s.fields.within(item, "a case", names("case"))
        if below:
            when = below.expression("when") or _NO_EXPRESSION
            cases.append(Case(when, below.name("to", needed=True), when.text))
    if not cases:
        s.fields.wrong(s.mark, "empty-value", "it has no cases", "add - {when: …, to: …}")
    return Branch(name=s.name, mark=s.mark, marks=s.marks, cases=tuple(cases), otherwise=s.to("otherwise"))


def _set(s: _Source) -> AnyNode:
    return Set(name=s.name, mark=s.mark, marks=s.marks, values=s.expressions("set"), then=s.to("then"))


def _language(s: _Source) -> AnyNode:
    allowed = ("next", *s.head.languages)
    return LanguageNode(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        language=s.fields.choice("language", allowed, "next", needed=True),
        then=s.to("then"),
    )


def _pace(s: _Source) -> AnyNode:
    pace = s.fields.choice("pace", ("slow", "normal", "other"), "normal", needed=True)
    return Pace(name=s.name, mark=s.mark, marks=s.marks, pace=pace, then=s.to("then"))


def _verify(s: _Source) -> AnyNode:
    by, order = "pin", None
    if isinstance(s.value, Table):
        by = "order"
        proof = s.fields.below("verify", names("proof"))
        if proof:
            order = proof.variable("order", needed=True)
            proof.choice("with", ("postcode",), "", needed=True)
    else:
        s.fields.choice("verify", ("pin",), "pin", needed=True)
    return Verify(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        by=by,
        ask=s.prompt("ask"),
        known=s.to("known"),
        unknown=s.to("unknown"),
        failed=s.failed(),
        order_variable=order,
        longest=s.fields.count("longest", 12),
        tries=s.fields.count("tries", 3),
    )


def _lookup(s: _Source) -> AnyNode:
    return Lookup(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        record=s.fields.choice("lookup", RECORDS, "order", needed=True),
        by=s.fields.variable("by", needed=True),
        found=s.to("found"),
        not_found=s.to("not_found"),
        failed=s.failed(),
    )


def _http(s: _Source) -> AnyNode:
    gives: list[tuple[str, str, str]] = []
    for word, value in s.fields.entries("gives"):
        below = s.fields.within(value, f"'{word.text}'", names("given"))
        if below:
            kind = below.convert("type", _type, "text")
            gives.append((_checked(s.fields, word, variable), kind, below.text("from", needed=True)))
    return Http(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        url=s.fields.text("http", needed=True),
        method=s.fields.choice("method", ("GET", "POST"), "GET"),
        wait=s.prompt("wait"),
        success=s.to("success"),
        failure=s.failed("failure"),
        timed_out=s.failed("timeout"),
        limit=s.fields.duration("limit", timedelta(seconds=3)),
        gives=tuple(gives),
        sends=s.expressions("sends"),
    )


def _type(text: str) -> str:
    if not _is_type(text):
        raise ValueError(f"'{text}' is no type; it is one of {one_of(TYPES)}, or enum:NAME")
    return text


def _info(s: _Source) -> AnyNode:
    then = s.to("then")
    return Info(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        items=s.fields.names("info", needed=True),
        then=then,
        none=s.maybe("none") or then,
    )


def _voicemail(s: _Source) -> AnyNode:
    return Voicemail(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        queue=QueueName(s.own_name()),
        ask=s.prompt("ask"),
        recorded=s.to("recorded"),
        empty=s.to("empty"),
        failed=s.failed(),
        longest=s.fields.duration("longest", timedelta(minutes=2)),
        answer_within=_within(s),
    )


def _within(s: _Source) -> Within | None:
    below = s.fields.below("answer_within", names("within"))
    if below is None:
        return None
    open_, clock = below.optional_duration("open"), below.optional_duration("clock")
    if (open_ is None) == (clock is None):
        below.wrong(below.mark, "wrong-shape", "it is counted either way", "write {open: 8 h} or {clock: 24 h}")
    if open_ is not None:
        return Within(open_, "open")
    return Within(clock, "clock") if clock is not None else None


def _queue(s: _Source) -> AnyNode:
    wait = s.fields.below("wait", names("wait"))
    keys = _wait_keys(wait) if wait else {}
    failed = s.failed()
    voicemail_to = wait.optional_name("voicemail_to") if wait else None
    return QueueNode(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        queue=QueueName(s.own_name()),
        when_done=s.to("when_done"),
        failed=failed,
        skills=s.levels("skills"),
        preferred=s.levels("preferred"),
        relax=_relax(s),
        prefer=s.fields.choice("prefer", ("last_agent",), "") or None,
        priority=int(s.fields.duration("priority", timedelta()).total_seconds()),
        offer_callback=_offer(wait) if wait else None,
        keys=keys,
        callback_to=wait.optional_name("callback_to") if wait else None,
        voicemail_to=voicemail_to or (failed if "voicemail" in keys.values() else None),
        information=_information(s, wait, keys) if wait else (),
        overflow=_overflow(s),
    )


def _information(s: _Source, wait: Fields, keys: Mapping[str, str]) -> tuple[str, ...]:
    """The items named; where a key gives information and none is named, all of the company's."""
    named = wait.names("information")
    return named or (s.head.items if "information" in keys.values() else ())


def _wait_keys(wait: Fields) -> Mapping[str, str]:
    keys: dict[str, str] = {}
    for word, value in wait.entries("keys"):
        if word.text not in "123456789" or len(word.text) != 1:
            wait.wrong(
                word.mark, "wrong-value", f"'{word.text}' is no key for the wait", "use 1 to 9; 0 is always a person"
            )
        elif isinstance(value, Text):
            keys[word.text] = wait.among(value, f"key {word.text}", WAIT_KEYS, "information")
        else:
            wait.wrong(value.mark, "wrong-shape", f"key {word.text} takes a word", one_of(WAIT_KEYS))
    return keys


def _offer(wait: Fields) -> OfferCallback | None:
    below = wait.below("offer_callback", names("offer"))
    if below is None:
        return None
    return OfferCallback(
        after=below.optional_duration("from"),
        or_estimate=below.optional_duration("or_estimate"),
        or_ratio=below.convert("or_ratio", scalars.fraction, None),
    )


def _relax(s: _Source) -> tuple[tuple[timedelta, tuple[str, ...]], ...]:
    found: list[tuple[timedelta, tuple[str, ...]]] = []
    for item in s.fields.items("relax"):
        below = s.fields.within(item, "'relax'", names("relax"))
        if below:
            after = below.convert("after", scalars.duration, timedelta(), needed=True)
            found.append((after, below.names("skills", needed=True)))
    return tuple(found)


def _overflow(s: _Source) -> tuple[Overflow, ...]:
    found: list[Overflow] = []
    for number, item in enumerate(s.fields.items("overflow"), 1):
        below = s.fields.within(item, f"overflow {number}", names("overflow"))
        if below is None:
            continue
        after, when = below.optional_duration("from"), below.choice("when", OVERFLOW_WHEN, "") or None
        if not below.has("from") and not below.has("when"):
            below.wrong(below.mark, "missing-key", "it never happens", "add 'from: 10 min' or 'when: nobody_signed_in'")
        found.append(Overflow(below.name("to", needed=True), after, when, f"overflow_{number}"))
    return tuple(found)


def _callback(s: _Source) -> AnyNode:
    return Callback(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        queue=QueueName(s.own_name()),
        when_done=s.to("when_done"),
        refused=s.to("refused"),
        failed=s.failed(),
        slots=s.maybe("slots"),
    )


def _transfer(s: _Source) -> AnyNode:
    return Transfer(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        number=str(s.fields.convert("transfer", scalars.phone_number, None, needed=True) or ""),
        when_done=s.to("when_done"),
        busy=s.failed("busy"),
        no_answer=s.failed("no_answer"),
        failed=s.failed(),
        limit=s.fields.duration("limit", timedelta(seconds=25)),
    )


def _survey(s: _Source) -> AnyNode:
    return SurveyNode(
        name=s.name, mark=s.mark, marks=s.marks, survey=s.own_name(), then=s.to("then"), failed=s.failed()
    )


def _message(s: _Source) -> AnyNode:
    return Message(name=s.name, mark=s.mark, marks=s.marks, text=s.own_prompt(), then=s.to("then"), failed=s.failed())


def _case(s: _Source) -> AnyNode:
    return CaseNode(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        case=s.fields.choice("case", CASES, "question", needed=True),
        then=s.to("then"),
        failed=s.failed(),
        about=s.fields.variable("about") or None,
    )


def _subflow(s: _Source) -> AnyNode:
    exits: dict[str, str] = {}
    for word, value in s.fields.entries("exits", needed=True):
        if isinstance(value, Text) and value.text:
            exits[word.text] = value.text
        else:
            s.fields.wrong(value.mark, "wrong-shape", f"exit '{word.text}' takes the name of a node")
    return Subflow(
        name=s.name,
        mark=s.mark,
        marks=s.marks,
        flow=s.own_name(),
        exits=exits,
        failed=s.failed(),
        parameters=s.expressions("parameters"),
    )


def _return(s: _Source) -> AnyNode:
    return Return(name=s.name, mark=s.mark, marks=s.marks, exit=s.own_name(), gives=s.expressions("gives"))


def _hangup(s: _Source) -> AnyNode:
    if isinstance(s.value, Text) and not s.value.text.strip():
        return Hangup(name=s.name, mark=s.mark, marks=s.marks)
    below = s.fields.below("hangup", names("farewell"))
    return Hangup(name=s.name, mark=s.mark, marks=s.marks, say=below.prompt("say") if below else None)


_READERS: Mapping[str, Callable[[_Source], AnyNode]] = {
    "say": _say,
    "play": _play,
    "menu": _menu,
    "collect": _collect,
    "hours": _hours,
    "branch": _branch,
    "set": _set,
    "language": _language,
    "pace": _pace,
    "verify": _verify,
    "lookup": _lookup,
    "http": _http,
    "info": _info,
    "voicemail": _voicemail,
    "queue": _queue,
    "callback": _callback,
    "transfer": _transfer,
    "survey": _survey,
    "message": _message,
    "case": _case,
    "subflow": _subflow,
    "return": _return,
    "hangup": _hangup,
}
