"""What the REST API refuses, and how: the codes are those of Twilio's error dictionary (Twilio docs: errors/<code>)."""

from __future__ import annotations

import pytest

from ivr.exchange.rest.messages import segments
from tests.exchange.rest_world import ACCOUNT, AGENT, APP, CALLER, LINE, Described, World

GOOD = {"To": AGENT, "From": LINE, "Url": f"{APP}/ask"}
UNKNOWN = "CA" + 32 * "f"


@pytest.fixture(scope="module")
def described(shared):
    return Described(shared)


@pytest.fixture
def world(described):
    made = World(described)
    yield made
    made.close()


@pytest.fixture(scope="module")
def untouched(described):
    """For all that is refused, and so changes nothing."""
    made = World(described)
    numbers = list(made.network.numbers())
    yield made
    assert (made.network.calls(), made.network.messages(), made.network.numbers()) == ([], [], numbers)
    made.close()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"To": ""}, 21201),
        ({"From": ""}, 21213),
        ({"Url": ""}, 21205),
        ({"Url": "not an address"}, 21205),
        ({"Url": "ftp://app.test/ask"}, 21205),
        ({"Url": "http://"}, 21205),
        ({"Url": "http://[::1/ask"}, 21205),
        ({"FallbackUrl": "/relative"}, 21205),
        ({"Method": "PUT"}, 21209),
        ({"To": "pippo"}, 21211),
        ({"To": "0612345678"}, 21211),
        ({"From": "anonymous"}, 21212),
        ({"From": "+390600000001"}, 21210),
        ({"SendDigits": "12x"}, 21206),
        ({"Timeout": "soon"}, 21208),
        ({"Timeout": "-1"}, 21208),
        ({"Record": "perhaps"}, 20001),
        ({"StatusCallbackEvent": "finished"}, 20001),
        ({"MachineDetection": "Maybe"}, 20001),
        ({"Byoc": "BY" + 32 * "0"}, 20001),
        ({"Typo": "x"}, 20001),
        ({"Twiml": "<Response/>" * 500, "Url": ""}, 20001),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_by_name(untouched, changed, code):
    answer = untouched.post("/Calls.json", **{**GOOD, **changed})
    assert (answer.status_code, answer.json["code"]) == (400, code), answer.json
    assert answer.json["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert untouched.network.calls() == []


def test_with_url_and_twiml_the_url_is_asked(world):
    assert world.post("/Calls.json", **GOOD, Twiml="<Response><Hangup/></Response>").status_code == 201


def test_a_call_that_is_over_cannot_be_redirected(world):
    handset = world.rings()
    handset.hang_up()
    world.telephones.wait(2)
    answer = world.post(f"/Calls/{handset.sid}.json", Url=f"{APP}/bye")
    assert (answer.status_code, answer.json["code"]) == (400, 21220)


def test_a_redirect_has_one_target(world):
    handset = world.rings()
    answer = world.post(f"/Calls/{handset.sid}.json", Url=f"{APP}/bye", Twiml="<Response/>")
    assert (answer.status_code, answer.json["code"]) == (400, 20001)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": LINE, "Body": "x"}, 21604),
        ({"To": CALLER, "Body": "x"}, 21603),
        ({"To": CALLER, "From": LINE}, 21602),
        ({"To": "12", "From": LINE, "Body": "x"}, 21211),
        ({"To": CALLER, "From": "12", "Body": "x"}, 21212),
        ({"To": CALLER, "From": LINE, "Body": "x" * 1601}, 21617),
        ({"To": CALLER, "From": LINE, "Body": "x", "StatusCallback": "nowhere"}, 21609),
        ({"To": CALLER, "From": LINE, "Body": "x", "MediaUrl": "https://app.test/a.png"}, 20001),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused(untouched, form, code):
    answer = untouched.post("/Messages.json", **form)
    assert (answer.status_code, answer.json["code"]) == (400, code), answer.json


def test_a_sent_message_can_be_emptied_but_not_rewritten_or_cancelled(world):
    sid = world.post("/Messages.json", To=CALLER, From=LINE, Body="x").json["sid"]
    assert world.post(f"/Messages/{sid}.json", Body="y").status_code == 400
    assert world.post(f"/Messages/{sid}.json", Status="canceled").status_code == 400
    assert world.get(f"/Messages/{sid}.json").json["body"] == "x"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 21421),
        ({"PhoneNumber": "800"}, 21421),
        ({"PhoneNumber": "+390699999999", "VoiceUrl": "nowhere"}, 21402),
        ({"PhoneNumber": "+390699999999", "VoiceMethod": "PATCH"}, 21403),
        ({"AreaCode": "06"}, 20001),
    ],
)
def test_a_number_that_cannot_be_had_is_refused(untouched, form, code):
    answer = untouched.post("/IncomingPhoneNumbers.json", **form)
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_number_can_be_pointed_nowhere(world):
    answer = world.post(f"/IncomingPhoneNumbers/{world.line.sid}.json", VoiceUrl="")
    assert (answer.status_code, answer.json["voice_url"]) == (200, None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"PageSize": "1001"}, 20007),
        ({"PageSize": "0"}, 20007),
        ({"PageSize": "many"}, 20007),
        ({"Page": "-1"}, 20001),
        ({"PageToken": "PA" + "QU" + 32 * "0"}, 21481),
        ({"Sort": "up"}, 20001),
    ],
)
def test_a_page_that_cannot_be_shown_is_refused(untouched, query, code):
    answer = untouched.get("/Queues.json", **query)
    assert (answer.status_code, answer.json["code"]) == (400, code)


