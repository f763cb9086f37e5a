"""Pages of the registers: lists, one establishment with its history, editing, import with its report, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey_app.access import Permission, allow, current_user, has_permission
from survey_app.languages import format_day, format_number, gettext, text_of
from survey_app.models import Establishment
from survey_app.problems import Invalid
from survey_app.programme import service as programme
from survey_app.registers import proposals, service
from survey_app.registers.service import Filters, RefusedRow
from survey_app.registers.tables import XLSX, to_csv, to_xlsx
from survey_app.registers.values import Reason

bp = Blueprint("registers", __name__, url_prefix="/registers", template_folder="templates")
P = Permission
SHOWN_REFUSALS = 200


@bp.app_template_global()
def reason_text(reason: Reason) -> str:
    """Why a value is refused, in the request's language; the pack's own words win."""
    if reason.own_message:
        return text_of(dict(reason.own_message))
    return gettext(reason.message, **reason.parameters)


@bp.app_template_global()
def name_of(classifier: str, code: str | None) -> str:
    """The label of an area, sector or size."""
    return programme.name_of(classifier, code)


@bp.get("")
@allow(P.VIEW_REGISTER)
def index() -> ResponseReturnValue:
    """Every register; straight to the only one where there is but one."""
    user = current_user()
    waiting = proposals.count_open(user) if has_permission(user, P.EDIT_REGISTER) else 0
    return render_template("registers/index.html", registers=service.list_registers(user), waiting=waiting)


@bp.get("/<name>")
@allow(P.VIEW_REGISTER)
def show(name: str) -> ResponseReturnValue:
    """The rows of a register, searched and filtered."""
    register = service.get_register(name)
    filters = _filters()
    page = service.search(current_user(), register, filters, request.args.get("page", 1, type=int))
    return render_template(
        "registers/show.html",
        register=register,
        page=page,
        filters=filters,
        query=_query(),
        choices={kind: programme.names_of(kind) for kind in service.CLASSIFIERS},
        scopes=programme.scopes_of(name),
    )


def _filters() -> Filters:
    args = request.args
    names = ("search", "area", "sector", "size", "scope", "state")
    return Filters(**{name: args.get(name, "")[:100] for name in names})


def _query() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name != "page" and value}


@bp.get("/<name>/export.<kind>")
@allow(P.EXPORT)
def export(name: str, kind: str) -> ResponseReturnValue:
    """The rows shown, as a table that can be imported again."""
    content, _ = service.export_file(current_user(), service.get_register(name), _filters(), _kind(kind))
    return _download(content, f"{name}.{kind}")


@bp.get("/<name>/template.<kind>")
@allow(P.EDIT_REGISTER)
def template(name: str, kind: str) -> ResponseReturnValue:
    """An empty table with the right column names."""
    return _download(service.template_file(service.get_register(name), _kind(kind)), f"{name}-template.{kind}")


def _kind(kind: str) -> str:
    if kind not in ("xlsx", "csv"):
        raise Invalid("Choose a table: .xlsx, .xls or .csv.")
    return kind


def _download(content: bytes, name: str) -> Response:
    kind = XLSX if name.endswith("xlsx") else "text/csv; charset=utf-8"
    return Response(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# One establishment ----------------------------------------------------------------------------------------------


@bp.get("/establishments/<int:establishment_id>")
@allow(P.VIEW_REGISTER)
def establishment(establishment_id: int) -> ResponseReturnValue:
    """What is known of an establishment, and what happened with it."""
    user = current_user()
    unit = service.get_establishment(user, establishment_id)
    personal = service.sees_personal(user, unit)
    fields = [f for f in programme.register_spec(unit.register.name).fields if personal or not f.is_personal]
    return render_template(
        "registers/establishment.html",
        unit=unit,
        fields=fields,
        values=_shown(unit),
        personal=personal,
        history=service.history(user, unit),
        scopes=dict(programme.scopes_of(unit.register.name)),
        may_edit=service.may_edit(user, unit),
        hidden=not personal,
    )


def _shown(unit: Establishment) -> dict[str, str]:
    """Field name -> value in words."""
    values = service.field_values(unit)
    shown = {}
    for field in programme.register_spec(unit.register.name).fields:
        value = values.get(field.name)
        shown[field.name] = "" if value is None else _in_words(field, value)
    return shown


def _in_words(field: programme.FieldSpec, value: object) -> str:
    if field.type == "choice":
        return text_of(programme.choices_of(field.list).get(str(value))) or str(value)
    if field.type == "boolean":
        return gettext("yes") if value == "yes" else gettext("no")
    if field.type == "date":
        return format_day(date.fromisoformat(str(value)))
    # Whole numbers may be years, which are never grouped.
    return format_number(value) if isinstance(value, float) else str(value)


@bp.route("/<name>/add", methods=["GET", "POST"])
@allow(P.EDIT_REGISTER)
def add(name: str) -> ResponseReturnValue:
    """Add an establishment."""
    register = service.get_register(name)
    texts: Mapping[str, str] = {"code": service.suggest_code(register)}
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST":
        texts = _texts(name, personal=True)
        saved = service.add_establishment(current_user(), register, texts)
        if isinstance(saved, Establishment):
            flash(gettext("Saved."))
            return redirect(url_for(".establishment", establishment_id=saved.id))
        reasons = saved
    return _edit_page(None, register.name, text_of(register.title), texts, reasons, personal=True)


@bp.route("/establishments/<int:establishment_id>/edit", methods=["GET", "POST"])
@allow(P.EDIT_REGISTER)
def edit(establishment_id: int) -> ResponseReturnValue:
    """Change what is known of an establishment."""
    user = current_user()
    unit = service.get_editable(user, establishment_id)
    register, personal = unit.register, service.sees_personal(user, unit)
    texts: Mapping[str, str] = {name: _typed(value) for name, value in service.field_values(unit).items()}
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST":
        texts = _texts(register.name, personal=personal)
        saved = service.change_establishment(user, unit, texts)
        if isinstance(saved, Establishment):
            flash(gettext("Saved."))
            return redirect(url_for(".establishment", establishment_id=unit.id))
        reasons = saved
    return _edit_page(unit, register.name, text_of(register.title), texts, reasons, personal=personal)


def _typed(value: object) -> str:
    """A stored value as people type it here: a decimal comma, which no reading mistakes for thousands."""
    if isinstance(value, float):
        return format(value, ".15g").replace(".", ",")
    return "" if value is None else str(value)


def _texts(register: str, *, personal: bool) -> dict[str, str]:
    fields = programme.register_spec(register).fields
    return {f.name: request.form.get(f.name, "") for f in fields if personal or not f.is_personal}


def _edit_page(
    unit: Establishment | None,
    register: str,
    title: str,
    texts: Mapping[str, str],
    reasons: tuple[Reason, ...],
    *,
    personal: bool,
    shown: proposals.ProposalView | None = None,
) -> tuple[str, int]:
    fields = [f for f in programme.register_spec(register).fields if personal or not f.is_personal]
    choices = {f.list: programme.choices_of(f.list) for f in fields if f.type == "choice"}
    page = render_template(
        "registers/proposal.html" if shown else "registers/edit.html",
        shown=shown,
        unit=unit,
        register=register,
        title=title,
        fields=fields,
        texts=texts,
        choices=choices,
        errors={reason.field: reason_text(reason) for reason in reasons},
    )
    return page, 422 if reasons else 200


# Proposals ------------------------------------------------------------------------------------------------------


@bp.get("/proposals")
@allow(P.EDIT_REGISTER)
def list_proposals() -> ResponseReturnValue:
    """What approved questionnaires would write into the registers."""
    wanted = request.args.get("state", "open")
    state = wanted if wanted in ("accepted", "declined", "withdrawn") else "open"
    page = proposals.list_proposals(current_user(), state, request.args.get("page", 1, type=int))
    return render_template("registers/proposals.html", page=page, state=state)


@bp.route("/proposals/<int:proposal_id>", methods=["GET", "POST"])
@allow(P.EDIT_REGISTER)
def proposal(proposal_id: int) -> ResponseReturnValue:
    """One proposal beside the register's row; accepting it is saving the form it fills."""
    user = current_user()
    shown = proposals.view(user, proposals.get_proposal(user, proposal_id))
    texts: Mapping[str, str] = shown.texts
    reasons: tuple[Reason, ...] = ()
    personal = shown.unit is None or service.sees_personal(user, shown.unit)
    if request.method == "POST":
        texts = _texts(shown.proposal.register.name, personal=personal)
        saved = proposals.accept(user, shown.proposal, texts)
        if isinstance(saved, Establishment):
            flash(gettext("Saved in the register."))
            return redirect(url_for(".establishment", establishment_id=saved.id))
        reasons = tuple(saved)
    register = shown.proposal.register
    title = text_of(register.title)
    return _edit_page(shown.unit, register.name, title, texts, reasons, personal=personal, shown=shown)


