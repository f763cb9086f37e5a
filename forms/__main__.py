"""The reader of workbooks as a program: a workbook on standard input, one JSON object on standard output.

The server starts it as a child of low priority, so that a large or hostile workbook slows nobody and cannot stay. It
loads this package and nothing of the server.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from typing import Any, Final, cast

# openpyxl would load numpy, only to tell its numbers from others, and a workbook's cells hold none.
cast(dict[str, Any], sys.modules).setdefault("numpy", None)

from forms.issues import FormError  # noqa: E402
from forms.load import load_form  # noqa: E402
from forms.serial import issue_to_json, to_json  # noqa: E402

SECONDS: Final = 60
MEMORY_BYTES: Final = 1_500 * 1024 * 1024


def main() -> None:
    """Give way to everybody, promise not to grow, read, answer."""
    gc.disable()  # it ends soon: its memory is bounded, and looking for cycles costs a fifth of the time
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    answer = _answer(sys.stdin.buffer.read(), sys.argv[1])
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy, and taking a large tree apart takes as long as a tenth of reading it


def _answer(source: bytes, name: str) -> dict[str, Any]:
    try:
        loaded = load_form(source, name)
    except FormError as error:
        return {"definition": {}, "xform": "", "issues": [issue_to_json(issue) for issue in error.issues]}
    warnings = [issue_to_json(issue) for issue in loaded.warnings]
    return {"definition": to_json(loaded.definition), "xform": loaded.xform, "issues": warnings}


if __name__ == "__main__":
    main()
