"""PINs are kept as scrypt hashes, each with a salt of its own."""

from __future__ import annotations

import hashlib
import hmac

# 16 MiB and some 40 ms each, because it is spent inside a turn while a caller waits. Four digits are guessed through
# behind any hash: the limit on tries (switchboard.customers.prove) is what guards them on the telephone.
_N, _R, _P, _LENGTH = 2**14, 8, 1, 32


def pin_hash(pin: str, salt: bytes) -> str:
    """``scrypt$n$r$p$salt$key``, everything in hexadecimal but the numbers."""
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${_key(pin, salt, _N, _R, _P).hex()}"


def pin_matches(pin: str, hashed: str) -> bool:
    """Whether this PIN made that hash; the comparison takes the same time whatever is wrong.

    Raises ValueError when the text is no such hash.
    """
    name, n, r, p, salt, key = hashed.split("$")
    if name != "scrypt":
        raise ValueError("the PIN was not hashed by scrypt")
    return hmac.compare_digest(_key(pin, bytes.fromhex(salt), int(n), int(r), int(p)), bytes.fromhex(key))


def _key(pin: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=n, r=r, p=p, maxmem=128 * n * r * p + 2**20, dklen=_LENGTH)
