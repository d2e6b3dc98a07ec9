"""What a turn promises aloud, as rows: written in the turn's own transaction, before anything is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ivr.core.call import CallRecord, Sure
from ivr.core.callbacks import Callback
from ivr.core.customer import CaseRecord
from ivr.core.events import CallEvent, PromiseMade, TextPromised
from ivr.core.flow.turn import (
    AskCallback,
    CancelCallback,
    Deed,
    EndTalk,
    Fetch,
    FollowUp,
    KeepAnswer,
    KeepVoicemail,
    LeavePlace,
    OpenCase,
    Recognise,
    RecordTalk,
    RememberLanguage,
    RememberPace,
    SendText,
    TakePlace,
    WaitAtCallback,
)
from ivr.core.promises import Promise
from ivr.core.recording import Rule
from ivr.core.survey import SurveyAnswer
from ivr.core.text_message import TextMessage
from ivr.core.voicemail import AudioState, TextState, Voicemail
from ivr.core.words import CallbackId, CaseId, CustomerId, PromiseId, RecordingId, TextId, TicketId, VoicemailId
from ivr.switchboard.ports.calls import Fetching
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Ids, Later
from ivr.switchboard.record import callbacks, places, tapes

Write = Callable[[Transaction], None]
Hint = Callable[[], None]


@dataclass
class Plan:
    """The rows to write, the events that tell of them, and the hints to give after the commit."""

    customer: CustomerId
    writes: list[Write] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)


def plan(deeds: Sequence[Deed], call: CallRecord, zone: str, ids: Ids, later: Later, now: datetime) -> Plan:
    """The rows that a turn's deeds come to; nothing is written yet."""
    planned = Plan(call.customer)
    for deed in deeds:
        match deed:
            case Recognise(customer):
                _recognise(planned, call, CustomerId(customer))
            case RememberLanguage(language):
                _change(planned, language=language)
            case RememberPace(slow):
                _change(planned, slow=slow)
            case OpenCase():
                _open_case(planned, deed, call, ids, now)
            case KeepVoicemail():
                _keep_voicemail(planned, deed, call, zone, ids, later, now)
            case Fetch():
                _fetch(planned, deed, call, later, now)
            case AskCallback():
                _ask_callback(planned, deed, call, ids, later, now)
            case WaitAtCallback():
                planned.writes.append(_will_wait(CallbackId(deed.callback), call, now))
            case CancelCallback():
                _cancel_callback(planned, deed, later, now)
            case TakePlace():
                _take_place(planned, deed, call, later, now)
            case LeavePlace(ticket, because):
                _leave_place(planned, TicketId(ticket), because, later, now)
            case EndTalk(ticket, seconds):
                _end_talk(planned, TicketId(ticket), timedelta(seconds=seconds), later, now)
            case RecordTalk(ticket, rule):
                _record_talk(planned, call, TicketId(ticket), Rule(rule), ids, later, now)
            case KeepAnswer():
                _keep_answer(planned, deed, call, now)
            case FollowUp():
                _follow_up(planned, deed, call, zone, ids, now)
            case SendText():
                _send_text(planned, deed, call, ids, later, now)
    return planned


def _take_place(planned: Plan, deed: TakePlace, call: CallRecord, later: Later, now: datetime) -> None:
    customer, ticket = planned.customer, TicketId(deed.ticket)
    planned.writes.append(lambda tx: places.take(tx, call, customer, deed, now))
    planned.hints.append(lambda: later.line_up(ticket))


def _leave_place(planned: Plan, ticket: TicketId, because: str, later: Later, now: datetime) -> None:
    planned.writes.append(lambda tx: places.leave(tx, ticket, because, now))
    planned.hints += [lambda: later.line_up(ticket), lambda: later.steer(ticket)]


def _end_talk(planned: Plan, ticket: TicketId, wrap_up: timedelta, later: Later, now: datetime) -> None:
    planned.writes.append(lambda tx: places.end_talk(tx, tx.tickets.get(ticket), "customer", wrap_up, now))
    planned.hints += [lambda: later.line_up(ticket), lambda: later.steer(ticket)]


def _record_talk(
    planned: Plan, call: CallRecord, ticket: TicketId, rule: Rule, ids: Ids, later: Later, now: datetime
) -> None:
    customer, name = planned.customer, RecordingId(ids.new())
    planned.writes.append(lambda tx: tapes.want(tx, name, call.id, customer, ticket, call.key.sid, rule, now))
    planned.hints.append(lambda: later.steer(ticket))


def _recognise(planned: Plan, call: CallRecord, customer: CustomerId) -> None:
    before = planned.customer
    planned.customer = customer
    planned.writes.append(lambda tx: tx.calls.recognise(call.id, customer, Sure.KNOWN))
    if before != customer:
        planned.writes.append(lambda tx: tx.customers.merge_call(before, customer, call.id))


def _change(planned: Plan, **fields: object) -> None:
    customer = planned.customer
    planned.writes.append(lambda tx: tx.customers.change(customer, **fields))


def _open_case(planned: Plan, deed: OpenCase, call: CallRecord, ids: Ids, now: datetime) -> None:
    case = CaseRecord(
        id=CaseId(ids.new()),
        code=deed.code,
        kind=deed.case,
        customer=planned.customer,
        call=call.id,
        status="open",
        opened_at=now,
        about=deed.about,
    )
    planned.writes.append(lambda tx: tx.cases.open(case))


