"""Settings -> Office: the only place where real tools are chosen and put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask
from redis import Redis

from ivr.config import Settings
from ivr.core.company import Company
from ivr.core.errors import RecordsUnavailable
from ivr.core.flow.turn import Holidays, Utterance, Wording
from ivr.core.routing.decide import Rules, Strategy
from ivr.core.words import PhoneNumber, TicketId
from ivr.flowfiles.company import parse_company
from ivr.flowfiles.marks import read_one
from ivr.flowfiles.shelf import FlowShelf
from ivr.live.floor import RedisFloor, connect
from ivr.speech.process import SpeechProcess
from ivr.store.audio import AudioOnDisk
from ivr.store.session import SqlRecords, open_records
from ivr.switchboard.calls.call_status import CallStatus
from ivr.switchboard.calls.fulfil import Fulfil, fulfil
from ivr.switchboard.calls.ring import Ring
from ivr.switchboard.calls.take_turn import Answer, TakeTurn
from ivr.switchboard.legs.after_talk import AfterTalk
from ivr.switchboard.legs.agent_menu import AgentCallAnswer, AgentMenu
from ivr.switchboard.legs.call_back import CallBack
from ivr.switchboard.legs.consult import Consult
from ivr.switchboard.legs.leg_news import LegNews
from ivr.switchboard.legs.leg_turn import LegAnswer, LegTurn
from ivr.switchboard.legs.offer import Offer
from ivr.switchboard.legs.outside import Dialling, Outside
from ivr.switchboard.legs.talk_keys import TalkKeys
from ivr.switchboard.messages.adopt import AdoptRecordings
from ivr.switchboard.messages.recording_ready import RecordingReady
from ivr.switchboard.messages.send_text import TextNews
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Clock, Ids, Later, Mail, Transcriber
from ivr.switchboard.queue.board import AskBoard
from ivr.switchboard.queue.line_up import FloorCare, LineUp
from ivr.switchboard.queue.match import Match
from ivr.switchboard.queue.queueing import Queueing
from ivr.switchboard.queue.standing_floor import StandingFloor
from ivr.switchboard.queue.steer import Steer
from ivr.switchboard.queue.waiting import WaitAnswer, Waiting
from ivr.switchboard.record.notice import Notices
from ivr.switchboard.record.talk import HoldMusic
from ivr.switchboard.recording.recording_news import RecordingNews
from ivr.switchboard.recording.recording_tape import TapeTalk
from ivr.twilio import fallback, twiml
from ivr.twilio.rest import CarrierHttp, RestTelephone, SwappedHost
from ivr.twilio.signature import SignatureCheck
from ivr.web.api import Api
from ivr.web.app import create_app
from ivr.web.doors import Doors
from ivr.worker.office import Tools, Work, work_with
from ivr.world.clock import SystemClock
from ivr.world.fetcher import AllowedHosts
from ivr.world.holidays import PublicHolidays
from ivr.world.ids import Chance
from ivr.world.mail import SmtpPost
from ivr.world.numbering import PhoneNumbers
from ivr.world.wording import BabelWording


@dataclass(frozen=True)
class Office:
    """The built object graph, less what runs in a process of its own (the transcriber)."""

    settings: Settings
    clock: Clock
    ids: Ids
    records: SqlRecords
    flows: FlowShelf
    telephone: Telephone
    numbering: PhoneNumbers
    wording: Wording
    holidays: Holidays
    audio: AudioOnDisk
    later: Later
    doors: Doors
    queueing: Queueing
    call_back: CallBack
    mail: Mail | None


def records(settings: Settings, clock: Clock | None = None) -> SqlRecords:
    """The records of this installation."""
    return open_records(settings.database_url, clock or SystemClock(settings.clock_shift))


def telephone(settings: Settings, http: CarrierHttp | None = None) -> RestTelephone:
    """The carrier's REST API, or the exchange's when the settings say so."""
    api = settings.carrier_api_url
    return RestTelephone(settings.account_sid, settings.auth_token, http or SwappedHost(api), api)


def open_office(
    settings: Settings,
    later: Later,
    clock: Clock | None = None,
    ids: Ids | None = None,
    http: CarrierHttp | None = None,
    answers: Fulfil = fulfil,
    redis: Redis | None = None,
    kept: SqlRecords | None = None,
    mail: Mail | None = None,
    hears: Callable[[], bool] = lambda: True,
) -> Office:
    """Build everything that a web process or a worker needs; opens no connection yet.

    ``kept``: records that outlive this office (a process that dies and starts again), in place of the settings'.
    ``hears``: whether our doors answer (``OwnDoor``); nobody is dialled while they do not.
    """
    clock = clock or SystemClock(settings.clock_shift)
    ids = ids or Chance(clock)
    kept = kept or records(settings, clock)
    flows = FlowShelf(kept, clock)
    wording, holidays = BabelWording(), PublicHolidays()
    numbering = PhoneNumbers("IT")
    turns = TakeTurn(kept, flows, clock, ids, wording, holidays, numbering, later, answers)
    carrier = telephone(settings, http)
    mail = mail or post(settings)
    notices = Notices(wording, numbering, ids, mails=mail is not None)
    after_talk = AfterTalk(flows, wording, holidays, ids, later)
    calls_back = CallBack(flows, wording, holidays, ids, later, notices, after_talk)
    news = LegNews(kept, flows, calls_back, later, clock)
    queueing = _queueing(settings, kept, flows, carrier, news, later, clock, ids, redis, hears)
    doors = Doors(
        public_url=settings.public_url,
        ring=Ring(kept, flows, turns),
        take_turn=turns,
        call_status=CallStatus(kept, flows, later, clock),
        recording_ready=RecordingReady(kept, turns),
        recording_news=RecordingNews(kept, later, clock),
        agent_menu=AgentMenu(kept, flows, wording, numbering, ids, later, clock, _staff(settings)),
        leg_turn=LegTurn(
            kept,
            Offer(flows, wording, calls_back, TalkKeys(Dialling(flows, numbering, ids), wording, later), later),
            calls_back.heard,
            Consult(flows, wording, later),
            Outside(flows, wording, later),
            clock,
        ),
        leg_news=news,
        text_news=TextNews(kept, ids, later, clock, mails=mail is not None),
        signature=_signature(settings),
        numbering=numbering,
        render=renderer(settings.public_url),
        render_agent_call=agent_call_renderer(settings.public_url),
        render_leg=leg_renderer(settings.public_url),
        waiting=Waiting(kept, flows, clock, wording, holidays, sounds(settings)),
        render_wait=wait_renderer(settings.public_url),
        hold_music=HoldMusic(kept, flows, clock, wording, sounds(settings)),
        render_hold=hold_renderer(settings.public_url),
        fallback=_fallback(settings),
        thanks=fallback.thanks_document,
    )
    return Office(
        settings=settings,
        clock=clock,
        ids=ids,
        records=kept,
        flows=flows,
        telephone=carrier,
        numbering=numbering,
        wording=wording,
        holidays=holidays,
        audio=AudioOnDisk(settings.recordings_dir),
        later=later,
        doors=doors,
        queueing=queueing,
        call_back=calls_back,
        mail=mail,
    )


def post(settings: Settings) -> Mail | None:
    """The company's mail server; None: it has none."""
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return SmtpPost(settings.smtp_url, settings.mail_from)


