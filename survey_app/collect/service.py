"""An interview from its link or assignment to its receipt: what each page shows, and what each button does."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import FileStorage, MultiDict

from forms import Clock, FormDefinition, Interview, Item, Question, Repeat, Screen, screens
from survey_app import db
from survey_app.access import one
from survey_app.campaigns import service as campaigns
from survey_app.collect import pages, papers
from survey_app.collect.posted import Posted, question_at, read_screen
from survey_app.config import Limits, Settings
from survey_app.languages import (
    TIME_ZONE,
    available_languages,
    current_language,
    format_time,
    gettext,
    language_name,
)
from survey_app.models import (
    Draft,
    FormVersion,
    Invitation,
    Record,
    Submission,
    Visit,
    utc_now,
)
from survey_app.problems import NotFound
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import attachments
from survey_app.submissions import service as submissions
from survey_app.submissions.service import Change

SHARED_LIMIT = 200  # answers the instruments of one visit may have in common


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a screen led to."""

    interview: Interview
    appeared: tuple[str, ...]  # addresses that were not on the page when it was posted
    focus: str = ""  # the row just added


# What this installation says ------------------------------------------------------------------------------------


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def time_of(consent: Mapping[str, Any]) -> str:
    """When a consent was given, in words."""
    return format_time(datetime.fromisoformat(consent["at"])) if consent.get("at") else ""


# The form in this request ---------------------------------------------------------------------------------------


def language_of(draft: Draft, definition: FormDefinition) -> str:
    """The language the form is shown in: the page's own where the form has it, else the draft's, else the form's."""
    own = draft.language if draft.language not in available_languages() else ""
    wishes = (own, current_language(), draft.language)
    return next((wish for wish in wishes if wish in definition.languages), definition.languages[0])


def languages_of(draft: Draft) -> list[tuple[str, str]]:
    """(code, its own name) of the languages in which the interview can go on: the form's, then the interface's."""
    definition = questionnaires.definition(draft.form_version_id)
    codes = dict.fromkeys((*definition.languages, *available_languages()))
    return [(code, name) for code in codes if (name := language_name(code))]


def choose_language(draft: Draft, code: str) -> bool:
    """Go on in another language; True when it is one of the interface's too, whose pages then follow."""
    if code not in dict(languages_of(draft)):
        return False
    draft.language = code
    db.session().flush()
    return code in available_languages()


def get_draft(instance_id: uuid.UUID) -> Draft:
    """The caller's draft, or NotFound."""
    return submissions.get_draft(instance_id)


def drawing_of(
    draft: Draft, interview: Interview | None, problems: Mapping[str, Sequence[str]] | None = None
) -> pages.Drawing:
    """How this draft is drawn, with its answers or (no interview) as the empty app page."""
    definition = questionnaires.definition(draft.form_version_id)
    return pages.Drawing(
        definition,
        language_of(draft, definition),
        interview,
        is_self_completed=draft.mode == "self",
        problems=problems or {},
        files_url=url_for("api.show_file", instance_id=draft.instance_id, name="_").removesuffix("_"),
        media_url=url_for("questionnaires.file", version_id=draft.form_version_id, name="_").removesuffix("_"),
    )


def interview_of(draft: Draft) -> Interview:
    """The draft as an interview in this request's language."""
    definition = questionnaires.definition(draft.form_version_id)
    return submissions.interview_of(draft, language_of(draft, definition))


def title_of(draft: Draft) -> str:
    """The form's title in this request's language."""
    definition = questionnaires.definition(draft.form_version_id)
    return definition.title.plain(language_of(draft, definition))


def shown_screens(definition: FormDefinition, interview: Interview) -> list[Screen]:
    """The screens on which something is asked as the answers stand."""
    return [screen for screen in screens(definition) if any(_asked(interview, screen.items))]


def _asked(interview: Interview, items: Sequence[Item], parent: str | None = None) -> Iterator[str]:
    """Addresses of the questions asked among these items, rows of repeats included; a repeat itself counts too."""
    for item in items:
        address = "/".join(item.path) if parent is None else f"{parent}/{item.name}"
        if not interview.is_relevant(address):
            continue
        if isinstance(item, Question):
            if pages.TEMPLATES.get(item.type, "text") != "nothing":
                yield address
        elif isinstance(item, Repeat):
            yield address
            for row in interview.rows(address):
                yield from _asked(interview, item.children, f"{address}/{row}")
        else:
            yield from _asked(interview, item.children, address)


