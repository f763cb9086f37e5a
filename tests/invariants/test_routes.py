"""Every route x role x owner: who is let in, and that a foreign object looks exactly like a missing one.

A new route fails here until it has a row in ROUTES: the kind of object its address names ("" for none).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from survey_app import create_app
from survey_app.access import RESPONDENT_COOKIE, ROLES, Rule
from survey_app.config import Settings
from survey_app.models import Campaign, Draft, Establishment, Invitation, Record, Submission, Visit
from tests import factories

ROUTES = {
    "accounts.home": "", "accounts.health": "", "accounts.sign_in": "", "accounts.sign_in_now": "",
    "accounts.sign_out": "", "accounts.choose_language": "", "accounts.account": "", "accounts.change_password": "",
    "accounts.end_sign_ins": "", "accounts.told_of_log": "", "accounts.users": "", "accounts.new_user": "", "accounts.create_user": "",
    "accounts.user": "user", "accounts.grant": "user", "accounts.revoke": "grant", "accounts.set_active": "user",
    "accounts.end_sign_ins_of": "user",
    "api.show_openapi": "", "api.store_file": "", "api.show_bundle": "version", "api.show_draft": "draft",
    "api.link_file": "draft file", "api.show_file": "draft file", "api.add_changes": "draft", "api.send": "draft",
    "api.show_receipt": "draft",
    "campaigns.index": "", "campaigns.new": "", "campaigns.show": "campaign", "campaigns.assignments": "campaign",
    "campaigns.assign": "campaign", "campaigns.close": "campaign", "campaigns.draw": "campaign",
    "campaigns.edit": "campaign", "campaigns.freeze": "campaign", "campaigns.invitations": "campaign",
    "campaigns.invite": "campaign", "campaigns.revoke": "invitation", "campaigns.sample": "campaign",
    "campaigns.visits": "campaign", "campaigns.outcome": "assignment",
    "collect.start": "draft", "collect.agree": "draft", "collect.answers_pdf": "draft", "collect.app": "draft",
    "collect.paused": "draft", "collect.receipt": "draft", "collect.receipt_pdf": "draft", "collect.review": "draft",
    "collect.choose_language": "draft", "collect.screen": "screen", "collect.save_screen": "screen", "collect.send": "draft",
    "collect.open_offered": "offer", "collect.landing": "token", "collect.open_link": "token", "collect.work": "",
    "collect.correct": "collected record", "collect.start_visit": "", "collect.visit": "visit",
    "collect.open_form": "visit", "collect.close_visit": "visit",
    "results.show": "draft", "results.decide": "measure",
    "reports.coverage": "", "reports.coverage_csv": "", "reports.coverage_xlsx": "", "reports.indicator": "figure",
    "reports.establishments": "figure",
    "programme.index": "", "programme.show": "plan",
    "questionnaires.index": "", "questionnaires.show": "questionnaire", "questionnaires.retire": "questionnaire",
    "questionnaires.upload": "", "questionnaires.add": "", "questionnaires.version": "version",
    "questionnaires.files": "version", "questionnaires.add_files": "version", "questionnaires.remove_file": "version",
    "questionnaires.file": "version file",
    "questionnaires.publish": "version", "questionnaires.remove": "version", "questionnaires.workbook": "version",
    "authoring.graph": "version", "authoring.rehearsal": "version", "authoring.rehearse": "version",
    "authoring.preview": "version", "authoring.preview_form": "version", "authoring.preview_bundle": "version",
    "authoring.preview_draft": "version", "authoring.preview_plain": "version", "authoring.library_index": "", "authoring.library_entry": "entry",
    "authoring.library_file": "entry", "authoring.types": "",
    "registers.index": "", "registers.show": "register", "registers.add": "register", "registers.export": "register kind",
    "registers.choose": "register", "registers.check": "register", "registers.template": "register kind",
    "registers.establishment": "establishment", "registers.edit": "establishment", "registers.confirm": "",
    "registers.refusals": "kind", "registers.list_proposals": "", "registers.proposal": "proposal",
    "registers.decline": "proposal",
    "submissions.index": "", "submissions.show": "record", "submissions.approve": "record",
    "submissions.give_back": "record", "submissions.attachment": "attachment", "submissions.download": "",
}
# Objects that belong to an area, a campaign or a person: for these a foreign one is tried too.
OWNED = {"establishment", "record", "campaign", "draft", "draft file", "screen", "measure", "visit", "assignment",
         "invitation", "collected record", "attachment", "proposal"}
MISSING = 999_999


@dataclass
class World:
    """One establishment, campaign, record, draft and visit of ours, and the same of somebody else's."""

    establishment: Establishment
    campaign: Campaign
    record: Record
    submission: Submission
    draft: Draft
    visit: Visit
    invitation: Invitation
    assignment_id: int
    proposal_id: int


