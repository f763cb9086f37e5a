"""Built client files: their hashed addresses, and the build id that tells one client from the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from flask import Flask, current_app, url_for

from survey_app.config import Settings, UnsafeSettings

DIST = Path(__file__).parent / "static" / "dist"


def load_manifest() -> dict[str, str]:
    """Logical name -> hashed file name, as `make client` wrote it; empty when nothing was built."""
    file = DIST / "manifest.json"
    return cast(dict[str, str], json.loads(file.read_text())) if file.exists() else {}


def asset(name: str) -> str:
    """The address of a built file, or "" where it was not built (pages work without it)."""
    hashed = current_app.extensions["survey_assets"].get(name)
    return url_for("static", filename=f"dist/{hashed}") if hashed else ""


def preloads() -> list[str]:
    """The addresses of the files that the client's entry needs at once."""
    names = current_app.extensions["survey_assets"].get("preload", "").split()
    return [url_for("static", filename=f"dist/{name}") for name in names]


def build_id() -> str:
    """Changes whenever a client file changes."""
    return str(current_app.extensions["survey_assets"].get("build", "none"))


def init_app(app: Flask, settings: Settings) -> None:
    """Read the manifest; production refuses to start without a built client."""
    manifest = load_manifest()
    if settings.production and not manifest:
        raise UnsafeSettings("The client is not built: run `make client` once.")
    app.extensions["survey_assets"] = manifest
    app.jinja_env.globals.update(asset=asset, preloads=preloads, build_id=build_id)
