"""Each fault in a small flow that is otherwise in order; the flows are written as their authors write them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest

from ivr.core.flow.check import Facts, check
from ivr.core.flow.faults import Fault
from ivr.core.words import Language
from ivr.flowfiles.marks import read_one
from ivr.flowfiles.problems import Problem
from ivr.flowfiles.shelf import read_sources

TODAY = date(2026, 11, 22)

COMPANY = """
format: 1
company: Officine Verdi
country: IT
zone: Europe/Rome
lines:
  green: {number: +39800123456, flow: f, shows: +390212345678, texts_from: Verdi}
hours:
  office: {week: {mon-fri: 8:30-19:30}}
  never: {week: {sun: closed}}
items:
  fair: {says: {it: Fiera, en: Fair}, until: 2027-04-11}
  half: {says: {it: Metà}}
words:
  order_status: {shipped: {it: in viaggio, en: on its way}}
queues:
  sales: {hours: office, title: {it: ordini, en: orders}}
  nohours: {}
skills: [orders, english]
surveys:
  service: {questions: {helped: {ask: {it: Bene?, en: Good?}, answers: {1: "yes", 2: "no"}, measures: helped}}}
sounds: [waltz]
http_hosts: [api.example]
"""

HEAD = "format: 1\nflow: f\nline: green\nlanguages: [it, en]\nstart: a\nperson: desk\nif_all_fails: message\nnodes:\n"
TAIL = """
  desk: {queue: sales, when_done: bye, failed: message}
  message: {voicemail: sales, ask: {it: Dopo il tono., en: After the tone.}, recorded: bye, empty: bye, failed: bye}
  bye: {hangup: {say: {it: Ciao., en: Bye.}}}
