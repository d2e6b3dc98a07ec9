"""One turn in the making: where the caller stands, what was said, done and noted so far.

A ``Walk`` lives for one turn only. The steps (``steps/``) read it, speak through it and answer with an ``Outcome``; the
interpreter moves it from node to node and at the end takes the ``Turn`` out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ivr.core.events import CallEvent, NodeEntered, NodeFailed, NodeLeft, SaidToCaller
from ivr.core.flow.expression import Expression, Value
from ivr.core.flow.model import AnyNode, Flow, FlowVersion
from ivr.core.flow.sentences import sentence
from ivr.core.flow.speaking import Spoken, Voice, fill, in_language, in_words, pronounced
from ivr.core.flow.text import Prompt, Slot
from ivr.core.flow.turn import (
    Ask,
    Cursor,
    Deed,
    Dial,
    Frame,
    GoOn,
    HangUp,
    Join,
    Park,
    Record,
    Rest,
    Said,
    Scene,
    Sound,
    Speak,
    Turn,
    Utter,
    Utterance,
)
from ivr.core.words import Language

LONGEST_PATH = 200  # nodes kept on the cursor; the log has them all
PERSONAL = ("customer.", "order.")  # spoken only to a caller who is known
MAYBE = "customer.maybe."
SHOWN = ("closed.", "hours.", "caller.", "callback.")  # values that the dialogue shows as they were said
AS_WRITTEN = ("digits", "phone_number")  # kinds of values that a text message shows without the breaths of a voice

# --- How a step ends --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leave:
    """By one of the node's ways out."""

    exit: str
    because: str


@dataclass(frozen=True)
class ToPerson:
    """By the flow's way to a person."""

    because: str


@dataclass(frozen=True)
class Fail:
    """The node cannot do its work; ``exit`` is its way out for that, ``failed`` where it has no other."""

    because: str
    exit: str = "failed"


@dataclass(frozen=True)
class Wait:
    """For the caller, or for a worker: the turn ends here and the next one resumes the node at ``stage``."""

    stage: str
    said: Ask | Record | Park | Join | Dial | GoOn


@dataclass(frozen=True)
class End:
    """The call is over."""


@dataclass(frozen=True)
class Down:
    """Into another flow."""

    frame: Frame


@dataclass(frozen=True)
class Back:
    """Out of a subflow, by one of its exits, with values for the flow that called it."""

    exit: str
    gives: tuple[tuple[str, Value, str | None], ...]  # name, value, type


Outcome = Leave | ToPerson | Fail | Wait | End | Down | Back

# --- The turn ---------------------------------------------------------------------------------------------------------


