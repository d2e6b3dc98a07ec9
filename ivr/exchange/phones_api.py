"""The phones' HTTP API: dial, listen, press, speak, answer, for a phone that is not in this process.

JSON in and out; for this machine only unless said otherwise. Sounds are numbered as they begin, what is perceived as it
happens, so that a browser can play a sentence while it is being said.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ivr.exchange.handset import Perceived
from ivr.exchange.network import Network
from ivr.exchange.phones import Behaviour, Phone, Playing, Rung
from ivr.exchange.records import CarrierRefused

LONGEST_POLL = 25.0  # seconds
LARGEST_VOICE = 32 * 1024 * 1024  # half an hour at 8 kHz
LINES_KEPT = 500


class Speaks(Protocol):
    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> bytes: ...


@dataclasses.dataclass(frozen=True)
class Sound:
    n: int
    playing: Playing


class Line:
    """One leg and what its phone has heard so far; pollers wait on it. ``held``: a person answers, or not."""

    def __init__(self, phone: Phone, news: threading.Condition, rung_at: str | None = None, held: bool = False) -> None:
        self.phone, self._news, self.rung_at, self.held = phone, news, rung_at, held
        self.sounds: list[Sound] = []
        phone.watch(self._noticed)
        self._noticed(phone)

    def _noticed(self, phone: Phone) -> None:
        playing = phone.playing
        with self._news:
            if playing is not None and (not self.sounds or self.sounds[-1].playing is not playing):
                self.sounds.append(Sound(len(self.sounds) + 1, playing))
            self._news.notify_all()

    @property
    def ringing(self) -> bool:
        kinds = [news.kind for news in self.phone.perceived()]
        return "answered" not in kinds and "ended" not in kinds

    @property
    def over(self) -> bool:
        return any(news.kind == "ended" for news in self.phone.perceived())


class Lines:
    """Every leg that a phone across HTTP holds."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.news = threading.Condition()
        self._lines: dict[str, Line] = {}
        self._closed = False

    def dial(self, from_: str, to: str) -> Line:
        return self._take(self._network.scheduler.call(lambda: self._network.dial(from_, to)))

    def hold(self, number: str) -> None:
        """Give the phone at a number to whoever asks for its ringing calls."""

        def rings(phone: Phone) -> None:
            self._take(phone, number, held=True)

        self._network.scheduler.call(lambda: self._network.phones.put(number, rings))

    def subscribe(self, number: str, behaviour: Behaviour, misses: int) -> None:
        """Let the phone at a number behave by itself; what it hears is kept."""
        rung = Rung(behaviour, misses, lambda phone: self._take(phone, number))
        self._network.scheduler.call(lambda: self._network.phones.put(number, rung))

    def _take(self, phone: Phone, rung_at: str | None = None, held: bool = False) -> Line:
        line = Line(phone, self.news, rung_at, held)
        with self.news:
            self._forget_old()
            self._lines[phone.sid] = line
            self.news.notify_all()
        return line

    def line(self, sid: str) -> Line | None:
        return self._lines.get(sid)

    def ringing(self, number: str) -> list[Line]:
        """Held phones of a number that ring now: the network called them, they called nobody."""
        return [line for line in self.rung(number) if line.held and line.ringing]

    def rung(self, number: str) -> list[Line]:
        """Every call that has rung the phone at a number, oldest first."""
        return [line for line in list(self._lines.values()) if line.rung_at == number]

    def wait(self, ready: Callable[[], bool], longest: float) -> None:
        """Until it is so, the time is over, or the exchange closes."""
        until = time.monotonic() + min(longest, LONGEST_POLL)
        with self.news:
            while not self._closed and not ready() and (left := until - time.monotonic()) > 0:
                self.news.wait(left)

    def close(self) -> None:
        with self.news:
            self._closed = True
            self.news.notify_all()

    def _forget_old(self) -> None:
        while len(self._lines) >= LINES_KEPT:
            ended = next((sid for sid, line in self._lines.items() if line.over), None)
            if ended is None:
                return
            del self._lines[ended]


