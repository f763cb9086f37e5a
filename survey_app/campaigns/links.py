"""Invitation links: made, shown once, kept as hashes, found by their token, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload

from survey_app import db
from survey_app.access import Permission, audit, hash_token, one, visible_in_campaign
from survey_app.accounts.limits import count_try
from survey_app.models import Campaign, CampaignQuestionnaire, Establishment, FormVersion, Invitation, User, utc_now
from survey_app.problems import Invalid, NotFound
from survey_app.registers.service import Page, paged

LINK_GUESSES, LINK_WINDOW = 30, timedelta(minutes=10)
LINK_DAYS = 60
MOST_LINKS = 500
# What a campaign is shown with: its plan, its register, and its questionnaires with their versions.
LOADED = (
    joinedload(Campaign.plan),
    joinedload(Campaign.register),
    selectinload(Campaign.questionnaires)
    .joinedload(CampaignQuestionnaire.form_version)
    .options(joinedload(FormVersion.questionnaire)),
)


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """An invitation just made; `token` is in nobody's hands but the reader's."""

    invitation: Invitation
    establishment: Establishment
    token: str


def find_idle(user: User, campaign: Campaign, establishment_ids: Sequence[int]) -> Sequence[Establishment]:
    """Those of the establishments that are closed or have suspended their work by today, by name."""
    today = utc_now().date()
    query = visible_in_campaign(user, Permission.INVITE, campaign.id).where(Establishment.id.in_(establishment_ids))
    idle = (Establishment.closed_on <= today) | (Establishment.suspended_on <= today)
    return db.session().scalars(query.where(idle).order_by(Establishment.name_folded)).all()


def invite(user: User, campaign: Campaign, establishment_ids: Sequence[int], days: int = LINK_DAYS) -> list[IssuedLink]:
    """Make a link for each establishment; the tokens are returned once, the table keeps their hashes."""
    if len(establishment_ids) > MOST_LINKS:
        raise Invalid("Choose at most {count} establishments at a time.", count=MOST_LINKS)
    query = visible_in_campaign(user, Permission.INVITE, campaign.id).where(Establishment.id.in_(establishment_ids))
    query = query.where(Establishment.register_id == campaign.register_id).order_by(Establishment.name_folded)
    units = db.session().scalars(query).all()
    if not units or len(units) != len(set(establishment_ids)):
        raise NotFound
    links = [_issue(campaign, unit, user, days) for unit in units]
    db.session().flush()
    audit("invited", f"campaign:{campaign.id}", count=len(links))
    return links


def _issue(campaign: Campaign, unit: Establishment, by: User | None, days: int) -> IssuedLink:
    token = secrets.token_urlsafe(32)
    row = Invitation(
        token_hash=hash_token(token),
        campaign_id=campaign.id,
        establishment_id=unit.id,
        created_by_id=by.id if by else None,
        expires_at=utc_now() + timedelta(days=days),
    )
    db.session().add(row)
    return IssuedLink(row, unit, token)


def issue_link(campaign: Campaign, establishment: Establishment, days: int = LINK_DAYS) -> IssuedLink:
    """One link made by the system itself (the demo, a command), without anybody's grant."""
    link = _issue(campaign, establishment, None, days)
    db.session().flush()
    return link


def list_invitations(user: User, campaign: Campaign, page: int = 1) -> Page[Invitation]:
    """Links given out in a campaign, newest first."""
    mine = visible_in_campaign(user, Permission.INVITE, campaign.id).with_only_columns(Establishment.id)
    query = select(Invitation).where(Invitation.campaign_id == campaign.id, Invitation.establishment_id.in_(mine))
    return paged(query.options(joinedload(Invitation.establishment)).order_by(Invitation.id.desc()), page)


def revoke_invitation(user: User, campaign: Campaign, invitation_id: int) -> None:
    """Make a link stop working at once."""
    mine = visible_in_campaign(user, Permission.INVITE, campaign.id).with_only_columns(Establishment.id)
    found: Invitation = one(
        select(Invitation).where(
            Invitation.id == invitation_id, Invitation.campaign_id == campaign.id, Invitation.establishment_id.in_(mine)
        )
    )
    if found.revoked_at is None:
        found.revoked_at = utc_now()
        audit("invitation_revoked", f"invitation:{found.id}")


def find_invitation(token: str, address: str) -> Invitation | None:
    """The valid invitation of a link's token, or None; wrong tokens are counted per address, then TooMany."""
    query = select(Invitation).where(
        Invitation.token_hash == hash_token(token), Invitation.revoked_at.is_(None), Invitation.expires_at > utc_now()
    )
    found = (
        db.session()
        .scalars(query.options(joinedload(Invitation.campaign).options(*LOADED), joinedload(Invitation.establishment)))
        .unique()
        .first()
    )
    if found is None:
        count_try(f"link-from:{address}", LINK_GUESSES, LINK_WINDOW)
    return found


def mark_opened(invitation: Invitation) -> None:
    """Note the first time a link was opened by a person (not by a preview)."""
    if invitation.first_opened_at is None:
        db.session().execute(update(Invitation).where(Invitation.id == invitation.id).values(first_opened_at=utc_now()))


__all__ = [
    "LINK_DAYS",
    "LINK_GUESSES",
    "LOADED",
    "IssuedLink",
    "find_idle",
    "find_invitation",
    "invite",
    "issue_link",
    "list_invitations",
    "mark_opened",
    "revoke_invitation",
]
