from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.flowfiles.marks import LARGEST, MOST, Listing, Table, Text, places, read_all, read_one


def table(text: str) -> Table:
    tree, problems = read_one("f.yaml", text)
    assert not problems
    assert isinstance(tree, Table)
    return tree


def codes(source: bytes | str) -> list[str]:
    tree, problems = read_one("f.yaml", source)
    assert tree is None or problems
    return [problem.code for problem in problems]


@pytest.mark.parametrize(
    "text",
    ["+39800123456", "010", "10:30", "08:30", "on", "off", "yes", "no", "null", "~", "1e3", "0x1F", "1_000", "12.50",
     "2026-12-24", "=", "true", "8:30-19:30", "190:20:30"],
)  # fmt: skip
def test_a_scalar_stays_the_text_that_was_written_as_key_and_as_value(text: str) -> None:
    tree = table(f"{text}: here\nvalue: {text}\n")
    assert tree.keys() == (text, "value")
    value = tree.get("value")
    assert isinstance(value, Text)
    assert value.text == text


def test_every_key_and_value_knows_its_place() -> None:
    tree = table("format: 1\nnodes:\n  welcome:\n    menu:\n      1: {to: main}\n    list: [a, b]\n")
    marks = {path: (mark.line, mark.column) for path, mark in places(tree)}
    assert marks["format"] == (1, 9)
    assert marks["nodes.welcome.menu.1.to"] == (5, 15)
    assert marks["nodes.welcome.list.2"] == (6, 15)
    key = tree.key("nodes")
    assert key is not None
    assert (key.mark.line, key.mark.column) == (2, 1)


def test_a_repeated_key_is_told_with_both_places() -> None:
    _, (problem,) = read_one("f.yaml", "a: 1\nb: 2\na: 3\n")
    assert (problem.line, problem.column, problem.code) == (3, 1, "repeated-key")
    assert "first on line 1" in problem.text


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "empty"),
        (b"# only a comment\n", "empty"),
        (b"a: caf\xe9\n", "not-utf8"),
        (b"\xff\xfe\x00garbage", "not-utf8"),
        (b"a: b\x00c\n", "unprintable"),
        ('a: "b\\0c"\n', "unprintable"),
        ("a: \ud800\n", "unprintable"),
        (b"a:\n\tb: 1\n", "not-yaml"),
        (b"a: [1, 2\n", "not-yaml"),
        (b'a: "open\n', "not-yaml"),
        (b"a: b: c\n", "not-yaml"),
        (b"a: @x\n", "not-yaml"),
        (b"a: 1\n---\nb: 2\n", "several-documents"),
        (b"? [1, 2]\n: x\n", "odd-key"),
        (b"a: !!python/object/apply:os.system [ls]\n", "tag"),
        (b"a: *nothing\n", "unknown-anchor"),
        (b"a: &x [1, *x]\n", "circle"),
        (b"a: &x {b: &y [*x]}\n", "circle"),
        (b"[" * 5000, "too-deep"),
        (b"{a: " * 5000, "too-deep"),
        (b"- " * 5000, "too-deep"),
        (b"x" * (LARGEST + 1), "too-large"),
        (b"- a\n" * (MOST + 1), "too-many"),
    ],
)
def test_what_is_no_flow_file_is_a_problem_with_a_place(source: bytes | str, code: str) -> None:
    _, problems = read_one("f.yaml", source)
    assert code in [problem.code for problem in problems]
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)


def test_the_place_of_a_wrong_byte_and_of_a_tab() -> None:
    _, (byte,) = read_one("f.yaml", b"a: 1\nb: caf\xe9\n")
    assert (byte.line, byte.column) == (2, 7)
    _, (tab,) = read_one("f.yaml", b"a:\n\tb: 1\n")
    assert (tab.line, tab.text) == (2, "a tab stands where YAML wants spaces")


def test_a_yaml_bomb_is_stopped_by_what_it_would_grow_to() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    before = time.process_time()
    assert codes("\n".join(lines)) == ["too-many"]
    assert time.process_time() - before < 2


def test_an_alias_stands_for_its_anchor() -> None:
    tree = table("a: &x {it: ciao}\nb: *x\n")
    assert tree.get("b") == tree.get("a")


def test_several_documents_can_be_read_where_they_are_wanted() -> None:
    trees, problems = read_all("f.calls.yaml", "call: one\n---\ncall: two\n")
    assert not problems
    assert len(trees) == 2


def test_a_list_is_a_list() -> None:
    assert isinstance(table("a: [1, 2]\n").get("a"), Listing)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_raise(source: bytes) -> None:
    read_all("f.yaml", source)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#%@`,?\n \t\\0x\ud800\u2028\x85~<="), max_size=120))
def test_no_text_raises(source: str) -> None:
    read_all("f.yaml", source)
