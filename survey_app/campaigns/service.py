"""Campaigns: rounds of a plan, their frozen frame and sample, who visits whom, what came of it, and links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, delete, exists, func, insert, select, update
from sqlalchemy.orm import joinedload

from survey_app import db
from survey_app.access import (
    Permission,
    audit,
    covers_every_area,
    one,
    visible_campaigns,
    visible_in_campaign,
)
from survey_app.campaigns.links import (
    LINK_DAYS,
    LINK_GUESSES,
    LOADED,
    IssuedLink,
    find_idle,
    find_invitation,
    invite,
    issue_link,
    list_invitations,
    mark_opened,
    revoke_invitation,
)
from survey_app.campaigns.outcomes import COMPLETE, OUTCOMES
from survey_app.campaigns.progress import Progress, candidates_ids, progress
from survey_app.campaigns.sampling import Draw, Unit, draw
from survey_app.languages import fold
from survey_app.models import (
    Assignment,
    Campaign,
    CampaignQuestionnaire,
    Draft,
    Establishment,
    FormVersion,
    FrameUnit,
    Invitation,
    Plan,
    Record,
    User,
    Visit,
    utc_now,
)
from survey_app.problems import Conflict, Forbidden, Invalid, NotFound
from survey_app.programme import service as programme
from survey_app.registers.service import Page, is_active, paged

P = Permission


@dataclass(frozen=True, slots=True)
class Wish:
    """What a campaign should be, as entered."""

    plan_id: int
    register_id: int
    phase: str
    action: str
    title: dict[str, str]
    opens_on: date
    closes_on: date
    mode: str
    form_version_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One questionnaire of an assignment and how far it is: new, draft, submitted, returned or approved."""

    form_version_id: int
    questionnaire_id: int
    form_id: str
    title: dict[str, str]
    state: str
    draft_id: str | None
    record_id: int | None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An establishment an assessor has to visit, with its instruments and the last contact."""

    assignment: Assignment
    establishment: Establishment
    campaign: Campaign
    instruments: tuple[Instrument, ...]
    visit: Visit | None

    @property
    def is_done(self) -> bool:
        """True when nothing is left to do: everything sent and nothing returned, or a final outcome noted."""
        sent = all(instrument.state in {"submitted", "approved"} for instrument in self.instruments)
        outcome = self.visit.outcome if self.visit else None
        return sent or (outcome is not None and OUTCOMES[outcome].group in {"R", "NE"})


# Campaigns ------------------------------------------------------------------------------------------------------


def _visible(user: User) -> Select[Campaign]:
    managed, invited = (
        visible_campaigns(user, permission).with_only_columns(Campaign.id)
        for permission in (P.MANAGE_CAMPAIGNS, P.INVITE)
    )
    return select(Campaign).where(Campaign.id.in_(managed) | Campaign.id.in_(invited))


def list_campaigns(user: User) -> Sequence[Campaign]:
    """Campaigns the user manages or invites for, open ones first, newest first."""
    query = _visible(user).options(*LOADED)
    return db.session().scalars(query.order_by(Campaign.closed_at.is_not(None), Campaign.opens_on.desc())).all()


def get_campaign(user: User, campaign_id: int) -> Campaign:
    """A campaign the user manages or invites for, or NotFound."""
    found: Campaign = one(_visible(user).where(Campaign.id == campaign_id).options(*LOADED))
    return found


def get_managed(user: User, campaign_id: int) -> Campaign:
    """A campaign the user may change as a whole. Raises Forbidden for one who manages a part of it only."""
    query = visible_campaigns(user, P.MANAGE_CAMPAIGNS).where(Campaign.id == campaign_id)
    found: Campaign = one(query.options(*LOADED))
    if not covers_every_area(user, P.MANAGE_CAMPAIGNS, found.id):
        raise Forbidden
    return found


def create_campaign(wish: Wish, by: User) -> Campaign:
    """A new campaign in the next wave of its plan, phase and action."""
    if not covers_every_area(by, P.MANAGE_CAMPAIGNS):
        raise Forbidden
    _check(wish)
    query = select(func.max(Campaign.wave)).where(
        Campaign.plan_id == wish.plan_id, Campaign.phase == wish.phase, Campaign.action == wish.action
    )
    wave = (db.session().scalar(query) or 0) + 1
    name = "-".join(part for part in (wish.phase, wish.action, str(wave)) if part)
    campaign = Campaign(plan_id=wish.plan_id, register_id=wish.register_id, name=name, phase=wish.phase, wave=wave)
    db.session().add(campaign)
    _fill(campaign, wish)
    audit("campaign_created", f"campaign:{campaign.id}", name=name)
    return campaign


def change_campaign(campaign: Campaign, wish: Wish) -> None:
    """Change title, dates, mode and questionnaires; plan, phase and register only before anybody was contacted."""
    _check(wish)
    fixed = (campaign.plan_id, campaign.phase, campaign.register_id)
    if fixed != (wish.plan_id, wish.phase, wish.register_id) and has_begun(campaign):
        raise Conflict("Field work has begun: plan, phase and register of the campaign stay as they are.")
    campaign.plan_id, campaign.phase, campaign.register_id = wish.plan_id, wish.phase, wish.register_id
    _fill(campaign, wish)
    audit("campaign_changed", f"campaign:{campaign.id}")


def _check(wish: Wish) -> None:
    if wish.closes_on < wish.opens_on:
        raise Invalid("The campaign ends before it begins. Please check the dates.")
    if not wish.form_version_ids:
        raise Invalid("Choose at least one questionnaire.")


def _fill(campaign: Campaign, wish: Wish) -> None:
    session = db.session()
    campaign.title, campaign.action, campaign.mode = wish.title, wish.action, wish.mode
    campaign.opens_on, campaign.closes_on = wish.opens_on, wish.closes_on
    session.flush()
    links = CampaignQuestionnaire
    session.execute(delete(links).where(links.campaign_id == campaign.id))
    rows = [
        {"campaign_id": campaign.id, "form_version_id": version_id, "position": position}
        for position, version_id in enumerate(dict.fromkeys(wish.form_version_ids))
    ]
    session.execute(insert(links), rows)


def close_campaign(campaign: Campaign, closed: bool = True) -> None:
    """End a campaign, or open it again."""
    campaign.closed_at = utc_now() if closed else None
    audit("campaign_closed" if closed else "campaign_reopened", f"campaign:{campaign.id}")


def has_begun(campaign: Campaign) -> bool:
    """True once somebody was contacted: a visit, a link, a draft or a record."""
    tables = (Visit, Invitation, Draft, Record)
    return any(db.session().scalar(select(exists().where(table.campaign_id == campaign.id))) for table in tables)


# Frame and sample -----------------------------------------------------------------------------------------------


def freeze_frame(campaign: Campaign, scope: str = "") -> int:
    """Copy the active establishments of the register (and scope) into the campaign; returns how many.

    The frame is the denominator of the wave, so it can be frozen again only before anybody was contacted.
    """
    if has_begun(campaign):
        raise Conflict("Field work has begun: the frame stays as it was frozen.")
    session = db.session()
    session.execute(delete(FrameUnit).where(FrameUnit.campaign_id == campaign.id))
    query = select(Establishment).where(Establishment.register_id == campaign.register_id)
    rows = [
        _frame_row(campaign, unit)
        for unit in session.scalars(query.execution_options(yield_per=2000))
        if is_active(unit, campaign.opens_on) and (not scope or scope in unit.scopes)
    ]
    if rows:
        session.execute(insert(FrameUnit), rows)
    audit("frame_frozen", f"campaign:{campaign.id}", scope=scope, units=len(rows))
    return len(rows)


def _frame_row(campaign: Campaign, unit: Establishment) -> dict[str, object]:
    return {
        "campaign_id": campaign.id,
        "establishment_id": unit.id,
        "stratum": unit.stratum or "-",
        "area": unit.area,
        "sector": unit.sector,
        "size": unit.size,
        "scopes": unit.scopes,
        "is_selected": False,
        "is_certain": False,
    }


@dataclass(frozen=True, slots=True)
class StratumCount:
    """A stratum of the frozen frame: its units, those selected, and those of them taken with certainty."""

    stratum: str
    units: int
    selected: int
    certain: int


def frame_counts(campaign: Campaign) -> list[StratumCount]:
    """The strata of the frozen frame, by name."""
    counted = (func.count(), func.count().filter(FrameUnit.is_selected), func.count().filter(FrameUnit.is_certain))
    query = select(FrameUnit.stratum, *counted).where(FrameUnit.campaign_id == campaign.id)
    rows = db.session().execute(query.group_by(FrameUnit.stratum).order_by(FrameUnit.stratum))
    return [StratumCount(*row) for row in rows]


def certain_count(campaign: Campaign) -> tuple[str, int]:
    """(scope, units of the frame in it) that every sample takes whole; ("", 0) without such a rule."""
    scope = programme.register_spec(campaign.register.name).certain_scope
    query = select(FrameUnit.scopes).where(FrameUnit.campaign_id == campaign.id)
    return scope, sum(scope in scopes for scopes in db.session().scalars(query)) if scope else 0


def frame_sizes(campaign: Campaign) -> list[str]:
    """Size classes in the frame, for the choice of those taken whole."""
    query = select(FrameUnit.size).where(FrameUnit.campaign_id == campaign.id, FrameUnit.size.is_not(None))
    return sorted(str(size) for size in db.session().scalars(query.distinct()))


def draw_sample(
    campaign: Campaign, size: int, seed: int, take_all: Iterable[str] = (), certain_scope: str = ""
) -> Draw:
    """Draw `size` units, repeatable by seed: first the size classes in `take_all` and the units of `certain_scope`.

    These are taken whole, however many they are; the others at random within strata.
    """
    if has_begun(campaign):
        raise Conflict("Field work has begun: the sample stays as it was drawn.")
    whole = set(take_all)
    query = select(FrameUnit, Establishment.code).join(Establishment).where(FrameUnit.campaign_id == campaign.id)
    units = [
        Unit(unit.establishment_id, code, unit.stratum, unit.area or "", _is_certain(unit, whole, certain_scope))
        for unit, code in db.session().execute(query)
    ]
    if not units:
        raise Conflict("Freeze the frame first.")
    drawn = draw(units, size, seed)
    _store_draw(campaign, units, drawn)
    details = {"size": len(drawn.selected), "seed": seed, "take_all": sorted(whole), "certain_scope": certain_scope}
    audit("sample_drawn", f"campaign:{campaign.id}", **details)
    return drawn


def _is_certain(unit: FrameUnit, whole: set[str], scope: str) -> bool:
    return (unit.size or "") in whole or (bool(scope) and scope in unit.scopes)


def _store_draw(campaign: Campaign, units: Sequence[Unit], drawn: Draw) -> None:
    rows = [
        {
            "campaign_id": campaign.id,
            "establishment_id": unit.id,
            "is_selected": unit.id in drawn.selected,
            "is_certain": unit.is_certain,
        }
        for unit in units
    ]
    db.session().execute(update(FrameUnit), rows)


# Whom to contact ------------------------------------------------------------------------------------------------


def candidates(user: User, permission: Permission, campaign: Campaign) -> Select[Establishment]:
    """Establishments of the campaign the user's grants cover: the sample, else the frame, else the whole register."""
    query = visible_in_campaign(user, permission, campaign.id).where(Establishment.register_id == campaign.register_id)
    frame = select(FrameUnit.establishment_id).where(FrameUnit.campaign_id == campaign.id)
    selected = frame.where(FrameUnit.is_selected)
    if db.session().scalar(select(selected.exists())):
        return query.where(Establishment.id.in_(selected))
    if db.session().scalar(select(frame.exists())):
        return query.where(Establishment.id.in_(frame))
    return query


