"""The queue's real use cases over a carrier that is their adversary: it makes no mistakes of its own, but what it tells
us is told when, as often, and in whatever order a test likes.

SQL lies in memory, Redis is real, the clock is set. ``Faults`` kills the process, or lets SQL refuse, at any step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from twilio.http.response import Response

from ivr import config, wiring
from ivr.core.agent import Wish
from ivr.core.call import CarrierKey
from ivr.core.errors import CarrierUnavailable, FloorUnavailable, RecordsUnavailable
from ivr.core.flow.turn import Ask, CameBack, GoOn, Heard, Join, Keys, LeftQueue, LeftRoom, Park, Said, Silence
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.words import AgentId, CallId, LegId, PhoneNumber, QueueName, TicketId
from ivr.flowfiles.shelf import publish_folder
from ivr.store.session import SqlRecords, open_engine
from ivr.store.tables import metadata
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Clock
from ivr.switchboard.record import agents
from ivr.testing.floors import redis_for_a_world
from ivr.testing.world import NoTranscriber
from ivr.worker.actors import JOBS
from ivr.world.ids import Chance

T = TypeVar("T")

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
URL = "https://line.example"
ACCOUNT = "AC" + 32 * "0"
SWEEP, CARRIER_EVERY = 5.0, 15.0
ROUND = timedelta(seconds=60)
"""After so long a parked phone asks for the next round of the wait."""

DESKS = {"+39800123456": "orders", "+39800123457": "repairs"}
CREW = {
    "anna": AgentRecord(
        AgentId("anna"), (QueueName("orders"),), Address(AddressKind.PHONE, "+390298765001"), {"it": 3}
    ),
    "bruno": AgentRecord(
        AgentId("bruno"),
        (QueueName("orders"), QueueName("repairs")),
        Address(AddressKind.SIP, "sip:bruno@line.example"),
        {"it": 1},
    ),
    "carla": AgentRecord(AgentId("carla"), (QueueName("repairs"),), Address(AddressKind.BROWSER, "carla")),
    "dario": AgentRecord(
        AgentId("dario"), (QueueName("orders"),), Address(AddressKind.PHONE, "+390298765004"), wrap_up=timedelta()
    ),
}

COMPANY = """
format: 1
company: Officine Verdi
country: IT
zone: Europe/Rome
currency: EUR
lines:
  orders: {number: "+39800123456", flow: orders, shows: "+390212345678"}
  repairs: {number: "+39800123457", flow: repairs, shows: "+390212345678"}
hours:
  long: {week: {daily: "6:00-23:30"}}
skills: [it]
queues:
  orders: {hours: long, title: {it: ordini}, wrap_up: 30 s}
  repairs: {hours: long, title: {it: riparazioni}, wrap_up: 10 s, strategy: ring_all}
"""

FLOW = """
format: 1
flow: {name}
line: {name}
languages: [it]
start: desk
person: desk
if_all_fails: message
nodes:
  desk:
    queue: {name}
    {how}
    wait:
      keys: {{2: voicemail}}
      voicemail_to: message
    overflow:
      - {{from: 8 min, to: message}}
    when_done: {then}
    failed: message
  orders_too: {{queue: orders, when_done: bye, failed: message}}
  message:
    voicemail: {name}
    ask: "Dopo il segnale lasciate un messaggio."
    recorded: bye
    empty: bye
    failed: bye
  bye: {{hangup: {{say: "Grazie, a presto."}}}}
