"""Call backs played from the wish to the talk: people, phones and agents on the exchange, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from ivr import wiring
from ivr.core.agent import SystemState, Wish
from ivr.core.callbacks import CODE_BOOST, Callback, CallbackState, Outcome
from ivr.core.company import EmergencyClosing
from ivr.core.flow.model import Lookup
from ivr.core.leg import LegKind
from ivr.core.promises import Promise, PromiseState
from ivr.core.ticket import TicketKind, TicketState
from ivr.core.words import AgentId, CustomerId, PhoneNumber
from ivr.switchboard.ports.world import Mail
from ivr.switchboard.record import callbacks
from ivr.switchboard.record.notice import Notices
from ivr.testing import scripts
from ivr.testing.on_duty import OnDuty
from ivr.testing.play import Played, Player, as_dialogue
from ivr.testing.run import Shift
from ivr.testing.world import World, open_world

FLOWS = Path(__file__).parent / "callback_flow"
MARIA = "+393331234567"
MORNING = "2026-11-24T10:00:00+01:00"
EARLY = "2026-11-24T08:20:00+01:00"
ANNA = "agents: [{name: anna, answers_after: 4 s, talks: 30 s}]"
ASKS = "hear: premi 1, press: 1, hear: Vi richiamiamo al numero, press: 1, hear: Volete essere richiamati, press: 1"
ASKED = f"[{ASKS}, hear: Siamo d'accordo, hangup]"


def script(steps: str, at: str = MORNING, more: str = "", from_: str = MARIA) -> str:
    return f"call: c\nat: {at}\nfrom: '{from_}'\nto: '+39800123456'\nsteps: {steps}\n{more}\n"


def played(world: World, *texts: str) -> Sequence[Played]:
    read, problems = scripts.read("x.calls.yaml", "---\n".join(texts))
    assert problems == ()
    staff = Shift(read)
    for each in read:
        assert staff.sign_in(each, world) == []
    done = Player(world.telephones, world.evidence, (), None, staff.phones).play(read)
    for one in done:
        assert one.problems == (), "\n".join(as_dialogue(one))
    return done


def owed(world: World) -> list[Callback]:
    with world.records.read() as tx:
        return [
            each for customer in {call.customer for call in tx.calls.recent(20)} for each in tx.callbacks.of(customer)
        ]


def promise(world: World, callback: Callback) -> Promise:
    assert callback.promise is not None
    with world.records.read() as tx:
        return tx.promises.get(callback.promise)


def ticket(world: World, callback: Callback) -> TicketState:
    assert callback.ticket is not None
    with world.records.read() as tx:
        return tx.tickets.get(callback.ticket).ticket.state


def line(at: str = MORNING, mail: Mail | None = None) -> World:
    return open_world(datetime.fromisoformat(at), FLOWS, None, 1, mail=mail)


@dataclass
class Post:
    """A mail server that takes everything."""

    letters: list[tuple[str, str, str]] = field(default_factory=list)

    def send(self, to: str, subject: str, body: str, key: str) -> None:
        assert key
        self.letters.append((to, subject, body))


def has_address(world: World, email: str = "maria@example.it") -> None:
    with world.records.write() as tx:
        (customer,) = {call.customer for call in tx.calls.recent(20)}
        tx.customers.change(customer, email=email)


def told(world: World, callback: Callback, *kinds: str) -> list[str]:
    assert callback.call is not None
    with world.records.read() as tx:
        return [event.kind for event in tx.log.of_call(callback.call) if not kinds or event.kind in kinds]


def outcomes(world: World, callback: Callback) -> list[Outcome | None]:
    with world.records.read() as tx:
        return [each.outcome for each in tx.callbacks.attempts(callback.id)]


def is_dialled(world: World) -> None:
    """Anna has taken the call back, and the customer's phone is rung; nobody answers it yet."""
    played(world, script(ASKED, more="agents: [{name: anna, answers_after: 4 s}]"))
    (callback,) = owed(world)
    while not outcomes(world, callback):
        world.telephones.wait(1)


