"""Clearing away what nobody needs any more: files that nothing names, drafts given up, sign-ins long over.

Run by a person or a timer (`survey sweep`), never at start. It counts first and removes only when told to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Select, delete, func, select

from survey_app import db
from survey_app.access import audit
from survey_app.files import store
from survey_app.models import (
    Attachment,
    Draft,
    DraftChange,
    FormFile,
    FormVersion,
    RateCount,
    SignInSession,
    SubmissionAttachment,
    utc_now,
)

LEAST_AGE = timedelta(days=2)  # what is younger may be on its way to the answers that name it
BATCH = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What was (or would be) removed."""

    files: int = 0
    bytes: int = 0
    drafts: int = 0
    sign_ins: int = 0
    is_partial: bool = False  # there is more than one run may remove


def sweep(age: timedelta, draft_age: timedelta | None = None, *, most: int = 10_000, dry_run: bool = True) -> Swept:
    """Remove files that nothing names and are older than `age`, sign-ins over for so long, and, when `draft_age` is
    given, drafts that were never sent nor touched for that long. Commits as it goes; at most `most` of each kind.
    """
    age = max(age, LEAST_AGE)
    drafts = _old_drafts(draft_age, most + 1) if draft_age is not None else []
    if not dry_run:
        for start in range(0, min(len(drafts), most), BATCH):
            _remove_drafts(drafts[start : min(start + BATCH, most)])
    found = list(islice(_unnamed(age), most + 1))
    swept = found[:most] if dry_run else [one for one in found[:most] if _remove_file(one[0], age)]
    sign_ins = _sign_ins(age, dry_run=dry_run)
    result = Swept(
        len(swept), sum(size for _path, size in swept), min(len(drafts), most), sign_ins,
        is_partial=len(found) > most or len(drafts) > most,
    )  # fmt: skip
    if not dry_run:
        db.begin_write()
        audit("swept", "installation", files=result.files, drafts=result.drafts, sign_ins=result.sign_ins)
        db.commit()
    return result


# Files ----------------------------------------------------------------------------------------------------------


def _unnamed(age: timedelta) -> Iterator[tuple[Path, int]]:
    """(path, size) of files older than `age` that no row names, folder by folder."""
    for folder in sorted(store().folder.glob("[0-9a-f][0-9a-f]")):
        files = [file for file in sorted(folder.iterdir()) if _is_old(file, age)]
        for start in range(0, len(files), BATCH):
            part = files[start : start + BATCH]
            named = named_files([file.name for file in part])
            yield from ((file, file.stat().st_size) for file in part if file.name not in named)
    for file in sorted(store().folder.glob("incoming-*")):
        if _is_old(file, age):
            yield file, file.stat().st_size


def _is_old(file: Path, age: timedelta) -> bool:
    try:
        return file.stat().st_mtime < time.time() - age.total_seconds()
    except FileNotFoundError:
        return False


def named_files(hashes: Sequence[str]) -> set[str]:
    """Those of the hashes that answers, questionnaires or their variants without EXIF name."""
    session = db.session()
    shown = select(Attachment.stripped_sha256).join(
        SubmissionAttachment, SubmissionAttachment.sha256 == Attachment.sha256
    )
    queries: tuple[Select[Any], ...] = (
        select(SubmissionAttachment.sha256).where(SubmissionAttachment.sha256.in_(hashes)),
        shown.where(Attachment.stripped_sha256.in_(hashes)),
        select(FormVersion.workbook_sha256).where(FormVersion.workbook_sha256.in_(hashes)),
        select(FormFile.sha256).where(FormFile.sha256.in_(hashes)),
    )
    return {sha256 for query in queries for sha256 in session.scalars(query)}


def _remove_file(file: Path, age: timedelta) -> bool:
    """Take a file out of sight, look again whether somebody wants it, and only then remove it.

    Who stores the same bytes meanwhile finds no file and writes it anew, or has made it young again: it comes back.
    """
    aside = file.with_name(f"{file.name}.swept")
    try:
        file.rename(aside)
    except FileNotFoundError:
        return False
    db.begin_write()
    if not _is_old(aside, age) or named_files([file.name]):
        if not file.exists():
            aside.rename(file)
        db.rollback()
        return False
    db.session().execute(delete(Attachment).where(Attachment.sha256 == file.name))
    db.commit()
    aside.unlink(missing_ok=True)
    return True


# Drafts and sign-ins --------------------------------------------------------------------------------------------


def _old_drafts(age: timedelta, most: int) -> Sequence[UUID]:
    """Drafts never sent, begun and last changed longer ago than `age`."""
    limit = utc_now() - age
    touched = select(DraftChange.instance_id).where(DraftChange.at >= limit)
    query = select(Draft.instance_id).where(Draft.sent_at.is_(None), Draft.started_at < limit)
    return db.session().scalars(query.where(Draft.instance_id.not_in(touched)).limit(most)).all()


def _remove_drafts(ids: Sequence[UUID]) -> None:
    db.begin_write()
    tables = (SubmissionAttachment, DraftChange, Draft)
    for table in tables:
        db.session().execute(delete(table).where(table.instance_id.in_(ids)))
    db.commit()


def _sign_ins(age: timedelta, *, dry_run: bool) -> int:
    limit = utc_now() - age
    over = SignInSession.expires_at < limit
    count = db.session().scalar(select(func.count()).select_from(SignInSession).where(over)) or 0
    if not dry_run:
        db.begin_write()
        statements: tuple[Delete, ...] = (
            delete(SignInSession).where(over), delete(RateCount).where(RateCount.window_start < limit),
        )  # fmt: skip
        for statement in statements:
            db.session().execute(statement)
        db.commit()
    return count


__all__ = ["LEAST_AGE", "Swept", "named_files", "sweep"]
