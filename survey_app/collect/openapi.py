"""The API described for other programs: OpenAPI 3.1, made from one table of the routes and from their schemas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from survey_app.collect.schemas import (
    ChangesSchema,
    DraftSchema,
    FileSchema,
    LastChangeSchema,
    LinkSchema,
    ReceiptSchema,
    SubmissionSchema,
)


@dataclass(frozen=True, slots=True)
class Route:
    """One call: what it takes, what it gives, and what else may happen."""

    method: str
    path: str
    summary: str
    takes: type[Schema] | str | None = None
    gives: type[Schema] | str = "object"
    success: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = (401, 404)


ROUTES: Final = (
    Route("get", "/drafts/{instance_id}", "The draft: values by address, rows, receipt", gives=DraftSchema),
    Route("post", "/drafts/{instance_id}/changes", "Append answers to a draft", ChangesSchema, LastChangeSchema,
          problems=(400, 401, 404, 409, 413, 422)),
    Route("put", "/drafts/{instance_id}/attachments/{name}", "Name the stored file an answer means", LinkSchema,
          LinkSchema, problems=(400, 401, 404, 409, 413, 422)),
    Route("get", "/drafts/{instance_id}/attachments/{name}", "A file of the draft", gives="binary"),
    Route("put", "/attachments/{sha256}", "Store a file by its SHA-256", "binary", FileSchema, (201, 200),
          (401, 404, 413, 415, 422, 503)),
    Route("put", "/submissions/{instance_id}", "Send a finished interview; the same bytes get the first receipt",
          SubmissionSchema, ReceiptSchema, (201, 200), (400, 401, 404, 409, 413, 422, 503)),
    Route("get", "/submissions/{instance_id}/receipt", "The receipt given", gives=ReceiptSchema),
    Route("get", "/bundles/{form_version_id}/{language}", "The logic of a form version in one language"),
    Route("get", "/openapi.json", "This document", problems=()),
)
_PARAMETERS: Final = {
    "instance_id": {"type": "string", "format": "uuid"},
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "name": {"type": "string"}, "language": {"type": "string"}, "form_version_id": {"type": "integer"},
}
_ERROR: Final = {
    "type": "object", "required": ["error"],
    "properties": {"error": {
        "type": "object", "required": ["code", "message", "issues"],
        "properties": {
            "code": {"type": "string"}, "message": {"type": "string"},
            "issues": {"type": "array", "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("code", "where", "severity", "message")},
            }},
        },
    }},
}


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    spec = APISpec(
        title="Survey API", version="1", openapi_version="3.1.0", plugins=[MarshmallowPlugin()],
        servers=[{"url": "/api/v1"}], security=[{"session": []}, {"link": []}],
    )
    spec.components.schema("Error", _ERROR)
    for name in ("session", "link"):
        spec.components.security_scheme(name, {"type": "apiKey", "in": "cookie", "name": name})
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    for path, operations in paths.items():
        spec.path(path=path, operations=operations)
    return dict(spec.to_dict())


def _operation(route: Route) -> dict[str, Any]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _PARAMETERS[name]} for name in names]
    if route.method != "get":
        parameters.append({"name": "X-CSRFToken", "in": "header", "required": True, "schema": {"type": "string"}})
    operation: dict[str, Any] = {"summary": route.summary, "parameters": parameters, "responses": {}}
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _content(route.takes)}
    for status in route.success:
        operation["responses"][str(status)] = {"description": "Done", "content": _content(route.gives)}
    for status in route.problems:
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        operation["responses"][str(status)] = {"description": "Refused; nothing was changed", "content": content}
    return operation


def _content(what: type[Schema] | str) -> dict[str, Any]:
    if what == "binary":
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": {"type": "object"} if what == "object" else what}}
