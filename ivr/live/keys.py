"""Every name in Redis, in one table. One hash tag keeps them all on one node of a cluster.

All but the epoch lie under the epoch's own prefix: whoever expects another epoch cannot touch them, also by mistake.
"""

from __future__ import annotations

EPOCH = "{floor}:epoch"

BUILDING = "{floor}:building"
"""Until when whoever began the epoch may take to build it, in microseconds."""

NAMES = {
    # name in the scripts: (name in Redis, what is there)
    "FENCE": ("fence", "counter: the number of the last claim"),
    "TICKETS": ("tickets", "hash: ticket -> order, newline, its phases as JSON [[from, lane, score], …]"),
    "STANDING": ("standing", "hash: ticket in line -> order, tab, lane"),
    "DUE": ("due", "zset: ticket by the time of its next phase"),
    "RIPE": ("ripe", "zset: lane by the score of its first ticket, or a lower one; every lane that can be served now"),
    "AGENTS": ("agents", "hash: free agent -> their entry in the free zsets"),
    "CLAIMS": ("claims", "hash: ticket -> its claim as JSON"),
    "CLAIMED": ("claimed", "hash: agent -> the ticket that claims them"),
    "LAPSES": ("lapses", "zset: claimed ticket by the time the claim lapses"),
    "NEEDS": ("needs", "hash: known need -> the field of an agent's entry that its queue's strategy goes by"),
    "OFFERS": ("offers", "hash: digest of a known offer -> the offer"),
    "SHAPE": ("shape", "counter: how often needs or offers were added"),
    "LINE": ("line:", "zset a lane: order, tab, ticket by score"),
    "LANES": ("lanes:", "set a need: the lanes that ask for it"),
    "OWN": ("own:", "set an agent: the lanes kept for them alone"),
    "FREE": ("free:", "zset a need: entries of those who serve it, as its queue's strategy goes; some claimed since"),
    "LEFT": ("left", "hash: agent claimed since -> the entry that may still stand in the free zsets"),
    "SERVES": ("serves:", "hash an offer: need it serves -> field, as in NEEDS"),
}
"""A name that ends in a colon is the beginning of a family's names."""


def prefix(epoch: int) -> str:
    """Where an epoch's names lie."""
    return f"{{floor}}:{epoch}:"


def of_other_epochs(name: str, epoch: int) -> bool:
    """Is this a name left over from another epoch?"""
    return name not in (EPOCH, BUILDING) and not name.startswith(prefix(epoch))


EVERYTHING = "{floor}:*"


def prelude() -> str:
    """The table as the scripts see it: ``KEYS[1]`` is the epoch's name, ``KEYS[2]`` the prefix."""
    return "".join(f"local {name} = KEYS[2] .. '{inside}'\n" for name, (inside, _) in NAMES.items())
