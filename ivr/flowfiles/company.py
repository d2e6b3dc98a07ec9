"""``company.yaml``: a marked tree to what is true of the company, with all problems at once."""

from __future__ import annotations

import itertools
import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta

from ivr.core.company import (
    Closing,
    Company,
    Hours,
    Item,
    Line,
    Queue,
    Span,
    Survey,
    SurveyQuestion,
)
from ivr.core.flow.text import Prompt
from ivr.core.words import Language, PhoneNumber, QueueName
from ivr.flowfiles import scalars
from ivr.flowfiles.fields import Fields, Reading, name
from ivr.flowfiles.grammar import MEASURES, STRATEGIES, names
from ivr.flowfiles.marks import Listing, Table, Text, Tree
from ivr.flowfiles.parse import levels
from ivr.flowfiles.problems import Notes, Problem, did_you_mean

_NO_PROMPT = Prompt({})
_NO_NUMBER = PhoneNumber("+10")
_NO_DAY = date(1970, 1, 1)


def parse_company(tree: Tree) -> tuple[Company | None, tuple[Problem, ...]]:
    """The company of a marked tree, as far as it can be read, and all its problems."""
    notes = Notes()
    if not isinstance(tree, Table):
        notes.error(tree.mark, "wrong-shape", "company.yaml is a table (key: value)", "begin with 'format: 1'")
        return None, tuple(notes.found)
    top = Fields(tree, "company", names("company"), Reading(notes))
    top.choice("format", ("1",), "", needed=True)
    zone = top.convert("zone", _zone, "UTC", needed=True)
    country = top.convert("country", _country, "IT", needed=True)
    shared = _closings(top)
    company = Company(
        name=top.text("company", needed=True),
        country=country,
        zone=zone,
        currency=top.convert("currency", _currency, "EUR"),
        lines={key: _line(line, key, country) for key, line in _tables(top, "lines", "line", needed=True)},
        hours={key: _hours(hours, key, zone, shared) for key, hours in _tables(top, "hours", "hours")},
        items={key: _item(item, key) for key, item in _tables(top, "items", "item")},
        phrases=_prompts(top, "phrases"),
        words=_words(top),
        queues={QueueName(key): _queue(queue, key) for key, queue in _tables(top, "queues", "queue")},
        skills=top.names("skills"),
        surveys={key: _survey(survey, key) for key, survey in _tables(top, "surveys", "survey")},
        sounds=top.names("sounds"),
        http_hosts=tuple(host.lower() for host in top.names("http_hosts")),
        pronunciations=_pronunciations(top),
    )
    _refuse_unknown_names(top, company)
    return company, tuple(notes.found)


def _tables(top: Fields, key: str, table: str, needed: bool = False) -> Iterator[tuple[str, Fields]]:
    for word, value in top.entries(key, needed):
        try:
            name(word.text)
        except ValueError as refused:
            top.wrong(word.mark, "wrong-value", f"'{key}': {refused}")
        below = top.within(value, f"{key}: '{word.text}'", names(table))
        if below:
            yield word.text, below


def _prompts(top: Fields, key: str) -> Mapping[str, Prompt]:
    return {
        word.text: prompt
        for word, value in top.entries(key)
        if (prompt := top.as_prompt(value, f"{key}: '{word.text}'")) is not None
    }


def _words(top: Fields) -> Mapping[str, Mapping[str, Prompt]]:
    found: dict[str, dict[str, Prompt]] = {}
    for enumeration, values in top.entries("words"):
        if not isinstance(values, Table):
            top.wrong(values.mark, "wrong-shape", f"words: '{enumeration.text}' takes a table (value: words)")
            continue
        found[enumeration.text] = {
            entry.key.text: prompt
            for entry in values.entries
            if (prompt := top.as_prompt(entry.value, f"words: '{enumeration.text}.{entry.key.text}'")) is not None
        }
    return found


def _pronunciations(top: Fields) -> Mapping[Language, Mapping[str, str]]:
    found: dict[Language, Mapping[str, str]] = {}
    for code, values in top.entries("pronunciations"):
        if isinstance(values, Table):
            spelt = {entry.key.text: entry.value.text for entry in values.entries if isinstance(entry.value, Text)}
            found[Language(code.text)] = spelt
        else:
            top.wrong(values.mark, "wrong-shape", f"pronunciations: '{code.text}' takes a table (word: spelling)")
    return found


