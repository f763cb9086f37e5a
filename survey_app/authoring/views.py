"""Pages that help authors: what depends on what, a preview, random respondents, a library, what can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from forms import (
    SETTINGS,
    FormDefinition,
    Graph,
    Interview,
    Link,
    Question,
    appearance_rows,
    is_asked,
    refused_types,
    row_name,
    screens,
    support_words,
    type_rows,
)
from survey_app.access import Permission, allow
from survey_app.authoring import drawing, library, service
from survey_app.collect import bundle, pages
from survey_app.collect import service as collect
from survey_app.json_reader import canonical_json
from survey_app.languages import available_languages, current_language, gettext
from survey_app.models import FormVersion
from survey_app.questionnaires import service as questionnaires

bp = Blueprint("authoring", __name__, url_prefix="/questionnaires", template_folder="templates")
MOST_SEED = 999_999
KIND_WORDS = {
    "list": "choice list",
    "section": "section",
    "question": "question",
    "sheet": "rows of a sheet of ours",
}
NOBODY = UUID(int=0)  # the instance of a preview: no record can have it
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.app_template_global()
def said(message: str) -> str:
    """A text that stands in a registry, in the request's language."""
    return gettext(message)


# What depends on what -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GraphRow:
    """A row of the workbook with its links, for the table of the graph."""

    path: str
    name: str
    label: str
    kind: str  # a question's type, "group", "repeat", or the sheet it stands on
    depends_on: tuple[tuple[str, tuple[Link, ...]], ...]  # by column
    used_by: tuple[tuple[str, tuple[Link, ...]], ...]


@bp.get("/versions/<int:version_id>/graph")
@allow(Permission.MANAGE_FORMS)
def graph(version_id: int) -> ResponseReturnValue:
    """What each question depends on, and who uses it."""
    version = questionnaires.get_version(version_id)
    form = questionnaires.definition(version_id)
    found = questionnaires.inspect_version(version).graph
    around = request.args.get("around", "")
    rows = list(_graph_rows(form, found))
    if around not in {row.path for row in rows}:
        around = ""
    return render_template(
        "authoring/graph.html",
        **_frame(version, "graph"),
        rows=rows,
        around=around,
        drawing=drawing.draw(found, around),
        most=drawing.MOST_BOXES,
        links=len(found.links),
    )


def _graph_rows(form: FormDefinition, found: Graph) -> Iterator[GraphRow]:
    language = current_language()
    for item in form.walk():
        kind = item.type if isinstance(item, Question) else type(item).__name__.lower()
        yield _graph_row("/".join(item.path), item.label.plain(language), kind, found)
    for sheet in ("scores", "indicators", "resources", "measures", "checks"):
        for row in getattr(form, sheet):
            text = getattr(row, "label", None) or getattr(row, "message", None)
            yield _graph_row(f"{sheet}/{row_name(row)}", text.plain(language) if text else "", sheet, found)
    if found.depends_on(SETTINGS):
        yield _graph_row(SETTINGS, "", "settings", found)


def _graph_row(path: str, label: str, kind: str, found: Graph) -> GraphRow:
    return GraphRow(
        path, path.rpartition("/")[2], label, kind, _by_column(found.depends_on(path)), _by_column(found.used_by(path))
    )


def _by_column(links: tuple[Link, ...]) -> tuple[tuple[str, tuple[Link, ...]], ...]:
    columns: dict[str, list[Link]] = {}
    for link in links:
        columns.setdefault(link.column, []).append(link)
    return tuple((column, tuple(found)) for column, found in columns.items())


# Random respondents ---------------------------------------------------------------------------------------------


@bp.get("/versions/<int:version_id>/rehearsal")
@allow(Permission.MANAGE_FORMS)
def rehearsal(version_id: int) -> ResponseReturnValue:
    """The last run of random respondents, and the button for one."""
    version = questionnaires.get_version(version_id)
    form = questionnaires.definition(version_id)
    seed = _number("seed", 1)
    found = service.find_run(version.definition_sha256, seed=seed)
    looked = questionnaires.inspect_version(version)
    return render_template(
        "authoring/rehearsal.html",
        **_frame(version, "rehearsal"),
        run=found,
        seed=seed,
        wanted=service.RESPONDENTS,
        seconds=int(service.SECONDS),
        labels=_labels(form),
        unreachable={one.path: one for one in looked.unreachable},
        length=looked.length,
        scores={score.name: score.label.plain(current_language()) or score.name for score in form.scores},
    )


