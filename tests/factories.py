"""One small function per table: a row with sensible values, whatever it needs around it, added and flushed.

Each takes the session first and any column by keyword. Call `session.commit()` before a request must see the rows.
"""

from __future__ import annotations

import hashlib
import secrets
import textwrap
import uuid
from datetime import date, timedelta
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from forms import FormDefinition, LoadedForm, load_form, to_json
from survey_app.access import hash_token
from survey_app.languages import fold
from survey_app.models import (
    Assignment,
    Base,
    Campaign,
    CampaignQuestionnaire,
    Draft,
    DraftChange,
    Establishment,
    FormVersion,
    FrameUnit,
    Grant,
    Invitation,
    Plan,
    Questionnaire,
    Record,
    RecordValue,
    Register,
    RegisterProposal,
    Submission,
    User,
    Visit,
    utc_now,
)

NUMBERS = count(1)
SMALL_FORM = """
    | survey   |               |         |                             |                          |          |
    |          | type          | name    | label::Tiếng Việt (vi)      | label::English (en)      | required |
    |          | begin group   | work    | Sản xuất                    | Production               |          |
    |          | integer       | staff   | Số lao động                 | Workers                  | yes      |
    |          | select_one yn | metered | Có đồng hồ đo điện riêng?   | Are there sub-meters?    |          |
    |          | end group     |         |                             |                          |          |
    | choices  |               |         |                             |                          |          |
    |          | list_name     | name    | label::Tiếng Việt (vi)      | label::English (en)      |          |
    |          | yn            | yes     | Có                          | Yes                      |          |
    |          | yn            | no      | Không                       | No                       |          |
    | settings |               |         |                             |                          |          |
    |          | form_id       | version | form_title::Tiếng Việt (vi) | form_title::English (en) |          |
    |          | small         | 1       | Phiếu nhỏ                   | Small form               |          |
"""


@cache
def loaded(md: str) -> LoadedForm:
    """A form read from Markdown tables, once in a test run."""
    return load_form(textwrap.dedent(md).encode(), "form.md")


def form_from_md(md: str = SMALL_FORM) -> FormDefinition:
    """The definition of a form written inline as Markdown tables."""
    return loaded(md).definition


def _add(session: Session, row: Any, changes: dict[str, Any]) -> Any:
    for name, value in changes.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row


def user(session: Session, role: str | None = "assessor", area: str | None = None, **changes: Any) -> User:
    """A member of staff with one grant (none when role is None)."""
    row = User(email=f"{role}-{next(NUMBERS)}@example.invalid", name=f"{role} {next(NUMBERS)}", password_hash="!")
    row.grants = [Grant(role=role, area=area)] if role else []
    return _add(session, row, changes)  # type: ignore[no-any-return]


def register(session: Session, **changes: Any) -> Register:
    """The register of establishments, made at the first call and then the same one."""
    name = changes.pop("name", "establishments")
    found = session.scalars(select(Register).where(Register.name == name)).first()
    row = found or Register(name=name, kind="establishment", title={"vi": "Danh bạ cơ sở", "en": "Establishments"})
    return _add(session, row, changes)  # type: ignore[no-any-return]


def establishment(session: Session, **changes: Any) -> Establishment:
    """An establishment in area "u372", sector "V", size "small"."""
    number = next(NUMBERS)
    owner = changes.pop("register", None) or register(session)
    row = Establishment(
        register_id=owner.id,
        code=f"NB-{number:06d}",
        name=f"Cơ sở mẫu {number}",
        area="u372",
        sector="V",
        size="small",
        stratum="V/small",
        scopes=["D_all", "D_core"],
        attributes={},
    )
    row.name = changes.pop("name", row.name)
    row.name_folded = changes.pop("name_folded", fold(row.name))
    return _add(session, row, changes)  # type: ignore[no-any-return]


