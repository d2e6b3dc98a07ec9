"""The carrier, asked by REST through its own library; on any host that speaks the same.

Requests: the API description "Twilio - Api" (openapi, twilio_api_v2010). Nothing is ever repeated here: creating a call
or a message has no idempotency key, so whoever asked must look before asking again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from werkzeug.test import Client as WsgiClient

from ivr.core.errors import AnswerLost, CarrierUnavailable, IvrError, RefusedByCarrier
from ivr.core.leg import ENDS, LegEnd
from ivr.core.words import PhoneNumber
from ivr.switchboard.ports.calls import UnclaimedRecording
from ivr.switchboard.ports.carrier import CarrierTape

API = "https://api.twilio.com"
PATIENCE = 10.0  # seconds for an answer, and between two pieces of a recording
LARGEST = 256 * 1024 * 1024  # bytes of audio: about four hours of telephone WAV
GATEWAYS_ANSWER = (502, 504)  # of something before the carrier, which asked it and heard nothing
LIVE = ("queued", "ringing", "in-progress")
"""Of a call that is not over ("Call resource: call status values", twilio.com/docs/voice/api/call-resource)."""

CALL_IS_OVER = 21220  # twilio.com/docs/api/errors/21220: a call that has ended cannot be changed

TALK = "StartCallRecordingAPI"
"""The source of what was begun on a call in progress ("Recordings resource", source)."""

Auth = tuple[str, str]


class CarrierHttp(Protocol):
    """The way to the carrier: the library's requests, and audio."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response: ...

    def audio(self, url: str, auth: Auth, largest: int) -> tuple[int, bytes]:
        """HTTP status and body; raises RefusedByCarrier when there are more than ``largest`` bytes."""
        ...


class SwappedHost(TwilioHttpClient):  # type: ignore[misc]  # the library is untyped
    """The library's HTTP client, pointed at another host (``api_url``; None: Twilio's own)."""

    def __init__(self, api_url: str | None = None, patience: float = PATIENCE) -> None:
        super().__init__(timeout=patience, max_retries=0)
        self._api_url = api_url
        assert self.session is not None  # pooled
        if api_url and urlsplit(api_url).hostname in ("127.0.0.1", "::1", "localhost"):
            self.session.trust_env = False  # a proxy has no way to our own machine

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, swapped(url, self._api_url), *args, **kwargs)

    def audio(self, url: str, auth: Auth, largest: int) -> tuple[int, bytes]:
        assert self.session is not None
        address = swapped(url, self._api_url)
        with self.session.get(address, auth=auth, timeout=self.timeout, stream=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                return answer.status_code, b""
            return 200, _within(answer.iter_content(64 * 1024), largest)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: the library would log parameters, and those are people's numbers."""

    def log_response(self, status_code: int, response: requests.Response) -> None:
        """Nothing, for the same reason."""


class WsgiHttpClient(HttpClient):  # type: ignore[misc]
    """Asks a WSGI application in this process, with no network between: for virtual time."""

    def __init__(self, app: Any) -> None:
        super().__init__(None, False, None)
        self._client = WsgiClient(app)

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: Auth | None = None,
        **_: object,  # time limits and redirects: there is no network here
    ) -> Response:
        parts = urlsplit(url)
        asked = requests.Request(method.upper(), url, params=params, data=data or None, headers=headers, auth=auth)
        ready = asked.prepare()  # so that parameters are written as they are on the wire
        answer = self._client.open(
            urlsplit(ready.url or "").path,
            method=method.upper(),
            query_string=str(urlsplit(ready.url or "").query),
            base_url=f"{parts.scheme}://{parts.netloc}",
            data=ready.body,
            headers=dict(ready.headers),
        )
        return Response(answer.status_code, answer.get_data(as_text=True), dict(answer.headers))

    def audio(self, url: str, auth: Auth, largest: int) -> tuple[int, bytes]:
        answer = self._client.open(urlsplit(url).path, method="GET", auth=auth, buffered=False)
        try:
            return answer.status_code, _within(answer.iter_encoded(), largest) if answer.status_code == 200 else b""
        finally:
            answer.close()


