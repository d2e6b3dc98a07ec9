"""The command line: one `ivr`, one file a subject."""

from __future__ import annotations

import sys

import typer

from ivr.core.errors import IvrError


def main() -> None:
    """Run `ivr`; what the house refuses is one line on standard error and exit status 1."""
    try:
        line()()
    except IvrError as refused:
        typer.echo(f"ivr: {refused}", err=True)
        sys.exit(1)


def line() -> typer.Typer:
    """All commands, put together."""
    from ivr import logs
    from ivr.cli import (
        agents,
        bench,
        board,
        call,
        calls,
        customers,
        db,
        demo,
        doctor,
        fallback,
        flows,
        flows_test,
        models,
        promises,
        serve,
        simulate,
        sounds,
        voicemails,
    )
    from ivr.cli import transcribe as reading

    logs.configure()
    app = typer.Typer(
        help="Numero Verde: a toll-free line a company can run itself.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
    )
    flows.app.command("test")(flows_test.example_calls)
    for name, group in (
        ("flows", flows.app),
        ("customers", customers.app),
        ("calls", calls.app),
        ("agents", agents.app),
        ("board", board.app),
        ("promises", promises.app),
        ("voicemails", voicemails.app),
        ("models", models.app),
        ("sounds", sounds.app),
        ("db", db.app),
    ):
        app.add_typer(group, name=name)
    serve.add_to(app)
    for command in (
        demo.demo,
        call.call,
        simulate.simulate,
        reading.transcribe,
        doctor.doctor,
        bench.bench,
        fallback.fallback,
    ):
        app.command()(command)
    return app
