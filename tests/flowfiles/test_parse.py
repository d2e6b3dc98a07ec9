from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.core.flow import model
from ivr.core.flow.text import Slot
from ivr.core.words import Language
from ivr.flowfiles.fields import template
from ivr.flowfiles.grammar import KINDS
from ivr.flowfiles.marks import read_one
from ivr.flowfiles.parse import _READERS, Parsed, parse_flow

HEAD = "format: 1\nflow: f\nlanguages: [it, en]\nstart: a\nif_all_fails: z\n"


def parsed(nodes: str, head: str = HEAD) -> Parsed:
    tree, problems = read_one("f.yaml", f"{head}nodes:\n{nodes}")
    assert not problems
    assert tree is not None
    return parse_flow(tree)


def node(text: str) -> model.AnyNode:
    read = parsed(f"  a: {text}\n")
    assert not read.problems
    assert read.flow is not None
    return read.flow.nodes["a"]


def only_problem(nodes: str, head: str = HEAD) -> str:
    (problem,) = parsed(nodes, head).problems
    return str(problem)


def test_every_kind_of_the_model_is_in_the_grammar_and_is_read() -> None:
    kinds = {kind.kind for kind in model.AnyNode.__args__}  # type: ignore[attr-defined]
    assert set(KINDS) == set(_READERS) == kinds


def test_a_menu_with_defaults() -> None:
    menu = node("{menu: {1: {for: {it: un ordine, en: an order}, to: b}}}")
    assert isinstance(menu, model.Menu)
    assert menu.ways() == (("1", "b"), ("no_input", "z"), ("no_match", "z"))
    assert (menu.no_input.tries, menu.no_match.tries) == (3, 3)
    assert (menu.marks["menu.1.to"].line, menu.marks["menu.1.to"].column) == (7, 58)


def test_a_person_stands_before_the_last_resort_where_a_menu_names_no_way() -> None:
    read = parsed("  a: {menu: {1: {for: {it: x, en: y}, to: b}}}\n", HEAD + "person: p\n")
    assert read.flow is not None
    assert dict(read.flow.nodes["a"].ways())["no_input"] == "p"


def test_a_collect() -> None:
    collect = node("{collect: order_number, ask: {it: x, en: y}, length: 6-8, check: luhn, read_back: true, then: b}")
    assert isinstance(collect, model.Collect)
    assert (collect.shortest, collect.longest, collect.check, collect.terminator) == (6, 8, "luhn", "#")
    assert (collect.read_back, collect.private, collect.type) == (True, False, "digits")


