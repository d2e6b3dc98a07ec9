"""The model shelf tells good folders from bad ones, and libvosk is never given what ends the process."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import vosk

from ivr.config import BUNDLED_MODELS
from ivr.core.words import Language
from ivr.speech.audio import Part, prepare
from ivr.speech.engine import Engine
from ivr.speech.models import DEMONSTRATION, ModelShelf, ModelState, NoModel, blob_id

from .conftest import SAID_200

IT, EN = Language("it"), Language("en")


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    shutil.copytree(BUNDLED_MODELS, tmp_path / "models")
    return ModelShelf(tmp_path / "models")


def test_the_bundled_models_are_ready_and_called_a_demonstration() -> None:
    shelf = ModelShelf(BUNDLED_MODELS)
    assert shelf.languages() == [EN, IT]
    found = shelf.look(IT)
    assert (found.state, found.demonstration, found.words, found.problem) == (ModelState.READY, True, 818, None)
    assert shelf.look(EN).words == 686
    assert 3_000_000 < found.size < 5_000_000
    assert {blob_id(shelf.look(language).folder / "am" / "final.mdl") for language in (IT, EN)} == DEMONSTRATION


def test_a_blob_id_is_the_one_that_git_gives(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"what is up, doc?")
    assert blob_id(file) == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"  # Pro Git, chapter 10.2


def test_another_acoustic_model_is_no_demonstration(shelf: ModelShelf) -> None:
    with (shelf.folder / "vosk-it" / "am" / "final.mdl").open("ab") as file:
        file.write(b"x")
    found = shelf.look(IT)
    assert (found.state, found.demonstration, found.name) == (ModelState.READY, False, "vosk-it")


def test_a_published_small_model_has_no_list_of_words(shelf: ModelShelf) -> None:
    (shelf.folder / "vosk-it" / "graph" / "words.txt").unlink()
    assert (shelf.look(IT).state, shelf.look(IT).words) == (ModelState.READY, None)


def test_a_missing_folder_is_missing_and_names_the_setting(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        shelf = ModelShelf(folder)
        assert shelf.languages() == []
        assert shelf.look(IT).state is ModelState.MISSING
        with pytest.raises(NoModel, match="IVR_MODELS_DIR"):
            Engine(shelf).recogniser(IT)


@pytest.mark.parametrize(
    "name", ["am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph/HCLr.fst", "graph/Gr.fst"]
)
@pytest.mark.parametrize("how", ["missing", "empty", "pointer"])
def test_a_folder_with_a_hole_is_broken_before_libvosk_sees_it(shelf: ModelShelf, name: str, how: str) -> None:
    file = shelf.folder / "vosk-en" / name
    file.unlink()
    if how != "missing":
        file.write_text("" if how == "empty" else "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    found = shelf.look(EN)
    assert found.state is ModelState.BROKEN
    assert found.problem is not None and name in found.problem and "IVR_MODELS_DIR" in found.problem
    assert shelf.look(IT).state is ModelState.READY


@pytest.mark.parametrize(
    "name", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst", "conf/mfcc.conf", "graph/words.txt"]
)
def test_a_truncated_file_is_refused_when_loaded_and_the_process_lives(shelf: ModelShelf, name: str) -> None:
    file = shelf.folder / "vosk-en" / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 if file.stat().st_size > 999 else 20])
    engine = Engine(shelf)
    for _ in range(2):
        with pytest.raises(NoModel, match="IVR_MODELS_DIR"):
            engine.recogniser(EN)
    engine.recogniser(IT)


def test_a_model_repaired_is_found_without_a_restart(shelf: ModelShelf, tmp_path: Path) -> None:
    (shelf.folder / "vosk-en").rename(tmp_path / "away")
    engine = Engine(shelf)
    with pytest.raises(NoModel):
        engine.recogniser(EN)
    (tmp_path / "away").rename(shelf.folder / "vosk-en")
    engine.recogniser(EN)


def test_a_model_that_forbids_upsampling_reads_telephone_sound(shelf: ModelShelf, voice: Path, tmp_path: Path) -> None:
    conf = shelf.folder / "vosk-it" / "conf" / "mfcc.conf"
    conf.write_text(conf.read_text().replace("--allow-upsample=true", "--allow-upsample=false"))
    prepared = prepare(voice, tmp_path / "sound.pcm")
    (part,) = prepared.parts()
    assert " ".join(word.text for word in Engine(shelf).hear(part, IT)) == SAID_200


def test_streams_that_begin_at_once_load_one_model_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    class CountedModel(vosk.Model):  # type: ignore[misc]
        def __init__(self, folder: str) -> None:
            loaded.append(folder)
            super().__init__(folder)

    monkeypatch.setattr("ivr.speech.engine.Model", CountedModel)
    engine = Engine(ModelShelf(BUNDLED_MODELS))
    gate = threading.Barrier(6)

    def stream() -> None:
        gate.wait()
        engine.recogniser(IT)

    threads = [threading.Thread(target=stream) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [str(BUNDLED_MODELS / "vosk-it")]


def test_many_threads_share_one_loaded_model(engine: Engine, voice: Path, tmp_path: Path) -> None:
    prepared = prepare(voice, tmp_path / "sound.pcm")
    (part,) = prepared.parts()
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(" ".join(word.text for word in engine.hear(part, IT))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [SAID_200] * 4
    assert engine.recogniser(IT).finish() == ()


def test_a_recogniser_in_another_thread_raises_instead_of_aborting(engine: Engine) -> None:
    recogniser = engine.recogniser(IT)
    refused: list[str] = []

    def elsewhere() -> None:
        for use in (lambda: recogniser.hear(bytes(8000)), recogniser.finish):
            try:
                use()
            except RuntimeError as why:
                refused.append(str(why))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(refused) == 2 and "thread" in refused[0]
    recogniser.hear(bytes(8000))


def test_odd_pieces_are_tolerated(engine: Engine, voice: Path, tmp_path: Path) -> None:
    prepared = prepare(voice, tmp_path / "sound.pcm")
    recogniser = engine.recogniser(IT)
    for piece in Part(prepared.pcm, 0, prepared.samples).pieces():
        recogniser.hear(bytearray(piece))
        recogniser.hear(memoryview(b""))
    recogniser.hear(b"\0")
    assert " ".join(word.text for word in recogniser.finish()) == SAID_200


GUARDED = """
import sys
from pathlib import Path
from ivr.core.words import Language
from ivr.speech.engine import Engine
from ivr.speech.models import ModelShelf
engine = Engine(ModelShelf(Path(sys.argv[1])))
for phrases in ([], "", "[]", "uno", {}, {"a": 1}, [1, 2], [""], ["  "], [None], 7, object()):
    try:
        engine.recogniser(Language("it"), phrases)
    except ValueError:
        print("refused")