def form_version(session: Session, md: str = SMALL_FORM, published: bool = True, **changes: Any) -> FormVersion:
    """A version of the questionnaire written in `md`, published unless told otherwise; the same md is the same row."""
    form = loaded(md)
    definition = form.definition
    owner = session.scalars(select(Questionnaire).where(Questionnaire.form_id == definition.form_id)).first()
    title = {language: definition.title.plain(language) for language in definition.languages}
    owner = owner or _add(session, Questionnaire(form_id=definition.form_id, title=title), {})
    query = select(FormVersion).where(
        FormVersion.questionnaire_id == owner.id, FormVersion.version == definition.version
    )
    found = session.scalars(query).first()
    source = textwrap.dedent(md).encode()
    row = found or FormVersion(
        questionnaire_id=owner.id,
        version=definition.version,
        workbook_name="form.md",
        xform=form.xform,
        workbook_sha256=hashlib.sha256(source).hexdigest(),
        definition=to_json(definition),
        definition_sha256=hashlib.sha256(repr(definition).encode()).hexdigest(),
        published_at=utc_now() if published else None,
    )
    return _add(session, row, changes)  # type: ignore[no-any-return]


def questionnaire(session: Session, md: str = SMALL_FORM) -> Questionnaire:
    """The questionnaire of a form written in `md`."""
    return session.get_one(Questionnaire, form_version(session, md).questionnaire_id)


def plan(session: Session, **changes: Any) -> Plan:
    """A plan of one phase that contains today, made at the first call and then the same one."""
    name = changes.pop("name", "demo")
    found = session.scalars(select(Plan).where(Plan.name == name)).first()
    today = utc_now().date()
    start, end = (today - timedelta(days=180)).isoformat(), (today + timedelta(days=180)).isoformat()
    phase = {"name": "I", "start": start, "end": end, "label": {"vi": "Giai đoạn I", "en": "Phase I"}}
    document = {"name": name, "title": {"vi": "Kế hoạch", "en": "Plan"}, "phase": [phase]}
    row = found or Plan(name=name, title={"vi": "Kế hoạch", "en": "Plan"}, document=document)
    return _add(session, row, changes)  # type: ignore[no-any-return]


def campaign(session: Session, *versions: FormVersion, **changes: Any) -> Campaign:
    """An open campaign using the form versions given, or the small form."""
    today = utc_now().date()
    name = changes.pop("name", f"round-{next(NUMBERS)}")
    row = Campaign(
        plan_id=(changes.pop("plan", None) or plan(session)).id,
        register_id=(changes.pop("register", None) or register(session)).id,
        name=name,
        title={"vi": f"Đợt {name}", "en": f"Round {name}"},
        phase="I",
        opens_on=today - timedelta(days=30),
        closes_on=today + timedelta(days=60),
    )
    _add(session, row, changes)
    for position, version in enumerate(versions or (form_version(session),)):
        link = CampaignQuestionnaire(campaign_id=row.id, form_version_id=version.id, position=position)
        _add(session, link, {})
    return row


def frame_unit(session: Session, within: Campaign, unit: Establishment, **changes: Any) -> FrameUnit:
    """The establishment in the campaign's frozen frame, selected."""
    row = FrameUnit(
        campaign_id=within.id,
        establishment_id=unit.id,
        stratum=unit.stratum or "all",
        area=unit.area,
        sector=unit.sector,
        size=unit.size,
        scopes=unit.scopes,
        is_selected=True,
    )
    return _add(session, row, changes)  # type: ignore[no-any-return]


def assignment(
    session: Session,
    within: Campaign | None = None,
    unit: Establishment | None = None,
    assessor: User | None = None,
    **changes: Any,
) -> Assignment:
    """An establishment given to an assessor."""
    row = Assignment(
        campaign_id=(within or campaign(session)).id,
        establishment_id=(unit or establishment(session)).id,
        assessor_id=(assessor or user(session)).id,
    )
    return _add(session, row, changes)  # type: ignore[no-any-return]


