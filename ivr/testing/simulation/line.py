"""The line of a simulated day: the network, the records, and one process of ours that may die and start again."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from redis import Redis

from ivr import config, wiring
from ivr.core.errors import FloorLost, FlowRefused, IvrError
from ivr.core.voicemail import TextState, Transcript
from ivr.core.words import Language, PhoneNumber, TicketId
from ivr.exchange import sound, twiml
from ivr.exchange.chance import Chance as NetworkChance
from ivr.exchange.network import Network
from ivr.exchange.phones import InProcessTelephones
from ivr.exchange.records import Account
from ivr.exchange.rest import create_app as create_rest
from ivr.exchange.scheduler import Timer, VirtualScheduler
from ivr.exchange.webhooks import Answer, Done, Outside, Patience, Unreached, WsgiOutside
from ivr.flowfiles.shelf import publish_folder
from ivr.live.floor import RedisFloor
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.floor import StandingClaim
from ivr.testing.floors import redis_for_a_world
from ivr.testing.simulation.diary import Diary
from ivr.testing.simulation.faults import FAULTS
from ivr.testing.simulation.faults.carrier import CarrierWire
from ivr.testing.simulation.faults.fault import Dice, Fault, Killed
from ivr.testing.simulation.faults.floor import RedisWiped, StruckRedis
from ivr.testing.simulation.faults.process import PowerCut
from ivr.testing.simulation.faults.records import StruckRecords
from ivr.testing.simulation.faults.webhooks import Road, leg_of
from ivr.testing.world import PUBLIC_URL, SWEEP, LateApp
from ivr.twilio import fallback
from ivr.twilio.rest import WsgiHttpClient
from ivr.worker.actors import run
from ivr.worker.inline import InlineLater
from ivr.worker.office import Work
from ivr.worker.sweep import Sweep
from ivr.world.ids import Chance

ELSEWHERE = "https://elsewhere.example"
"""Where the static document lies, on a server that is not ours (`ivr fallback`)."""

STIRRED, ON_THE_LINE, OWED, QUIET, NIGHT = SWEEP, 30.0, 60.0, 900.0, 7200.0
"""Seconds between two sweeps: where something went wrong of late, the sweep makes it good, and comes as often
as in the worker; else it finds what came due by itself, and may take its time."""

OF_LATE, LONG_AGO = 20.0, 7200.0

RESTART = (0.5, 2.0, 9.0)
"""Seconds until a process that died is there again."""

BOOTS = (12.0, 40.0, 150.0)
"""Seconds until a machine that lost its power is."""

SPEAKING = ("/voice/incoming", "/voice/calls/", "/voice/fallback", "/voice/legs/", "/voice/wait/")
"""Doors whose answer a caller hears."""


@dataclass(frozen=True)
class Wrong:
    """Something that a house in order never does; ``sid`` names the leg it was seen on."""

    law: str
    text: str
    sid: str = ""


class HearsNoWords:
    """The transcriber of a day on which callers hum: it reads the file and finds nobody speaking."""

    def transcribe(self, path: Path, language: Language | None, progress: object = None) -> Transcript:
        del progress
        seconds = sound.seconds_of(sound.pcm_of(path.read_bytes()))
        return Transcript(TextState.SILENT, language, "", seconds=seconds)


class Line:
    """One day's line. ``wrong`` is what the line itself noticed: unlawful answers, errors nobody expected."""

    def __init__(
        self, at: datetime, flows_dir: Path, seed: int, faulty: bool, ends: ExitStack, records: Keeps | None = None
    ) -> None:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="ivr-day-")))
        self.settings = replace(
            config.load({"IVR_PUBLIC_URL": PUBLIC_URL, "IVR_SECRET_KEY": "day"}, dotenv=None),
            database_url="sqlite://",
            flows_dir=flows_dir,
            recordings_dir=folder / "recordings",
            var_dir=folder,
        )
        self.scheduler = VirtualScheduler(at)
        self.diary = Diary(self.scheduler)
        self.wrong: list[Wrong] = []
        self.power_cuts = 0
        self.in_line_since: dict[TicketId, datetime] = {}
        self.rung_twice_by: list[tuple[datetime, str, tuple[str, ...]]] = []
        dice = {
            name: Dice(f"{seed}:fault:{name}", kind.rate, self.scheduler, self.diary) for name, kind in FAULTS.items()
        }
        self.faults: tuple[Fault, ...] = tuple(FAULTS[name](one) for name, one in dice.items()) if faulty else ()
        self.records = wiring.records(self.settings, self.scheduler)
        ends.callback(self.records.close)
        self.ids = Chance(self.scheduler, seed)
        floor = ends.enter_context(redis_for_a_world())
        self.floor = StruckRedis(connection_pool=floor.connection_pool)
        self.rules = wiring.rules_of(wiring.company(self.settings))
        for fault in self.faults:
            if isinstance(fault, RedisWiped):
                fault.wipe = floor.flushdb
            if isinstance(fault, PowerCut):
                fault.disk = Drive(self, floor)
        self.process = Process(self, dice["process_killed"], records or struck)
        self.floor.strike = self.process.at_floor
        self._network(flows_dir, seed)

    def _network(self, flows_dir: Path, seed: int) -> None:
        if not publish_folder(flows_dir, self.records, "simulation", "opened", self.scheduler.now()):
            raise FlowRefused(f"no line of {flows_dir} has a flow")
        road: Outside = Road(self.process, self.faults) if self.faults else self.process
        outside = _Elsewhere(road, fallback.people(flows_dir))
        account = Account(self.settings.account_sid, self.settings.auth_token)
        self.network = Network(account, self.scheduler, outside, NetworkChance(seed))
        self.telephones = InProcessTelephones(self.network, self.scheduler)
        company = wiring.company(self.settings)
        lines = company.lines.values() if company else ()
        self.network.verified.update(str(line.shows) for line in lines if line.shows)
        for number in wiring.line_numbers(self.settings):
            self.network.add_number(
                number,
                voice_url=f"{PUBLIC_URL}/voice/incoming",
                voice_fallback_url=f"{ELSEWHERE}/fallback.xml",
                voice_fallback_method="GET",
                status_callback=f"{PUBLIC_URL}/voice/status",
            )
        self.process.rest.app = create_rest(self.network, lambda function: function())
        self.process.start()

    def calm_down(self) -> None:
        """From now on nothing more goes wrong, so that what did can be made good."""
        for fault in self.faults:
            fault.dice.calm = True

    def claims_on_the_floor(self) -> Sequence[StandingClaim] | None:
        """Those that wait for an answer; None where the floor is lost."""
        with self.records.read() as tx:
            epoch = tx.floor.epoch()
        try:
            return RedisFloor(self.floor, self.rules, epoch).snapshot(self.scheduler.now()).claims
        except FloorLost:
            return None

    def drop(self, sid: str) -> None:
        """The line of a leg breaks; the network tells us that it failed."""
        phone = self.network.live_phone(sid)
        if phone is not None:
            phone.drop()

    def rung_twice(self, agent: str, sids: Sequence[str]) -> None:
        """An agent's phone rings while another call is on it: for the same agent, two tickets."""
        self.diary.note(agent, "is rung while another call is on their phone", sids[-1])
        self.rung_twice_by.append((self.scheduler.now(), agent, tuple(sids)))

    def until_next_sweep(self) -> float:
        """In seconds."""
        now = self.scheduler.now()
        if self.diary.struck_at is not None and (now - self.diary.struck_at).total_seconds() < OF_LATE:
            return STIRRED
        quiet = (now - max((call.end_time or now for call in self.network.calls()), default=now)).total_seconds()
        if quiet < OF_LATE:
            return ON_THE_LINE
        if any(since <= now for since in self.in_line_since.values()):
            return OWED
        return QUIET if quiet < LONG_AGO else NIGHT