"""

HOW = {
    "orders": "skills: {it: 2}\n    prefer: last_agent\n    relax:\n      - {after: 20 s, skills: [it]}",
    "repairs": "priority: 30 s",
}

THEN = {"orders": "bye", "repairs": "orders_too"}

TROUBLE = (RecordsUnavailable, FloorUnavailable, CarrierUnavailable)
"""What a rim may meet in an installation that is otherwise sound; anything else is a defect, and passes through."""


class Killed(BaseException):
    """The process was killed: nothing in it may catch this."""


@dataclass
class SetClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at


@dataclass
class Faults:
    """What goes wrong at the so-and-so-many-th step from now: each transaction has a step before and after it and one
    before its commit, each question to the carrier one before and one after."""

    steps: int = 0
    trouble: type[BaseException] | None = None

    def after(self, steps: int, trouble: type[BaseException]) -> None:
        self.steps, self.trouble = steps, trouble

    def step(self, may_refuse: bool = True) -> None:
        trouble = self.trouble
        if trouble is None or (trouble is not Killed and not may_refuse):
            return
        self.steps -= 1
        if self.steps <= 0:
            self.trouble = None
            raise trouble

    def clear(self) -> None:
        self.trouble = None


class FaultyRecords(SqlRecords):
    """The records of one world: they outlive the processes that are killed in it."""

    def __init__(self, clock: SetClock, faults: Faults) -> None:
        super().__init__(open_engine("sqlite://"), clock)
        self._faults = faults
        metadata.create_all(self.engine)

    def write(self) -> AbstractContextManager[Transaction]:
        return self._faulty(super().write())

    def read(self) -> AbstractContextManager[Transaction]:
        return self._faulty(super().read())

    def written(self) -> int:
        """Rows changed so far: the same number, the same record."""
        with self.engine.connect() as connection:
            changes: int = connection.connection.driver_connection.total_changes  # type: ignore[union-attr]
            return changes

    def seen(self) -> AbstractContextManager[Transaction]:
        """For the test itself: nothing goes wrong in it."""
        return super().read()

    @contextmanager
    def _faulty(self, block: AbstractContextManager[Transaction]) -> Iterator[Transaction]:
        self._faults.step()
        with block as tx:
            yield tx
            self._faults.step()
        self._faults.step()


@dataclass
class Hints:
    """Hints that wait for a worker: the test says which are heeded, when, and which are lost."""

    waiting: list[tuple[str, str]] = field(default_factory=list)

    def fetch_voicemail(self, voicemail: str) -> None:
        """Messages are not what is tested here."""

    def read_voicemail(self, voicemail: str) -> None:
        """Nor their text."""

    def fetch(self, key: str) -> None:
        """No flow here fetches."""

    def send_text(self, text: str) -> None:
        """Or texts."""

    def record(self, recording: str) -> None:
        """No queue here records its talks."""

    def fetch_recording(self, recording: str) -> None:
        """So there is nothing to fetch."""

    def line_up(self, ticket: TicketId) -> None:
        self.waiting.append(("line_up", ticket))

    def match(self) -> None:
        self.waiting.append(("match", ""))

    def steer(self, ticket: TicketId) -> None:
        self.waiting.append(("steer", ticket))


# --- The carrier ------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Phone:
    """One connection at the carrier; ``place``: ringing, waits (for a document), parked, asked, ended, or a room."""

    sid: str
    number: str
    is_agents: bool
    since: datetime
    ours: str = ""  # the id of the call or of the leg
    place: str = "waits"
    room: str = ""
    ends_room: bool = False
    ticket: str = ""
    turn: int = 0
    documents: int = 0  # a redirect makes every document before it void
    answered: bool = False
    round: int = 0
    round_at: datetime = START

    @property
    def is_up(self) -> bool:
        return self.place != "ended"


@dataclass(frozen=True, eq=False)
class Webhook:
    """A request of the carrier's; ``document`` None: nobody reads the answer."""

    what: str  # turn, leg turn, status, leg status
    phone: Phone
    door: str
    token: str
    heard: Heard | None = None
    turn: int = 0
    document: int | None = None