class Walk:
    def __init__(self, version: FlowVersion, cursor: Cursor, scene: Scene) -> None:
        self.version, self.company, self.scene = version, version.company, scene
        self.frames = list(cursor.frames)
        self.language, self.slow, self.speech = cursor.language, cursor.slow, cursor.speech
        self.stage, self.held, self.page = cursor.stage, cursor.held, cursor.page
        self.no_input, self.no_match = cursor.no_input, cursor.no_match
        self.known = cursor.known
        self.types: Mapping[str, str] = cursor.types
        self.path = cursor.path
        self.deeds: list[Deed] = []
        self.events: list[CallEvent] = []
        self._utterances: list[Utterance] = []
        self._told: list[tuple[Language, str]] = []
        self._apologised = False
        self._voice: Voice | None = None

    # Where

    @property
    def here(self) -> Frame:
        return self.frames[-1]

    def flow(self) -> Flow | None:
        """The flow the caller stands in; None when the version does not hold it."""
        return self.flow_named(self.here.flow)

    def flow_named(self, name: str) -> Flow | None:
        return self.version.flow if name == self.version.flow.name else self.version.subflows.get(name)

    def node(self) -> AnyNode | None:
        flow = self.flow()
        return None if flow is None else flow.nodes.get(self.here.node)

    def move(self, node: str) -> None:
        """To another node of the same flow, with fresh counters."""
        self.frames[-1] = Frame(self.here.flow, node, self.here.variables)
        self.stage, self.held, self.page, self.no_input, self.no_match = "", "", 0, 0, 0

    def leave_subflow(self) -> None:
        """Back to the flow that called this one; what was its own is forgotten."""
        prefix = f"{len(self.frames)}:"
        self.types = {name: kind for name, kind in self.types.items() if not name.startswith(prefix)}
        self.frames.pop()

    def person(self) -> tuple[int, str] | None:
        """The way to a person: how many frames stay, and the node; a subflow without one takes its caller's."""
        for depth in range(len(self.frames), 0, -1):
            flow = self.flow_named(self.frames[depth - 1].flow)
            if flow is not None and flow.person is not None:
                return depth, flow.person
        return None

    # Notes

    def note(self, event: CallEvent) -> None:
        self.events.append(event)

    def entered(self, node: AnyNode) -> None:
        self.path = (*self.path, node.name)[-LONGEST_PATH:]
        self.note(NodeEntered(node.name, node.kind, self.here.flow))

    def left(self, exit_: str, because: str) -> None:
        self.note(NodeLeft(self.here.node, exit_, because, self.here.flow))

    def failed(self, because: str) -> None:
        """Note that this node failed, and tell the caller, once a turn."""
        self.note(NodeFailed(self.here.node, because, self.here.flow))
        if not self._apologised:
            self._apologised = True
            self.say_sentence("failed")

    # Variables: names with a dot belong to the call (its outermost frame), the others to the flow they stand in

    def value(self, name: str) -> Value:
        if "." not in name:
            return self.here.variables.get(name)
        if name == "caller.language":
            return self.language
        if name == "caller.slow":
            return self.slow
        if name.startswith(MAYBE):
            return self.scene.maybe.get(name, self.scene.maybe.get(name[len(MAYBE) :]))
        return self.frames[0].variables.get(name)

    def worth(self, expression: Expression) -> Value:
        return expression.value({name: self.value(name) for name in expression.names()})

    def give(self, name: str, value: Value, type_: str | None = None) -> None:
        """Give a variable a value, and say how it is spoken."""
        depth = 0 if "." in name else len(self.frames) - 1
        frame = self.frames[depth]
        self.frames[depth] = Frame(frame.flow, frame.node, {**frame.variables, name: value})
        key = self._type_key(name)
        if self.types.get(key) != type_:
            others = {known: kind for known, kind in self.types.items() if known != key}
            self.types = others if type_ is None else {**others, key: type_}

    def forget(self, prefix: str) -> None:
        """Drop the call's variables that begin so, with their types: they belonged to another record."""
        frame = self.frames[0]
        gone = {name for name in frame.variables if name.startswith(prefix) and not name.startswith(MAYBE)}
        if gone:
            kept = {name: value for name, value in frame.variables.items() if name not in gone}
            self.frames[0] = Frame(frame.flow, frame.node, kept)
            self.types = {name: kind for name, kind in self.types.items() if name not in gone}

    def type_of(self, name: str) -> str | None:
        return self.types.get(self._type_key(name)) or self._declared(name)

    def _declared(self, name: str) -> str | None:
        flow = self.flow()
        return None if flow is None else flow.variables.get(name) or flow.parameters.get(name)

    def _type_key(self, name: str) -> str:
        return name if "." in name or len(self.frames) == 1 else f"{len(self.frames)}:{name}"

    # Speaking

    def voice(self, language: Language | None = None) -> Voice:
        language = language or self.language
        voice = self._voice
        if voice is None or voice.language != language or voice.slow != self.slow:
            voice = self._voice = Voice(self.company, self.scene.wording, language, self.slow, self.scene.now)
        return voice

    def say(self, prompt: Prompt) -> None:
        self.utter(self.spoken(prompt))

    def say_sentence(self, name: str, **slots: Spoken) -> None:
        self.utter(self.spoken(sentence(self.company, name), **slots))

    def utter(self, spoken: Spoken, voice: Voice | None = None) -> None:
        voice = voice or self.voice()
        text = pronounced(spoken.text, voice).strip()
        if text:
            self._utterances.append(Utter(text, voice.language, voice.slow))
            self._told.append((voice.language, spoken.shown.strip()))

    def play(self, sound: str) -> None:
        self._utterances.append(Sound(sound))
        self._told.append((self.language, f"[{sound}]"))

    def pause(self, seconds: int) -> None:
        self._utterances.append(Rest(seconds))

    @property
    def silent(self) -> bool:
        """Nothing was said in this turn so far."""
        return not self._utterances

    def said_so_far(self) -> tuple[Utterance, ...]:
        """What was said in this turn, taken out, to stand inside a question: so the caller may answer at once."""
        said, self._utterances = tuple(self._utterances), []
        return said

    def spoken(self, prompt: Prompt, **slots: Spoken) -> Spoken:
        """A prompt in the caller's language with its slots filled; ``slots`` stand before variables."""
        voice = self.voice()
        template = in_language(prompt, voice.language)
        return fill(template, lambda slot: slots.get(slot.name) or self._slot(slot, voice))

    def written(self, prompt: Prompt) -> str:
        """A prompt as it is read on a screen, in the caller's language: digits stand together."""
        voice = self.voice()
        return fill(in_language(prompt, voice.language), lambda slot: self._slot(slot, voice, written=True)).text

    def _slot(self, slot: Slot, voice: Voice, *, written: bool = False) -> Spoken:
        if not self._may_say(slot.name):
            return Spoken("", "")
        value = self.value(slot.name)
        kind = slot.style or self.type_of(slot.name) or ("number" if type(value) is int else "text")
        text = str(value) if written and value and kind in AS_WRITTEN else in_words(value, kind, voice)
        return Spoken(text, text if not text or slot.name.startswith(SHOWN) else f"{{{slot.name}}}")

    def _may_say(self, name: str) -> bool:
        """Names, orders and anything personal only to a caller who has proven who it is (the checker refuses it, too).

        A line may allow the greeting by name to whom the number points at, by a setting that says so.
        """
        if name == f"{MAYBE}name":
            line = self.company.lines.get(self.version.flow.line or "")
            return line is not None and line.greets_by_name
        if name.startswith(MAYBE):
            return False
        return self.known is not None or not name.startswith(PERSONAL)

    # The end of the turn

    def turn(self, said: Said, *, stage: str = "", ended: bool = False) -> Turn:
        spoken = self.said_so_far()
        says = (Speak(spoken), said) if spoken else (said,)
        cursor = Cursor(
            frames=tuple(self.frames),
            language=self.language,
            slow=self.slow,
            stage=stage,
            held=self.held,
            page=self.page,
            no_input=self.no_input,
            no_match=self.no_match,
            known=self.known,
            types=self.types,
            path=self.path,
            speech=self.speech,
            ended=ended,
        )
        return Turn(cursor, says, tuple(self.deeds), (*self.events, *self._told_events()))

    def hang_up(self) -> Turn:
        return self.turn(HangUp(), ended=True)

    def _told_events(self) -> list[CallEvent]:
        told: list[tuple[Language, list[str]]] = []
        for language, text in self._told:
            if told and told[-1][0] == language:
                told[-1][1].append(text)
            else:
                told.append((language, [text]))
        return [SaidToCaller(" ".join(texts), language) for language, texts in told]
