from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.access import SESSION_COOKIE, audit_hash
from survey_app.accounts import service
from survey_app.accounts.views import safe_path
from survey_app.models import AuditEvent, Grant, SignInSession, User

PASSWORD = "a long enough sentence"


@pytest.fixture
def manager(session: Session) -> User:
    user = User(email="lan@example.vn", name="Lan", password_hash=service.hash_password(PASSWORD))
    user.grants = [Grant(role="manager")]
    session.add(user)
    session.commit()
    return user


def enter(client: FlaskClient, email: str, password: str, goal: str = ""):  # type: ignore[no-untyped-def]
    return client.post("/sign-in", data={"email": email, "password": password, "next": goal})


def test_a_right_password_opens_a_sign_in_and_leads_to_the_page_asked_for(client: FlaskClient, manager: User) -> None:
    response = enter(client, "LAN@example.vn ", PASSWORD, "/account")
    assert response.status_code == 302
    assert response.location == "/account"
    assert "Lan" in client.get("/account").text


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: FlaskClient, manager: User) -> None:
    wrong = enter(client, "lan@example.vn", "something else entirely")
    unknown = enter(client, "nobody@example.vn", "something else entirely")
    assert wrong.status_code == unknown.status_code == 422
    tokens = re.compile(r'name="csrf_token" value="[^"]*"')
    assert tokens.sub("", wrong.text.replace("lan@", "nobody@")) == tokens.sub("", unknown.text)


def test_the_database_holds_no_token_that_opens_a_sign_in(
    client: FlaskClient, manager: User, session: Session
) -> None:
    enter(client, "lan@example.vn", PASSWORD)
    cookie = client.get_cookie(SESSION_COOKIE)
    assert cookie is not None
    assert session.scalars(select(SignInSession.token_hash)).one() != cookie.value


def test_tries_for_one_account_are_bounded_even_with_the_right_password_at_last(
    client: FlaskClient, manager: User
) -> None:
    statuses = [enter(client, "lan@example.vn", "wrong wrong wrong").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    assert enter(client, "lan@example.vn", PASSWORD).status_code == 429


def test_signing_out_ends_the_sign_in_on_the_server(client: FlaskClient, manager: User) -> None:
    enter(client, "lan@example.vn", PASSWORD)
    cookie = client.get_cookie(SESSION_COOKIE)
    assert cookie is not None
    client.post("/sign-out")
    client.set_cookie(SESSION_COOKIE, cookie.value)
    assert client.get("/account").status_code == 401


def test_changing_the_password_signs_out_every_browser(app: Flask, client: FlaskClient, manager: User) -> None:
    other = app.test_client()
    enter(client, "lan@example.vn", PASSWORD)
    enter(other, "lan@example.vn", PASSWORD)
    answer = client.post("/account/password", data={"old": PASSWORD, "new": "quite another sentence"})
    assert answer.status_code == 302
    assert other.get("/account").status_code == 401
    assert enter(other, "lan@example.vn", "quite another sentence").status_code == 302


def test_a_closed_account_can_no_longer_act(client: FlaskClient, manager: User, session: Session) -> None:
    enter(client, "lan@example.vn", PASSWORD)
    manager.is_active = False
    session.merge(manager)
    session.commit()
    assert client.get("/account").status_code == 401


def test_an_administrator_opens_an_account_for_one_area(
    sign_in: Callable[..., FlaskClient], session: Session
) -> None:
    browser = sign_in("administrator")
    data = {"name": "Hoa", "email": "hoa@example.vn", "password": PASSWORD, "role": "assessor", "area": ""}
    assert browser.post("/users", data=data).status_code == 302
    hoa = session.scalars(select(User).where(User.email == "hoa@example.vn")).one()
    assert [grant.role for grant in session.scalars(select(Grant).where(Grant.user_id == hoa.id))] == ["assessor"]


def test_two_accounts_cannot_share_an_address(sign_in: Callable[..., FlaskClient]) -> None:
    browser = sign_in("administrator")
    data = {"name": "Hoa", "email": "hoa@example.vn", "password": PASSWORD, "role": "assessor", "area": ""}
    browser.post("/users", data=data)
    assert browser.post("/users", data=data).status_code == 422


def test_the_last_administrator_cannot_lose_the_role(sign_in: Callable[..., FlaskClient], session: Session) -> None:
    browser = sign_in("administrator")
    grant = session.scalars(select(Grant).where(Grant.role == "administrator")).one()
    assert browser.post(f"/users/{grant.user_id}/grants/{grant.id}/revoke").status_code == 409


def test_only_an_administrator_sees_accounts(sign_in: Callable[..., FlaskClient]) -> None:
    assert sign_in("administrator").get("/users").status_code == 200
    assert sign_in("manager").get("/users").status_code == 403


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/\tx", "javascript:alert(1)", ""]
)
def test_no_other_site_is_ever_the_next_page(path: str) -> None:
    assert safe_path(path) == ""


def test_the_audit_chain_breaks_where_a_row_was_edited(sign_in: Callable[..., FlaskClient], session: Session) -> None:
    browser = sign_in("administrator")
    for number in range(3):
        data = {"name": "A", "email": f"a{number}@example.vn", "password": PASSWORD, "role": "analyst", "area": ""}
        browser.post("/users", data=data)
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert len(events) >= 6
    assert all(audit_hash(event) == event.hash for event in events)
    assert all(after.previous_hash == before.hash for before, after in pairwise(events))
    events[1].subject = "user:999"
    assert audit_hash(events[1]) != events[1].hash


def test_the_language_chosen_stays_for_the_next_page(client: FlaskClient) -> None:
    client.post("/language", data={"language": "en", "next": "/sign-in"})
    assert "Enterprises need no account" in client.get("/sign-in").text