def _queueing(
    settings: Settings,
    kept: SqlRecords,
    flows: FlowShelf,
    carrier: Telephone,
    news: LegNews,
    later: Later,
    clock: Clock,
    ids: Ids,
    redis: Redis | None,
    hears: Callable[[], bool],
) -> Queueing:
    """The queue over the floor in Redis; without any, callers wait until there is one."""
    floor, rules = standing_floor(settings, kept, clock, settings.redis_url, redis), rules_of(company(settings))
    line_up = LineUp(kept, floor, clock)
    steer = Steer(kept, carrier, news, settings.public_url, later, clock, hears)
    match = Match(kept, floor, rules, flows, line_up, steer, clock, ids)
    return Queueing(kept, carrier, line_up, match, steer, FloorCare(kept, floor, line_up, later, clock), news, clock)


def standing_floor(
    settings: Settings, kept: Records, clock: Clock, url: str | None, client: Redis | None = None
) -> StandingFloor:
    """The floor in the Redis at this address, or behind this client; without any it is always unavailable."""
    if client is None and url:
        client = connect(url)
    floor = RedisFloor(client, rules_of(company(settings))) if client is not None else None
    return StandingFloor(kept, floor, clock)


def rules_of(known: Company | None) -> Rules:
    """What the company's queues go by."""
    queues = known.queues.values() if known else ()
    return Rules({queue.name: Strategy(queue.strategy) for queue in queues})


