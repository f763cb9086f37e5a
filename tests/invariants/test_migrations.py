from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from survey_app import migrate
from survey_app.config import Settings
from survey_app.db import Database
from survey_app.models import Base

pytestmark = pytest.mark.one_database
@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(Settings.from_environment({}, data_dir=tmp_path, durable=False))


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrate.configuration()).get_heads()) == 1


def test_migrating_from_empty_gives_exactly_the_models(database: Database) -> None:
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []
    assert migrate.is_current(database)


def test_migrations_go_down_to_nothing_and_up_again(database: Database) -> None:
    migrate.upgrade(database)
    migrate.downgrade(database, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database)
    assert migrate.is_current(database)