def test_who_asks_to_be_called_back_is_called_and_talks() -> None:
    with line() as world:
        steps = ASKED[:-1] + ", answer: {after: 3 s}, hear: Ci avevate chiesto di richiamarvi, press: 1, talk]"
        (one,) = played(world, script(steps, more=ANNA + "\nexpect: {outcome: callback}"))
        (callback,) = owed(world)
        assert callback.state is CallbackState.REACHED, "\n".join(as_dialogue(one))
        assert promise(world, callback).state is PromiseState.KEPT
        world.telephones.wait(60)
        assert ticket(world, callback) is TicketState.SERVED


def test_a_slot_is_spoken_of_and_booked_while_we_are_closed_and_kept() -> None:
    steps = (
        "[hear: essere richiamati oggi alle 9, press: 2, press: 1, hear: 'Per oggi alle 9, premete 1', press: 1, "
        "hear: Volete essere richiamati oggi alle 9, press: 1, hear: vi richiamiamo oggi alle 9, hangup, "
        "answer: {within: 1 h}, hear: Ci avevate chiesto, press: 1, talk: 10 s, hangup]"
    )
    with line(EARLY) as world:
        played(world, script(steps, EARLY, ANNA + "\nexpect: {outcome: callback}"))
        (callback,) = owed(world)
        assert callback.slot_at == datetime.fromisoformat("2026-11-24T09:00:00+01:00")
        assert promise(world, callback).due_at == datetime.fromisoformat("2026-11-24T09:10:00+01:00")
        assert promise(world, callback).state is PromiseState.KEPT


def test_after_a_miss_a_text_tells_of_it_and_the_next_attempt_reaches_them() -> None:
    steps = (
        ASKED[:-1]
        + ", answer: {machine: yes}, wait: 1 min, answer: {within: 20 min}, hear: Ci avevate, press: 1, talk]"
    )
    with line() as world:
        played(world, script(steps, more=ANNA))
        (callback,) = owed(world)
        assert outcomes(world, callback) == [Outcome.MACHINE, Outcome.REACHED]
        with world.records.read() as tx:
            (text,) = tx.texts.of(callback.customer)
        assert text.to == MARIA and "vi abbiamo cercato per la richiamata che avete chiesto" in text.body
        assert promise(world, callback).state is PromiseState.KEPT


def test_after_three_misses_it_ends_and_who_rings_then_goes_forward_in_line() -> None:
    with line() as world:
        played(world, script(ASKED, more=ANNA))
        world.telephones.wait(80 * 60)
        (callback,) = owed(world)
        assert callback.state is CallbackState.NOT_REACHED
        assert outcomes(world, callback) == [Outcome.NO_ANSWER] * 3
        assert ticket(world, callback) is TicketState.NOT_REACHED
        assert promise(world, callback).state is PromiseState.WITHDRAWN
        world.wish("anna", Wish.OFF)
        phone = world.telephones.dial(MARIA, "+39800123456")
        world.telephones.wait(5)
        phone.press("0")
        world.telephones.wait(5)
        with world.records.read() as tx:
            (place,) = tx.tickets.live()
        assert place.ticket.boost == CODE_BOOST
        now, others = world.scheduler.now(), PhoneNumber("+390212349999")
        with world.records.read() as tx:
            worth = [
                callbacks.forward(tx, CustomerId("x"), others, callback.code, now + timedelta(hours=h))
                for h in (46, 48)
            ]
        assert callback.code is not None and worth == [CODE_BOOST, timedelta()]
        last = world.network.messages(to=MARIA)[0].body
        assert "da questo numero entro 48 ore" in last and callback.code not in last  # this flow asks nobody for a code
        flow = world.office.flows.for_number(PhoneNumber("+39800123456"))
        asks = Lookup(name="ask", record="callback", by="code", found="goodbye", not_found="goodbye", failed="goodbye")
        with_codes = replace(flow, flow=replace(flow.flow, nodes={**flow.flow.nodes, "ask": asks}))
        notices = Notices(world.office.wording, world.office.numbering, world.office.ids)
        with world.records.write() as tx:
            notices.put(tx, tx.callbacks.get(callback.id), with_codes, True, now)
            assert f"con il codice {callback.code}" in tx.texts.of(callback.customer)[-1].body


