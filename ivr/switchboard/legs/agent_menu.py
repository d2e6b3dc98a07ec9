"""An agent with only a telephone: who they are, then their wish, the outcome of their last talk, the next promises.

They ring the line's staff number, or the line itself from where we ring them. Caller id can be forged, so it says only
whose PIN is asked for. Turns are as a leg's: the turn in the address is the lock, and a repeat gets the stored answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core.agent import AgentEvent, SystemState, Wish
from ivr.core.agent_call import AgentCall
from ivr.core.call import CarrierKey
from ivr.core.events import PromiseMade, TalkOutcome
from ivr.core.flow import says as sayings
from ivr.core.flow.model import FlowVersion
from ivr.core.flow.turn import Ask, HangUp, Heard, Keys, Said, Speak, Utter, Wording
from ivr.core.pin import pin_hash, pin_matches
from ivr.core.promises import Promise
from ivr.core.roster import Address, AddressKind, NoSuchAgent
from ivr.core.whisper import spoken
from ivr.core.words import AgentCallId, AgentId, CallerNumber, CustomerId, PhoneNumber, PromiseId
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows, Ids, Later, Numbering
from ivr.switchboard.record import agents, places

WHO, PIN, MENU, BREAK, OUTCOME, OVER = "who", "pin", "menu", "break", "outcome", "over"
QUESTIONS: Mapping[str, str] = {WHO: "staff_who", PIN: "staff_pin", BREAK: "staff_breaks", MENU: "staff_menu"}
BREAKS: Mapping[str, str] = {"1": "lunch", "2": "short break", "3": "training"}
OUTCOMES: Mapping[str, str] = {"1": "answered", "2": "solved", "3": "follow_up"}
WISHES: Mapping[str, Wish] = {"1": Wish.AVAILABLE, "3": Wish.OFF}

PATIENCE = 8  # seconds for a key
MOST_UNHEARD = 3
"""So many silences or wrong keys in a row, and the line is closed."""

MOST_FAILURES = 5
WINDOW = timedelta(hours=1)
"""So many wrong PINs of one agent in so long, from whatever telephone, and nobody may try."""

FOLLOW_UP_WITHIN = timedelta(hours=24)
PROMISES_READ = 3
PROMISE_WORDS: Mapping[str, str] = {
    "answer_voicemail": "staff_answer_voicemail",
    "callback": "staff_callback",
    "appointment": "staff_appointment",
    "follow_up": "staff_follow_up_due",
}

_NOBODYS = pin_hash("", b"nobody")
"""Checked where there is no PIN, so that the time it takes does not tell."""


@dataclass(frozen=True)
class AgentCallAnswer:
    """What the menu's door says back: the turn it leads to and the words."""

    call: AgentCallId
    turn: int
    says: tuple[Said, ...]


@dataclass(frozen=True)
class _Scene:
    """One turn: who is on the line, in which transaction, and the words there are."""

    tx: Transaction
    call: AgentCall
    version: FlowVersion
    now: datetime


@dataclass(frozen=True)
class _Step:
    """What a turn comes to: the call as it then stands, and what it says."""

    call: AgentCall
    words: tuple[Utter, ...]


