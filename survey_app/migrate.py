"""Bring a database to the newest schema with the numbered migrations; from empty or from any earlier one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from survey_app.db import Database

# In a checkout the migrations stand beside the package; the wheel carries them inside it.
FOLDERS = (Path(__file__).parent / "migrations", Path(__file__).parent.parent / "migrations")


def configuration() -> Config:
    """Where the migrations are, for alembic."""
    folder = next(folder for folder in FOLDERS if (folder / "env.py").exists())
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up (or create everything in an empty database)."""
    _run(database, command.upgrade, revision)


def downgrade(database: Database, revision: str) -> None:
    """Migrate down; used by tests and by nobody else lightly."""
    _run(database, command.downgrade, revision)


def _run(database: Database, verb: object, revision: str) -> None:
    config = configuration()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        verb(config, revision)  # type: ignore[operator]


def is_current(database: Database) -> bool:
    """True when the database is at the newest revision."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