def drawn_addresses(interview: Interview, screen: Screen) -> list[str]:
    """Addresses of what a plain page of this screen holds."""
    return list(_asked(interview, screen.items))


def screen_of(definition: FormDefinition, address: str) -> str:
    """The name of the screen a question stands on."""
    question = question_at(definition, address)
    path = question.path if question else tuple(address.split("/"))
    for screen in screens(definition):
        if any(path[: len(item.path)] == item.path for item in screen.items):
            return screen.name
    return screens(definition)[0].name


# The link -------------------------------------------------------------------------------------------------------


def link_of(token: str, address: str) -> Invitation:
    """The invitation behind a link; NotFound for one that does not (or no longer) work."""
    invitation = campaigns.find_invitation(token, address)
    if invitation is None:
        raise NotFound("This link is not valid any more. Please ask for a new one.")
    return invitation


def state_of_link(invitation: Invitation) -> str:
    """new, begun or sent."""
    first = _form_of_link(invitation)
    query = select(Draft).where(Draft.invitation_id == invitation.id).order_by(Draft.started_at.desc())
    drafts = [d for d in db.session().scalars(query) if d.form_version_id == first.id]
    if not drafts:
        return "new"
    return "begun" if drafts[0].sent_at is None else "sent"


def _form_of_link(invitation: Invitation) -> FormVersion:
    links = invitation.campaign.questionnaires
    if not links:
        raise NotFound
    query = select(FormVersion).where(FormVersion.id == links[0].form_version_id)
    version: FormVersion = one(query.options(joinedload(FormVersion.questionnaire)))
    return version


def form_of_link(invitation: Invitation) -> str:
    """The form id a link asks for first."""
    return _form_of_link(invitation).questionnaire.form_id


def open_link(invitation: Invitation) -> Draft:
    """The draft behind a link: the open one, a correction, the one already sent, or a new one."""
    campaigns.mark_opened(invitation)
    version = _form_of_link(invitation)
    for submission, record in submissions.list_sent(invitation=invitation):
        if submission.form_version_id == version.id and record.current_submission_id == submission.id:
            if record.state != "returned":
                return _draft_of(submission.instance_id)
            return _open(invitation, version, replaces=submission.instance_id)
    return _open(invitation, version)


def _draft_of(instance_id: uuid.UUID) -> Draft:
    query = select(Draft).where(Draft.instance_id == instance_id)
    found: Draft = one(query.options(joinedload(Draft.campaign), joinedload(Draft.establishment)))
    return found


def _open(invitation: Invitation, version: FormVersion, replaces: uuid.UUID | None = None) -> Draft:
    visit = campaigns.open_visit(invitation.campaign, invitation.establishment, invitation=invitation)
    return submissions.open_draft(
        invitation.campaign,
        invitation.establishment,
        version,
        invitation=invitation,
        mode="self",
        visit=visit,
        replaces=replaces,
        language=current_language(),
    )


def open_offered(invitation: Invitation, form_id: str) -> Draft:
    """A further form a respondent may fill by the same link, on their own account."""
    version = questionnaires.find_published(form_id)
    if version is None:
        raise NotFound
    visit = campaigns.open_visit(invitation.campaign, invitation.establishment, invitation=invitation)
    return submissions.open_draft(
        invitation.campaign,
        invitation.establishment,
        questionnaires.get_version(version.id),
        invitation=invitation,
        mode="self",
        visit=visit,
        language=current_language(),
    )


# Consent --------------------------------------------------------------------------------------------------------


def record_consent(draft: Draft, answer: str, notice_version: str, by: str) -> None:
    """Keep who agreed to which notice and when, and answer the form's own consent question with it."""
    definition = questionnaires.definition(draft.form_version_id)
    draft.language = language_of(draft, definition)
    if draft.consent.get("answer") == answer and draft.consent.get("notice") == notice_version:
        return
    draft.consent = {
        "answer": answer,
        "notice": notice_version,
        "at": utc_now().isoformat(),
        "language": draft.language,
        "channel": "link" if draft.invitation_id else "assessor",
    }
    name = submissions.role_question(definition, "consent_question")
    question = next((q for q in definition.questions() if q.name == name), None)
    if question is not None:
        _record(draft, [Change("/".join(question.path), answer)], by)
    visit = db.session().get(Visit, draft.visit_id) if draft.visit_id else None
    if visit is not None:
        visit.shared = {**visit.shared, "_consent": draft.consent}
    db.session().flush()


