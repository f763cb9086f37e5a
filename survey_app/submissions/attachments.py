"""Photos and other files that answers name: taken in by their SHA-256, judged by content, shown without EXIF.

A file is acknowledged when its bytes, its folder and its row are durable. It may come before or after the answers;
until it does, the submission that names it is incomplete. Nothing here is ever overwritten once a submission was sent.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from survey_app import db, files
from survey_app.config import Limits
from survey_app.content import examine
from survey_app.models import Attachment, Draft, SubmissionAttachment, utc_now
from survey_app.problems import Conflict, Invalid, NotFound, Problem, TooLarge

NOT_ANNOUNCED: Final = ""  # an answer names a file whose hash nobody has told us yet
MOST_FILES: Final = 300  # of one set of answers
_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class WrongHash(Problem):
    """The bytes that came are not those announced."""

    status, code = 422, "wrong_hash"
    message = "The file was damaged on its way. Please send it again."


@dataclass(frozen=True, slots=True)
class Stored:
    """A file we hold; `is_new` is false when the same bytes were here already."""

    sha256: str
    size: int
    content_type: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as it is given to somebody."""

    name: str
    path: Path
    content_type: str
    sha256: str


def receive_file(sha256: str, chunks: Iterable[bytes], limits: Limits) -> Stored:
    """Take in one file durably; equal bytes are one file. The write begins only once the bytes are on disk.

    Raises WrongHash, TooLarge or NotAccepted, and then nothing is kept.
    """
    _require_sha256(sha256)
    content_type, stripped = "", None

    def inspect(file: Path, found: str) -> None:
        nonlocal content_type, stripped
        if found != sha256:
            raise WrongHash
        content_type, stripped = examine(file, limits)

    store = files.store()
    _digest, size = store.store(chunks, limits.attachment_bytes, inspect)
    shown = store.store([stripped], limits.unpacked_bytes)[0] if stripped is not None else None
    db.begin_write()
    insert = (sqlite if db.database().is_sqlite else postgresql).insert(Attachment)
    row = insert.values(
        sha256=sha256, size=size, content_type=content_type, stripped_sha256=shown, created_at=utc_now()
    )
    added = db.session().execute(row.on_conflict_do_nothing().returning(Attachment.sha256)).first()
    return Stored(sha256, size, content_type, is_new=added is not None)


# Names and links ------------------------------------------------------------------------------------------------


def clean_name(name: str) -> str:
    """The name as we keep it: NFC, no path, no control and no direction characters. Raises Invalid for an empty one."""
    kept = _BIDI.sub("", unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp")).strip(" .")
    if not kept or len(kept) > 200:
        raise Invalid("A file needs a name of 1 to 200 letters.")
    return kept


def link(draft: Draft, name: str, sha256: str) -> None:
    """Say that the answer naming `name` means the file of this hash; it may be replaced until the draft is sent."""
    _require_sha256(sha256)
    session, name = db.session(), clean_name(name)
    known = session.get(SubmissionAttachment, (draft.instance_id, name), with_for_update=not db.database().is_sqlite)
    if known is None:
        _require_open(draft)
        _require_room(draft.instance_id)
        session.add(SubmissionAttachment(instance_id=draft.instance_id, name=name, sha256=sha256))
    elif known.sha256 != sha256:
        if known.sha256 != NOT_ANNOUNCED:
            _require_open(draft)
        known.sha256 = sha256
    session.flush()


def _require_open(draft: Draft) -> None:
    if draft.sent_at is not None:
        raise Conflict("This file belongs to answers that were already sent, and cannot be changed any more.")


def _require_room(instance_id: uuid.UUID) -> None:
    query = select(SubmissionAttachment.name).where(SubmissionAttachment.instance_id == instance_id)
    if len(db.session().scalars(query.limit(MOST_FILES)).all()) >= MOST_FILES:
        raise TooLarge("There are too many files: at most {limit}.", limit=MOST_FILES)


def links_of(instance_id: uuid.UUID) -> dict[str, str]:
    """name -> SHA-256 of the files of a draft or submission."""
    query = select(SubmissionAttachment).where(SubmissionAttachment.instance_id == instance_id)
    return {row.name: row.sha256 for row in db.session().scalars(query.order_by(SubmissionAttachment.name))}


def missing(links: Mapping[str, str]) -> list[str]:
    """Names of files whose bytes have not arrived."""
    here = set(db.session().scalars(select(Attachment.sha256).where(Attachment.sha256.in_(set(links.values())))))
    return [name for name, sha256 in links.items() if sha256 not in here]


def show(instance_id: uuid.UUID, name: str, original: bool = False) -> Shown:
    """The file as people may see it: pictures without EXIF, unless the original is asked for by who may."""
    row = db.session().get(SubmissionAttachment, (instance_id, unicodedata.normalize("NFC", name)))
    kept = db.session().get(Attachment, row.sha256) if row is not None else None
    if row is None or kept is None:
        raise NotFound
    sha256 = kept.sha256 if original else kept.stripped_sha256 or kept.sha256
    path = files.store().path(sha256)
    if not path.exists():
        raise NotFound
    return Shown(row.name, path, kept.content_type, sha256)


def _require_sha256(sha256: str) -> None:
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise NotFound