def list_candidates(
    user: User,
    permission: Permission,
    campaign: Campaign,
    search: str = "",
    area: str = "",
    page: int = 1,
    without: str = "",
) -> Page[Establishment]:
    """A page of those to contact, by name; without "assignment" or "invitation" shows who has none yet."""
    query = candidates(user, permission, campaign)
    for word in fold(search).split():
        query = query.where(Establishment.name_folded.contains(word) | Establishment.code.ilike(f"%{word}%"))
    if area:
        query = query.where(Establishment.area == area)
    if without in ("assignment", "invitation"):
        table = Assignment if without == "assignment" else Invitation
        query = query.where(
            Establishment.id.not_in(select(table.establishment_id).where(table.campaign_id == campaign.id))
        )
    return paged(query.order_by(Establishment.name_folded, Establishment.id), page)


def assign(user: User, campaign: Campaign, establishment_ids: Sequence[int], assessor: User | None) -> int:
    """Give establishments to an assessor (None: take them back); returns how many."""
    query = candidates(user, P.MANAGE_CAMPAIGNS, campaign).where(Establishment.id.in_(establishment_ids))
    ids = set(db.session().scalars(query.with_only_columns(Establishment.id)))
    if len(ids) != len(set(establishment_ids)):
        raise NotFound
    return _assign(campaign, ids, assessor)


