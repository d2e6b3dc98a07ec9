"""`ivr demo --once` as a new user runs it: every process real, signed HTTP between them, real time, real speech."""

from __future__ import annotations

import socket

import pytest

from tests.demonstration import Demonstration


@pytest.mark.timeout(620)
def test_one_command_starts_the_line_plays_its_calls_and_ends_with_0(demonstration: Demonstration) -> None:
    status = demonstration.running.wait(600)
    told = demonstration.told
    assert status == 0, told
    assert told.count("as expected") == 7
    assert "pronto buongiorno sono un vostro cliente l'armadio è rotto" in told
    assert "Di solito si aspetta meno di 2 minuti." in told
    assert "Siamo d'accordo: vi richiamiamo appena è il vostro turno" in told
    assert "Avete già una richiamata in programma" in told
    assert f"http://127.0.0.1:{demonstration.exchange}/" in told
    for port in (demonstration.web, demonstration.exchange):  # nothing is left behind
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()
