"""What the phones' API takes and gives, as marshmallow schemas; an unknown field is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
SHA256: Final = validate.Regexp("^[0-9a-f]{64}$")


def _within_a_century(value: datetime) -> None:
    if not EARLIEST <= value <= LATEST:
        raise ValidationError("Not a time between 2000 and 2100.")


def _scalar(value: Any) -> None:
    if isinstance(value, (dict, list)):
        raise ValidationError("Not a text, a number or null.")


def _time(**options: Any) -> fields.AwareDateTime:
    return fields.AwareDateTime(format="iso", validate=_within_a_century, **options)


class ChangeSchema(Schema):
    """One answer given in a draft."""

    path = fields.String(required=True, validate=validate.Length(1, 1000))
    value = fields.Raw(allow_none=True, load_default=None, validate=_scalar)
    at = _time(allow_none=True, load_default=None)


class ChangesSchema(Schema):
    """Answers given in a draft, in their order."""

    changes = fields.List(fields.Nested(ChangeSchema), required=True, validate=validate.Length(max=2000))
    device_id = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=100))


class LastChangeSchema(Schema):
    """How far the draft is on the server."""

    last_change = fields.Integer(required=True)


class ReceiptSchema(Schema):
    """What the phone keeps before it forgets anything."""

    number = fields.String(required=True)
    instance_id = fields.UUID(required=True)
    sha256 = fields.String(required=True)
    received_at = fields.AwareDateTime(required=True, format="iso")
    signature = fields.String(required=True)
    is_repeat = fields.Boolean(required=True)


class DraftSchema(Schema):
    """A draft as the server holds it."""

    instance_id = fields.UUID(required=True)
    form_version_id = fields.Integer(required=True)
    language = fields.String(required=True)
    values = fields.Dict(keys=fields.String(), required=True)
    rows = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    sent = fields.Nested(ReceiptSchema, allow_none=True, required=True)
    last_change = fields.Integer(required=True)
    # What expressions look up beside the answers: register, previous answers, prices, limits.
    instances = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict()), required=True)
    attachments = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    started_at = fields.AwareDateTime(required=True, format="iso")
    replaces = fields.UUID(allow_none=True, required=True)


class LinkSchema(Schema):
    """Which stored file an answer means."""

    sha256 = fields.String(required=True, validate=SHA256)


class FileSchema(Schema):
    """A stored file."""

    sha256 = fields.String(required=True)
    size = fields.Integer(required=True)


class SubmissionSchema(Schema):
    """A finished interview, written once on the device and hashed there."""

    answers = fields.Dict(keys=fields.String(), required=True)
    attachments = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 200)), values=fields.String(validate=SHA256), load_default=dict,
        validate=validate.Length(max=300),
    )
    device_id = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=100))
    finished_at = _time(required=True)
    form_id = fields.String(required=True, validate=validate.Length(1, 249))
    instance_id = fields.UUID(required=True)
    reasons = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 200)), values=fields.String(validate=validate.Length(max=1000)),
        load_default=dict, validate=validate.Length(max=500),
    )
    replaces = fields.UUID(allow_none=True, load_default=None)
    sent_at = _time(allow_none=True, load_default=None)
    started_at = _time(allow_none=True, load_default=None)
    utc_offset_minutes = fields.Integer(required=True, strict=True, validate=validate.Range(-14 * 60, 14 * 60))
    version = fields.String(required=True, validate=validate.Length(1, 249))