def _line(line: Fields, key: str, country: str) -> Line:
    return Line(
        name=key,
        number=line.convert("number", scalars.phone_number, _NO_NUMBER, needed=True),
        flow=line.name("flow", needed=True),
        shows=line.convert("shows", scalars.phone_number, None),
        texts_from=line.convert("texts_from", _sender, None),
        callable_from=_countries(line) or (country[:2],),
        greets_by_name=line.flag("greets_by_name"),
        carrier_speech=line.flag("carrier_speech"),
        reaches=line.convert("reaches", scalars.phone_number, None),
        staff=line.convert("staff", scalars.phone_number, None),
    )


def _countries(line: Fields) -> tuple[str, ...]:
    found: list[str] = []
    for word in line.words("callable_from"):
        try:
            found.append(_country(word.text))
        except ValueError as refused:
            line.wrong(word.mark, "wrong-value", f"'callable_from': {refused}")
    return tuple(found)


def _hours(hours: Fields, key: str, zone: str, shared: tuple[Closing, ...]) -> Hours:
    return Hours(
        name=key,
        zone=hours.convert("zone", _zone, zone),
        week=_week(hours),
        holidays_of=hours.convert("holidays_of", _country, None),
        closings=(*shared, *_closings(hours)),
    )


def _week(hours: Fields) -> Mapping[int, tuple[Span, ...]]:
    week: dict[int, tuple[Span, ...]] = {}
    for word, value in hours.entries("week", needed=True):
        try:
            spans = tuple(
                span for text in hours.as_words(value, f"'{word.text}'") for span in scalars.spans(text.text.strip())
            )
            days = scalars.weekdays(word.text)
        except ValueError as refused:
            hours.wrong(value.mark, "wrong-value", f"'week': {refused}")
            continue
        for day in days:
            if day in week:
                hours.wrong(word.mark, "repeated-day", f"'week': {scalars.WEEKDAYS[day]} stands here a second time")
            elif _overlap(spans):
                hours.wrong(value.mark, "wrong-value", f"'week': the times of '{word.text}' overlap")
                break
            week[day] = spans
    return week


def _overlap(spans: tuple[Span, ...]) -> bool:
    """Whether two spans of one day share a moment; one past midnight counts to its midnight."""
    ends = sorted((span.opens, span.closes if span.closes > span.opens else time.max) for span in spans)
    return any(first[1] > second[0] for first, second in itertools.pairwise(ends))


def _closings(table: Fields) -> tuple[Closing, ...]:
    found: list[Closing] = []
    for item in table.items("closings"):
        below = table.within(item, "a closing", names("closing"))
        if below:
            found.append(_closing(below))
    return tuple(found)


def _closing(below: Fields) -> Closing:
    one = below.convert("day", scalars.day, None)
    first = one or below.convert("first", scalars.day, _NO_DAY, needed=not below.has("day"))
    last = one or below.convert("last", scalars.day, first)
    if last < first:
        below.wrong(below.mark, "wrong-value", f"it ends ({last}) before it begins ({first})")
    return Closing(
        name=below.text("name", needed=True),
        first=first,
        last=last,
        because=below.prompt("because"),
        yearly=below.flag("yearly"),
    )


def _item(item: Fields, key: str) -> Item:
    since, until = item.convert("since", scalars.day, None), item.convert("until", scalars.day, None)
    if since and until and until < since:
        item.wrong(item.mark, "wrong-value", f"it ends ({until}) before it begins ({since})")
    return Item(name=key, says=item.prompt("says", needed=True) or _NO_PROMPT, since=since, until=until)


def _queue(queue: Fields, key: str) -> Queue:
    plain = Queue(QueueName(key))
    return Queue(
        name=QueueName(key),
        hours=queue.optional_name("hours"),
        title=queue.prompt("title"),
        music=queue.optional_name("music"),
        skills=levels(queue, "skills"),
        target=queue.duration("target", plain.target),
        longest=queue.count("longest", plain.longest),
        callback_capacity=queue.count("callback_capacity", plain.callback_capacity),
        wrap_up=queue.duration("wrap_up", timedelta(seconds=30)),
        strategy=queue.choice("strategy", STRATEGIES, plain.strategy),
    )