@dataclass(frozen=True)
class AgentMenu:
    """The use case behind the doors of agents who ring us; ``staff`` maps a staff number to its line's."""

    records: Records
    flows: Flows
    wording: Wording
    numbering: Numbering
    ids: Ids
    later: Later
    clock: Clock
    staff: Mapping[PhoneNumber, PhoneNumber]

    def rings(
        self, key: CarrierKey, said: str, caller: CallerNumber, called: PhoneNumber | None, token: str
    ) -> AgentCallAnswer | None:
        """The first turn; None: no agent's call. ``said``: the caller in the carrier's words (``client:anna``)."""
        if called is None or not key.sid:
            return None
        address = _address(said, caller)
        with self.records.read() as tx:
            known = tx.agents.at(address) if address is not None else None
            has_pin = known is not None and tx.agents.pin_hash(known.record.name) is not None
        if called not in self.staff and not has_pin:
            return None
        agent = known.record.name if known is not None and has_pin else None
        return self._first(key, self.staff.get(called, called), agent, token)

    def __call__(self, call: AgentCallId, turn: int, door: str, heard: Heard, token: str) -> AgentCallAnswer:
        """The answer to what was heard at a turn; whoever comes late or twice gets the stored one.

        Raises NoSuchAgentCall and RecordsUnavailable.
        """
        return places.retried(lambda: self._taken(call, turn, door, heard, token))

    def _first(self, key: CarrierKey, line: PhoneNumber, agent: AgentId | None, token: str) -> AgentCallAnswer:
        now = self.clock.now()
        version = self.flows.for_number(line)
        with self.records.write() as tx:
            stage = WHO if agent is None else PIN
            call = AgentCall(AgentCallId(self.ids.new()), key, line, now, agent, stage)
            step = self._asking(_Scene(tx, call, version, now), call)
            says = self._says(_Scene(tx, call, version, now), step)
            if not tx.agent_calls.start(
                replace(call, turn=1, door="incoming", token=token, says=sayings.as_json(says))
            ):
                standing = tx.agent_calls.find(key)
                assert standing is not None, "a call that is refused as known is known"
                return AgentCallAnswer(standing.id, standing.turn, sayings.from_json(standing.says))
        return AgentCallAnswer(call.id, 1, says)

    def _taken(self, name: AgentCallId, turn: int, door: str, heard: Heard, token: str) -> AgentCallAnswer:
        now = self.clock.now()
        with self.records.read() as tx:
            line = tx.agent_calls.get(name).line
        version = self.flows.for_number(line)
        with self.records.write() as tx:
            call = tx.agent_calls.get(name)
            if call.turn != turn or call.stage == OVER:
                return AgentCallAnswer(name, call.turn, sayings.from_json(call.says))
            scene = _Scene(tx, call, version, now)
            step = self._step(scene, heard)
            says = self._says(scene, step)
            moved = replace(step.call, turn=turn + 1, door=door, token=token, says=sayings.as_json(says))
            places.written(tx.agent_calls.change(moved))
        if moved.agent is not None and call.stage in (MENU, BREAK, OUTCOME):
            self.later.at_work(moved.agent)
        return AgentCallAnswer(name, turn + 1, says)

    # --- One turn ---

    def _step(self, scene: _Scene, heard: Heard) -> _Step:
        digits = heard.digits.rstrip("#") if isinstance(heard, Keys) else ""
        match scene.call.stage:
            case _ if not digits:
                return self._unheard(scene)
            case "who":
                return self._named(scene, digits)
            case "pin":
                return self._proven(scene, digits)
        try:
            return self._chosen(scene, _agent(scene), digits[0])
        except NoSuchAgent:  # taken off the record while they were on the line
            return self._over(scene, "goodbye")

    def _chosen(self, scene: _Scene, agent: AgentId, key: str) -> _Step:
        match scene.call.stage:
            case "break" if key in BREAKS:
                return self._wished(scene, agent, Wish.BREAK, BREAKS[key])
            case "outcome" if key in OUTCOMES:
                return self._outcome(scene, agent, OUTCOMES[key])
            case "menu" if key in WISHES:
                return self._wished(scene, agent, WISHES[key], "by telephone")
            case "menu" if key == "2":
                return self._asking(scene, _at(scene, BREAK))
            case "menu" if key == "4":
                return self._asks_outcome(scene, agent)
            case "menu" if key == "5":
                return self._asking(scene, _at(scene, MENU), *self._promises(scene, agent))
            case _:
                return self._unheard(scene)

    def _unheard(self, scene: _Scene) -> _Step:
        times = scene.call.unheard + 1
        if times >= MOST_UNHEARD:
            return self._over(scene, "goodbye")
        stage = MENU if scene.call.stage == OUTCOME else scene.call.stage
        again = replace(scene.call, stage=stage, unheard=times)
        return self._asking(scene, again, self._words(scene, "not_understood"))

    def _named(self, scene: _Scene, digits: str) -> _Step:
        """Who they are by the number they are rung at; an unknown one is asked for a PIN too, and it never holds."""
        try:
            number = str(self.numbering.number(digits, scene.version.company.country))
        except ValueError:
            number = digits
        known = scene.tx.agents.at(Address(AddressKind.PHONE, number))
        agent = known.record.name if known is not None else None
        return self._asking(scene, replace(_at(scene, PIN), agent=agent))

    def _proven(self, scene: _Scene, pin: str) -> _Step:
        tx, call = scene.tx, scene.call
        if call.agent is not None and tx.agent_calls.failures(call.agent, scene.now - WINDOW) >= MOST_FAILURES:
            return self._over(scene, "staff_refused")
        hashed = tx.agents.pin_hash(call.agent) if call.agent is not None else None
        if pin_matches(pin, hashed or _NOBODYS) and hashed is not None:
            return self._greeted(scene)
        failed = replace(call, failures=call.failures + 1)
        if failed.failures >= MOST_UNHEARD:
            return self._over(replace(scene, call=failed), "staff_refused")
        return self._asking(scene, failed, self._words(scene, "staff_wrong"))

    def _greeted(self, scene: _Scene, *before: Utter) -> _Step:
        agent = _agent(scene)
        status = scene.tx.agents.get(agent).status
        words = [*before, self._words(scene, f"staff_{status.wish.value}", agent=agent)]
        if status.state is SystemState.UNREACHABLE:
            words.append(self._words(scene, "staff_unreachable"))
        return self._asking(scene, _at(scene, MENU), *words)

    def _wished(self, scene: _Scene, agent: AgentId, wish: Wish, because: str) -> _Step:
        agents.wish(scene.tx, agent, wish, because, scene.now)
        return self._greeted(scene)

    # --- The outcome of the last talk ---

    def _asks_outcome(self, scene: _Scene, agent: AgentId) -> _Step:
        place = _last_talk(scene.tx, agent)
        if place is None:
            return self._asking(scene, _at(scene, MENU), self._words(scene, "staff_no_talk"))
        customer = self._customer(scene, place.ticket.customer)
        return _Step(_at(scene, OUTCOME), (self._words(scene, "staff_outcome", customer=customer),))

    def _outcome(self, scene: _Scene, agent: AgentId, outcome: str) -> _Step:
        """On the call's record; whoever gives the outcome has wrapped up. A follow-up is a promise of the agent's."""
        place = _last_talk(scene.tx, agent)
        if place is None:
            return self._asking(scene, _at(scene, MENU), self._words(scene, "staff_no_talk"))
        places.note(scene.tx, place, [TalkOutcome(place.ticket.id, agent, outcome)], scene.now)
        places.agent_moves(scene.tx, agent, AgentEvent.WRAPPED_UP, "gave the outcome", scene.now)
        if outcome != "follow_up":
            return self._asking(scene, _at(scene, MENU), self._words(scene, "staff_noted"))
        promise = self._follow_up(scene, agent, place)
        due = self._due(scene, promise.due_at, promise.zone)
        return self._asking(scene, _at(scene, MENU), self._words(scene, "staff_follow_up", due=due))

    def _follow_up(self, scene: _Scene, agent: AgentId, place: TicketOnRecord) -> Promise:
        promise = Promise(
            id=PromiseId(self.ids.new()),
            what="follow_up",
            customer=place.ticket.customer,
            call=place.ticket.call,
            made_at=scene.now,
            due_at=scene.now + FOLLOW_UP_WITHIN,
            zone=scene.version.company.zone,
            owner=agent,
        )
        scene.tx.promises.make(promise)
        told = PromiseMade(promise.id, promise.what, promise.due_at.isoformat())
        places.note(scene.tx, place, [told], scene.now)
        return promise

    # --- The next promises ---

    def _promises(self, scene: _Scene, agent: AgentId) -> tuple[Utter, ...]:
        """The agent's own and those of their queues, the most urgent first."""
        owners = (agent, *scene.tx.agents.get(agent).record.queues)
        owed = [promise for owner in owners for promise in scene.tx.promises.open(owner)]
        next_ones = sorted(owed, key=lambda promise: (promise.due_at, promise.id))[:PROMISES_READ]
        if not next_ones:
            return (self._words(scene, "staff_no_promises"),)
        return tuple(
            self._words(
                scene,
                PROMISE_WORDS.get(promise.what, "staff_follow_up_due"),
                customer=self._customer(scene, promise.customer),
                due=self._due(scene, promise.due_at, promise.zone),
            )
            for promise in next_ones
        )

    # --- Words ---

    def _asking(self, scene: _Scene, call: AgentCall, *words: Utter) -> _Step:
        return _Step(call, (*words, self._words(scene, QUESTIONS[call.stage])))

    def _over(self, scene: _Scene, sentence: str) -> _Step:
        return _Step(replace(scene.call, stage=OVER), (self._words(scene, sentence),))

    def _says(self, scene: _Scene, step: _Step) -> tuple[Said, ...]:
        if step.call.stage == OVER:
            return (Speak(step.words), HangUp())
        typed = step.call.stage in (WHO, PIN)
        language = scene.version.flow.languages[0]
        return (Ask(step.words, None if typed else 1, "#" if typed else "", PATIENCE, language),)

    def _customer(self, scene: _Scene, customer: CustomerId) -> str:
        return scene.tx.customers.get(customer).name or self._words(scene, "staff_customer").text

    def _due(self, scene: _Scene, due: datetime, zone: str) -> str:
        language = scene.version.flow.languages[0]
        return self.wording.spoken(due.isoformat(), f"moment:{zone}", language, scene.now)

    def _words(self, scene: _Scene, sentence: str, **slots: str) -> Utter:
        language = scene.version.flow.languages[0]
        return spoken(scene.version.company, self.wording, language, scene.now, sentence, **slots)


def _agent(scene: _Scene) -> AgentId:
    assert scene.call.agent is not None, "the menu is behind the PIN"
    return scene.call.agent


def _at(scene: _Scene, stage: str) -> AgentCall:
    return replace(scene.call, stage=stage, unheard=0)


def _address(said: str, caller: CallerNumber) -> Address | None:
    """Where this caller would be rung, as `agents.yaml` writes it."""
    if said.startswith("client:"):
        return Address(AddressKind.BROWSER, said.removeprefix("client:"))
    if said.startswith(("sip:", "sips:")):
        return Address(AddressKind.SIP, said)
    return Address(AddressKind.PHONE, str(caller)) if isinstance(caller, PhoneNumber) else None


def _last_talk(tx: Transaction, agent: AgentId) -> TicketOnRecord | None:
    claim = tx.claims.last_talk(agent)
    return None if claim is None else tx.tickets.get(claim.ticket)