@bp.post("/proposals/<int:proposal_id>/decline")
@allow(P.EDIT_REGISTER)
def decline(proposal_id: int) -> ResponseReturnValue:
    """Leave the register as it is."""
    user = current_user()
    proposals.decline(user, proposals.get_proposal(user, proposal_id), request.form.get("comment", ""))
    flash(gettext("The register stays as it is."))
    return redirect(url_for(".list_proposals"))


# Import ---------------------------------------------------------------------------------------------------------


@bp.get("/<name>/import")
@allow(P.EDIT_REGISTER)
def choose(name: str) -> ResponseReturnValue:
    """Choose a table to import."""
    register = service.get_register(name)
    return render_template("registers/import.html", register=register, fields=programme.register_spec(name).fields)


@bp.post("/<name>/import")
@allow(P.EDIT_REGISTER, late_write=True)
def check(name: str) -> ResponseReturnValue:
    """Check a table: what would be added and changed, and every row refused with the reason. Changes nothing."""
    file = request.files.get("table")
    if file is None or not file.filename:
        raise Invalid("Choose a table: .xlsx, .xls or .csv.")
    user, register = current_user(), service.get_register(name)
    report = service.check_import(user, register, file.read(), file.filename)
    return render_template("registers/report.html", report=report, labels=_labels(name), most=SHOWN_REFUSALS)


