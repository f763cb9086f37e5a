"""An assessor's visits: the forms each carries, how far they are, and opening or correcting one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from survey_app import db
from survey_app.access import one, visible_drafts
from survey_app.campaigns import service as campaigns
from survey_app.languages import current_language
from survey_app.models import CampaignQuestionnaire, Draft, FormVersion, Record, Submission, User, Visit
from survey_app.problems import Conflict, NotFound
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import service as submissions


def get_visit(user: User, visit_id: int) -> Visit:
    """A visit of this assessor, or NotFound."""
    query = select(Visit).where(Visit.id == visit_id, Visit.assessor_id == user.id)
    found: Visit = one(query.options(joinedload(Visit.campaign), joinedload(Visit.establishment)))
    return found


def begin_visit(user: User, assignment_id: int) -> Visit:
    """The visit under way for an assignment of this assessor, begun when there is none."""
    work = campaigns.get_work(user, assignment_id)
    return campaigns.open_visit(work.campaign, work.establishment, user=user)


@dataclass(frozen=True, slots=True)
class VisitForm:
    """A form of a visit and how far it is."""

    version: FormVersion
    draft: Draft | None
    submission: Submission | None
    record: Record | None

    @property
    def own_receipt(self) -> uuid.UUID | None:
        """The instance whose receipt this assessor may open: the one they sent themselves."""
        return self.draft.instance_id if self.draft is not None and self.draft.sent_at is not None else None

    @property
    def state(self) -> str:
        """new, draft, submitted, returned, approved."""
        if self.draft is not None and self.draft.sent_at is None:
            return "draft"
        return self.record.state if self.record else "new"


def forms_of_visit(visit: Visit) -> list[VisitForm]:
    """The forms of the visit's campaign in their order."""
    query = (
        select(FormVersion)
        .join(CampaignQuestionnaire, CampaignQuestionnaire.form_version_id == FormVersion.id)
        .where(CampaignQuestionnaire.campaign_id == visit.campaign_id)
        .order_by(CampaignQuestionnaire.position)
        .options(joinedload(FormVersion.questionnaire))
    )
    return [_visit_form(visit, version) for version in db.session().scalars(query)]


def _visit_form(visit: Visit, version: FormVersion) -> VisitForm:
    session = db.session()
    record = session.scalars(
        select(Record).where(
            Record.campaign_id == visit.campaign_id,
            Record.establishment_id == visit.establishment_id,
            Record.questionnaire_id == version.questionnaire_id,
            Record.mode != "self",
        )
    ).first()
    draft = session.scalars(
        visible_drafts()
        .where(
            Draft.campaign_id == visit.campaign_id,
            Draft.establishment_id == visit.establishment_id,
            Draft.form_version_id == version.id,
            Draft.mode != "self",
        )
        .order_by(Draft.started_at.desc())
    ).first()
    submission = (
        session.get(Submission, record.current_submission_id) if record and record.current_submission_id else None
    )
    return VisitForm(version, draft, submission, record)


def open_form(visit: Visit, form_version_id: int, user: User) -> Draft:
    """The draft of one form of a visit."""
    form = next((form for form in forms_of_visit(visit) if form.version.id == form_version_id), None)
    if form is None:
        raise NotFound
    if form.record is not None and form.record.state in ("submitted", "approved"):
        raise Conflict("This form was already sent for this establishment.")
    replaces = form.submission.instance_id if form.submission and form.state == "returned" else None
    return submissions.open_draft(
        visit.campaign,
        visit.establishment,
        form.version,
        user=user,
        mode="visit",
        visit=visit,
        replaces=replaces,
        language=current_language(),
    )


def correct(user: User, record_id: int) -> Draft:
    """A draft that corrects a record returned to this assessor, filled with the old answers."""
    for submission, record in submissions.list_returned(user):
        if record.id == record_id:
            campaign, establishment = record.campaign, record.establishment
            return submissions.open_draft(
                campaign,
                establishment,
                questionnaires.get_version(submission.form_version_id),
                user=user,
                mode=record.mode,
                replaces=submission.instance_id,
                language=current_language(),
                visit=db.session().get(Visit, submission.visit_id) if submission.visit_id else None,
            )
    raise NotFound
