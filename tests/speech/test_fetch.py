"""Models come over broken lines and from careless hands: only a whole one is put in place."""

from __future__ import annotations

import hashlib
import io
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ivr.config import BUNDLED_MODELS
from ivr.core.words import Language
from ivr.speech.engine import Engine
from ivr.speech.fetch import PIECE, PUBLISHED, FetchFailed, Published, fetch
from ivr.speech.models import ModelShelf, ModelState, blob_id

IT = Language("it")
NAME = "vosk-model-small-it-9.9"


class Shop:
    """A server with one file, which may break off, forget how to continue, or lie."""

    def __init__(self) -> None:
        self.body = b""
        self.breaks_after: list[int] = []  # bytes served before the line breaks, one a request
        self.continues = True
        self.status = 200
        self.asked: list[str | None] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked.append(self.headers.get("Range"))
                begin = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if shop.continues else 0
                if self.path != f"/models/{NAME}.zip" or shop.status != 200:
                    return self.send_error(404 if shop.status == 200 else shop.status)
                if begin >= len(shop.body):
                    return self.send_error(416)
                self.send_response(206 if begin else 200)
                self.send_header("Content-Length", str(len(shop.body) - begin))
                self.end_headers()
                end = begin + shop.breaks_after.pop(0) if shop.breaks_after else len(shop.body)
                self.wfile.write(shop.body[begin:end])
                return None

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/models"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def sells(self, body: bytes, **blobs: str) -> Published:
        self.body = body
        return Published(IT, NAME, hashlib.sha256(body).hexdigest(), blobs)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    opened = Shop()
    yield opened
    opened.close()


def archive(change: Callable[[zipfile.ZipFile], None] = lambda _: None, without: str = "") -> bytes:
    """Our demonstration model, packed as the published ones are: one folder named like the archive."""
    packed = io.BytesIO()
    folder = BUNDLED_MODELS / "vosk-it"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{NAME}/", b"")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.relative_to(folder).as_posix() != without:
                opened.write(file, f"{NAME}/{file.relative_to(folder).as_posix()}")
        change(opened)
    return packed.getvalue()