"""
SAY = "{say: {it: Ecco., en: Here.}, then: bye}"


def problems(nodes: str, head: str = HEAD, company: str = COMPANY, tail: str = TAIL, **more: str) -> list[Problem]:
    files = {
        "company.yaml": company,
        "f.yaml": head + nodes + tail,
        **{f"{name}.yaml": text for name, text in more.items()},
    }
    return list(read_sources(files, TODAY).problems)


def told(found: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.severity, problem.code) for problem in found]


def test_a_flow_in_order_has_no_fault() -> None:
    assert problems(f"  a: {SAY}") == []


def test_an_unknown_target_is_told_as_the_house_tells_it() -> None:
    (found,) = problems("  a:\n    menu:\n      2: {for: {it: x, en: y}, to: desc}\n")
    assert str(found) == (
        "f.yaml:11:36: error: menu 'a': key 2 leads to 'desc', which is not a node; did you mean 'desk'?"
    )


MENU = "{for: {it: x, en: y}, to: bye}"

ONE_FAULT: list[tuple[str, str, str]] = [
    ("unknown-target", "error", "  a: {say: {it: x, en: y}, then: xyzzy}"),
    ("unreachable", "warning", f"  a: {SAY}\n  b: {SAY}"),
    ("endless-loop", "error", "  a: {say: {it: x, en: y}, then: b}\n  b: {hours: office, open: a, closed: bye}"),
    ("endless-loop", "error", "  a: {queue: sales, when_done: bye, failed: a}"),
    ("silence-never-ends", "error",
     f"  a: {{menu: {{1: {MENU}}}, no_input: {{then: b}}}}\n  b: {{pace: slow, then: a}}"),
    ("no-way-out", "error",
     "  a: {menu: {1: {for: {it: x, en: y}, to: a}}, no_input: {then: b}, no_match: {then: a}}\n"
     "  b: {collect: n, ask: {it: x, en: y}, then: a, no_input: {then: a}, no_match: {then: a}}"),
    ("missing-language", "error", "  a: {say: {it: x}, then: bye}"),
    ("unused-language", "warning", "  a: {say: {it: x, en: y, fr: z}, then: bye}"),
    ("slots-differ", "warning", "  a: {say: {it: 'x {caller.language}', en: y}, then: bye}"),
    ("long-prompt", "warning", f"  a: {{say: {{it: {'x' * 501}, en: y}}, then: bye}}"),
    ("too-many-options", "warning", "  a: {menu: {" + ", ".join(f"{k}: {MENU}" for k in range(1, 7)) + "}}"),
    ("long-menu", "warning", "  a: {menu: {1: {for: {it: " + "x" * 430 + ", en: y}, to: bye}}}"),
    ("ambiguous-keys", "warning", f"  a: {{menu: {{1: {MENU}, 12: {MENU}}}}}"),
    ("reserved-key", "error", f"  a: {{menu: {{0: {MENU}}}}}"),
    ("reserved-key", "error", f"  a: {{menu: {{'*': {MENU}}}}}"),
    ("words-and-key", "warning", "  a: {menu: {1: {words: {it: Premi 1., en: Press 2.}, to: bye}}}"),
    ("tries", "error", f"  a: {{menu: {{1: {MENU}}}, no_input: {{tries: 0}}}}"),
    ("tries", "warning", f"  a: {{menu: {{1: {MENU}}}, no_match: {{tries: 9}}}}"),
    ("unknown-queue", "error", "  a: {queue: sale, when_done: bye, failed: message}"),
    ("unknown-queue", "error", "  a: {voicemail: x, ask: {it: x, en: y}, recorded: bye, empty: bye, failed: bye}"),
    ("unknown-queue", "error", "  a: {callback: x, when_done: bye, refused: message}"),
    ("unknown-hours", "error", "  a: {hours: ofice, open: bye, closed: bye}"),
    ("unknown-hours", "error", "  a: {callback: sales, slots: x, when_done: bye, refused: message}"),
    ("never-open", "warning", "  a: {hours: never, open: bye, closed: bye}"),
    ("unknown-skill", "error", "  a: {queue: sales, skills: {order: 1}, when_done: bye, failed: message}"),
    ("idle-relax", "warning",
     "  a: {queue: sales, skills: {orders: 1}, relax: [{after: 1 min, skills: [english]}], when_done: bye}"),
    ("unknown-item", "error", "  a: {info: [fare], then: bye}"),
    ("missing-language", "error", "  a: {info: [half], then: bye}"),
    ("unknown-survey", "error", "  a: {survey: x, then: bye}"),
    ("unknown-sound", "error", "  a: {play: walz, then: bye}"),
    ("long-voicemail", "warning",
     "  a: {voicemail: sales, ask: {it: x, en: y}, longest: 10 min, recorded: bye, empty: bye, failed: bye}"),
    ("short-voicemail", "error",
     "  a: {voicemail: sales, ask: {it: x, en: y}, longest: 2 s, recorded: bye, empty: bye, failed: bye}"),
    ("no-hours", "error",
     "  a: {voicemail: nohours, ask: {it: x, en: y}, answer_within: {open: 8 h}, recorded: bye, empty: bye, failed: bye}"),  # noqa: E501
    ("not-https", "error", "  a: {http: 'http://api.example/x', wait: {it: x, en: y}, success: bye}"),
    ("unknown-host", "error", "  a: {http: 'https://apis.example/x', wait: {it: x, en: y}, success: bye}"),
    ("unknown-host", "error", "  a: {http: 'https://{caller.language}.example/', wait: {it: x, en: y}, success: bye}"),
    ("long-fetch", "warning", "  a: {http: 'https://api.example/x', wait: {it: x, en: y}, limit: 30 s, success: bye}"),
    ("premium-number", "error", "  a: {transfer: +39899123456, when_done: bye}"),
    ("odd-number", "warning", "  a: {transfer: +3912, when_done: bye}"),
    ("unreachable-overflow", "warning",
     "  a: {queue: sales, overflow: [{from: 5 min, to: message}, {from: 9 min, to: bye}], when_done: bye}"),
    ("overflow-to-itself", "error", "  a: {queue: sales, overflow: [{from: 5 min, to: a}], when_done: bye}"),
    ("unknown-subflow", "error", "  a: {subflow: x, exits: {done: bye}}"),
    ("recursion", "error", "  a: {subflow: f, exits: {done: bye}}"),
    ("return-to-nobody", "error", "  a: {return: done}"),
    ("private-read-back", "error",
     "  a: {collect: pin, ask: {it: x, en: y}, private: true, read_back: true, length: 4, then: bye}"),
    ("check-type", "error", "  a: {collect: n, ask: {it: x, en: y}, type: money, check: luhn, then: bye}"),
    ("no-terminator", "warning", "  a: {collect: n, ask: {it: x, en: y}, terminator: none, length: 2-4, then: bye}"),
    ("undefined", "error", "  a: {say: {it: '{amont}', en: '{amont}'}, then: bye}"),
    ("undefined", "error", "  a: {say: {it: '{hours.next_open}', en: '{hours.next_open}'}, then: bye}"),
    ("undefined", "error", "  a: {branch: [{when: n == '1', to: bye}], otherwise: bye}"),
    ("undefined", "error",
     "  a: {collect: n, ask: {it: x, en: y}, then: b, no_input: {then: b}}\n"
     "  b: {say: {it: '{n}', en: '{n}'}, then: bye}"),
    ("personal", "error", "  a: {say: {it: '{customer.maybe.name}', en: '{customer.maybe.name}'}, then: bye}"),
    ("secret", "error", f"  a: {SAY} # password: hunter2"),
    ("secret", "error", "  a: {http: 'https://bob:hunter2@api.example/x', wait: {it: x, en: y}, success: bye}"),
    ("secret", "error", "  a: {http: 'https://api.example/x?api_key=abcd1234', wait: {it: x, en: y}, success: bye}"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "nodes"), ONE_FAULT)
def test_one_fault_is_found_and_no_other(code: str, severity: str, nodes: str) -> None:
    found = problems(nodes)
    also = {("error", "silence-never-ends")} if code == "no-way-out" else set[tuple[str, str]]()
    assert set(told(found)) == {(severity, code)} | also, [str(problem) for problem in found]
    assert all(problem.line > 8 for problem in found)


@pytest.mark.parametrize(
    ("code", "line", "head"),
    [
        ("missing-person", 1, HEAD.replace("person: desk\n", "")),
        ("unknown-line", 3, HEAD.replace("green", "grean")),
        ("unknown-language", 4, HEAD.replace("[it, en]", "[it, fr]")),
        ("unknown-target", 5, HEAD.replace("start: a", "start: aa1")),
        ("nobody-there", 6, HEAD.replace("person: desk", "person: bye")),
        ("nobody-there", 7, HEAD.replace("if_all_fails: message", "if_all_fails: bye")),
    ],
)
def test_a_fault_of_the_head(code: str, line: int, head: str) -> None:
    found = [problem for problem in problems(f"  a: {SAY}", head) if problem.code == code]
    assert [problem.line for problem in found] == [line]


def test_a_person_must_be_reached_at_every_hour_and_the_trail_is_told() -> None:
    nodes = f"  a: {SAY}\n  door: {{hours: office, open: desk, closed: shut}}\n"
    nodes += "  shut: {say: {it: Chiuso., en: Closed.}, then: bye}"
    (found,) = problems(nodes, HEAD.replace("person: desk", "person: door"))
    assert (found.code, found.line) == ("nobody-there", 6)
    assert "door → (closed) shut → (then) bye hangs up" in found.text


def test_a_menu_behind_zero_is_fine_when_silence_comes_to_a_message() -> None:
    nodes = f"  a: {SAY}\n  door: {{hours: office, open: desk, closed: ask}}\n"
    nodes += f"  ask: {{menu: {{1: {{for: {{it: x, en: y}}, to: message}}, 2: {MENU}}}, "
    nodes += "no_input: {then: message}, no_match: {then: message}}"
    assert problems(nodes, HEAD.replace("person: desk", "person: door")) == []


ORDER = """  a: {collect: n, ask: {it: x, en: y}, then: who}
  who: {verify: {order: n, with: postcode}, ask: {it: x, en: y}, known: find, unknown: %s}
  find: {lookup: order, by: n, found: tell, not_found: desk}
  tell: {say: {it: '{order.status}', en: '{order.status}'}, then: bye}
