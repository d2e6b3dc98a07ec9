"""A message reaches our shelf and becomes text, whatever dies on the way; the carrier's copy goes last."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ivr.core.call import CallRecord, CallState, CarrierKey, Sure
from ivr.core.customer import Customer, CustomerKind
from ivr.core.voicemail import AudioState, TextState, Transcript, Voicemail
from ivr.core.words import (
    AgentId,
    CallId,
    CustomerId,
    FlowVersionId,
    Language,
    PhoneNumber,
    QueueName,
    RecordingId,
    TextId,
    TicketId,
    VoicemailId,
)
from ivr.store.session import SqlRecords
from ivr.switchboard.messages import voicemail as pipeline
from ivr.switchboard.messages.voicemail import FetchVoicemail, ReadVoicemail, Step, fetch_pause, next_step, wav_seconds
from tests.databases import START, SetClock

WAV = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x07\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00data"
"""The head of 8 kHz mu-law: 8000 bytes a second."""

MESSAGE = Voicemail(
    id=VoicemailId("0193-voicemail"),
    call=CallId("0193-call"),
    customer=CustomerId("0193-maria"),
    queue=QueueName("orders"),
    recording="RE1",
    url="https://carrier.example/RE1",
    taken_at=START,
    audio=AudioState.AT_CARRIER,
    text=TextState.WAITING,
    language=Language("it"),
    next_at=START,
)


def two_seconds() -> bytes:
    return WAV + struct.pack("<I", 16000) + b"\xff" * 16000


class Carrier:
    """Holds recordings until they are deleted."""

    def __init__(self) -> None:
        self.recordings: dict[str, bytes | None] = {"https://carrier.example/RE1": two_seconds()}
        self.fetched = 0
        self.deleted: list[str] = []
        self.before_delete: Callable[[], None] = lambda: None

    def fetch_recording(self, url: str) -> bytes | None:
        self.fetched += 1
        return self.recordings.get(url)

    def delete_recording(self, recording: str) -> None:
        self.before_delete()
        self.deleted.append(recording)
        self.recordings.pop(f"https://carrier.example/{recording}", None)


class Shelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, voicemail: VoicemailId, audio: bytes) -> Path:
        path = self.folder / f"{voicemail}.wav"
        path.write_bytes(audio)
        return path

    def path(self, voicemail: VoicemailId) -> Path | None:
        path = self.folder / f"{voicemail}.wav"
        return path if path.exists() else None


class Reader:
    def __init__(self, state: TextState = TextState.READ) -> None:
        self.state = state
        self.read = 0
        self.meanwhile: Callable[[Callable[[float], None] | None], None] = lambda progress: None

    def transcribe(
        self, path: Path, language: Language | None, progress: Callable[[float], None] | None = None
    ) -> Transcript:
        self.read += 1
        self.meanwhile(progress)
        return Transcript(self.state, language, "vorrei un ordine" if self.state is TextState.READ else "")


class Hints:
    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []

    def fetch_voicemail(self, voicemail: VoicemailId) -> None:
        self.given.append(("fetch", voicemail))

    def read_voicemail(self, voicemail: VoicemailId) -> None:
        self.given.append(("read", voicemail))

    def fetch(self, key: str) -> None:
        self.given.append(("http", key))

    def send_text(self, text: TextId) -> None:
        self.given.append(("text", text))

    def line_up(self, ticket: TicketId) -> None:
        raise AssertionError("no queue here")

    def match(self) -> None:
        raise AssertionError("no queue here")

    def at_work(self, agent: AgentId) -> None:
        raise AssertionError

    def steer(self, ticket: TicketId) -> None:
        raise AssertionError("no queue here")

    def record(self, recording: RecordingId) -> None:
        raise AssertionError("no talk here")

    def fetch_recording(self, recording: RecordingId) -> None:
        raise AssertionError("no talk here")


class House:
    """The pipeline over real records, with one message on record."""

    def __init__(self, records: SqlRecords, clock: SetClock, folder: Path) -> None:
        self.records, self.clock = records, clock
        self.carrier, self.shelf, self.reader, self.hints = Carrier(), Shelf(folder), Reader(), Hints()
        with records.write() as tx:
            tx.customers.add(Customer(CustomerId("0193-maria"), CustomerKind.CUSTOMER, created_at=START))
            tx.calls.start(
                CallRecord(
                    id=MESSAGE.call,
                    key=CarrierKey("exchange", "AC1", "CA1"),
                    line="verde",
                    caller=PhoneNumber("+390612345678"),
                    called=PhoneNumber("+39800123456"),
                    customer=MESSAGE.customer,
                    sure=Sure.MAYBE,
                    version=FlowVersionId("v1"),
                    state=CallState.IN_FLOW,
                    turn=1,
                    door="rang",
                    token="",
                    cursor="{}",
                    says="[]",
                    next_seq=1,
                    started_at=START,
                )
            )
            tx.voicemails.take(MESSAGE)

    def fetch(self) -> FetchVoicemail:
        return FetchVoicemail(self.records, self.carrier, self.shelf, self.hints, self.clock)  # type: ignore[arg-type]

    def read(self) -> ReadVoicemail:
        tools = self.records, self.carrier, self.shelf, self.reader, self.hints, self.clock
        return ReadVoicemail(*tools)  # type: ignore[arg-type]

    def row(self) -> Voicemail:
        with self.records.read() as tx:
            return tx.voicemails.get(MESSAGE.id)

    def events(self) -> list[str]:
        with self.records.read() as tx:
            return [event.kind for event in tx.log.of_call(MESSAGE.call)]

    def sweep(self) -> bool:
        """Do what is due; False when nothing is."""
        with self.records.read() as tx:
            due = tx.voicemails.due(self.clock.now(), 10)
        for found in due:
            if next_step(found) is Step.FETCH:
                self.fetch()(found.id)
            else:
                self.read()(found.id)
        return bool(due)


@pytest.fixture
def house(records_in_memory: SqlRecords, clock: SetClock, tmp_path: Path) -> House:
    return House(records_in_memory, clock, tmp_path)


@pytest.fixture
def real_house(records: SqlRecords, clock: SetClock, tmp_path: Path) -> House:
    return House(records, clock, tmp_path)


def test_fetched_kept_read_and_let_go(house: House) -> None:
    assert house.fetch()(MESSAGE.id) is None
    row = house.row()
    assert (row.audio, row.seconds, row.next_at) == (AudioState.KEPT, 2.0, START)
    assert house.hints.given == [("read", MESSAGE.id)]
    assert house.carrier.deleted == []
    assert house.read()(MESSAGE.id) is None
    row = house.row()
    assert row.transcript is not None
    assert (row.text, row.transcript.text, row.next_at) == (TextState.READ, "vorrei un ordine", None)
    assert house.carrier.deleted == ["RE1"]
    assert house.events() == ["voicemail.kept", "voicemail.read"]


def test_hints_twice_or_too_late_do_nothing_more(house: House) -> None:
    for _ in range(3):
        house.fetch()(MESSAGE.id)
    for _ in range(3):
        house.read()(MESSAGE.id)
    assert (house.carrier.fetched, house.reader.read, house.carrier.deleted) == (1, 1, ["RE1"])
    assert house.events() == ["voicemail.kept", "voicemail.read"]


def test_the_carriers_copy_is_let_go_only_after_ours_is_on_record_as_kept(house: House) -> None:
    seen: list[tuple[AudioState, bool]] = []
    house.carrier.before_delete = lambda: seen.append((house.row().audio, house.shelf.path(MESSAGE.id) is not None))
    while house.sweep():
        pass
    assert seen == [(AudioState.KEPT, True)]


def test_a_recording_that_is_not_ready_is_asked_for_again_and_again(house: House) -> None:
    house.carrier.recordings.clear()
    waits = []
    for _ in range(8):
        again = house.fetch()(MESSAGE.id)
        assert again is not None
        assert house.row().next_at == again
        waits.append((again - house.clock.now()).total_seconds())
        house.clock.time = again
    assert waits == [2, 10, 60, 600, 3600, 6 * 3600, 6 * 3600, 6 * 3600]
    house.carrier.recordings["https://carrier.example/RE1"] = two_seconds()
    house.fetch()(MESSAGE.id)
    assert house.row().audio is AudioState.KEPT


def test_after_a_week_of_none_it_is_lost_and_says_so(house: House) -> None:
    house.carrier.recordings.clear()
    again = START
    while (next_time := house.fetch()(MESSAGE.id)) is not None:
        again = house.clock.time = next_time
    assert again - START >= timedelta(days=7)
    assert (house.row().audio, house.row().next_at) == (AudioState.LOST, None)
    assert house.events() == ["odd.fact"]


def test_a_carrier_that_cannot_be_reached_for_a_month_loses_nothing(house: House) -> None:
    def away(url: str) -> bytes | None:
        raise ConnectionError("no route")

    there, house.carrier.fetch_recording = house.carrier.fetch_recording, away  # type: ignore[method-assign]
    for _ in range(200):
        with pytest.raises(ConnectionError):
            house.sweep()
        next_at = house.row().next_at
        assert next_at is not None
        assert next_at > house.clock.now()
        house.clock.time = next_at
    assert house.clock.now() - START > timedelta(days=30)
    house.carrier.fetch_recording = there  # type: ignore[method-assign]
    while house.sweep():
        pass
    assert house.row().text is TextState.READ


@pytest.mark.parametrize("state", [TextState.NEEDS_FFMPEG, TextState.NO_MODEL])
def test_what_lacks_a_cure_is_tried_again_until_it_is_there(house: House, state: TextState) -> None:
    house.reader.state = state
    house.fetch()(MESSAGE.id)
    for _ in range(5):
        again = house.read()(MESSAGE.id)
        assert again == house.clock.now() + timedelta(minutes=10)
        assert house.row().text is state
        house.clock.time = again
    assert house.carrier.deleted == ["RE1"]
    house.clock.passes(days=40)
    assert house.read()(MESSAGE.id) == house.clock.now() + timedelta(hours=1)
    house.reader.state = TextState.READ
    house.clock.passes(hours=1)
    assert house.read()(MESSAGE.id) is None
    assert house.row().text is TextState.READ
    assert house.events() == ["voicemail.kept", "voicemail.read", "voicemail.read"]


@pytest.mark.parametrize("state", [TextState.SILENT, TextState.UNREADABLE, TextState.PARTLY_READ])
def test_other_ends_are_ends(house: House, state: TextState) -> None:
    house.reader.state = state
    while house.sweep():
        pass
    assert (house.row().text, house.row().next_at) == (state, None)


def test_a_long_reading_keeps_its_claim(house: House) -> None:
    stolen: list[bool] = []

    def read_for_two_hours(progress: Callable[[float], None] | None) -> None:
        assert progress is not None
        for part in range(120):
            house.clock.passes(seconds=50)
            progress(part / 120)
            stolen.append(house.sweep())

    house.fetch()(MESSAGE.id)
    house.reader.meanwhile = read_for_two_hours
    house.read()(MESSAGE.id)
    assert not any(stolen)
    assert house.reader.read == 1


def test_a_worker_whose_claim_ran_out_changes_nothing(house: House) -> None:
    def hang(progress: object) -> None:
        house.reader.meanwhile = lambda progress: None
        house.clock.passes(minutes=10)
        assert house.sweep()  # another worker reads it meanwhile
        house.reader.state = TextState.UNREADABLE  # and we come back with nonsense

    house.fetch()(MESSAGE.id)
    house.reader.meanwhile = hang
    house.read()(MESSAGE.id)
    assert house.row().text is TextState.READ
    assert house.events() == ["voicemail.kept", "voicemail.read"]
    assert house.carrier.deleted == ["RE1"]


def test_two_workers_that_saw_the_same_row_get_one_claim(real_house: House) -> None:
    seen = real_house.row()
    won = []
    for _ in range(2):
        with real_house.records.write() as tx:
            until = START + pipeline.LEASE
            won.append(tx.voicemails.postpone(seen.id, seen.attempts + 1, until, seen=seen.attempts))
    assert won == [True, False]
    assert real_house.row().attempts == 1


def test_our_copy_lost_before_it_was_read_is_fetched_again(house: House) -> None:
    house.fetch()(MESSAGE.id)
    path = house.shelf.path(MESSAGE.id)
    assert path is not None
    path.unlink()
    while house.sweep():
        pass
    assert house.row().text is TextState.READ
    assert house.carrier.fetched == 2


class Killed(BaseException):
    """The process died here."""


class Deadly:
    """Counts steps out of the process, and dies at one of them: before it is done, or after."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, itertools.count(1)

    def around(self, step: Callable[..., object]) -> Callable[..., object]:
        def stepped(*arguments: object, **named: object) -> object:
            if next(self.steps) == self.at:
                raise Killed
            done = step(*arguments, **named)
            if next(self.steps) == self.at:
                raise Killed
            return done

        return stepped


