"""Who may do what: permissions, roles, the rule each route carries, and selects that start from what a person may see.

Every route states one rule (`@public`, `@allow(...)`, `@respondent`, `@collector`); a route without one is refused
and fails the tests. Rules that depend on an object are kept by the `visible_...` selects: what a person may not see
is not found, exactly as if it did not exist.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from sqlalchemy import ColumnElement, Integer, Select, bindparam, false, literal, or_, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from survey_app import db
from survey_app.models import (
    AuditEvent,
    Campaign,
    Draft,
    Establishment,
    Grant,
    Invitation,
    Record,
    RegisterProposal,
    SignInSession,
    Submission,
    User,
    utc_now,
)
from survey_app.problems import Forbidden, NotFound, NotSignedIn

View = TypeVar("View", bound=Callable[..., Any])
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
SESSION_COOKIE = "session"
RESPONDENT_COOKIE = "link"
IDLE_TIME = timedelta(hours=12)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Permission(StrEnum):
    """One thing a person may be allowed to do."""

    MANAGE_USERS = "manage_users"
    VIEW_AUDIT = "view_audit"
    MANAGE_FORMS = "manage_forms"
    PUBLISH = "publish"
    VIEW_REGISTER = "view_register"
    EDIT_REGISTER = "edit_register"
    MANAGE_CAMPAIGNS = "manage_campaigns"
    INVITE = "invite"
    COLLECT = "collect"
    VIEW_SUBMISSIONS = "view_submissions"
    VIEW_PERSONAL = "view_personal"
    REVIEW = "review"
    VIEW_COVERAGE = "view_coverage"
    EXPORT = "export"
    OWN_ACCOUNT = "own_account"


P = Permission
ROLES: dict[str, frozenset[Permission]] = {
    "administrator": frozenset(Permission),
    "manager": frozenset(Permission) - {P.MANAGE_USERS, P.VIEW_AUDIT},
    "analyst": frozenset({P.VIEW_REGISTER, P.VIEW_SUBMISSIONS, P.VIEW_COVERAGE, P.EXPORT, P.OWN_ACCOUNT}),
    "assessor": frozenset({P.VIEW_REGISTER, P.COLLECT, P.OWN_ACCOUNT}),
    "focal_point": frozenset({P.VIEW_REGISTER, P.VIEW_SUBMISSIONS, P.VIEW_COVERAGE, P.INVITE, P.OWN_ACCOUNT}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks of its caller."""

    kind: str  # public, staff, respondent, collector
    permissions: tuple[Permission, ...] = ()
    late_write: bool = False  # the service itself says when the write begins (intake validates first)


def _rule(view: View, rule: Rule) -> View:
    view.access_rule = rule  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Anybody may call it."""
    return _rule(view, Rule("public"))


def late_write(view: View) -> View:
    """The service itself says when the write begins, so that slow work before it holds nobody up."""
    return _rule(view, replace(view.access_rule, late_write=True))  # type: ignore[attr-defined]


def allow(*permissions: Permission, late_write: bool = False) -> Callable[[View], View]:
    """Signed-in staff holding one of the permissions in some grant."""
    return lambda view: _rule(view, Rule("staff", permissions, late_write))


def respondent(view: View) -> View:
    """Somebody who opened a valid invitation link in this browser."""
    return _rule(view, Rule("respondent"))


def collector(late_write: bool = False) -> Callable[[View], View]:
    """An assessor, or a respondent with a valid link; which draft is whose is kept by `visible_drafts`."""
    return lambda view: _rule(view, Rule("collector", (Permission.COLLECT,), late_write))


def hash_token(token: str) -> str:
    """What the database holds of a secret token."""
    return hashlib.sha256(token.encode()).hexdigest()


# The caller -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """A grant as rules read it."""

    role: str
    area: str | None
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class Caller:
    """The signed-in member of staff as rules see them; read in one statement, for every request needs it."""

    id: int  # of the user
    sign_in_id: int
    last_seen_at: datetime
    grants: tuple[Held, ...]


def find_caller() -> Caller | None:
    """Who is signed in in this browser: not ended, not expired, not idle for too long, user active."""
    if "caller" not in g:
        token = request.cookies.get(SESSION_COOKIE, "")
        g.caller = _read_caller(token) if token else None
    return cast("Caller | None", g.caller)


def _read_caller(token: str) -> Caller | None:
    now = utc_now()
    values = {"token_hash": hash_token(token), "now": now, "idle_since": now - IDLE_TIME}
    rows = db.session().connection().execute(_SIGN_IN, values).all()
    if not rows:
        return None
    grants = tuple([Held(row.role, row.area, row.campaign_id) for row in rows if row.role is not None])
    return Caller(rows[0].user_id, rows[0].id, rows[0].last_seen_at, grants)


def find_user() -> User | None:
    """The signed-in user with grants, or None."""
    if "user" not in g:
        caller = find_caller()
        g.user = db.session().scalars(_USER, {"user_id": caller.id}).first() if caller else None
    return cast("User | None", g.user)


# Built once: every request of every member of staff runs it.
_SIGN_IN = (
    select(
        SignInSession.id, SignInSession.user_id, SignInSession.last_seen_at, Grant.role, Grant.area, Grant.campaign_id
    )
    .join(User, User.id == SignInSession.user_id)
    .outerjoin(Grant, Grant.user_id == User.id)
    .where(SignInSession.token_hash == bindparam("token_hash"), SignInSession.ended_at.is_(None))
    .where(SignInSession.expires_at > bindparam("now"), SignInSession.last_seen_at > bindparam("idle_since"))
    .where(User.is_active.is_(True))
)
_USER = select(User).where(User.id == bindparam("user_id")).options(selectinload(User.grants))


def touch_sign_in() -> None:
    """Note that this browser's sign-in was used, at most once in ten minutes; after the request has committed."""
    found: Caller | None = g.get("caller")
    if found is not None and utc_now() - found.last_seen_at > timedelta(minutes=10):
        with db.database().unit_of_work() as session:
            statement = update(SignInSession).where(SignInSession.id == found.sign_in_id)
            session.execute(statement.values(last_seen_at=utc_now()))


