"""What was judged by a list of prices or limits stays as it was judged, whatever the list says later."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from forms import compute_indicators
from survey_app import create_app, db
from survey_app.config import Limits, Settings
from survey_app.models import (
    Establishment,
    FormVersion,
    Record,
    RecordValue,
    ReferenceListVersion,
    Submission,
)
from survey_app.programme import service as programme
from survey_app.submissions import intake, review
from survey_app.submissions import service as submissions
from tests import factories

TINY = Path(__file__).parents[1] / "packs" / "tiny_pack"
ANSWERS = {"cafe": "C001", "meter": "yes", "litres": 110, "guests": 10}  # 11 litres a guest: between 10 and 12


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "pack"))


@pytest.fixture
def start(settings: Settings, pack: Path) -> Iterator[Callable[[], Flask]]:
    """start() -> the application as a new process would have it: nothing of the pack is remembered."""
    started: list[Flask] = []

    def begin() -> Flask:
        for remembered in (programme._pack, programme._items, programme._hashes, programme._lists_of):
            remembered.cache_clear()
        app = create_app(replace(settings, pack=str(pack)))
        started.append(app)
        with app.app_context():
            programme.ensure_loaded(demo=False)
            db.commit()
        return app

    yield begin
    for app in started:
        app.extensions["survey_db"].engine.dispose()


@pytest.fixture
def cafes(start: Callable[[], Flask]) -> Flask:
    return start()


def send(app: Flask, code: str) -> Submission:
    """One café's answers, finished on the server."""
    with app.app_context():
        session = db.session()
        register = factories.register(session, name="cafes")
        unit = factories.establishment(session, register=register, code=code)
        version = session.scalars(select(FormVersion)).one()
        campaign = factories.campaign(session, version, register=register, plan=factories.plan(session))
        draft = submissions.open_draft(campaign, unit, version, user=factories.user(session))
        changes = [submissions.Change(name, value) for name, value in {**ANSWERS, "cafe": code}.items()]
        submissions.record_changes(draft, changes, "user:1", None, Limits())
        receipt = intake.send_draft(draft)
        found = db.session().scalars(select(Submission).where(Submission.receipt_number == receipt.number)).one()
        db.session().expunge(found)
        return found


def thrifty(app: Flask, submission: Submission) -> tuple[object, object]:
    """What the record says, and what its answers give when they are judged again."""
    with app.app_context():
        session = db.session()
        record = session.get_one(Record, submission.record_id)
        unit = session.get_one(Establishment, record.establishment_id)
        kept = session.scalars(
            select(RecordValue.truth).where(RecordValue.record_id == record.id, RecordValue.name == "thrifty")
        ).one()
        record.establishment = unit
        again = review.interview_of(session.get_one(Submission, submission.id), record, "en")
        return kept, compute_indicators(again)["thrifty"]


def with_norm(pack: Path, litres: int) -> None:
    norms = pack / "lists" / "norms.csv"
    norms.write_text(norms.read_text().replace("guest,12,", f"guest,{litres},"))


def test_a_submission_names_the_lists_it_was_judged_by(cafes: Flask) -> None:
    stored = send(cafes, "C001")
    with cafes.app_context():
        pins = stored.context["lists"]
        assert set(pins) == {"norms"}
        kept = db.session().get_one(ReferenceListVersion, pins["norms"])
        assert kept.name == "norms"
        assert [row["value"] for row in kept.rows] == ["12", "10"]


def test_it_is_judged_the_same_after_the_list_changed_and_newer_ones_by_the_new_list(
    cafes: Flask, start: Callable[[], Flask], pack: Path
) -> None:
    before = send(cafes, "C001")
    assert thrifty(cafes, before) == (True, True)
    with_norm(pack, 5)
    later = start()
    assert thrifty(later, before) == (True, True)
    after = send(later, "C002")
    assert thrifty(later, after) == (False, False)
    assert after.context["lists"] != before.context["lists"]


def test_every_state_of_a_list_is_kept_once(cafes: Flask, start: Callable[[], Flask], pack: Path) -> None:
    with_norm(pack, 5)
    app = start()
    start()
    with app.app_context():
        names = sorted(db.session().scalars(select(ReferenceListVersion.name)))
    assert names == ["norms", "norms", "streets"]


def test_a_list_nobody_kept_falls_back_to_the_one_of_today(cafes: Flask) -> None:
    with cafes.app_context():
        assert programme.pinned_items("norms", "0" * 64, None) == programme.instance_items("norms")
        assert programme.list_pins(["register", "nothing"]) == {}