@bp.post("/import/confirm")
@allow(P.EDIT_REGISTER)
def confirm() -> ResponseReturnValue:
    """Import the table that was checked, as one change."""
    report = service.import_checked(current_user(), request.form.get("token", ""))
    labels = _labels(report.register.name)
    return render_template("registers/report.html", report=report, labels=labels, most=SHOWN_REFUSALS)


@bp.post("/import/refused.<kind>")
@allow(P.EDIT_REGISTER)
def refusals(kind: str) -> ResponseReturnValue:
    """The rows refused as a table: their own columns, then which cells are wrong and why; corrected, it is imported."""
    found = service.refused_of(current_user(), request.form.get("token", ""))
    labels = _labels(found.register.name)
    header = _distinct([*found.header, gettext("Row"), gettext("Wrong cells"), gettext("Why")])
    rows = [
        [*_padded(cells, len(found.header)), refused.number, _cells(refused, letters), _reasons(refused, labels)]
        for cells, refused, letters in found.rows
    ]
    content = to_xlsx(found.register.name, header, rows) if _kind(kind) == "xlsx" else to_csv(header, rows)
    return _download(content, f"{found.register.name}-refused.{kind}")


def _distinct(header: Sequence[str]) -> list[str]:
    """Column names that can be told apart; a heading given twice or left out keeps its place."""
    seen: dict[str, int] = {}
    for name in header:
        seen[name] = seen.get(name, 0) + 1
    counts = dict.fromkeys(seen, 0)
    named = []
    for name in header:
        counts[name] += 1
        named.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return named


def _padded(cells: Sequence[str], length: int) -> list[str]:
    return [*cells[:length], *[""] * (length - len(cells))]


def _cells(refused: RefusedRow, letters: Mapping[str, str]) -> str:
    places = (f"{letters[reason.field]}{refused.number}" for reason in refused.reasons if reason.field in letters)
    return ", ".join(dict.fromkeys(places))


def _reasons(refused: RefusedRow, labels: Mapping[str, str]) -> str:
    return "; ".join(f"{labels.get(one.field, one.field)}: {reason_text(one)}" for one in refused.reasons)


def _labels(register: str) -> dict[str, str]:
    return {f.name: text_of(dict(f.label)) for f in programme.register_spec(register).fields}
