"""Commands: `survey serve`, and `flask --app wsgi survey ...` for the work around it."""

from __future__ import annotations

import gc
import getpass
import json
import logging
import secrets
import socket
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


@survey.command("derive")
def derive() -> None:
    """Derive area, sector, size, stratum and scopes of every register again, after the programme's rules changed."""
    from survey_app import db
    from survey_app.programme import service as programme
    from survey_app.registers import service as registers

    db.begin_write()
    for name in programme.pack().registers:
        count = registers.refresh_derived(registers.get_register(name))
        click.echo(f"{name}: {count} rows")
    db.commit()


@survey.command("sweep")
@click.option("--days", default=7, show_default=True, help="Only what is older; at least 2.")
@click.option("--drafts-after", type=int, default=None, help="Also drafts never sent nor touched for so many days.")
@click.option("--most", default=10_000, show_default=True, help="At most so many of each kind in one run.")
@click.option("--remove", is_flag=True, help="Really remove; without it only count.")
def sweep(days: int, drafts_after: int | None, most: int, remove: bool) -> None:
    """Count, and with --remove clear away, files that nothing names, sign-ins long over and drafts given up."""
    from datetime import timedelta

    from survey_app import housekeeping

    draft_age = timedelta(days=max(drafts_after, 1)) if drafts_after is not None else None
    found = housekeeping.sweep(timedelta(days=days), draft_age, most=most, dry_run=not remove)
    click.echo("Removed:" if remove else "Would be removed (run again with --remove):")
    click.echo(f"  {found.files} files, {found.bytes / 1024 / 1024:.1f} MB")
    click.echo(f"  {found.drafts} drafts")
    click.echo(f"  {found.sign_ins} sign-ins that are over")
    if found.is_partial:
        click.echo("There is more: run it again.")


@survey.command("coverage")
@click.option("--plan", default=None, help="Name of the plan; by default the one with an open phase.")
@click.option("--phase", default=None, help="A phase, or “total”.")
@click.option("--provisional", is_flag=True, help="Also count records still under review.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def coverage(plan: str | None, phase: str | None, provisional: bool, form: str) -> None:
    """Print every figure of a plan: whole, by area, by sector and by size."""
    from survey_app.models import Grant, User
    from survey_app.reports import service

    everybody = User(name="command line", email="", password_hash="", grants=[Grant(role="administrator")])
    shown = service.view(everybody, plan, phase, provisional=provisional)
    rows = list(service.rows(shown))
    if form == "csv":
        from analysis import write_csv

        click.echo(write_csv(service.COLUMNS, rows), nl=False)
    elif form == "json":
        click.echo(json.dumps({"plan": shown.plan.name, "phase": shown.phase, "rows": rows}, ensure_ascii=False))
    else:
        click.echo(_as_table(rows))


def _as_table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'figure':8} {'group':28} {'value':>8} {'95% interval':>15} {'from':>7} {'of':>7} {'target':>7}"]
    for row in rows:
        group = row["group_label"] or row["group"] or ("(all)" if row["grouping"] == "all" else "(not classified)")
        value = f"{row['numerator']:.0f}" if row["denominator"] is None else _percent(row["value"])
        limits = f"{_percent(row['low'])}-{_percent(row['high'])}" if row["low"] is not None else ""
        target = (
            "" if row["target"] is None else _percent(row["target"]) if row["target"] <= 1 else f"{row['target']:.0f}"
        )
        whole = "" if row["denominator"] is None else f"{row['denominator']:.0f}"
        counted = row["numerator"] if row["interval"] == "count" else row["n"]
        lines.append(
            f"{row['indicator']:8} {group[:28]:28} {value:>8} {limits:>15} {counted:>7.0f} {whole:>7} {target:>7}"
        )
    return "\n".join(lines)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f}%"


@click.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--language", default="en", show_default=True, help="Of the messages: en or vi.")
@click.option("--respondents", default=1000, show_default=True, help="Random respondents to try it with; 0 for none.")
@click.option("--seed", default=1, show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="The longest the random respondents may take.")
@click.pass_context
def check(
    context: click.Context, file: Path, form: str, language: str, respondents: int, seed: int, seconds: float
) -> None:
    """Read a questionnaire's workbook as an upload would, and print all there is to say; exit 1 where it has errors.

    Lists and media in the same folder are taken as the files beside it. Nothing is stored.
    """
    from survey_app.authoring import checking

    with _quiet_app().app_context():
        report = checking.check(file, respondents, seed, seconds)
        click.echo(checking.to_json(report, language) if form == "json" else checking.to_text(report, language))
    context.exit(0 if report.is_usable else 1)


survey.add_command(check)


def _quiet_app() -> Flask:
    """The application as far as a command needs it that stores nothing: no database file, no key, no folder."""
    from flask import current_app

    from survey_app import create_app

    if current_app:
        return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # Flask's own way
    key = secrets.token_hex()  # signs nothing
    settings = Settings.from_environment(database_url="sqlite:///:memory:", secret_key=key, production=False)
    return create_app(settings)


def main(arguments: list[str] | None = None) -> None:
    """The program `survey`: `serve` runs production, `demo` the demonstration, `check` reads a questionnaire."""
    _program.main(args=arguments, prog_name="survey")


@click.group()
def _program() -> None:
    """Survey and assessment system."""


_program.add_command(check)


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
        _refuse_taken_port(settings)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        app = create_app(settings)
    except UnsafeSettings as problem:
        raise SystemExit(str(problem)) from None
    if not migrate.is_current(app.extensions["survey_db"]):
        migrate.upgrade(app.extensions["survey_db"])
    with app.app_context():
        prepare(app, settings)
    serve_app(app, settings, threads)


def _refuse_taken_port(settings: Settings) -> None:
    """Say so before any work is done, not after half a minute of it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = error.strerror or "not available"
            raise UnsafeSettings(
                f"Cannot listen on {settings.host}:{settings.port} ({reason}): set PORT or HOST to another."
            ) from None


def serve_app(app: Flask, settings: Settings, threads: int) -> None:
    """waitress reads a whole request before it takes a thread, so stalled phones hold nobody up."""
    import waitress

    sys.setswitchinterval(0.0005)  # many short requests beside a long one: hand over often
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is usual, not news
    gc.collect()
    gc.freeze()  # what start-up made stays: do not look through it again and again
    waitress.serve(
        app,
        host=settings.host,
        port=settings.port,
        threads=threads,
        ident="",
        channel_timeout=120,
        connection_limit=1000,
        max_request_body_size=settings.limits.workbook_bytes,
        clear_untrusted_proxy_headers=True,
        **_trust(settings),
    )


def _trust(settings: Settings) -> dict[str, Any]:
    if not settings.trusted_proxies:
        return {}
    return {
        "trusted_proxy": "*",
        "trusted_proxy_count": settings.trusted_proxies,
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
