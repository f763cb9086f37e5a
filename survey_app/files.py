"""Files kept by their SHA-256 under the data folder; a file that is said to be stored has been fsynced."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast
from urllib.parse import quote

from flask import Flask, Response, current_app

from survey_app.config import Settings
from survey_app.problems import NotFound, TooLarge


class FileStore:
    """A folder of blobs named by content. Equal bytes are one file, so the same photo twice is no conflict."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the bytes of a hash are, or would be. Raises ValueError for what is not a SHA-256."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("not a SHA-256")
        return self.folder / sha256[:2] / sha256

    def store(
        self, chunks: Iterable[bytes], limit: int, inspect: Callable[[Path, str], None] | None = None
    ) -> tuple[str, int]:
        """Keep the bytes durably and return (sha256, size).

        Written to a temporary file, fsynced, renamed, and the folder fsynced: after a power cut the file is whole or
        absent. Raises TooLarge past `limit` bytes, leaving nothing behind. `inspect` sees the temporary file and its
        SHA-256 before it takes its place, and refuses by raising.
        """
        if not self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _fsync_folder(self.folder.parent)
        temporary = self.folder / f"incoming-{secrets.token_hex(8)}"
        digest, size = hashlib.sha256(), 0
        try:
            with temporary.open("xb") as out:
                for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise TooLarge(limit=f"{limit // 1024 // 1024} MB")
                    digest.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if inspect is not None:
                inspect(temporary, digest.hexdigest())
            self._settle(temporary, self.path(digest.hexdigest()))
        finally:
            temporary.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def _settle(self, temporary: Path, final: Path) -> None:
        final.parent.mkdir(exist_ok=True)
        _fsync_folder(self.folder)  # always: who made the folder just before us may not have got as far as this
        try:
            os.utime(final)  # wanted again: a sweep takes only what nobody has stored for days
        except FileNotFoundError:
            temporary.rename(final)
        _fsync_folder(final.parent)

    def read(self, sha256: str) -> bytes:
        """The bytes of a hash; FileNotFoundError when they never came."""
        return self.path(sha256).read_bytes()

    def has(self, sha256: str) -> bool:
        """True when the bytes of this hash are here."""
        return self.path(sha256).exists()


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# A stored file must never run as part of our site, whatever is in it.
SANDBOX = "sandbox; default-src 'none'; style-src 'none'; script-src 'none'; frame-ancestors 'none'"


def file_response(path: Path, name: str, content_type: str) -> Response:
    """A stored file (its path ends in its SHA-256): what a page can show is shown in place, the rest is to be saved."""
    if not path.exists():
        raise NotFound
    response = Response(path.read_bytes(), content_type=content_type)
    kind = "inline" if content_type.startswith(("image/", "audio/", "video/")) else "attachment"
    response.headers["Content-Disposition"] = disposition(kind, name)
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(path.name)
    return response


def disposition(kind: str, name: str) -> str:
    """A Content-Disposition that carries any name: plain letters for old readers, all of it in UTF-8."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)[:100]
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def store() -> FileStore:
    """The file store of the running application."""
    return cast(FileStore, current_app.extensions["survey_files"])


def init_app(app: Flask, settings: Settings) -> None:
    """Keep files below the data folder."""
    app.extensions["survey_files"] = FileStore(settings.data_dir / "files")
