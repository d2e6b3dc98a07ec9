"""Only the carrier may use the carrier's doors."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import HMAC_SHA256, RequestValidator
from werkzeug.datastructures import MultiDict

from ivr.twilio.signature import SETTINGS, SIGNATURE, SignatureCheck, asked

PATH = "/voice/calls/c1/turns/3/keys?line=main"
FORM = {"CallSid": ["CA1"], "Digits": ["2"], "From": ["+390612345678"], "msg": ["Gather End"]}
NEWER = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def signed(url: str, form: dict[str, list[str]], token: str = "token", algorithm: str | None = None) -> dict[str, str]:
    return {SIGNATURE: RequestValidator(token).compute_signature(url, MultiDict(form), algorithm)}


@pytest.fixture
def check() -> SignatureCheck:
    return SignatureCheck("https://ivr.example", ["token", "older"], "shared")


def test_the_carriers_own_signature_is_accepted(check: SignatureCheck) -> None:
    assert check.accepts(PATH, FORM, signed("https://ivr.example" + PATH, FORM))


def test_one_changed_field_is_refused(check: SignatureCheck) -> None:
    headers = signed("https://ivr.example" + PATH, FORM)
    assert not check.accepts(PATH, {**FORM, "Digits": ["3"]}, headers)
    assert not check.accepts(PATH, {**FORM, "More": [""]}, headers)
    assert not check.accepts(PATH.replace("3", "4"), FORM, headers)
    assert not check.accepts(PATH, FORM, {SIGNATURE: headers[SIGNATURE].swapcase()})


def test_without_a_signature_it_is_refused(check: SignatureCheck) -> None:
    assert not check.accepts(PATH, FORM, {})
    assert not check.accepts(PATH, FORM, {SIGNATURE: ""})


def test_another_host_is_refused_whatever_the_host_header_says(check: SignatureCheck) -> None:
    headers = {**signed("https://evil.example" + PATH, FORM), "Host": "evil.example"}
    assert not check.accepts(PATH, FORM, headers)


@pytest.mark.parametrize(
    ("public", "asked_for"),
    [
        ("https://ivr.example", "https://ivr.example:443"),
        ("http://ivr.example", "http://ivr.example:80"),
        ("https://ivr.example:443", "https://ivr.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://ivr.example/prefix/", "https://ivr.example:443/prefix"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]:80"),
    ],
)
def test_the_standard_port_may_be_signed_or_not(public: str, asked_for: str) -> None:
    check = SignatureCheck(public, ["token"])
    # Written out: the official validator cannot take an IPv6 host apart.
    assert check.accepts("/voice", FORM, signed(asked_for + "/voice", FORM))


def test_both_tokens_hold_during_rotation(check: SignatureCheck) -> None:
    for token in ("token", "older"):
        assert check.accepts(PATH, FORM, signed("https://ivr.example" + PATH, FORM, token))
    assert not check.accepts(PATH, FORM, signed("https://ivr.example" + PATH, FORM, "stranger"))


def test_a_repeated_parameter_counts_each_value_once(check: SignatureCheck) -> None:
    form = {"CallSid": ["CA1"], "Tag": ["b", "a", "b"]}
    assert check.accepts(PATH, form, signed("https://ivr.example" + PATH, form))


def test_the_newer_header_takes_the_shared_key(check: SignatureCheck) -> None:
    url = "https://ivr.example" + PATH
    newer = {**signed(url, FORM, "shared", HMAC_SHA256), SETTINGS: NEWER}
    assert check.accepts(PATH, FORM, newer)
    assert not check.accepts(PATH, FORM, {**signed(url, FORM, "token", HMAC_SHA256), SETTINGS: NEWER})
    assert not check.accepts(PATH, FORM, {**signed(url, FORM, "token"), SETTINGS: NEWER})
    assert not SignatureCheck("https://ivr.example", ["token"]).accepts(PATH, FORM, newer)


def test_the_newer_header_without_an_algorithm_means_the_old_one(check: SignatureCheck) -> None:
    headers = signed("https://ivr.example" + PATH, FORM)
    assert check.accepts(PATH, FORM, {**headers, SETTINGS: "key=webhooks_sharedkey_1"})
    assert check.accepts(PATH, FORM, {**headers, SETTINGS: "key=k, algorithm=hmac_sha1"})
    assert not check.accepts(PATH, FORM, {**headers, SETTINGS: "algorithm=HMAC_MD5"})


def test_a_json_body_is_covered_by_its_digest_in_the_query(check: SignatureCheck) -> None:
    body = b'{"a": 1}'
    path = f"/voice/json?bodySHA256={sha256(body).hexdigest()}"
    headers = signed("https://ivr.example" + path, {})
    assert check.accepts(path, {}, headers, body)
    assert not check.accepts(path, {}, headers, body + b" ")


def test_a_body_that_nothing_covers_is_refused(check: SignatureCheck) -> None:
    headers = signed("https://ivr.example/voice/json", {})
    assert check.accepts("/voice/json", {}, headers)
    assert not check.accepts("/voice/json", {}, headers, b'{"a": 1}')


def test_an_empty_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="token"):
        SignatureCheck("https://ivr.example", ["", ""], "")
    check = SignatureCheck("https://ivr.example", ["token", ""])
    assert not check.accepts(PATH, FORM, signed("https://ivr.example" + PATH, FORM, ""))


names = st.text(min_size=1, max_size=12)
forms = st.dictionaries(names, st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=8)


@given(
    base=st.sampled_from(["https://ivr.example", "http://ivr.example:8080", "https://ivr.example:443"]),
    signed_base=st.sampled_from(
        ["https://ivr.example", "https://ivr.example:443", "http://ivr.example:8080", "http://ivr.example", "http://x"]
    ),
    path=st.sampled_from(["/voice/incoming", "/voice?a=1&b=%20", "/"]),
    form=forms,
    newer=st.booleans(),
    tamper=st.booleans(),
)
def test_it_agrees_with_the_official_validator(
    base: str, signed_base: str, path: str, form: dict[str, list[str]], newer: bool, tamper: bool
) -> None:
    algorithm = HMAC_SHA256 if newer else None
    headers = signed(signed_base + path, form, "token", algorithm)
    if newer:
        headers[SETTINGS] = NEWER
    if tamper:
        form = {**form, "Digits": ["1", *form.get("Digits", [])]}
    official = RequestValidator("token").validate(base + path, MultiDict(form), headers[SIGNATURE], algorithm)
    assert SignatureCheck(base, ["token"], "token").accepts(path, form, headers) is official


@given(
    path=st.text(max_size=40),
    form=st.dictionaries(st.text(), st.lists(st.text(st.characters()), max_size=3), max_size=4),
    signature=st.text(),
    settings=st.text(),
    body=st.binary(max_size=20),
)
def test_nothing_makes_it_raise(
    path: str, form: dict[str, list[str]], signature: str, settings: str, body: bytes
) -> None:
    check = SignatureCheck("https://ivr.example", ["token"], "shared")
    assert check.accepts(path, form, {SIGNATURE: signature, SETTINGS: settings}, body) is False


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"RAW_URI": "/voice/a%20b?x=%31"}, "/voice/a%20b?x=%31"),
        ({"REQUEST_URI": "/voice?x=1#rc=2"}, "/voice?x=1"),
        ({"RAW_URI": "http://evil.example/voice", "PATH_INFO": "/voice", "QUERY_STRING": "x=1"}, "/voice?x=1"),
        ({"PATH_INFO": "/perch\u00c3\u00a9", "QUERY_STRING": ""}, "/perch%C3%A9"),
        ({}, "/"),
    ],
)
def test_what_was_asked_is_read_as_it_was_sent(environ: dict[str, Any], path: str) -> None:
    assert asked(environ) == path
