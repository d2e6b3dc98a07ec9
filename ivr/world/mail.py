"""The company's mail server, by SMTP (RFC 5321)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from ivr.core.errors import AnswerLost, CarrierUnavailable, IvrError, RefusedByCarrier

PATIENCE = 10.0  # seconds for an answer
TAKEN = range(200, 300)
FOR_GOOD = range(500, 600)  # of the codes with which a server says no; 4xx: try again later


class SmtpPost:
    """``Mail`` at ``smtp://[user:password@]host[:port]`` or ``smtps://…``."""

    def __init__(self, url: str, sender: str, patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        self._implicit_tls, self._host = parts.scheme == "smtps", parts.hostname or ""
        self._port = parts.port or (465 if self._implicit_tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")
        self._sender, self._patience = sender, patience

    def send(self, to: str, subject: str, body: str, key: str) -> None:
        written = self._written(to, subject, body, key)
        with self._server() as server:
            _taken(*server.mail(parseaddr(self._sender)[1]))
            _taken(*server.rcpt(to))
            try:
                code, said = server.data(written)
            except smtplib.SMTPResponseException as refusal:
                raise _told(refusal.smtp_code) from None
            except OSError as trouble:
                raise AnswerLost(f"the mail server's answer did not come: {type(trouble).__name__}") from None
            _taken(code, said)

    def _written(self, to: str, subject: str, body: str, key: str) -> bytes:
        """Raises RefusedByCarrier for an address that cannot be written into a header, or needs SMTPUTF8."""
        letter = EmailMessage()
        try:
            letter["From"], letter["To"], letter["Subject"] = self._sender, to, " ".join(subject.split())
            letter["Message-ID"] = f"<{key}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"
            letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
            letter.set_content(body)
            if "@" not in to or not to.isascii():
                raise ValueError
            return letter.as_bytes(policy=SMTP)
        except (ValueError, MessageError):
            raise RefusedByCarrier("nobody can be written to at this address") from None

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        """Raises CarrierUnavailable: whatever goes wrong before the message is handed over, it was not taken."""
        context = ssl.create_default_context()
        try:
            server = (
                smtplib.SMTP_SSL(self._host, self._port, timeout=self._patience, context=context)
                if self._implicit_tls
                else smtplib.SMTP(self._host, self._port, timeout=self._patience)
            )
        except OSError as trouble:  # SMTPException is one
            raise _away(trouble) from None
        try:
            self._greeted(server, context)
            yield server
        except OSError as trouble:
            raise _away(trouble) from None
        finally:
            server.close()

    def _greeted(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        server.ehlo_or_helo_if_needed()
        if not self._implicit_tls and (self._user or server.has_extn("starttls")):
            server.starttls(context=context)  # raises where a password would go in the clear
            server.ehlo()
        if self._user:
            server.login(self._user, self._password)


def _taken(code: int, _: bytes) -> None:
    if code not in TAKEN:
        raise _told(code)


def _told(code: int) -> IvrError:
    what = RefusedByCarrier if code in FOR_GOOD else CarrierUnavailable
    return what(f"the mail server answered {code}")


def _away(trouble: Exception) -> CarrierUnavailable:
    return CarrierUnavailable(f"the mail server cannot be reached: {type(trouble).__name__}")
