"""`ivr board`: what is true this second, why somebody waits, whether the order was kept, and the day's figures."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Column, Table

from ivr.cli import desk as desks
from ivr.cli.desk import Desk, refusals
from ivr.core.board import AgentNow, ClaimNow, QueueNow
from ivr.core.errors import FloorUnavailable
from ivr.core.metrics import QueueFigures, WorkingTime
from ivr.core.order_proof import Overtaking, Row
from ivr.core.words import AgentId, PhoneNumber, TicketId
from ivr.switchboard.queue.board import AskBoard, Day, NobodyWaits, Waits
from ivr.web import told

app = typer.Typer(help="The board: what is true this second.", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]
Since = Annotated[datetime | None, typer.Option(help="Left out: midnight (the company's zone).")]
Until = Annotated[datetime | None, typer.Option(help="Left out: now.")]

EVERY = 2.0
"""Seconds between two looks."""

DASH = "–"


@app.callback()
def board(
    context: typer.Context,
    order: Annotated[bool, typer.Option("--order", help="Arrival against service, with every reason.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Service level, waits, abandonment, occupancy.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the floor in Redis anew from SQL.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds.")] = False,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Queues, agents and claims now; or the order, the figures, a new floor."""
    if context.invoked_subcommand is not None:
        return
    if order + metrics + rebuild + watch > 1:
        raise typer.BadParameter("--order, --metrics, --rebuild and --watch go one at a time")
    with refusals():
        desk = desks.open_desk()
        if rebuild:
            _rebuild(desk, as_json)
        elif order:
            _order(desk, *_time(desk, since, until), as_json)
        elif metrics:
            _metrics(desk, *_time(desk, since, until), as_json)
        elif watch:
            _watch(desk)
        elif as_json:
            _tell(told.board(_ask(desk).now(), desk.zone))
        else:
            Console().print(shown(desk))


@app.command()
def why(
    who: Annotated[str, typer.Argument(help="A ticket, or the phone number of whoever waits.")],
    as_json: AsJson = False,
) -> None:
    """Why somebody is still waiting, and who could take them from which second on."""
    with refusals():
        desk = desks.open_desk()
        ask = _ask(desk)
        number = _number(desk, who)
        found = ask.why(ask.find(number) if number is not None else TicketId(who))
    if as_json:
        _tell(told.waits(found, desk.zone))
        return
    _show_why(found, desk)


def shown(desk: Desk) -> Group:
    """The board as tables."""
    ask = _ask(desk)
    seen = ask.now()
    today = ask.day(_midnight(desk, seen.at), seen.at)
    queues = Table("queue", "waiting", "longest wait", "callbacks", "booked", "talking", "away", "answered in time")
    for queue in seen.queues:
        queues.add_row(*_queue_row(queue, today.queues.get(queue.queue)))
    agents = Table("agent", "state", "because", Column("since", no_wrap=True), "queues", "ticket")
    for one in seen.agents:
        agents.add_row(*_agent_row(one, desk))
    parts: list[Any] = [f"{seen.at.astimezone(desk.zone):%Y-%m-%d %H:%M:%S}", queues, agents]
    if seen.claims:
        claims = Table("ticket", "agent", "since", "stands", "because")
        for claim in seen.claims:
            claims.add_row(*_claim_row(claim, desk))
        parts.append(claims)
    return Group(*parts)


def _queue_row(queue: QueueNow, figures: QueueFigures | None) -> tuple[str, ...]:
    if figures is None:
        level = DASH
    else:
        level = f"{_share(figures.service_level)} in {_length(figures.target)}"
    counts = (queue.callbacks, queue.resting, queue.talking, queue.away)
    return queue.queue, str(queue.waiting), _length(queue.longest_wait), *map(str, counts), level


def _agent_row(one: AgentNow, desk: Desk) -> tuple[str, ...]:
    status = one.status
    if one.shown in ("free", "break", "off"):
        because, since = status.wish_because, max(status.wish_since, status.state_since)
    else:
        because, since = status.state_because, status.state_since
    return one.agent, one.shown, because, _clock(since, desk), " ".join(one.queues), one.ticket or ""


def _claim_row(claim: ClaimNow, desk: Desk) -> tuple[str, ...]:
    stands = "taken" if claim.accepted_at else f"rung until {_clock(claim.lapses_at, desk)}"
    return claim.ticket, claim.agent, _clock(claim.made_at, desk), stands, claim.because


def _watch(desk: Desk) -> None:
    with Live(shown(desk), auto_refresh=False) as live:
        while True:
            try:
                time.sleep(EVERY)
                live.update(shown(desk), refresh=True)
            except KeyboardInterrupt:
                return


def _rebuild(desk: Desk, as_json: bool) -> None:
    if desk.floor is None:
        raise FloorUnavailable
    epoch = desk.floor.rebuild()
    if as_json:
        _tell({"epoch": epoch})
    else:
        typer.echo(f"the floor stands anew, under epoch {epoch}")


# --- Why --------------------------------------------------------------------------------------------------------------


def _number(desk: Desk, who: str) -> PhoneNumber | None:
    if not who.startswith("+") and not who.replace(" ", "").isdecimal():
        return None
    try:
        return desk.numbering.number(who, desk.country)
    except ValueError as wrong:
        raise NobodyWaits(str(wrong)) from wrong