def phones_api(network: Network, lines: Lines, voices: Speaks, everywhere: bool = False) -> Blueprint:
    """The doors under ``/phones``. ``everywhere``: phones on other machines may call in, too."""
    doors = Blueprint("phones", __name__, url_prefix="/phones")
    doors.before_request(lambda: None if everywhere else refuse_strangers())

    @doors.post("/calls")
    def dial() -> tuple[Response, int]:
        wanted = _json(from_=str, to=str)
        line = lines.dial(wanted["from_"], wanted["to"])
        return jsonify(_line_shown(network, line)), 201

    @doors.get("/calls/<sid>/perceived")
    def perceived(sid: str) -> Response:
        line = _line(lines, sid)
        after, sounds = _whole("after"), _whole("sounds")
        lines.wait(
            lambda: bool(line.phone.perceived(after)) or len(line.sounds) > sounds,
            _seconds("wait"),
        )
        return jsonify(
            now=network.scheduler.now().isoformat(),
            perceived=[_perceived_shown(news) for news in line.phone.perceived(after)],
            sounds=[_sound_shown(sid, sound) for sound in line.sounds[sounds:]],
            over=line.over,
        )

    @doors.get("/calls/<sid>/audio/<int:n>.wav")
    def audio(sid: str, n: int) -> Response:
        sounds = _line(lines, sid).sounds
        if not 0 < n <= len(sounds):
            raise Refused(404, f"call {sid} has no sound {n}")
        playing = sounds[n - 1].playing
        wav = playing.wav
        if wav is None and playing.kind == "said":
            wav = voices.speak(playing.text, language=playing.language, voice=playing.voice, rate=playing.rate)
        if wav is None:
            raise Refused(404, f"sound {n} of call {sid} is not kept here: {playing.text}")
        return Response(wav, mimetype="audio/wav", headers={"Cache-Control": "private, max-age=3600"})

    @doors.post("/calls/<sid>/keys")
    def keys(sid: str) -> Response:
        _line(lines, sid).phone.press(_json(digits=str)["digits"])
        return jsonify(pressed=True)

    @doors.post("/calls/<sid>/voice")
    def voice(sid: str) -> Response:
        request.max_content_length = LARGEST_VOICE
        return jsonify(seconds=_line(lines, sid).phone.speak(request.get_data()))

    @doors.post("/calls/<sid>/words")
    def words(sid: str) -> Response:
        heard = _json(text=str, confidence=float)
        _line(lines, sid).phone.say_words(heard["text"], heard["confidence"])
        return jsonify(said=True)

    @doors.post("/calls/<sid>/answer")
    def answer(sid: str) -> Response:
        machine = (request.get_json(silent=True) or {}).get("machine", False)
        if not isinstance(machine, bool):
            raise Refused(400, "machine is true or false")
        _line(lines, sid).phone.answer(machine)
        return jsonify(answered=True)

    @doors.post("/calls/<sid>/reject")
    def reject(sid: str) -> Response:
        how = (request.get_json(silent=True) or {}).get("how", "busy")
        if how not in ("busy", "no-answer", "failed"):
            raise Refused(400, "how is busy, no-answer or failed")
        _line(lines, sid).phone.reject(how)
        return jsonify(rejected=True)

    @doors.post("/calls/<sid>/hangup")
    def hangup(sid: str) -> Response:
        _line(lines, sid).phone.hang_up()
        return jsonify(hung_up=True)

    @doors.get("/ringing")
    def ringing() -> Response:
        number = request.args.get("number", "")
        lines.wait(lambda: bool(lines.ringing(number)), _seconds("wait"))
        return jsonify(ringing=[_line_shown(network, line) for line in lines.ringing(number)])

    @doors.get("/rung")
    def rung() -> Response:
        """The calls that have rung the phone at a number."""
        return jsonify(rung=[_line_shown(network, line) for line in lines.rung(request.args.get("number", ""))])

    @doors.post("/subscribers")
    def subscribers() -> tuple[Response, int]:
        wanted = _json(number=str)
        sent = request.get_json(silent=True) or {}
        behaviour, misses = sent.get("behaviour"), sent.get("misses", 0)
        if not isinstance(misses, int) or isinstance(misses, bool) or misses < 0:
            raise Refused(400, "misses is a whole number")
        if behaviour is None or behaviour == "held":
            lines.hold(wanted["number"])
        else:
            lines.subscribe(wanted["number"], _behaviour(behaviour), misses)
        return jsonify(number=wanted["number"]), 201

    @doors.get("/lines")
    def owned() -> Response:
        """The numbers that can be dialled here."""
        numbers = network.scheduler.call(lambda: [(n.number, n.friendly_name) for n in network.numbers()])
        return jsonify(lines=[{"number": number, "name": name} for number, name in numbers])

    @doors.errorhandler(Refused)
    def refused(problem: Refused) -> tuple[Response, int]:
        return jsonify(error=str(problem)), problem.status

    @doors.errorhandler(CarrierRefused)
    def carrier_refused(problem: CarrierRefused) -> tuple[Response, int]:
        return jsonify(error=problem.message, code=problem.code), problem.status

    @doors.errorhandler(ValueError)
    def not_possible(problem: ValueError) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 400

    return doors


