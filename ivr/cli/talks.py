"""`ivr talks`: who talks with whom; hold, and transfers back into line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from ivr import config
from ivr.cli import desk as desks
from ivr.cli.desk import refusals
from ivr.core.errors import IvrError
from ivr.core.recording import LIVE, TapeState
from ivr.core.words import AgentId, QueueName, RecordingId, TicketId
from ivr.flowfiles.shelf import FlowShelf
from ivr.switchboard.legs import consult, outside
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.record import places, talk, tapes
from ivr.switchboard.recording.recording_tape import TapeTalk

app = typer.Typer(help="The talks that are on.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]
NOTHING_HEARD = frozenset(TapeState) - {TapeState.RUNNING, TapeState.ASKED}
ASKED_SO_OFTEN = 10
OfTicket = Annotated[str, typer.Argument(help="The ticket, as `ivr talks list` shows it.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Who talks with whom, since when, and who is on hold."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            found = [
                as_dict(place, tx.customers.get(place.ticket.customer).name, desk.zone, _recorded(tx, place))
                for place in tx.tickets.talking()
            ]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("nobody talks")
        return
    table = Table("ticket", "agent", "queue", "customer", "since", "on hold since", "recording")
    for each in found:
        table.add_row(
            each["ticket"],
            "(outside)" if each["outside"] else each["agent"] or "",
            *(str(each[name] or "") for name in ("queue", "customer", "since", "held_since", "recording")),
        )
    Console().print(table)


@app.command()
def hold(ticket: OfTicket) -> None:
    """Words and music for the caller, until `resume`."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            talk.hold(tx, TicketId(ticket), desk.clock.now())
    _hint(ticket)
    typer.echo(f"{ticket}: on hold")


@app.command()
def resume(ticket: OfTicket) -> None:
    """Back into the talk."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            talk.resume(tx, TicketId(ticket), desk.clock.now())
    _hint(ticket)
    typer.echo(f"{ticket}: in the talk")


@app.command()
def transfer(
    ticket: OfTicket,
    agent: Annotated[str | None, typer.Option("--agent", help="For this agent first.")] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="For whoever answers for this queue.")] = None,
    number: Annotated[str | None, typer.Option("--number", help="A number that is nobody's of ours.")] = None,
) -> None:
    """Back into line with the arrival they have, or to a number outside.

    Back to the agent who has them now where the other does not answer.
    """
    if sum(each is not None for each in (agent, queue, number)) != 1:
        raise typer.BadParameter("name an agent, a queue or a number, one of them")
    with refusals():
        desk = desks.open_desk()
        flows, now, of = FlowShelf(desk.records, desk.clock), desk.clock.now(), TicketId(ticket)
        with desk.records.write() as tx:
            wrap_up = talk.wrap_up_of(tx, flows, of)
            if agent is not None:
                talk.to_agent(tx, of, AgentId(agent), wrap_up, now)
            elif queue is not None:
                talk.refuse_unknown_queue(tx, flows, of, QueueName(queue))
                talk.to_queue(tx, of, QueueName(queue), wrap_up, now)
            elif number is not None:
                outside.send(tx, outside.Dialling(flows, desk.numbering, desk.ids), of, number, wrap_up, now)
    _hint(ticket)
    typer.echo(f"{ticket}: {number} is rung" if number else f"{ticket}: in line for {agent or queue}")


@app.command()
def add(
    ticket: OfTicket,
    agent: Annotated[str | None, typer.Option("--agent", help="The colleague; must be free.")] = None,
    number: Annotated[str | None, typer.Option("--number", help="A number that is nobody's of ours.")] = None,
    aside: Annotated[bool, typer.Option("--aside", help="The caller is on hold meanwhile: a warm transfer.")] = False,
) -> None:
    """Ring a second agent, or a number outside, into the talk: three-way, or aside first."""
    if (agent is None) == (number is None):
        raise typer.BadParameter("name an agent or a number, one of them")
    with refusals():
        desk = desks.open_desk()
        flows, of, now = FlowShelf(desk.records, desk.clock), TicketId(ticket), desk.clock.now()
        with desk.records.write() as tx:
            if agent is not None:
                consult.ring(tx, flows, desk.ids, of, AgentId(agent), aside, now)
            elif number is not None:
                outside.ring(tx, outside.Dialling(flows, desk.numbering, desk.ids), of, number, aside, now)
    _hint(ticket, agent)
    typer.echo(f"{ticket}: {agent or number} is rung")


@app.command()
def complete(ticket: OfTicket) -> None:
    """Who talks leaves; the colleague, or the number, that was added has the caller."""
    with refusals():
        desk = desks.open_desk()
        flows, of = FlowShelf(desk.records, desk.clock), TicketId(ticket)
        with desk.records.write() as tx:
            consult.complete(tx, of, talk.wrap_up_of(tx, flows, of), desk.ids.new(), desk.clock.now())
    _hint(ticket)
    typer.echo(f"{ticket}: handed over")


@app.command()
def cancel(ticket: OfTicket) -> None:
    """The colleague, or the number, that was added goes; the caller is back in the talk."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            consult.cancel(tx, TicketId(ticket), desk.clock.now())
    _hint(ticket)
    typer.echo(f"{ticket}: in the talk")


