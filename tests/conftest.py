"""What every test shares: an application on a fresh database, a client per role, and people to sign in as."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from survey_app import create_app
from survey_app.access import SESSION_COOKIE, hash_token
from survey_app.config import Settings
from survey_app.db import Database
from survey_app.models import Base, Grant, SignInSession, User, utc_now
from tests.postgres import private_server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgres"), default="sqlite", help="what the tests run on")


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """A private PostgreSQL with a database "empty" that holds every table and no row."""
    with private_server() as url:
        admin = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with admin.connect() as connection:
            connection.execute(text("create database empty"))
        empty = create_engine(url.replace("/postgres", "/empty"), poolclass=NullPool)
        Base.metadata.create_all(empty)
        yield url


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no row; each test gets a copy."""
    folder = tmp_path_factory.mktemp("empty")
    settings = Settings.from_environment({}, data_dir=folder, testing=True, durable=False)
    database = Database(settings)
    Base.metadata.create_all(database.engine)
    database.engine.dispose()
    return folder / "survey.sqlite3"


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with every table: SQLite, or PostgreSQL with --database postgres."""
    if request.config.getoption("--database") == "sqlite":
        shutil.copy(request.getfixturevalue("empty_database"), tmp_path / "survey.sqlite3")
        yield f"sqlite:///{tmp_path / 'survey.sqlite3'}"
        return
    server, name = request.getfixturevalue("postgres_server"), f"test_{secrets.token_hex(6)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} template empty"))
    yield server.replace("/postgres", f"/{name}")
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a throw-away installation."""
    return Settings.from_environment(
        {}, data_dir=tmp_path, database_url=database_url, testing=True, durable=False, secret_key="test"
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    application = create_app(settings)
    application.config["WTF_CSRF_ENABLED"] = False
    yield application
    application.extensions["survey_db"].engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session beside the application's, to arrange rows and to look at them; commit what a request must see."""
    with Session(app.extensions["survey_db"].engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Nobody: a browser that has not signed in."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask, session: Session) -> Callable[..., FlaskClient]:
    """sign_in("manager", area="u372") -> a client signed in as a new user with that one grant."""

    def enter(role: str, area: str | None = None, campaign_id: int | None = None) -> FlaskClient:
        user = User(email=f"{role}-{secrets.token_hex(4)}@example.invalid", name=role.title(), password_hash="!")
        user.grants = [Grant(role=role, area=area, campaign_id=campaign_id)]
        session.add(user)
        session.flush()
        token = secrets.token_urlsafe(16)
        expires = utc_now() + timedelta(days=1)
        session.add(SignInSession(token_hash=hash_token(token), user_id=user.id, expires_at=expires))
        session.commit()
        browser = app.test_client()
        browser.set_cookie(SESSION_COOKIE, token)
        browser.user_id = user.id  # type: ignore[attr-defined]
        return browser

    return enter
