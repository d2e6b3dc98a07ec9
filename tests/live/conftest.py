"""One embedded Redis for the tests of the floor; each test begins with an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import redis

from ivr.core.routing.decide import Rules
from ivr.live.floor import RedisFloor, connect
from ivr.live.server import EmbeddedRedis
from tests.core.routing.builders import NOW


@pytest.fixture(scope="session")
def floor_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    folder: Path = tmp_path_factory.mktemp("floor")
    server = EmbeddedRedis(folder)
    client = connect(server.start())
    client.config_set("appendfsync", "no")  # the disk is not what is tested here
    yield client
    client.close()
    server.stop()


@pytest.fixture
def new_floor(floor_redis: redis.Redis) -> Callable[..., RedisFloor]:
    """An empty floor under epoch 1; again for a new one."""
    epochs = count(1)

    def build(rules: Rules | None = None) -> RedisFloor:
        epoch = next(epochs)
        if epoch == 1:
            floor_redis.flushdb()
        floor = RedisFloor(floor_redis, rules or Rules(), epoch)
        floor.rebuild(epoch, [], [], [], NOW)
        return floor

    return build


@pytest.fixture
def floor(new_floor: Callable[..., RedisFloor]) -> RedisFloor:
    return new_floor()
