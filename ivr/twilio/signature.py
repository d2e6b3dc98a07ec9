"""Is this request the carrier's? Its signature, over the address that we configured, never over the Host header.

The rule is Twilio's ("Webhooks security", twilio.com/docs/usage/webhooks/webhooks-security) and so are its oddities:
the standard port may or may not have been signed, a repeated parameter counts each distinct value once.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"

Form = Mapping[str, Sequence[str]]
"""What was posted: each name with all its values (of a Flask request: ``request.form.to_dict(flat=False)``)."""


class Headers(Protocol):
    """A request's headers, found whatever their case."""

    def get(self, key: str, default: str, /) -> str: ...


class SignatureCheck:
    """Knows the carrier's secrets and the address that its signatures cover.

    ``tokens``: the auth token, and during rotation the other one. ``shared_key``: the secret of the newer HMAC-SHA256
    signatures, None where there is none. Raises ValueError without any secret: an empty one is everybody's.
    """

    def __init__(self, public_url: str, tokens: Sequence[str], shared_key: str | None = None) -> None:
        self._tokens = tuple(token.encode() for token in tokens if token)
        self._shared_keys = (shared_key.encode(),) if shared_key else ()
        if not (self._tokens or self._shared_keys):
            raise ValueError("a signature check needs the carrier's token")
        self._bases = tuple(base.encode() for base in _with_and_without_port(public_url.rstrip("/")))

    def accepts(self, path_with_query: str, form: Form, headers: Headers, body: bytes = b"") -> bool:
        """Whether the carrier sent this; never raises, whatever is in it.

        ``path_with_query``: as it was requested, still quoted (see ``asked``). ``form``: the posted fields, empty for a
        GET or a JSON body. ``body``: the raw body where it is not a form; it must carry bodySHA256 in the query.
        """
        signature = headers.get(SIGNATURE, "")
        if not signature:
            return False
        if body and not form and not _body_signed(path_with_query, body):
            return False
        secrets, algorithm = self._tokens, "sha1"
        if settings := headers.get(SETTINGS, ""):
            named = _algorithm(settings)
            if named == "HMAC_SHA256":
                secrets, algorithm = self._shared_keys, "sha256"
            elif named != "HMAC_SHA1":
                return False
        given = signature.encode("utf-8", "surrogatepass")
        rest = _signed_text(path_with_query, form)
        for base in self._bases:
            message = base + rest
            for secret in secrets:
                right = b2a_base64(hmac.digest(secret, message, algorithm), newline=False)
                if hmac.compare_digest(right, given):
                    return True
        return False


def asked(environ: Mapping[str, object]) -> str:
    """The path and query of a WSGI request as they were sent, still quoted.

    The servers keep it in RAW_URI (gunicorn) or REQUEST_URI (werkzeug); elsewhere it is put together again.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if isinstance(raw, str) and raw.startswith("/"):
        return raw.partition("#")[0]
    path = str(environ.get("PATH_INFO") or "/").encode("latin-1", "replace")
    query = environ.get("QUERY_STRING")
    return quote(path, safe="/!$&'()*+,;=:@~") + (f"?{query}" if query else "")


def _signed_text(path: str, form: Form) -> bytes:
    pieces = [path]
    for name in sorted(form):
        values = form[name]
        if len(values) == 1:
            pieces += name, values[0]
        else:
            for value in sorted(set(values)):
                pieces += name, value
    return "".join(pieces).encode("utf-8", "surrogatepass")


def _algorithm(settings: str) -> str:
    """The algorithm that ``key=…,algorithm=…`` names; without one, the old HMAC-SHA1."""
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _body_signed(path_with_query: str, body: bytes) -> bool:
    try:
        said = parse_qs(path_with_query.partition("?")[2]).get("bodySHA256", [""])[0]
    except ValueError:  # more fields than parse_qs takes
        return False
    return hmac.compare_digest(said.encode("utf-8", "surrogatepass"), sha256(body).hexdigest().encode())


def _with_and_without_port(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    host = parts.netloc
    bare = host.rpartition(":")[0] if parts.port else host
    full = host if parts.port else f"{bare}:{443 if parts.scheme == 'https' else 80}"
    given_first = (host, bare if host == full else full)
    return (urlunsplit(parts._replace(netloc=netloc)) for netloc in given_first)
