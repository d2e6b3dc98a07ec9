"""How we speak with this caller: language, pace."""

from __future__ import annotations

from ivr.core.events import LanguageChosen, PaceChosen
from ivr.core.flow.model import LanguageNode, Pace
from ivr.core.flow.turn import RememberLanguage, RememberPace
from ivr.core.flow.walk import Leave, Walk
from ivr.core.words import Language


def language(walk: Walk, node: LanguageNode) -> Leave:
    """The language named, or the flow's next one; remembered on the customer."""
    spoken = walk.version.flow.languages
    chosen = next_language(walk) if node.language == "next" else Language(node.language)
    if chosen not in spoken:
        return Leave("then", f"{chosen} is no language of this flow")
    walk.language = chosen
    walk.deeds.append(RememberLanguage(chosen))
    walk.note(LanguageChosen(chosen))
    return Leave("then", f"speaks {chosen}")


def next_language(walk: Walk) -> Language:
    """The flow's language after the one spoken now, the first after the last."""
    spoken = walk.version.flow.languages
    at = spoken.index(walk.language) if walk.language in spoken else -1
    return spoken[(at + 1) % len(spoken)]


def pace(walk: Walk, node: Pace) -> Leave:
    walk.slow = not walk.slow if node.pace == "other" else node.pace == "slow"
    walk.deeds.append(RememberPace(walk.slow))
    walk.note(PaceChosen(walk.slow))
    return Leave("then", "slowly" if walk.slow else "at the usual pace")