def test_who_wants_no_call_any_more_is_not_called_again() -> None:
    steps = ASKED[:-1] + ", answer: {}, hear: Se non serve, press: 2, hear: non vi richiameremo]"
    with line() as world:
        played(world, script(steps, more=ANNA))
        (callback,) = owed(world)
        assert (callback.state, ticket(world, callback)) == (CallbackState.CANCELLED, TicketState.CANCELLED)
        world.telephones.wait(60)
        with world.records.read() as tx:
            assert [agent.status.state for agent in tx.agents.all()] == [SystemState.IDLE]


def test_who_rings_again_hears_the_place_and_waits_there() -> None:
    again = (
        "[hear: premi 1, press: 1, hear: siete al posto 1 della fila, hear: premete 2, press: 2, "
        "hear: Il vostro posto in fila resta quello, talk]"
    )
    late = "agents: [{name: anna, answers_after: 4 s, talks: 30 s, signs_in_at: 1 min}]"
    with line() as world:
        played(world, script(ASKED))
        (callback,) = owed(world)
        with world.records.read() as tx:
            (before,) = tx.tickets.live()
        world.telephones.wait(120)
        played(world, script(again, more=late + "\nexpect: {outcome: answered, answered_by: anna}"))
        (callback,) = owed(world)
        assert (callback.state, promise(world, callback).state) == (CallbackState.SERVED, PromiseState.KEPT)
        assert outcomes(world, callback) == []
        with world.records.read() as tx:
            after = tx.tickets.get(before.ticket.id)
        assert after.ticket.arrived_at == before.ticket.arrived_at
        assert after.ticket.state is TicketState.SERVED


def test_who_waits_there_and_hangs_up_is_called_back_all_the_same() -> None:
    again = "[hear: premi 1, press: 1, hear: premete 2, press: 2, wait: 20 s, hangup]"
    with line() as world:
        played(world, script(ASKED))
        played(world, script(again))
        (callback,) = owed(world)
        assert (callback.state, ticket(world, callback)) == (CallbackState.WAITING, TicketState.IN_LINE)
        assert promise(world, callback).state is PromiseState.OPEN


def test_who_waits_there_overflows_by_this_wait_and_not_by_the_first_arrival() -> None:
    with line() as world:
        played(world, script(ASKED))
        world.telephones.wait(4 * 60)
        again = "[hear: premi 1, press: 1, hear: premete 2, press: 2, wait: {}, hear: {}]"
        short = again.format("3 min", "Grazie di aspettare")[:-1] + ", hangup]"
        played(world, script(short, more="expect: {path: [choice, call_me, order_desk], outcome: abandoned}"))
        played(world, script(again.format("6 min", "Lasciate un messaggio")))


def test_who_waits_there_and_goes_another_way_is_called_back_all_the_same() -> None:
    again = (
        "[hear: premi 1, press: 1, hear: premete 2, press: 2, hear: Il vostro posto in fila resta quello, "
        "hear: premi 1, press: 1, hear: Avete già una richiamata, press: 1, hear: Arrivederci]"
    )
    with line() as world:
        played(world, script(ASKED))
        (asked,) = owed(world)
        played(world, script(again))
        (callback,) = owed(world)
        assert (callback.state, ticket(world, callback)) == (CallbackState.WAITING, TicketState.IN_LINE)
        assert promise(world, callback).state is PromiseState.OPEN
        assert callback.ticket is not None
        with world.records.read() as tx:
            back = tx.tickets.get(callback.ticket)
        assert (back.ticket.kind, back.ticket.call, back.wish) == (TicketKind.CALLBACK, asked.call, "")


