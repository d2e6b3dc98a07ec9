"""Secrets in a flow file: keys, passwords, tokens; also those in comments."""

from __future__ import annotations

import re

from ivr.core.flow.model import Mark
from ivr.flowfiles.problems import Notes, Problem

_WORD = r"(?:password|passwd|secret|api[_-]?key|auth[_-]?token|access[_-]?token|token)"
_NAMED = rf"[a-z0-9_-]{{0,30}}{_WORD}[\"']?\s*[:=]\s*"
_IN_ADDRESS = r"[?&](?:api[_-]?key|key|token|access_token|password|secret|sig)=[^\s&{\"']{4,}"

_LOOKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a name and password in an address", re.compile(r"[a-z]{2,10}://[^\s/@:\"']{1,100}:[^\s/@\"']{1,200}@", re.I)),
    ("a key in an address", re.compile(_IN_ADDRESS, re.I)),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY")),
    ("a carrier's API key", re.compile(r"\bSK[0-9a-f]{32}\b")),
    ("a cloud access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20}|xox[abprs]-[A-Za-z0-9-]{10}|[srp]k_live_[A-Za-z0-9]{8})")),
    ("a token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.")),
    ("a token", re.compile(r"\b(?:Bearer|Basic)\s+[A-Za-z0-9+/_.-]{16,}")),
    ("a password or token", re.compile(rf"^\s*#?\s*[\"']?{_NAMED}[\"']?(?![{{\s\"'])\S{{4}}", re.I)),
    ("a password or token", re.compile(rf"\b{_NAMED}[\"']?(?=\S{{0,40}}[0-9])[^\s\"',{{}}]{{6}}", re.I)),
    ("a hex token", re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b")),
)
LONGEST_LINE = 5000


def find_secrets(file: str, text: str) -> tuple[Problem, ...]:
    """A problem for each line that seems to hold a secret; the secret itself is not shown."""
    notes = Notes()
    for number, line in enumerate(text.splitlines(), 1):
        for what, look in _LOOKS:
            found = look.search(line[:LONGEST_LINE])
            if found:
                notes.error(
                    Mark(file, number, found.start() + 1),
                    "secret",
                    f"this looks like {what}",
                    "flow files are read by many; keep it in the settings, and change it, since it was written down",
                )
                break
    return tuple(notes.found)
