"""Languages as authors write them in headers: "Tiếng Việt (vi)", "English", "fr"."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"\(\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*\)\s*$")
_LANGUAGES: Final = {"english": "en", "vietnamese": "vi", "tiếng việt": "vi", "french": "fr", "français": "fr"}
UNDETERMINED: Final = "und"


def language_code(name: str) -> str:
    """The code of a language as authors write it: "Tiếng Việt (vi)" is "vi"."""
    match = _CODE.search(name)
    if match:
        return match.group(1).lower() if len(match.group(1)) <= 3 else match.group(1)
    return _LANGUAGES.get(name.strip().lower(), name.strip()) or UNDETERMINED
