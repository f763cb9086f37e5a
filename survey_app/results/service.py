"""What a respondent gets back from their own answers: level, saving, the score explained, and measures."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select

from forms import (
    Clock,
    Interview,
    Recommendation,
    Recommendations,
    Scores,
    compute_indicators,
    compute_scores,
    recommend_measures,
)
from survey_app import db
from survey_app.languages import TIME_ZONE, current_language, format_number
from survey_app.models import Draft, Establishment, MeasureDecision, Record, RecordValue, Submission, utc_now
from survey_app.problems import Invalid, NotFound
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.submissions import service as submissions


class Words(Protocol):
    """The pack's texts in one language."""

    def find(self, key: str) -> Any:
        """The text, list or table at a dotted key, or None."""


DECISIONS = ("done", "will_do", "not_suitable")
FEWEST_PEERS = 5  # a median of fewer could tell one establishment about another


@dataclass(frozen=True, slots=True)
class Saving:
    """A share saved per unit of product; negative means more is used."""

    label: str
    percent: float


@dataclass(frozen=True, slots=True)
class Card:
    """A recommended measure with what the establishment has said of it."""

    measure: Recommendation
    why: tuple[tuple[str, str], ...]  # question and answer, both in words
    technique: str
    next_step: str
    decision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Peers:
    """How many approved records of the same sector there are, and their median."""

    count: int
    median: float


@dataclass(frozen=True, slots=True)
class Result:
    """Everything the page of a result shows."""

    level: int | None
    level_text: str
    saving: float | None
    measures_saving: bool  # the form asks for what a saving is computed from
    savings: tuple[Saving, ...]
    goal: tuple[float, float] | None
    scores: Scores
    recommendations: Recommendations
    cards: tuple[Card, ...]
    peers: Mapping[str, Peers]
    is_verified: bool
    offers: str  # form id of what the link offers next
    first_steps: tuple[str, ...]  # what anybody at this level can begin with, where no measure fits the answers


def result_of(draft: Draft) -> Result:
    """The result of a sent draft; NotFound while it was not sent, or after a refusal."""
    submission = _submission(draft)
    record = db.session().get_one(Record, submission.record_id)
    if record.is_refusal:
        raise NotFound
    interview = _interview(draft, submission)
    texts = programme.pack().in_language(current_language())
    values = compute_indicators(interview)
    level = values.get("level")
    recommendations = recommend_measures(interview)
    scores = compute_scores(interview)
    cards = _cards(draft, texts, interview, recommendations)
    return Result(
        level=int(level) if isinstance(level, (int, float)) else None,
        level_text=_level_text(texts, level),
        saving=_number(values.get("saving")),
        measures_saving="saving" in values,
        savings=_savings(texts, values, interview),
        goal=_goal(texts),
        scores=scores,
        recommendations=recommendations,
        cards=cards,
        peers=_peers(record, scores, draft.establishment),
        is_verified=record.state == "approved" and record.mode != "self",
        offers=_offer(draft, texts),
        first_steps=() if cards else _first_steps(texts, level),
    )


def _submission(draft: Draft) -> Submission:
    query = select(Submission).where(Submission.instance_id == draft.instance_id)
    found = db.session().scalars(query).first()
    if found is None:
        raise NotFound
    return found


def _interview(draft: Draft, submission: Submission) -> Interview:
    definition = questionnaires.definition(draft.form_version_id)
    language = current_language() if current_language() in definition.languages else draft.language
    at = (submission.finished_at or submission.received_at).astimezone(TIME_ZONE)
    instances = submissions.stored_instances(submission, definition, draft.establishment, draft.campaign_id, at)
    return Interview(definition, submission.answers, instances=instances, clock=Clock(at), language=language)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _level_text(texts: Words, level: Any) -> str:
    return str(texts.find(f"results.levels.{int(level)}") or "") if isinstance(level, (int, float)) else ""


def _first_steps(texts: Words, level: Any) -> tuple[str, ...]:
    found = texts.find(f"results.first_steps.levels.{int(level)}") if isinstance(level, (int, float)) else None
    return tuple(str(step) for step in found or ())


def _goal(texts: Words) -> tuple[float, float] | None:
    low, high = texts.find("results.goal_low"), texts.find("results.goal_high")
    return (float(low), float(high)) if low is not None and high is not None else None