def test_who_rings_again_and_cancels_is_owed_nothing() -> None:
    with line() as world:
        played(world, script(ASKED))
        played(world, script("[hear: premi 1, press: 1, hear: premete 3, press: 3, hear: è annullata]"))
        (callback,) = owed(world)
        assert (callback.state, ticket(world, callback)) == (CallbackState.CANCELLED, TicketState.CANCELLED)
        assert promise(world, callback).state is PromiseState.WITHDRAWN


def test_nobody_is_rung_any_more_for_a_call_that_the_customer_cancels() -> None:
    with line() as world:
        played(world, script(ASKED))
        world.telephones.wait(60)
        late = "agents: [{name: anna, answers_after: 15 s, signs_in_at: 18 s}]"
        played(
            world,
            script("[hear: premi 1, press: 1, hear: premete 3, wait: 3 s, press: 3, hear: è annullata]", more=late),
        )
        (callback,) = owed(world)
        assert ticket(world, callback) is TicketState.CANCELLED
        with world.records.read() as tx:
            assert tx.claims.live() == []
            assert tx.agents.get(AgentId("anna")).status.state is SystemState.IDLE


def test_the_agent_who_took_it_is_free_again_when_the_customer_cancels_while_their_phone_rings() -> None:
    with line() as world:
        is_dialled(world)
        with world.records.read() as tx:
            assert tx.agents.get(AgentId("anna")).status.state is SystemState.TALKING
        played(world, script("[hear: premi 1, press: 1, hear: premete 3, press: 3, hear: è annullata]"))
        (callback,) = owed(world)
        assert (callback.state, ticket(world, callback)) == (CallbackState.CANCELLED, TicketState.CANCELLED)
        with world.records.read() as tx:
            assert tx.legs.unfinished() == []
            assert tx.claims.live() == []
            anna = tx.agents.get(AgentId("anna")).status
        closed = promise(world, callback)
        assert (closed.state, anna.state) == (PromiseState.WITHDRAWN, SystemState.IDLE)
        assert anna.state_since == closed.ended_at
        assert outcomes(world, callback) == [Outcome.CALLED_OFF]
        assert told(world, callback, "callback.tried") == ["callback.tried"]


def test_a_customer_whose_line_to_the_agent_drops_is_promised_another_call() -> None:
    steps = ASKED[:-1] + ", answer: {after: 3 s}, hear: Ci avevate chiesto di richiamarvi, press: 1, hear: è caduta]"
    with line() as world:

        def the_line_drops() -> None:
            with world.records.read() as tx:
                talks = [leg for leg in tx.legs.unfinished() if leg.kind is LegKind.AGENT and leg.stage == "talk"]
            callback = next(iter(owed(world)), None)
            if callback is None or callback.state is not CallbackState.REACHED or not talks or talks[0].sid is None:
                world.scheduler.after(1, the_line_drops)
                return
            world.wish("anna", Wish.OFF)
            world.office.doors.leg_news(talks[0].id, talks[0].sid, "failed", "the line dropped", {})
            world.office.telephone.hang_up(talks[0].sid)

        world.scheduler.after(30, the_line_drops)
        played(world, script(steps, more="agents: [{name: anna, answers_after: 4 s, talks: 10 min}]"))
        (callback,) = owed(world)
        assert (callback.state, ticket(world, callback)) == (CallbackState.WAITING, TicketState.IN_LINE)
        assert promise(world, callback).state is PromiseState.OPEN
        closed = told(world, callback, "promise.made", "promise.closed")
        assert closed == ["promise.made", "promise.closed", "promise.made"]


