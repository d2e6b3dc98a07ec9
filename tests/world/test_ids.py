from datetime import UTC, datetime
from uuid import UUID

from ivr.world.ids import Chance


class At:
    def now(self) -> datetime:
        return datetime(2026, 11, 24, 8, 30, 0, 123000, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_7_and_begins_with_its_millisecond() -> None:
    made = UUID(Chance(At()).new())
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == int(At().now().timestamp() * 1000)


def test_one_seed_gives_the_same_ids_and_codes_and_another_seed_others() -> None:
    def run(seed: int) -> list[str]:
        chance = Chance(At(), seed)
        return [chance.new(), chance.code(6), chance.new()]

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_a_code_has_its_length_and_never_begins_with_zero() -> None:
    chance = Chance(At(), 1)
    codes = {chance.code(6) for _ in range(2000)}
    assert all(len(code) == 6 and code.isdecimal() and code[0] != "0" for code in codes)
