"""What holds on the ways through a flow: what is reached, what waits, what is known, who has proven who they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ivr.core.company import Company
from ivr.core.flow.expression import Expression
from ivr.core.flow.faults import ERROR, WARNING, Faults, did_you_mean, nearest
from ivr.core.flow.model import (
    WAITS_FOR_THE_CALLER,
    AnyNode,
    Branch,
    CaseNode,
    Collect,
    Flow,
    Hangup,
    HoursNode,
    Http,
    Lookup,
    Menu,
    QueueNode,
    Return,
    Set,
    Subflow,
    Verify,
)
from ivr.core.flow.text import Slot

DEEPEST = 5
"""Subflows inside one another, at most."""

GUESSES = 40
"""Misspelt targets of one flow for which the nearest name is looked for."""

ALWAYS = frozenset({"caller.language", "caller.slow", "callback.next_slot"})
"""Variables that every call has."""
MAYBE = "customer.maybe."
MAYBE_FIELDS = frozenset(MAYBE + name for name in ("name", "kind", "language", "slow", "zone", "number", "products"))
"""What caller id suggests: for conditions, never spoken (but the name, where the line says ``greets_by_name``)."""
RECORD_FIELDS: Mapping[str, tuple[str, ...]] = {
    "customer": ("name", "number", "kind", "language", "email", "postcode", "zone", "products"),
    "order": ("number", "status", "placed", "due", "total", "items"),
    "case": ("code", "kind", "status", "opened", "about"),
    "callback": ("code",),
}
"""Fields that `lookup` gives; `verify` gives the customer's, and by order that order's."""
HOURS_GIVE = frozenset({"hours.next_open", "closed.because"})
KNOWN_NAMES = (
    ALWAYS
    | MAYBE_FIELDS
    | HOURS_GIVE
    | {f"{record}.{name}" for record, names in RECORD_FIELDS.items() for name in names}
)
_AT_ONCE: Mapping[str, frozenset[str]] = {
    "queue": frozenset({"failed"}),
    "callback": frozenset({"failed", "refused"}),
    "transfer": frozenset({"failed"}),
    "survey": frozenset({"failed"}),
    "voicemail": frozenset({"failed"}),
    "verify": frozenset({"failed"}),
}
"""Exits of waiting kinds that may be taken before anybody waited."""
_BY_SILENCE: Mapping[str, frozenset[str]] = {
    "menu": frozenset({"no_input"}),
    "collect": frozenset({"no_input"}),
    "verify": frozenset({"unknown", "failed"}),
    "voicemail": frozenset({"empty", "failed"}),
    "survey": frozenset({"then", "failed"}),
    "callback": frozenset({"failed", "refused"}),
}
"""Exits that a caller takes who does nothing at all."""
ENDINGS = frozenset({"hangup", "return", "queue", "voicemail", "callback", "transfer"})


class Net:
    """The flow as nodes and ways; a misspelt target counts as the node it is nearest to."""

    def __init__(self, flow: Flow, subflows: Mapping[str, Flow]) -> None:
        self.flow, self.subflows = flow, subflows
        self._near: dict[str, str | None] = {}
        self.ways: Mapping[str, tuple[tuple[str, str], ...]] = {
            name: tuple((exit_, to) for exit_, said in node.ways() if (to := self._meant(said)))
            for name, node in flow.nodes.items()
        }

    def _meant(self, target: str) -> str | None:
        if target in self.flow.nodes:
            return target
        return self.nearest(target) if target else None

    def nearest(self, target: str) -> str | None:
        """The node that a misspelt target may mean; only for the first misspellings, since the search is slow."""
        if target not in self._near:
            self._near[target] = nearest(target, self.flow.nodes) if len(self._near) < GUESSES else None
        return self._near[target]

    def roots(self) -> tuple[str, ...]:
        named = (self.flow.start, self.flow.person or "", self.flow.if_all_fails)
        return tuple(dict.fromkeys(to for said in named if (to := self._meant(said))))

    def start(self) -> str | None:
        return self._meant(self.flow.start)

    def person(self) -> str | None:
        return self._meant(self.flow.person or "")

    def last_resort(self) -> str | None:
        return self._meant(self.flow.if_all_fails)

    def reached(self, from_: Iterable[str]) -> frozenset[str]:
        seen: set[str] = set()
        todo = list(from_)
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += [to for _, to in self.ways[name]]
        return frozenset(seen)

    def without_waiting(self, name: str) -> tuple[str, ...]:
        """Where a call may go from here before anybody waited for the caller."""
        return self._some(name, WAITS_FOR_THE_CALLER, _AT_ONCE, silent=False)

    def by_silence(self, name: str) -> tuple[str, ...]:
        """Where a call goes from here while the caller does nothing."""
        return self._some(name, frozenset(_BY_SILENCE) | {"queue", "transfer"}, _BY_SILENCE, silent=True)

    def _some(
        self, name: str, held: frozenset[str], let_go: Mapping[str, frozenset[str]], *, silent: bool
    ) -> tuple[str, ...]:
        node = self.flow.nodes[name]
        if isinstance(node, Subflow):
            passes = _passes(self.subflows.get(node.flow), self.subflows, silent, DEEPEST)
            return tuple(to for exit_, to in self.ways[name] if exit_ == "failed" or exit_ in passes)
        if node.kind not in held:
            return tuple(to for _, to in self.ways[name])
        at_once = let_go.get(node.kind, frozenset())
        if isinstance(node, QueueNode):  # nobody there, or closing: at the door already
            at_once |= {"failed", *(o.name for o in node.overflow if o.when and not o.after)}
        return tuple(to for exit_, to in self.ways[name] if exit_ in at_once)


def _passes(flow: Flow | None, subflows: Mapping[str, Flow], silent: bool, depth: int) -> frozenset[str]:
    """The exits of a subflow that may be reached without waiting (or by silence)."""
    if flow is None or depth == 0:
        return frozenset()
    net = Net(flow, subflows)
    seen: set[str] = set()
    todo = [start] if (start := net.start()) else []
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += net.by_silence(name) if silent else net.without_waiting(name)
    return frozenset(node.exit for name in seen if isinstance(node := flow.nodes[name], Return))


# --- Reached, left, ended ---------------------------------------------------------------------------------------------


def check_ways(net: Net, faults: Faults) -> None:
    reached = net.reached(net.roots())
    for name, node in net.flow.nodes.items():
        if name not in reached and net.roots():
            faults.of_node(node, WARNING, "unreachable", "", "no way leads here", "lead a way here, or remove it")
    _no_way_out(net, reached, faults)
    _circles(net, reached, faults)
    _person_at_any_hour(net, faults)


def _no_way_out(net: Net, reached: frozenset[str], faults: Faults) -> None:
    ending = {name for name, node in net.flow.nodes.items() if node.kind in ENDINGS}
    grown = True
    while grown:
        more = {name for name, ways in net.ways.items() if name not in ending and any(to in ending for _, to in ways)}
        ending |= more
        grown = bool(more)
    for name in net.flow.nodes:
        node = net.flow.nodes[name]
        if name in reached and name not in ending and isinstance(node, Menu | Collect):
            faults.of_node(
                node,
                ERROR,
                "no-way-out",
                "",
                "from here a caller never gets to a person, a message or the end",
                "lead one of its ways to a queue, a callback, a voicemail or a hangup",
            )


def _circles(net: Net, reached: frozenset[str], faults: Faults) -> None:
    restless: set[str] = set()
    for circle in circles({name: net.without_waiting(name) for name in net.flow.nodes if name in reached}):
        restless.update(circle)
        faults.of_node(
            net.flow.nodes[circle[0]],
            ERROR,
            "endless-loop",
            "",
            f"{' → '.join((*circle, circle[0]))} goes round without ever waiting for the caller",
            "put a menu into the circle, or lead one way out of it",
        )
    for circle in circles({name: net.by_silence(name) for name in net.flow.nodes if name in reached}):
        if not restless.intersection(circle):
            faults.of_node(
                net.flow.nodes[circle[0]],
                ERROR,
                "silence-never-ends",
                "",
                f"a caller who stays silent goes round for ever: {' → '.join((*circle, circle[0]))}",
                "lead one of the no_input ways to a person, a message or the end",
            )


def circles(ways: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """One circle for each knot of the ways, beginning where the file names it first."""
    order = {name: at for at, name in enumerate(ways)}
    done: set[str] = set()
    for name in ways:
        if name in done:
            continue
        back = _shortest(ways, name, name)
        if back:
            first = min(range(len(back)), key=lambda at: order[back[at]])
            done.update(_knot(ways, name))
            yield (*back[first:], *back[:first])


def _knot(ways: Mapping[str, tuple[str, ...]], name: str) -> frozenset[str]:
    """The nodes on some circle with this one."""
    there = _from(ways, name)
    return frozenset(other for other in there if name in _from(ways, other))


def _from(ways: Mapping[str, tuple[str, ...]], name: str) -> frozenset[str]:
    seen: set[str] = set()
    todo = list(ways.get(name, ()))
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += ways.get(at, ())
    return frozenset(seen)


def _shortest(ways: Mapping[str, tuple[str, ...]], start: str, end: str) -> tuple[str, ...]:
    """The nodes from start on a shortest way to end (itself left out); empty where there is none."""
    came: dict[str, str | None] = {start: None}
    todo = [start]
    for at in todo:
        for to in ways.get(at, ()):
            if to == end:
                trail: list[str] = []
                step: str | None = at
                while step is not None:
                    trail.append(step)
                    step = came[step]
                return tuple(reversed(trail))
            if to not in came and to in ways:
                came[to] = at
                todo.append(to)
    return ()


# --- 0 is always a person ---------------------------------------------------------------------------------------------


def _person_at_any_hour(net: Net, faults: Faults) -> None:
    fine = _ends_well(net)
    for key, root in (("person", net.person()), ("if_all_fails", net.last_resort())):
        if root is not None and root not in fine:
            trail = _bad_trail(net, root, fine)
            faults.of_flow(
                ERROR,
                "nobody-there",
                key,
                f"'{key}' does not come to a queue, a callback or a voicemail at every hour: {trail}",
                "end each of its ways in a queue, a callback or a voicemail",
            )


def _ends_well(net: Net) -> frozenset[str]:
    """Nodes from which every way that a caller cannot help comes to a queue, a callback or a voicemail."""
    fine: set[str] = set()
    while True:
        more = {name for name in net.flow.nodes if name not in fine and _fine(net, name, fine)}
        if not more:
            return frozenset(fine)
        fine |= more


def _fine(net: Net, name: str, fine: set[str]) -> bool:
    node = net.flow.nodes[name]
    ways = net.ways[name]
    match node.kind:
        case "voicemail" | "callback":
            return True
        case "return":
            return net.flow.line is None
        case "hangup":
            return False
        case "queue":
            left = [to for exit_, to in ways if exit_ == "failed" or exit_.startswith("overflow")]
            return bool(left) and all(to in fine for to in left)
        case "transfer":
            return all(to in fine for exit_, to in ways if exit_ != "when_done")
        case "menu" | "collect":
            last = ("no_input", "no_match")
            chosen = [to for exit_, to in ways if exit_ not in last]
            return all(to in fine for exit_, to in ways if exit_ in last) and any(to in fine for to in chosen)
        case _:
            return bool(ways) and all(to in fine for _, to in ways)


def _bad_trail(net: Net, root: str, fine: frozenset[str]) -> str:
    """One way from the root that ends badly, in words."""
    trail, at = root, root
    seen = {root}
    while True:
        bad = next(((exit_, to) for exit_, to in net.ways[at] if to not in fine), None)
        if bad is None:
            return trail + (" hangs up" if isinstance(net.flow.nodes[at], Hangup) else "")
        trail += f" → ({bad[0]}) {bad[1]}"
        if bad[1] in seen:
            return trail + ", which goes round"
        seen.add(bad[1])
        at = bad[1]


# --- What is known on every path --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What holds on every path to a place; ``personal``: variables that took a personal value on some path."""

    names: frozenset[str]
    proven: bool = False
    personal: frozenset[str] = frozenset()

    def met(self, other: Known) -> Known:
        return Known(self.names & other.names, self.proven and other.proven, self.personal | other.personal)

    def with_(self, names: Iterable[str]) -> Known:
        return Known(self.names | frozenset(names), self.proven, self.personal - frozenset(names))