def _survey(survey: Fields, key: str) -> Survey:
    return Survey(key, tuple(_question(below, word) for word, below in _tables(survey, "questions", "question", True)))


def _question(below: Fields, key: str) -> SurveyQuestion:
    answers: dict[str, str] = {}
    for word, value in below.entries("answers", needed=True):
        if word.text not in "123456789" or len(word.text) != 1:
            below.wrong(word.mark, "wrong-value", f"'{word.text}' is no key for an answer", "use 1 to 9")
        elif isinstance(value, Text):
            answers[word.text] = value.text
    return SurveyQuestion(
        name=key,
        ask=below.prompt("ask", needed=True) or _NO_PROMPT,
        answers=answers,
        measures=below.choice("measures", MEASURES, "helped", needed=True),
    )


def _refuse_unknown_names(top: Fields, company: Company) -> None:
    """Names that lead from one section of the file to another."""

    def refuse(path: tuple[str, ...], code: str, what: str, said: str, known: tuple[str, ...]) -> None:
        cure = did_you_mean(said, known) or f"add it under '{what}'"
        top.wrong(_at(top.table, path).mark, code, f"{'.'.join(path)}: there is no '{said}' under '{what}'", cure)

    for key, queue in ((str(word), queue) for word, queue in company.queues.items()):
        if queue.hours and queue.hours not in company.hours:
            refuse(("queues", key, "hours"), "unknown-hours", "hours", queue.hours, tuple(company.hours))
        if queue.music and queue.music not in company.sounds:
            refuse(("queues", key, "music"), "unknown-sound", "sounds", queue.music, company.sounds)
        for skill in queue.skills:
            if skill not in company.skills:
                refuse(("queues", key, "skills", skill), "unknown-skill", "skills", skill, company.skills)
    numbers: dict[PhoneNumber, str] = {}
    for key, line in company.lines.items():
        if line.number in numbers and line.number != _NO_NUMBER:
            mark = _at(top.table, ("lines", key, "number")).mark
            top.wrong(mark, "repeated-number", f"line '{key}' has the number of line '{numbers[line.number]}'")
        numbers[line.number] = key
    for key, line in company.lines.items():
        if line.staff is not None and line.staff in numbers:
            mark = _at(top.table, ("lines", key, "staff")).mark
            top.wrong(
                mark, "repeated-number", f"line '{key}': its staff number is that of line '{numbers[line.staff]}'"
            )
        elif line.staff is not None:
            numbers[line.staff] = key


def _at(tree: Tree, path: tuple[str, ...]) -> Tree:
    """The value at a path, or the nearest table above it."""
    for key in path:
        below = tree.get(key) if isinstance(tree, Table) else None
        if below is None or isinstance(below, Listing):
            break
        tree = below
    return tree


def _zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise ValueError(
            f"'{text}' is no time zone; " + (did_you_mean(text, zoneinfo.available_timezones()) or "write Europe/Rome")
        )
    return text


def _country(text: str) -> str:
    country, _, part = text.partition("-")
    if not (country.isascii() and country.isupper() and len(country) == 2 and (not part or part.isalnum())):
        raise ValueError(f"'{text}' is no country; write IT, or IT-MI")
    return text


def _currency(text: str) -> str:
    if not (text.isascii() and text.isupper() and len(text) == 3):
        raise ValueError(f"'{text}' is no currency; write EUR")
    return text


def _sender(text: str) -> str:
    """A number, or an alphanumeric sender id: up to 11 letters, digits or spaces, at least one letter.

    (Twilio's page "Alphanumeric Sender ID for Twilio Programmable Messaging".)
    """
    if text.startswith("+"):
        return scalars.phone_number(text)
    allowed = all(char.isascii() and (char.isalnum() or char == " ") for char in text)
    if not allowed or len(text) > 11 or not any(char.isalpha() for char in text):
        raise ValueError(f"'{text}' cannot send texts; write a number, or up to 11 letters and digits")
    return text