"""


def test_an_order_is_spoken_after_verify() -> None:
    assert problems(ORDER % "desk") == []


def test_an_order_is_not_spoken_where_some_path_comes_by_unknown() -> None:
    found = problems(ORDER % "find")
    assert told(found) == [("error", "personal")] * 2
    assert "some path comes here without 'verify'" in found[0].text


def test_a_personal_value_stays_personal_under_another_name() -> None:
    nodes = """  a: {collect: n, ask: {it: x, en: y}, then: find}
  find: {lookup: order, by: n, found: keep, not_found: desk}
  keep: {set: {due: order.due}, then: tell}
  tell: {say: {it: '{due}', en: '{due}'}, then: bye}
"""
    assert set(told(problems(nodes))) == {("error", "personal")}


def test_the_name_may_be_spoken_where_the_line_says_so() -> None:
    nodes = "  a: {say: {it: '{customer.maybe.name}', en: '{customer.maybe.name}'}, then: bye}"
    assert (
        problems(nodes, company=COMPANY.replace("texts_from: Verdi", "texts_from: Verdi, greets_by_name: true")) == []
    )


def test_what_caller_id_suggests_may_choose_the_way() -> None:
    assert (
        problems(f"  a: {{branch: [{{when: customer.maybe.language == 'en', to: b}}], otherwise: bye}}\n  b: {SAY}")
        == []
    )


SUB = """format: 1
flow: sub
languages: [it, en]
start: who
if_all_fails: gone
returns: {due: date}
nodes:
  who: {verify: pin, ask: {it: x, en: y}, known: done, unknown: gone}
  done: {return: done, gives: {due: "'2026-12-24'"}}
  gone: {return: gone, gives: {due: "''"}}
