"""What goes wrong on a simulated day: each fault a class with a name and a rate, standing at a seam of the line.

The seams are the exchange's way out (``Outside``), the carrier's REST API (``CarrierHttp``), the statements of the
records, and the process itself. ``FAULTS`` is all of them: a fault of something new (Redis wiped, a worker killed)
is one more class there.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

import redis
from sqlalchemy import Connection, Engine
from twilio.http.response import Response

from ivr.core.errors import RecordsUnavailable
from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.webhooks import Answer, Done, Outside, Patience, Unreached
from ivr.store.link import Compiled
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.world import Clock
from ivr.testing.simulation.diary import Diary
from ivr.twilio.rest import Auth, CarrierHttp


class Killed(BaseException):
    """The process is gone. Not an Exception: nothing in it is left to catch anything."""


class Dice:
    """When a fault strikes: at its own seeded rate, until things are left to calm down."""

    def __init__(self, seed: str, rate: float, scheduler: VirtualScheduler, diary: Diary) -> None:
        self.chance = random.Random(seed)
        self.rate, self.scheduler, self.diary = rate, scheduler, diary
        self.calm = False

    def fall(self, rate: float | None = None) -> bool:
        return not self.calm and self.chance.random() < (self.rate if rate is None else rate)

    def clock(self) -> float:
        return self.scheduler.now().timestamp()


@dataclass(frozen=True)
class Webhook:
    """A request of the carrier, as far as a fault may know it; ``patience`` in seconds."""

    sid: str
    path: str
    patience: float


Ask = Callable[[Done], None]
"""Carries the request on; what comes back goes to the one who is named."""


class Fault:
    """Stands at every seam and changes nothing; each fault changes what its name says."""

    name: ClassVar[str]
    rate: ClassVar[float]

    def __init__(self, dice: Dice) -> None:
        self.dice = dice

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:  # noqa: ARG002
        """A webhook on its way to us."""
        ask(done)

    def refuses(self) -> int | None:
        """The HTTP status with which the carrier turns down what we ask by REST."""
        return None

    def work_begins(self, sid: str, path: str) -> None:
        """The process takes up a request, or (without a leg) a ``job`` or a ``sweep``."""

    def at_statement(self, what: str) -> None:
        """Before ``begin``, a ``statement`` or ``commit``, and when it is ``committed``; may raise."""

    def at_disk(self, what: str) -> None:
        """Before a transaction that ``writes``; when one is ``kept`` on the disk, or ``not waited for``."""

    def died(self) -> None:
        """The process is gone, and all that it had under way."""

    def at_floor(self, what: str) -> None:
        """Before the floor in Redis is ``asked``, and when it has ``answered``; may raise."""

    def loses_hint(self) -> bool:
        """Whether a hint that work is to be done reaches nobody."""
        return False

    def at_rest(self, what: str) -> None:
        """Before the carrier is ``asked`` by REST, and when it has ``answered``; may raise."""

    def work_ended(self) -> None:
        """The process is done with a request or a job; may raise Killed."""

    def strikes(self, what: str, sid: str = "", path: str = "") -> None:
        self.dice.diary.strikes(self.name, what, sid, path)


# --- Webhooks ---------------------------------------------------------------------------------------------------------


LEG = re.compile(r"(?:^|&)CallSid=(\w+)")


def _nobody(_: Answer | Unreached) -> None:
    """An answer that reaches nobody."""


class WebhookLost(Fault):
    """A request does not reach us: refused at once; half of the time its repetitions are refused too."""

    name = "webhook_lost"
    rate = 0.02

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        dice = self.dice
        if dice.clock() >= self._until:
            if not dice.fall():
                ask(done)
                return
            if dice.chance.random() < 0.5:
                self._until = dice.clock() + dice.chance.uniform(0.1, 3.0)
        self.strikes("nobody there", webhook.sid, webhook.path)
        done(Unreached.CONNECT)


class AnswerLost(Fault):
    """We are asked and act, and our answer does not arrive."""

    name = "answer_lost"
    rate = 0.01

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        if not self.dice.fall():
            ask(done)
            return
        self.strikes("the connection breaks before the answer", webhook.sid, webhook.path)
        ask(_nobody)
        done(Unreached.READ)


class WebhookRepeated(Fault):
    """The same request comes again, up to a minute later; its answer reaches nobody."""

    name = "webhook_repeated"
    rate = 0.03

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        if self.dice.fall():
            later = self.dice.chance.choice((0.0, 0.5, 3.0, 60.0))
            self.strikes(f"again in {later:g} s", webhook.sid, webhook.path)
            self.dice.scheduler.after(later, lambda: ask(_nobody))
        ask(done)


class WebhookLate(Fault):
    """A request or its answer takes seconds; beyond its patience the carrier gives up, and we act all the same."""

    name = "webhook_late"
    rate = 0.02

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        dice = self.dice
        if not dice.fall():
            ask(done)
            return
        seconds = dice.chance.choice((0.3, 1.0, 4.0, 12.0, webhook.patience + 2.0))
        answered = done
        if seconds > webhook.patience:
            answered = _nobody
            dice.scheduler.after(webhook.patience, lambda: done(Unreached.READ))
        if dice.chance.random() < 0.5:
            self.strikes(f"asked {seconds:g} s late", webhook.sid, webhook.path)
            dice.scheduler.after(seconds, lambda: ask(answered))
        else:
            self.strikes(f"answered {seconds:g} s late", webhook.sid, webhook.path)
            ask(lambda outcome: _ignored(dice.scheduler.after(seconds, lambda: answered(outcome))))


def _ignored(_: object) -> None: ...


class CallbacksOvertake(Fault):
    """Status and recording callbacks take their time, so that they come in any order."""

    name = "callbacks_overtake"
    rate = 0.15

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        if not _is_news(webhook.path) or not self.dice.fall():
            ask(done)
            return
        seconds = self.dice.chance.choice((0.5, 5.0, 40.0, 200.0))
        self.strikes(f"{seconds:g} s on the way", webhook.sid, webhook.path)
        self.dice.scheduler.after(seconds, lambda: ask(done))


def _is_news(path: str) -> bool:
    return path.startswith(("/voice/status", "/voice/recordings")) or path.endswith("/status")


class Road:
    """The way of the carrier's requests to us (``Outside``), with faults on it."""

    def __init__(self, way: Outside, faults: Sequence[Fault]) -> None:
        self._way, self._faults = way, tuple(faults)

    def request(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience, done: Done
    ) -> None:
        sid, path = leg_of(url, form)
        webhook = Webhook(sid, path, timeout.read)
        ask: Ask = partial(self._way.request, method, url, form, headers, timeout)
        for fault in self._faults:
            ask = partial(fault.carry, webhook, ask)
        ask(done)


