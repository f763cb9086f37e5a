"""Accounts: passwords, sign-ins that can be listed and revoked, and who holds which role."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import request
from sqlalchemy import func, select, update
from sqlalchemy.orm import selectinload

from survey_app import db
from survey_app.access import ROLES, audit, hash_token
from survey_app.accounts.limits import count_try, forget_tries
from survey_app.models import Grant, SignInSession, User, utc_now
from survey_app.problems import Conflict, Invalid, NotFound, Problem

SIGN_IN_LIFETIME = timedelta(days=30)
TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS, TRY_WINDOW = 10, 60, timedelta(minutes=15)
MINIMUM_PASSWORD = 10
# OWASP's argon2id minimum: 19 MiB, 2 passes, 1 lane (Password Storage Cheat Sheet).
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# At most this many hashes at once: fifty sign-ins in one moment must not take a gigabyte.
HASHING = threading.BoundedSemaphore(2)


class WrongSignIn(Problem):
    """One message for an unknown address and a wrong password, so that nobody learns which accounts exist."""

    status, code, message = 422, "wrong_sign_in", "The e-mail address or the password is not right. Please try again."


def hash_password(password: str) -> str:
    """An argon2id hash, made while no more than two others are."""
    with HASHING:
        return HASHER.hash(password)


@cache
def _dummy_hash() -> str:
    return hash_password(secrets.token_hex(8))


def _verify(password_hash: str, password: str) -> bool:
    with HASHING:
        try:
            return HASHER.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def sign_in(email: str, password: str) -> tuple[User, str]:
    """Check the password and open a sign-in; returns the user and the secret token for the cookie.

    Raises WrongSignIn, or TooMany after too many tries for the account or from the address.
    """
    email = email.strip().lower()
    count_try(f"sign-in:{hash_token(email)[:32]}", TRIES_PER_ACCOUNT, TRY_WINDOW)
    count_try(f"sign-in-from:{request.remote_addr}", TRIES_PER_ADDRESS, TRY_WINDOW)
    query = select(User).where(User.email == email).options(selectinload(User.grants))
    user = db.session().scalars(query).first()
    right = _verify(user.password_hash if user else _dummy_hash(), password)
    if user is None or not right or not user.is_active:
        raise WrongSignIn
    forget_tries(f"sign-in:{hash_token(email)[:32]}")
    db.begin_write()
    token = open_sign_in(user)
    audit("sign_in", f"user:{user.id}")
    return user, token


def open_sign_in(user: User) -> str:
    """A new sign-in for the user; the token is returned once and only its hash is kept."""
    token = secrets.token_urlsafe(32)
    row = SignInSession(
        token_hash=hash_token(token),
        user_id=user.id,
        expires_at=utc_now() + SIGN_IN_LIFETIME,
        address=request.remote_addr or "",
        device=(request.user_agent.string or "")[:200],
    )
    db.session().add(row)
    db.session().flush()
    return token


def end_sign_in(token: str) -> None:
    """Sign this browser out; unknown tokens are ignored."""
    _end(SignInSession.token_hash == hash_token(token))


def end_sign_ins_of(user: User, sign_in_id: int | None = None) -> None:
    """Sign a user out everywhere, or end the one sign-in named."""
    condition = SignInSession.user_id == user.id
    _end(condition if sign_in_id is None else condition & (SignInSession.id == sign_in_id))
    audit("sign_ins_ended", f"user:{user.id}")


def _end(condition: object) -> None:
    statement = update(SignInSession).where(condition, SignInSession.ended_at.is_(None))  # type: ignore[arg-type]
    db.session().execute(statement.values(ended_at=utc_now()))


def list_sign_ins(user: User) -> Sequence[SignInSession]:
    """Live sign-ins of a user, newest first."""
    query = select(SignInSession).where(SignInSession.user_id == user.id, SignInSession.ended_at.is_(None))
    return (
        db.session().scalars(query.where(SignInSession.expires_at > utc_now()).order_by(SignInSession.id.desc())).all()
    )


def list_users() -> Sequence[User]:
    """Every account with its grants, by name."""
    return db.session().scalars(select(User).options(selectinload(User.grants)).order_by(User.name)).all()


def get_user(user_id: int) -> User:
    """The account, or NotFound."""
    query = select(User).where(User.id == user_id).options(selectinload(User.grants))
    user = db.session().scalars(query).first()
    if user is None:
        raise NotFound
    return user


def create_user(email: str, name: str, password: str, *, demo: bool = False, language: str = "vi") -> User:
    """A new account without any role. Raises Invalid for a short password, Conflict for a known address."""
    email = email.strip().lower()
    check_password(password)
    if db.session().scalars(select(User).where(User.email == email)).first():
        raise Conflict("There is already an account with this e-mail address.")
    user = User(email=email, name=name.strip(), password_hash=hash_password(password), is_demo=demo, language=language)
    user.grants = []
    db.session().add(user)
    db.session().flush()
    audit("user_created", f"user:{user.id}")
    return user


def check_password(password: str) -> None:
    """Length is what counts (NIST SP 800-63B); Invalid says how long it must be."""
    if len(password) < MINIMUM_PASSWORD:
        raise Invalid("The password must have at least {count} characters.", count=MINIMUM_PASSWORD)


def change_password(user: User, old: str, new: str) -> None:
    """Set a new password and sign out every browser. Raises WrongSignIn when the old one is wrong."""
    count_try(f"sign-in:{hash_token(user.email)[:32]}", TRIES_PER_ACCOUNT, TRY_WINDOW)
    if not _verify(user.password_hash, old):
        raise WrongSignIn("The present password is not right.")
    set_password(user, new)


def set_password(user: User, new: str) -> None:
    """Set a password and sign the user out everywhere."""
    check_password(new)
    hashed = hash_password(new)
    db.begin_write()
    user.password_hash = hashed
    end_sign_ins_of(user)
    audit("password_changed", f"user:{user.id}")


def grant_role(user: User, role: str, area: str | None = None, campaign_id: int | None = None) -> Grant:
    """Give a role for an area and a campaign (None: every one); the same grant twice is one."""
    if role not in ROLES:
        raise Invalid("There is no role “{role}”.", role=role)
    for grant in user.grants:
        if (grant.role, grant.area, grant.campaign_id) == (role, area, campaign_id):
            return grant
    grant = Grant(user_id=user.id, role=role, area=area, campaign_id=campaign_id)
    user.grants.append(grant)
    db.session().flush()
    audit("role_granted", f"user:{user.id}", role=role, area=area, campaign=campaign_id)
    return grant


def revoke_grant(user: User, grant_id: int) -> None:
    """Take a role away. Raises Conflict when it is the last administrator's."""
    grant = next((g for g in user.grants if g.id == grant_id), None)
    if grant is None:
        raise NotFound
    if grant.role == "administrator" and _administrators() <= 1:
        raise Conflict("This is the last administrator. Give the role to somebody else first.")
    user.grants.remove(grant)
    audit("role_revoked", f"user:{user.id}", role=grant.role, area=grant.area, campaign=grant.campaign_id)


def set_active(user: User, active: bool) -> None:
    """Close an account (signing it out) or open it again."""
    if not active and any(g.role == "administrator" for g in user.grants) and _administrators() <= 1:
        raise Conflict("This is the last administrator. Give the role to somebody else first.")
    user.is_active = active
    if not active:
        end_sign_ins_of(user)
    audit("user_opened" if active else "user_closed", f"user:{user.id}")


def _administrators() -> int:
    query = select(func.count(func.distinct(Grant.user_id))).join(User, Grant.user_id == User.id)
    return db.session().scalar(query.where(Grant.role == "administrator", User.is_active)) or 0


def list_assessors() -> Sequence[User]:
    """Active accounts that may collect, by name."""
    roles = [name for name, permissions in ROLES.items() if "collect" in permissions]
    query = select(User).join(Grant).where(Grant.role.in_(roles), User.is_active).distinct().order_by(User.name)
    return db.session().scalars(query).all()
