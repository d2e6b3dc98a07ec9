"""E-mail over a real socket: what a mail server is told, and what each of its answers means."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

from ivr.core.errors import AnswerLost, CarrierUnavailable, IvrError, RefusedByCarrier
from ivr.world.mail import SmtpPost


class Session(socketserver.StreamRequestHandler):
    """RFC 5321, as much as one letter needs; ``answers`` replaces what is said to a command."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, MailServer)
        self.wfile.write(b"220 mail.example\r\n")
        while command := self.rfile.readline():
            verb = command[:4].upper().decode()
            server.heard.append(command.decode().strip())
            answer = server.answers.get(verb, "354 go on" if verb == "DATA" else "250 ok")
            if not answer:
                return
            self.wfile.write(f"{answer}\r\n".encode())
            if verb == "DATA" and answer.startswith("354"):
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                server.letters.append(letter)
                if not (taken := server.answers.get("END", "250 taken")):
                    return
                self.wfile.write(f"{taken}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.answers: dict[str, str] = {}
        self.heard: list[str] = []
        self.letters: list[bytes] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as opened:
        thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


def send(server: MailServer, to: str = "maria@example.it", url: str = "") -> None:
    post = SmtpPost(url or server.url, "Officine Verdi <line@verdi.example>", patience=2)
    post.send(to, "Officine Verdi: la vostra\nrichiamata", "Riproviamo più tardi.", "0193-t")


def test_a_letter_arrives_as_it_was_written(server: MailServer) -> None:
    send(server)
    (raw,) = server.letters
    letter = message_from_bytes(raw, policy=policy.default)
    assert (letter["To"], letter["From"]) == ("maria@example.it", "Officine Verdi <line@verdi.example>")
    assert letter["Subject"] == "Officine Verdi: la vostra richiamata"
    assert (letter["Message-ID"], letter["Auto-Submitted"]) == ("<0193-t@verdi.example>", "auto-generated")
    assert letter.get_content().strip() == "Riproviamo più tardi."


@pytest.mark.parametrize(
    ("verb", "answer", "means"),
    [
        ("RCPT", "550 nobody here", RefusedByCarrier),
        ("RCPT", "450 later", CarrierUnavailable),
        ("DATA", "554 no", RefusedByCarrier),
        ("END", "552 too much", RefusedByCarrier),
        ("END", "451 later", CarrierUnavailable),
        ("END", "", AnswerLost),  # it has the letter; whether it took it nobody knows
        ("MAIL", "", CarrierUnavailable),
    ],
)
def test_each_answer_means_what_it_says(server: MailServer, verb: str, answer: str, means: type[IvrError]) -> None:
    server.answers[verb] = answer
    with pytest.raises(means) as raised:
        send(server)
    assert type(raised.value) is means
    assert "maria" not in str(raised.value)


def test_a_password_never_goes_in_the_clear_and_a_closed_door_is_no_refusal(server: MailServer) -> None:
    with pytest.raises(CarrierUnavailable):
        send(server, url=server.url.replace("smtp://", "smtp://us:secret@"))
    assert not [line for line in server.heard if line.upper().startswith("AUTH")]
    with pytest.raises(CarrierUnavailable):
        send(server, url="smtp://127.0.0.1:1")


@pytest.mark.parametrize("to", ["maria@example.it\r\nBcc: all@example.it", "marià@example.it", ""])
def test_an_address_that_is_none_is_refused(server: MailServer, to: str) -> None:
    with pytest.raises(RefusedByCarrier):
        send(server, to)
    assert server.letters == []