class Carrier:
    """Answers our REST requests, keeps the phones, and hands each webhook to the test to be delivered."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self.clock, self.faults = clock, faults
        self.phones: dict[str, Phone] = {}
        self.webhooks: list[Webhook] = []
        self.dialled: list[str] = []  # legs
        self.met: dict[str, set[str]] = {}  # the agents' legs that were ever in a room
        self.mood = ""  # of the next dial: unavailable, lost, refused
        self._count = 0

    # What we ask of it

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Response:
        self.faults.step(may_refuse=False)
        answer = self._answer(method, urlsplit(url).path, params or {}, data or {})
        self.faults.step(may_refuse=False)
        return answer

    def audio(self, url: str, auth: tuple[str, str], largest: int) -> tuple[int, bytes]:
        return 404, b""

    def _answer(self, method: str, path: str, params: Mapping[str, Any], data: Mapping[str, Any]) -> Response:
        calls, _, name = path.partition("/Calls")
        assert calls == f"/2010-04-01/Accounts/{ACCOUNT}", path
        if method == "GET" and name == ".json":
            return _json(200, {"calls": self._listed(params["Status"]), "next_page_uri": None})
        if method == "GET" and (asked := self.phones.get(name.removeprefix("/").removesuffix(".json"))) is not None:
            status = ("in-progress" if asked.answered else "ringing") if asked.is_up else "completed"
            return _json(200, {"sid": asked.sid, "status": status})
        if method == "GET":
            return _json(200, {"recordings": [], "next_page_uri": None})
        if name == ".json":
            return self._dial(data)
        phone = self.phones[name.removeprefix("/").removesuffix(".json")]
        if not phone.is_up:
            return _json(400, {"code": 21220, "message": "Call is not in-progress.", "status": 400})
        if "Status" in data:
            self.hangs_up(phone, "completed" if phone.answered else "canceled")
        else:
            self._redirect(phone, data["Url"])
        return _json(200, {"sid": phone.sid})

    def _listed(self, status: str) -> list[dict[str, str]]:
        if status == "queued":
            return []
        up = (phone for phone in self.phones.values() if phone.is_up)
        return [{"sid": phone.sid} for phone in up if phone.answered == (status == "in-progress")]

    def _dial(self, data: Mapping[str, Any]) -> Response:
        mood, self.mood = self.mood, ""
        if mood == "unavailable":
            return _json(503, {"code": 20503, "message": "Service unavailable", "status": 503})
        if mood == "refused":
            return _json(400, {"code": 21211, "message": "Invalid 'To'", "status": 400})
        leg = data["Url"].split("/")[-4]
        phone = self._new(data["To"], is_agents=True)
        phone.ours, phone.place = leg, "ringing"
        self.dialled.append(leg)
        self.tells(phone, "initiated")
        if mood == "lost":
            raise requests.ReadTimeout
        return _json(201, {"sid": phone.sid})

    def _redirect(self, phone: Phone, url: str) -> None:
        """ "Call resource: update": a parked call leaves its queue as redirected, one in a room leaves that."""
        turn, door = int(url.split("/")[-2]), url.split("/")[-1]
        if phone.place == "parked":
            self._asks(phone, "queue_left", LeftQueue("redirected"), read=False)
        self._leaves_room(phone)
        phone.documents += 1
        phone.place = "waits"
        self._asks(phone, door, CameBack(), turn)

    # What people do

    def rings(self, number: str, called: str) -> Phone:
        phone = self._new(number, is_agents=False)
        phone.answered = True
        phone.room = ""
        phone.ticket = called  # until it is parked
        return phone

    def hangs_up(self, phone: Phone, how: str = "completed") -> None:
        self._leaves_room(phone)
        phone.place = "ended"
        self.tells(phone, how)

    def answers(self, phone: Phone) -> None:
        phone.answered, phone.place = True, "waits"
        self.tells(phone, "in-progress")
        self._asks(phone, "answered", CameBack())

    def presses(self, phone: Phone, digits: str) -> None:
        phone.place = "waits"
        self._asks(phone, "keys", Keys(digits) if digits else Silence())

    def leaves_the_queue(self, phone: Phone) -> None:
        phone.place = "waits"
        self._asks(phone, "queue_left", LeftQueue("leave"))

    def closes(self, room: str) -> None:
        """The room ends, and everybody in it goes on with their document."""
        for other in self.phones.values():
            if other.is_up and other.place == "room" and other.room == room:
                other.place, other.room = "waits", ""
                self._asks(other, "left_room", LeftRoom())

    # What it makes of our answers

    def reads(self, phone: Phone, webhook: Webhook, turn: int, says: Sequence[Said]) -> None:
        if webhook.document != phone.documents or not phone.is_up:
            return
        phone.turn = turn
        match says[-1] if says else None:
            case Park(ticket=ticket):
                phone.place, phone.ticket, phone.round, phone.round_at = "parked", ticket, 0, self.clock.now()
            case Join(room, ends):
                phone.place, phone.room, phone.ends_room = "room", room, ends
                if phone.is_agents:
                    self.met.setdefault(room, set()).add(phone.ours)
            case Ask():
                phone.place, phone.since = "asked", self.clock.now()
            case GoOn():
                self._asks(phone, "moved", CameBack())
            case _:
                self.hangs_up(phone)  # the document ends, or says so, or is somebody else's test (a message)

    def tells(self, phone: Phone, status: str) -> None:
        what = "leg status" if phone.is_agents else "status"
        self.webhooks.append(Webhook(what, phone, status, self._token()))

    def _asks(self, phone: Phone, door: str, heard: Heard, turn: int | None = None, read: bool = True) -> None:
        what = "leg turn" if phone.is_agents else "turn"
        turn = phone.turn if turn is None else turn
        document = phone.documents if read else None
        self.webhooks.append(Webhook(what, phone, door, self._token(), heard, turn, document))

    def _leaves_room(self, phone: Phone) -> None:
        room, was = phone.room, phone.place
        phone.room = ""
        if was == "room" and phone.ends_room:
            phone.place = "waits"
            self.closes(room)

    def _new(self, number: str, is_agents: bool) -> Phone:
        phone = Phone(f"CA{self._next():032x}", number, is_agents, self.clock.now(), round_at=self.clock.now())
        self.phones[phone.sid] = phone
        return phone

    def _token(self) -> str:
        return f"I{self._next()}"

    def _next(self) -> int:
        self._count += 1
        return self._count


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(status, json.dumps(body), {})


# --- The line ---------------------------------------------------------------------------------------------------------


class QueueWorld:
    """One line with its carrier; ``close()`` ends it."""

    def __init__(self) -> None:
        self._ends = ExitStack()
        self.clock, self.faults, self.hints = SetClock(), Faults(), Hints()
        self.carrier = Carrier(self.clock, self.faults)
        self.records = FaultyRecords(self.clock, self.faults)
        self._ends.callback(self.records.close)
        self.redis = self._ends.enter_context(redis_for_a_world())
        self._ids = Chance(self.clock, seed=1)
        self.is_open = False
        self.doors_answer = True  # as the worker sees them
        self.began = self.clock.at
        self.tickets: set[str] = set()  # seen on record so far
        self._start()
        publish_folder(flows(), self.records, "test", "opened", self.clock.at)
        self._read_flows()
        with self.records.write() as tx:
            for record in CREW.values():
                tx.agents.put(record, self.clock.at)
        self.is_open = True

    def close(self) -> None:
        self.faults.clear()
        self._ends.close()

    def _start(self) -> None:
        """The process begins; nothing of the one before is left but SQL, Redis and what the carrier still says."""
        settings = replace(
            config.load({"IVR_PUBLIC_URL": URL, "IVR_SECRET_KEY": "world"}, dotenv=None), flows_dir=flows()
        )
        self.office = wiring.open_office(
            settings,
            self.hints,
            self.clock,
            self._ids,
            self.carrier,
            redis=self.redis,
            kept=self.records,
            hears=lambda: self.doors_answer,
        )
        self.work = wiring.work(self.office, NoTranscriber())
        self._missing: frozenset[CallId] = frozenset()
        self._carrier_due = self.clock.at
        if self.is_open:
            self._read_flows()

    def _read_flows(self) -> None:
        """Before any transaction: records in memory have one connection, and a new process reads them in the middle."""
        for number in DESKS:
            self.office.flows.for_number(PhoneNumber(number))

    def does(self, what: Callable[[], T]) -> T | None:
        """Do it in the process, which may be killed over it; None where that, or an outage, was all that came of it."""
        try:
            return what()
        except Killed:
            self.faults.clear()
            self._start()
        except TROUBLE:
            pass
        return None

    # People

    def rings(self, number: str, called: str) -> Phone:
        phone = self.carrier.rings(number, called)
        key = CarrierKey("twilio", ACCOUNT, phone.sid)
        answer = self.does(lambda: self.office.doors.ring(key, PhoneNumber(number), PhoneNumber(called), "ring"))
        if answer is None:
            self.carrier.hangs_up(phone)  # the static fallback reached somebody else
            return phone
        phone.ours = answer.call
        self.carrier.reads(phone, Webhook("turn", phone, "", "", document=0), answer.turn, answer.says)
        return phone

    def presses_while_waiting(self, phone: Phone, key: str) -> None:
        waits = self.office.doors.waiting
        said = self.does(lambda: waits.key(TicketId(phone.ticket), key, phone.round, None))
        if said is not None and said.leaves:
            self.carrier.leaves_the_queue(phone)

    def wishes(self, name: str, wish: Wish) -> None:
        def wished() -> None:
            with self.records.write() as tx:
                agents.wish(tx, AgentId(name), wish, "because", self.clock.at)
            self.office.queueing.line_up.agents((AgentId(name),))
            self.hints.match()

        self.does(wished)

    # The carrier

    def deliver(self, webhook: Webhook, times: int = 1) -> None:
        """Once, or again as its answer did not get there; the last answer is the one that is read."""
        for _ in range(times):
            self._deliver(webhook, last=_ == times - 1)

    def repeat(self, webhook: Webhook) -> None:
        """Long after; nobody reads the answer any more."""
        self._deliver(webhook, last=False)

    def _deliver(self, webhook: Webhook, last: bool) -> None:
        doors, phone = self.office.doors, webhook.phone
        fact, body = f"{phone.sid}:{webhook.door}", {"CallSid": phone.sid}
        match webhook.what:
            case "status":
                key = CarrierKey("twilio", ACCOUNT, phone.sid)
                self.does(lambda: doors.call_status(key, webhook.door, None, fact, body))
                return
            case "leg status":
                self.does(lambda: doors.leg_news(LegId(phone.ours), phone.sid, webhook.door, f"leg:{fact}", body))
                return
        heard, door, token = webhook.heard, webhook.door, webhook.token
        assert heard is not None
        if webhook.what == "turn":
            said: Any = self.does(lambda: doors.take_turn(CallId(phone.ours), webhook.turn, door, heard, token))
        else:
            said = self.does(lambda: doors.leg_turn(LegId(phone.ours), webhook.turn, door, heard, token, phone.sid))
        if not last:
            return
        self.carrier.reads(phone, webhook, *((said.turn, said.says) if said is not None else (phone.turn, ())))

    def heed(self, hint: tuple[str, str]) -> None:
        job, about = hint
        self.does(lambda: JOBS[job](self.work, about))

    # Time

    def passes(self, seconds: float) -> None:
        """The clock goes on, phones ring out, wait documents go round, and the worker sweeps once."""
        self.clock.at += timedelta(seconds=seconds)
        for phone in list(self.carrier.phones.values()):
            if phone.place == "ringing" and self.clock.at - phone.since >= timedelta(seconds=20):
                self.carrier.hangs_up(phone, "no-answer")
            elif phone.place == "parked" and self.clock.at - phone.round_at >= ROUND:
                self._next_round(phone)
        self.sweep()

    def _next_round(self, phone: Phone) -> None:
        phone.round, phone.round_at = phone.round + 1, self.clock.at
        said = self.does(lambda: self.office.doors.waiting.round(TicketId(phone.ticket), phone.round))
        if said is not None and said.leaves:
            self.carrier.leaves_the_queue(phone)

    def sweep(self) -> None:
        self.does(lambda: self.work.tend_floor())
        self.does(lambda: self.work.compare_legs())
        if not timedelta() < self._carrier_due - self.clock.at <= timedelta(seconds=CARRIER_EVERY):
            self._carrier_due = self.clock.at + timedelta(seconds=CARRIER_EVERY)
            self._missing = self.does(lambda: self.work.end_vanished(self._missing)) or frozenset()
            self.does(lambda: self.work.compare_floor())

    def settles(self, seconds: float, every: float = SWEEP) -> None:
        """No more faults and no more input: what is under way arrives, unanswered phones ring out, sweeps go on."""
        self.faults.clear()
        self.carrier.mood = ""
        until = self.clock.at + timedelta(seconds=seconds)
        self.arrives()
        while self.clock.at < until:
            self.passes(every)
            for phone in list(self.carrier.phones.values()):
                if phone.place == "asked" and phone.is_agents:
                    self.carrier.presses(phone, "")
            self.arrives()

    def arrives(self) -> None:
        """Every webhook and every hint, in order, and whatever they lead to."""
        for _ in range(1000):
            if self.carrier.webhooks:
                self.deliver(self.carrier.webhooks.pop(0))
            elif self.hints.waiting:
                self.heed(self.hints.waiting.pop(0))
            else:
                return
        raise AssertionError("hints go round in a circle")


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="ivr-queue-")


@cache
def flows() -> Path:
    folder = Path(_folder().name)
    (folder / "company.yaml").write_text(COMPANY, encoding="utf-8")
    for name, how in HOW.items():
        (folder / f"{name}.yaml").write_text(FLOW.format(name=name, how=how, then=THEN[name]), encoding="utf-8")
    return folder