class DeadlyRecords:
    """Dies before, in (rolled back) or after a transaction."""

    def __init__(self, records: SqlRecords, deadly: Deadly) -> None:
        self._records, self._deadly = records, deadly

    def read(self) -> object:
        return self._records.read()

    def write(self) -> object:
        block, deadly = self._records.write(), self._deadly

        class Block:
            def __enter__(self) -> object:
                if next(deadly.steps) == deadly.at:
                    raise Killed
                return block.__enter__()

            def __exit__(self, *error: object) -> None:
                if error[0] is None and next(deadly.steps) == deadly.at:
                    died = Killed()
                    block.__exit__(Killed, died, None)
                    raise died
                block.__exit__(*error)  # type: ignore[arg-type]
                if error[0] is None and next(deadly.steps) == deadly.at:
                    raise Killed

        return Block()


def with_death(house: House, at: int) -> House:
    deadly = Deadly(at)
    dying = object.__new__(House)
    dying.__dict__.update(house.__dict__)
    dying.records = DeadlyRecords(house.records, deadly)  # type: ignore[assignment]
    dying.carrier, dying.shelf, dying.reader, dying.hints = Carrier(), Shelf(house.shelf.folder), Reader(), Hints()
    for real, double, names in (
        (house.carrier, dying.carrier, ("fetch_recording", "delete_recording")),
        (house.shelf, dying.shelf, ("keep", "path")),
        (house.reader, dying.reader, ("transcribe",)),
        (house.hints, dying.hints, ("fetch_voicemail", "read_voicemail")),
    ):
        for name in names:
            setattr(double, name, deadly.around(getattr(real, name)))
    return dying