"""


def test_a_subflow_may_be_the_one_that_verifies() -> None:
    nodes = """  a: {subflow: sub, exits: {done: tell, gone: desk}}
  tell: {say: {it: '{customer.name} {due}', en: '{customer.name} {due}'}, then: bye}
"""
    assert problems(nodes, sub=SUB) == []
    by_the_other_exit = problems(nodes.replace("done: tell, gone: desk", "done: desk, gone: tell"), sub=SUB)
    assert {problem.code for problem in by_the_other_exit} == {"undefined"}


def test_a_subflow_that_speaks_of_the_customer_wants_a_proven_one() -> None:
    speaking = SUB.replace("start: who", "start: tell").replace(
        "nodes:\n", "nodes:\n  tell: {say: {it: '{customer.name}', en: '{customer.name}'}, then: who}\n"
    )
    found = problems("  a: {subflow: sub, exits: {done: bye, gone: desk}}\n", sub=speaking)
    assert [(problem.file, problem.line) for problem in found if problem.code == "personal"] == []
    assert {problem.code for problem in found} <= {"undefined"}
    proven = "  a: {verify: pin, ask: {it: x, en: y}, known: b, unknown: desk}\n"
    assert problems(proven + "  b: {subflow: sub, exits: {done: bye, gone: desk}}\n", sub=speaking) == []


@pytest.mark.parametrize(
    ("code", "exits", "sub"),
    [
        ("unknown-exit", "{done: bye, gone: bye, dnoe: bye}", SUB),
        ("missing-exit", "{done: bye}", SUB),
        ("unknown-parameter", "{done: bye, gone: bye}, parameters: {x: '1'}", SUB),
        ("missing-parameter", "{done: bye, gone: bye}", SUB.replace("returns:", "parameters: {n: text}\nreturns:")),
        ("missing-language", "{done: bye, gone: bye}", SUB.replace("[it, en]", "[it]")),
        ("unknown-return", "{done: bye, gone: bye}", SUB.replace("gives: {due:", "gives: {dew:", 1)),
        ("missing-return", "{done: bye, gone: bye}", SUB.replace(", gives: {due: \"''\"}", "")),
        ("recursion", "{done: bye, gone: bye}", SUB.replace("{return: gone, gives: {due: \"''\"}}",
                                                          "{subflow: f, exits: {x: done}}")),
    ],
)  # fmt: skip
def test_faults_of_handing_over(code: str, exits: str, sub: str) -> None:
    found = problems(f"  a: {{subflow: sub, exits: {exits}}}\n", sub=sub)
    assert code in {problem.code for problem in found}, [str(problem) for problem in found]


def test_faults_of_different_kinds_come_at_once() -> None:
    nodes = """  a: {say: {it: x}, then: mnu}
  mnu2: {menu: {0: {for: {it: x, en: y}, to: nowhere_at_all}}}
  c: {queue: sals, when_done: bye}
  d: {sya: x}
