"""The demonstration: a province made up from the pack's demo data on the first start, and the door into it.

Everything is marked as demo, is repeatable by its seed and stands in one transaction: it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from survey_app import db
from survey_app.accounts import service as accounts
from survey_app.campaigns import service as campaigns
from survey_app.demo.fieldwork import Crew, make_campaign
from survey_app.demo.sending import Answering
from survey_app.demo.units import Facts, facts_of_others, make_register
from survey_app.models import Campaign, Establishment, Invitation, Record, Register, User
from survey_app.programme import service as programme

PLAIN_ACCOUNTS: Final = tuple(
    {"role": role, "name": role, "email": f"{role}@demo.example"}
    for role in ("administrator", "manager", "assessor", "analyst", "focal_point")
)


@dataclass(frozen=True, slots=True)
class Account:
    """A demo account as the door shows it."""

    role: str
    email: str
    password: str
    area: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """How to get in: accounts, and a link for one establishment's own answers."""

    accounts: Sequence[Account]
    token: str
    invited: str

    def describe(self, url: str, seconds: float) -> str:
        """What to print when the server is ready: one account a line as "role  e-mail  password"."""
        lines = ["", f"  The demonstration is ready ({seconds:.0f} s):  {url}", ""]
        shown = {one.role: one for one in reversed(self.accounts)}  # the first of each role
        lines += [f"  {role:<14}  {one.email:<30}  {one.password}" for role, one in reversed(shown.items())]
        for one in self.accounts:
            if one.area:
                secret = "" if one in shown.values() else f", password {one.password}"
                lines.append(f"  {one.email} sees {one.area} only{secret}")
        if self.token:
            lines += ["", f"  A fresh invitation, for {self.invited}:", f"  {url}/l/{self.token}"]
        lines += ["", "  Everything here is made up, and only this machine can reach it. Stop it with Ctrl+C.", ""]
        return "\n".join(lines)


def ensure_loaded(size: float = 1.0) -> Door:
    """Make the province when it is not there yet, then open the door with a fresh invitation; commits.

    `size` is the part of the whole province to make.
    """
    programme.ensure_loaded(demo=True)
    db.begin_write()
    demo = programme.pack().demo
    if db.session().scalars(select(User.id).where(User.is_demo)).first() is None:
        _make(demo, size)
    door = _door(demo)
    db.commit()
    return door


def _make(demo: Mapping[str, Any], size: float) -> None:
    crew = _accounts(_account_specs(demo))
    if not demo:
        return
    now = programme.now_here()
    random = Random(demo["seed"])  # noqa: S311 - repeatable, not secret
    facts = make_register(demo, max(40, round(demo["establishments"] * size)), now.year, random)
    made = Answering(demo, crew.manager, now)
    for spec in demo.get("campaign", ()):
        make_campaign(made, crew, spec, facts | _others(spec, now.year), size)


def _others(spec: Mapping[str, Any], year: int) -> dict[int, Facts]:
    if "register" not in spec:
        return {}
    query = select(Register).where(Register.name == spec["register"])
    return facts_of_others(db.session().scalars(query).one(), year)


# Accounts -------------------------------------------------------------------------------------------------------


def _account_specs(demo: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    specs: Sequence[Mapping[str, str]] = demo.get("account") or PLAIN_ACCOUNTS
    return specs


def _accounts(specs: Sequence[Mapping[str, str]]) -> Crew:
    users: dict[tuple[str, str], User] = {}
    for spec in specs:
        user = accounts.create_user(spec["email"], spec["name"], _password(spec["email"]), demo=True)
        accounts.grant_role(user, spec["role"], area=spec.get("area"))
        users[spec["role"], spec.get("area", "")] = user
    return Crew(users["manager", ""], {area: user for (role, area), user in users.items() if role == "assessor"})


def _password(email: str) -> str:
    """The same at every start of one installation, another one in every installation."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return "mau-" + hmac.new(key, f"demo account {email}".encode(), hashlib.sha256).hexdigest()[:10]


# The door -------------------------------------------------------------------------------------------------------


def _door(demo: Mapping[str, Any]) -> Door:
    shown = [
        Account(spec["role"], spec["email"], _password(spec["email"]), _area_name(spec.get("area", "")))
        for spec in _account_specs(demo)
    ]
    found = _to_invite()
    if found is None:
        return Door(shown, "", "")
    link = campaigns.issue_link(*found)
    return Door(shown, link.token, link.establishment.name)


def _area_name(code: str) -> str:
    return programme.name_of("area", code) if code else ""


def _to_invite() -> tuple[Campaign, Establishment] | None:
    """The newest running campaign by link among establishments, and one that has not answered or been asked."""
    query = select(Campaign).join(Register).where(
        Campaign.is_demo, Campaign.mode == "self", Campaign.closed_at.is_(None), Register.kind == "establishment"
    ).options(selectinload(Campaign.questionnaires))
    campaign = db.session().scalars(query.order_by(Campaign.id.desc())).first()
    if campaign is None:
        return None
    busy = [select(table.establishment_id).where(table.campaign_id == campaign.id) for table in (Record, Invitation)]
    free = select(Establishment).where(
        Establishment.register_id == campaign.register_id, Establishment.is_demo, Establishment.closed_on.is_(None),
        Establishment.suspended_on.is_(None), *(Establishment.id.not_in(ids) for ids in busy),
    )
    spec = programme.register_spec(db.session().get_one(Register, campaign.register_id).name)
    units = db.session().scalars(free.order_by(Establishment.id))
    unit = next((one for one in units if not spec.default_scope or spec.default_scope in one.scopes), None)
    return (campaign, unit) if unit else None


__all__ = ["Account", "Door", "ensure_loaded"]