def ask_board(known: Company | None, kept: Records, clock: Clock) -> AskBoard:
    """The board of the company's queues."""
    targets = {queue.name: queue.target for queue in known.queues.values()} if known else {}
    return AskBoard(kept, clock, rules_of(known), targets)


def web_app(office: Office) -> Flask:
    """The web app over an office."""
    known = company(office.settings)
    api = Api(
        office.settings.api_token,
        ask_board(known, office.records, office.clock),
        ZoneInfo(known.zone if known else "UTC"),
    )
    ready = {"records": lambda: _answers(office.records)}
    return create_app(office.doors, office.settings.flows_dir / "sounds", ready, api)


def _answers(kept: SqlRecords) -> bool:
    try:
        with kept.read() as tx:
            tx.calls.recent(1)
    except RecordsUnavailable:
        return False
    return True


def transcriber(models: Path) -> SpeechProcess:
    """The transcriber over the models of a folder, in a process of its own that starts when it is first needed."""
    return SpeechProcess(models)


def work(office: Office, reader: Transcriber) -> Work:
    """What a worker does with this office."""
    known = company(office.settings)
    return work_with(
        Tools(
            records=office.records,
            telephone=office.telephone,
            shelf=office.audio,
            transcriber=reader,
            fetcher=AllowedHosts(known.http_hosts if known else ()),
            ready=office.doors.recording_ready,
            later=office.later,
            clock=office.clock,
            flows=office.flows,
            queueing=office.queueing,
            tapes=tape_talk(office.settings, office.records, office.telephone, office.later, office.clock),
            call_back=office.call_back,
            mail=office.mail,
            public_url=office.settings.public_url,
            ids=office.ids,
            adopt=AdoptRecordings(
                office.records,
                office.telephone,
                office.numbering,
                office.flows,
                office.ids,
                office.clock,
                office.doors.recording_ready,
            ),
        )
    )


def tape_talk(settings: Settings, kept: Records, carrier: Telephone, later: Later, clock: Clock) -> TapeTalk:
    """What begins, pauses and ends the recordings of talks."""
    return TapeTalk(kept, carrier, settings.public_url, later, clock)


def company(settings: Settings) -> Company | None:
    """The company file as it lies in the flows folder; None when it cannot be read (`ivr flows check` says why)."""
    try:
        return _company((settings.flows_dir / "company.yaml").read_bytes())
    except OSError:
        return None


@lru_cache(maxsize=4)
def _company(text: bytes) -> Company | None:
    tree, _ = read_one("company.yaml", text)
    return parse_company(tree)[0] if tree is not None else None


def line_numbers(settings: Settings) -> tuple[PhoneNumber, ...]:
    """The numbers of the company's lines, and after them those that agents ring."""
    known = company(settings)
    return (*(line.number for line in known.lines.values()), *_staff(settings)) if known else ()


