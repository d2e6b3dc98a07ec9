"""`ivr transcribe` and `ivr models`, as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivr.cli import models
from ivr.cli.transcribe import transcribe
from ivr.config import BUNDLED_MODELS

from .conftest import SAID_200, wav

app = typer.Typer()
app.command("transcribe")(transcribe)
app.add_typer(models.app, name="models")


def ivr(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IVR_MODELS_DIR", raising=False)
    monkeypatch.delenv("IVR_CARRIER", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def test_one_file_is_plain_text_that_can_be_piped(voice: Path) -> None:
    assert ivr("transcribe", voice) == (0, SAID_200 + "\n", "")
    assert ivr("transcribe", "--language", "it", voice) == (0, SAID_200 + "\n", "")


def test_several_files_stay_in_order_and_one_bad_file_spoils_no_other(shared: Path, tmp_path: Path) -> None:
    folder = shared / "audio" / "synthetic"
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    status, said, told = ivr("transcribe", folder / "it_200.wav", bad, folder / "en_200.wav", "--json")
    lines = [json.loads(line) for line in said.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["it_200.wav", "bad.wav", "en_200.wav"]
    assert [(line["language"], line["state"]) for line in lines] == [
        ("it", "read"),
        (None, "unreadable"),
        ("en", "read"),
    ]
    assert lines[0]["words"][0]["text"] == "pronto"
    assert status == 1
    assert "bad.wav: unreadable" in told


def test_captions_go_into_a_folder_and_none_overwrites_another(voice: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    twin = shutil.copy(voice, tmp_path / "a" / voice.name)
    status, said, _ = ivr("transcribe", voice, twin, "--format", "srt", "--out", tmp_path / "out")
    assert (status, said) == (0, "")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["it_200-2.srt", "it_200.srt"]
    assert (tmp_path / "out" / "it_200.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,")
    status, said, _ = ivr("transcribe", voice, "--format", "vtt")
    assert said.startswith("WEBVTT\n\n00:00:00.")


def test_silence_is_no_failure_and_is_said_beside_the_text(tmp_path: Path) -> None:
    file = wav(tmp_path / "silence.wav", bytes(160_000))
    status, said, told = ivr("transcribe", file)
    assert (status, said) == (0, "")
    assert "silence.wav: silent" in told


def test_without_a_model_the_setting_is_named(voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path))
    status, said, told = ivr("transcribe", voice, "--language", "it")
    assert (status, said) == (1, "")
    assert "IVR_MODELS_DIR" in told and "no_model" in told


def test_the_list_says_what_is_there_and_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, said, _ = ivr("models", "list")
    assert status == 0
    assert said.count("demonstration") >= 2 and "818" in said and "686" in said

    shutil.copytree(BUNDLED_MODELS / "vosk-it", tmp_path / "vosk-it")
    conf = tmp_path / "vosk-it" / "conf" / "mfcc.conf"
    conf.write_text(conf.read_text()[:20])
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path))
    _, said, _ = ivr("models", "list", "--json")
    states = {line["language"]: line["state"] for line in map(json.loads, said.splitlines())}
    assert states == {"en": "missing", "it": "broken"}


def test_get_leaves_the_bundled_models_alone_and_knows_its_languages() -> None:
    status, _, told = ivr("models", "get", "it")
    assert status == 1 and "IVR_MODELS_DIR" in told
    status, _, told = ivr("models", "get", "de")
    assert status == 2 and "no model is known for de" in told.replace("\n", " ")


def test_get_says_plainly_that_there_is_no_network(tmp_path: Path) -> None:
    status, _, told = ivr("models", "get", "it", "--into", tmp_path, "--from", "http://127.0.0.1:1")
    assert status == 1 and "offline" in told