def endpoints() -> list[tuple[str, str, str]]:
    app = create_app(Settings.from_environment({}, testing=True, secret_key="x", database_url="sqlite:///:memory:"))
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            found += [(rule.endpoint, method, rule.rule) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(found)


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str, str]]:
    return endpoints()


def make_world(session: Session, area: str, user_id: int | None) -> World:
    unit = factories.establishment(session, area=area)
    campaign = factories.campaign(session)
    record = factories.record(session, campaign, unit)
    submission = factories.submission(session, record, assessor_id=user_id)
    visit = factories.visit(session, campaign, unit, assessor_id=user_id)
    draft = factories.draft(session, campaign, unit, assessor_id=user_id, visit_id=visit.id)
    invitation, _token = factories.invitation(session, campaign, unit)
    given = factories.assignment(session, campaign, unit)
    given.assessor_id = user_id or given.assessor_id
    proposal = factories.proposal(session, record)
    return World(unit, campaign, record, submission, draft, visit, invitation, given.id, proposal.id)


def address(pattern: str, world: World | None) -> str:
    """The route's address about an object of `world`, or about nothing that exists."""
    nobody = uuid.UUID(int=1)
    values = {
        "<int:establishment_id>": world.establishment.id if world else MISSING,
        "<int:campaign_id>": world.campaign.id if world else MISSING,
        "<int:record_id>": world.record.id if world else MISSING,
        "<int:visit_id>": world.visit.id if world else MISSING,
        "<int:assignment_id>": world.assignment_id if world else MISSING,
        "<int:invitation_id>": world.invitation.id if world else MISSING,
        "<int:proposal_id>": world.proposal_id if world else MISSING,
        "<uuid:instance_id>": _instance(pattern, world) if world else nobody,
        "<path:screen>": "work", "<path:name>": "photo.jpg", "<measure>": "M01", "<sha256>": "0" * 64,
        "<int:form_version_id>": MISSING, "<language>": "vi", "<token>": "x" * 43, "<form_id>": "nothing",
        "<int:user_id>": MISSING, "<int:grant_id>": MISSING, "<int:version_id>": MISSING,
        "<int:questionnaire_id>": MISSING, "<name>": "nothing", "<kind>": "csv", "<entry_id>": "nothing",
    }
    for part, value in values.items():
        pattern = pattern.replace(part, str(value))
    assert "<" not in pattern, pattern
    return pattern


def _instance(pattern: str, world: World) -> uuid.UUID:
    return world.submission.instance_id if pattern.startswith("/submissions") else world.draft.instance_id


def call(browser: FlaskClient, method: str, path: str) -> TestResponse:
    json = {} if path.startswith("/api/") and method in {"POST", "PUT"} else None
    return browser.open(path, method=method, json=json)


def rule_of(app: Flask, endpoint: str) -> Rule:
    rule = getattr(app.view_functions[endpoint], "access_rule", None)
    assert rule is not None, f"{endpoint} carries no access rule"
    return rule


def test_every_route_carries_a_rule_and_has_a_row(app: Flask, routes: list[tuple[str, str, str]]) -> None:
    for endpoint, _method, _path in routes:
        rule_of(app, endpoint)
    assert sorted({endpoint for endpoint, _, _ in routes} ^ set(ROUTES)) == []