def current_user() -> User:
    """The signed-in user; NotSignedIn when there is none."""
    user = find_user()
    if user is None:
        raise NotSignedIn
    return user


def find_invitation() -> Invitation | None:
    """The valid invitation this browser opened, or None."""
    token = request.cookies.get(RESPONDENT_COOKIE, "")
    if not token:
        return None
    if "invitation" not in g:
        query = (
            select(Invitation)
            .where(Invitation.token_hash == hash_token(token), Invitation.revoked_at.is_(None))
            .where(Invitation.expires_at > utc_now())
            .options(
                joinedload(Invitation.campaign).selectinload(Campaign.questionnaires),
                joinedload(Invitation.establishment),
            )
        )
        g.invitation = db.session().scalars(query).first()
    return cast("Invitation | None", g.invitation)


def current_invitation() -> Invitation:
    """The valid invitation of this browser; NotSignedIn when there is none."""
    invitation = find_invitation()
    if invitation is None:
        raise NotSignedIn("This link is not valid any more. Please ask for a new one.")
    return invitation


def has_permission(user: User | Caller | None, permission: Permission) -> bool:
    """True when some grant of the user has the permission, wherever it applies."""
    return user is not None and any(permission in ROLES.get(grant.role, frozenset()) for grant in user.grants)


# What a person may see ------------------------------------------------------------------------------------------


def _grants(user: User, permission: Permission) -> list[Grant]:
    return [grant for grant in user.grants if permission in ROLES.get(grant.role, frozenset())]


def _where_granted(user: User, permission: Permission, area: Column, campaign: Column | None) -> ColumnElement[bool]:
    """True for rows whose area and campaign some grant with the permission covers."""
    clauses: list[ColumnElement[bool]] = []
    for grant in _grants(user, permission):
        clause: ColumnElement[bool] = true()
        if grant.area is not None:
            clause = clause & (area == grant.area)
        if grant.campaign_id is not None and campaign is not None:
            clause = clause & (campaign == grant.campaign_id)
        clauses.append(clause)
    return or_(false(), *clauses)


def visible_establishments(user: User, permission: Permission = P.VIEW_REGISTER) -> Select[Establishment]:
    """Establishments of the areas the user's grants cover."""
    return select(Establishment).where(_where_granted(user, permission, Establishment.area, None))


def visible_campaigns(user: User, permission: Permission) -> Select[Campaign]:
    """Campaigns some grant with the permission covers."""
    grants = _grants(user, permission)
    if any(grant.campaign_id is None for grant in grants):
        return select(Campaign)
    return select(Campaign).where(Campaign.id.in_([grant.campaign_id for grant in grants]))


def visible_in_campaign(user: User, permission: Permission, campaign_id: int) -> Select[Establishment]:
    """Establishments a grant with the permission covers within one campaign."""
    where = _where_granted(user, permission, Establishment.area, literal(campaign_id))
    return select(Establishment).where(where)


def areas_of(user: User, permission: Permission) -> frozenset[str] | None:
    """Areas in which the user has the permission; None for every one."""
    grants = _grants(user, permission)
    if any(grant.area is None for grant in grants):
        return None
    return frozenset(grant.area for grant in grants if grant.area is not None)


def covers_every_area(user: User, permission: Permission, campaign_id: int | None = None) -> bool:
    """True when some grant with the permission is bound to no area (and covers the campaign, where one is given)."""
    return any(
        grant.area is None and (grant.campaign_id is None or grant.campaign_id == campaign_id)
        for grant in _grants(user, permission)
    )


def visible_records(user: User, permission: Permission = P.VIEW_SUBMISSIONS) -> Select[Record]:
    """Records of establishments in the user's areas and campaigns."""
    where = _where_granted(user, permission, Establishment.area, Record.campaign_id)
    return select(Record).join(Establishment, Record.establishment_id == Establishment.id).where(where)


