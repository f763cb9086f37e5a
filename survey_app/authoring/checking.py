"""`survey check`: what the upload page and the pages of a version say of a workbook, for a terminal or a program."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from forms import MESSAGES, FormDefinition, Inspection, Issue, RandomRun, inspect, run_to_json
from survey_app.authoring.service import rehearse
from survey_app.languages import translate, translate_issue
from survey_app.questionnaires.inspection import Remark, read_with_neighbours, remarks_of

# What may lie beside a workbook: lists are read, of pictures and sounds only their being there counts.
_LISTS: Final = frozenset((".csv", ".xml", ".geojson"))
_MEDIA: Final = frozenset(
    (".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp", ".mp3", ".m4a", ".ogg", ".wav", ".mp4", ".webm")
)
_MOST_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of one workbook; without a form there are errors, and nothing more to say."""

    name: str
    issues: tuple[Issue, ...]
    form: FormDefinition | None = None
    looked: Inspection | None = None
    run: RandomRun | None = None

    @property
    def is_usable(self) -> bool:
        """True when the workbook could be uploaded."""
        return self.form is not None


def check(file: Path, respondents: int, seed: int, seconds: float) -> Report:
    """Read a workbook (or a zip of one with its files) with the lists beside it, look it through, and try it out."""
    reading = read_with_neighbours(file.name, file.read_bytes(), dict(_neighbours(file)))
    if reading is None:
        return Report(file.name, (Issue("not_a_workbook", file.name, {"name": file.name}),))
    if reading.form is None:
        return Report(file.name, reading.issues)
    run = rehearse(reading.form, respondents, seed, seconds) if respondents else None
    return Report(file.name, reading.issues, reading.form, inspect(reading.form), run)


def _neighbours(file: Path) -> Iterator[tuple[str, bytes]]:
    """Files in the same folder that a form could name; of pictures and sounds only the names matter."""
    found = [
        path for path in sorted(file.absolute().parent.iterdir())
        if path.suffix.lower() in _LISTS | _MEDIA and path.name != file.name and path.is_file()
    ]  # fmt: skip
    for path in found[:_MOST_FILES]:
        yield path.name, path.read_bytes() if path.suffix.lower() in _LISTS else b""


# For programs ---------------------------------------------------------------------------------------------------


def to_json(report: Report, language: str) -> str:
    """The report as one JSON object."""
    looked = report.looked
    found: dict[str, Any] = {
        "file": report.name,
        "is_usable": report.is_usable,
        "issues": [
            {
                "severity": remark.issue.severity, "code": remark.issue.code, "where": remark.issue.where,
                "message": translate_issue(remark.issue, language), "cell": remark.text,
            }
            for remark in _every(report)
        ],
    }  # fmt: skip
    if looked is not None and report.form is not None:
        length = looked.length
        found |= {
            "form_id": report.form.form_id, "version": report.form.version, "languages": report.form.languages,
            "length": {name: getattr(length, name) for name in type(length).__dataclass_fields__},
            "unreachable": [
                {"path": one.path, "cell": one.cell, "reason": _said(one.hint, language, one.parameters)}
                for one in looked.unreachable
            ],
            "unused_lists": _unused_lists(report), "unused_calculations": looked.unused_calculations,
            "untranslated": {
                code: [{"path": one.path, "column": one.column, "text": one.text} for one in texts]
                for code, texts in looked.untranslated.items()
            },
            "links": [[link.source, link.column, link.target] for link in looked.graph.links],
        }  # fmt: skip
    if report.run is not None:
        found["random_run"] = run_to_json(report.run)
    return json.dumps(found, ensure_ascii=False, indent=1)


def _unused_lists(report: Report) -> list[str]:
    """As the pass over the rows has it, which knows shorthand; of an XForm as its definition shows."""
    if report.looked is not None and not report.looked.has_rows:
        return list(report.looked.unused_lists)
    return [str(issue.parameters["name"]) for issue in report.issues if issue.code == "unused_list"]


def _every(report: Report) -> Iterator[Remark]:
    remarks = remarks_of(report.issues)
    yield from (*remarks.errors, *remarks.warnings)
    yield from (remark for _, found in remarks.translations for remark in found)
    yield from (*remarks.notes, *remarks.portable)