@bp.post("/versions/<int:version_id>/rehearsal")
@allow(Permission.MANAGE_FORMS, late_write=True)
def rehearse(version_id: int) -> ResponseReturnValue:
    """Let a thousand random respondents fill the form."""
    version = questionnaires.get_version(version_id)
    seed = max(1, min(MOST_SEED, request.form.get("seed", 1, type=int)))
    service.run(questionnaires.definition(version_id), version.definition_sha256, seed=seed)
    return redirect(url_for(".rehearsal", version_id=version_id, seed=seed), 303)


def _labels(form: FormDefinition) -> dict[str, tuple[str, str]]:
    """Path -> (label in the reader's language, cell)."""
    language = current_language()
    return {"/".join(item.path): (item.label.plain(language) or item.name, item.cell) for item in form.walk()}


# Preview --------------------------------------------------------------------------------------------------------


@bp.get("/versions/<int:version_id>/preview")
@allow(Permission.MANAGE_FORMS)
def preview(version_id: int) -> ResponseReturnValue:
    """The outline of a form beside a phone that shows it."""
    version = questionnaires.get_version(version_id)
    form = questionnaires.definition(version_id)
    language, seed = _language(form), _number("seed", 0)
    page = render_template(
        "authoring/preview.html",
        **_frame(version, "preview"),
        form=form,
        shown_language=language,
        seed=seed,
        address=url_for(".preview_form", version_id=version_id, language=language, seed=seed, **_spoken(language)),
        next_seed=seed % MOST_SEED + 1,
        screens=[(screen.name, _screen_label(form, screen.name), _asked(screen)) for screen in screens(form)],
    )
    return _framing(page, "frame-src 'self'; ", "")


def _screen_label(form: FormDefinition, name: str) -> str:
    screen = next(screen for screen in screens(form) if screen.name == name)
    return screen.label.plain(current_language()) or form.title.plain(current_language())


def _asked(screen: Any) -> list[Question]:
    """The questions on a screen, those in its groups and repeats too."""
    found: list[Question] = []
    items = list(screen.items)
    while items:
        item = items.pop(0)
        if not isinstance(item, Question):
            items[:0] = item.children
        elif is_asked(item):
            found.append(item)
    return found


@bp.get("/versions/<int:version_id>/preview/form")
@allow(Permission.MANAGE_FORMS)
def preview_form(version_id: int) -> ResponseReturnValue:
    """The real page of an interview, with nothing behind it: answers stay in this browser window."""
    questionnaires.get_version(version_id)
    form = questionnaires.definition(version_id)
    language, seed = _language(form), _number("seed", 0)
    drawn = pages.Drawing(
        form,
        language,
        None,
        is_self_completed=True,
        media_url=url_for("questionnaires.file", version_id=version_id, name="_").removesuffix("_"),
    )
    body = Markup("").join(
        pages.draw_screen(drawn, screen, heading_id=f"S-{number}") for number, screen in enumerate(screens(form), 1)
    )
    page = render_template(
        "authoring/preview_form.html",
        draft={"instance_id": NOBODY, "form_version_id": version_id},
        instance_id=NOBODY,
        title=form.title.plain(language),
        establishment="",
        language=language,
        home=url_for(".preview", version_id=version_id, language=language, seed=seed),
        plain_url=url_for(".preview_plain", version_id=version_id, language=language, seed=seed, **_spoken(language)),
        bundle_url=url_for(".preview_bundle", version_id=version_id, language=language),
        draft_url=url_for(".preview_draft", version_id=version_id, language=language, seed=seed),
        is_preview=True,
        is_filled=bool(seed),
        body=body,
        has_widgets=pages.has_widgets(form),
        client_texts=pages.client_texts(current_language(), form),
    )
    return _framing(page, "", "'self'")


@bp.get("/versions/<int:version_id>/preview/plain")
@allow(Permission.MANAGE_FORMS)
def preview_plain(version_id: int) -> ResponseReturnValue:
    """One screen as a browser without scripts shows it, to look at."""
    questionnaires.get_version(version_id)
    form = questionnaires.definition(version_id)
    language, seed = _language(form), _number("seed", 0)
    interview = service.interview_previewed(form, language, seed)
    shown = collect.shown_screens(form, interview)
    names = [screen.name for screen in shown]
    place = names.index(request.args["screen"]) if request.args.get("screen") in names else 0
    drawn = _drawing(version_id, form, language, interview)
    here: dict[str, Any] = {"version_id": version_id, "language": language, "seed": seed, **_spoken(language)}
    page = render_template(
        "authoring/preview_plain.html",
        title=form.title.plain(language),
        home=url_for(".preview", version_id=version_id, language=language, seed=seed),
        is_filled=bool(seed),
        has_widgets=pages.has_widgets(form),
        body=pages.draw_screen(drawn, shown[place], heading_id="S-here") if shown else "",
        before=url_for(".preview_plain", **here, screen=names[place - 1]) if place else "",
        after=url_for(".preview_plain", **here, screen=names[place + 1]) if place + 1 < len(names) else "",
        number=place + 1,
        total=len(names),
    )
    return _framing(page, "", "'self'")