def assign_area(user: User, campaign: Campaign, area: str, assessor: User | None) -> int:
    """Give every establishment of an area that nobody has yet to an assessor; returns how many."""
    taken = select(Assignment.establishment_id).where(
        Assignment.campaign_id == campaign.id, Assignment.assessor_id.is_not(None)
    )
    query = candidates(user, P.MANAGE_CAMPAIGNS, campaign).where(Establishment.area == area)
    query = query.where(Establishment.id.not_in(taken))
    return _assign(campaign, set(db.session().scalars(query.with_only_columns(Establishment.id))), assessor)


def _assign(campaign: Campaign, ids: set[int], assessor: User | None) -> int:
    session = db.session()
    query = select(Assignment).where(Assignment.campaign_id == campaign.id, Assignment.establishment_id.in_(ids))
    known = {row.establishment_id: row for row in session.scalars(query)}
    for row in known.values():
        row.assessor_id = assessor.id if assessor else None
    rows = (
        [
            {
                "campaign_id": campaign.id,
                "establishment_id": unit_id,
                "assessor_id": assessor.id,
                "due_on": campaign.closes_on,
            }
            for unit_id in sorted(ids - set(known))
            if assessor
        ]
        if assessor
        else []
    )
    if rows:
        session.execute(insert(Assignment), rows)
    session.flush()
    audit("assigned", f"campaign:{campaign.id}", assessor=assessor.id if assessor else None, count=len(ids))
    return len(ids)


