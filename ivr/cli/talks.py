"""`ivr talks`: who talks with whom; hold, and transfers back into line."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from ivr import config
from ivr.cli import desk as desks
from ivr.cli.desk import refusals
from ivr.core.words import AgentId, QueueName, TicketId
from ivr.flowfiles.shelf import FlowShelf
from ivr.switchboard import consult, outside, places, talk
from ivr.switchboard.ports import TicketOnRecord

app = typer.Typer(help="The talks that are on.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, nothing else.")]
OfTicket = Annotated[str, typer.Argument(help="The ticket, as `ivr talks list` shows it.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Who talks with whom, since when, and who is on hold."""
    with refusals():
        desk = desks.open_desk()
        with desk.records.read() as tx:
            found = [
                as_dict(place, tx.customers.get(place.ticket.customer).name, desk.zone)
                for place in tx.tickets.talking()
            ]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("nobody talks")
        return
    table = Table("ticket", "agent", "queue", "customer", "since", "on hold since")
    for each in found:
        table.add_row(
            each["ticket"],
            "(outside)" if each["outside"] else each["agent"] or "",
            *(str(each[name] or "") for name in ("queue", "customer", "since", "held_since")),
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


def as_dict(place: TicketOnRecord, customer: str | None, zone: ZoneInfo) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "ticket": place.ticket.id,
        "agent": place.agent,
        "outside": places.outside(place),  # left with a number by who transferred them
        "queue": place.ticket.queue,
        "customer": customer,
        "since": place.taken_at and place.taken_at.astimezone(zone).isoformat(timespec="seconds"),
        "held_since": place.held_at and place.held_at.astimezone(zone).isoformat(timespec="seconds"),
    }


def _hint(ticket: str, agent: str | None = None) -> None:
    """The worker moves the legs now; without Redis its sweep does, some seconds later."""
    # Here and not above: Dramatiq is nothing `ivr --help` should wait for.
    from ivr.worker.later import dramatiq_later

    later = dramatiq_later(config.load(os.environ).redis_url)
    later.steer(TicketId(ticket))
    later.line_up(TicketId(ticket))
    if agent is not None:
        later.at_work(AgentId(agent))
