"""Random tickets and agents for property tests: few names, so that they meet; many ties."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from ivr.core.routing.decide import FreeAgent, Rules, Strategy
from ivr.core.routing.skills import Offer, levels
from ivr.core.ticket import Relaxation, Ticket, TicketKind
from ivr.core.words import AgentId, CustomerId, QueueName, TicketId
from tests.core.routing.builders import NOW, seconds

AGENTS = [AgentId(name) for name in ("anna", "bruno", "carla", "dario", "elena", "fabio")]
QUEUES = [QueueName(name) for name in ("orders", "repairs")]
SKILLS = ["it", "en", "wine"]
waits = st.sampled_from([-5, 0, 1, 10, 30, 60, 600, 2000]).map(seconds)
some_levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=2)
few_agents = st.frozensets(st.sampled_from(AGENTS), max_size=2)


@st.composite
def tickets(draw: st.DrawFn, name: str, order: int) -> Ticket:
    arrived = NOW - draw(waits)
    last = draw(st.none() | st.sampled_from(AGENTS))
    return Ticket(
        id=TicketId(name),
        kind=draw(st.sampled_from(TicketKind)),
        queue=draw(st.sampled_from(QUEUES)),
        arrived_at=arrived,
        order=order,
        customer=CustomerId("c"),
        call=None,
        needs=draw(some_levels),
        preferred=draw(some_levels),
        relaxations=tuple(
            Relaxation(draw(waits), tuple(draw(st.lists(st.sampled_from(SKILLS), max_size=2, unique=True))))
            for _ in range(draw(st.integers(0, 2)))
        ),
        boost=draw(st.sampled_from([0, 0, 5, 60, 3000, -30]).map(seconds)),
        last_agent=last,
        last_agent_until=arrived + timedelta(seconds=20) if last else None,
        refused_by=draw(few_agents),
        not_before=draw(st.none() | waits.map(lambda wait: NOW - wait)),
    )


@st.composite
def lines(draw: st.DrawFn, longest: int = 8) -> list[Ticket]:
    orders = draw(st.permutations(range(draw(st.integers(0, longest)))))
    return [draw(tickets(f"t{n}", order)) for n, order in enumerate(orders)]


@st.composite
def free_agents(draw: st.DrawFn, name: AgentId) -> FreeAgent:
    queues = draw(st.frozensets(st.sampled_from(QUEUES), min_size=1))
    offer = Offer(queues, levels(draw(st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5)))))
    figures = st.integers(0, 3)
    return FreeAgent(name, offer, NOW - draw(waits), draw(figures), draw(figures), draw(figures))


@st.composite
def crews(draw: st.DrawFn) -> list[FreeAgent]:
    return [draw(free_agents(name)) for name in draw(st.lists(st.sampled_from(AGENTS), unique=True))]


rules = st.builds(
    Rules,
    strategies=st.dictionaries(st.sampled_from(QUEUES), st.sampled_from(Strategy)),
    starving_after=st.none() | st.sampled_from([30, 600]).map(seconds),
)
moments = st.sampled_from([0, 1, 15, 20, 25, 60, 1000]).map(lambda s: NOW + seconds(s))