def _savings(texts: Words, values: Mapping[str, Any], interview: Interview) -> tuple[Saving, ...]:
    labels = {row.name: row.label.plain(interview.language) for row in interview.definition.indicators}
    shown = texts.find("results.savings") or []
    numbers = ((name, _number(values.get(name))) for name in shown if name in labels)
    return tuple(Saving(labels[name], number) for name, number in numbers if number is not None)


def _offer(draft: Draft, texts: Words) -> str:
    """The form id a respondent is offered next by the same link, "" for none."""
    offered = str(texts.find("results.offers") or "")
    if not offered or draft.invitation_id is None:
        return ""
    version = questionnaires.find_published(offered)
    is_this = questionnaires.definition(draft.form_version_id).form_id == offered
    return offered if version is not None and not is_this else ""


# Measures -------------------------------------------------------------------------------------------------------


def _cards(draft: Draft, texts: Words, interview: Interview, found: Recommendations) -> tuple[Card, ...]:
    said = {
        row.measure: row
        for row in db.session().scalars(
            select(MeasureDecision).where(MeasureDecision.establishment_id == draft.establishment_id)
        )
    }
    cards = []
    for measure in (*found.listed, *found.investments):
        row = said.get(measure.code)
        cards.append(
            Card(
                measure,
                tuple((one.label, _answer_words(interview, one.address, one.answer)) for one in measure.why),
                str(texts.find(f"results.techniques.{measure.technique}") or measure.technique),
                str(texts.find(f"results.next_steps.{next_step(measure)}") or ""),
                row.decision if row else "",
                row.reason if row else "",
            )
        )
    return tuple(cards)


def _answer_words(interview: Interview, address: str, plain: str) -> str:
    """An answer as the form shows it: a number by the habits of the language, with its unit."""
    value = interview.value(address)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{format_number(value)} {interview.unit(address)}".strip()
    return plain


def next_step(measure: Recommendation) -> str:
    """What to do about a measure, by its middle payback: now (up to 6 months), plan (up to 24), else project."""
    if measure.group == "investment":
        return "investment"
    middle = (measure.payback_low + measure.payback_high) / 2
    return "now" if middle <= 6 else "plan" if middle <= 24 else "project"


def decide(draft: Draft, measure: str, decision: str, reason: str) -> None:
    """Keep what the establishment says of a measure. Raises Invalid without a reason for "not suitable"."""
    definition = questionnaires.definition(draft.form_version_id)
    if decision not in DECISIONS or measure not in {row.code for row in definition.measures}:
        raise NotFound
    if decision == "not_suitable" and not reason.strip():
        raise Invalid("Please say why the measure does not suit you.")
    session, submission = db.session(), _submission(draft)
    query = select(MeasureDecision).where(
        MeasureDecision.establishment_id == draft.establishment_id, MeasureDecision.measure == measure
    )
    row = session.scalars(query).first()
    if row is None:
        row = MeasureDecision(establishment_id=draft.establishment_id, measure=measure)
        session.add(row)
    row.decision, row.reason = decision, reason.strip()[:500] if decision == "not_suitable" else ""
    row.submission_id, row.decided_at = submission.id, utc_now()
    session.flush()


# Place in the sector --------------------------------------------------------------------------------------------


def _peers(record: Record, scores: Scores, establishment: Establishment) -> dict[str, Peers]:
    """Per index the median of approved records of the same sector and questionnaire, where there are enough."""
    if establishment.sector is None or not scores.indexes:
        return {}
    query = (
        select(RecordValue.name, RecordValue.number)
        .join(Record, RecordValue.record_id == Record.id)
        .join(Establishment, Record.establishment_id == Establishment.id)
        .where(Record.questionnaire_id == record.questionnaire_id, Record.state == "approved", Record.mode != "self")
        .where(Establishment.sector == establishment.sector, Record.id != record.id, RecordValue.number.is_not(None))
        .where(RecordValue.name.in_([index.name for index in scores.indexes]))
    )
    found: dict[str, list[float]] = {}
    for name, number in db.session().execute(query):
        found.setdefault(name, []).append(float(number or 0))
    return {
        name: Peers(len(numbers), round(statistics.median(numbers), 1))
        for name, numbers in found.items()
        if len(numbers) >= FEWEST_PEERS
    }


def get_draft(instance_id: uuid.UUID) -> Draft:
    """The caller's draft, or NotFound."""
    return submissions.get_draft(instance_id)


__all__ = ["DECISIONS", "Card", "Peers", "Result", "Saving", "decide", "get_draft", "next_step", "result_of"]
