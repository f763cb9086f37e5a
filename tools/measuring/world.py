"""An installation to measure: a database with the pack, a campaign, establishments and open drafts of an assessor."""

from __future__ import annotations

import secrets
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask import session as cookie
from flask_wtf.csrf import generate_csrf
from sqlalchemy import insert, select, text
from sqlalchemy.orm import selectinload

from survey_app import create_app, db, migrate
from survey_app.access import RESPONDENT_COOKIE, SESSION_COOKIE, hash_token
from survey_app.config import Settings
from survey_app.models import (
    Campaign,
    CampaignQuestionnaire,
    Draft,
    Establishment,
    FormVersion,
    Register,
    SignInSession,
    utc_now,
)
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from tests import factories
from tools.measuring import answers

BASELINE_TABLE = "create table baseline (instance_id varchar(36) primary key, body {blob} not null)"


@dataclass(frozen=True, slots=True)
class World:
    """Where the installation lies, how to get in, and the interviews that wait to be sent."""

    folder: Path
    database_url: str
    headers: dict[str, dict[str, str]]  # role -> headers of a signed-in browser
    drafts: deque[str]  # instance ids
    bodies: dict[str, bytes]
    link: str  # instance id of a draft opened by an invitation

    def requests(self, count: int, is_baseline: bool) -> deque[bytes]:
        """The next so many sendings, as bytes for the wire."""
        if is_baseline:
            same = next(iter(self.bodies.values()))
            return deque(self._request(f"baseline/{uuid.uuid4()}", same) for _ in range(count))
        ids = [self.drafts.popleft() for _ in range(min(count, len(self.drafts)))]
        return deque(self._request(f"submissions/{one}", self.bodies[one]) for one in ids)

    def _request(self, path: str, body: bytes) -> bytes:
        lines = [f"PUT /api/v1/{path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in self.headers["assessor"].items()]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def build(folder: Path, database_url: str | None, drafts: int) -> World:
    """Make the database and put `drafts` interviews into it, each of an establishment of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    changes = {"database_url": database_url} if database_url else {}
    settings = Settings.from_environment({}, data_dir=folder, durable=False, **changes)
    app = create_app(settings)
    database = app.extensions["survey_db"]
    migrate.upgrade(database)
    with app.app_context():
        programme.ensure_loaded(demo=True)
        db.commit()
        world = _fill(app, settings, drafts)
    database.engine.dispose()
    return world


def add_draft(world: World, markdown: str, prefill: dict[str, Any]) -> str:
    """One more interview of the same link, with another questionnaire and answers known before; its instance id."""
    app = create_app(Settings.from_environment({}, data_dir=world.folder, database_url=world.database_url))
    with app.app_context():
        db.begin_write()
        session = db.session()
        mine = session.get_one(Draft, uuid.UUID(world.link))
        version = factories.form_version(session, markdown)
        campaign, unit = (
            session.get_one(Campaign, mine.campaign_id, options=[selectinload(Campaign.questionnaires)]),
            session.get_one(Establishment, mine.establishment_id),
        )
        if not [row for row in campaign.questionnaires if row.form_version_id == version.id]:
            campaign.questionnaires.append(CampaignQuestionnaire(form_version_id=version.id, position=9))
        made = factories.draft(session, campaign, unit, version, invitation_id=mine.invitation_id, mode="self")
        made.consent, made.prefill = mine.consent, prefill
        db.commit()
    app.extensions["survey_db"].engine.dispose()
    return str(made.instance_id)


def _fill(app: Flask, settings: Settings, drafts: int) -> World:
    db.begin_write()
    session = db.session()
    version = questionnaires.find_published("rapid_assessment")
    self_version = questionnaires.find_published("self_assessment")
    assert version is not None
    assert self_version is not None
    register = session.scalars(select(Register).where(Register.name == "establishments")).one()
    campaign = factories.campaign(session, version, register=register)
    units = _establishments(register.id, drafts)
    people = {role: factories.user(session, role) for role in ("assessor", "manager", "administrator")}
    tokens = {role: _sign_in(user.id) for role, user in people.items()}
    own = {"campaign_id": campaign.id, "form_version_id": version.id, "assessor_id": people["assessor"].id}
    ids = [str(uuid.uuid4()) for _ in units]
    session.execute(
        insert(Draft),
        [
            {"instance_id": uuid.UUID(one), "establishment_id": unit_id, **own}
            for one, (unit_id, _) in zip(ids, units, strict=True)
        ],
    )
    definition = questionnaires.definition(version.id)
    bodies = {one: answers.body(definition, one, code) for one, (_, code) in zip(ids, units, strict=True)}
    link, link_token = _invited(campaign.plan_id, register, self_version)
    session.execute(text(BASELINE_TABLE.format(blob="blob" if db.database().is_sqlite else "bytea")))
    db.commit()
    guard, csrf = _guard(app)
    cookies = {role: f"{SESSION_COOKIE}={token}" for role, token in tokens.items()}
    cookies["respondent"] = f"{RESPONDENT_COOKIE}={link_token}"
    headers = {role: {"Cookie": f"{one}; {guard}", "X-CSRFToken": csrf} for role, one in cookies.items()}
    return World(settings.data_dir, settings.database_url, headers, deque(ids), bodies, link)


def _establishments(register_id: int, count: int) -> list[tuple[int, str]]:
    session = db.session()
    rows = [
        {"register_id": register_id, "code": f"NB-{number:06d}", "name": f"Cơ sở mẫu {number}",
         "name_folded": f"co so mau {number}", "area": "u373", "sector": "V", "size": "w51_200",
         "stratum": "enterprise|V|w51_200", "scopes": ["D_ent", "D_core"],
         "attributes": {"vsic": "2392", "workers": 60, "legal": "llc", "unit_2016": "u373"}}
        for number in range(1, count + 1)
    ]  # fmt: skip
    session.execute(insert(Establishment), rows)
    query = select(Establishment.id, Establishment.code).where(Establishment.register_id == register_id)
    return [(row.id, row.code) for row in session.execute(query.where(Establishment.name.like("Cơ sở mẫu %")))]


def _invited(plan_id: int, register: Register, version: FormVersion) -> tuple[str, str]:
    session = db.session()
    campaign = factories.campaign(session, version, register=register, plan=factories.plan(session), mode="self")
    unit = factories.establishment(session, register=register, code="NB-999999")
    invitation, token = factories.invitation(session, campaign, unit)
    draft = factories.draft(session, campaign, unit, version, invitation_id=invitation.id, mode="self")
    draft.consent = {"answer": "yes", "notice": "1", "at": utc_now().isoformat(), "language": "vi", "channel": "link"}
    return str(draft.instance_id), token


def _sign_in(user_id: int) -> str:
    token = secrets.token_urlsafe(32)
    expires = utc_now() + timedelta(days=1)
    db.session().add(SignInSession(token_hash=hash_token(token), user_id=user_id, expires_at=expires))
    return token


def _guard(app: Flask) -> tuple[str, str]:
    """The cookie and the header that our own pages send, so that the check against forgery is measured too."""
    with app.test_request_context():
        token = generate_csrf()
        signed = app.session_interface.get_signing_serializer(app).dumps(dict(cookie))  # type: ignore[attr-defined]
    return f"{app.config['SESSION_COOKIE_NAME']}={signed}", token