def test_nobody_is_let_in_without_signing_in(app: Flask, client: FlaskClient, routes: list[tuple[str, str, str]]) -> None:
    answers = {
        (endpoint, method): call(client, method, address(path, None)).status_code
        for endpoint, method, path in routes if rule_of(app, endpoint).kind != "public"
    }
    assert {key: status for key, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_is_refused_where_it_has_no_permission(
    app: Flask, sign_in: Callable[..., FlaskClient], routes: list[tuple[str, str, str]], role: str
) -> None:
    browser, wrong = sign_in(role), {}
    for endpoint, method, path in routes:
        rule = rule_of(app, endpoint)
        if rule.kind not in {"staff", "collector"}:
            continue
        allowed = bool(set(rule.permissions) & ROLES[role])
        status = call(browser, method, address(path, None)).status_code
        if (status == 403) == allowed or status == 401:
            wrong[endpoint, method] = status
        if endpoint == "accounts.end_sign_ins":
            browser = sign_in(role)
    assert wrong == {}


def test_a_foreign_object_looks_exactly_like_a_missing_one(
    app: Flask, session: Session, sign_in: Callable[..., FlaskClient], routes: list[tuple[str, str, str]]
) -> None:
    theirs = make_world(session, "u373", None)
    ours = factories.campaign(session)
    session.commit()
    wrong = {}
    for endpoint, method, path in routes:
        kind, rule = ROUTES.get(endpoint, ""), rule_of(app, endpoint)
        if kind not in OWNED or rule.kind not in {"staff", "collector"}:
            continue
        role = next(r for r in ("manager", "administrator", "assessor") if set(rule.permissions) & ROLES[r])
        limits = {"campaign_id": ours.id} if kind in {"campaign", "invitation"} else {"area": "u372"}
        browser = sign_in(role, **limits)
        foreign = call(browser, method, address(path, theirs))
        missing = call(browser, method, address(path, None))
        if not foreign.status_code == missing.status_code == 404 or _plain(foreign) != _plain(missing):
            wrong[endpoint, method] = (foreign.status_code, missing.status_code)
    assert wrong == {}


def _plain(response: TestResponse) -> str:
    """The body without the address that was asked for and the CSRF token, which pages repeat in their forms."""
    text = re.sub(r'name="csrf_token" value="[^"]*"', "", response.text)
    for value in (response.request.path, response.request.path.replace("/", "%2F")):
        text = text.replace(value, "")
    return text


def test_ones_own_objects_are_there(
    app: Flask, session: Session, sign_in: Callable[..., FlaskClient], routes: list[tuple[str, str, str]]
) -> None:
    wrong = {}
    for endpoint, method, path in routes:
        kind, rule = ROUTES.get(endpoint, ""), rule_of(app, endpoint)
        if kind not in {"establishment", "record", "campaign", "draft", "visit"} or method != "GET":
            continue
        role = next(r for r in ("manager", "administrator", "assessor") if set(rule.permissions) & ROLES[r])
        # A campaign is shaped by those who manage all of it, not one of its areas.
        browser = sign_in(role, area=None if kind == "campaign" else "u372")
        world = make_world(session, "u372", browser.user_id)  # type: ignore[attr-defined]
        session.commit()
        status = call(browser, method, address(path, world)).status_code
        if endpoint not in RECEIPTS and status not in {200, 302}:
            wrong[endpoint] = status
    assert wrong == {}


# These answer only once the interview has been sent.
RECEIPTS = {"collect.receipt", "collect.receipt_pdf", "collect.answers_pdf", "results.show", "api.show_receipt"}


def test_a_link_opens_its_own_interview_and_no_other(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    mine, token = factories.invitation(session)
    own = factories.draft(session, session.get(Campaign, mine.campaign_id), session.get(Establishment, mine.establishment_id),
                          invitation_id=mine.id, mode="self")
    other = factories.draft(session)
    session.commit()
    client.set_cookie(RESPONDENT_COOKIE, token)
    assert client.get(f"/api/v1/drafts/{own.instance_id}").status_code == 200
    assert client.get(f"/api/v1/drafts/{other.instance_id}").status_code == 404
    mine.revoked_at = factories.utc_now()
    session.commit()
    assert client.get(f"/api/v1/drafts/{own.instance_id}").status_code == 401


def test_every_unsafe_route_refuses_a_request_without_csrf_token(
    settings: Settings, routes: list[tuple[str, str, str]], sign_in: Callable[..., FlaskClient], app: Flask
) -> None:
    browser = sign_in("administrator")
    app.config["WTF_CSRF_ENABLED"] = True
    wrong = {
        (endpoint, method): status
        for endpoint, method, path in routes if method not in {"GET"}
        and (status := call(browser, method, address(path, None)).status_code) not in {400, 401, 403}
    }
    assert wrong == {}
