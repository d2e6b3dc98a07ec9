"""Make sure who it is: caller id is never proof, a PIN is, or an order number with its postcode."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from ivr.core.events import CallerMistook, CallerSilent, CallerVerified, VerificationFailed
from ivr.core.flow.model import Verify
from ivr.core.flow.steps.asking import note_answer, patience, person_asked, say_hints
from ivr.core.flow.steps.lookup import OWNER, reason
from ivr.core.flow.turn import Ask, Got, GotProof, Heard, Keys, Recognise, Silence, Want, WantProof
from ivr.core.flow.walk import Fail, Leave, ToPerson, Wait, Walk

TYPES: Mapping[str, str] = {"postcode": "digits", "number": "digits", "slow": "text"}


def verify(walk: Walk, node: Verify, heard: Heard | None) -> Generator[Want, Got, Leave | ToPerson | Fail | Wait]:
    """Silence and wrong answers use up the same tries; the last leaves by `unknown`."""
    if node.by == "order" and not walk.value(node.order_variable or ""):
        return Leave("unknown", "there is no order number to prove")
    match heard:
        case Keys("*"):
            note_answer(walk, heard)
            return asked(walk, node)
        case Keys("0") if person := person_asked(walk):
            note_answer(walk, heard)
            return person
        case Keys(answer):
            note_answer(walk, heard, private=True)
            return (yield from proven(walk, node, answer))
        case Silence():
            walk.no_input += 1
            walk.note(CallerSilent(node.name, walk.no_input))
            return again(walk, node, "not_heard")
        case _:
            return asked(walk, node)


def proven(walk: Walk, node: Verify, answer: str) -> Generator[Want, Got, Leave | Fail | Wait]:
    order = str(walk.value(node.order_variable)) if node.by == "order" and node.order_variable else None
    got = yield WantProof(node.by, answer, order)
    if not isinstance(got, GotProof):
        return Fail(reason(got))
    if got.fields is None or got.customer is None:
        walk.no_match += 1
        walk.note(VerificationFailed(node.by))
        walk.note(CallerMistook(node.name, walk.no_match, "not_verified"))
        return again(walk, node, "not_verified")
    recognise(walk, got.customer)
    for name, value in got.fields.items():
        walk.give(name if "." in name else f"customer.{name}", value, got.types.get(name) or TYPES.get(name))
    walk.note(CallerVerified(node.by, got.customer))
    return Leave("known", f"proven by {node.by}")


def recognise(walk: Walk, customer: str) -> None:
    """From now on this is that customer: nothing of another one stays."""
    anothers = walk.value(f"order.{OWNER}") not in (None, customer)
    if anothers or (walk.known is not None and walk.known != customer):
        walk.forget("order.")
    walk.forget("customer.")
    walk.known = customer
    walk.deeds.append(Recognise(customer))


def again(walk: Walk, node: Verify, sentence: str) -> Leave | Wait:
    asks = walk.no_input + walk.no_match
    if asks >= node.tries:
        return Leave("unknown", f"not proven in {asks} tries")
    walk.say_sentence(sentence)
    return asked(walk, node)


def asked(walk: Walk, node: Verify) -> Wait:
    walk.say(node.ask)
    say_hints(walk)
    return Wait("ask", Ask((), node.longest, "#", patience(walk), walk.language))