def _keep_voicemail(
    planned: Plan, deed: KeepVoicemail, call: CallRecord, zone: str, ids: Ids, later: Later, now: datetime
) -> None:
    promise: Promise | None = None
    if deed.due is not None:
        promise = Promise(
            id=PromiseId(ids.new()),
            what="answer_voicemail",
            customer=planned.customer,
            call=call.id,
            made_at=now,
            due_at=deed.due,
            zone=zone,
            owner=deed.queue,
        )
        made = promise
        planned.writes.append(lambda tx: tx.promises.make(made))
        planned.events.append(PromiseMade(promise.id, promise.what, promise.due_at.isoformat()))
    voicemail = Voicemail(
        id=VoicemailId(ids.new()),
        call=call.id,
        customer=planned.customer,
        queue=deed.queue,
        recording=deed.recording,
        url=deed.url,
        taken_at=now,
        audio=AudioState.AT_CARRIER,
        text=TextState.WAITING,
        seconds=deed.length.total_seconds() if deed.length is not None else None,
        language=deed.language,
        promise=promise.id if promise else None,
        next_at=now,
    )
    planned.writes.append(lambda tx: _take(tx, voicemail))
    planned.hints.append(lambda: later.fetch_voicemail(voicemail.id))


def _take(tx: Transaction, voicemail: Voicemail) -> None:
    tx.voicemails.take(voicemail)  # False: a callback was first with the same recording, which is as good


def _fetch(planned: Plan, deed: Fetch, call: CallRecord, later: Later, now: datetime) -> None:
    fetching = Fetching(
        key=deed.key,
        call=call.id,
        node=deed.key,
        url=deed.url,
        method=deed.method,
        body=json.dumps(dict(deed.body), ensure_ascii=False),
        limit_seconds=deed.limit.total_seconds(),
        asked_at=now,
    )
    planned.writes.append(lambda tx: tx.fetches.ask(fetching))
    planned.hints.append(lambda: later.fetch(deed.key))


def _keep_answer(planned: Plan, deed: KeepAnswer, call: CallRecord, now: datetime) -> None:
    answer = SurveyAnswer(
        call=call.id,
        customer=planned.customer,
        survey=deed.survey,
        question=deed.question,
        measures=deed.measures,
        value=deed.value,
        unhappy=deed.unhappy,
        answered_at=now,
    )

    def write(tx: Transaction) -> None:
        tx.answers.keep(answer)

    planned.writes.append(write)


def _follow_up(planned: Plan, deed: FollowUp, call: CallRecord, zone: str, ids: Ids, now: datetime) -> None:
    promise = Promise(
        id=PromiseId(ids.new()),
        what="follow_up",
        customer=planned.customer,
        call=call.id,
        made_at=now,
        due_at=deed.due,
        zone=zone,
        owner=deed.owner,
    )
    planned.writes.append(lambda tx: tx.promises.make(promise))
    planned.events.append(PromiseMade(promise.id, promise.what, promise.due_at.isoformat()))


def _send_text(planned: Plan, deed: SendText, call: CallRecord, ids: Ids, later: Later, now: datetime) -> None:
    text = TextMessage(
        id=TextId(ids.new()),
        call=call.id,
        customer=planned.customer,
        to=deed.to,
        sender=deed.sender,
        body=deed.text,
        made_at=now,
        next_at=now,
    )
    planned.writes.append(lambda tx: tx.texts.promise(text))
    planned.events.append(TextPromised(text.id))
    planned.hints.append(lambda: later.send_text(text.id))


def _ask_callback(planned: Plan, deed: AskCallback, call: CallRecord, ids: Ids, later: Later, now: datetime) -> None:
    ticket = TicketId(ids.new())
    promise = Promise(
        id=PromiseId(ids.new()),
        what="callback",
        customer=planned.customer,
        call=call.id,
        made_at=now,
        due_at=deed.due,
        zone=deed.zone,
        owner=deed.queue,
    )
    callback = Callback(
        id=CallbackId(ids.new()),
        customer=planned.customer,
        call=call.id,
        line=call.line,
        queue=deed.queue,
        number=deed.number,
        country=deed.country,
        zones=deed.zones,
        language=deed.language,
        arrived_at=now,
        asked_at=now,
        next_at=deed.next_at,
        shows=deed.shows,
        ticket=ticket,
        path=deed.path,
        typed=deed.typed,
        slot_at=deed.slot,
    )
    planned.writes.append(lambda tx: callbacks.owe(tx, callback, promise, deed, now))
    planned.hints.append(lambda: later.line_up(ticket))


def _will_wait(callback: CallbackId, call: CallRecord, now: datetime) -> Write:
    return lambda tx: callbacks.will_wait(tx, callback, call.id, now)


def _cancel_callback(planned: Plan, deed: CancelCallback, later: Later, now: datetime) -> None:
    callback, ticket = CallbackId(deed.callback), TicketId(deed.ticket)
    planned.writes.append(lambda tx: places.cancel_callback(tx, callback, now))
    planned.hints.append(lambda: later.line_up(ticket))
    planned.hints.append(lambda: later.steer(ticket))