engine.recogniser(Language("it"), ["ordine", "reclamo", "[unk]", "parola sconosciutissima"]).finish()
print("alive")
"""

UNGUARDED = """
import sys
from vosk import KaldiRecognizer, Model
KaldiRecognizer(Model(sys.argv[1] + "/vosk-it"), 16000, "[]")
"""


def test_phrases_that_would_end_the_process_are_refused_before() -> None:
    kept = subprocess.run([sys.executable, "-c", GUARDED, str(BUNDLED_MODELS)], capture_output=True, text=True)
    assert (kept.returncode, kept.stdout.split()) == (0, ["refused"] * 12 + ["alive"]), kept.stderr
    lost = subprocess.run([sys.executable, "-c", UNGUARDED, str(BUNDLED_MODELS)], capture_output=True)
    assert lost.returncode != 0, "libvosk has learnt to refuse an empty grammar: the guard may go"


def test_phrases_are_heard_only_where_the_graph_allows_it(shelf: ModelShelf) -> None:
    engine = Engine(shelf)
    engine.recogniser(IT, ["ordine"])
    (shelf.folder / "vosk-it" / "graph" / "HCLG.fst").write_bytes(b"whole graph")
    with pytest.raises(ValueError, match="HCLG"):
        engine.recogniser(IT, ["ordine"])
