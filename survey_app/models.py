"""Every table, typed: the map of the data in one file.

Times are aware UTC and end in `_at`. Documents (answers, definitions, settings of a pack) are JSON columns. What
belongs to one programme lives in a pack's data, so tables hold `attributes` for the pack's own register fields and
`area`, `sector`, `size` for the classifiers it derives from them.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Json = dict[str, Any]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every engine; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database, in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset was given to the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, marked as UTC where the engine forgets the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that a violation can be told by name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, Json: JSON, uuid.UUID: Uuid}  # noqa: RUF012


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


# People ---------------------------------------------------------------------------------------------------------


class User(Base):
    """A member of staff; enterprises have no account, they come by invitation link."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(8), default="vi")
    is_active: Mapped[bool] = mapped_column(default=True)
    is_demo: Mapped[bool] = mapped_column(default=False)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    told_of_log_at: Mapped[datetime | None]  # when it was said that the times of an interview are noted
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    grants: Mapped[list[Grant]] = relationship(back_populates="user", lazy="raise", cascade="all, delete-orphan")


class Grant(Base):
    """A role given to a user, for an area (None: everywhere) and a campaign (None: every one)."""

    __tablename__ = "grants"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(String(32))
    area: Mapped[str | None] = mapped_column(String(32))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    user: Mapped[User] = relationship(back_populates="grants", lazy="raise")


class SignInSession(Base):
    """A signed-in browser. The cookie holds a random token, the table its SHA-256, so a stolen table opens nothing."""

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64), default="")
    device: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(lazy="raise")


class DeviceToken(Base):
    """A phone allowed to send for one user without a browser session."""

    __tablename__ = "device_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    label: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]


class RateCount(Base):
    """How often something was tried in a window of time: sign-ins, link guesses."""

    __tablename__ = "rate_counts"
    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    tries: Mapped[int] = mapped_column(default=0)


class AuditEvent(Base):
    """Who did what, when, from where; each row carries the hash of the one before, so an edit shows."""

    __tablename__ = "audit_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(64), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(64), default="")
    details: Mapped[Json] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


# Questionnaires -------------------------------------------------------------------------------------------------


class Questionnaire(Base):
    """An instrument through its whole life."""

    __tablename__ = "questionnaires"
    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[str] = mapped_column(String(249), unique=True)
    title: Mapped[Json] = mapped_column(default=dict)  # language -> text, of the newest version
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    retired_at: Mapped[datetime | None]
    versions: Mapped[list[FormVersion]] = relationship(
        back_populates="questionnaire", lazy="raise", order_by="FormVersion.id"
    )


class FormVersion(Base):
    """One state of a questionnaire: a draft, then published and frozen with workbook, XForm and definition."""

    __tablename__ = "form_versions"
    __table_args__ = (UniqueConstraint("questionnaire_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaires.id"), index=True)
    version: Mapped[str] = mapped_column(String(249))
    workbook_sha256: Mapped[str] = mapped_column(String(64))
    workbook_name: Mapped[str] = mapped_column(String(255))
    xform: Mapped[str] = mapped_column(Text)
    definition: Mapped[Json]
    definition_sha256: Mapped[str] = mapped_column(String(64))
    warnings: Mapped[list[Any]] = mapped_column(JSON, default=list)  # issues that do not stop anybody, as loaded
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    published_at: Mapped[datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    retired_at: Mapped[datetime | None]
    questionnaire: Mapped[Questionnaire] = relationship(back_populates="versions", lazy="raise")

    @property
    def is_published(self) -> bool:
        """True once data may be collected with it; its content never changes again."""
        return self.published_at is not None


class FormFile(Base):
    """A file beside a form version: a picture, sound or film that it shows, or a list. The store holds its bytes."""

    __tablename__ = "form_files"
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_versions.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(64))


# Register -------------------------------------------------------------------------------------------------------