@dataclass(frozen=True)
class Place:
    """A flow in the closure, entered with something known, by way of other flows."""

    net: Net
    entry: Known
    depth: int = 0


def check_variables(net: Net, company: Company, faults: Faults, *, alone: bool) -> None:
    """Variables that some path leaves without a value, and personal ones spoken before `verify`.

    ``alone``: nobody calls this flow; the flows that do call a subflow answer for what it is given.
    """
    entry = Known(ALWAYS | MAYBE_FIELDS | frozenset(net.flow.parameters) | frozenset(net.flow.variables))
    if not alone:
        entry = Known(entry.names | KNOWN_NAMES, proven=True)
    line = company.lines.get(net.flow.line or "")
    sayable = frozenset({f"{MAYBE}name"}) if line is not None and line.greets_by_name else frozenset[str]()
    _Tracking(faults, sayable).through(Place(net, entry))


class _Tracking:
    """Follows what is known through a flow and the subflows it calls."""

    def __init__(self, faults: Faults, sayable: frozenset[str]) -> None:
        self._faults, self._sayable = faults, sayable

    def through(self, place: Place) -> Mapping[str, Known]:
        """What is known at each exit of the flow."""
        at = self._at_each_node(place)
        exits: dict[str, Known] = {}
        for name, known in at.items():
            node = place.net.flow.nodes[name]
            self._judge(node, known)
            if isinstance(node, Return):
                after = known.with_(name for name, _ in node.gives)
                exits[node.exit] = exits[node.exit].met(after) if node.exit in exits else after
        return exits

    def _at_each_node(self, place: Place) -> dict[str, Known]:
        net = place.net
        at: dict[str, Known] = {}
        todo: list[tuple[str, Known]] = [(start, place.entry)] if (start := net.start()) else []
        while todo:
            name, known = todo.pop()
            before = at.get(name)
            now = known if before is None else before.met(known)
            if now == before:
                continue
            at[name] = now
            after = self._after(net.flow.nodes[name], now, place)
            todo += [(to, after.get(exit_, now)) for exit_, to in net.ways[name]]
            todo += [(to, now) for to in self._unseen_ways(net, name)]
        return at

    def _unseen_ways(self, net: Net, name: str) -> tuple[str, ...]:
        """0 leads to the person from wherever keys are heard; any node may fail."""
        node = net.flow.nodes[name]
        person = net.person() if isinstance(node, Menu | Collect | Verify | QueueNode) else None
        last = net.last_resort() if node.kind not in ("hangup", "return") else None
        return tuple(to for to in (person, last) if to is not None and to != name)

    def _after(self, node: AnyNode, known: Known, place: Place) -> Mapping[str, Known]:
        """What is known by each exit where that differs."""
        match node:
            case Collect():
                return {"then": known.with_([node.variable])}
            case Set():
                return {"then": _set(node, known)}
            case HoursNode():
                return dict.fromkeys(("open", "closed", "holiday", "emergency"), known.with_(HOURS_GIVE))
            case Verify():
                fields = _fields("customer") | (_fields("order") if node.by == "order" else frozenset())
                proven = known.with_(fields)
                return {"known": Known(proven.names, True, proven.personal)}
            case Lookup():
                return {"found": known.with_(_fields(node.record))}
            case Http():
                return {"success": known.with_(name for name, _, _ in node.gives)}
            case CaseNode():
                return {"then": known.with_(["case.code"])}
            case Subflow():
                return self._after_subflow(node, known, place)
            case _:
                return {}

    def _after_subflow(self, node: Subflow, known: Known, place: Place) -> Mapping[str, Known]:
        flow = place.net.subflows.get(node.flow)
        if flow is None or place.depth >= DEEPEST:
            return {}
        given = {name for name, value in node.parameters if _personal_in(value, known)}
        entry = Known(
            frozenset(name for name in known.names if "." in name) | set(flow.parameters) | set(flow.variables),
            known.proven,
            frozenset(given) | {name for name in known.personal if "." in name},
        )
        inner = _Tracking(Faults(flow), self._sayable)
        exits = inner.through(Place(Net(flow, place.net.subflows), entry, place.depth + 1))
        for fault in inner._faults.found:
            if fault.code == "personal":
                self._faults.add(fault)
        return {
            exit_: Known(
                known.names | {name for name in after.names if "." in name or name in flow.returns},
                after.proven,
                known.personal | {name for name in after.personal if "." in name or name in flow.returns},
            )
            for exit_, after in exits.items()
        }

    def _judge(self, node: AnyNode, known: Known) -> None:
        for path, prompt in node.prompts():
            for language, template in prompt.texts.items():
                for slot in template.slots():
                    self._judge_slot(node, spoken_in(node, path, language), slot, known)
        for path, value in _expressions(node):
            for name in sorted(value.names()):
                self._judge_name(node, path, name, known)
        for path, name in _read_by_name(node):
            self._judge_name(node, path, name, known)

    def _judge_slot(self, node: AnyNode, path: str, slot: Slot, known: Known) -> None:
        if slot.name.startswith(MAYBE):
            if slot.name not in self._sayable:
                self._faults.of_node(
                    node,
                    ERROR,
                    "personal",
                    path,
                    f"{{{slot.name}}} is only what caller id suggests, and must not be spoken",
                    "verify the caller and say {customer.name}, or set 'greets_by_name' on the line",
                )
        elif not self._judge_name(node, path, slot.name, known):
            return
        elif (is_personal(slot.name) or slot.name in known.personal) and not known.proven:
            self._faults.of_node(
                node,
                ERROR,
                "personal",
                path,
                f"{{{slot.name}}} is personal, and some path comes here without 'verify'",
                "put a verify node before it, and come here only by its 'known' exit",
            )

    def _judge_name(self, node: AnyNode, path: str, name: str, known: Known) -> bool:
        if name in known.names:
            return True
        somewhere = name in KNOWN_NAMES or name in _given_somewhere(self._faults.flow)
        if somewhere:
            self._faults.of_node(
                node,
                ERROR,
                "undefined",
                path,
                f"'{name}' has no value on some path to here",
                _what_gives(name),
            )
        else:
            everything = known.names | KNOWN_NAMES | _given_somewhere(self._faults.flow)
            self._faults.of_node(
                node,
                ERROR,
                "undefined",
                path,
                f"nothing gives '{name}' a value",
                did_you_mean(name, everything) or "collect it, set it, or declare it under 'variables'",
            )
        return False