def renderer(public_url: str) -> Callable[[Answer], str]:
    """Answers to TwiML, with the addresses of this installation."""
    calls, sounds, wait = f"{public_url}/voice/calls/", f"{public_url}/sounds/", f"{public_url}/voice/wait/"
    recordings = f"{public_url}/voice/recordings"

    def render(answer: Answer) -> str:
        turn = f"{calls}{answer.call}/turns/{answer.turn}/"
        return twiml.render(
            answer.says,
            address=lambda door: turn + door,
            sound=lambda name: f"{sounds}{name}.wav",
            wait=lambda park: f"{wait}{park.ticket}",
            recording_callback=recordings,
        )

    return render


def leg_renderer(public_url: str) -> Callable[[LegAnswer], str]:
    """Answers to legs that we dialled, with the addresses of this installation."""

    def render(answer: LegAnswer) -> str:
        turn = f"{public_url}/voice/legs/{answer.leg}/turns/{answer.turn}/"
        return twiml.render(
            answer.says,
            address=lambda door: turn + door,
            sound=lambda name: f"{public_url}/sounds/{name}.wav",
            wait=lambda park: f"{public_url}/voice/hold/{park.ticket}",  # nothing to be chosen there
            recording_callback=f"{public_url}/voice/recordings",
        )

    return render


def agent_call_renderer(public_url: str) -> Callable[[AgentCallAnswer], str]:
    """Answers to agents who ring us, with the addresses of this installation."""

    def render(answer: AgentCallAnswer) -> str:
        turn = f"{public_url}/voice/agents/{answer.call}/turns/{answer.turn}/"
        return twiml.render(
            answer.says,
            address=lambda door: turn + door,
            sound=lambda name: f"{public_url}/sounds/{name}.wav",
            wait=lambda park: f"{public_url}/voice/wait/{park.ticket}",
            recording_callback=f"{public_url}/voice/recordings",
        )

    return render


def wait_renderer(public_url: str) -> Callable[[WaitAnswer], str]:
    """Rounds of the wait to TwiML, with the addresses of this installation."""
    sounds, wait = f"{public_url}/sounds/", f"{public_url}/voice/wait/"

    def render(answer: WaitAnswer) -> str:
        if answer.leaves:
            return twiml.LEAVE
        spoken = f"&spoken={answer.spoken}" if answer.spoken else ""
        return twiml.wait_document(
            answer.utterances,
            answer.patience,
            key=f"{wait}{answer.ticket}/keys?round={answer.round}{spoken}",
            again=f"{wait}{answer.ticket}?round={answer.round + 1}",
            sound=lambda name: f"{sounds}{name}.wav",
        )

    return render


def hold_renderer(public_url: str) -> Callable[[TicketId, Sequence[Utterance]], str]:
    """Rounds of a hold to TwiML, with the addresses of this installation."""

    def render(ticket: TicketId, utterances: Sequence[Utterance]) -> str:
        again = f"{public_url}/voice/hold/{ticket}"
        return twiml.hold_document(utterances, again, lambda name: f"{public_url}/sounds/{name}.wav")

    return render


def _staff(settings: Settings) -> Mapping[PhoneNumber, PhoneNumber]:
    """The numbers that agents ring, each with the number of its line."""
    known = company(settings)
    lines = known.lines.values() if known else ()
    return {line.staff: line.number for line in lines if line.staff is not None}


def sounds(settings: Settings) -> frozenset[str]:
    """The names of the sound files that lie beside the flows."""
    return frozenset(path.stem for path in (settings.flows_dir / "sounds").glob("*.wav"))


def _signature(settings: Settings) -> SignatureCheck:
    tokens = [token for token in (settings.auth_token, settings.second_auth_token) if token]
    return SignatureCheck(settings.public_url, tokens, settings.shared_key)


def _fallback(settings: Settings) -> Callable[[str], str]:
    """The static document of a dialled number: all it needs is read now, so that it needs nothing later."""
    reaches = fallback.people(settings.flows_dir)
    thanks, recordings = f"{settings.public_url}/voice/fallback/thanks", f"{settings.public_url}/voice/recordings"
    return lambda called: fallback.document(reaches.get(called), thanks, recordings)
