"""A flow as a picture: Mermaid text, or an SVG of our own layout.

Cards stand in rows, each below what leads to it. Ways to the next row are lines; every other way is named on the card
it leaves from, so that no line crosses half the picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape

from ivr.core.company import Company
from ivr.core.flow.model import (
    AnyNode,
    Branch,
    Callback,
    CaseNode,
    Collect,
    Flow,
    Hangup,
    HoursNode,
    Http,
    Info,
    LanguageNode,
    Lookup,
    Menu,
    Message,
    Pace,
    Play,
    QueueNode,
    Return,
    Say,
    Set,
    Subflow,
    SurveyNode,
    Transfer,
    Verify,
    Voicemail,
)
from ivr.core.flow.text import Prompt, Slot, Template
from ivr.core.words import Language

# --- Words ------------------------------------------------------------------------------------------------------------


def summary(node: AnyNode, language: Language) -> str:
    """What a node does, in one sentence: what it says, or what it is about."""
    match node:
        case Say():
            return _quoted(node.say, language)
        case Menu():
            return _quoted(node.ask, language) if node.ask else ""
        case Collect():
            return f"{_quoted(node.ask, language)} → {node.variable}"
        case Verify() | Voicemail():
            return _quoted(node.ask, language)
        case Message():
            return _quoted(node.text, language)
        case Hangup():
            return _quoted(node.say, language) if node.say else ""
        case Http():
            return f"{node.method} {node.url}"
        case Set():
            return ", ".join(f"{name} = {value.text}" for name, value in node.values)
        case Info():
            return ", ".join(node.items)
        case QueueNode():
            skills = ", ".join(f"{name} {level}" for name, level in node.skills.items())
            return f"{node.queue}, skills: {skills}" if skills else str(node.queue)
        case Branch():
            return ""
        case _:
            return _subject(node)


def _subject(node: AnyNode) -> str:
    match node:
        case Play(sound=subject) | HoursNode(hours=subject) | LanguageNode(language=subject) | Pace(pace=subject):
            return subject
        case SurveyNode(survey=subject) | CaseNode(case=subject) | Subflow(flow=subject) | Return(exit=subject):
            return subject
        case Lookup():
            return f"{node.record} by {node.by}"
        case Callback():
            return f"{node.queue}, in {node.slots} hours" if node.slots else str(node.queue)
        case Transfer():
            return node.number
        case _:
            return ""


def exits(node: AnyNode, language: Language) -> tuple[tuple[str, str], ...]:
    """Each way out as (words, target); a menu's keys with what they are for."""
    match node:
        case Menu():
            words = {option.keys: _plain(option.purpose or option.words, language) for option in node.options}
            return tuple(
                (f"{exit_} {words[exit_]}" if exit_ in words else _spaced(exit_), to) for exit_, to in node.ways()
            )
        case QueueNode():
            why = {o.name: o.when or f"after {_length(o.after)}" for o in node.overflow}
            return tuple((why.get(exit_, exit_).replace("_", " "), to) for exit_, to in node.ways())
        case _:
            return tuple((_spaced(exit_), to) for exit_, to in node.ways())


def _spaced(exit_: str) -> str:
    return exit_.replace("_", " ") if exit_.isidentifier() else exit_


def _length(time: timedelta | None) -> str:
    seconds = int(time.total_seconds()) if time else 0
    return f"{seconds} s" if seconds % 60 else f"{seconds // 60} min"


def _plain(prompt: Prompt | None, language: Language) -> str:
    if prompt is None or not prompt.texts:
        return ""
    template = prompt.texts.get(language) or next(iter(prompt.texts.values()), Template(()))
    return "".join(f"[{part.name}]" if isinstance(part, Slot) else part for part in template.parts)


def _quoted(prompt: Prompt, language: Language) -> str:
    text = _plain(prompt, language)
    return f"“{text}”" if text else ""


def _languages(flow: Flow) -> Language:
    return flow.languages[0] if flow.languages else Language("en")


# --- Mermaid ----------------------------------------------------------------------------------------------------------