def test_who_rings_again_for_a_person_waits_at_the_one_place_there_is() -> None:
    with line() as world:
        played(world, script(ASKED))
        again = "[hear: premi 1, press: 0, hear: siete al posto 1 della fila, press: 0, talk]"
        played(world, script(again, more=ANNA + "\nexpect: {answered_by: anna}"))
        (callback,) = owed(world)
        assert callback.state is CallbackState.SERVED
        assert ticket(world, callback) is TicketState.SERVED


def test_nobody_is_rung_who_is_on_the_line_with_us_just_now() -> None:
    with line() as world:
        played(world, script(ASKED))
        keeps = "wait: 50 s, press: 1, hear: vi richiamiamo, hear: Arrivederci"
        again = f"[hear: premi 1, press: 1, hear: siete al posto 1, {keeps}, answer: {{}}, press: 1, talk]"
        played(world, script(again, more=ANNA))
        (callback,) = owed(world)
        assert outcomes(world, callback) == [Outcome.REACHED]


def test_an_agent_who_hangs_up_while_the_phone_rings_leaves_the_customer_in_line() -> None:
    with line() as world:
        is_dialled(world)
        with world.records.read() as tx:
            sid = next(leg.sid for leg in tx.legs.unfinished() if leg.kind is LegKind.AGENT)
        assert sid is not None
        world.wish("anna", Wish.OFF)
        world.office.telephone.hang_up(sid)
        world.telephones.wait(10)
        (callback,) = owed(world)
        assert outcomes(world, callback) == [Outcome.LOST]
        assert (callback.state, callback.misses) == (CallbackState.WAITING, 0)
        assert ticket(world, callback) is TicketState.IN_LINE
        with world.records.read() as tx:
            assert tx.legs.unfinished() == []


def test_who_waits_and_presses_the_key_is_called_back_from_that_place() -> None:
    asks = ASKS.partition("press: 1, ")[2]
    steps = f"[hear: premi 1, press: 0, wait: 90 s, press: 1, {asks}, hear: Siamo d'accordo, hangup]"
    with line() as world:
        played(world, script(steps, more="expect: {outcome: callback}"))
        (callback,) = owed(world)
        assert callback.asked_at - callback.arrived_at > timedelta(seconds=90)
        with world.records.read() as tx:
            (place,) = tx.tickets.live()
        assert (place.ticket.id, place.ticket.arrived_at) == (callback.ticket, callback.arrived_at)


# --- What they are written --------------------------------------------------------------------------------------------

FIXED = "+390612345678"
MISSES = ASKED[:-1] + ", answer: {machine: yes}, wait: 1 min"
ANSWERS = ", answer: {within: 20 min}, hear: Ci avevate, "


def test_a_telephone_on_the_wall_gets_an_e_mail_about_the_miss() -> None:
    post = Post()
    with line(mail=post) as world:
        played(world, script(ASKED, from_=FIXED))
        has_address(world)
        played(world, script(ASKED, from_=MARIA, more=ANNA))  # somebody else, so that anna is there
        world.telephones.wait(120)
        (callback,) = [each for each in owed(world) if each.number == FIXED]
        assert outcomes(world, callback) == [Outcome.NO_ANSWER]
        ((to, subject, body),) = post.letters
        assert (to, subject) == ("maria@example.it", "Officine Verdi: la vostra richiamata")
        assert "vi abbiamo cercato per la richiamata che avete chiesto" in body
        assert not callback.tell
        assert [each.to for each in world.network.messages(to=FIXED)] == []


def test_who_can_get_no_message_hears_of_the_miss_at_the_next_attempt() -> None:
    with line() as world:
        hears = "hear: 'Vi avevamo già cercato, senza trovarvi', press: 1, talk]"
        played(world, script(MISSES + ANSWERS + hears, from_=FIXED, more=ANNA))
        (callback,) = owed(world)
        assert outcomes(world, callback) == [Outcome.MACHINE, Outcome.REACHED]
        assert told(world, callback, "text.promised") == []