def assessors_of(campaign: Campaign, ids: Iterable[int]) -> dict[int, User]:
    """Establishment id -> its assessor in the campaign, for the ids given."""
    query = select(Assignment).where(Assignment.campaign_id == campaign.id, Assignment.establishment_id.in_(ids))
    rows = db.session().scalars(query.options(joinedload(Assignment.assessor)))
    return {row.establishment_id: row.assessor for row in rows if row.assessor}


# Field work -----------------------------------------------------------------------------------------------------


def work_of(user: User, on: date | None = None) -> list[WorkItem]:
    """The assessor's assignments in open campaigns with their instruments and states, by due day and name."""
    today = on or utc_now().date()
    query = (
        select(Assignment)
        .join(Campaign)
        .join(Establishment)
        .where(Assignment.assessor_id == user.id, Campaign.closed_at.is_(None), Campaign.opens_on <= today)
        .options(joinedload(Assignment.establishment), joinedload(Assignment.campaign).options(*LOADED))
        .order_by(Assignment.due_on, Establishment.name_folded)
    )
    assignments = db.session().scalars(query).unique().all()
    return list(_work_items(user, assignments))


def get_work(user: User, assignment_id: int) -> WorkItem:
    """One assignment of this assessor, or NotFound."""
    query = select(Assignment).where(Assignment.id == assignment_id, Assignment.assessor_id == user.id)
    found: Assignment = one(
        query.options(joinedload(Assignment.establishment), joinedload(Assignment.campaign).options(*LOADED))
    )
    return next(_work_items(user, [found]))


def _work_items(user: User, assignments: Sequence[Assignment]) -> Iterator[WorkItem]:
    units = {row.establishment_id for row in assignments}
    session = db.session()
    records = {
        (row.campaign_id, row.establishment_id, row.questionnaire_id): row
        for row in session.scalars(select(Record).where(Record.establishment_id.in_(units), Record.mode != "self"))
    }
    own_drafts = select(Draft).where(
        Draft.establishment_id.in_(units), Draft.assessor_id == user.id, Draft.sent_at.is_(None)
    )
    drafts = {(row.campaign_id, row.establishment_id, row.form_version_id): row for row in session.scalars(own_drafts)}
    visits = {
        (row.campaign_id, row.establishment_id): row
        for row in session.scalars(
            select(Visit).where(Visit.establishment_id.in_(units), Visit.invitation_id.is_(None)).order_by(Visit.id)
        )
    }
    for row in assignments:
        key = (row.campaign_id, row.establishment_id)
        instruments = tuple(
            _instrument(
                link.form_version,
                records.get((*key, link.form_version.questionnaire_id)),
                drafts.get((*key, link.form_version_id)),
            )
            for link in row.campaign.questionnaires
        )
        yield WorkItem(row, row.establishment, row.campaign, instruments, visits.get(key))


