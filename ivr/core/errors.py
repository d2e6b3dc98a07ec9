"""The family of refusals: one root, a class for each thing a person can meet, the docstring as message."""

from __future__ import annotations


class IvrError(Exception):
    """Something was refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")

    @property
    def code(self) -> str:
        """A stable name for machines: the class name in kebab case."""
        name = type(self).__name__
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


class NoSuchCall(IvrError):
    """No call has this id."""


class NoSuchLine(IvrError):
    """No line of the company has this number."""


class NoSuchCustomer(IvrError):
    """No customer has this number or id."""


class NoSuchFlow(IvrError):
    """No flow has this name."""


class NoSuchVoicemail(IvrError):
    """No voicemail has this id."""


class NoSuchTicket(IvrError):
    """No place in line has this id."""


class NoSuchLeg(IvrError):
    """No leg has this id."""


class NoSuchAgentCall(IvrError):
    """No agent's call has this id."""


class NoSuchText(IvrError):
    """No text message has this id."""


class NoSuchRecording(IvrError):
    """No talk is recorded under this id."""


class VoicemailAnsweredAlready(IvrError):
    """This voicemail is answered already."""


class ChangedMeanwhile(IvrError):
    """Somebody else changed this at the same moment; look again."""


class SettingsIncomplete(IvrError):
    """Settings are missing or unreadable."""


class FlowRefused(IvrError):
    """The flow has problems and was not loaded."""


class RecordsUnavailable(IvrError):
    """The records cannot be reached right now."""


class CarrierUnavailable(IvrError):
    """The carrier cannot be reached right now, or is in trouble itself."""


class AnswerLost(CarrierUnavailable):
    """The carrier was asked and its answer was lost: it may have done it."""


class RefusedByCarrier(IvrError):
    """The carrier refused what we asked."""


class FloorUnavailable(IvrError):
    """The floor cannot be reached right now."""


class FloorLost(IvrError):
    """The floor is another one than expected: it was lost, and is being rebuilt or has been."""


class FloorBeingBuilt(FloorUnavailable, FloorLost):
    """Somebody else is building the floor at this moment; it stands when they are done."""