# For people -----------------------------------------------------------------------------------------------------


def to_text(report: Report, language: str) -> str:
    """The report as lines to read."""

    def say(message: str, **parameters: Any) -> str:
        return translate(message, language, **parameters)

    remarks = remarks_of(report.issues)
    lines = list(_part(say("Must be corrected ({count})", count=len(remarks.errors)), remarks.errors, language))
    lines += _part(say("Please look at ({count})", count=len(remarks.warnings)), remarks.warnings, language)
    for name, found in remarks.translations:
        lines += _part(say("Texts missing in {language}: {count}", language=name, count=len(found)), found, language)
    lines += _part(say("Good to know: {count}", count=len(remarks.notes)), remarks.notes, language)
    title = say("Runs here, but otherwise in ODK Collect or Enketo: {count}", count=len(remarks.portable))
    lines += _part(title, remarks.portable, language)
    if report.looked is not None:
        lines += _looked(report.looked, language, say)
    if report.run is not None:
        lines += _run(report.run, say)
    verdict = "{name} can be uploaded." if report.is_usable else "{name} cannot be used yet"
    return "\n".join([*lines, say(verdict, name=report.name)])


def _part(title: str, remarks: Iterable[Remark], language: str) -> Iterator[str]:
    found = list(remarks)
    if not found:
        return
    yield title
    for remark in found:
        quoted = f"    {' '.join(remark.text.split())}" if remark.text else ""
        yield f"  {remark.issue.where}: {translate_issue(remark.issue, language)}"
        yield from [quoted] if quoted else []
    yield ""


def _looked(looked: Inspection, language: str, say: Callable[..., str]) -> Iterator[str]:
    length = looked.length
    yield say("Length")
    yield say(
        "  {questions} questions, at most {longest} on one way through, {minutes} minutes when all is asked",
        questions=length.questions, longest=length.longest, minutes=round(length.minutes),
    )  # fmt: skip
    yield ""
    effect: list[str] = [
        *(
            f"  {one.cell}: {say('{path} is never asked.', path=one.path)} {_said(one.hint, language, one.parameters)}"
            for one in looked.unreachable
        ),
        *(f"  {say('Nothing reads the calculation {path}.', path=path)}" for path in looked.unused_calculations),
    ]
    if not looked.has_rows:
        effect += [f"  {say('No question uses the choice list {name}.', name=name)}" for name in looked.unused_lists]
    if effect:
        yield from (say("Without effect"), *effect, "")
    for code, texts in looked.untranslated.items() if not looked.has_rows else ():
        if texts:
            yield say("Texts missing in {language}: {count}", language=code, count=len(texts))
            yield from (f"  {one.path} ({one.column}): {one.text}" for one in texts)
            yield ""


def _run(run: RandomRun, say: Callable[..., str]) -> Iterator[str]:
    yield say("Random respondents")
    yield say("  {finished} of {respondents} came to the end", finished=run.finished, respondents=run.respondents)
    if run.questions_range is not None:
        yield say(
            "  {median} questions (median; {least} to {most}), {minutes} minutes",
            median=f"{run.questions_median:g}", least=run.questions_range[0], most=run.questions_range[1],
            minutes=round(run.minutes_median or 0),
        )  # fmt: skip
    for end in run.dead_ends:
        reason = end.message or say(MESSAGES.get(end.code, end.code), **_blank(end.code, end.example))
        found = {"cell": end.cell, "path": end.path, "count": end.count, "reason": reason}
        yield say("  {cell}: {path} stopped {count} of them: {reason}", **found)
    for path in run.never_asked:
        yield say("  {path} was never asked", path=path)
    for name, values in run.scores.items():
        low, middle, high = (f"{value:g}" for value in values)
        yield say("  score {name}: {low} to {high}, median {middle}", name=name, low=low, high=high, middle=middle)
    yield ""


def _blank(code: str, example: Any) -> dict[str, Any]:
    """Parameters for the message of a dead end, of which only the answer is known."""
    return {"value": "" if example is None else example, "type": ""} if "{" in MESSAGES.get(code, "") else {}


def _said(code: str, language: str, parameters: Mapping[str, Any]) -> str:
    return translate(MESSAGES[code], language, **parameters)


__all__ = ["Report", "check", "to_json", "to_text"]
