from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from ivr.core.company import Company, Span
from ivr.flowfiles import scalars
from ivr.flowfiles.company import parse_company
from ivr.flowfiles.marks import read_one

HEAD = "format: 1\ncompany: Verdi\ncountry: IT\nzone: Europe/Rome\nlines: {green: {number: +39800123456, flow: f}}\n"


def company(text: str) -> Company:
    tree, problems = read_one("company.yaml", HEAD + text)
    assert tree is not None
    read, more = parse_company(tree)
    assert (problems, more) == ((), ())
    assert read is not None
    return read


def problem(text: str) -> str:
    tree, _ = read_one("company.yaml", text)
    assert tree is not None
    (found,) = parse_company(tree)[1]
    return str(found)


def test_the_shipped_company(shipped: Path) -> None:
    tree, _ = read_one("company.yaml", (shipped / "company.yaml").read_bytes())
    assert tree is not None
    read, problems = parse_company(tree)
    assert problems == ()
    assert read is not None
    line = read.lines["toll_free"]
    assert (str(line.number), str(line.shows), line.callable_from) == (
        "+39800123456",
        "+390212345678",
        ("IT", "SM", "VA"),
    )
    assert read.hours["office"].week[0] == (Span(time(8, 30), time(19, 30)),)
    assert read.hours["office"].week[6] == ()
    assert read.hours["workshop"].week[4] == (Span(time(8), time(12, 30)), Span(time(14), time(18)))
    assert read.hours["office"].closings[0].last == date(2027, 1, 2)
    assert set(read.words["order_status"]) >= {"shipped", "delivered"}
    assert [question.measures for question in read.surveys["service"].questions] == ["helped", "solved"]
    assert read.surveys["service"].questions[0].answers == {"1": "yes", "2": "no"}


def test_closings_of_all_hours_and_each_year() -> None:
    read = company(
        "closings: [{name: patron, day: 2026-12-07, yearly: true}]\n"
        "hours: {office: {week: {daily: 0:00-24:00}, closings: [{name: x, first: 2026-08-10, last: 2026-08-21}]}}\n"
    )
    assert [(c.first, c.last, c.yearly) for c in read.hours["office"].closings] == [
        (date(2026, 12, 7), date(2026, 12, 7), True),
        (date(2026, 8, 10), date(2026, 8, 21), False),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD.replace("Rome", "Roma"), "4:7: error: company: 'zone': 'Europe/Roma' is no time zone; did you mean"),
        (HEAD + "hours: {office: {week: {mon-fry: 8-18}}}\n", "6:34: error: company: hours: 'office': 'week': 'mon-fry'"),  # noqa: E501
        (HEAD + "hours: {office: {week: {mon: 8:30-25}}}\n", "6:30: error: company: hours: 'office': 'week': '8:30-25'"),  # noqa: E501
        (HEAD + "hours: {office: {week: {mon: 8-12, mon-fri: 14-18}}}\n", "6:36: error: company: hours: 'office': 'week'"),  # noqa: E501
        (HEAD + "queues: {sales: {hours: ofice}}\nhours: {office: {week: {mon: 8-12}}}\n",
         "6:25: error: company: queues.sales.hours: there is no 'ofice' under 'hours'; did you mean 'office'?"),
        (HEAD + "queues: {sales: {skills: {x: 1}}}\n", "6:30: error: company: queues.sales.skills.x: there is no 'x'"),
        (HEAD + "items: {a: {says: {it: x}, since: 2026-02-01, until: 2026-01-01}}\n", "6:12: error: company: items: 'a'"),  # noqa: E501
        (HEAD + "qeues: {}\n", "6:1: error: company: key 'qeues' means nothing here; did you mean 'queues'?"),
        (HEAD.replace("}}", ", texts_from: Officine Verdi Srl}}"), "5:60: error: company: lines: 'green': 'texts_from'"),  # noqa: E501
        (HEAD.replace("}}", "}, blue: {number: +39800123456, flow: f}}"), "error: company: line 'blue' has the number"),
        (HEAD + "surveys: {s: {questions: {q: {ask: {it: x}, answers: {0: y}, measures: helped}}}}\n",
         "error: company: surveys: 's': questions: 'q': '0' is no key for an answer"),
    ],
)  # fmt: skip
def test_slips_in_the_company_file(text: str, told: str) -> None:
    assert told in problem(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20 s", 20), ("2 min", 120), ("24 h", 86400), ("1 h 30 min", 5400), ("90s", 90), ("3 d", 259200)],
)
def test_durations(text: str, seconds: int) -> None:
    assert scalars.duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "20", "-3 s", "2 fortnights", "1:30"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        scalars.duration(text)


def test_times_and_days() -> None:
    assert scalars.spans("22:00-6:00") == (Span(time(22), time(6)),)
    assert scalars.spans("8.30-12, 14-18:15") == (Span(time(8, 30), time(12)), Span(time(14), time(18, 15)))
    assert scalars.spans("0:00-24:00") == (Span(time(0), time(0)),)
    assert scalars.weekdays("mon-fri") == (0, 1, 2, 3, 4)
    assert scalars.weekdays("fri-mon") == (4, 5, 6, 0)
    assert scalars.weekdays("sat, sun") == (5, 6)
    assert str(scalars.phone_number("+39 02 1234-5678")) == "+390212345678"
