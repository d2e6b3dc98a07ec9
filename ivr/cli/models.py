"""`ivr models list|get`: the speech models that are there, and how better ones get there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from ivr.config import BUNDLED_MODELS, load
from ivr.core.errors import IvrError
from ivr.core.words import Language
from ivr.speech.fetch import PUBLISHED, SOURCE, fetch
from ivr.speech.models import SETTING, ModelShelf, ModelState, ShelvedModel
from ivr.speech.probe import survives

app = typer.Typer(no_args_is_help=True, help="Speech models: which there are, and fetching the published ones.")


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a model.")] = False) -> None:
    """Show each language's model: state, size, words, and whether it is for demonstrations only. Each one is loaded."""
    try:
        shelf = ModelShelf(load(os.environ).models_dir)
    except IvrError as why:
        raise _refused(why) from why
    languages = sorted({*shelf.languages(), *PUBLISHED})
    models = [_tried(shelf.look(language)) for language in languages]
    if as_json:
        for model in models:
            typer.echo(json.dumps({**asdict(model), "folder": str(model.folder)}, ensure_ascii=False))
        return
    table = Table("language", "state", "model", "for", "words", "MB", "folder")
    for model in models:
        table.add_row(model.language, model.state, *_described(model), str(model.folder))
    Console().print(table)
    for model in models:
        if model.problem:
            typer.echo(f"{model.language}: {model.problem}", err=True)


@app.command("get")
def get(
    languages: Annotated[list[str], typer.Argument(help=f"Which: {', '.join(PUBLISHED)}.")],
    into: Annotated[Path | None, typer.Option(help=f"The folder; otherwise the one that {SETTING} names.")] = None,
    source: Annotated[str, typer.Option("--from", help="The address of the folder with the archives.")] = SOURCE,
) -> None:
    """Fetch the published Vosk models for production, check them, and put them in place."""
    unknown = [language for language in languages if language not in PUBLISHED]
    if unknown:
        raise typer.BadParameter(f"no model is known for {', '.join(unknown)}; there are {', '.join(PUBLISHED)}")
    try:
        folder = into or load(os.environ).models_dir
        if folder.resolve() == BUNDLED_MODELS.resolve():
            raise IvrError(f"name a folder of your own first, with {SETTING} or --into: the bundled one stays as it is")
        for language in languages:
            typer.echo(f"{language}: {_fetch(Language(language), folder, source)}")
    except IvrError as why:
        raise _refused(why) from why


def _fetch(language: Language, folder: Path, source: str) -> Path:
    model, console = PUBLISHED[language], Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(model.name, total=None)
        return fetch(model, folder, lambda done, total: bar.update(task, completed=done, total=total), source)


def _tried(model: ShelvedModel) -> ShelvedModel:
    if model.state is ModelState.READY and not survives(model.folder):
        problem = f"{model.folder} ({SETTING}): libvosk refuses it, a file is broken or cut off"
        return replace(model, state=ModelState.BROKEN, problem=problem)
    return model


def _described(model: ShelvedModel) -> tuple[str, str, str, str]:
    if model.state is not ModelState.READY:
        return "", "", "", ""
    purpose = "demonstration" if model.demonstration else "production"
    words = "in the graph" if model.words is None else str(model.words)
    return model.name, purpose, words, f"{model.size / 1e6:.1f}"


def _refused(why: IvrError) -> typer.Exit:
    typer.echo(str(why), err=True)
    return typer.Exit(1)
