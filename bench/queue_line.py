"""A whole line of real processes with one queue: Redis, exchange, web and worker, its agents and its callers.

The exchange is `bench.phones`: the real one, with agents' phones that answer and press 1 at once, and a diary of what
it was told when. Everything runs on this machine, so that all times are of one clock.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench.servers import free_port
from ivr import config, wiring
from ivr.cli.serve import children
from ivr.config import Settings
from ivr.core.agent import Wish
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, QueueName
from ivr.exchange.http_handset import HttpTelephones
from ivr.flowfiles.shelf import publish_folder
from ivr.live.server import EmbeddedRedis
from ivr.processes import Supervisor
from ivr.store.schema import upgrade
from ivr.store.tables import tickets
from ivr.switchboard.record import agents as roster
from ivr.worker.later import SweepOnly

LINE = "+39800123456"
QUEUE = QueueName("orders")
WALTZ = Path(__file__).resolve().parents[1] / "call_flows" / "sounds" / "waltz.wav"

COMPANY = f"""\
format: 1
company: Officine Verdi
country: IT
zone: Europe/Rome
currency: EUR
lines:
  toll_free:
    {{number: "{LINE}", flow: reach, shows: "+390212345678", callable_from: [IT], reaches: "+390212345600"}}
queues:
  {QUEUE}: {{title: {{it: ordini}}, music: waltz, wrap_up: 5 s}}
sounds: [waltz]
"""

FLOW = """\
format: 1
flow: reach
line: toll_free
languages: [it]
start: waiting
person: message
if_all_fails: message
nodes:
  waiting: {queue: orders, when_done: goodbye, failed: message}
  message:
    voicemail: orders
    ask: {it: "Lasciate un messaggio."}
    recorded: goodbye
    empty: goodbye
    failed: goodbye
  goodbye: {hangup: {say: {it: "A presto."}}}
"""


@dataclass(frozen=True)
class QueueLine:
    """The line while it runs. ``diary``: what the exchange was told, a JSON object a line."""

    office: wiring.Office
    supervisor: Supervisor
    redis: EmbeddedRedis
    telephones: HttpTelephones
    diary: Path

    def notes(self) -> list[dict[str, str]]:
        """What stands in the diary so far: ``at``, ``what`` and more, in order."""
        text = self.diary.read_text(encoding="utf-8") if self.diary.exists() else ""
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def waiting(self) -> int:
        """How many stand in line."""
        in_line = select(func.count()).select_from(tickets).where(tickets.c.state == TicketState.IN_LINE.value)
        with self.office.records.engine.connect() as connection:
            return int(connection.execute(in_line).scalar_one())

    def begin_work(self, agent: str) -> None:
        """An agent wishes to work from now on; the next sweep sees it."""
        with self.office.records.write() as tx:
            roster.wish(tx, AgentId(agent), Wish.AVAILABLE, "the shift begins", self.office.clock.now())


@contextmanager
def queue_line(
    folder: Path, database: str | None, agents: Sequence[AgentRecord], talks: float, at_work: bool = False
) -> Iterator[QueueLine]:
    """Everything up and healthy until the block ends; ``database`` None: SQLite.

    ``talks``: so many seconds an agent talks, on average. ``at_work``: the shift has begun already.
    """
    settings = _settings(folder, database)
    upgrade(settings.database_url)
    office = wiring.open_office(settings, SweepOnly())
    publish_folder(settings.flows_dir, office.records, "bench", "the bench begins", office.clock.now())
    with office.records.write() as tx:
        roster.load(tx, agents, office.clock.now())
        for agent in agents if at_work else ():
            roster.wish(tx, agent.name, Wish.AVAILABLE, "the shift begins", office.clock.now())
    diary = folder / "diary.jsonl"
    redis = EmbeddedRedis(settings.var_dir / "redis")
    with ExitStack() as ends:
        ends.callback(office.records.close)
        url = redis.start()
        ends.callback(redis.stop)
        processes = [
            replace(
                child,
                command=[sys.executable, "-m", "bench.phones", str(diary), str(talks), *(a.address.at for a in agents)],
            )
            if child.name == "exchange"
            else child
            for child in children(settings, url)
        ]
        supervisor = ends.enter_context(Supervisor(settings.var_dir / "log", processes))
        telephones = ends.enter_context(HttpTelephones(str(settings.carrier_api_url)))
        yield QueueLine(office, supervisor, redis, telephones, diary)


def write_flows(flows: Path) -> Path:
    """A line whose callers are in the queue at once; the folder that was made."""
    (flows / "sounds").mkdir(parents=True)
    (flows / "company.yaml").write_text(COMPANY, encoding="utf-8")
    (flows / "reach.yaml").write_text(FLOW, encoding="utf-8")
    shutil.copy(WALTZ, flows / "sounds")
    return flows


def crew(size: int, wrap_up: Sequence[timedelta | None]) -> list[AgentRecord]:
    """Agents with SIP phones; their wrap-ups in turn."""
    return [
        AgentRecord(
            AgentId(f"agent-{n}"),
            (QUEUE,),
            Address(AddressKind.SIP, f"sip:agent-{n}@bench.invalid"),
            wrap_up=wrap_up[n % len(wrap_up)],
        )
        for n in range(size)
    ]


def _settings(folder: Path, database: str | None) -> Settings:
    flows = write_flows(folder / "flows")
    environ = {
        "IVR_VAR_DIR": str(folder),
        "IVR_FLOWS_DIR": str(flows),
        "IVR_RECORDINGS_DIR": str(folder / "recordings"),
        "IVR_SECRET_KEY": "bench",
        "IVR_WEB_PORT": str(free_port()),
        "IVR_EXCHANGE_PORT": str(free_port()),
    }
    return config.load(environ | ({"IVR_DATABASE_URL": database} if database else {}), dotenv=None)