"""
    found = {problem.code for problem in problems(nodes)}
    assert {"missing-language", "unknown-target", "reserved-key", "unknown-queue", "unreachable", "no-kind"} <= found


def test_a_line_that_calls_back_needs_a_number_to_show() -> None:
    company = COMPANY.replace(", shows: +390212345678", "")
    found = problems("  a: {callback: sales, when_done: bye, refused: message}", company=company)
    assert told(found) == [("error", "no-caller-id")]


def test_a_line_that_cannot_text_is_warned_of() -> None:
    company = COMPANY.replace(", texts_from: Verdi", "")
    found = problems("  a: {message: {it: x, en: y}, then: bye}", company=company)
    assert told(found) == [("warning", "no-sender")]


def test_an_item_that_is_over_is_warned_of_once_where_it_ends() -> None:
    company = COMPANY.replace("until: 2027-04-11", "until: 2026-01-31")
    found = problems("  a: {info: [fair], then: bye}", company=company)
    assert [(problem.file, problem.code, problem.severity) for problem in found] == [
        ("company.yaml", "expired-item", "warning")
    ]


def test_a_line_without_its_flow_and_a_flow_at_another_line() -> None:
    assert {"unknown-flow", "line-elsewhere"} <= {
        problem.code for problem in problems(f"  a: {SAY}", company=COMPANY.replace("flow: f,", "flow: g,"))
    }


def test_a_phrase_that_replaces_a_house_sentence_cannot_say_more_than_it() -> None:
    company = COMPANY + "phrases: {goodbye: {it: 'Ciao {customer.name}', en: Bye}}\n"
    assert "undefined" in {problem.code for problem in problems(f"  a: {SAY}", company=company)}


def test_a_thousand_nodes_with_wrong_targets_are_checked_in_seconds() -> None:
    nodes = "".join(f"  n{n}: {{say: {{it: x, en: y}}, then: wrong_{n}}}\n" for n in range(1500))
    before = time.process_time()
    found = problems(f"  a: {SAY}\n{nodes}")
    assert len([problem for problem in found if problem.code == "unknown-target"]) == 1500
    assert time.process_time() - before < 15


def test_the_checker_alone_gives_faults_with_key_paths() -> None:
    shelf = read_sources({"company.yaml": COMPANY, "f.yaml": f"{HEAD}  a: {{say: {{it: x}}, then: bye}}{TAIL}"}, TODAY)
    assert shelf.company is not None
    (fault,) = check(shelf.flows["f"], shelf.company, {}, Facts(TODAY))
    assert isinstance(fault, Fault)
    assert (fault.path, fault.code, fault.mark.line) == ("a.say", "missing-language", 9)
    spoken = replace(Facts(TODAY), languages=(Language("it"),))
    assert "unknown-language" in {f.code for f in check(shelf.flows["f"], shelf.company, {}, spoken)}


def test_nothing_is_judged_where_the_file_cannot_be_read() -> None:
    tree, problems_ = read_one("f.yaml", b"\xff")
    assert tree is None
    assert [problem.code for problem in problems_] == ["not-utf8"]
