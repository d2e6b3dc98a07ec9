"""The records (SQL): one transaction over all of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from ivr.switchboard.ports.calls import (
    Answers,
    CallLog,
    Calls,
    Facts,
    Fetches,
    FlowVersions,
    Recordings,
    Switches,
    Texts,
    Voicemails,
)
from ivr.switchboard.ports.customers import Callbacks, Cases, Customers, Promises, Proofs
from ivr.switchboard.ports.queue import AgentCalls, Agents, Claims, FloorRow, Legs, Tickets


class Transaction(Protocol):
    """One transaction: all of it or nothing, and on the disk when the block ends."""

    def witnessed(self) -> None:
        """No caller hears of what this one writes before a later one: its commit does not wait for the disk.

        No crash of ours loses it, and the next commit that waits takes it along to the disk. A power cut within that
        moment does, and the sweep asks the carrier what is true.
        """
        ...

    @property
    def calls(self) -> Calls: ...
    @property
    def log(self) -> CallLog: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def customers(self) -> Customers: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def voicemails(self) -> Voicemails: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def agent_calls(self) -> AgentCalls: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def claims(self) -> Claims: ...
    @property
    def legs(self) -> Legs: ...
    @property
    def floor(self) -> FloorRow: ...
    @property
    def fetches(self) -> Fetches: ...
    @property
    def flows(self) -> FlowVersions: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def proofs(self) -> Proofs: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def texts(self) -> Texts: ...
    @property
    def recordings(self) -> Recordings: ...


class Records(Protocol):
    """The door to SQL. Raises RecordsUnavailable when the database cannot be reached."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits at the end of the block, or rolls back when it raises."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction for reading only."""
        ...
