"""`ivr doctor`: is everything there that a line needs, and if not, what cures it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import redis
import requests
import typer
from rich.console import Console
from twilio.base.exceptions import TwilioException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from ivr import config, wiring
from ivr.cli.serve import embedded
from ivr.config import Settings
from ivr.core.errors import IvrError
from ivr.core.words import Language
from ivr.flowfiles.shelf import read_folder
from ivr.live.server import answers
from ivr.speech.models import ModelShelf, ModelState
from ivr.store import schema
from ivr.store.session import SchemaOutdated
from ivr.twilio.rest import SwappedHost

OK, WARNING, ERROR = "ok", "warning", "error"

ROOM = 2 * 1024**3
"""Bytes free for recordings below which there is a warning; a tenth of it is an error."""

PATIENCE = 5.0
"""Seconds for an answer over the network."""

CLOCK = timedelta(seconds=10)
"""How far our clock may be from the carrier's."""


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``cure`` says what to do, where there is something."""

    level: str
    what: str
    cure: str = ""


def add_to(app: typer.Typer) -> None:
    """The command of this file."""
    app.command("doctor")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a finding, nothing else.")] = False,
) -> None:
    """Look at everything the line needs; exit status 1 when something is wrong."""
    found = list(examined(os.environ))
    console = Console(highlight=False)
    marks = {OK: "[green]ok     [/]", WARNING: "[yellow]warning[/]", ERROR: "[red]error  [/]"}
    for finding in found:
        if as_json:
            typer.echo(json.dumps(asdict(finding), ensure_ascii=False))
            continue
        console.print(marks[finding.level], finding.what, soft_wrap=True)
        if finding.cure:
            console.print(f"        → {finding.cure}", soft_wrap=True, markup=False)
    raise typer.Exit(1 if any(finding.level == ERROR for finding in found) else 0)


def examined(environ: os._Environ[str] | dict[str, str], dotenv: Path | None = Path(".env")) -> Iterator[Finding]:
    """Every finding; nothing that is broken keeps the rest from being looked at."""
    try:
        settings = config.load(environ, dotenv)
    except IvrError as refused:
        yield Finding(ERROR, str(refused), "set it in the environment or in .env; docs/settings.md explains each")
        return
    yield Finding(OK, f"the settings are complete; the carrier is {settings.carrier}")
    for check in CHECKS:
        yield from check(settings)


def database(settings: Settings) -> Iterator[Finding]:
    kind = settings.database_url.partition(":")[0].partition("+")[0]
    try:
        schema.check(settings.database_url)
    except SchemaOutdated as outdated:
        yield Finding(ERROR, str(outdated), "ivr db upgrade")
    except IvrError as trouble:
        yield Finding(ERROR, str(trouble), "see that the server of IVR_DATABASE_URL runs and lets us in")
    else:
        yield Finding(OK, f"the database ({kind}) answers and has the schema of this version")


def live(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        running = answers(embedded(settings).socket)
        words = "the embedded Redis runs" if running else "the embedded Redis does not run; the worker starts it"
        yield Finding(OK, words)
        return
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
            told = client.info("server"), client.config_get("appendonly")
    except (redis.RedisError, ValueError) as trouble:
        cure = "see that the server of IVR_REDIS_URL runs; calls go on without it, the worker's sweep is slower"
        yield Finding(ERROR, f"Redis does not answer ({type(trouble).__name__})", cure)
        return
    version = str(told[0]["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < (6, 2):
        yield Finding(ERROR, f"Redis {version} is too old", "use 6.2 or newer")
    elif told[1].get("appendonly") != "yes":
        yield Finding(WARNING, f"Redis {version} forgets with its machine", "set appendonly yes")
    else:
        yield Finding(OK, f"Redis {version} answers")


def models(settings: Settings) -> Iterator[Finding]:
    shelf = ModelShelf(settings.models_dir)
    languages = shelf.languages() or [Language("it"), Language("en")]
    for language in languages:
        model = shelf.look(language)
        if model.state is not ModelState.READY:
            yield Finding(ERROR, model.problem or f"no model for {language}", f"ivr models get {language}")
        elif model.demonstration:
            what = f"the speech model for {language} is our demonstration model: synthetic voices, not for production"
            yield Finding(WARNING, what, f"ivr models get {language}, and IVR_MODELS_DIR")
        else:
            yield Finding(OK, f"the speech model for {language} is there ({model.name})")


def ffmpeg(_settings: Settings) -> Iterator[Finding]:
    if shutil.which("ffmpeg"):
        yield Finding(OK, "ffmpeg is there")
    else:
        yield Finding(WARNING, "there is no ffmpeg: messages other than WAV wait for it", "apt-get install ffmpeg")


def flows(settings: Settings) -> Iterator[Finding]:
    try:
        shelf = read_folder(settings.flows_dir, datetime.now(UTC).date())
    except IvrError as refused:
        yield Finding(ERROR, str(refused), "set IVR_FLOWS_DIR to the folder with company.yaml and the flows")
        return
    errors = [problem for problem in shelf.problems if problem.severity == "error"]
    if errors:
        yield Finding(ERROR, f"the flows have {len(errors)} errors, the first: {errors[0]}", "ivr flows check")
    elif not shelf.lines():
        yield Finding(ERROR, "no line of company.yaml has a flow", "name a flow for each line in company.yaml")
    else:
        yield Finding(OK, f"the flows are sound: {', '.join(shelf.lines())}")


def recordings(settings: Settings) -> Iterator[Finding]:
    folder = settings.recordings_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"0")
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as refused:
        yield Finding(ERROR, f"{folder} cannot be written: {refused.strerror}", "give the service's user that folder")
        return
    level = OK if free >= ROOM else WARNING if free >= ROOM / 10 else ERROR
    cure = "" if level == OK else "make room, or move IVR_RECORDINGS_DIR: a message weighs about 1 MB a minute"
    yield Finding(level, f"recordings can be written; {free / 1024**3:.1f} GB are free", cure)


def doors(settings: Settings) -> Iterator[Finding]:
    try:
        alive = requests.get(f"{settings.public_url}/healthz", timeout=PATIENCE)
    except requests.RequestException as trouble:
        what = f"{settings.public_url} cannot be reached from here ({type(trouble).__name__})"
        yield Finding(ERROR, what, "start the web process, and see that proxy, name and certificate lead to it")
        return
    if alive.status_code != 200:
        yield Finding(ERROR, f"{settings.public_url}/healthz answers {alive.status_code}", "is that our server?")
        return
    yield Finding(OK, f"{settings.public_url} leads to us")
    if urlsplit(settings.public_url).scheme != "https" and settings.carrier != "exchange":
        yield Finding(WARNING, "the carrier reaches us unencrypted", "put https in front, and into IVR_PUBLIC_URL")
    yield from _clock(alive.headers.get("Date"))
    yield from _signatures(settings)


def _signatures(settings: Settings) -> Iterator[Finding]:
    tokens = [("the token", settings.auth_token)]
    if settings.second_auth_token:
        tokens.append(("the second token", settings.second_auth_token))
    address = f"{settings.public_url}/voice/doctor"
    for name, token in tokens:
        signature = RequestValidator(token).compute_signature(address, {"Doctor": "yes"})
        statuses = [_posted(address, signature), _posted(address, "c3R1ZmY=")]
        if statuses == [204, 403]:
            yield Finding(OK, f"a request signed with {name} is let in, one signed otherwise is not")
        elif statuses[0] != 204:
            cure = "IVR_PUBLIC_URL must be the very address that the carrier calls, and both processes need one token"
            yield Finding(ERROR, f"a request signed with {name} is answered {statuses[0]}", cure)
        else:
            yield Finding(ERROR, f"a request with a wrong signature is answered {statuses[1]}", "is that our server?")
    if settings.second_auth_token:
        cure = "when the carrier signs with the new token only, remove TWILIO_AUTH_TOKEN_SECONDARY"
        yield Finding(WARNING, "a rotation is under way: two tokens open the doors", cure)


def _posted(address: str, signature: str) -> int | str:
    try:
        headers = {"X-Twilio-Signature": signature}
        answer = requests.post(address, {"Doctor": "yes"}, headers=headers, timeout=PATIENCE, allow_redirects=False)
    except requests.RequestException as trouble:
        return type(trouble).__name__
    return answer.status_code


def _clock(date: str | None) -> Iterator[Finding]:
    if date is None:
        return
    with suppress(ValueError, TypeError):
        apart = abs(datetime.now(UTC) - parsedate_to_datetime(date))
        if apart > CLOCK:
            yield Finding(WARNING, f"two clocks are {apart.total_seconds():.0f} s apart", "keep them by NTP")
        else:
            yield Finding(OK, "the clocks agree")


def fallback(settings: Settings) -> Iterator[Finding]:
    if settings.fallback_url is None:
        level = WARNING if settings.carrier == "exchange" else ERROR
        what = "there is no fallback for the hour when none of our processes answers"
        yield Finding(level, what, "ivr fallback FOLDER, put it on another host, and set IVR_FALLBACK_URL")
    elif urlsplit(settings.fallback_url).hostname == urlsplit(settings.public_url).hostname:
        cure = "put it on another host: it is for the hour when this one is gone"
        yield Finding(ERROR, "the fallback lies on the host it is to stand in for", cure)
    else:
        try:
            status = requests.get(settings.fallback_url, timeout=PATIENCE).status_code
        except requests.RequestException as trouble:
            yield Finding(ERROR, f"the fallback cannot be reached ({type(trouble).__name__})", "see that it is served")
            return
        level = OK if status == 200 else ERROR
        yield Finding(level, f"the fallback on another host answers {status}", "" if level == OK else "ivr fallback")


def carrier(settings: Settings) -> Iterator[Finding]:
    company = wiring.company(settings)
    lines = company.lines.values() if company else ()
    shown = {str(line.shows) for line in lines if line.shows}
    client = Client(settings.account_sid, settings.auth_token, http_client=SwappedHost(settings.carrier_api_url))
    try:
        ours = {number.phone_number for number in client.incoming_phone_numbers.list()}
        verified = ours
        if shown - ours and settings.carrier == "twilio":
            verified = ours | {caller.phone_number for caller in client.outgoing_caller_ids.list()}
    except (TwilioException, requests.RequestException) as trouble:
        what = f"the carrier's REST API does not answer us ({type(trouble).__name__})"
        yield Finding(ERROR, what, "see account, token and IVR_CARRIER_API_URL; with the exchange: start it")
        return
    yield Finding(OK, "the carrier's REST API answers")
    for line in lines:
        if str(line.number) not in ours:
            yield Finding(ERROR, f"the number of line {line.name} is not the account's", "buy it, or mend company.yaml")
        if line.shows and str(line.shows) not in verified:
            what = f"line {line.name} shows a number that is neither the account's nor verified"
            yield Finding(ERROR, what, "verify it with the carrier as a caller id, or change `shows`")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    database,
    live,
    models,
    ffmpeg,
    flows,
    recordings,
    doors,
    fallback,
    carrier,
)