class RestTelephone:
    """``Telephone`` by the carrier's REST API.

    Raises CarrierUnavailable when it cannot be reached or is in trouble (429, 5xx), RefusedByCarrier when it will not.
    """

    def __init__(self, account: str, token: str, http: CarrierHttp, api_url: str | None = None) -> None:
        """``http``: the way there; ``api_url``: another host than Twilio's own, where recordings lie too."""
        self._account, self._auth, self._http = account, (account, token), http
        self._api_url = api_url or API
        self._client = Client(account, token, http_client=http, environment={"": ""})

    def live_calls(self) -> Iterable[str]:
        for state in LIVE:
            with _carrier():
                found = [call.sid for call in self._client.calls.list(status=state, page_size=1000)]
            yield from (sid for sid in found if sid)

    def how_ended(self, sid: str) -> LegEnd | None:
        with _carrier():
            try:
                status = self._client.calls(sid).fetch().status
            except TwilioRestException as refusal:
                if refusal.status == 404:
                    return LegEnd.COMPLETED
                raise
        return None if status in LIVE else ENDS.get(str(status), LegEnd.COMPLETED)

    def move(self, sid: str, url: str) -> bool:
        with _carrier():
            try:
                self._client.calls(sid).update(url=url, method="POST")
            except TwilioRestException as refusal:
                if _call_is_over(refusal):
                    return False
                raise
        return True

    def hang_up(self, sid: str) -> None:
        with _carrier():
            try:
                self._client.calls(sid).update(status="completed")
            except TwilioRestException as refusal:
                if not _call_is_over(refusal):
                    raise

    def hold(self, room: str, sid: str, url: str | None) -> bool:
        """ "Conference participant resource: update" (twilio.com/docs/voice/api): Hold, HoldUrl, HoldMethod."""
        how = {"hold": False} if url is None else {"hold": True, "hold_url": url, "hold_method": "POST"}
        with _carrier():
            found = self._client.conferences.list(friendly_name=room, status="in-progress", limit=1)
            if not found or not found[0].sid:
                return False
            try:
                self._client.conferences(found[0].sid).participants(sid).update(**how)
            except TwilioRestException as refusal:
                if refusal.status == 404:
                    return False
                raise
        return True

    def dial(self, to: str, shows: PhoneNumber, url: str, status_url: str, seconds: int) -> str:
        """ "Call resource: create" (twilio.com/docs/voice/api/call-resource): Timeout, StatusCallbackEvent."""
        with _carrier(), _once():
            call = self._client.calls.create(
                to=to,
                from_=str(shows),
                url=url,
                method="POST",
                timeout=seconds,
                status_callback=status_url,
                status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
            )
        return str(call.sid)

    def text(self, to: PhoneNumber, sender: str, body: str, status_url: str) -> str:
        """ "Messages resource: create" (twilio.com/docs/messaging/api/message-resource): StatusCallback."""
        with _carrier(), _once():
            sent = self._client.messages.create(to=str(to), from_=sender, body=body, status_callback=status_url)
        return str(sent.sid)

    def fetch_recording(self, url: str) -> bytes | None:
        parts, there = urlsplit(url), urlsplit(self._api_url)
        path = parts.path.removeprefix(there.path.rstrip("/"))
        ours = f"/2010-04-01/Accounts/{self._account}/Recordings/"
        if parts.netloc not in (there.netloc, urlsplit(API).netloc) or not path.startswith(ours) or "/." in path:
            raise RefusedByCarrier("the recording does not lie in our account at the carrier")
        path = path if "." in path.rpartition("/")[2] else path + ".wav"
        with _carrier():
            status, audio = self._http.audio(swapped(f"{API}{path}", self._api_url), self._auth, LARGEST)
        if status == 404:
            return None
        if status != 200:
            raise _told(status)
        return audio

    def delete_recording(self, recording: str) -> None:
        with _carrier():
            try:
                self._client.recordings(recording).delete()
            except TwilioRestException as refusal:
                if refusal.status != 404:
                    raise

    def record(self, sid: str, news_url: str) -> str:
        """ "Recordings resource: start a recording" (twilio.com/docs/voice/api/recording): of a call in progress."""
        with _carrier(), _once():
            tape = self._client.calls(sid).recordings.create(
                recording_channels="mono",
                recording_track="both",
                trim="do-not-trim",
                recording_status_callback=news_url,
                recording_status_callback_method="POST",
                recording_status_callback_event=["in-progress", "completed", "absent"],
            )
        return str(tape.sid)

    def tape(self, sid: str, recording: str, status: str) -> bool:
        """ "Recordings resource: update a recording": PauseBehavior silence keeps the time and loses the sound."""
        how = {"pause_behavior": "silence"} if status == "paused" else {}
        with _carrier():
            try:
                self._client.calls(sid).recordings(recording).update(status=status, **how)
            except TwilioRestException as refusal:
                if _call_is_over(refusal):
                    return False
                raise
        return True

    def tapes_of(self, sid: str) -> Sequence[CarrierTape]:
        with _carrier():
            try:
                found = self._client.calls(sid).recordings.list()
            except TwilioRestException as refusal:
                if refusal.status == 404:
                    return ()
                raise
        return [
            CarrierTape(tape.sid, str(tape.status), self._address_of(tape.sid), _seconds(tape.duration))
            for tape in found
            if tape.sid and tape.source == TALK
        ]

    def parties(self, sid: str) -> tuple[str, str] | None:
        with _carrier():
            try:
                call = self._client.calls(sid).fetch()
            except TwilioRestException as refusal:
                if refusal.status == 404:
                    return None
                raise
        return str(call._from or ""), str(call.to or "")

    def recordings_of(self, sid: str) -> Sequence[tuple[str, str]]:
        with _carrier():
            found = self._client.recordings.list(call_sid=sid)
        # The list also holds what is no message: `absent` (nobody spoke) and what is still being made ("Recordings
        # resource", status).
        # Nor is a talk on tape a message.
        done = [each.sid for each in found if each.sid and each.status == "completed" and each.source != TALK]
        return [(sid, self._address_of(sid)) for sid in done]

    def messages_since(self, since: datetime) -> Sequence[UnclaimedRecording]:
        with _carrier():
            found = self._client.recordings.list(date_created_after=since, page_size=1000)
        return [
            _message(recording, self._address_of(recording.sid))
            for recording in found
            # A conversation that is recorded has another source ("Recordings resource", source).
            if recording.sid and recording.status == "completed" and recording.source == "RecordVerb"
        ]

    def _address_of(self, recording: str) -> str:
        return f"{self._api_url.rstrip('/')}/2010-04-01/Accounts/{self._account}/Recordings/{recording}"


