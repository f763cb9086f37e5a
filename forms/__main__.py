"""The reader of workbooks as a program: a workbook with its lists on standard input, one JSON object on the output.

The input begins with a line of JSON: {"workbook": size, "files": [[name, size or null], ...]}; the bytes follow in that
order, and null is a file that is there without its bytes being needed.

The server starts it as a child of low priority, so that a large or hostile workbook slows nobody and cannot stay. It
loads this package and nothing of the server.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final, cast

# openpyxl would load numpy, only to tell its numbers from others, and a workbook's cells hold none.
cast(dict[str, Any], sys.modules).setdefault("numpy", None)

from forms.issues import FormError, Issue  # noqa: E402
from forms.load import load_form  # noqa: E402
from forms.portability import portability, quoted  # noqa: E402
from forms.serial import issue_to_json, to_json  # noqa: E402
from forms.workbook import Sheet  # noqa: E402

SECONDS: Final = 60
MEMORY_BYTES: Final = 1_500 * 1024 * 1024


def main() -> None:
    """Give way to everybody, promise not to grow, read, answer."""
    gc.disable()  # it ends soon: its memory is bounded, and looking for cycles costs a fifth of the time
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    answer = _answer(sys.stdin.buffer, sys.argv[1])
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy, and taking a large tree apart takes as long as a tenth of reading it


def _answer(given: BinaryIO, name: str) -> dict[str, Any]:
    head = json.loads(given.readline())
    source = given.read(head["workbook"])
    files = {file: None if size is None else given.read(size) for file, size in head["files"]}
    try:
        loaded = load_form(source, name, files=files)
    except FormError as error:
        return {"definition": {}, "xform": "", "issues": _told(error.issues, error.sheets)}
    issues = _told(loaded.warnings, loaded.sheets)
    return {"definition": to_json(loaded.definition), "xform": loaded.xform, "issues": issues}


def _told(issues: Sequence[Issue], sheets: Mapping[str, Sheet]) -> list[dict[str, Any]]:
    """What the author is told: the issues and the remarks on other clients, each with the text of its cell."""
    return [issue_to_json(issue) for issue in quoted([*issues, *portability(sheets)], sheets)]


if __name__ == "__main__":
    main()