class Register(Base):
    """A sampling frame: establishments, or units (such as districts) that answer for themselves."""

    __tablename__ = "registers"
    __table_args__ = (CheckConstraint("kind in ('establishment', 'unit')", name="kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)  # the pack's name for it
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Establishment(Base):
    """One unit of a register. `attributes` holds the pack's fields; area, sector, size and scopes are derived."""

    __tablename__ = "establishments"
    __table_args__ = (
        UniqueConstraint("register_id", "code"),
        Index("ix_establishments_cell", "register_id", "area", "sector", "size"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(300))
    name_folded: Mapped[str] = mapped_column(String(300), index=True)  # no accents, lower case: for search
    area: Mapped[str | None] = mapped_column(String(32), index=True)
    sector: Mapped[str | None] = mapped_column(String(32))
    size: Mapped[str | None] = mapped_column(String(32))
    stratum: Mapped[str | None] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    attributes: Mapped[Json] = mapped_column(default=dict)
    started_on: Mapped[date | None]
    suspended_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    is_provisional: Mapped[bool] = mapped_column(default=False)
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    register: Mapped[Register] = relationship(lazy="raise")


# Plan and campaigns ---------------------------------------------------------------------------------------------


class Plan(Base):
    """A programme's plan as loaded from the pack: phases, targets, plan indicators, scopes, deadlines."""

    __tablename__ = "plans"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[Json] = mapped_column(default=dict)
    document: Mapped[Json]  # as read from plan.toml, see docs/authoring.md
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReferenceListVersion(Base):
    """A reference list of the pack as it once stood, so that what was judged by it can be judged again.

    `sha256` is of its columns and rows; a submission names it in its context.
    """

    __tablename__ = "reference_list_versions"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    columns: Mapped[list[str]] = mapped_column(JSON)
    rows: Mapped[list[Any]] = mapped_column(JSON)
    stored_at: Mapped[datetime] = mapped_column(default=utc_now)


class Campaign(Base):
    """One round: questionnaires x register x dates, in a phase of a plan; a record counts in this phase."""

    __tablename__ = "campaigns"
    __table_args__ = (UniqueConstraint("plan_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"))
    name: Mapped[str] = mapped_column(String(64))
    title: Mapped[Json] = mapped_column(default=dict)
    phase: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(32), default="")  # the plan's action it serves, such as "2.2"
    wave: Mapped[int] = mapped_column(default=1)
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    mode: Mapped[str] = mapped_column(String(16), default="visit")  # visit, or self by link
    closed_at: Mapped[datetime | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    plan: Mapped[Plan] = relationship(lazy="raise")
    register: Mapped[Register] = relationship(lazy="raise")
    questionnaires: Mapped[list[CampaignQuestionnaire]] = relationship(
        back_populates="campaign", lazy="raise", order_by="CampaignQuestionnaire.position"
    )


class CampaignQuestionnaire(Base):
    """A form version used in a campaign; `part` names the groups asked when not the whole form is."""

    __tablename__ = "campaign_questionnaires"
    __table_args__ = (UniqueConstraint("campaign_id", "form_version_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_versions.id"))
    position: Mapped[int] = mapped_column(default=0)
    campaign: Mapped[Campaign] = relationship(back_populates="questionnaires", lazy="raise")
    form_version: Mapped[FormVersion] = relationship(lazy="raise")


class FrameUnit(Base):
    """An establishment as it stood when the campaign's frame was frozen: its stratum and how it was selected."""

    __tablename__ = "frame_units"
    __table_args__ = (Index("ix_frame_units_cell", "campaign_id", "stratum"),)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"), primary_key=True)
    stratum: Mapped[str] = mapped_column(String(100))
    area: Mapped[str | None] = mapped_column(String(32))
    sector: Mapped[str | None] = mapped_column(String(32))
    size: Mapped[str | None] = mapped_column(String(32))
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_selected: Mapped[bool] = mapped_column(default=False)
    is_certain: Mapped[bool] = mapped_column(default=False)  # take-all: selected with probability one


class Assignment(Base):
    """An establishment given to an assessor within a campaign."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("campaign_id", "establishment_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"))
    assessor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    due_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    establishment: Mapped[Establishment] = relationship(lazy="raise")
    assessor: Mapped[User | None] = relationship(lazy="raise")


class Invitation(Base):
    """A link given to a respondent; the table holds the SHA-256 of its token only."""

    __tablename__ = "invitations"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    first_opened_at: Mapped[datetime | None]
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    establishment: Mapped[Establishment] = relationship(lazy="raise")


class Visit(Base):
    """One contact with an establishment: its outcome code, and the instruments filled in it.

    `shared` holds the identification and consent answers that the instruments of the visit have in common.
    """

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"), index=True)
    assessor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    outcome: Mapped[int | None]  # disposition code, statistics of response (AAPOR classes)
    outcome_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(1000), default="")
    shared: Mapped[Json] = mapped_column(default=dict)
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    establishment: Mapped[Establishment] = relationship(lazy="raise")


# Collection -----------------------------------------------------------------------------------------------------


class Record(Base):
    """Establishment x campaign x instrument; each sending is a submission that may replace an earlier one.

    state: submitted, returned, approved or superseded. `current_submission_id` is the newest revision.
    """

    __tablename__ = "records"
    __table_args__ = (
        UniqueConstraint("campaign_id", "establishment_id", "questionnaire_id", "mode"),
        CheckConstraint("state in ('submitted', 'returned', 'approved', 'superseded')", name="state"),
        Index("ix_records_state", "campaign_id", "state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"), index=True)
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaires.id"))
    mode: Mapped[str] = mapped_column(String(16), default="visit")  # "self": never counts where the plan says so
    state: Mapped[str] = mapped_column(String(16), default="submitted")
    is_refusal: Mapped[bool] = mapped_column(default=False)
    visited_on: Mapped[date | None]
    current_submission_id: Mapped[int | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    review_comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    establishment: Mapped[Establishment] = relationship(lazy="raise")
    questionnaire: Mapped[Questionnaire] = relationship(lazy="raise")


class Draft(Base):
    """An interview not yet finished; `instance_id` is made where it is collected and becomes the submission's."""

    __tablename__ = "drafts"
    instance_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_versions.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"), index=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visits.id"))
    assessor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"), index=True)
    mode: Mapped[str] = mapped_column(String(16), default="visit")
    replaces: Mapped[uuid.UUID | None]  # instance id of the returned revision this one corrects
    language: Mapped[str] = mapped_column(String(8), default="vi")
    consent: Mapped[Json] = mapped_column(default=dict)  # notice version, answer, time, channel
    prefill: Mapped[Json] = mapped_column(default=dict)  # answers known before the interview
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
    form_version: Mapped[FormVersion] = relationship(lazy="raise")
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    establishment: Mapped[Establishment] = relationship(lazy="raise")


class DraftChange(Base):
    """One answer given, in order: who, where, when. A hidden answer stays here and comes back with its question."""

    __tablename__ = "draft_changes"
    __table_args__ = (Index("ix_draft_changes_instance", "instance_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("drafts.instance_id"))
    path: Mapped[str] = mapped_column(String(1000))  # "group/repeat/<row id>/question"
    value: Mapped[Any] = mapped_column(JSON(none_as_null=False), nullable=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    by: Mapped[str] = mapped_column(String(100), default="")
    device_id: Mapped[str | None] = mapped_column(String(100))


class Submission(Base):
    """A finished interview as received: the answers (truth), the bytes they came in, and the receipt we gave."""

    __tablename__ = "submissions"
    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), index=True)
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_versions.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visits.id"))
    assessor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    door: Mapped[str] = mapped_column(String(16))
    answers: Mapped[Json]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    body_sha256: Mapped[str] = mapped_column(String(64))
    receipt_number: Mapped[str] = mapped_column(String(32), unique=True)
    received_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    utc_offset_minutes: Mapped[int | None]
    clock_skew_seconds: Mapped[float | None]
    device_id: Mapped[str | None] = mapped_column(String(100))
    context: Mapped[Json] = mapped_column(default=dict)  # versions of register data, prices, limits it was judged by
    record: Mapped[Record] = relationship(lazy="raise")
    form_version: Mapped[FormVersion] = relationship(lazy="raise")
    issues: Mapped[list[SubmissionIssue]] = relationship(lazy="raise", order_by="SubmissionIssue.id")


class SubmissionIssue(Base):
    """One thing wrong with a stored submission: code, place, message parameters; never a reason to lose it."""

    __tablename__ = "submission_issues"
    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)
    code: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(1000))
    severity: Mapped[str] = mapped_column(String(16))
    message: Mapped[Json] = mapped_column(default=dict)  # language -> text
    answer_note: Mapped[str] = mapped_column(String(1000), default="")  # the reason a soft check asked for


