"""What each kind of node does when a caller comes to it (``heard`` is None) or answers it."""

from __future__ import annotations

from collections.abc import Generator
from typing import assert_never

from ivr.core.flow import model
from ivr.core.flow.steps.branch import branch, set_
from ivr.core.flow.steps.callback import callback
from ivr.core.flow.steps.case import case_
from ivr.core.flow.steps.collect import collect
from ivr.core.flow.steps.hours import hours
from ivr.core.flow.steps.http import http
from ivr.core.flow.steps.lookup import lookup
from ivr.core.flow.steps.manner import language, pace
from ivr.core.flow.steps.menu import menu
from ivr.core.flow.steps.message import message
from ivr.core.flow.steps.queue import queue_
from ivr.core.flow.steps.say import hangup, info, play, say
from ivr.core.flow.steps.subflow import return_, subflow
from ivr.core.flow.steps.survey import survey
from ivr.core.flow.steps.transfer import transfer
from ivr.core.flow.steps.verify import verify
from ivr.core.flow.steps.voicemail import voicemail
from ivr.core.flow.turn import Got, Heard, Want
from ivr.core.flow.walk import Outcome, Walk


def step(walk: Walk, node: model.AnyNode, heard: Heard | None) -> Generator[Want, Got, Outcome]:
    """One node's work; it says, notes and does through ``walk``, and answers how it ends."""
    match node:
        case model.Say():
            return say(walk, node)
        case model.Play():
            return play(walk, node)
        case model.Menu():
            return menu(walk, node, heard)
        case model.Collect():
            return collect(walk, node, heard)
        case model.HoursNode():
            return (yield from hours(walk, node))
        case model.Branch():
            return branch(walk, node)
        case model.Set():
            return set_(walk, node)
        case model.LanguageNode():
            return language(walk, node)
        case model.Pace():
            return pace(walk, node)
        case model.Verify():
            return (yield from verify(walk, node, heard))
        case model.Lookup():
            return (yield from lookup(walk, node))
        case model.Http():
            return (yield from http(walk, node, heard))
        case model.Info():
            return info(walk, node)
        case model.Voicemail():
            return (yield from voicemail(walk, node, heard))
        case model.QueueNode():
            return (yield from queue_(walk, node, heard))
        case model.Callback():
            return (yield from callback(walk, node, heard))
        case model.Transfer():
            return transfer(walk, node, heard)
        case model.SurveyNode():
            return survey(walk, node, heard)
        case model.Message():
            return message(walk, node)
        case model.CaseNode():
            return (yield from case_(walk, node))
        case model.Subflow():
            return subflow(walk, node)
        case model.Return():
            return return_(walk, node)
        case model.Hangup():
            return hangup(walk, node)
        case _:
            assert_never(node)