_MERMAID_SHAPES: Mapping[str, tuple[str, str]] = {
    "menu": ("{{", "}}"),
    "branch": ("{", "}"),
    "hours": ("{", "}"),
    "hangup": ("([", "])"),
    "return": ("([", "])"),
    "queue": ("[[", "]]"),
    "voicemail": ("[(", ")]"),
}


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid flowchart; it reads in any Markdown page that draws Mermaid."""
    language = _languages(flow)
    ids = {name: f"n{number}" for number, name in enumerate(flow.nodes)}
    lines = ["flowchart TD", f'    begin((" ")) --> {ids[flow.start]}' if flow.start in ids else '    begin((" "))']
    for name, node in flow.nodes.items():
        opens, closes = _MERMAID_SHAPES.get(node.kind, ("[", "]"))
        said = textwrap.shorten(summary(node, language), 90, placeholder=" …")
        text = "<br/>".join(_for_mermaid(part) for part in (f"{node.kind}: {name}", said) if part)
        lines.append(f'    {ids[name]}{opens}"{text}"{closes}')
    for name, node in flow.nodes.items():
        for words, to in exits(node, language):
            if to in ids:
                said = _for_mermaid(textwrap.shorten(words, 40, placeholder=" …"))
                lines.append(f'    {ids[name]} -->|"{said}"| {ids[to]}')
    return "\n".join(lines) + "\n"


def _for_mermaid(text: str) -> str:
    """Mermaid's own entity codes for what would end a quoted text."""
    for char, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;"), ("|", "#124;")):
        text = text.replace(char, code)
    return " ".join(text.split())


# --- Layout -----------------------------------------------------------------------------------------------------------

WIDTH = 240
GAP = 26
ROW_GAP = 58
MARGIN = 34
HEAD = 26
LINE = 15
WRAP = 34
MOST_LINES = 5
SWEEPS = 12


@dataclass(frozen=True)
class Way:
    words: str
    to: str
    drawn: bool  # as a line to the next row


@dataclass(frozen=True)
class Card:
    """A node where it is drawn; x and y are its upper left corner."""

    node: AnyNode
    text: tuple[str, ...]
    ways: tuple[Way, ...]
    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + WIDTH / 2


@dataclass(frozen=True)
class Layout:
    cards: Mapping[str, Card]
    width: float
    height: float


def layout(flow: Flow) -> Layout:
    """Where each card stands."""
    language = _languages(flow)
    ways = {
        name: tuple((words, to) for words, to in exits(node, language) if to in flow.nodes)
        for name, node in flow.nodes.items()
    }
    rows = _ordered(_rows(flow, ways), ways)
    drawn = _drawn(rows, ways)
    xs = _across(rows, drawn)
    cards: dict[str, Card] = {}
    y: float = MARGIN + 74
    for row in rows:
        made = [_card(flow.nodes[name], ways[name], drawn[name], xs[name], y, language) for name in row]
        cards.update({card.node.name: card for card in made})
        y += max(card.height for card in made) + ROW_GAP
    right = max((card.x + WIDTH for card in cards.values()), default=0.0)
    return Layout(cards, right + MARGIN, y - ROW_GAP + MARGIN)


def _card(
    node: AnyNode, ways: Sequence[tuple[str, str]], drawn: frozenset[str], x: float, y: float, language: Language
) -> Card:
    said = textwrap.wrap(summary(node, language), WRAP)
    if len(said) > MOST_LINES:
        said = [*said[: MOST_LINES - 1], said[MOST_LINES - 1][: WRAP - 2] + " …"]
    listed = tuple(Way(words, to, to in drawn) for words, to in _merged(ways))
    rows = 0 if len(listed) == 1 and listed[0].drawn else len(listed)
    height = HEAD + LINE + 8 + (LINE * len(said) + 4 if said else 0) + (LINE + 3) * rows + (8 if rows else 2)
    return Card(node, tuple(said), listed, x, y, height)