class Drive:
    """The records and the floor of a line, as they lie there (``Disk``)."""

    def __init__(self, line: Line, redis: Redis) -> None:
        self._line, self._redis = line, redis

    def records(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:")
        self._sqlite.backup(copy)
        return copy

    def floor(self) -> Mapping[str, bytes]:
        keys: Any = self._redis.keys()
        dumped: Mapping[str, Any] = {key: self._redis.dump(key) for key in keys}
        return dumped

    def put_back(self, records: sqlite3.Connection | None, floor: Mapping[str, bytes]) -> None:
        self._line.power_cuts += 1
        if records is not None:
            records.backup(self._sqlite)
            records.close()
        self._redis.flushdb()
        for key, value in floor.items():
            self._redis.restore(key, 0, value)

    @property
    def _sqlite(self) -> Any:
        return self._line.records.engine.raw_connection().driver_connection


Keeps = Callable[[SqlRecords, VirtualScheduler, Callable[[str], None], Callable[[str], None]], SqlRecords]
"""The records as a process has them, over those that all its lives share."""


def struck(
    shared: SqlRecords, clock: VirtualScheduler, strike: Callable[[str], None], at_disk: Callable[[str], None]
) -> SqlRecords:
    """Records whose statements faults may strike."""
    return StruckRecords(shared.engine, clock, strike, at_disk, shared.compiled)


@dataclass(frozen=True)
class NextSweep:
    """When a process sweeps next."""

    timer: Timer
    at: datetime
    once: Callable[[], None]


class Process:
    """Web and worker in one: it answers webhooks (``Outside``), does jobs, sweeps; it may die at any moment.

    ``life`` counts its starts; callbacks of an earlier life are forgotten, as memory is.
    """

    def __init__(self, line: Line, dice: Dice, keeps: Keeps) -> None:
        self._line, self._dice, self._keeps = line, dice, keeps
        self.life, self.alive = 0, False
        self._working = False
        # Of the many statements only those faults hear that do something about them.
        self._at_statement = [one.at_statement for one in line.faults if type(one).at_statement != Fault.at_statement]
        self._sweep: NextSweep | None = None
        self.rest = LateApp()
        self._outside: Outside | None = None
        self._work: Work | None = None

    def start(self) -> None:
        """A new process on the old records."""
        line = self._line
        self.life, self.alive = self.life + 1, True
        later = InlineLater(self._hint)
        wire = CarrierWire(WsgiHttpClient(self.rest), line.faults, self._deleting)
        kept = self._keeps(line.records, line.scheduler, self._strike, self._at_disk)
        self.office = wiring.open_office(
            line.settings, later, line.scheduler, line.ids, wire, redis=line.floor, kept=kept
        )
        self._outside = WsgiOutside(wiring.web_app(self.office), PUBLIC_URL)
        self._work = self._watched(wiring.work(self.office, HearsNoWords()))
        later.serve(self._work)
        self._sweeps(Sweep(self._work, self._submit))
        line.diary.note("process", f"started, life {self.life}")

    def request(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience, done: Done
    ) -> None:
        sid, path = leg_of(url, form)
        outcomes: list[Answer | Unreached] = []
        outside = self._outside
        assert outside is not None  # started before the network was there
        if not self.alive:
            self._line.diary.note("process", f"is down: {path}", sid)
            self._line.diary.touched[sid].add(path)
            done(Unreached.CONNECT)
            return
        ended = self._guarded(lambda: outside.request(method, url, form, headers, timeout, outcomes.append), sid, path)
        # A process that dies with a request in hand breaks the connection; one that dies after it has answered.
        outcome = outcomes[0] if outcomes else Unreached.READ
        if not ended:
            self._line.diary.touched[sid].add(path)
        self._line.diary.note("web", f"{path} -> {_told(outcome)}", sid)
        if isinstance(outcome, Answer):
            self._judge(outcome, sid, path)
        done(outcome)

    def _guarded(self, work: Callable[[], object], sid: str = "", path: str = "") -> bool:
        """Do something inside the process; False when it died of it."""
        faults = self._line.faults
        self._working = True
        try:
            for fault in faults:
                fault.work_begins(sid, path)
            work()
            for fault in faults:
                fault.work_ended()
        except Killed:
            self._dies()
            return False
        finally:
            self._working = False
        self._sweep_sooner()
        return True

    def _dies(self) -> None:
        self.alive = False
        self._count_fallbacks()
        before = self._line.power_cuts
        for fault in self._line.faults:
            fault.died()
        again = RESTART if self._line.power_cuts == before else BOOTS
        self._line.scheduler.after(self._dice.chance.choice(again), self.start)

    def _after(self, seconds: float, callback: Callable[[], object], what: str = "job") -> Timer:
        life = self.life

        def ring() -> None:
            if self.alive and self.life == life:
                self._guarded(callback, path=what)

        return self._line.scheduler.after(seconds, ring)

    def _hint(self, seconds: float, callback: Callable[[], object]) -> None:
        if not any(fault.loses_hint() for fault in self._line.faults):
            self._after(seconds, callback)

    def doing(self, work: Callable[[], object], what: str) -> bool:
        """Somebody at a desk asks something of the process; False when it refuses, is down, or dies of it."""
        if not self.alive:
            return False
        try:
            return self._guarded(work, path=what)
        except IvrError:
            return False

    def at_floor(self, what: str) -> None:
        """A question to the floor is on its way, or answered."""
        if self._working:
            for fault in self._line.faults:
                fault.at_floor(what)

    def _sweeps(self, sweep: Sweep) -> None:
        def once() -> None:
            sweep.round()
            self._plan_sweep(self._line.until_next_sweep(), once)

        self._plan_sweep(SWEEP, once)

    def _plan_sweep(self, seconds: float, once: Callable[[], None]) -> None:
        at = self._line.scheduler.now() + timedelta(seconds=seconds)
        self._sweep = NextSweep(self._after(seconds, once, "sweep"), at, once)

    def _sweep_sooner(self) -> None:
        """Planned while nobody was on the line, the next sweep may be hours away."""
        planned = self._sweep
        if planned is None:
            return
        away = (planned.at - self._line.scheduler.now()).total_seconds()
        if away > OWED and (wanted := self._line.until_next_sweep()) < away:
            planned.timer.cancel()
            self._plan_sweep(wanted, planned.once)

    def _submit(self, job: str, about: str) -> None:
        assert self._work is not None  # set before the first sweep
        run(self._work, job, about)

    def _strike(self, what: str) -> None:
        if self._working:
            for at_statement in self._at_statement:
                at_statement(what)

    def _at_disk(self, what: str) -> None:
        if self._working:
            for fault in self._line.faults:
                fault.at_disk(what)

    # --- What a house in order never does ---------------------------------------------------------------------------

    def _judge(self, answer: Answer, sid: str, path: str) -> None:
        speaks = path.startswith(SPEAKING) and not path.endswith("/status")
        if answer.status >= 400 and (speaks or not self._line.faults):
            self._wrong("every webhook is answered", f"{path} was answered with HTTP {answer.status}", sid)
        elif speaks:
            try:
                verbs = twiml.parse(answer.body)
            except twiml.TwimlRefused as refused:
                self._wrong("every webhook is answered with legal TwiML", f"{path}: {refused}", sid)
                return
            if not verbs:
                self._wrong("the caller always hears words", f"{path} was answered with an empty document", sid)

    def _watched(self, work: Work) -> Work:
        """The same work; an error that is none of the house's own refusals does not pass unseen."""

        def watched(name: str, do: Callable[..., object]) -> Callable[..., object]:
            def job(*about: object) -> object:
                try:
                    return do(*about)
                except IvrError:
                    raise
                except Exception as trouble:
                    if not _simulated(trouble):
                        self._wrong("no job fails but for a reason", f"{name}: {type(trouble).__name__}: {trouble}")
                    raise

            return job

        jobs = [each.name for each in fields(Work) if each.name not in ("records", "clock")]
        changed: dict[str, Any] = {name: watched(name, getattr(work, name)) for name in jobs}
        return replace(work, **changed)

    def _deleting(self, url: str) -> None:
        """The carrier's copy of a message or talk is about to go: ours must be on record and on the shelf by now."""
        recording = url.rpartition("/")[2].removesuffix(".json")
        self._working = False  # we only look: no fault strikes
        try:
            with self._line.records.read() as tx:
                kept = tx.voicemails.by_recording(recording) or tx.recordings.by_recording(recording)
        finally:
            self._working = True
        if kept is None or self.office.audio.path(kept.id) is None:
            self._wrong("no message is lost", f"the carrier's copy of {recording} is deleted before ours is kept")

    def _count_fallbacks(self) -> None:
        """Why the static document was spoken: trouble that has no name is a mistake of ours.

        A phone that rings for an offer which the power cut took is told nothing.
        """
        named = {"RecordsUnavailable", *(("leg_NoSuchLeg",) if self._line.power_cuts else ())}
        for metric in self.office.doors.counters.fallbacks.collect():
            for sample in metric.samples:
                because = sample.labels.get("because", "")
                known = because in named or because.removeprefix("leg_") in named
                if sample.name.endswith("_total") and not known and sample.value:
                    self._wrong("no turn breaks but for a reason", f"the fallback was spoken because of {because}")

    def _wrong(self, law: str, text: str, sid: str = "") -> None:
        self._line.wrong.append(Wrong(law, text, sid))


def _simulated(trouble: BaseException | None) -> bool:
    while trouble is not None:
        if "(simulated)" in str(trouble):
            return True
        trouble = trouble.__cause__
    return False


def _told(outcome: Answer | Unreached) -> str:
    return str(outcome.status) if isinstance(outcome, Answer) else outcome.name.lower()


class _Elsewhere:
    """The server that is not ours, with the static documents; all other addresses go on."""

    def __init__(self, way: Outside, people: Mapping[str, PhoneNumber]) -> None:
        self._way = way
        person = next(iter(people.values()), None)
        # The carrier tells us of a message that was left there, should we be there again by then.
        written = fallback.document(person, f"{ELSEWHERE}/thanks.xml", f"{PUBLIC_URL}/voice/recordings")
        self._documents = {"/fallback.xml": written, "/thanks.xml": fallback.thanks_document()}

    def request(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience, done: Done
    ) -> None:
        if not url.startswith(ELSEWHERE):
            self._way.request(method, url, form, headers, timeout, done)
            return
        document = self._documents.get(leg_of(url, form)[1])
        if document is None:
            done(Answer(404, {}, b""))
        else:
            done(Answer(200, {"content-type": "text/xml"}, document.encode()))