def left_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_fetched_model_is_ready_and_carries_its_published_name(shop: Shop, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    model = shop.sells(archive())
    folder = fetch(model, tmp_path / "models", lambda done, total: told.append((done, total)), shop.address)
    found = ModelShelf(tmp_path / "models").look(IT)
    assert (found.folder, found.state, found.name) == (folder, ModelState.READY, NAME)
    assert told[-1] == (len(shop.body), len(shop.body))
    assert left_in(tmp_path / "models") == ["vosk-it"]
    Engine(ModelShelf(tmp_path / "models")).recogniser(IT)


def test_a_broken_line_is_taken_up_where_it_broke(shop: Shop, tmp_path: Path) -> None:
    model = shop.sells(archive())
    shop.breaks_after = [25 * PIECE, 20 * PIECE]
    fetch(model, tmp_path, source=shop.address)
    assert shop.asked == [None, f"bytes={25 * PIECE}-", f"bytes={45 * PIECE}-"]
    assert left_in(tmp_path) == ["vosk-it"]


def test_after_three_breaks_what_came_is_kept_for_the_next_time(shop: Shop, tmp_path: Path) -> None:
    model = shop.sells(archive())
    shop.breaks_after = [25 * PIECE, 5 * PIECE, 5 * PIECE]
    with pytest.raises(FetchFailed, match=f"{35 * PIECE} bytes so far are kept"):
        fetch(model, tmp_path, source=shop.address)
    assert not (tmp_path / "vosk-it").exists()
    fetch(model, tmp_path, source=shop.address)
    assert shop.asked[-1] == f"bytes={35 * PIECE}-"


def test_a_server_that_cannot_continue_begins_again(shop: Shop, tmp_path: Path) -> None:
    model = shop.sells(archive())
    shop.breaks_after, shop.continues = [400_000], False
    fetch(model, tmp_path, source=shop.address)
    assert left_in(tmp_path) == ["vosk-it"]


def test_a_whole_archive_left_by_a_killed_process_is_used(shop: Shop, tmp_path: Path) -> None:
    model = shop.sells(archive())
    (tmp_path / f".vosk-it.{model.sha256[:8]}.zip").write_bytes(shop.body)
    (tmp_path / ".vosk-it.new" / "half").mkdir(parents=True)
    fetch(model, tmp_path, source=shop.address)
    assert left_in(tmp_path) == ["vosk-it"]
    assert not (tmp_path / "vosk-it" / "half").exists()


def test_another_archive_than_the_published_is_refused_and_thrown_away(shop: Shop, tmp_path: Path) -> None:
    model = shop.sells(archive())
    shop.body = shop.body[:-1] + b"!"
    with pytest.raises(FetchFailed, match="SHA-256"):
        fetch(model, tmp_path, source=shop.address)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", f"{NAME}/../../evil", f"{NAME}\\..\\evil", "evil"])
def test_a_name_that_leads_out_of_the_folder_is_refused(shop: Shop, tmp_path: Path, name: str) -> None:
    model = shop.sells(archive(lambda opened: opened.writestr(name, b"evil")))
    with pytest.raises(FetchFailed, match="a name that a model has not"):
        fetch(model, tmp_path / "in" / "models", source=shop.address)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_an_archive_is_refused(shop: Shop, tmp_path: Path) -> None:
    def link(opened: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo(f"{NAME}/am/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(entry, "/etc/passwd")

    with pytest.raises(FetchFailed, match="a name that a model has not"):
        fetch(shop.sells(archive(link)), tmp_path, source=shop.address)
    assert not list(tmp_path.rglob("link"))


def test_an_incomplete_model_does_not_take_the_place_of_a_good_one(shop: Shop, tmp_path: Path) -> None:
    fetch(shop.sells(archive()), tmp_path, source=shop.address)
    before = (tmp_path / "vosk-it" / "am" / "final.mdl").stat().st_ino
    for body, why in (
        (archive(without="graph/Gr.fst"), "graph/Gr.fst is missing"),
        (archive(without="graph/words.txt"), "libvosk refuses it"),
        (b"PK not a zip", "not an archive"),
    ):
        with pytest.raises(FetchFailed, match=why):
            fetch(shop.sells(body), tmp_path, source=shop.address)
    assert (tmp_path / "vosk-it" / "am" / "final.mdl").stat().st_ino == before


def test_a_new_model_replaces_the_old_one(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "vosk-it").mkdir()
    (tmp_path / "vosk-it" / "leftover").touch()
    fetch(shop.sells(archive()), tmp_path, source=shop.address)
    assert not (tmp_path / "vosk-it" / "leftover").exists()
    assert left_in(tmp_path) == ["vosk-it"]


def test_files_inside_are_compared_with_the_published_ids(shop: Shop, tmp_path: Path) -> None:
    true = blob_id(BUNDLED_MODELS / "vosk-it" / "am" / "final.mdl")
    with pytest.raises(FetchFailed, match=r"am/final\.mdl is not what was published"):
        fetch(shop.sells(archive(), **{"am/final.mdl": "0" * 40}), tmp_path, source=shop.address)
    fetch(shop.sells(archive(), **{"am/final.mdl": true}), tmp_path, source=shop.address)


def test_no_network_and_no_such_file_are_said_plainly(shop: Shop, tmp_path: Path) -> None:
    model = shop.sells(archive())
    shop.status = 503
    with pytest.raises(FetchFailed, match="answers 503"):
        fetch(model, tmp_path, source=shop.address)
    with pytest.raises(FetchFailed, match="offline"):
        fetch(model, tmp_path, source="http://127.0.0.1:1/models")
    (tmp_path / "file").touch()
    with pytest.raises(FetchFailed, match="cannot be written"):
        fetch(model, tmp_path / "file" / "models", source=shop.address)


def test_what_is_published_is_pinned() -> None:
    assert set(PUBLISHED) == {"it", "en"}
    assert all(len(model.sha256) == 64 and int(model.sha256, 16) for model in PUBLISHED.values())
