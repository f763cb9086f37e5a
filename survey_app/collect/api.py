"""The phones' door: /api/v1. Drafts, files by hash, submissions by instance id, bundles; described at openapi.json.

Cookies say who calls, the header X-CSRFToken that it is our own page. A phone may repeat any call: the second answer
is the first one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError

from forms import Issue
from survey_app import db
from survey_app.access import collector, find_caller, find_invitation, public
from survey_app.collect import bundle, openapi
from survey_app.collect.schemas import (
    ChangesSchema,
    DraftSchema,
    LinkSchema,
    ReceiptSchema,
    SubmissionSchema,
)
from survey_app.config import Limits
from survey_app.files import file_response
from survey_app.json_reader import BadJson, canonical_json, read_json
from survey_app.problems import Invalid, NotFound, TooLarge
from survey_app.submissions import attachments, intake, service
from survey_app.submissions.intake import RawSubmission, Receipt
from survey_app.submissions.service import Change

bp = Blueprint("api", __name__, url_prefix="/api/v1")
CHUNK = 64 * 1024
_changes, _link, _submission = ChangesSchema(), LinkSchema(), SubmissionSchema()
_draft, _receipt = DraftSchema(), ReceiptSchema()


@bp.get("/drafts/<uuid:instance_id>")
@collector()
def show_draft(instance_id: uuid.UUID) -> ResponseReturnValue:
    """The caller's draft: values by address, rows of repeats, and the receipt once it was sent."""
    draft = service.get_draft(instance_id)
    interview = service.interview_of(draft)
    return _json(_draft.dump({
        "instance_id": draft.instance_id, "form_version_id": draft.form_version_id, "language": draft.language,
        "values": service.own_values(interview), "rows": service.rows_of(interview),
        "sent": intake.find_receipt(instance_id) if draft.sent_at else None, "last_change": service.last_change(draft),
        "instances": service.instances_of(draft), "attachments": attachments.links_of(instance_id),
        "started_at": draft.started_at, "replaces": draft.replaces,
    }))


@bp.post("/drafts/<uuid:instance_id>/changes")
@collector(late_write=True)
def add_changes(instance_id: uuid.UUID) -> ResponseReturnValue:
    """Append answers to a draft."""
    service.get_draft(instance_id)  # whose it is comes before what was sent
    body = _read(_changes)
    changes = [Change(**change) for change in body["changes"]]
    db.begin_write()
    draft = service.get_draft(instance_id)
    last = service.record_changes(draft, changes, _by(), body["device_id"], _limits())
    return _json({"last_change": last})


@bp.put("/drafts/<uuid:instance_id>/attachments/<path:name>")
@collector(late_write=True)
def link_file(instance_id: uuid.UUID, name: str) -> ResponseReturnValue:
    """Say which stored file the answer of this name means; the bytes may come before or after."""
    service.get_draft(instance_id)
    sha256 = _read(_link)["sha256"]
    db.begin_write()
    attachments.link(service.get_draft(instance_id), name, sha256)
    return _json({"sha256": sha256})


@bp.get("/drafts/<uuid:instance_id>/attachments/<path:name>")
@collector()
def show_file(instance_id: uuid.UUID, name: str) -> ResponseReturnValue:
    """A file of the caller's draft, to look at it again."""
    found = attachments.show(service.get_draft(instance_id).instance_id, name)
    return file_response(found.path, found.name, found.content_type).make_conditional(request)


@bp.put("/attachments/<sha256>")
@collector(late_write=True)
def store_file(sha256: str) -> ResponseReturnValue:
    """Take in the bytes of a file; durable when this answers."""
    limits = _limits()
    if (request.content_length or 0) > limits.attachment_bytes:
        raise TooLarge(limit=f"{limits.attachment_bytes // 1024 // 1024} MB")
    stored = attachments.receive_file(sha256, _chunks(), limits)
    db.commit()
    return _json({"sha256": stored.sha256, "size": stored.size}, 201 if stored.is_new else 200)


@bp.put("/submissions/<uuid:instance_id>")
@collector(late_write=True)
def send(instance_id: uuid.UUID) -> ResponseReturnValue:
    """A finished interview: 201 with its receipt, 200 with the first receipt for the same bytes, 409 for others."""
    context, body = intake.get_context(instance_id), _body()
    raw = _raw(instance_id, body, _load(_submission, read_json(body, _limits())))
    receipt = intake.receive(raw, context)
    return _json(receipt_json(receipt), 200 if receipt.is_repeat else 201)


@bp.get("/submissions/<uuid:instance_id>/receipt")
@collector()
def show_receipt(instance_id: uuid.UUID) -> ResponseReturnValue:
    """The receipt given for the caller's submission, for a phone that never heard the answer."""
    receipt = intake.find_receipt(service.get_draft(instance_id).instance_id)
    if receipt is None:
        raise NotFound
    return _json(receipt_json(receipt))


@bp.get("/bundles/<int:form_version_id>/<language>")
@collector()
def show_bundle(form_version_id: int, language: str) -> ResponseReturnValue:
    """The logic of a published form version in one language; its address's content never changes."""
    found = bundle.get_bundle(form_version_id, language)
    response = Response(found.body, mimetype="application/json")
    response.set_etag(found.sha256)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response.make_conditional(request)


@bp.get("/openapi.json")
@public
def show_openapi() -> ResponseReturnValue:
    """This API in OpenAPI 3.1."""
    return _json(openapi.document())


# Reading and writing --------------------------------------------------------------------------------------------


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt as phones keep it."""
    dumped: dict[str, Any] = _receipt.dump(receipt)
    return dumped


def _raw(instance_id: uuid.UUID, body: bytes, found: dict[str, Any]) -> RawSubmission:
    if found.pop("instance_id") != instance_id:
        raise Invalid("The number of the answers and that of the address differ.")
    offset = timedelta(minutes=found.pop("utc_offset_minutes"))
    return RawSubmission(instance_id=instance_id, body=body, door="api", utc_offset=offset, **found)


def _read(schema: Schema) -> dict[str, Any]:
    return _load(schema, read_json(_body(), _limits()))


def _load(schema: Schema, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadJson("The JSON must be an object.")
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise Invalid(issues=list(_issues(error.messages))[:50]) from None
    return loaded


def _issues(messages: Any, where: str = "") -> Iterator[Issue]:
    """marshmallow's tree of messages as issues, each with the place of its field."""
    if isinstance(messages, dict):
        for name, below in messages.items():
            yield from _issues(below, f"{where}.{name}".lstrip("."))
    else:
        yield Issue("bad_field", where[:200], {"reason": str(next(iter(messages), ""))[:200]})


def _body() -> bytes:
    limit = _limits().body_bytes
    if (request.content_length or 0) > limit:
        raise TooLarge(limit=f"{limit // 1024 // 1024} MB")
    return request.get_data(cache=False)


def _chunks() -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK):
        yield chunk


def _limits() -> Limits:
    limits: Limits = current_app.config["SETTINGS"].limits
    return limits


def _by() -> str:
    caller, invitation = find_caller(), find_invitation()
    return f"user:{caller.id}" if caller else f"invitation:{invitation.id}" if invitation else ""


def _json(value: Any, status: int = 200) -> Response:
    return Response(canonical_json(value), status, mimetype="application/json")


__all__ = ["bp", "receipt_json"]