def _merged(ways: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Ways to the same place under one heading, but for a menu's keys."""
    found: dict[tuple[str, bool], list[str]] = {}
    for words, to in ways:
        keyed = words[:1].isdigit()
        found.setdefault((to if not keyed else f"{to}\0{words}", keyed), []).append(words)
    return tuple((", ".join(words), to.partition("\0")[0]) for (to, _), words in found.items())


def _rows(flow: Flow, ways: Mapping[str, Sequence[tuple[str, str]]]) -> list[list[str]]:
    """Each node one row below the lowest of those that lead to it, circles cut where they come back."""
    back, order = _back_ways(flow, ways)
    rank = dict.fromkeys(order, 0)
    for name in order:
        for _, to in ways[name]:
            if (name, to) not in back:
                rank[to] = max(rank[to], rank[name] + 1)
    rows: list[list[str]] = [[] for _ in range(max(rank.values(), default=0) + 1)]
    for name in order:
        rows[rank[name]].append(name)
    return [row for row in rows if row]


def _back_ways(
    flow: Flow, ways: Mapping[str, Sequence[tuple[str, str]]]
) -> tuple[frozenset[tuple[str, str]], list[str]]:
    """The ways that close a circle, and the nodes so that all other ways lead onward."""
    back: set[tuple[str, str]] = set()
    done: list[str] = []
    finished: set[str] = set()
    roots = [name for name in (flow.start, flow.person or "", flow.if_all_fails) if name in flow.nodes]
    for root in dict.fromkeys((*roots, *flow.nodes)):
        if root in finished:
            continue
        trail = [(root, iter([to for _, to in ways[root]][::-1]))]
        open_ = {root}
        while trail:
            name, rest = trail[-1]
            to = next(rest, None)
            if to is None:
                trail.pop()
                open_.discard(name)
                finished.add(name)
                done.append(name)
            elif to in open_:
                back.add((name, to))
            elif to not in finished:
                open_.add(to)
                trail.append((to, iter([further for _, further in ways[to]][::-1])))
    return frozenset(back), done[::-1]


def _ordered(rows: list[list[str]], ways: Mapping[str, Sequence[tuple[str, str]]]) -> list[list[str]]:
    """Rows in an order with few crossings: each node towards the middle of its neighbours (barycentre)."""
    below = {name: [to for _, to in ways[name]] for name in ways}
    above: dict[str, list[str]] = {name: [] for name in ways}
    for name, targets in below.items():
        for to in targets:
            above[to].append(name)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for number in numbers:
            other = rows[number - 1 if down else number + 1]
            place = {name: (at + 0.5) / len(other) for at, name in enumerate(other)}
            near = above if down else below
            here = {name: (at + 0.5) / len(rows[number]) for at, name in enumerate(rows[number])}
            rows[number].sort(key=lambda name: _mean([place[n] for n in near[name] if n in place], here[name]))
    return rows


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _drawn(
    rows: Sequence[Sequence[str]], ways: Mapping[str, Sequence[tuple[str, str]]]
) -> Mapping[str, frozenset[str]]:
    """The targets drawn as lines: those in the next row; a place that many lead to gets the nearest three."""
    found: dict[str, set[str]] = {name: set() for name in ways}
    for number, row in enumerate(rows[1:], 1):
        for at, name in enumerate(row):
            from_ = [n for n in rows[number - 1] if any(to == name for _, to in ways[n])]
            share = at / max(len(row) - 1, 1)
            above = {n: place / max(len(rows[number - 1]) - 1, 1) for place, n in enumerate(rows[number - 1])}
            for parent in sorted(from_, key=lambda n: abs(above[n] - share))[:3]:
                found[parent].add(name)
    return {name: frozenset(targets) for name, targets in found.items()}


def _across(rows: Sequence[Sequence[str]], drawn: Mapping[str, frozenset[str]]) -> Mapping[str, float]:
    """The left edge of each card: as near to its neighbours' middle as its row allows."""
    step = WIDTH + GAP
    xs = {name: (at - (len(row) - 1) / 2) * step for row in rows for at, name in enumerate(row)}
    above: dict[str, list[str]] = {name: [] for name in xs}
    for name, targets in drawn.items():
        for to in targets:
            above[to].append(name)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else rows[::-1]:
            near = [above[name] if down else sorted(drawn[name]) for name in row]
            wished = [_mean([xs[n] for n in around], xs[name]) for name, around in zip(row, near, strict=True)]
            xs.update(zip(row, _spread(wished, step), strict=True))
    left = min(xs.values(), default=0.0)
    return {name: x - left + MARGIN for name, x in xs.items()}


def _spread(wished: Sequence[float], step: float) -> list[float]:
    """Places nearest to those wished that keep the order and the distance (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for at, x in enumerate(wished):
        pools.append((x - at * step, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, count), (more, others) = pools[-2], pools[-1]
            pools[-2:] = [((mean * count + more * others) / (count + others), count + others)]
    flat = [mean for mean, count in pools for _ in range(count)]
    return [x + at * step for at, x in enumerate(flat)]


# --- SVG --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """Colours of a group of kinds: strong for head and lines, pale for what is named on other cards."""

    strong: str
    pale: str
    icon: str  # a path in a square of 16


_SPEAKS = Look("#2f6f9f", "#dcebf5", "M2 4h12v7H7l-3 3v-3H2z")
_ASKS = Look("#6a4fa3", "#e8e1f5", "M3 3h3v3H3zM7 3h3v3H7zM11 3h3v3h-3zM3 7h3v3H3zM7 7h3v3H7zM11 7h3v3h-3zM7 11h3v3H7z")
_DECIDES = Look("#9a6a12", "#f6e9cf", "M8 1l6 7-6 7-6-7z")
_KNOWS = Look("#2b7a78", "#d9eeec", "M3 3h10v3H3zM3 7h10v3H3zM3 11h10v3H3z")
_PERSON = Look("#2e7d4f", "#dcf0e3", "M8 2a3 3 0 1 1 0 6a3 3 0 1 1 0-6zM2 15c0-4 3-6 6-6s6 2 6 6z")
_MESSAGE = Look("#a0456e", "#f6dfea", "M2 4h12v9H2zM2 4l6 5 6-5z")
_ENDS = Look("#5b6470", "#e6e9ec", "M2 9c3-4 9-4 12 0l-2 3-3-1v-2c-1-.4-2-.4-3 0v2l-3 1z")

LOOKS: Mapping[str, Look] = {
    **dict.fromkeys(("say", "play", "info", "message"), _SPEAKS),
    **dict.fromkeys(("menu", "collect", "verify", "survey"), _ASKS),
    **dict.fromkeys(("hours", "branch", "set", "language", "pace", "subflow"), _DECIDES),
    **dict.fromkeys(("lookup", "http", "case"), _KNOWS),
    **dict.fromkeys(("queue", "callback", "transfer"), _PERSON),
    "voicemail": _MESSAGE,
    **dict.fromkeys(("return", "hangup"), _ENDS),
}

_STYLE = (
    "text{font-family:'Segoe UI','Helvetica Neue',Helvetica,Arial,sans-serif;font-size:12px;fill:#22282f}"
    ".kind{font-size:10px;fill:#fff;letter-spacing:.06em}.name{font-weight:600;font-size:13px}"
    ".said{fill:#47515c}.exit{font-size:11px}.to{font-size:11px;font-weight:600}.title{font-size:22px;font-weight:700}"
    ".sub{font-size:13px;fill:#5b6470}.line{fill:none;stroke-width:1.6}.tag{font-size:10px}"
)


def svg(flow: Flow, company: Company | None = None) -> str:
    """The flow as an SVG picture, with a title and a description for screen readers."""
    plan = layout(flow)
    width, height = round(max(plan.width, 520)), round(plan.height)
    line = company.lines.get(flow.line or "") if company else None
    heading = f"{company.name}: {flow.name}" if company else flow.name
    below = " · ".join(part for part in (str(line.number) if line else "", ", ".join(flow.languages)) if part)
    shift = (width - plan.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="flow-title flow-description">',
        f'<title id="flow-title">Call flow {escape(flow.name)}</title>',
        f'<desc id="flow-description">{escape(in_words(flow))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="14" fill="#fbfaf7"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 16}">{escape(heading)}</text>',
        f'<text class="sub" x="{MARGIN}" y="{MARGIN + 37}">{escape(below)}</text>',
        f'<g transform="translate({shift:.0f} 0)">',
        *_begin(plan.cards.get(flow.start)),
        *(piece for card in plan.cards.values() for piece in _lines(card, plan.cards)),
        *(piece for card in plan.cards.values() for piece in _drawn_card(card, plan.cards)),
        *(piece for card in plan.cards.values() for piece in _tags(card, plan.cards)),
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def in_words(flow: Flow) -> str:
    """The drawing for those who cannot see it: each node, and where its ways lead."""
    language = _languages(flow)
    said = [f"A call begins at {flow.start}."]
    for name, node in flow.nodes.items():
        ways = "; ".join(f"{words} to {to}" for words, to in exits(node, language))
        said.append(f"{name}, {node.kind}" + (f": {ways}." if ways else "."))
    return " ".join(said)


def _begin(card: Card | None) -> Iterable[str]:
    if card is None:
        return
    x, y = card.middle, card.y
    yield f'<circle cx="{x:.1f}" cy="{y - 24:.1f}" r="6" fill="#22282f"/>'
    yield f'<path class="line" d="M{x:.1f} {y - 18:.1f}V{y - 2:.1f}" stroke="#22282f"/>'


@dataclass(frozen=True)
class Leaving:
    """Where a line leaves its card, and the tag it carries."""

    tag: str
    to: str
    x: float
    width: float


def _leaving(card: Card, cards: Mapping[str, Card]) -> list[Leaving]:
    """The lines of a card side by side, in the order of the cards they lead to."""
    drawn: dict[str, list[str]] = {}
    for way in card.ways:
        if way.drawn:
            drawn.setdefault(way.to, []).append(way.words)
    below = sorted(drawn, key=lambda to: cards[to].x)
    longest = 30 // max(len(below), 1)
    tags = [_cut(_tag(drawn[to]), max(longest, 3)) for to in below]
    widths = [6.2 * len(tag) + 10 for tag in tags]
    x = card.middle - (sum(widths) + 6 * (len(widths) - 1)) / 2
    found: list[Leaving] = []
    for tag, to, width in zip(tags, below, widths, strict=True):
        found.append(Leaving(tag, to, x + width / 2, width))
        x += width + 6
    return found


def _tag(words: Sequence[str]) -> str:
    return ", ".join(said.partition(" ")[0] if said[:1].isdigit() else said for said in words)


def _lines(card: Card, cards: Mapping[str, Card]) -> Iterable[str]:
    strong = LOOKS[card.node.kind].strong
    for leaving in _leaving(card, cards):
        x, target = leaving.x, cards[leaving.to]
        y, end, to = card.y + card.height, target.y - 3, target.middle
        bend = max(24.0, (end - y) * 0.5)
        yield (
            f'<path class="line" d="M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {to:.1f} {end - bend:.1f} '
            f'{to:.1f} {end:.1f}" stroke="{strong}" stroke-opacity=".75"/>'
            f'<path d="M{to - 4:.1f} {end - 6:.1f}h8l-4 7z" fill="{strong}"/>'
        )


def _tags(card: Card, cards: Mapping[str, Card]) -> Iterable[str]:
    look = LOOKS[card.node.kind]
    if len(card.ways) == 1:
        return
    y = card.y + card.height
    for tag in _leaving(card, cards):
        yield (
            f'<rect x="{tag.x - tag.width / 2:.1f}" y="{y - 1:.1f}" width="{tag.width:.1f}" height="15" rx="7" '
            f'fill="{look.pale}" stroke="{look.strong}" stroke-width=".8"/>'
            f'<text class="tag" x="{tag.x:.1f}" y="{y + 10:.1f}" text-anchor="middle">{escape(tag.tag)}</text>'
        )


def _drawn_card(card: Card, cards: Mapping[str, Card]) -> Iterable[str]:
    look = LOOKS[card.node.kind]
    x, y = card.x, card.y
    yield (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{WIDTH}" height="{card.height:.1f}" rx="9" fill="#fff" '
        f'stroke="{look.strong}" stroke-width="1.4"/>'
        f'<path d="M{x:.1f} {y + HEAD - 4:.1f}v-{HEAD - 13}a9 9 0 0 1 9-9h{WIDTH - 18}a9 9 0 0 1 9 9v{HEAD - 13}z" '
        f'fill="{look.strong}"/>'
        f'<path transform="translate({x + 8:.1f} {y + 4:.1f}) scale(.9)" d="{look.icon}" fill="#fff"/>'
        f'<text class="kind" x="{x + 28:.1f}" y="{y + 15:.1f}">{card.node.kind.upper()}</text>'
    )
    at = y + HEAD + LINE - 2
    yield f'<text class="name" x="{x + 10:.1f}" y="{at:.1f}">{escape(_cut(card.node.name, 28))}</text>'
    for said in card.text:
        at += LINE
        yield f'<text class="said" x="{x + 10:.1f}" y="{at:.1f}">{escape(said)}</text>'
    if len(card.ways) == 1 and card.ways[0].drawn:
        return
    at += 5
    for way in card.ways:
        at += LINE + 3
        yield from _way_row(way, x, at, cards)


def _way_row(way: Way, x: float, y: float, cards: Mapping[str, Card]) -> Iterable[str]:
    """A way out on its card: its words, and where it leads unless a line shows it."""
    if way.drawn:
        yield f'<text class="exit" x="{x + 10:.1f}" y="{y:.1f}">{escape(_cut(way.words, 34))} ↓</text>'
        return
    name = _cut(way.to, 19)
    chip = 6.3 * len(name) + 14
    room = int((WIDTH - 24 - chip) / 5.9)
    look = LOOKS[cards[way.to].node.kind]
    yield (
        f'<text class="exit" x="{x + 10:.1f}" y="{y:.1f}">{escape(_cut(way.words, room))}</text>'
        f'<rect x="{x + WIDTH - chip - 7:.1f}" y="{y - 11:.1f}" width="{chip:.1f}" height="15" rx="4" '
        f'fill="{look.pale}"/>'
        f'<text class="to" x="{x + WIDTH - chip / 2 - 7:.1f}" y="{y:.1f}" text-anchor="middle" fill="{look.strong}">'
        f"{escape(name)}</text>"
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(length - 1, 1)].rstrip() + "…"