def consent_of(draft: Draft) -> dict[str, Any]:
    """The consent given for this draft, or for another form of the same visit."""
    if draft.consent:
        return draft.consent
    visit = db.session().get(Visit, draft.visit_id) if draft.visit_id else None
    return dict(visit.shared.get("_consent") or {}) if visit else {}


# A screen -------------------------------------------------------------------------------------------------------


def _limits() -> Limits:
    return settings().limits


def _record(draft: Draft, changes: list[Change], by: str) -> None:
    submissions.record_changes(draft, changes, by, None, _limits())


def save_screen(draft: Draft, name: str, form: MultiDict[str, str], files: Mapping[str, FileStorage], by: str) -> Saved:
    """Save what a plain page posted and say what has appeared since it was drawn."""
    definition = questionnaires.definition(draft.form_version_id)
    interview = interview_of(draft)
    drawn = form.get("drawn", "").split()
    posted = read_screen(interview, definition, drawn, form, files, interview.language, f"{_offset()}")
    posted.values.update(_store_files(draft, posted))
    changes = [Change(address, value) for address, value in posted.values.items()]
    changes, focus = _row_changes(interview, definition, form, changes)
    db.begin_write()
    _record(draft, changes, by)
    after = interview_of(draft)
    _share(draft, definition, after)
    screen = find_screen(definition, name)
    now = drawn_addresses(after, screen) if screen else []
    return Saved(after, tuple(address for address in now if address not in set(drawn)), focus)


def _offset() -> str:
    text = utc_now().astimezone(TIME_ZONE).strftime("%z")
    return f"{text[:3]}:{text[3:]}"


def _row_changes(
    interview: Interview, definition: FormDefinition, form: MultiDict[str, str], changes: list[Change]
) -> tuple[list[Change], str]:
    """The changes with a row added or removed as the button pressed asks for; and the address of the new row."""
    if added := form.get("add"):
        schema, row = submissions.split_path(definition, f"{added}/+new")
        if schema and row:
            row_id = str(uuid.uuid4())
            return [*changes, Change(f"{added}/+{row_id}")], f"{added}/{row_id}"
    if removed := form.get("remove"):
        repeat, _, row_id = removed.rpartition("/")
        kept = [change for change in changes if not change.path.startswith(f"{removed}/")]
        return [*kept, Change(f"{repeat}/-{row_id}")], repeat
    return changes, ""


def _store_files(draft: Draft, posted: Posted) -> dict[str, str]:
    """Keep uploads and typed signatures as attachments; address -> the name the answer holds."""
    names: dict[str, str] = {}
    for address, upload in posted.files.items():
        content = upload.stream.read(_limits().attachment_bytes + 1)
        suffix = "." + (upload.filename or "").rpartition(".")[2][:8] if "." in (upload.filename or "") else ""
        names[address] = _attach(draft, address, content, suffix)
    for address, name in posted.signatures.items():
        words = gettext("Signed by typing the name")
        names[address] = _attach(draft, address, papers.signature_picture(name, words), ".png")
    return names


def _attach(draft: Draft, address: str, content: bytes, suffix: str) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    attachments.receive_file(sha256, [content], _limits())
    name = attachments.clean_name(f"{address.rpartition('/')[2]}-{sha256[:10]}{suffix}")
    attachments.link(draft, name, sha256)
    return name


def _share(draft: Draft, definition: FormDefinition, interview: Interview) -> None:
    """Keep identification for the other forms of the visit, so that nobody is asked twice."""
    visit = db.session().get(Visit, draft.visit_id) if draft.visit_id else None
    if visit is None:
        return
    shared = dict(visit.shared)
    for question in definition.questions():
        if not question.name.startswith(submissions.SHARED_PREFIX) or len(shared) > SHARED_LIMIT:
            continue
        if submissions.repeat_of(definition, question.path) is None:
            value = interview.value("/".join(question.path))
            if value not in (None, ""):
                shared[question.name] = value
    if shared != visit.shared:
        visit.shared = shared