def _instrument(version: FormVersion, record: Record | None, found: Draft | None) -> Instrument:
    state = record.state if record else "new"
    if found is not None:
        state = "draft"
    return Instrument(
        version.id,
        version.questionnaire_id,
        version.questionnaire.form_id,
        version.questionnaire.title,
        state,
        str(found.instance_id) if found else None,
        record.id if record else None,
    )


def open_visit(
    campaign: Campaign, establishment: Establishment, *, user: User | None = None, invitation: Invitation | None = None
) -> Visit:
    """The contact now under way with an establishment: the caller's last one without an outcome, else a new one."""
    query = select(Visit).where(
        Visit.campaign_id == campaign.id,
        Visit.establishment_id == establishment.id,
        Visit.outcome.is_(None),
        Visit.assessor_id == (user.id if user else None),
        Visit.invitation_id == (invitation.id if invitation else None),
    )
    found = db.session().scalars(query.order_by(Visit.id.desc())).first()
    if found is None:
        found = Visit(
            campaign_id=campaign.id,
            establishment_id=establishment.id,
            assessor_id=user.id if user else None,
            invitation_id=invitation.id if invitation else None,
            shared={},
        )
        db.session().add(found)
        db.session().flush()
    return found


def visit_items(campaign_id: int, form_id: str) -> list[dict[str, str]]:
    """The item of `instance('visit')`: the action a visit serves, and the part of the form that it carries."""
    query = select(Campaign.action, Plan.document).join(Plan, Campaign.plan_id == Plan.id)
    found = db.session().execute(query.where(Campaign.id == campaign_id)).first()
    if found is None:
        return []
    return [{"action": found.action, "part": programme.part_of(found.document, found.action, form_id)}]


def record_outcome(visit: Visit, code: int, note: str = "") -> None:
    """Note what came of a contact. Raises Invalid for an unknown code."""
    if code not in OUTCOMES:
        raise Invalid("Choose what came of the visit.")
    visit.outcome, visit.outcome_at, visit.note = code, utc_now(), note.strip()[:1000]
    db.session().flush()
    audit("outcome_recorded", f"visit:{visit.id}", outcome=code)


def settle_visit(visit: Visit) -> None:
    """Note the outcome "complete" once every instrument of the campaign has been sent for this establishment."""
    session = db.session()
    expected = session.scalar(select(func.count()).where(CampaignQuestionnaire.campaign_id == visit.campaign_id)) or 0
    sent = (
        session.scalar(
            select(func.count())
            .select_from(Record)
            .where(
                Record.campaign_id == visit.campaign_id,
                Record.establishment_id == visit.establishment_id,
                Record.state.in_(("submitted", "approved")),
                Record.is_refusal.is_(False),
            )
        )
        or 0
    )
    if sent >= expected and visit.outcome is None:
        record_outcome(visit, COMPLETE)


def list_visits(user: User, campaign: Campaign, page: int = 1) -> Page[Visit]:
    """Contacts made in a campaign, newest first."""
    mine = candidates_ids(user, campaign)
    query = select(Visit).where(Visit.campaign_id == campaign.id, Visit.establishment_id.in_(mine))
    return paged(query.options(joinedload(Visit.establishment)).order_by(Visit.started_at.desc()), page)


__all__ = [
    "LINK_DAYS",
    "LINK_GUESSES",
    "Instrument",
    "IssuedLink",
    "Progress",
    "StratumCount",
    "Wish",
    "WorkItem",
    "assessors_of",
    "assign",
    "assign_area",
    "candidates",
    "certain_count",
    "change_campaign",
    "close_campaign",
    "create_campaign",
    "draw_sample",
    "find_idle",
    "find_invitation",
    "frame_counts",
    "frame_sizes",
    "freeze_frame",
    "get_campaign",
    "get_managed",
    "get_work",
    "has_begun",
    "invite",
    "issue_link",
    "list_campaigns",
    "list_candidates",
    "list_invitations",
    "list_visits",
    "mark_opened",
    "open_visit",
    "progress",
    "record_outcome",
    "revoke_invitation",
    "settle_visit",
    "visit_items",
    "work_of",
]