class RecordValue(Base):
    """An indicator, score or classifier of a record's current submission; rebuildable from the answers."""

    # No index by name: coverage asks by record, and keeping one would double what a submission writes to disk.
    __tablename__ = "record_values"
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # indicator, score, measure, classifier
    number: Mapped[float | None]
    text: Mapped[str | None] = mapped_column(Text)
    truth: Mapped[bool | None]


class Attachment(Base):
    """A file stored by its SHA-256; `stripped_sha256` is the variant without EXIF that people are shown."""

    __tablename__ = "attachments"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]
    content_type: Mapped[str] = mapped_column(String(100))
    stripped_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class SubmissionAttachment(Base):
    """A file an answer names, of a draft or of a submission; it may arrive before or after the answers."""

    __tablename__ = "submission_attachments"
    __table_args__ = (Index("ix_submission_attachments_sha256", "sha256"),)
    instance_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime] = mapped_column(default=utc_now)


class RegisterProposal(Base):
    """What an approved submission would add to a register or change in it; the register's manager decides."""

    __tablename__ = "register_proposals"
    __table_args__ = (UniqueConstraint("instance_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    register_id: Mapped[int] = mapped_column(ForeignKey("registers.id"), index=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"), index=True)
    instance_id: Mapped[uuid.UUID]  # the revision it comes from
    position: Mapped[int]  # several in one submission
    operation: Mapped[str] = mapped_column(String(8))  # create or update
    entity_id: Mapped[str] = mapped_column(String(250))  # code to update, or a UUID made for what is new
    establishment_id: Mapped[int | None] = mapped_column(ForeignKey("establishments.id"))
    label: Mapped[str] = mapped_column(String(300), default="")
    values: Mapped[Json] = mapped_column(default=dict)  # property -> answer
    state: Mapped[str] = mapped_column(String(16), default="open")  # open, accepted, declined, withdrawn
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    register: Mapped[Register] = relationship(lazy="raise")
    record: Mapped[Record] = relationship(lazy="raise")
    establishment: Mapped[Establishment | None] = relationship(lazy="raise")


class MeasureDecision(Base):
    """What an establishment says of a recommended measure: done, will do, or not suitable and why."""

    __tablename__ = "measure_decisions"
    __table_args__ = (UniqueConstraint("establishment_id", "measure"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    establishment_id: Mapped[int] = mapped_column(ForeignKey("establishments.id"))
    measure: Mapped[str] = mapped_column(String(32))
    decision: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500), default="")
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)