def test_a_text_that_does_not_arrive_goes_by_e_mail_and_without_one_is_said_aloud() -> None:
    post = Post()
    with line(mail=post) as world:
        world.network.no_texts.add(MARIA)
        played(world, script(ASKED))
        has_address(world)
        played(world, script("[hear: premi 1, press: 1, hear: siete al posto 1, press: 1]", more=ANNA))
        world.telephones.wait(120)
        (callback,) = owed(world)
        assert told(world, callback, "text.promised", "text.ended", "text.received") == [
            "text.promised",
            "text.ended",
            "text.received",
            "text.promised",
            "text.ended",
        ]
        ((to, _, body),) = post.letters
        assert to == "maria@example.it" and "Riproviamo" in body
    with line() as world:
        world.network.no_texts.add(MARIA)
        played(world, script(MISSES + "]", more=ANNA))
        (callback,) = owed(world)
        assert callback.tell  # aloud, at the next attempt
        due = promise(world, callback)
        assert due.to_be_told is (due.moves == 1)


# --- When we may not call ---------------------------------------------------------------------------------------------


def test_an_emergency_closing_moves_the_call_and_the_customer_is_told() -> None:
    with line() as world:
        played(world, script(ASKED))
        (before,) = owed(world)
        was_due = promise(world, before).due_at
        with world.records.write() as tx:
            tx.switches.close_now(EmergencyClosing("office", world.scheduler.now(), because="un guasto"))
        world.sign_in(OnDuty("anna", address="+390212345601"))
        world.telephones.wait(120)
        (callback,) = owed(world)
        assert outcomes(world, callback) == []
        assert callback.next_at == datetime.fromisoformat("2026-11-25T09:00:00+01:00")
        owes = promise(world, callback)
        assert (owes.state, owes.due_at) == (PromiseState.OPEN, datetime.fromisoformat("2026-11-25T11:00:00+01:00"))
        assert owes.missed_at is None and was_due < owes.due_at
        (text,) = world.network.messages(to=MARIA)
        assert "non possiamo richiamarvi quando vi avevamo detto. Vi richiamiamo entro domani alle 11" in text.body
        assert told(world, callback, "promise.moved", "promise.move_told") == ["promise.moved", "promise.move_told"]
        with world.records.write() as tx:
            tx.switches.open_again("office", world.scheduler.now())
        world.telephones.wait(23 * 3600 + 300)
        (callback,) = owed(world)
        assert outcomes(world, callback) == [Outcome.NO_ANSWER]


# --- What was promised ------------------------------------------------------------------------------------------------


def test_a_day_on_which_nobody_was_there_in_time_is_on_record_as_one() -> None:
    steps = ASKED[:-1] + ", answer: {within: 3 h}, hear: 'Ci scusiamo: vi chiamiamo più tardi', press: 1, talk]"
    late = "agents: [{name: anna, talks: 30 s, signs_in_at: 140 min}]"
    with line() as world:
        board = wiring.ask_board(wiring.company(world.office.settings), world.records, world.scheduler)
        played(world, script(steps, more=late))
        (callback,) = owed(world)
        owes = promise(world, callback)
        assert (owes.state, owes.because) == (PromiseState.LATE, "the customer was reached")
        steps_of_it = [kind for kind in told(world, callback) if kind.startswith("promise.")]
        assert steps_of_it == ["promise.made", "promise.warned", "promise.late", "promise.closed"]
        assert owes.warned_at is not None and owes.late_at is not None
        assert (
            timedelta() <= owes.warned_at - (owes.made_at + 0.8 * (owes.due_at - owes.made_at)) <= timedelta(minutes=1)
        )
        assert timedelta() <= owes.late_at - owes.due_at <= timedelta(minutes=1)
        found = board.promised()
        assert (found.due, found.warned, found.late, found.kept.due, found.kept.rate) == (0, 0, 0, 1, 0.0)
