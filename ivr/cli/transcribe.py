"""`ivr transcribe FILE…`: audio files to text, as voicemails are read, without a line or a database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ivr.config import load
from ivr.core import captions
from ivr.core.errors import IvrError
from ivr.core.voicemail import TextState, Transcript
from ivr.core.words import Language
from ivr.speech.process import SpeechProcess

FINE = {TextState.READ, TextState.SILENT}


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


ENDINGS = {Format.TEXT: ".txt", Format.JSON: ".json", Format.SRT: ".srt", Format.VTT: ".vtt"}


def transcribe(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Sound files; any length.")],
    language: Annotated[str, typer.Option(help="it, en, or auto: the surer of the models.")] = "auto",
    form: Annotated[Format, typer.Option("--format", help="What comes out.")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="A folder for one file each, instead of the terminal.")] = None,
) -> None:
    """Read sound files offline. The exit status is 0 only if each was read whole, or nobody speaks in it."""
    form = Format.JSON if as_json else form
    spoken = None if language == "auto" else Language(language)
    streams = min(len(files), os.cpu_count() or 1)
    states: list[TextState] = []
    try:
        with (
            SpeechProcess(load(os.environ).models_dir, streams) as speech,
            _bars(files) as told,
            ThreadPoolExecutor(streams) as threads,
        ):
            read = threads.map(lambda file, tell: speech.transcribe(file, spoken, tell), files, told)
            for file, target, transcript in zip(files, _targets(files, form, out), read, strict=True):
                _deliver(file, target, transcript, form, alone=len(files) == 1)
                states.append(transcript.state)
    except (IvrError, OSError) as why:
        typer.echo(str(why), err=True)
        raise typer.Exit(1) from why
    if not FINE.issuperset(states):
        raise typer.Exit(1)


def _deliver(file: Path, target: Path | None, transcript: Transcript, form: Format, alone: bool) -> None:
    if transcript.state is not TextState.READ:
        why = f" ({transcript.problem})" if transcript.problem else ""
        typer.echo(f"{file}: {transcript.state}{why}", err=True)
    body = _written(file, transcript, form)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(body, encoding="utf-8")
        return
    if not alone and form is not Format.JSON:
        typer.echo(f"== {file}")
    typer.echo(body, nl=False)


def _written(file: Path, transcript: Transcript, form: Format) -> str:
    match form:
        case Format.TEXT:
            return captions.text(transcript)
        case Format.SRT:
            return captions.srt(transcript)
        case Format.VTT:
            return captions.vtt(transcript)
        case Format.JSON:
            return json.dumps({"file": str(file), **asdict(transcript)}, ensure_ascii=False) + "\n"


def _targets(files: Sequence[Path], form: Format, out: Path | None) -> Iterator[Path | None]:
    """A name for each; files that share one are numbered, so that none overwrites another."""
    taken: set[Path] = set()
    for file in files:
        if out is None:
            yield None
            continue
        target, number = out / (file.stem + ENDINGS[form]), 1
        while target in taken:
            number += 1
            target = out / f"{file.stem}-{number}{ENDINGS[form]}"
        taken.add(target)
        yield target


@contextmanager
def _bars(files: Sequence[Path]) -> Iterator[list[Callable[[float], None]]]:
    """A progress bar a file, on the terminal's error side only, so that the text can be piped."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        tasks = [progress.add_task(file.name, total=1.0) for file in files]
        yield [lambda share, task=task: progress.update(task, completed=share) for task in tasks]  # type: ignore[misc]
