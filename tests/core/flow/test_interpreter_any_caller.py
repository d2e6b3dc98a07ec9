"""Whatever a caller does in whatever flow, a turn never raises, ends as a turn must, and goes in no circle."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.core.flow import cursor as cursors
from ivr.core.flow import model
from ivr.core.flow.expression import read
from ivr.core.flow.sentences import ITALIAN
from ivr.core.flow.turn import (
    Ask,
    CameBack,
    DialEnded,
    GotFetched,
    GotProof,
    GotRecord,
    Heard,
    Keys,
    LeftQueue,
    NothingRecorded,
    Rang,
    Recorded,
    Silence,
    Words,
)
from ivr.core.words import QueueName
from tests.core.flow.builders import Caller, World, both, flow, menu, option, reprompt, version

NAMES = ("a", "b", "c", "d", "e")
TARGETS = st.sampled_from((*NAMES, "nowhere", "person", "rescue"))
REPROMPTS = st.builds(reprompt, TARGETS, st.integers(0, 3))
VALUES = st.sampled_from(["entry", "entry + 1", "1", '"x"', "order.status", "nothing", "caller.slow", "n - 1"]).map(
    read
)
TESTS = st.sampled_from(['entry == "1"', "n > 1", "caller.slow", "order.status in [1, nothing]"]).map(read)
ANY_KEYS = st.sampled_from(["0", "1", "2", "12", "123", "21", "*", "#", "99"])
TEXTS = st.sampled_from(
    ["Ciao.", "{entry} e {order.due:date}", "{n:money}{customer.name}{x:nonsense}", "{closed.because}"]
)
SALES = QueueName("sales")


def menus(name: str) -> st.SearchStrategy[model.AnyNode]:
    options = st.lists(st.tuples(ANY_KEYS, TARGETS), min_size=0, max_size=6, unique_by=lambda pair: pair[0])
    return st.builds(
        lambda pairs, silent, wrong: model.Menu(
            name=name,
            options=tuple(option(keys, keys, to, speech={ITALIAN: (keys, "uno")}) for keys, to in pairs),
            no_input=silent,
            no_match=wrong,
        ),
        options,
        REPROMPTS,
        REPROMPTS,
    )


def collects(name: str) -> st.SearchStrategy[model.AnyNode]:
    return st.builds(
        model.Collect,
        name=st.just(name),
        variable=st.sampled_from(["entry", "n"]),
        type=st.sampled_from(["digits", "number", "money", "date", "phone_number"]),
        ask=TEXTS.map(both),
        then=TARGETS,
        no_input=REPROMPTS,
        no_match=REPROMPTS,
        shortest=st.integers(1, 3),
        longest=st.integers(1, 12),
        terminator=st.sampled_from(["#", "*", ""]),
        check=st.sampled_from([None, "luhn", "ean13"]),
        read_back=st.booleans(),
        not_confirmed=st.none() | TARGETS,
        private=st.booleans(),
    )


def nodes(name: str) -> st.SearchStrategy[model.AnyNode]:
    at, to = {"name": st.just(name)}, TARGETS
    return st.one_of(
        menus(name),
        collects(name),
        st.builds(model.Say, **at, say=TEXTS.map(both), then=to),
        st.builds(model.Play, **at, sound=st.just("jingle"), then=to),
        st.builds(model.HoursNode, **at, hours=st.sampled_from(["office", "none"]), open=to, closed=to, holiday=to),
        st.builds(
            model.Branch,
            **at,
            cases=st.lists(st.builds(lambda when, go: model.Case(when, go, when.text), TESTS, to), max_size=2).map(
                tuple
            ),
            otherwise=to,
        ),
        st.builds(
            model.Set, **at, values=st.lists(st.tuples(st.sampled_from(["n", "entry"]), VALUES)).map(tuple), then=to
        ),
        st.builds(model.LanguageNode, **at, language=st.sampled_from(["next", "en", "xx"]), then=to),
        st.builds(model.Pace, **at, pace=st.sampled_from(["slow", "normal", "other"]), then=to),
        st.builds(
            model.Verify,
            **at,
            by=st.sampled_from(["pin", "order"]),
            ask=TEXTS.map(both),
            known=to,
            unknown=to,
            failed=to,
            order_variable=st.sampled_from([None, "entry"]),
        ),
        st.builds(model.Lookup, **at, record=st.just("order"), by=st.just("entry"), found=to, not_found=to, failed=to),
        st.builds(
            model.Http,
            **at,
            url=st.just("https://x.test/{entry}"),
            method=st.just("GET"),
            wait=TEXTS.map(both),
            success=to,
            failure=to,
            timed_out=to,
            gives=st.just((("n", "number", "n"),)),
        ),
        st.builds(
            model.Voicemail,
            **at,
            queue=st.just(SALES),
            ask=TEXTS.map(both),
            recorded=to,
            empty=to,
            failed=to,
            answer_within=st.sampled_from([None, model.Within(timedelta(hours=8), "open")]),
        ),
        st.builds(model.QueueNode, **at, queue=st.just(SALES), when_done=to, failed=to),
        st.builds(model.CaseNode, **at, case=st.just("order"), then=to, failed=to, about=st.just("entry")),
        st.builds(
            model.Subflow,
            **at,
            flow=st.sampled_from(["main", "sub", "gone"]),
            exits=st.dictionaries(st.sampled_from(["up", "out"]), to),
            failed=to,
            parameters=st.just((("n", read("entry")),)),
        ),
        st.builds(model.Return, **at, exit=st.sampled_from(["up", "out"]), gives=st.just((("entry", read("n")),))),
        st.builds(model.Hangup, **at, say=st.none() | TEXTS.map(both)),
    )


FLOWS = st.tuples(*(nodes(name) for name in NAMES))
ANSWERS: st.SearchStrategy[Heard] = st.one_of(
    st.text("0123456789*#", min_size=1, max_size=6).map(Keys),
    st.just(Keys("24112026")),
    st.just(Silence()),
    st.sampled_from(["uno", "12", "", "uno due 21"]).map(Words),
    st.sampled_from([Rang(), CameBack(), NothingRecorded(), LeftQueue("hangup"), DialEnded("busy")]),
    st.builds(Recorded, st.just("RE1"), st.just("u"), st.none() | st.just(timedelta(seconds=3)), st.booleans()),
)
WORLDS = st.builds(
    World,
    records=st.sampled_from([{}, {("order", "1"): GotRecord({"status": 1}, {"status": "number"})}]),
    proofs=st.just({("pin", "1", None): GotProof({"name": "Maria"}, "C1")}),
    fetched=st.sampled_from([GotFetched("waiting"), GotFetched("success", {"n": 5}), GotFetched("odd")]),
    down=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(FLOWS, FLOWS, WORLDS, st.lists(ANSWERS, max_size=12), st.booleans(), st.booleans(), TARGETS)
def test_any_caller_in_any_flow_always_hears_how_it_goes_on(
    main: tuple[model.AnyNode, ...],
    sub: tuple[model.AnyNode, ...],
    world: World,
    answers: list[Heard],
    slow: bool,
    speech: bool,
    last_resort: str,
) -> None:
    line = version(*main, subflows=(flow(*sub, name="sub", person=None),), if_all_fails=last_resort)
    caller = Caller(line, world, slow=slow, speech=speech)
    for heard in answers:
        was_over = caller.cursor.ended
        caller.now += timedelta(seconds=1)
        caller.takes(heard)
        assert caller.cursor.ended or not was_over
        assert caller.cursor.stage or caller.cursor.ended
        if isinstance(caller.said, Ask):
            assert caller.said.digits is None or caller.said.digits >= 1
            assert caller.said.patience in (3, 6, 12)
        assert len(json.dumps(cursors.as_json(caller.cursor))) < 20_000


@given(st.lists(st.text("0129*#", min_size=1, max_size=3) | st.just(""), min_size=60, max_size=60))
@settings(max_examples=30, deadline=None)
def test_a_menu_does_not_go_on_for_ever_with_a_caller_who_only_mistakes_and_waits(keys: list[str]) -> None:
    line = version(menu("main", option("1", "uno", "done"), option("12", "dodici", "done")), person="done")
    caller = Caller(line)
    used = 0
    for each in keys:
        if caller.cursor.ended:
            break
        used += each not in ("*", "1")
        caller = caller.presses(each) if each else caller.is_silent()
    assert caller.cursor.ended or used <= 4