def leg_of(url: str, form: str) -> tuple[str, str]:
    """The leg a webhook is about, and its path."""
    parts = urlsplit(url)
    named = LEG.search(form or parts.query)
    return named[1] if named else "", parts.path


# --- Records ----------------------------------------------------------------------------------------------------------


class RecordsRefuse(Fault):
    """The database refuses: for some seconds, or a single statement or commit."""

    name = "records_refuse"
    rate = 0.004

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0
        self._leg = ("", "")

    def work_begins(self, sid: str, path: str) -> None:
        self._leg = (sid, path)

    def at_statement(self, what: str) -> None:
        dice = self.dice
        if what == "begin" and dice.clock() < self._until:
            if self._leg[0]:
                self.strikes("still refusing", *self._leg)
            raise RecordsUnavailable
        rate = self.rate / 100 if self._leg[1] == "sweep" else self.rate  # thousands of them look and find nothing
        if what == "committed" or not dice.fall(rate / 4 if what == "statement" else rate):
            return
        self.strikes(f"refused at a {what}", *self._leg)
        if what == "begin":
            self._until = dice.clock() + dice.chance.choice((0.0, 1.0, 8.0, 30.0))
            raise RecordsUnavailable
        raise sqlite3.OperationalError("disk I/O error (simulated)")