def invitation(
    session: Session, within: Campaign | None = None, unit: Establishment | None = None, **changes: Any
) -> tuple[Invitation, str]:
    """An invitation and the secret token of its link."""
    token = changes.pop("token", secrets.token_urlsafe(32))
    row = Invitation(
        token_hash=hash_token(token),
        campaign_id=(within or campaign(session, mode="self")).id,
        establishment_id=(unit or establishment(session)).id,
        expires_at=utc_now() + timedelta(days=30),
    )
    return _add(session, row, changes), token


def visit(session: Session, within: Campaign | None = None, unit: Establishment | None = None, **changes: Any) -> Visit:
    """A contact with an establishment, without outcome yet."""
    row = Visit(
        campaign_id=(within or campaign(session)).id, establishment_id=(unit or establishment(session)).id, shared={}
    )
    return _add(session, row, changes)  # type: ignore[no-any-return]


def record(
    session: Session,
    within: Campaign | None = None,
    unit: Establishment | None = None,
    about: Questionnaire | None = None,
    **changes: Any,
) -> Record:
    """A record in state "submitted", without a submission."""
    row = Record(
        campaign_id=(within or campaign(session)).id,
        establishment_id=(unit or establishment(session)).id,
        questionnaire_id=(about or questionnaire(session)).id,
        mode="visit",
        state="submitted",
        visited_on=date.today(),
    )
    return _add(session, row, changes)  # type: ignore[no-any-return]


def submission(
    session: Session,
    of: Record | None = None,
    version: FormVersion | None = None,
    answers: dict[str, Any] | None = None,
    **changes: Any,
) -> Submission:
    """A submission that is its record's current revision."""
    owner = of or record(session)
    body = repr(answers).encode()
    row = Submission(
        instance_id=uuid.uuid4(),
        record_id=owner.id,
        form_version_id=(version or form_version(session)).id,
        door="page",
        answers=answers if answers is not None else {"work": {"staff": 5, "metered": "yes"}},
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        receipt_number=f"20261123-{next(NUMBERS):06d}",
        finished_at=utc_now(),
    )
    _add(session, row, changes)
    owner.current_submission_id = row.id
    session.flush()
    return row


def record_value(session: Session, of: Record, name: str, **changes: Any) -> RecordValue:
    """An indicator (or other value) of a record."""
    return _add(session, RecordValue(record_id=of.id, name=name, kind="indicator"), changes)  # type: ignore[no-any-return]


def proposal(session: Session, of: Record, **changes: Any) -> RegisterProposal:
    """A new row that a record proposes to the register of its establishment."""
    of_register = register(session)
    columns = {"register_id": of_register.id, "record_id": of.id, "instance_id": uuid.uuid4(), "position": 0,
               "operation": "create", "entity_id": str(uuid.uuid4()), "label": "Xưởng mới", "values": {}}
    found: RegisterProposal = _add(session, RegisterProposal(**columns), changes)
    return found


def draft(
    session: Session,
    within: Campaign | None = None,
    unit: Establishment | None = None,
    version: FormVersion | None = None,
    **changes: Any,
) -> Draft:
    """An interview begun, without answers."""
    row = Draft(
        instance_id=uuid.uuid4(),
        form_version_id=(version or form_version(session)).id,
        campaign_id=(within or campaign(session)).id,
        establishment_id=(unit or establishment(session)).id,
    )
    return _add(session, row, changes)  # type: ignore[no-any-return]


def draft_change(session: Session, of: Draft, path: str, value: Any, **changes: Any) -> DraftChange:
    """One answer given in a draft."""
    return _add(session, DraftChange(instance_id=of.instance_id, path=path, value=value), changes)  # type: ignore[no-any-return]


__all__ = [
    "SMALL_FORM",
    "Base",
    "assignment",
    "campaign",
    "draft",
    "draft_change",
    "establishment",
    "form_from_md",
    "form_version",
    "frame_unit",
    "invitation",
    "loaded",
    "plan",
    "questionnaire",
    "record",
    "record_value",
    "register",
    "submission",
    "user",
    "visit",
]
