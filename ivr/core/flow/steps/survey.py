"""Ask the questions of a survey. Every answer is on record with the turn; nobody is asked a third time."""

from __future__ import annotations

from datetime import datetime, timedelta

from ivr.core.company import Hours, Survey, SurveyQuestion
from ivr.core.events import SurveyAnswered
from ivr.core.flow.model import Callback, HoursNode, QueueNode, Reprompt, SurveyNode
from ivr.core.flow.speaking import Spoken, in_words
from ivr.core.flow.steps.asking import mistake, note_answer, patience, person_asked, say_hints, silence
from ivr.core.flow.turn import Ask, FollowUp, Heard, KeepAnswer, Keys, Silence, Words
from ivr.core.flow.walk import Fail, Leave, ToPerson, Wait, Walk
from ivr.core.hours import due_in_opening_time
from ivr.core.survey import unhappy
from ivr.core.words import QueueName

TWICE = Reprompt(then="", tries=2)
"""After the second silence, or the second wrong key, the question stays without an answer."""

WORKING_DAY = timedelta(hours=8)
"""Of opening time: by then whoever was unhappy hears from us."""

FOLLOWED_UP = "call.follow_up"
"""Whether this call was promised already that it will hear from us."""

UNSORTED = QueueName("unsorted")
"""Who owes what no queue of the company can be found for, as with messages."""


def survey(walk: Walk, node: SurveyNode, heard: Heard | None) -> Leave | Fail | ToPerson | Wait:
    """The stage is the name of the question asked, so that it is still the right one in the next turn."""
    known = walk.company.surveys.get(node.survey)
    if known is None:
        return Fail(f"the company has no survey {node.survey}")
    asked_last = walk.stage.removeprefix("ask:")
    question = next((each for each in known.questions if each.name == asked_last), None)
    if heard is None or question is None:
        return asked(walk, known.questions[0]) if known.questions else Leave("then", "it has no questions")
    match heard:
        case Keys("0") if person := person_asked(walk):
            note_answer(walk, heard)
            return person
        case Keys("*"):
            note_answer(walk, heard)
            return asked(walk, question)
        case Keys(keys) if keys in question.answers:
            note_answer(walk, heard)
            answered(walk, known, question, question.answers[keys])
            return onward(walk, known, question, thanks=True)
        case Keys() | Words():
            note_answer(walk, heard)
            if mistake(walk, TWICE, "wrong_key") is None:
                return asked(walk, question)
        case Silence():
            if silence(walk, TWICE) is None:
                return asked(walk, question)
        case _:
            return asked(walk, question)
    return onward(walk, known, question, thanks=False)


def asked(walk: Walk, question: SurveyQuestion) -> Wait:
    walk.say(question.ask)
    say_hints(walk)
    return Wait(f"ask:{question.name}", Ask((), 1, "", patience(walk), walk.language))


def answered(walk: Walk, known: Survey, question: SurveyQuestion, value: str) -> None:
    """Put the answer on record; who is unhappy is owed more than thanks, once a call."""
    sad = unhappy(question, value)
    walk.deeds.append(KeepAnswer(known.name, question.name, question.measures, value, sad))
    walk.note(SurveyAnswered(known.name, question.name, question.measures, value, sad))
    if sad:
        follow_up(walk)


def onward(walk: Walk, known: Survey, question: SurveyQuestion, *, thanks: bool) -> Leave | Wait:
    """To the next question, with fresh tries, or out."""
    walk.no_input, walk.no_match = 0, 0
    after = known.questions.index(question) + 1
    if after < len(known.questions):
        return asked(walk, known.questions[after])
    if thanks:
        walk.say_sentence("survey_thanks")
    return Leave("then", "all was asked")


def follow_up(walk: Walk) -> None:
    """Promise to be in touch, where there is somebody to be in touch with: a number, or a customer who is known."""
    if walk.value(FOLLOWED_UP) or (walk.scene.caller is None and walk.known is None):
        return
    queue = queue_of(walk)
    hours = hours_of(walk, queue)
    due = due_at(walk, hours)
    if due is None:
        return
    walk.give(FOLLOWED_UP, True)
    walk.deeds.append(FollowUp(due, queue))
    zone = walk.company.zone if hours is None else hours.zone
    text = in_words(due.isoformat(), f"moment:{zone}", walk.voice())
    walk.say_sentence("follow_up", due=Spoken(text, text))


def due_at(walk: Walk, hours: Hours | None) -> datetime | None:
    """A working day from now (UTC); a day of the clock where no hours are known; None: they never open again."""
    if hours is None:
        return walk.scene.now + timedelta(days=1)
    return due_in_opening_time(hours, walk.scene.now, WORKING_DAY, walk.scene.holidays)


def queue_of(walk: Walk) -> QueueName:
    """The queue that the caller stood in last, else the flow's first, else the company's."""
    nodes = walk.version.flow.nodes
    passed = [nodes[name] for name in reversed(walk.path) if name in nodes]
    for node in (*passed, *nodes.values()):
        if isinstance(node, QueueNode | Callback):
            return node.queue
    return next(iter(walk.company.queues), UNSORTED)


def hours_of(walk: Walk, queue: QueueName) -> Hours | None:
    """The queue's hours, else those the line itself goes by."""
    known = walk.company.queues.get(queue)
    names = [known.hours] if known is not None and known.hours is not None else []
    names += [node.hours for node in walk.version.flow.nodes.values() if isinstance(node, HoursNode)]
    return next((walk.company.hours[name] for name in names if name in walk.company.hours), None)