@pytest.mark.parametrize("query", [{"StartTime": "yesterday"}, {"StartTime<": "2026-13-01"}, {"Status": "gone"}])
def test_a_filter_that_means_nothing_is_refused(untouched, query):
    assert untouched.get("/Calls.json", **query).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        f"/Calls/{UNKNOWN}.json",
        f"/Calls/{UNKNOWN}/Recordings.json",
        f"/Queues/QU{32 * 'f'}.json",
        f"/Queues/QU{32 * 'f'}/Members.json",
        f"/Queues/QU{32 * 'f'}/Members/Front.json",
        f"/Conferences/CF{32 * 'f'}.json",
        f"/Conferences/CF{32 * 'f'}/Participants.json",
        f"/Conferences/CF{32 * 'f'}/Recordings.json",
        f"/Recordings/RE{32 * 'f'}.json",
        f"/Recordings/RE{32 * 'f'}.wav",
        f"/Recordings/RE{32 * 'f'}.mp3",
        f"/Messages/SM{32 * 'f'}.json",
        f"/IncomingPhoneNumbers/PN{32 * 'f'}.json",
        "/Nonsense.json",
        "/Calls",
    ],
)
def test_what_is_not_there_is_not_found(untouched, path):
    answer = untouched.get(path)
    assert (answer.status_code, answer.json["code"]) == (404, 20404)
    assert answer.json["message"] == f"The requested resource /2010-04-01/Accounts/{ACCOUNT.sid}{path} was not found"


@pytest.mark.parametrize(
    ("verb", "path"), [("put", "/Calls.json"), ("delete", "/Calls.json"), ("patch", "/Queues.json")]
)
def test_a_method_that_a_resource_has_not_is_405(untouched, verb, path):
    answer = getattr(untouched.http, verb)(
        f"/2010-04-01/Accounts/{ACCOUNT.sid}{path}", auth=(ACCOUNT.sid, ACCOUNT.token)
    )
    assert (answer.status_code, answer.json["code"]) == (405, 20004)
    assert answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/Applications.json",
        f"/Applications/AP{32 * '0'}.json",
        f"/Calls/{UNKNOWN}/Streams.json",
        f"/Calls/{UNKNOWN}/Payments.json",
        f"/Calls/{UNKNOWN}/Events.json",
        "/OutgoingCallerIds.json",
        f"/Recordings/RE{32 * '0'}/AddOnResults/XR{32 * '0'}/Payloads.json",
        f"/Messages/SM{32 * '0'}/Media.json",
        "/Notifications.json",
    ],
)
@pytest.mark.parametrize("verb", ["get", "post"])
def test_what_twilio_has_and_the_exchange_has_not_is_refused_aloud(untouched, verb, path):
    """As to an account that may not use a resource (Twilio docs: iam/test-credentials, error 20008)."""
    answer = getattr(untouched, verb)(path)
    assert (answer.status_code, answer.json["code"]) == (403, 20008)
    assert path in answer.json["message"]


def test_every_described_path_is_offered_or_refused(world, described):
    """None falls through to 404, which would look like a wrong address."""
    for path, operations in described.raw["paths"].items():
        ours = path.replace("{AccountSid}", ACCOUNT.sid).replace("{CallSid}", UNKNOWN).replace("{Sid}", "XX" + 32 * "0")
        for verb in set(operations) & {"get", "post", "delete"}:
            answer = world.http.open(ours, method=verb.upper(), auth=(ACCOUNT.sid, ACCOUNT.token))
            known = answer.status_code != 404 or "XX" in ours or UNKNOWN in ours or "{" in ours
            assert known and answer.status_code not in (405, 500), (verb, path, answer.json)


@pytest.mark.parametrize(
    ("account", "auth"),
    [
        (ACCOUNT.sid, None),
        (ACCOUNT.sid, (ACCOUNT.sid, "wrong")),
        (ACCOUNT.sid, ("AC" + 32 * "0", ACCOUNT.token)),
        ("AC" + 32 * "0", (ACCOUNT.sid, ACCOUNT.token)),
    ],
)
@pytest.mark.parametrize("path", ["/Calls.json", "/Recordings/RE00.wav", "/Nonsense.json", "/Applications.json"])
def test_who_does_not_show_the_token_learns_nothing(untouched, account, auth, path):
    answer = untouched.http.get(f"/2010-04-01/Accounts/{account}{path}", auth=auth)
    if path == "/Nonsense.json" and auth == (ACCOUNT.sid, ACCOUNT.token):
        assert answer.status_code == 404
        return
    assert (answer.status_code, answer.json["code"], answer.json["message"]) == (401, 20003, "Authenticate")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_garbage_is_refused_in_the_same_shape(untouched):
    address = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Calls.json"
    for body in (b"\xff\xfe=\x00&To=%ff%fe&From=%C3%28", b"To=" + b"9" * 300_000, b"&&&===", b"To=1&To=2&To=3"):
        answer = untouched.http.post(
            address,
            data=body,
            content_type="application/x-www-form-urlencoded",
            auth=(ACCOUNT.sid, ACCOUNT.token),
        )
        assert answer.status_code in (400, 413) and set(answer.json) == {"code", "message", "more_info", "status"}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ł" * 70, 1),
        ("ł" * 71, 2),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
    ],
)
def test_segments_are_counted_as_the_network_counts_them(body, count):
    assert segments(body) == count
