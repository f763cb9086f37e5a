"""Compress text on its way out: phones on slow links are why. Built files are compressed once and kept."""

from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Flask, Response, request

COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg+xml", "application/manifest+json")
SMALLEST = 600  # below this the header costs more than the body saves


def init_app(app: Flask) -> None:
    """Compress every compressible answer for callers that accept gzip."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if not (response.mimetype or "").startswith(COMPRESSIBLE) or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") <= 0 or response.status_code in (204, 206, 304):
        return response
    static = request.endpoint == "static"
    if response.is_streamed and not static:
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < SMALLEST:
        return response
    response.set_data(_squeeze_static(body) if static else gzip.compress(body, 6, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.get_data()))
    if response.headers.get("ETag"):
        response.set_etag(response.get_etag()[0].strip('"') + "-gz", weak=True)  # type: ignore[union-attr]
    return response


@lru_cache(maxsize=64)
def _squeeze_static(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)
