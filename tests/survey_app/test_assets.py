"""The built client beside a running server: what a page names is there, before, during and after another build."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from flask import Flask

from survey_app.assets import asset, build_id, preloads

ROOT = Path(__file__).parents[2]


def build(folder: Path) -> dict[str, str]:
    command = ["sh", "tools/node.sh", "node", "survey_app/client/build.mjs", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    manifest: dict[str, str] = json.loads((folder / "manifest.json").read_text())
    return manifest


def test_a_running_server_names_the_files_of_the_newest_build(app: Flask, tmp_path: Path) -> None:
    app.extensions["survey_assets"] = tmp_path
    manifest = tmp_path / "manifest.json"
    with app.test_request_context():
        assert (asset("main.js"), preloads(), build_id()) == ("", [], "none")
        for number, name in enumerate(("main-AAAA.js", "main-BBBB.js"), 1):
            manifest.write_text(json.dumps({"main.js": name, "preload": "chunk-1.js", "build": f"b{number}"}))
            os.utime(manifest, ns=(number, number))
            assert asset("main.js").endswith(f"/dist/{name}")
            assert build_id() == f"b{number}"
        assert preloads() == ["/static/dist/chunk-1.js"]


@pytest.mark.one_database
def test_a_build_leaves_the_files_of_lately_and_clears_those_of_long_ago(tmp_path: Path) -> None:
    lately, long_ago = tmp_path / "main-LATELY.js", tmp_path / "main-LONGAGO.js"
    for file in (lately, long_ago):
        file.write_text("1")
    month = time.time() - 30 * 86_400
    os.utime(long_ago, (month, month))
    first = build(tmp_path)
    assert lately.exists()
    assert not long_ago.exists()
    assert build(tmp_path) == first
    named = {first["main.js"], *first["preload"].split()}
    assert named <= {file.name for file in tmp_path.iterdir()}
    assert not (tmp_path / "manifest.new").exists()