def visible_proposals(user: User, permission: Permission = P.EDIT_REGISTER) -> Select[RegisterProposal]:
    """Proposals to the registers from records of the areas whose register the user keeps."""
    where = _where_granted(user, permission, Establishment.area, None)
    joined = select(RegisterProposal).join(Record, RegisterProposal.record_id == Record.id)
    return joined.join(Establishment, Record.establishment_id == Establishment.id).where(where)


def visible_submissions(user: User, permission: Permission = P.VIEW_SUBMISSIONS) -> Select[Submission]:
    """Submissions of the records the user may see."""
    records = visible_records(user, permission).with_only_columns(Record.id)
    return select(Submission).where(Submission.record_id.in_(records))


def visible_drafts() -> Select[Draft]:
    """Drafts of the caller: the assessor's own, or those of the invitation this browser opened."""
    mine: list[ColumnElement[bool]] = []
    caller, invitation = find_caller(), find_invitation()
    if caller is not None:
        mine.append(Draft.assessor_id == caller.id)
    if invitation is not None:
        mine.append(Draft.invitation_id == invitation.id)
    return select(Draft).where(or_(false(), *mine))


# The same for a statement that is built once; `own_draft` gives the two values, and null equals nothing.
OWN_DRAFT: ColumnElement[bool] = or_(
    Draft.assessor_id == bindparam("own_assessor", type_=Integer),
    Draft.invitation_id == bindparam("own_invitation", type_=Integer),
)


def own_draft() -> dict[str, int | None]:
    """By whom a draft must be for `OWN_DRAFT` to hold."""
    caller, invitation = find_caller(), find_invitation()
    return {
        "own_assessor": caller.id if caller else None,
        "own_invitation": invitation.id if invitation else None,
    }


# Enforcement ----------------------------------------------------------------------------------------------------


def init_app(app: Flask) -> None:
    """Check the rule of every request before its view runs; writing requests take their turn here."""
    app.before_request(_enforce)
    app.jinja_env.globals.update(
        find_user=find_user,
        may=lambda name: has_permission(find_caller(), Permission(name)),
        find_invitation=find_invitation,
    )


def rule_of(endpoint: str | None) -> Rule | None:
    """The rule a route carries; None for a route that lost its rule (or does not exist)."""
    view = current_app.view_functions.get(endpoint or "")
    return Rule("public") if endpoint == "static" else getattr(view, "access_rule", None)


def _enforce() -> None:
    if request.endpoint is None:
        return  # the router answers 404 or 405 itself
    rule = rule_of(request.endpoint)
    if rule is None:
        raise Forbidden
    if request.method not in SAFE_METHODS and not rule.late_write:
        db.begin_write()
    _check(rule)


def _check(rule: Rule) -> None:
    if rule.kind == "respondent":
        current_invitation()
    elif rule.kind == "staff" or (rule.kind == "collector" and find_invitation() is None):
        _require(find_caller(), rule)


def _require(caller: Caller | None, rule: Rule) -> None:
    if caller is None:
        raise NotSignedIn
    if not any(has_permission(caller, permission) for permission in rule.permissions):
        raise Forbidden


def one(query: Select[Any]) -> Any:
    """The one row of a visible_... select; NotFound for none, whether missing or not visible."""
    found = db.session().scalars(query).unique().first()
    if found is None:
        raise NotFound
    return found


# Audit ----------------------------------------------------------------------------------------------------------


def audit(action: str, subject: str, **details: Any) -> None:
    """Note who did what to which thing; never answers, passwords or tokens."""
    session = db.session()
    last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).first()
    caller = find_caller() if request else None
    event = AuditEvent(
        at=utc_now(),
        user_id=caller.id if caller else None,
        action=action,
        subject=subject,
        address=(request.remote_addr or "") if request else "",
        details=details,
        previous_hash=last.hash if last else "0" * 64,
        hash="",
    )
    event.hash = audit_hash(event)
    session.add(event)
    session.flush()


def audit_hash(event: AuditEvent) -> str:
    """SHA-256 over the row and the hash before it, so that a changed or removed row breaks the chain."""
    row = [
        event.previous_hash,
        event.at.isoformat(),
        event.user_id,
        event.action,
        event.subject,
        event.address,
        event.details,
    ]
    return hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


__all__ = [
    "OWN_DRAFT",
    "ROLES",
    "Caller",
    "Permission",
    "Rule",
    "allow",
    "areas_of",
    "audit",
    "audit_hash",
    "collector",
    "covers_every_area",
    "current_invitation",
    "current_user",
    "find_caller",
    "find_invitation",
    "find_user",
    "has_permission",
    "hash_token",
    "late_write",
    "one",
    "own_draft",
    "public",
    "respondent",
    "rule_of",
    "touch_sign_in",
    "visible_campaigns",
    "visible_drafts",
    "visible_establishments",
    "visible_in_campaign",
    "visible_records",
    "visible_submissions",
]