def _show_why(found: Waits, desk: Desk) -> None:
    why = found.explanation
    typer.echo(f"{why.ticket}  {found.queue}  since {_clock(found.arrived_at, desk)}  waited {_length(why.waited)}")
    if found.leaves_by or not found.claims:
        typer.echo(f"it is leaving by {found.leaves_by}" if found.leaves_by else why.because)
    for claim in found.claims:
        typer.echo(f"{claim.agent} has it since {_clock(claim.made_at, desk)}: {claim.because}")
    if why.hindrances:
        agents = Table("agent", "now", "could take it, if free, from")
        for one in why.hindrances:
            since = why.could_from(one.agent)
            agents.add_row(one.agent, one.because, DASH if since is None else _clock(since, desk))
        Console().print(agents)
    for chance in why.chances:
        names = ", ".join(chance.agents) or "nobody on duty"
        typer.echo(f"from {_clock(chance.since, desk)} it asks for {chance.asks}: {names}")


# --- The order --------------------------------------------------------------------------------------------------------


def _order(desk: Desk, since: datetime, until: datetime, as_json: bool) -> None:
    rows = _ask(desk).order(since, until)
    if as_json:
        _tell(told.order(rows, desk.zone))
        return
    table = Table("queue", "arrived", "served", "waited", "came", "went", "agent", "reasons")
    for row in rows:
        table.add_row(*_order_row(row, desk))
    Console().print(table)
    differ = [one for row in rows for one in row.went_before]
    unexplained = sum(one.why == "unexplained" for one in differ)
    typer.echo(f"tickets: {len(rows)}, differences: {len(differ)}, unexplained: {unexplained}")


def _order_row(row: Row, desk: Desk) -> tuple[str, ...]:
    served = DASH if row.served_at is None else _clock(row.served_at, desk)
    places = (DASH if place is None else str(place) for place in (row.by_arrival, row.by_service))
    arrived = f"{_clock(row.arrived_at, desk)}{' (callback)' if row.kind == 'callback' else ''}"
    return row.queue, arrived, served, _length(row.waited), *places, row.agent or DASH, _reasons(row)


def _reasons(row: Row) -> str:
    """One line for each reason, however many it holds for."""
    lines: dict[str, int] = {}
    for way, overtakings in (("before", row.went_before), ("after", row.was_passed)):
        for one in overtakings:
            line = f"{way} {{}}: {_mark(one)}{one.because}"
            lines[line] = lines.get(line, 0) + 1
    words = {"before": ("one who came earlier", "who came earlier"), "after": ("one who came later", "who came later")}
    told_lines = []
    for line, count in lines.items():
        one_word, many = words[line.split(" ", 1)[0]]
        told_lines.append(line.format(one_word if count == 1 else f"{count} {many}"))
    return "\n".join(told_lines)


def _mark(one: Overtaking) -> str:
    return "UNEXPLAINED: " if one.why == "unexplained" else ""


# --- Figures ----------------------------------------------------------------------------------------------------------


def _metrics(desk: Desk, since: datetime, until: datetime, as_json: bool) -> None:
    seen = _ask(desk).day(since, until)
    if as_json:
        _tell(told.day(seen, desk.zone))
        return
    console = Console()
    console.print(_queue_figures(seen))
    ranges = seen.ranges
    console.print(f"waits announced as a range: {ranges.inside} of {ranges.answered} held ({_share(ranges.rate)})")
    agents = Table("agent", "occupancy", "utilisation", "talking", "wrap-up", "rung", "idle", "breaks", "unreachable")
    for agent, spent in (*seen.agents.items(), (AgentId("all"), sum(seen.agents.values(), WorkingTime()))):
        lengths = (spent.talking, spent.wrap_up, spent.rung, spent.idle, spent.pausing, spent.unreachable)
        agents.add_row(agent, _share(spent.occupancy), _share(spent.utilisation), *map(_length, lengths))
    console.print(agents)


def _queue_figures(seen: Day) -> Table:
    names: dict[str, QueueFigures] = {str(queue): figures for queue, figures in seen.queues.items()}
    rows: dict[str, tuple[str, ...]] = {name: _figure_column(figures) for name, figures in names.items()}
    heads = (
        "offered",
        "answered",
        "abandoned (short)",
        "callback",
        "voicemail",
        "overflow",
        "still waiting",
        "service level",
        "abandonment (raw)",
        "ASA, median, 90 %",
        "average of all",
    )
    table = Table("", *names)
    for number, head in enumerate(heads):
        table.add_row(head, *(rows[name][number] for name in names))
    return table


def _figure_column(f: QueueFigures) -> tuple[str, ...]:
    return (
        str(f.offered),
        str(f.answered),
        f"{f.abandoned} ({f.short})",
        str(f.callback),
        str(f.voicemail),
        str(f.overflow),
        str(f.waiting),
        f"{_share(f.service_level)} in {_length(f.target)}",
        f"{_share(f.abandonment)} ({_share(f.raw_abandonment)})",
        ", ".join(map(_length, (f.asa, f.median_wait, f.p90_wait))),
        _length(f.average_wait),
    )


# --- Between them -----------------------------------------------------------------------------------------------------


def _ask(desk: Desk) -> AskBoard:
    from ivr import wiring  # which pulls in every tool there is

    return wiring.ask_board(desk.company, desk.records, desk.clock)


def _time(desk: Desk, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    now = desk.clock.now()
    end = until.replace(tzinfo=desk.zone) if until else now
    start = since.replace(tzinfo=desk.zone) if since else _midnight(desk, min(end, now))
    if start >= end:
        raise typer.BadParameter("--since comes before --until, and before now")
    return start, end


def _midnight(desk: Desk, at: datetime) -> datetime:
    return at.astimezone(desk.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _clock(moment: datetime, desk: Desk) -> str:
    return f"{moment.astimezone(desk.zone):%H:%M:%S}"


def _length(length: timedelta | None) -> str:
    return DASH if length is None else str(timedelta(seconds=round(length.total_seconds())))


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}"


def _tell(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
