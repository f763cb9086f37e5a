"""Commands: `survey serve`, and `flask --app wsgi survey ...` for the work around it."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from survey_app.config import Settings, UnsafeSettings

survey = AppGroup("survey", help="Run and look after the survey system.")


@survey.command("migrate")
def migrate_command() -> None:
    """Bring the database to the newest schema."""
    from survey_app import migrate
    from survey_app.db import database

    migrate.upgrade(database())
    click.echo("The database is up to date.")


@survey.command("create-admin")
@click.option("--email", prompt=True)
@click.option("--name", prompt=True)
@click.password_option()
def create_admin(email: str, name: str, password: str) -> None:
    """Open the first administrator's account."""
    from survey_app import db
    from survey_app.accounts import service

    db.begin_write()
    user = service.create_user(email, name, password)
    service.grant_role(user, "administrator")
    db.commit()
    click.echo(f"{email} may now sign in.")


@survey.command("verify-audit")
def verify_audit() -> None:
    """Check the hash chain of the audit log; exit 1 where a row was changed or removed."""
    from sqlalchemy import select

    from survey_app import db
    from survey_app.access import audit_hash
    from survey_app.models import AuditEvent

    previous = "0" * 64
    for event in db.session().scalars(select(AuditEvent).order_by(AuditEvent.id)):
        if event.previous_hash != previous or audit_hash(event) != event.hash:
            raise click.ClickException(f"The audit log is broken at row {event.id}.")
        previous = event.hash
    click.echo("The audit log is whole.")


def main(arguments: list[str] | None = None) -> None:
    """The program `survey`: `survey serve` runs production, `survey demo` the demonstration."""
    _program.main(args=arguments, prog_name="survey")


@click.group()
def _program() -> None:
    """Survey and assessment system."""


@_program.command()
@click.option("--threads", default=8, show_default=True)
def serve(threads: int) -> None:
    """Start production: an empty system that asks for its first administrator."""
    _start(lambda: Settings.from_environment(production=True, demo=False), _ensure_administrator, threads)


@_program.command()
@click.option("--threads", default=8, show_default=True)
def demo(threads: int) -> None:
    """Start the demonstration province: made-up data, open accounts, this machine only."""
    _start(lambda: Settings.from_environment(demo=True), _ensure_demo, threads)


def _start(read: Callable[[], Settings], prepare: Callable[[Flask, Settings], None], threads: int) -> None:
    from survey_app import create_app, migrate

    try:
        settings = read()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        app = create_app(settings)
    except UnsafeSettings as problem:
        raise SystemExit(str(problem)) from None
    sys.setswitchinterval(0.0005)  # many short requests beside a long one: hand over often
    if not migrate.is_current(app.extensions["survey_db"]):
        migrate.upgrade(app.extensions["survey_db"])
    with app.app_context():
        prepare(app, settings)
    _serve(app, settings, threads)


def _serve(app: Flask, settings: Settings, threads: int) -> None:
    """waitress reads a whole request before it takes a thread, so stalled phones hold nobody up."""
    import waitress

    waitress.serve(
        app, host=settings.host, port=settings.port, threads=threads, ident="", channel_timeout=120,
        connection_limit=1000, max_request_body_size=settings.limits.workbook_bytes, clear_untrusted_proxy_headers=True,
        **_trust(settings),
    )


def _trust(settings: Settings) -> dict[str, Any]:
    if not settings.trusted_proxies:
        return {}
    return {
        "trusted_proxy": "*", "trusted_proxy_count": settings.trusted_proxies,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
    }


def _ensure_administrator(app: Flask, settings: Settings) -> None:
    from sqlalchemy import select

    from survey_app import db
    from survey_app.accounts import service
    from survey_app.models import Grant
    from survey_app.programme import service as programme

    if db.session().scalars(select(Grant).where(Grant.role == "administrator")).first() is None:
        if not sys.stdin.isatty():
            raise SystemExit("There is no administrator yet: run `flask --app wsgi survey create-admin` first.")
        click.echo("Welcome. Please open the first administrator's account.")
        email, name = click.prompt("E-mail"), click.prompt("Name")
        password = getpass.getpass("Password: ")
        db.begin_write()
        service.grant_role(service.create_user(email, name, password), "administrator")
        db.commit()
    programme.ensure_loaded()
    db.commit()
    click.echo(f"Listening on http://{settings.host}:{settings.port}")


def _ensure_demo(app: Flask, settings: Settings) -> None:
    from survey_app.demo import service as demo_province

    marker = settings.data_dir / "DEMO"
    if not marker.exists():
        marker.write_text("This folder holds demonstration data. Production refuses to use it.\n")
    started = time.monotonic()
    door = demo_province.ensure_loaded()
    click.echo(door.describe(f"http://{settings.host}:{settings.port}", time.monotonic() - started))


def project_root() -> Path:
    """The checkout, or wherever the package is installed."""
    return Path(__file__).parent.parent