@pytest.mark.parametrize("cured", [True, False])
def test_killed_between_any_two_steps_the_sweep_finishes_it(
    clock: SetClock,
    tmp_path: Path,
    cured: bool,
) -> None:
    from ivr.store.session import open_records

    deaths = 0
    for at in itertools.count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        clock.time = START
        opened = open_records("sqlite://", clock)
        house = House(opened, clock, folder)
        house.reader.state = TextState.READ if cured else TextState.NO_MODEL
        house.carrier.before_delete = lambda house=house: _ours_is_safe(house)  # type: ignore[misc]
        dying = with_death(house, at)
        try:
            while dying.sweep() and house.row().text is TextState.WAITING:
                pass
        except Killed:
            deaths += 1
        else:
            break
        house.reader.state = TextState.READ
        for _ in range(100):
            house.sweep()
            clock.passes(minutes=1)
        row = house.row()
        assert (row.audio, row.text, row.next_at) == (AudioState.KEPT, TextState.READ, None), at
        assert house.shelf.path(MESSAGE.id) is not None
        assert "RE1" in house.carrier.deleted, at
        assert house.events().count("voicemail.kept") == 1, at
        assert house.carrier.recordings == {}
        opened.close()
    assert deaths >= 20


def _ours_is_safe(house: House) -> None:
    assert house.row().audio is AudioState.KEPT
    kept = house.shelf.path(MESSAGE.id)
    assert kept is not None
    assert kept.read_bytes() == two_seconds()