class StruckRecords(SqlRecords):
    """The records of one process, with faults at its statements while it works; they lie in memory, behind one
    connection.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        strike: Callable[[str], None],
        at_disk: Callable[[str], None],
        compiled: Compiled,
    ) -> None:
        super().__init__(engine, clock)
        self._strike, self._at_disk, self.compiled = strike, at_disk, compiled
        self._only = engine.connect()

    def put_on_disk(self, waits: bool) -> None:
        self._at_disk("kept" if waits else "not waited for")

    def begun(self, begin: str) -> tuple[Connection, Any]:
        if begin == "BEGIN IMMEDIATE":
            self._at_disk("writes")
        self._strike("begin")
        connection, cursor = self._only, self._only.connection.cursor()
        cursor.execute(begin)
        struck: Any = _StruckConnection(connection, self._strike)
        return struck, _StruckCursor(cursor, self._strike)


class _StruckConnection:
    """SQLAlchemy's way to the database. Struck out here: inside, it would let go of the connection, and of the memory
    in which the database lies.
    """

    def __init__(self, connection: Connection, strike: Callable[[str], None]) -> None:
        self._connection, self._strike = connection, strike

    def close(self) -> None:
        """Nothing: it is the only one, and is gone with the process."""

    def execute(self, *statement: Any, **options: Any) -> Any:
        self._strike("statement")
        return self._connection.execute(*statement, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class _StruckCursor:
    """The driver's cursor of the busy statements, and of COMMIT and ROLLBACK."""

    def __init__(self, cursor: Any, strike: Callable[[str], None]) -> None:
        self._cursor, self._strike = cursor, strike

    def execute(self, sql: str, *values: Any) -> None:
        if sql == "ROLLBACK":
            self._cursor.execute(sql)
        elif sql == "COMMIT":
            self._commit()
        else:
            self._strike("statement")
            self._cursor.execute(sql, *values)

    def _commit(self) -> None:
        try:
            self._strike("commit")
        except Killed:
            self._cursor.execute("ROLLBACK")  # as the database does when its client is gone
            raise
        self._cursor.execute("COMMIT")
        self._strike("committed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


# --- The floor --------------------------------------------------------------------------------------------------------


class RedisWiped(Fault):
    """Redis forgets everything: before a question, between two of them, or after an answer."""

    name = "redis_wiped"
    rate = 0.001

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self.wipe: Callable[[], object] = _nothing

    def at_floor(self, what: str) -> None:
        if self.dice.fall():
            self.strikes(f"when it is {what}")
            self.wipe()


class RedisGone(Fault):
    """Redis does not answer: before it acts, or after it has; once, or for a while."""

    name = "redis_gone"
    rate = 0.001

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0

    def at_floor(self, what: str) -> None:
        dice = self.dice
        if dice.clock() >= self._until:
            if not dice.fall():
                return
            self._until = dice.clock() + dice.chance.choice((0.0, 0.0, 4.0, 40.0))
            self.strikes(f"when it is {what}")
        raise redis.ConnectionError("nobody there (simulated)")


class HintLost(Fault):
    """Somebody is told that there is work, and dies or forgets it: the sweep is to find it."""

    name = "hint_lost"
    rate = 0.03

    def loses_hint(self) -> bool:
        lost = self.dice.fall()
        if lost:
            self.strikes("a hint reaches nobody")
        return lost


def _nothing() -> None: ...


class StruckRedis(redis.Redis):
    """A client of the floor's server, with faults at each script that is run.

    Whether the server knows a script from an earlier day is no difference: the repetition once it was loaded counts as
    the same question.
    """

    strike: Callable[[str], None]
    _unknown = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] != "EVALSHA":
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        again, self._unknown = self._unknown, False
        if not again:
            self.strike("asked")
        try:
            answer: Any = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.exceptions.NoScriptError:
            self._unknown = True
            raise
        self.strike("answered")
        return answer


# --- The carrier's REST API -------------------------------------------------------------------------------------------


class CarrierRefuses(Fault):
    """The carrier's REST API answers 503 or 429, once or for a while."""

    name = "carrier_refuses"
    rate = 0.05

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0

    def refuses(self) -> int | None:
        dice = self.dice
        if dice.clock() >= self._until:
            if not dice.fall():
                return None
            self._until = dice.clock() + dice.chance.choice((0.0, 5.0, 60.0, 300.0))
        status = dice.chance.choice((429, 503))
        self.strikes(str(status))
        return status


class CarrierWire:
    """Our way to the carrier's REST API (``CarrierHttp``), with faults on it; ``deleting`` hears of what is deleted."""

    def __init__(self, way: CarrierHttp, faults: Sequence[Fault], deleting: Callable[[str], None]) -> None:
        self._way, self._faults, self._deleting = way, tuple(faults), deleting

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        self._strike("asked")
        status = self._refused()
        if status is not None:
            code = 20429 if status == 429 else 20503
            return Response(status, f'{{"code": {code}, "message": "simulated", "status": {status}}}', {})
        if method.upper() == "DELETE":
            self._deleting(url)
        answer = self._way.request(method, url, *args, **kwargs)
        self._strike("answered")
        return answer

    def audio(self, url: str, auth: Auth, largest: int) -> tuple[int, bytes]:
        self._strike("asked")
        status = self._refused()
        if status is not None:
            return status, b""
        answer = self._way.audio(url, auth, largest)
        self._strike("answered")
        return answer

    def _strike(self, what: str) -> None:
        for fault in self._faults:
            fault.at_rest(what)

    def _refused(self) -> int | None:
        return next((status for fault in self._faults if (status := fault.refuses()) is not None), None)