def is_personal(name: str) -> bool:
    """Whether a variable may be spoken only to a caller who has proven who they are."""
    return name.startswith(("customer.", "order.")) or (name.startswith("case.") and name != "case.code")


def _set(node: Set, known: Known) -> Known:
    for name, value in node.values:
        personal = _personal_in(value, known)
        known = known.with_([name])
        if personal:
            known = Known(known.names, known.proven, known.personal | {name})
    return known


def _personal_in(value: Expression, known: Known) -> bool:
    return any(is_personal(name) or name in known.personal for name in value.names())


def _fields(record: str) -> frozenset[str]:
    return frozenset(f"{record}.{name}" for name in RECORD_FIELDS.get(record, ()))


def _what_gives(name: str) -> str:
    if name in HOURS_GIVE:
        return "an 'hours' node gives it"
    if name.startswith("customer."):
        return "the 'known' exit of 'verify' gives it"
    if name == "case.code":
        return "a 'case' node gives it"
    if name.startswith(("order.", "case.", "callback.")):
        return "the 'found' exit of 'lookup' gives it"
    return "give it one on every path, or declare it under 'variables'"


def _given_somewhere(flow: Flow) -> frozenset[str]:
    found: set[str] = set(flow.variables) | set(flow.parameters)
    for node in flow.nodes.values():
        match node:
            case Collect():
                found.add(node.variable)
            case Set():
                found.update(name for name, _ in node.values)
            case Http():
                found.update(name for name, _, _ in node.gives)
            case _:
                continue
    return frozenset(found)