def test_a_queue_with_everything() -> None:
    queue = node(
        "{queue: sales, skills: {orders: 2}, prefer: last_agent, priority: 2 min, when_done: b, "
        "relax: [{after: 3 min, skills: [orders]}], "
        "wait: {offer_callback: {from: 60 s, or_estimate: 3 min, or_ratio: 2.5}, keys: {1: callback, 2: voicemail}}, "
        "overflow: [{from: 10 min, to: c}, {when: nobody_signed_in, to: d}]}"
    )
    assert isinstance(queue, model.QueueNode)
    assert queue.offer_callback == model.OfferCallback(timedelta(seconds=60), timedelta(minutes=3), 2.5)
    assert queue.ways() == (
        ("when_done", "b"), ("voicemail", "z"), ("overflow_1", "c"), ("overflow_2", "d"), ("failed", "z"),
    )  # fmt: skip
    assert queue.priority == 120
    assert queue.relax == ((timedelta(minutes=3), ("orders",)),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{verify: pin, ask: {it: x, en: y}, known: b, unknown: c}", {"known": "b", "unknown": "c", "failed": "z"}),
        ("{verify: {order: n, with: postcode}, ask: {it: x, en: y}, known: b, unknown: c, failed: d}",
         {"known": "b", "unknown": "c", "failed": "d"}),
        ("{http: 'https://h/{n}', wait: {it: x, en: y}, success: b, failed: c, timeout: d}",
         {"success": "b", "failure": "c", "timeout": "d"}),
        ("{transfer: '+39 02 1234 5699', when_done: b, busy: c}",
         {"when_done": "b", "busy": "c", "no_answer": "z", "failed": "z"}),
        ("{subflow: s, exits: {done: b, gave_up: c}}", {"done": "b", "gave_up": "c", "failed": "z"}),
        ("{branch: [{when: \"n == '1'\", to: b}], otherwise: c}", {"n == '1'": "b", "otherwise": "c"}),
        ("{info: [fair], then: b}", {"then": "b", "none": "b"}),
        ("{message: {it: x, en: y}, then: b}", {"then": "b", "failed": "z"}),
        ("{callback: sales, slots: office, when_done: b, refused: c}",
         {"when_done": "b", "refused": "c", "failed": "z"}),
        ("{pace: slow, then: b}", {"then": "b"}),
        ("{language: next, then: b}", {"then": "b"}),
        ("{set: {n: '1 + 1'}, then: b}", {"then": "b"}),
        ("{return: done, gives: {n: n}}", {}),
        ("{hangup: }", {}),
    ],
)  # fmt: skip
def test_ways_out_of_the_other_kinds(text: str, expected: dict[str, str]) -> None:
    assert dict(node(text).ways()) == expected


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ("  a: {say: {it: x, en: y}, than: b, then: b}\n",
         "f.yaml:7:28: error: say 'a': key 'than' means nothing here; did you mean 'then'?"),
        ("  a: {say: {it: x, en: y}}\n", "f.yaml:7:6: error: say 'a': 'then' is missing; add 'then:'"),
        ("  a: {say: ciao, then: b}\n",
         "f.yaml:7:12: error: say 'a': 'say' does not say which language it is in; "
         "write {it: …, en: …}, one text for each language"),
        ("  a: {saay: {it: x, en: y}, then: b}\n",
         "f.yaml:7:3: error: node 'a' does not say what it does; did you mean 'say'?"),
        ("  a: {say: {it: x, en: y}, play: s, then: b}\n",
         "f.yaml:7:28: error: node 'a' is both a say and a play; one node does one thing; make two of it"),
        ("  a: {say: {it: 'x {order.due', en: y}, then: b}\n",
         "f.yaml:7:17: error: say 'a': 'say' in it: a { is not closed; write {{ for a brace that is spoken"),
        ("  a: {say: {it: 'x {due:mony}', en: y}, then: b}\n",
         "f.yaml:7:17: error: say 'a': 'say' in it: 'mony' is no style; did you mean 'money'?"),
        ("  a: {say: {phrase: greting}, then: b}\n",
         "f.yaml:7:21: error: say 'a': company.yaml has no phrase 'greting'; add it under 'phrases'"),
        ("  a: {branch: [{when: n ==, to: b}], otherwise: c}\n", "f.yaml:7:28: error: branch 'a': a case: 'when': "),
        ("  a: {voicemail: s, ask: {it: x, en: y}, longest: soon, recorded: b, empty: c}\n",
         "f.yaml:7:51: error: voicemail 'a': 'longest': 'soon' is no length of time; "
         "write 20 s, 2 min, 8 h or 1 h 30 min"),
        ("  a: {menu: {x: {for: {it: x, en: y}, to: b}, 1: {for: {it: x, en: y}, to: b}}}\n",
         "f.yaml:7:14: error: menu 'a': 'x' are no keys of a telephone; an option's key is 1 to 9"),
        ("  a: {transfer: 0212345, when_done: b}\n",
         "f.yaml:7:17: error: transfer 'a': 'transfer': '0212345' is no phone number; "
         "write it with + and the country's code: +390212345678"),
        ("  A-1: {say: {it: x, en: y}, then: b}\n",
         "f.yaml:7:3: error: flow: 'A-1' is no name; use small letters, digits and _: a_1"),
        ("  a: {say: {it: Digitate, premete., en: y}, then: b}\n",
         "f.yaml:7:27: error: say 'a': 'say': 'premete.' is no language; "
         "a comma ends a text inside { }; put the text in quotes"),
    ],
)  # fmt: skip
def test_an_authors_slip_is_told_with_its_place_and_its_cure(nodes: str, told: str) -> None:
    assert only_problem(nodes).startswith(told)


def test_a_file_from_the_future_is_told_so_and_nothing_else() -> None:
    told = only_problem("  a: {hologram: x}\n", HEAD.replace("format: 1", "format: 7"))
    assert told == (
        "f.yaml:1:9: error: this file is in format 7, and this version reads format 1; "
        "update Numero Verde, or write the flow in the older format"
    )


def test_a_bare_text_is_enough_where_the_flow_speaks_one_language() -> None:
    read = parsed("  a: {say: Buongiorno, then: b}\n", HEAD.replace("[it, en]", "[it]"))
    assert not read.problems
    assert read.flow is not None
    ((_, prompt),) = read.flow.nodes["a"].prompts()
    assert prompt.texts[Language("it")].plain() == "Buongiorno"


def test_templates() -> None:
    assert template("L'ordine {order.number:digits} {{sic}}").parts == (
        "L'ordine ", Slot("order.number", "digits"), " {sic}",
    )  # fmt: skip
    assert template("{a}{b}").parts == (Slot("a"), Slot("b"))


def test_all_problems_come_at_once() -> None:
    read = parsed("  a: {say: {it: x}, thn: b}\n  b: {play: , then: c}\n  c: {nothing: x}\n")
    assert [problem.line for problem in read.problems] == [7, 7, 8, 9]
    assert read.broken == {"a", "b", "c"}


def test_the_sketch_is_read_but_for_two_texts_that_want_quotes(shared: Path) -> None:
    tree, problems = read_one("sketch.yaml", (shared / "design" / "flow-sketch.yaml").read_bytes())
    assert tree is not None
    read = parse_flow(tree)
    assert not problems
    assert [(problem.line, problem.suggestion) for problem in read.problems] == [
        (46, "a comma ends a text inside { }; put the text in quotes"),
        (108, "a comma ends a text inside { }; put the text in quotes"),
    ]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_mutated_flow_never_raises(shipped: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = (shipped / "numero_verde.yaml").read_text("utf-8").splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 2:
                lines[at] = lines[at].replace(":", chance.choice(["", ": [", ": {", ": '"]), 1)
            case 3:
                lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
            case _:
                lines[at] = "  " * chance.randint(0, 4) + lines[at].strip()
    tree, _ = read_one("f.yaml", "\n".join(lines))
    if tree is not None:
        parse_flow(tree)
