"""What nobody names any more goes, when somebody asks for it; what anybody may still need stays."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app import housekeeping
from survey_app.files import FileStore, store
from survey_app.models import Attachment, AuditEvent, Draft, DraftChange, SignInSession, SubmissionAttachment, utc_now
from tests import factories

WEEK, MONTH = timedelta(days=7), timedelta(days=30)


@pytest.fixture
def kept(app: Flask) -> FileStore:
    with app.app_context():
        return store()


def put(kept: FileStore, content: bytes, age: timedelta = MONTH) -> str:
    sha256, _size = kept.store([content], 1000)
    then = time.time() - age.total_seconds()
    os.utime(kept.path(sha256), (then, then))
    return sha256


def run(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["survey", "sweep", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_that_nothing_names_goes_and_a_young_one_stays(app: Flask, kept: FileStore, session: Session) -> None:
    old, young = put(kept, b"old"), put(kept, b"young", timedelta(days=1))
    session.add(Attachment(sha256=old, size=3, content_type="text/plain"))
    session.commit()
    assert "1 files" in run(app)
    assert kept.has(old)  # only counted so far
    assert "1 files" in run(app, "--remove")
    assert not kept.has(old)
    assert kept.has(young)
    session.rollback()
    assert session.scalars(select(Attachment)).all() == []
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "swept")).one()
    assert event.details["files"] == 1


def test_a_file_that_an_answer_a_draft_or_a_questionnaire_names_stays(
    app: Flask, kept: FileStore, session: Session
) -> None:
    photo, shown, workbook = put(kept, b"photo"), put(kept, b"shown"), put(kept, b"workbook")
    session.add(Attachment(sha256=photo, size=5, content_type="image/jpeg", stripped_sha256=shown))
    draft = factories.draft(session)
    session.add(SubmissionAttachment(instance_id=draft.instance_id, name="a.jpg", sha256=photo))
    factories.form_version(session, workbook_sha256=workbook)
    session.commit()
    assert "0 files" in run(app, "--remove")
    assert all(kept.has(one) for one in (photo, shown, workbook))


def test_never_what_is_younger_than_two_days(app: Flask, kept: FileStore) -> None:
    young = put(kept, b"young", timedelta(days=1))
    assert "0 files" in run(app, "--days", "0", "--remove")
    assert kept.has(young)


def test_a_file_stored_again_is_young_again(app: Flask, kept: FileStore) -> None:
    sha256 = put(kept, b"again")
    kept.store([b"again"], 1000)
    assert "0 files" in run(app, "--remove")
    assert kept.has(sha256)


def test_a_file_wanted_between_looking_and_removing_comes_back(app: Flask, kept: FileStore, session: Session) -> None:
    sha256 = put(kept, b"just in time")
    draft = factories.draft(session)
    session.add(SubmissionAttachment(instance_id=draft.instance_id, name="a.jpg", sha256=sha256))
    session.commit()
    with app.app_context():
        assert not housekeeping._remove_file(kept.path(sha256), WEEK)
    assert kept.read(sha256) == b"just in time"


def test_half_written_files_of_long_ago_go(app: Flask, kept: FileStore) -> None:
    kept.folder.mkdir(exist_ok=True)
    left = kept.folder / "incoming-0000"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    run(app, "--remove")
    assert not left.exists()


def test_drafts_go_only_when_asked_for_and_only_those_given_up(app: Flask, session: Session) -> None:
    long_ago = utc_now() - timedelta(days=100)
    given_up = factories.draft(session, started_at=long_ago)
    factories.draft_change(session, given_up, "work/staff", 3, at=long_ago)
    under_way = factories.draft(session, started_at=long_ago)
    factories.draft_change(session, under_way, "work/staff", 4)
    sent = factories.draft(session, started_at=long_ago, sent_at=long_ago)
    session.commit()
    assert "0 drafts" in run(app, "--remove")
    assert "1 drafts" in run(app, "--drafts-after", "90")
    assert "1 drafts" in run(app, "--drafts-after", "90", "--remove")
    session.rollback()
    assert set(session.scalars(select(Draft.instance_id))) == {under_way.instance_id, sent.instance_id}
    assert session.scalars(select(DraftChange.instance_id)).all() == [under_way.instance_id]


def test_sign_ins_long_over_go_and_others_stay(app: Flask, session: Session) -> None:
    user = factories.user(session)
    for name, days in (("over", -30), ("lately", -1), ("open", 5)):
        digest = hashlib.sha256(name.encode()).hexdigest()
        session.add(SignInSession(token_hash=digest, user_id=user.id, expires_at=utc_now() + timedelta(days=days)))
    session.commit()
    assert "1 sign-ins" in run(app, "--remove")
    session.rollback()
    assert len(session.scalars(select(SignInSession)).all()) == 2


def test_one_run_removes_no_more_than_it_may(app: Flask, kept: FileStore, tmp_path: Path) -> None:
    hashes = [put(kept, b"%d" % number) for number in range(5)]
    output = run(app, "--most", "3", "--remove")
    assert "3 files" in output
    assert "There is more" in output
    assert sum(kept.has(one) for one in hashes) == 2
