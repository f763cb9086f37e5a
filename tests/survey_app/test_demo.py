"""The demonstration province: made once, whole, marked everywhere, and plainly made up."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey_app import create_app, db
from survey_app.access import hash_token
from survey_app.campaigns.outcomes import OUTCOMES
from survey_app.config import Settings
from survey_app.demo import service
from survey_app.demo.service import Account, Door
from survey_app.models import (
    Assignment,
    Campaign,
    Draft,
    Establishment,
    Invitation,
    Questionnaire,
    Record,
    RecordValue,
    Submission,
    SubmissionIssue,
    User,
    Visit,
)
from survey_app.programme import service as programme
from survey_app.registers import service as registers

PART = 0.15  # of the whole province; enough to show every state


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[tuple[Flask, Door]]:
    """A small province on a database file of its own; the tests only look at it."""
    folder = tmp_path_factory.mktemp("province")
    shutil.copy(empty_database, folder / "survey.sqlite3")
    settings = Settings.from_environment({}, data_dir=folder, testing=True, durable=False, demo=True, secret_key="test")
    app = create_app(settings)
    with app.app_context():
        door = service.ensure_loaded(PART)
    yield app, door
    app.extensions["survey_db"].engine.dispose()


@pytest.fixture
def made(province: tuple[Flask, Door]) -> Iterator[Session]:
    """A session on the province, within its application."""
    with province[0].app_context():
        yield db.session()


def count(session: Session, table: type[object], *where: object) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


def test_every_establishment_is_marked_and_cannot_be_taken_for_a_real_one(made: Session) -> None:
    register = registers.get_register("establishments")
    units = made.scalars(select(Establishment).where(Establishment.register_id == register.id)).all()
    assert len(units) == round(1200 * PART)
    marker = programme.pack().demo["marker"]
    assert all(unit.is_demo and unit.name.startswith(marker) and unit.name.endswith("Thử Nghiệm") for unit in units)
    assert {unit.area for unit in units} <= {f"u{n}" for n in (369, 370, 372, 373, 374, 375, 376, 377)}


def test_every_establishment_passes_the_register_s_own_checks(made: Session) -> None:
    register = registers.get_register("establishments")
    spec = programme.register_spec("establishments")
    units = made.scalars(select(Establishment).where(Establishment.register_id == register.id)).all()
    assert [registers.spec_reasons(spec, registers.field_values(unit)) for unit in units] == [()] * len(units)
    taxed = [unit.attributes["tax_code"] for unit in units if unit.attributes.get("tax_code")]
    assert taxed
    assert all(code.startswith("00") for code in taxed)  # no province has this number


def test_records_stand_in_every_state_with_their_figures(made: Session) -> None:
    states = Counter(made.scalars(select(Record.state)))
    assert set(states) == {"submitted", "returned", "approved", "superseded"}
    assert states["approved"] > states["submitted"] > 0
    returned = made.scalars(select(Record).where(Record.state == "returned")).all()
    assert all(record.review_comment and record.reviewed_at for record in returned)
    assert count(made, RecordValue, RecordValue.name == "aware", RecordValue.truth.is_(True)) > 0
    assert count(made, Submission, Submission.replaces_id.is_not(None)) > 0  # returned once, corrected, sent again


def test_survey_visits_carry_awareness_and_application_which_the_drawn_sample_s_figures_rest_on(made: Session) -> None:
    query = (
        select(Submission, Record).join(Record, Submission.id == Record.current_submission_id)
        .join(Campaign, Record.campaign_id == Campaign.id).join(Questionnaire)
        .where(Campaign.action == "2.4", Questionnaire.form_id == "self_assessment", Record.is_refusal.is_(False))
    )
    found = [(submission.answers["main"], record) for submission, record in made.execute(query)]
    assert found
    assert all("se_g4" not in main and "se_g3_more" not in main.get("se_g3", {}) for main, _record in found)
    for name in ("aware", "applies_cp", "saving_8"):
        known = count(made, RecordValue, RecordValue.name == name, RecordValue.truth.is_not(None),
                      RecordValue.record_id.in_([record.id for _main, record in found]))
        assert known > 0.9 * len(found)


def test_mistakes_of_every_day_are_among_the_answers(made: Session) -> None:
    codes = set(made.scalars(select(SubmissionIssue.code)))
    assert codes & {"wrong_type", "constraint", "required"}
    assert count(made, Record, Record.is_refusal) > 0


def test_contacts_have_outcomes_and_some_work_is_left(made: Session) -> None:
    outcomes = {code for code in made.scalars(select(Visit.outcome)) if code is not None}
    assert outcomes <= set(OUTCOMES)
    assert {OUTCOMES[code].group for code in outcomes} >= {"I", "R"}
    assert count(made, Draft, Draft.sent_at.is_(None)) > 0
    visited = select(Visit.establishment_id).where(Visit.campaign_id == Assignment.campaign_id)
    assert count(made, Assignment, Assignment.establishment_id.not_in(visited)) > 0


def test_no_answer_comes_from_the_future(made: Session) -> None:
    now = programme.now_here()
    assert all(at <= now for at in made.scalars(select(Submission.finished_at)) if at)
    assert all(at <= now for at in made.scalars(select(Record.reviewed_at)) if at)


def test_campaigns_and_accounts_are_marked_as_demo(made: Session) -> None:
    assert count(made, Campaign) == count(made, Campaign, Campaign.is_demo) == 6
    assert count(made, User) == count(made, User, User.is_demo) == 9


def test_a_second_start_makes_nothing_again_but_a_fresh_invitation(province: tuple[Flask, Door]) -> None:
    app, first = province
    tables = (Establishment, Campaign, Submission, User, Visit)
    with app.app_context():
        before = [count(db.session(), table) for table in tables]
    with app.app_context():
        second = service.ensure_loaded(PART)
        assert [count(db.session(), table) for table in tables] == before
        assert second.accounts == first.accounts
        assert second.token != first.token
        assert count(db.session(), Invitation, Invitation.token_hash == hash_token(second.token)) == 1


def test_a_demo_account_signs_in_with_the_password_the_door_shows(province: tuple[Flask, Door]) -> None:
    app, door = province
    app.config["WTF_CSRF_ENABLED"] = False
    account = next(one for one in door.accounts if one.role == "manager")
    answer = app.test_client().post("/sign-in", data={"email": account.email, "password": account.password})
    assert answer.status_code in (302, 303)


def test_the_door_shows_one_account_a_role_and_the_link() -> None:
    accounts = [Account("manager", "m@x.example", "pw-1"), Account("assessor", "a@x.example", "pw-2", "North")]
    door = Door(accounts, "T0K", "X")
    banner = door.describe("http://127.0.0.1:8000", 3.2)
    for role, email, password in (("manager", "m@x.example", "pw-1"), ("assessor", "a@x.example", "pw-2")):
        assert re.search(rf"^\s*{role}\s+{email}\s+{password}\s*$", banner, re.M)
    assert "http://127.0.0.1:8000/l/T0K" in banner
    assert "a@x.example sees North only" in banner
    assert "made up" in banner
