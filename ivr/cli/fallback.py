"""`ivr fallback`: the document for the carrier's fallback address, to lie on a server that is not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivr.core.words import PhoneNumber
from ivr.twilio.fallback import document, thanks_document


def fallback(
    folder: Annotated[
        Path | None, typer.Argument(help="Write fallback.xml and thanks.xml here; left out: print the first.")
    ] = None,
    reaches: Annotated[str, typer.Option(help="A number that always reaches a person, as +390212345600.")] = "",
) -> None:
    """What callers hear when nothing of ours answers: words, a person, a voicemail that promises nothing.

    Put both files side by side on any web server that is not this one, and give the carrier the address of the first
    (by GET).
    """
    try:
        number = PhoneNumber(reaches.replace(" ", "")) if reaches else None
    except ValueError as refused:
        raise typer.BadParameter(str(refused)) from None
    written = document(number, thanks="thanks.xml")
    if folder is None:
        typer.echo(written)
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fallback.xml").write_text(written, encoding="utf-8")
    (folder / "thanks.xml").write_text(thanks_document(), encoding="utf-8")
    typer.echo(f"{folder / 'fallback.xml'}\n{folder / 'thanks.xml'}")