def _message(recording: Any, url: str) -> UnclaimedRecording:
    seconds = str(recording.duration or "")
    return UnclaimedRecording(
        fact=f"listed:{recording.sid}",
        carrier="twilio",
        account=str(recording.account_sid or ""),
        sid=str(recording.call_sid or ""),
        recording=recording.sid,
        url=url,
        seconds=int(seconds) if seconds.isdecimal() else None,
    )


def _seconds(duration: str | None) -> float | None:
    return float(duration) if duration and duration.isdecimal() else None


def swapped(url: str, api_url: str | None) -> str:
    """The same address at another host; a path before it (a carrier under ``/api/laml``) comes first."""
    if not api_url:
        return url
    parts, there = urlsplit(url), urlsplit(api_url)
    return urlunsplit((there.scheme, there.netloc, there.path.rstrip("/") + parts.path, parts.query, ""))


def _within(pieces: Iterable[bytes], largest: int) -> bytes:
    audio = bytearray()
    for piece in pieces:
        audio += piece
        if len(audio) > largest:
            raise RefusedByCarrier("the recording is too large")
    return bytes(audio)


def _call_is_over(refusal: TwilioRestException) -> bool:
    return bool(refusal.status == 404 or refusal.code == CALL_IS_OVER)


@contextmanager
def _carrier() -> Iterator[None]:
    """The library's exceptions in our words; their text may hold a number, so it stays behind."""
    try:
        yield
    except TwilioRestException as refusal:
        raise _told(refusal.status, refusal.code) from None
    except TwilioException as trouble:
        # A page of a list that is refused comes without a class of its own: the answer is the second argument.
        answer = trouble.args[1] if len(trouble.args) > 1 else None
        if isinstance(answer, Response):
            raise _told(answer.status_code) from None
        raise CarrierUnavailable(f"the carrier cannot be reached: {type(trouble).__name__}") from None
    except requests.RequestException as trouble:
        raise CarrierUnavailable(f"the carrier cannot be reached: {type(trouble).__name__}") from None


@contextmanager
def _once() -> Iterator[None]:
    """For what must not be done twice: an answer that did not come is another thing than a carrier not reached."""
    try:
        yield
    except TwilioRestException as refusal:
        if refusal.status in GATEWAYS_ANSWER:
            raise AnswerLost(f"the carrier answered {refusal.status}") from None
        raise
    except requests.RequestException as trouble:
        if _never_left(trouble):
            raise
        raise AnswerLost(f"the carrier's answer did not come: {type(trouble).__name__}") from None


def _never_left(trouble: requests.RequestException) -> bool:
    """Whether no connection came about, so that nothing can have been asked."""
    reason = getattr(trouble.args[0] if trouble.args else None, "reason", None)
    no_connection = isinstance(trouble, requests.ConnectTimeout | requests.exceptions.SSLError)
    return no_connection or isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _told(status: int, code: int | None = None) -> IvrError:
    what = CarrierUnavailable if status == 429 or status >= 500 else RefusedByCarrier
    return what(f"the carrier answered {status}" + (f", code {code}" if code else ""))
