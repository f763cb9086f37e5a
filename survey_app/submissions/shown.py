"""A stored file as an answer to a browser, such that nothing in it can run as part of our site."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request

from survey_app.submissions.attachments import Shown

SANDBOX = "sandbox; default-src 'none'; style-src 'none'; script-src 'none'; frame-ancestors 'none'"


def file_response(shown: Shown) -> Response:
    """The file with its type by content; pictures in place, everything else to be saved."""
    response = Response(shown.path.read_bytes(), content_type=shown.content_type)
    kind = "inline" if shown.content_type.startswith("image/") else "attachment"
    response.headers["Content-Disposition"] = disposition(kind, shown.name)
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(shown.sha256)
    return response.make_conditional(request)


def disposition(kind: str, name: str) -> str:
    """A Content-Disposition that carries any name: plain letters for old readers, all of it in UTF-8."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)[:100]
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
