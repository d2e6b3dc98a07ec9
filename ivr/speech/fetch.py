"""Fetch published Vosk models: resumed, checked, unpacked with care, and put in place in one step."""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import requests

from ivr.core.errors import IvrError
from ivr.core.words import Language
from ivr.speech.models import NAME_FILE, blob_id, wrong_with
from ivr.speech.probe import survives

SOURCE = "https://alphacephei.com/vosk/models"
ATTEMPTS = 3
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
PIECE = 1 << 14  # bytes; what of a piece came before the line broke is fetched again
UNPACKED_LIMIT = 8 << 30  # bytes; the largest published model unpacks to less


@dataclass(frozen=True)
class Published:
    """A model as its makers publish it; ``blobs`` are git blob ids of files inside."""

    language: Language
    name: str
    sha256: str
    blobs: Mapping[str, str] = field(default_factory=dict)


PUBLISHED = {
    model.language: model
    for model in (
        Published(
            Language("it"),
            "vosk-model-small-it-0.22",
            "9ec65e75861d1c6c2e457cccd932705340dcdf233f5b239f00733b4de0bf3267",
        ),
        Published(
            Language("en"),
            "vosk-model-small-en-us-0.15",
            "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
            {
                "am/final.mdl": "5596b31d4fb9735918975e48abfc04582a561393",
                "graph/HCLr.fst": "9797b2628cba6119d8b9a7dbd9a2cd78126e4075",
                "graph/Gr.fst": "1f292e6398e94f0c99707d9b205f26056ffb6ac8",
                "ivector/final.ie": "93737bf720d6e9e3eed4d0e87431614e33f533b8",
            },
        ),
    )
}
"""Both Apache-2.0, Alpha Cephei. The checksums of the archives are those that Linux distributions' recipes pin; the
publisher gives MD5 sums only."""


class FetchFailed(IvrError):
    """The model could not be fetched."""


def fetch(
    model: Published,
    into: Path,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    source: str = SOURCE,
) -> Path:
    """Put a published model at ``into/vosk-<language>`` and give that folder.

    What was there is replaced only by a whole, checked model that libvosk loads. A broken-off download goes on where
    it ended, now and the next time. ``progress`` is given bytes done and in all. Raises FetchFailed.
    """
    target = into / f"vosk-{model.language}"
    archive = into / f".{target.name}.{model.sha256[:8]}.zip"
    fresh, old = into / f".{target.name}.new", into / f".{target.name}.old"
    try:
        into.mkdir(parents=True, exist_ok=True)
        _download(f"{source}/{model.name}.zip", archive, progress)
        _check_archive(archive, model)
        shutil.rmtree(fresh, ignore_errors=True)
        _unpack(archive, fresh)
        _check_folder(fresh, model)
        (fresh / NAME_FILE).write_text(model.name + "\n", encoding="utf-8")
        _swap(fresh, target, old)
        archive.unlink()
    except OSError as why:
        raise FetchFailed(f"{model.name} cannot be written to {into}: {why}") from why
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _download(url: str, archive: Path, progress: Callable[[int, int | None], None]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download_rest(url, archive, progress)
            return
        except requests.HTTPError as why:
            raise FetchFailed(f"{url} answers {why.response.status_code}") from why
        except requests.RequestException as why:
            if attempt == ATTEMPTS:
                kept = f"; the {archive.stat().st_size} bytes so far are kept" if archive.exists() else ""
                raise FetchFailed(
                    f"{url} cannot be reached ({type(why).__name__}): is this machine offline?{kept}"
                ) from why


def _download_rest(url: str, archive: Path, progress: Callable[[int, int | None], None]) -> None:
    """From where the file on disk ends; from the start where the server will not continue (RFC 9110, section 14)."""
    have = archive.stat().st_size if archive.exists() else 0
    # "identity": bytes of a compressed answer could not be continued, nor counted
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # whole already; its checksum decides
        answer.raise_for_status()
        continued = answer.status_code == requests.codes.partial_content
        done = have if continued else 0
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        with archive.open("ab" if continued else "wb") as file:
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                done += len(piece)
                progress(done, total)


def _check_archive(archive: Path, model: Published) -> None:
    with archive.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != model.sha256:
        archive.unlink()
        raise FetchFailed(f"{model.name}.zip is not what was published: SHA-256 {found}, not {model.sha256}")


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the one folder that an archive holds; its names may not lead anywhere else."""
    try:
        with zipfile.ZipFile(archive) as opened:
            files = [entry for entry in opened.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in files) > UNPACKED_LIMIT:
                raise FetchFailed(f"{archive.name} unpacks to more than {UNPACKED_LIMIT >> 30} GB")
            for entry in files:
                target = folder / _inside(entry)
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as content, target.open("xb") as file:
                    shutil.copyfileobj(content, file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as why:
        raise FetchFailed(f"{archive.name} is not an archive that can be unpacked: {why}") from why


def _inside(entry: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(entry.filename)
    link = stat.S_ISLNK(entry.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or "\\" in entry.filename or len(path.parts) < 2:
        raise FetchFailed(f"the archive holds a name that a model has not: {entry.filename!r}")
    return PurePosixPath(*path.parts[1:])


def _check_folder(folder: Path, model: Published) -> None:
    if wrong := wrong_with(folder):
        raise FetchFailed(f"{model.name} is incomplete: {wrong}")
    for name, published in model.blobs.items():
        if not (folder / name).is_file() or blob_id(folder / name) != published:
            raise FetchFailed(f"{model.name}: {name} is not what was published")
    if not survives(folder):
        raise FetchFailed(f"{model.name} is whole, but libvosk refuses it")


def _swap(fresh: Path, target: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
