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
from ivr.switchboard import consult, talk
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
            *(str(each[name] or "") for name in ("ticket", "agent", "queue", "customer", "since", "held_since"))
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
) -> None:
    """Back into line with the arrival they have; back to the agent who has them now where the other does not answer."""
    if (agent is None) == (queue is None):
        raise typer.BadParameter("name an agent or a queue, one of them")
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
    _hint(ticket)
    typer.echo(f"{ticket}: in line for {agent or queue}")


@app.command()
def add(
    ticket: OfTicket,
    agent: Annotated[str, typer.Option("--agent", help="The colleague; must be free.")],
    aside: Annotated[bool, typer.Option("--aside", help="The caller is on hold meanwhile: a warm transfer.")] = False,
) -> None:
    """Ring a second agent into the talk: three-way, or aside first."""
    with refusals():
        desk = desks.open_desk()
        flows = FlowShelf(desk.records, desk.clock)
        with desk.records.write() as tx:
            consult.ring(tx, flows, desk.ids, TicketId(ticket), AgentId(agent), aside, desk.clock.now())
    _hint(ticket, agent)
    typer.echo(f"{ticket}: {agent} is rung")


@app.command()
def complete(ticket: OfTicket) -> None:
    """Who talks leaves; the colleague who was added has the caller."""
    with refusals():
        desk = desks.open_desk()
        flows, of = FlowShelf(desk.records, desk.clock), TicketId(ticket)
        with desk.records.write() as tx:
            consult.complete(tx, of, talk.wrap_up_of(tx, flows, of), desk.ids.new(), desk.clock.now())
    _hint(ticket)
    typer.echo(f"{ticket}: handed over")


@app.command()
def cancel(ticket: OfTicket) -> None:
    """The colleague goes; the caller is back in the talk."""
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