@app.command("pause-recording")
def pause_recording(
    ticket: OfTicket,
    seconds: Annotated[
        int, typer.Option(min=5, max=int(tapes.LONGEST_PAUSE.total_seconds()), help="It ends by itself after so long.")
    ] = int(tapes.LONGEST_PAUSE.total_seconds()),
) -> None:
    """Silence on the tape while card data is said; exit status 1 until the carrier has done it."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            name = tapes.pause(tx, TicketId(ticket), timedelta(seconds=seconds), desk.clock.now())
        _taped(desk, name, NOTHING_HEARD)
    typer.echo(f"{ticket}: paused")


@app.command("resume-recording")
def resume_recording(ticket: OfTicket) -> None:
    """The talk is recorded again; one on hold once they talk."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            name = tapes.resume(tx, TicketId(ticket))
        _tape_talk(desk)(name)
    typer.echo(f"{ticket}: not paused")


@app.command("stop-recording")
def stop_recording(ticket: OfTicket) -> None:
    """The customer does not want it any more: it ends, and is marked; exit status 1 until the carrier has done it."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.write() as tx:
            name = tapes.withdraw(tx, TicketId(ticket), desk.clock.now())
        _taped(desk, name, frozenset(TapeState) - LIVE)
    typer.echo(f"{ticket}: not recorded any more")


class TapeRunsOn(IvrError):
    """The carrier has not done it yet: the talk may still be recorded."""


def _taped(desk: desks.Desk, name: RecordingId, wanted: Container[TapeState]) -> None:
    """Wait until the carrier has done it, as the record shows; raises TapeRunsOn after some seconds."""
    bring = _tape_talk(desk)
    for _ in range(ASKED_SO_OFTEN):
        bring(name)
        with desk.records.read() as tx:
            if tx.recordings.get(name).state in wanted:
                return
        time.sleep(0.5)
    raise TapeRunsOn


def _tape_talk(desk: desks.Desk) -> TapeTalk:
    # Here and not above: wiring pulls in every tool there is, which `ivr --help` should not wait for.
    from ivr import wiring
    from ivr.worker.later import dramatiq_later

    settings = config.load(os.environ)
    later = dramatiq_later(settings.redis_url)
    return wiring.tape_talk(settings, desk.records, wiring.telephone(settings), later, desk.clock)


def as_dict(place: TicketOnRecord, customer: str | None, zone: ZoneInfo, tape: str | None = None) -> dict[str, Any]:
    """As JSON has it; ``tape``: how the recording of the talk stands."""
    return {
        "ticket": place.ticket.id,
        "recording": tape,
        "agent": place.agent,
        "outside": places.outside(place),  # left with a number by who transferred them
        "queue": place.ticket.queue,
        "customer": customer,
        "since": place.taken_at and place.taken_at.astimezone(zone).isoformat(timespec="seconds"),
        "held_since": place.held_at and place.held_at.astimezone(zone).isoformat(timespec="seconds"),
    }


def _recorded(tx: Transaction, place: TicketOnRecord) -> str | None:
    found = tx.recordings.of_ticket(place.ticket.id)
    return found[-1].state.value if found else None


def _hint(ticket: str, agent: str | None = None) -> None:
    """The worker moves the legs now; without Redis its sweep does, some seconds later."""
    # Here and not above: Dramatiq is nothing `ivr --help` should wait for.
    from ivr.worker.later import dramatiq_later

    later = dramatiq_later(config.load(os.environ).redis_url)
    later.steer(TicketId(ticket))
    later.line_up(TicketId(ticket))
    if agent is not None:
        later.at_work(AgentId(agent))
