"""What a turn says, as compact JSON text and back: a repeat of a turn is answered from it, word for word."""

from __future__ import annotations

import json
from typing import Any, assert_never

from ivr.core.flow.turn import Ask, Dial, GoOn, HangUp, Join, Park, Record, Rest, Said, Sound, Speak, Utter, Utterance
from ivr.core.words import Language, PhoneNumber, QueueName

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def as_json(says: tuple[Said, ...]) -> str:
    """One line of JSON; ``from_json`` gives the same back."""
    return ENCODER.encode([_said(said) for said in says])


def from_json(text: str) -> tuple[Said, ...]:
    """What a text stands for; raises ValueError when it is not one of ``as_json``."""
    try:
        return tuple(_read_said(*row) for row in json.loads(text))
    except (TypeError, KeyError) as odd:
        raise ValueError("this text is nothing that was said") from odd


def _said(said: Said) -> list[Any]:
    match said:
        case Speak(utterances):
            return ["speak", _utterances(utterances)]
        case Ask():
            return [
                "ask",
                _utterances(said.utterances),
                said.digits,
                said.finish,
                said.patience,
                said.language,
                said.hints,
            ]
        case Record():
            return ["record", _utterances(said.utterances), said.longest, said.silence, said.language]
        case Park(queue, language, ticket):
            return ["park", queue, language, ticket]
        case Join(room, ends, star):
            return ["join", room, ends, star] if star else ["join", room, ends]
        case Dial(number, seconds, shows):
            return ["dial", number, seconds, shows]
        case GoOn(after):
            return ["go_on", after]
        case HangUp():
            return ["hang_up"]
        case _:
            assert_never(said)


def _read_said(kind: str, *fields: Any) -> Said:
    match kind, fields:
        case "speak", (utterances,):
            return Speak(_read_utterances(utterances))
        case "ask", (utterances, digits, finish, patience, language, hints):
            return Ask(_read_utterances(utterances), digits, finish, patience, Language(language), tuple(hints))
        case "record", (utterances, longest, silence, language):
            return Record(_read_utterances(utterances), longest, silence, Language(language))
        case "park", (queue, language, *ticket):
            return Park(QueueName(queue), Language(language), *ticket)
        case "join", (room, *ends):
            return Join(room, *ends)
        case "dial", (number, seconds, shows):
            return Dial(PhoneNumber(number), seconds, None if shows is None else PhoneNumber(shows))
        case "go_on", (after,):
            return GoOn(after)
        case "hang_up", ():
            return HangUp()
        case _:
            raise ValueError(f"nothing that is said is called {kind!r}, or its fields are others")


def _utterances(utterances: tuple[Utterance, ...]) -> list[Any]:
    return [_utterance(utterance) for utterance in utterances]


def _utterance(utterance: Utterance) -> list[Any] | int:
    match utterance:
        case Utter(text, language, slow):
            return [text, language, 1] if slow else [text, language]
        case Sound(name):
            return [name]
        case Rest(seconds):
            return seconds
        case _:
            assert_never(utterance)


def _read_utterances(rows: list[Any]) -> tuple[Utterance, ...]:
    return tuple(_read_utterance(row) for row in rows)


def _read_utterance(row: Any) -> Utterance:
    match row:
        case int():
            return Rest(row)
        case [name]:
            return Sound(name)
        case [text, language]:
            return Utter(text, Language(language))
        case [text, language, _]:
            return Utter(text, Language(language), slow=True)
        case _:
            raise ValueError("no utterance")
