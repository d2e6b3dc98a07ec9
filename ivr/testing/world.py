"""A whole line in one process and one thread: exchange, app, records and jobs on one virtual clock.

The exchange's scheduler is the clock of everything; a seed replays a run byte for byte.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import redis

from ivr import config, wiring
from ivr.core.agent import Wish
from ivr.core.call import CallRecord
from ivr.core.callbacks import CODE_HOLDS, Callback, CallbackState
from ivr.core.customer import Customer, CustomerKind
from ivr.core.errors import FloorUnavailable, FlowRefused, RecordsUnavailable
from ivr.core.flow.turn import (
    Got,
    GotNothing,
    Want,
    WantCaseCode,
    WantKept,
    WantNumber,
    WantPlace,
    WantProof,
    WantRecord,
    WantSlots,
)
from ivr.core.voicemail import TextState, Transcript
from ivr.core.words import AgentId, CallbackId, CustomerId, Language, PhoneNumber, QueueName
from ivr.exchange.chance import Chance as NetworkChance
from ivr.exchange.handset import Subscriber
from ivr.exchange.network import Network
from ivr.exchange.phones import InProcessTelephones
from ivr.exchange.records import Account
from ivr.exchange.rest import create_app as create_rest
from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.webhooks import WsgiOutside
from ivr.flowfiles.shelf import publish_folder
from ivr.store.session import SqlRecords
from ivr.switchboard.calls.fulfil import fulfil
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Ids, Mail, Numbering, Transcriber
from ivr.switchboard.record import agents
from ivr.testing import on_duty
from ivr.testing.evidence import RecordedEvidence
from ivr.testing.floors import redis_for_a_world
from ivr.testing.on_duty import CannotWork, OnDuty
from ivr.twilio.rest import WsgiHttpClient
from ivr.worker.inline import InlineLater
from ivr.world.ids import Chance

SWEEP = 5.0
"""Seconds between two sweeps, as the worker has it."""

AFTERWARDS = timedelta(minutes=1)
"""So long after the last call, and the last place in line, the line is swept as if somebody were on it."""

PUBLIC_URL = "https://line.example"


@dataclass(frozen=True)
class World:
    """What a script, a benchmark or a simulation holds of it; ends with ``close()`` or its ``with`` block."""

    network: Network
    scheduler: VirtualScheduler
    telephones: InProcessTelephones
    evidence: RecordedEvidence
    records: SqlRecords
    office: wiring.Office
    down: set[str]
    floor: redis.Redis
    ends: ExitStack

    def sign_in(self, agent: OnDuty, since: timedelta = timedelta(0)) -> Subscriber:
        """Put an agent on record, who wishes to work from ``signs_in_at``, with a phone that behaves as they do.

        ``since``: how long from now until the agent's clock begins. Raises CannotWork.
        """
        company = wiring.company(self.office.settings)
        if company is None:
            raise CannotWork(f"agent {agent.name}: company.yaml cannot be read")
        known = on_duty.record(agent, company)
        with self.records.write() as tx:
            tx.agents.put(replace(known, rank=len(tx.agents.all())), self.scheduler.now())
        phone = self.telephones.subscriber(agent.address or "", on_duty.behaviour(agent), agent.misses)
        self._later(since + agent.signs_in_at, lambda: self.wish(agent.name, Wish.AVAILABLE, "signed in"))
        if agent.signs_off_at is not None:
            self._later(since + agent.signs_off_at, lambda: self.wish(agent.name, Wish.OFF, "signed off"))
        return phone

    def wish(self, agent: str, wanted: Wish, because: str | None = None) -> None:
        """What an agent wishes from now on; who is free is matched at once."""
        name = AgentId(agent)
        with self.records.write() as tx:
            agents.wish(tx, name, wanted, because, self.scheduler.now())
        with suppress(FloorUnavailable):  # the sweep compares it with the record
            self.office.queueing.line_up.agents((name,))
        self.office.later.match()

    def give_code(self, code: str) -> None:
        """Put a call back on record that reached nobody, a minute ago, and whose customer was sent this code."""
        now, ids = self.scheduler.now(), self.office.ids
        somebody = Customer(CustomerId(ids.new()), CustomerKind.ANONYMOUS)
        missed = Callback(
            id=CallbackId(ids.new()),
            customer=somebody.id,
            call=None,
            line="",
            queue=QueueName(""),
            number=PhoneNumber("+393330000000"),
            country="IT",
            zones=(),
            language=Language("it"),
            arrived_at=now,
            asked_at=now,
            next_at=None,
            state=CallbackState.NOT_REACHED,
            misses=3,
            code=code,
            code_until=now + CODE_HOLDS,
            ended_at=now,
            because="not reached in 3 attempts",
        )
        with self.records.write() as tx:
            tx.customers.add(somebody)
            tx.callbacks.ask(missed)

    def _later(self, length: timedelta, what: Callable[[], None]) -> None:
        if length > timedelta(0):
            self.scheduler.after(length.total_seconds(), what)
        else:
            what()

    def close(self) -> None:
        self.ends.close()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Failing:
    """Answers wants as the house does, but for what is ``down``."""

    KINDS: ClassVar[Mapping[type[Want], str]] = {
        WantProof: "proof",
        WantRecord: "record",
        WantCaseCode: "case",
        WantKept: "message",
        WantPlace: "queue",
        WantNumber: "callback",
        WantSlots: "callback",
    }

    def __init__(self) -> None:
        self.down: set[str] = set()

    def __call__(
        self, want: Want, call: CallRecord, tx: Transaction, ids: Ids, numbering: Numbering, now: datetime
    ) -> Got:
        if self.KINDS.get(type(want)) in self.down:
            return GotNothing("the script says that it is down")
        return fulfil(want, call, tx, ids, numbering, now)


class NoTranscriber:
    """Reads nothing: for worlds without a model."""

    def transcribe(self, path: Path, language: Language | None, progress: object = None) -> Transcript:
        del path, progress
        return Transcript(TextState.NO_MODEL, language, "", problem="this world was opened without speech models")


def open_world(
    at: datetime,
    flows_dir: Path,
    models_dir: Path | None,
    seed: int,
    transcriber: Transcriber | None = None,
    database_url: str = "sqlite://",
    mail: Mail | None = None,
) -> World:
    """A line with the flows of a folder, its clock at ``at``; raises FlowRefused when they have errors.

    ``models_dir`` None: messages are taken and not read. ``transcriber``: instead of one with these models, so that
    many worlds can share it. ``database_url``: where what happens is kept, in place of memory. ``mail``: the company's
    mail server.
    """
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="ivr-world-")))
        settings = replace(
            config.load({"IVR_PUBLIC_URL": PUBLIC_URL, "IVR_SECRET_KEY": "world"}, dotenv=None),
            database_url=database_url,
            flows_dir=flows_dir,
            recordings_dir=folder / "recordings",
            var_dir=folder,
        )
        scheduler = VirtualScheduler(at)
        later = InlineLater(scheduler.after)
        rest = LateApp()
        answers, ids = Failing(), Chance(scheduler, seed)
        floor = ends.enter_context(redis_for_a_world())
        office = wiring.open_office(settings, later, scheduler, ids, WsgiHttpClient(rest), answers, floor, mail=mail)
        ends.callback(office.records.close)
        outside = WsgiOutside(wiring.web_app(office), PUBLIC_URL)
        account = Account(settings.account_sid, settings.auth_token)
        network = Network(account, scheduler, outside, NetworkChance(seed))
        ends.callback(network.shut)
        rest.app = create_rest(network, lambda function: function())
        if not publish_folder(flows_dir, office.records, "world", "opened", at):
            raise FlowRefused(f"no line of {flows_dir} has a flow")
        own_the_numbers(network, office)
        if transcriber is None:
            transcriber = ends.enter_context(wiring.transcriber(models_dir)) if models_dir else NoTranscriber()
        later.serve(wiring.work(office, transcriber))
        later.sweep_every(SWEEP, Quiet(network, office.records, scheduler))
        evidence = RecordedEvidence(office.records, "twilio", settings.account_sid)
        telephones = InProcessTelephones(network, scheduler)
        return World(
            network, scheduler, telephones, evidence, office.records, office, answers.down, floor, ends.pop_all()
        )
    raise AssertionError("an exit stack swallows nothing")


class Quiet:
    """Nobody is on the line, or no more than in the flow; nor was anybody within the last minute."""

    def __init__(self, network: Network, records: Records, clock: Clock) -> None:
        self._network, self._records, self._clock = network, records, clock
        self._busy_until = clock.now()

    def __call__(self) -> bool:
        now = self._clock.now()
        if self._on_the_line(now) and self._in_line():
            self._busy_until = now + AFTERWARDS
        return self._busy_until < now

    def _on_the_line(self, now: datetime) -> bool:
        return any(call.end_time is None or now - call.end_time < AFTERWARDS for call in self._network.calls())

    def _in_line(self) -> bool:
        try:
            with self._records.read() as tx:
                return bool(tx.tickets.live())
        except RecordsUnavailable:
            return True


class LateApp:
    """The exchange's REST app, which is built after the office that asks it."""

    app: object = None

    def __call__(self, environ: object, start_response: object) -> object:
        assert callable(self.app)
        return self.app(environ, start_response)


def own_the_numbers(network: Network, office: wiring.Office) -> None:
    """Give the network the lines' numbers and those that our calls show, as a customer of a carrier sets them up."""
    company = wiring.company(office.settings)
    lines = company.lines.values() if company else ()
    network.verified.update(str(line.shows) for line in lines if line.shows)
    for number in wiring.line_numbers(office.settings):
        network.add_number(
            number,
            voice_url=f"{PUBLIC_URL}/voice/incoming",
            voice_fallback_url=f"{PUBLIC_URL}/voice/fallback",
            status_callback=f"{PUBLIC_URL}/voice/status",
        )