def _expressions(node: AnyNode) -> tuple[tuple[str, Expression], ...]:
    match node:
        case Branch():
            return tuple((f"branch.{at}.when", case.when) for at, case in enumerate(node.cases, 1))
        case Set():
            return _set_by_earlier(node)
        case Http():
            return tuple((f"sends.{name}", value) for name, value in node.sends)
        case Subflow():
            return tuple((f"parameters.{name}", value) for name, value in node.parameters)
        case Return():
            return tuple((f"gives.{name}", value) for name, value in node.gives)
        case _:
            return ()


def _set_by_earlier(node: Set) -> tuple[tuple[str, Expression], ...]:
    """The values of a set node that read nothing the same node has set before."""
    earlier: set[str] = set()
    found: list[tuple[str, Expression]] = []
    for name, value in node.values:
        if not value.names() & earlier:
            found.append((f"set.{name}", value))
        earlier.add(name)
    return tuple(found)


def _read_by_name(node: AnyNode) -> tuple[tuple[str, str], ...]:
    """Variables that a node reads by their name."""
    match node:
        case Verify(order_variable=str() as name) if name:
            return (("verify.order", name),)
        case Lookup() if node.by:
            return (("by", node.by),)
        case CaseNode(about=str() as name) if name:
            return (("about", name),)
        case Http():
            return tuple(("http", name) for name in slots_of(node.url))
        case _:
            return ()


def slots_of(text: str) -> tuple[str, ...]:
    """The names in the braces of an address."""
    return tuple(piece.partition("}")[0].partition(":")[0].strip() for piece in text.split("{")[1:] if "}" in piece)


def spoken_in(node: AnyNode, path: str, language: str) -> str:
    """The key path of a prompt's text in one language, where the file has it."""
    return f"{path}.{language}" if f"{path}.{language}" in node.marks else path
