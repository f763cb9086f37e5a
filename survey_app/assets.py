"""Built client files: their hashed addresses, and the build id that tells one client from the next."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import cast

from flask import Flask, current_app, url_for

from survey_app.config import Settings, UnsafeSettings

DIST = Path(__file__).parent / "static" / "dist"


def load_manifest(folder: Path = DIST) -> dict[str, str]:
    """Logical name -> hashed file name, as `make client` wrote it; empty when nothing was built."""
    return dict(_read(folder / "manifest.json", _changed_at(folder / "manifest.json")))


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=4)
def _read(file: Path, changed_at: int) -> dict[str, str]:
    return cast(dict[str, str], json.loads(file.read_text())) if changed_at else {}


def _manifest() -> dict[str, str]:
    """The newest manifest: a client built beside a running server is the one it names from then on."""
    folder: Path = current_app.extensions["survey_assets"]
    return _read(folder / "manifest.json", _changed_at(folder / "manifest.json"))


def asset(name: str) -> str:
    """The address of a built file, or "" where it was not built (pages work without it)."""
    hashed = _manifest().get(name)
    return url_for("static", filename=f"dist/{hashed}") if hashed else ""


def preloads() -> list[str]:
    """The addresses of the files that the client's entry needs at once."""
    names = _manifest().get("preload", "").split()
    return [url_for("static", filename=f"dist/{name}") for name in names]


def build_id() -> str:
    """Changes whenever a client file changes."""
    return str(_manifest().get("build", "none"))


def init_app(app: Flask, settings: Settings) -> None:
    """Give templates the built files; production refuses to start without a built client."""
    if settings.production and not load_manifest():
        raise UnsafeSettings("The client is not built: run `make client` once.")
    app.extensions["survey_assets"] = DIST
    app.jinja_env.globals.update(asset=asset, preloads=preloads, build_id=build_id)
