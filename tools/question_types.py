"""Write docs/question-types.md from the registries: `python tools/question_types.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from forms import to_markdown  # noqa: E402

if __name__ == "__main__":
    (ROOT / "docs/question-types.md").write_text(to_markdown(), encoding="utf8")