# --- The process ------------------------------------------------------------------------------------------------------


class ProcessKilled(Fault):
    """The process dies: at any statement, before a commit or right after it, around a REST request, or between two
    events. All it held in memory is gone; it is started again some seconds later on the same database.
    """

    name = "process_killed"
    rate = 0.004

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._fuse: int | None = None
        self._leg = ("", "")

    def work_begins(self, sid: str, path: str) -> None:
        self._leg = (sid, path)
        # Jobs are few and hold the messages; sweeps are many, and most find nothing to do.
        if self.dice.fall(self.rate * {"job": 3.0, "sweep": 0.02}.get(path, 1.0)):
            self._fuse = self.dice.chance.randrange(16)

    def at_statement(self, what: str) -> None:
        self._burns(what)

    def at_rest(self, what: str) -> None:
        self._burns(f"rest {what}")

    def at_floor(self, what: str) -> None:
        self._burns(f"floor {what}")

    def work_ended(self) -> None:
        if self._fuse is not None:
            self._dies("between two events")

    def _burns(self, what: str) -> None:
        if self._fuse is None:
            return
        self._fuse -= 1
        if self._fuse < 0:
            self._dies(f"at: {what}")

    def _dies(self, where: str) -> None:
        self._fuse = None
        self.strikes(f"killed {where}", *self._leg)
        raise Killed


class Disk(Protocol):
    """What outlives the machine."""

    def records(self) -> sqlite3.Connection:
        """All that is on record."""
        ...

    def floor(self) -> Mapping[str, bytes]:
        """All that Redis holds."""
        ...

    def put_back(self, records: sqlite3.Connection | None, floor: Mapping[str, bytes]) -> None:
        """Make them what they were; None: the records are what they are."""
        ...


class PowerCut(Fault):
    """The machine loses its power, and starts again a while later. What was committed within the last second without
    waiting for the disk is gone, unless a later commit waited; so is what Redis heard in that second, or all of it.
    """

    name = "power_cut"
    rate = 0.005
    disk: Disk

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._fuse: int | None = None
        self._before = 0.0
        self._records: sqlite3.Connection | None = None
        self._floor: Mapping[str, bytes] = {}
        self._cut = False
        self._leg = ("", "")

    def work_begins(self, sid: str, path: str) -> None:
        self._leg = (sid, path)
        self._burns()

    def at_disk(self, what: str) -> None:
        if what == "writes" and self._fuse is None and self.dice.fall():
            self._fuse, self._before = self.dice.chance.randrange(1, 12), self.dice.clock()
            self._records, self._floor = self.disk.records(), self.disk.floor()
        elif what == "kept":
            self._records = None
        self._burns()

    def at_rest(self, what: str) -> None:  # noqa: ARG002
        self._burns()

    def at_floor(self, what: str) -> None:  # noqa: ARG002
        self._burns()

    def died(self) -> None:
        """Whatever it died of: the power is off now."""
        if self._cut:
            self.disk.put_back(self._records, self._floor)
        self._cut, self._fuse, self._records = False, None, None

    def _burns(self) -> None:
        if self._fuse is None:
            return
        if self.dice.clock() - self._before > ON_DISK_WITHIN:
            self._fuse = self._records = None
            return
        self._fuse -= 1
        if self._fuse > 0:
            return
        lost = "some of the records" if self._records is not None else "none of the records"
        if self.dice.chance.random() < 0.3:
            self._floor = {}
        self._cut = True
        self.strikes(f"takes {lost}, and {'some' if self._floor else 'all'} of the floor", *self._leg)
        raise Killed


ON_DISK_WITHIN = 1.0
"""Seconds: Redis syncs once in each, and we ask SQLite's log to be synced at once."""

FAULTS: Mapping[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        WebhookLost,
        AnswerLost,
        WebhookRepeated,
        WebhookLate,
        CallbacksOvertake,
        RecordsRefuse,
        RedisWiped,
        RedisGone,
        HintLost,
        CarrierRefuses,
        ProcessKilled,
        PowerCut,
    )
}