@dataclass(frozen=True, slots=True)
class ScreenView:
    """A plain page: the screen, where it stands among those asked, and how it is drawn."""

    screen: Screen
    number: int
    total: int
    drawn: tuple[str, ...]
    drawing: pages.Drawing


def find_screen(definition: FormDefinition, name: str) -> Screen | None:
    """The screen of this name, or None."""
    return next((screen for screen in screens(definition) if screen.name == name), None)


def screen_view(draft: Draft, interview: Interview, name: str, shows_problems: bool) -> ScreenView | None:
    """A screen with its answers; None when nothing is asked on it (any more). NotFound for a name the form lacks."""
    definition = questionnaires.definition(draft.form_version_id)
    screen = find_screen(definition, name)
    if screen is None:
        raise NotFound
    shown = [each.name for each in shown_screens(definition, interview)]
    if name not in shown:
        return None
    drawn = drawn_addresses(interview, screen)
    problems = problems_on(interview, drawn) if shows_problems else {}
    return ScreenView(screen, shown.index(name) + 1, len(shown), tuple(drawn), drawing_of(draft, interview, problems))


def problems_on_screen(draft: Draft, interview: Interview, name: str) -> dict[str, list[str]]:
    """What is wrong with the answers of a screen."""
    screen = find_screen(questionnaires.definition(draft.form_version_id), name)
    return problems_on(interview, drawn_addresses(interview, screen)) if screen else {}


def neighbours(draft: Draft, interview: Interview, name: str) -> tuple[str, str]:
    """The names of the screens before and after this one, "" at the ends; only screens on which something is asked."""
    definition = questionnaires.definition(draft.form_version_id)
    every = [screen.name for screen in screens(definition)]
    shown = {screen.name for screen in shown_screens(definition, interview)}
    place = every.index(name) if name in every else 0
    before = [each for each in every[:place] if each in shown]
    after = [each for each in every[place + 1 :] if each in shown]
    return (before[-1] if before else "", after[0] if after else "")


# Review ---------------------------------------------------------------------------------------------------------


def problems_on(interview: Interview, addresses: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong with the answers at these addresses, in words."""
    wanted = set(addresses)
    return {
        where: words
        for where, words in pages.problems_of(interview.issues(), interview.language).items()
        if where in wanted
    }


# Sending --------------------------------------------------------------------------------------------------------


def find_submission(draft: Draft) -> Submission | None:
    """What became of a draft that was sent."""
    query = select(Submission).where(Submission.instance_id == draft.instance_id)
    return db.session().scalars(query.options(joinedload(Submission.issues))).unique().first()


def get_submission(draft: Draft) -> Submission:
    """The submission of a sent draft, or NotFound."""
    found = find_submission(draft)
    if found is None:
        raise NotFound
    return found


def interview_of_submission(draft: Draft, submission: Submission) -> Interview:
    """What was sent, as an interview, to show it in words."""
    definition = questionnaires.definition(draft.form_version_id)
    at = submission.finished_at or submission.received_at
    clock = Clock(at.astimezone(TIME_ZONE))
    instances = submissions.find_instances(definition, draft.establishment, draft.campaign_id, clock.now)
    language = language_of(draft, definition)
    return Interview(definition, submission.answers, instances=instances, clock=clock, language=language)


def comment_on(draft: Draft) -> str:
    """Why the revision that this draft corrects was returned."""
    if draft.replaces is None:
        return ""
    query = select(Record.review_comment).join(Submission, Submission.record_id == Record.id)
    return db.session().scalar(query.where(Submission.instance_id == draft.replaces)) or ""


def record_of(submission: Submission) -> Record:
    """The record a submission belongs to."""
    return db.session().get_one(Record, submission.record_id)


__all__ = [
    "Saved",
    "consent_of",
    "drawing_of",
    "drawn_addresses",
    "find_submission",
    "form_of_link",
    "get_draft",
    "get_submission",
    "interview_of",
    "language_of",
    "link_of",
    "open_link",
    "open_offered",
    "problems_on",
    "record_consent",
    "record_of",
    "save_screen",
    "screen_of",
    "shown_screens",
    "state_of_link",
    "title_of",
]
