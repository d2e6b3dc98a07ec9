import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_that_is_read_is_documented() -> None:
    read = set(re.findall(r'"((?:IVR|TWILIO)_[A-Z_]+)"', (ROOT / "ivr/config.py").read_text()))
    documented = set(re.findall(r"`((?:IVR|TWILIO)_[A-Z_]+)`", (ROOT / "docs/settings.md").read_text()))
    assert read, "the settings are read under names that this test no longer finds"
    assert read == documented