@pytest.mark.parametrize(
    ("audio", "text", "step"),
    [
        (AudioState.AT_CARRIER, TextState.WAITING, Step.FETCH),
        (AudioState.KEPT, TextState.WAITING, Step.READ),
        (AudioState.KEPT, TextState.NEEDS_FFMPEG, Step.READ),
        (AudioState.KEPT, TextState.NO_MODEL, Step.READ),
        (AudioState.KEPT, TextState.READ, Step.LET_GO),
        (AudioState.KEPT, TextState.UNREADABLE, Step.LET_GO),
        (AudioState.LOST, TextState.WAITING, None),
    ],
)
def test_the_next_step_is_told_by_the_row(audio: AudioState, text: TextState, step: Step | None) -> None:
    assert next_step(replace(MESSAGE, audio=audio, text=text)) is step


def test_pauses_grow_and_then_stay() -> None:
    pauses = [fetch_pause(attempt) for attempt in range(1, 50)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=6)


def test_a_length_is_read_from_the_header_and_never_beyond_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for content, seconds in (
        (two_seconds(), 2.0),
        (two_seconds()[:-8000], 1.0),  # cut short: the header promises more than there is
        (b"ID3\x04 an mp3", None),
        (b"RIFF", None),
        (b"", None),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00", None),
    ):
        path.write_bytes(content)
        assert wav_seconds(path) == seconds
