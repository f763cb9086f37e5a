"""Papers a respondent takes away: receipt and answers as PDF, a typed signature as a picture.

Answers reach the typesetter as one JSON string and are shown as text; nothing is ever pasted into its markup, which
could read files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

_FOLDER = Path(__file__).parent / "typst"


def pdf(data: Mapping[str, Any]) -> bytes:
    """A receipt (with `parts`, the answers too) as PDF."""
    return _compile("receipt.typ", data, "pdf")


def signature_picture(name: str, note: str) -> bytes:
    """A typed name as PNG, to stand where a drawn signature would."""
    return _compile("signature.typ", {"name": name, "note": note}, "png")


def _compile(template: str, data: Mapping[str, Any], kind: Literal["pdf", "png"]) -> bytes:
    import typst  # 85 MB, and only papers need it

    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    made: bytes = typst.compile(
        _FOLDER / template,
        root=_FOLDER,
        format=kind,
        sys_inputs=inputs,
        ignore_system_fonts=True,
        font_paths=[],
        ppi=144.0 if kind == "png" else None,
    )
    return made