@bp.get("/versions/<int:version_id>/preview/bundle/<language>")
@allow(Permission.MANAGE_FORMS)
def preview_bundle(version_id: int, language: str) -> ResponseReturnValue:
    """The form's logic, also of a draft."""
    version = questionnaires.get_version(version_id)
    built = bundle.bundle_of(version.definition_sha256, questionnaires.definition(version_id), language)
    return Response(built.body, mimetype="application/json")


@bp.get("/versions/<int:version_id>/preview/draft")
@allow(Permission.MANAGE_FORMS)
def preview_draft(version_id: int) -> ResponseReturnValue:
    """What the preview begins with: nothing, or the answers of a random respondent."""
    questionnaires.get_version(version_id)
    form = questionnaires.definition(version_id)
    language = _language(form)
    state = service.previewed(form, language, _number("seed", 0))
    known = {
        "instance_id": str(NOBODY), "form_version_id": version_id, "language": language, "sent": None,
        "last_change": 0,
    }  # fmt: skip
    return Response(canonical_json({**state, **known}), mimetype="application/json")


def _drawing(version_id: int, form: FormDefinition, language: str, interview: Interview | None) -> pages.Drawing:
    media = url_for("questionnaires.file", version_id=version_id, name="_").removesuffix("_")
    return pages.Drawing(form, language, interview, is_self_completed=True, media_url=media)


def _spoken(language: str) -> dict[str, Any]:
    """The page around the questions speaks the form's language too, where it can."""
    return {"lang": language} if language in available_languages() else {}


def _language(form: FormDefinition) -> str:
    """The form's language asked for, else the reader's, else the form's first."""
    wishes = (request.args.get("language", ""), current_language())
    return next((wish for wish in wishes if wish in form.languages), form.languages[0])


def _framing(page: str, frames: str, ancestors: str) -> Response:
    """A page that may hold a frame, or stand in one of ours; everything else of the policy stays."""
    response = Response(page)
    policy: str = current_app.config["CONTENT_SECURITY_POLICY"]
    if ancestors:
        policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}")
    response.headers["Content-Security-Policy"] = frames + policy
    return response


# Library and reference ------------------------------------------------------------------------------------------


@bp.get("/library")
@allow(Permission.MANAGE_FORMS)
def library_index() -> ResponseReturnValue:
    """Lists, sections and questions to copy from, with a search."""
    words, kind = request.args.get("q", "")[:100], request.args.get("kind", "")
    found, left_out = library.search(words, kind if kind in library.KINDS else "")
    return render_template(
        "authoring/library.html", entries=found, left_out=left_out, q=words, kind=kind, kinds=KIND_WORDS
    )


@bp.get("/library/<entry_id>")
@allow(Permission.MANAGE_FORMS)
def library_entry(entry_id: str) -> ResponseReturnValue:
    """One entry: its rows to paste."""
    return render_template("authoring/entry.html", entry=library.get(entry_id), kinds=KIND_WORDS)


@bp.get("/library/<entry_id>.xlsx")
@allow(Permission.MANAGE_FORMS)
def library_file(entry_id: str) -> ResponseReturnValue:
    """One entry as a small workbook."""
    entry = library.get(entry_id)
    return send_file(BytesIO(library.to_xlsx(entry)), XLSX, as_attachment=True, download_name=f"{entry.name}.xlsx")


@bp.get("/types")
@allow(Permission.MANAGE_FORMS)
def types() -> ResponseReturnValue:
    """What can be asked and how it may look, from the registries."""
    return render_template(
        "authoring/types.html",
        types=type_rows(),
        appearances=appearance_rows(),
        refused=refused_types(),
        words=support_words,
    )


# Around the pages -----------------------------------------------------------------------------------------------


def _frame(version: FormVersion, part: str) -> dict[str, Any]:
    """What every page about a version shows above its own content."""
    return {"version": version, "part": part}


def _number(name: str, default: int) -> int:
    return max(0, min(MOST_SEED, request.args.get(name, default, type=int)))


__all__ = ["bp"]
