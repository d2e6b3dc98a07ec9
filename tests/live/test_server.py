"""The embedded Redis: it starts, it is found, it comes back with its data, it leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ivr.live import server
from ivr.live.server import EmbeddedRedis, RedisWouldNotStart, answers, socket_path


def ask(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def eventually(holds: object, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():  # type: ignore[operator]
                return True
        except redis.RedisError:
            pass
        time.sleep(0.05)
    return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "redis"


@pytest.fixture
def embedded(folder: Path) -> Iterator[EmbeddedRedis]:
    one = EmbeddedRedis(folder)
    one.start()
    yield one
    one.stop()


def test_it_answers_on_a_socket_only_and_keeps_a_log_of_every_write(embedded: EmbeddedRedis) -> None:
    with ask(embedded.url) as client:
        asked = client.config_get("*")
        assert asked["port"] == "0"
        assert asked["appendonly"] == "yes"
        assert asked["appendfsync"] == "everysec"
        assert asked["save"] == ""
        assert client.info("server")["redis_version"].startswith("6.2.")
    assert embedded.socket.stat().st_mode & 0o077 == 0


def test_it_stops_cleanly_and_keeps_its_data(folder: Path) -> None:
    one = EmbeddedRedis(folder)
    with ask(one.start()) as client:
        client.set("place", "3")
    pid = one.pid
    one.stop()
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()
    assert not one.socket.exists()
    again = EmbeddedRedis(folder)
    with ask(again.start()) as client:
        assert client.get("place") == "3"
    again.stop()


def test_killed_it_comes_back_with_what_it_had_acknowledged(embedded: EmbeddedRedis) -> None:
    with ask(embedded.url) as client:
        client.set("place", "3")
        killed = embedded.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda: client.get("place") == "3")
        assert embedded.pid != killed


def test_wiped_with_its_folder_it_comes_back_empty_and_is_still_one_s_own(
    embedded: EmbeddedRedis, folder: Path
) -> None:
    with ask(embedded.url) as client:
        client.set("place", "3")
    assert embedded.pid is not None
    shutil.rmtree(folder)
    os.kill(embedded.pid, signal.SIGKILL)
    with ask(embedded.url) as client:
        assert eventually(lambda: client.get("place") is None and client.ping())
    guest = EmbeddedRedis(folder)
    guest.start()
    assert embedded.owned and not guest.owned
    guest.stop()


def test_a_second_start_on_the_same_folder_attaches(embedded: EmbeddedRedis, folder: Path) -> None:
    guest = EmbeddedRedis(folder)
    assert guest.start() == embedded.url
    assert embedded.owned
    assert not guest.owned
    guest.stop()
    assert answers(embedded.socket)


def test_a_guest_takes_over_when_the_owner_stops(folder: Path) -> None:
    owner, guest = EmbeddedRedis(folder), EmbeddedRedis(folder)
    with ask(owner.start()) as client:
        client.set("place", "3")
    guest.start()
    owner.stop()
    with ask(guest.url) as client:
        assert eventually(lambda: client.get("place") == "3")
    assert guest.owned
    guest.stop()


OWNER = """
import sys, time
from pathlib import Path
from ivr.live.server import EmbeddedRedis
one = EmbeddedRedis(Path(sys.argv[1]))
one.start()
print(one.pid, flush=True)
time.sleep(60)
"""


def test_a_server_left_behind_by_a_killed_owner_is_taken_over_and_stopped(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    heir = EmbeddedRedis(folder)
    heir.start()
    assert eventually(lambda: heir.owned)
    heir.stop()
    assert eventually(lambda: not answers(heir.socket))
    assert eventually(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text())


def test_a_stale_socket_is_cleared_away(folder: Path) -> None:
    folder.mkdir()
    socket_path(folder).touch()
    one = EmbeddedRedis(folder)
    one.start()
    one.stop()


def test_a_folder_too_deep_for_a_socket_gets_a_short_name_of_its_own(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / 'with "quotes" and spaces'
    other = tmp_path / ("d" * 60) / ("f" * 60)
    assert len(os.fsencode(socket_path(deep))) <= server.LONGEST_SOCKET_PATH
    assert socket_path(deep) == socket_path(deep)
    assert socket_path(deep) != socket_path(other)
    one = EmbeddedRedis(deep)
    with ask(one.start()) as client:
        client.set("a", "b")
    one.stop()
    assert (deep / "appendonly.aof").exists()
    one.socket.parent.rmdir()


def test_a_socket_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    one = EmbeddedRedis(deep)
    one.socket.parent.mkdir(mode=0o777)
    one.socket.parent.chmod(0o777)
    with pytest.raises(RedisWouldNotStart, match="not ours alone"):
        one.start()
    one.socket.parent.rmdir()


def test_an_unreadable_log_is_set_aside_because_sql_can_rebuild_it(folder: Path) -> None:
    folder.mkdir()
    (folder / "appendonly.aof").write_bytes(b"garbage\r\n" * 50)
    one = EmbeddedRedis(folder)
    one.start()
    one.stop()
    assert [kept.read_bytes()[:7] for kept in folder.glob("*.unreadable-*")] == [b"garbage"]


def test_what_cannot_start_says_so(folder: Path) -> None:
    with pytest.raises(RedisWouldNotStart, match=r"redis\.log"):
        EmbeddedRedis(folder, binary="/bin/false").start(patience=0.5)
