"""The star key in a talk: an agent with only a telephone holds, transfers, asks somebody in, or ends it.

In a conference no other key is heard. The star leads the agent out of the room, whose customer is on hold meanwhile;
silence leads back into it. With a guest in the talk the customer stays with them instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.company import Company, Queue
from ivr.core.flow.model import FlowVersion
from ivr.core.flow.steps.queue import TALKING
from ivr.core.flow.turn import Ask, GoOn, HangUp, Heard, Join, Keys, LeftRoom, Speak, Utter, Wording
from ivr.core.leg import Leg, room
from ivr.core.roster import Address, AddressKind
from ivr.core.whisper import spoken, title
from ivr.core.words import AgentId
from ivr.switchboard.legs import consult, outside
from ivr.switchboard.legs.leg_turn import Hint, LegStep
from ivr.switchboard.legs.outside import Dialling
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Later
from ivr.switchboard.record import places, talk

STAR, MENU, QUEUES = "star", "keys", "keys_queue"
ASIDE, THREE, COLD = "keys_aside", "keys_three", "keys_cold"
STAGES = frozenset({STAR, MENU, QUEUES, ASIDE, THREE, COLD})
"""In these the agent is out of the room of their talk."""

OVER = "over"
PATIENCE = 6  # seconds for a key
TYPING = 8  # seconds between the keys of a number
NEXT_FREE = "0"
LONGEST_PLACE = 3  # digits: a colleague by their place in agents.yaml; longer ones are numbers


@dataclass(frozen=True)
class _Scene:
    """One turn of an agent who is out of the room: in which talk, and the words there are."""

    tx: Transaction
    leg: Leg
    place: TicketOnRecord
    version: FlowVersion
    now: datetime

    @property
    def company(self) -> Company:
        return self.version.company


@dataclass(frozen=True)
class TalkKeys:
    """The turns of an agent's leg between the star key and the way back."""

    dialling: Dialling
    wording: Wording
    later: Later

    def __call__(
        self, tx: Transaction, leg: Leg, place: TicketOnRecord, version: FlowVersion, heard: Heard, now: datetime
    ) -> LegStep:
        """What an agent hears whose talk is on, and who is not in its room, or was led out of it."""
        scene = _Scene(tx, leg, place, version, now)
        match leg.stage:
            case "talk" if isinstance(heard, LeftRoom):
                # A room that ended asks here as well as the star does: so long the news of it may take.
                return LegStep((GoOn(1),), STAR)
            case "talk":
                return self._in_room(scene)
            case "star":
                return self._menu(scene)
            case _ if not isinstance(heard, Keys):
                return self._back(scene)
            case "keys":
                return self._chosen(scene, heard.digits[0])
            case "keys_queue":
                return self._to_queue(scene, heard.digits[0])
            case stage:
                return self._to_somebody(scene, stage, heard.digits.rstrip("#"))

    # --- The menu ---

    def _menu(self, scene: _Scene, *before: Utter) -> LegStep:
        guest = talk.guest_of(scene.tx, scene.place) is not None
        if not guest:
            talk.hold(scene.tx, scene.leg.ticket, scene.now)
        words = self._words(scene, "keys_guest_menu" if guest else "keys_menu")
        return LegStep((Ask((*before, words), 1, "", PATIENCE, scene.leg.language),), MENU, self._hints(scene))

    def _chosen(self, scene: _Scene, key: str) -> LegStep:
        guest = talk.guest_of(scene.tx, scene.place) is not None
        match key:
            case "1" | "*":
                return self._resumed(scene)
            case "2" if guest:
                return self._left_with_guest(scene)
            case "3" if guest:
                consult.cancel(scene.tx, scene.leg.ticket, scene.now)
                return self._in_room(scene)
            case "5":
                places.end_talk(scene.tx, scene.place, "agent", self._wrap_up(scene), scene.now)
                return self._over(scene, "talk_over")
            case "2":
                return self._asks_queue(scene)
            case "3" | "4" | "6" if not guest:
                return self._asks_whom(scene, {"3": ASIDE, "4": THREE, "6": COLD}[key])
            case _:
                return self._menu(scene, self._words(scene, "wrong_key"))

    def _back(self, scene: _Scene) -> LegStep:
        """Silence: into the room again, as it was."""
        return self._in_room(scene) if talk.guest_of(scene.tx, scene.place) else self._resumed(scene)

    def _resumed(self, scene: _Scene) -> LegStep:
        talk.resume(scene.tx, scene.leg.ticket, scene.now)
        return self._in_room(scene)

    def _left_with_guest(self, scene: _Scene) -> LegStep:
        try:
            consult.complete(
                scene.tx, scene.leg.ticket, self._wrap_up(scene), f"{scene.leg.token}+{scene.leg.turn}", scene.now
            )
        except talk.TransferRefused:  # they have not picked up
            return self._menu(scene, self._words(scene, "transfer_no_answer"))
        return self._over(scene, "keys_handed")

    # --- To a queue ---

    def _asks_queue(self, scene: _Scene) -> LegStep:
        language = scene.leg.language
        words = tuple(
            self._words(scene, "keys_queue", queue=title(scene.company, queue.name, language), key=str(key))
            for key, queue in enumerate(_queues(scene), 1)
        )
        return LegStep((Ask(words, 1, "", PATIENCE, language),), QUEUES)

    def _to_queue(self, scene: _Scene, key: str) -> LegStep:
        queues = _queues(scene)
        if not key.isdecimal() or not 1 <= int(key) <= len(queues):
            return self._menu(scene, self._words(scene, "wrong_key"))
        talk.to_queue(scene.tx, scene.leg.ticket, queues[int(key) - 1].name, self._wrap_up(scene), scene.now)
        return self._over(scene, "keys_handed")

    # --- To somebody ---

    def _asks_whom(self, scene: _Scene, stage: str) -> LegStep:
        words = self._words(scene, "keys_number" if stage == COLD else "keys_somebody")
        return LegStep((Ask((words,), None, "#", TYPING, scene.leg.language),), stage)

    def _to_somebody(self, scene: _Scene, stage: str, digits: str) -> LegStep:
        """A colleague, or a number outside; nothing is written where it is refused."""
        tx, ticket, now = scene.tx, scene.leg.ticket, scene.now
        colleague = _next_free(scene) if digits == NEXT_FREE else self._colleague(scene, digits)
        if digits == NEXT_FREE and colleague is None:
            return self._menu(scene, self._words(scene, "keys_nobody"))
        try:
            if stage == COLD:
                outside.send(tx, self.dialling, ticket, digits, self._wrap_up(scene), now)
                return self._over(scene, "keys_handed")
            if colleague is not None:
                consult.ring(tx, self.dialling.flows, self.dialling.ids, ticket, colleague, stage == ASIDE, now)
            else:
                outside.ring(tx, self.dialling, ticket, digits, stage == ASIDE, now)
        except talk.TransferRefused:
            return self._menu(scene, self._words(scene, "keys_refused"))
        if stage == THREE:
            talk.resume(tx, ticket, now)
        hints = (lambda: self.later.at_work(colleague),) if colleague is not None else ()
        return self._in_room(scene, (self._words(scene, "keys_rung"),), hints)

    def _colleague(self, scene: _Scene, digits: str) -> AgentId | None:
        """Who is rung at this number, or stands at this place in agents.yaml."""
        agents = scene.tx.agents
        if len(digits) <= LONGEST_PLACE:
            listed = (each.record for each in agents.all() if str(each.record.rank + 1) == digits)
            return next((record.name for record in listed), None)
        try:
            number = str(self.dialling.numbering.number(digits, scene.company.country))
        except ValueError:
            return None
        known = agents.at(Address(AddressKind.PHONE, number))
        return None if known is None else known.record.name

    # --- Ways on ---

    def _in_room(self, scene: _Scene, words: Sequence[Utter] = (), more: tuple[Hint, ...] = ()) -> LegStep:
        join = Join(room(scene.leg.ticket, scene.leg.attempt), ends=False, star=True)
        says = (Speak(tuple(words)), join) if words else (join,)
        return LegStep(says, TALKING, (*self._hints(scene), *more))

    def _over(self, scene: _Scene, sentence: str) -> LegStep:
        return LegStep((Speak((self._words(scene, sentence),)), HangUp()), OVER, self._hints(scene))

    def _hints(self, scene: _Scene) -> tuple[Hint, ...]:
        ticket = scene.leg.ticket
        return (lambda: self.later.steer(ticket), lambda: self.later.line_up(ticket))

    def _wrap_up(self, scene: _Scene) -> timedelta:
        queue = scene.company.queues.get(scene.place.ticket.queue)
        return queue.wrap_up if queue else timedelta()

    def _words(self, scene: _Scene, sentence: str, **slots: str) -> Utter:
        return spoken(scene.company, self.wording, scene.leg.language, scene.now, sentence, **slots)


def _queues(scene: _Scene) -> list[Queue]:
    """As many as there are keys for, as the company lists them."""
    return list(scene.company.queues.values())[:9]


def _next_free(scene: _Scene) -> AgentId | None:
    """Who has been idle for the longest of those who answer for the queue of this talk."""
    tx, queue = scene.tx, scene.place.ticket.queue
    free = (each for each in tx.agents.all() if each.status.is_free(scene.now) and queue in each.record.queues)
    longest = sorted(free, key=lambda each: (each.status.free_since(), each.record.rank))
    return next((each.record.name for each in longest if not places.on_the_phone(tx, each.record.name)), None)
