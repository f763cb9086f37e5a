"""The pack put into the database, and the pages of the plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey_app import create_app, db
from survey_app.config import Settings
from survey_app.models import Base, Establishment, FormVersion, Plan, Register
from survey_app.programme import service
from survey_app.programme.pack import Pack
from tests import factories as make

SignIn = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def loaded_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application into whose database the pack was loaded, demo plan included."""
    folder: Path = tmp_path_factory.mktemp("pack")
    settings = Settings.from_environment({}, data_dir=folder, testing=True, durable=False, secret_key="t")
    app = create_app(settings)
    Base.metadata.create_all(app.extensions["survey_db"].engine)
    with app.app_context():
        service.ensure_loaded(demo=True)
        db.commit()
    yield app
    app.extensions["survey_db"].engine.dispose()


def count(table: type[Base]) -> int:
    return db.session().scalar(select(func.count()).select_from(table)) or 0


def test_every_instrument_of_the_pack_is_published(loaded_app: Flask) -> None:
    with loaded_app.app_context():
        versions = db.session().scalars(select(FormVersion)).all()
        assert len(versions) == len(service.pack().instrument_names)
        assert all(version.is_published for version in versions)


def test_registers_and_units_are_there(loaded_app: Flask) -> None:
    with loaded_app.app_context():
        for name, spec in service.pack().registers.items():
            register = db.session().scalars(select(Register).where(Register.name == name)).one()
            units = db.session().scalars(select(Establishment).where(Establishment.register_id == register.id)).all()
            assert len(units) == len(spec.units)
            assert all(unit.area in service.names_of("area") for unit in units)


def test_loading_again_adds_nothing(loaded_app: Flask) -> None:
    with loaded_app.app_context():
        before = [count(table) for table in (Register, Plan, FormVersion, Establishment)]
        service.ensure_loaded(demo=True)
        db.commit()
        assert [count(table) for table in (Register, Plan, FormVersion, Establishment)] == before


def test_made_up_plans_come_with_the_demo_only(app: Flask) -> None:
    with app.app_context():
        names = {name for name, plan in service.pack().plans.items() if plan.is_demo}
        for plan in service.pack().plans.values():
            if not plan.is_demo:
                service._ensure_plan(plan)
        assert names
        assert not names & set(db.session().scalars(select(Plan.name)))


def test_a_stored_plan_reads_as_it_was_written(loaded_app: Flask) -> None:
    with loaded_app.app_context():
        for plan in service.list_plans():
            written = service.pack().plans[plan.name]
            read = service.plan_spec(plan)
            assert (read.phases, read.indicators, read.actions) == (written.phases, written.indicators, written.actions)


def test_a_later_day_knows_later_prices(app: Flask) -> None:
    with app.app_context():
        early, late = (service.instance_items("prices", date(year, 1, 1)) for year in (2016, 2024))
        assert len(early) < len(late)
        assert service.instance_items("no such list") == ()


def test_the_plan_page_shows_targets_definitions_and_what_is_not_confirmed(sign_in: SignIn, session: Session) -> None:
    plan = make.plan(session)
    indicator = {
        "name": "G9",
        "label": {"en": "Aware"},
        "definition": {"en": "Who knows."},
        "kind": "share",
        "targets": {"I": 40, "total": 95},
        "unit": "percent",
    }
    plan.document = {**plan.document, "plan_indicator": [indicator]}
    session.commit()
    browser = sign_in("analyst")
    page = browser.get(f"/plans/{plan.name}?lang=en").text
    assert "Who knows." in page
    assert "95%" in page
    assert "not confirmed" in browser.get("/plans?lang=en").text


def test_values_lists_and_sources_are_shown_in_words(loaded_app: Flask) -> None:
    with loaded_app.test_request_context("/?lang=en"):
        assert service.source_text("self_assessment:aware") == (
            "Cleaner production (CP) self-assessment: Aware of the benefits of CP"
        )
        assert service.source_text("nothing:aware") == "nothing:aware"
        assert service.list_name("prices") == "Prices of electricity, water and fuels"
        assert service.stratum_name("certain|household|V") == "Taken whole · Household businesses · Building materials"
        assert service.part_label("awareness_application") == "awareness and application only"
    codes = [one.name for one in service_pack(loaded_app).settings if isinstance(one.value, str) and "_" in one.value]
    assert [name for name in codes if not service_pack(loaded_app).setting(name).value_text] == []


def service_pack(app: Flask) -> Pack:
    with app.app_context():
        return service.pack()


def test_an_unknown_plan_is_not_found(sign_in: SignIn) -> None:
    assert sign_in("analyst").get("/plans/none").status_code == 404


def test_an_assessor_does_not_see_the_plans(sign_in: SignIn) -> None:
    assert sign_in("assessor").get("/plans").status_code == 403


def test_a_later_classifier_may_use_an_earlier_one(app: Flask) -> None:
    with app.app_context():
        spec = service.RegisterSpec(
            "r",
            "establishment",
            {},
            (),
            classifiers={"area": "${place}", "stratum": "concat(${area}, '-', ${size})", "size": "''"},
            scopes=(),
        )
        assert service.derive(spec, {"place": "north"})["stratum"] == "north-"


def test_an_instrument_changed_without_a_new_version_keeps_its_published_self_and_the_start_goes_on(
    app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        service.ensure_loaded()
        db.commit()
    version = session.scalars(select(FormVersion).limit(1)).one()
    version.workbook_sha256, kept = "0" * 64, version.definition_sha256
    session.commit()
    with app.app_context():
        service.ensure_loaded()
        db.commit()
    session.expire_all()
    assert session.get_one(FormVersion, version.id).definition_sha256 == kept
    assert "without a new version" in caplog.text