class Refused(Exception):
    """Wrong use of the phones: HTTP status and what is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def refuse_strangers() -> None:
    """This machine only, and no other site's page through this machine's browser (its Host or Origin gives it away)."""
    if not _is_loopback(request.remote_addr or ""):
        raise Refused(403, "phones are for this machine only")
    if not _is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise Refused(403, f"the exchange is not called {request.host}")
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        raise Refused(403, f"pages of {origin} may not use the phones")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _line(lines: Lines, sid: str) -> Line:
    line = lines.line(sid)
    if line is None:
        raise Refused(404, f"no call {sid}")
    return line


def _json(**types: type) -> dict[str, Any]:
    """The named fields of a JSON object in the body (``from_`` is sent as ``from``), of these types."""
    try:
        sent = request.get_json(force=False)
    except HTTPException:
        sent = None
    if not isinstance(sent, dict):
        raise Refused(400, "send a JSON object, with Content-Type application/json")
    found: dict[str, Any] = {}
    for keyword, kind in types.items():
        name = keyword.rstrip("_")
        value = sent.get(name)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind):
            raise Refused(400, f"{name} is missing or not {_KINDS[kind]}")
        found[keyword] = value
    return found


_KINDS = {str: "a text", float: "a number"}


def _whole(name: str) -> int:
    return int(_number(name, r"whole number"))


def _seconds(name: str) -> float:
    return _number(name, "number of seconds")


def _number(name: str, what: str) -> float:
    try:
        value = float(request.args.get(name, "0"))
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise Refused(400, f"{name} must be a {what}, not {request.args[name]!r}")
    return value


def _behaviour(given: object) -> Behaviour:
    if not isinstance(given, dict):
        raise Refused(400, 'behaviour is "held" or an object')
    known = {field.name for field in dataclasses.fields(Behaviour)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise Refused(400, f"a behaviour has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    for name, value in given.items():
        if not _fits(name, value):
            raise Refused(400, f"{name} of a behaviour cannot be {value!r}")
    if "presses" in given:
        given = {**given, "presses": tuple(given["presses"])}
    return Behaviour(**given)


def _fits(name: str, value: object) -> bool:
    if name == "presses":
        return isinstance(value, list) and all(isinstance(keys, str) for keys in value)
    if name in ("answers_after", "hangs_up_after", "talks"):
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6)
    return isinstance(value, bool)


def _line_shown(network: Network, line: Line) -> dict[str, Any]:
    call = network.scheduler.call(lambda: network.call(line.phone.sid))
    return {"sid": call.sid, "from": call.from_, "to": call.to, "status": call.status}


def _perceived_shown(news: Perceived) -> dict[str, Any]:
    return {**dataclasses.asdict(news), "at": news.at.isoformat()}


def _sound_shown(sid: str, sound: Sound) -> dict[str, Any]:
    playing = sound.playing
    return {
        "n": sound.n,
        "kind": playing.kind,
        "text": playing.text,
        "language": playing.language,
        "started": playing.started.isoformat(),
        "seconds": playing.seconds,
        "audio": f"/phones/calls/{sid}/audio/{sound.n}.wav",
    }
