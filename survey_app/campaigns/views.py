"""Pages of the campaigns: list, edit, frame and sample, who visits whom, contacts, and invitation links."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from segno import make_qr

from survey_app.access import Permission, allow, covers_every_area, current_user
from survey_app.accounts import service as accounts
from survey_app.campaigns import service
from survey_app.campaigns.outcomes import OUTCOMES
from survey_app.campaigns.webforms import CampaignWebForm, OutcomeWebForm, SampleWebForm
from survey_app.languages import format_day, gettext, text_of
from survey_app.models import Campaign, CampaignQuestionnaire, Establishment, User
from survey_app.problems import Invalid
from survey_app.programme import service as programme
from survey_app.questionnaires import service as questionnaires
from survey_app.registers import service as registers
from survey_app.registers.service import to_csv

bp = Blueprint("campaigns", __name__, url_prefix="/campaigns", template_folder="templates")
P = Permission


@bp.app_template_global()
def outcome_text(code: int | None) -> str:
    """An outcome code in words."""
    return gettext(OUTCOMES[code].label) if code in OUTCOMES else ""


@bp.app_template_global()
def stratum_name(stratum: str) -> str:
    """A stratum in words."""
    return programme.stratum_name(stratum)


@bp.get("")
@allow(P.MANAGE_CAMPAIGNS, P.INVITE)
def index() -> ResponseReturnValue:
    """Campaigns of the user, each with how far it is."""
    user = current_user()
    campaigns = [(campaign, service.progress(user, campaign)[0]) for campaign in service.list_campaigns(user)]
    return render_template("campaigns/index.html", campaigns=campaigns)


@bp.route("/new", methods=["GET", "POST"])
@allow(P.MANAGE_CAMPAIGNS)
def new() -> ResponseReturnValue:
    """Plan a campaign."""
    form = _campaign_form(None)
    if form.validate_on_submit():
        campaign = service.create_campaign(_wish(form), by=current_user())
        return redirect(url_for(".show", campaign_id=campaign.id))
    return render_template("campaigns/edit.html", form=form, campaign=None), 422 if form.errors else 200


@bp.get("/<int:campaign_id>")
@allow(P.MANAGE_CAMPAIGNS, P.INVITE)
def show(campaign_id: int) -> ResponseReturnValue:
    """One campaign: what it is and how far it is."""
    user = current_user()
    campaign = service.get_campaign(user, campaign_id)
    whole, areas, assessors = service.progress(user, campaign)
    return render_template(
        "campaigns/show.html",
        campaign=campaign,
        whole=whole,
        areas=areas,
        assessors=assessors,
        names=_user_names(),
        manages=covers_every_area(user, P.MANAGE_CAMPAIGNS, campaign.id),
        certain=sum(row.certain for row in service.frame_counts(campaign)),
        parts={link.form_version_id: _part(campaign, link) for link in campaign.questionnaires},
    )


def _part(campaign: Campaign, link: CampaignQuestionnaire) -> str:
    """In words the part of the questionnaire that a visit carries, blank for the whole of it."""
    form_id = link.form_version.questionnaire.form_id
    return programme.part_label(programme.part_of(campaign.plan.document, campaign.action, form_id))


@bp.route("/<int:campaign_id>/edit", methods=["GET", "POST"])
@allow(P.MANAGE_CAMPAIGNS)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Change a campaign."""
    campaign = service.get_managed(current_user(), campaign_id)
    form = _campaign_form(campaign)
    if form.validate_on_submit():
        service.change_campaign(campaign, _wish(form))
        return redirect(url_for(".show", campaign_id=campaign.id))
    return render_template("campaigns/edit.html", form=form, campaign=campaign), 422 if form.errors else 200


@bp.post("/<int:campaign_id>/close")
@allow(P.MANAGE_CAMPAIGNS)
def close(campaign_id: int) -> ResponseReturnValue:
    """End a campaign, or open it again."""
    campaign = service.get_managed(current_user(), campaign_id)
    service.close_campaign(campaign, campaign.closed_at is None)
    return redirect(url_for(".show", campaign_id=campaign_id))


def _campaign_form(campaign: Campaign | None) -> CampaignWebForm:
    form = CampaignWebForm(data=_current(campaign) if campaign else {"mode": "visit"})
    form.phase.choices = [
        (f"{plan.id}:{phase.name}", f"{text_of(plan.title)} · {text_of(dict(phase.label))}")
        for plan in programme.list_plans()
        for phase in programme.plan_spec(plan).phases
    ]
    form.register.choices = [(str(row.id), text_of(row.title)) for row, _ in registers.list_registers(current_user())]
    versions = {version.id: version for version in questionnaires.list_published()}
    for link in campaign.questionnaires if campaign else ():
        versions.setdefault(link.form_version_id, link.form_version)
    form.questionnaires.choices = [
        (str(v.id), f"{text_of(v.questionnaire.title)} ({gettext('version {version}', version=v.version)})")
        for v in versions.values()
    ]
    form.mode.choices = [
        ("visit", gettext("An assessor visits")),
        ("self", gettext("The establishment fills it by link")),
    ]
    return form


def _current(campaign: Campaign) -> dict[str, object]:
    return {
        "phase": f"{campaign.plan_id}:{campaign.phase}",
        "action": campaign.action,
        "register": str(campaign.register_id),
        "title_vi": campaign.title.get("vi", ""),
        "title_en": campaign.title.get("en", ""),
        "mode": campaign.mode,
        "opens_on": campaign.opens_on,
        "closes_on": campaign.closes_on,
        "questionnaires": [str(link.form_version_id) for link in campaign.questionnaires],
    }


def _wish(form: CampaignWebForm) -> service.Wish:
    plan_id, _, phase = form.phase.data.partition(":")
    title = {"vi": form.title_vi.data.strip(), "en": (form.title_en.data or "").strip()}
    return service.Wish(
        plan_id=int(plan_id),
        register_id=int(form.register.data),
        phase=phase,
        action=(form.action.data or "").strip(),
        title={language: text for language, text in title.items() if text},
        opens_on=form.opens_on.data,
        closes_on=form.closes_on.data,
        mode=form.mode.data,
        form_version_ids=tuple(int(value) for value in form.questionnaires.data),
    )


def _user_names() -> dict[str, str]:
    return {str(user.id): user.name for user in accounts.list_users()}


# Frame and sample -----------------------------------------------------------------------------------------------


@bp.get("/<int:campaign_id>/sample")
@allow(P.MANAGE_CAMPAIGNS)
def sample(campaign_id: int) -> ResponseReturnValue:
    """The frozen frame and the sample drawn from it."""
    campaign = service.get_managed(current_user(), campaign_id)
    return _sample_page(campaign, _sample_form(campaign))


@bp.post("/<int:campaign_id>/freeze")
@allow(P.MANAGE_CAMPAIGNS)
def freeze(campaign_id: int) -> ResponseReturnValue:
    """Copy the register, as it stands, into the campaign."""
    campaign = service.get_managed(current_user(), campaign_id)
    scope = request.form.get("scope", "")
    if scope and scope not in dict(programme.scopes_of(campaign.register.name)):
        raise Invalid
    count = service.freeze_frame(campaign, scope)
    flash(gettext("The frame was frozen: {count} establishments.", count=count))
    return redirect(url_for(".sample", campaign_id=campaign_id))


@bp.post("/<int:campaign_id>/draw")
@allow(P.MANAGE_CAMPAIGNS)
def draw(campaign_id: int) -> ResponseReturnValue:
    """Draw the sample."""
    campaign = service.get_managed(current_user(), campaign_id)
    form = _sample_form(campaign)
    if not form.validate_on_submit():
        return _sample_page(campaign, form), 422
    scope = service.certain_count(campaign)[0] if form.certain.data else ""
    drawn = service.draw_sample(campaign, form.count.data, form.seed.data, form.take_all.data or (), scope)
    flash(gettext("{count} establishments were selected.", count=len(drawn.selected)))
    return redirect(url_for(".sample", campaign_id=campaign_id))


def _sample_form(campaign: Campaign) -> SampleWebForm:
    form = SampleWebForm(data={"seed": secrets.randbelow(1_000_000), "certain": True})
    names = programme.names_of("size")
    form.take_all.choices = [(size, names.get(size, size)) for size in service.frame_sizes(campaign)]
    return form


def _sample_page(campaign: Campaign, form: SampleWebForm) -> str:
    return render_template(
        "campaigns/sample.html",
        campaign=campaign,
        form=form,
        strata=service.frame_counts(campaign),
        certain=service.certain_count(campaign),
        begun=service.has_begun(campaign),
        scopes=programme.scopes_of(campaign.register.name),
    )


# Assignments ----------------------------------------------------------------------------------------------------


@bp.get("/<int:campaign_id>/assignments")
@allow(P.MANAGE_CAMPAIGNS)
def assignments(campaign_id: int) -> ResponseReturnValue:
    """Who visits whom."""
    user = current_user()
    campaign = service.get_campaign(user, campaign_id)
    page = _candidates(user, P.MANAGE_CAMPAIGNS, campaign, "assignment")
    return render_template(
        "campaigns/assignments.html",
        campaign=campaign,
        page=page,
        users=accounts.list_assessors(),
        given=service.assessors_of(campaign, [unit.id for unit in page.rows]),
        areas=programme.names_of("area"),
    )


def _candidates(user: User, permission: Permission, campaign: Campaign, kind: str) -> registers.Page[Establishment]:
    args = request.args
    return service.list_candidates(
        user,
        permission,
        campaign,
        args.get("search", ""),
        args.get("area", ""),
        args.get("page", 1, type=int),
        without=kind if args.get("open") else "",
    )


@bp.post("/<int:campaign_id>/assignments")
@allow(P.MANAGE_CAMPAIGNS)
def assign(campaign_id: int) -> ResponseReturnValue:
    """Give the establishments chosen, or everything open in a district, to an assessor."""
    user = current_user()
    campaign = service.get_campaign(user, campaign_id)
    wanted = request.form.get("assessor", type=int)
    assessor = next((one for one in accounts.list_assessors() if one.id == wanted), None)
    if wanted and assessor is None:
        raise Invalid("Choose an assessor.")
    if request.form.get("how") == "area":
        count = service.assign_area(user, campaign, request.form.get("area", ""), assessor)
    else:
        count = service.assign(user, campaign, _chosen(), assessor)
    flash(gettext("{count} establishments were assigned.", count=count))
    return redirect(request.full_path if request.args else url_for(".assignments", campaign_id=campaign_id))


def _chosen() -> Sequence[int]:
    chosen = request.form.getlist("establishment", type=int)
    if not chosen:
        raise Invalid("Choose at least one establishment.")
    return chosen


# Contacts -------------------------------------------------------------------------------------------------------


@bp.get("/<int:campaign_id>/visits")
@allow(P.MANAGE_CAMPAIGNS, P.INVITE)
def visits(campaign_id: int) -> ResponseReturnValue:
    """Contacts made in the campaign with what came of them."""
    user = current_user()
    campaign = service.get_campaign(user, campaign_id)
    page = service.list_visits(user, campaign, request.args.get("page", 1, type=int))
    return render_template("campaigns/visits.html", campaign=campaign, page=page, names=_user_names())


@bp.route("/work/<int:assignment_id>/outcome", methods=["GET", "POST"])
@allow(P.COLLECT)
def outcome(assignment_id: int) -> ResponseReturnValue:
    """The assessor notes what came of a contact."""
    user = current_user()
    work = service.get_work(user, assignment_id)
    form = OutcomeWebForm()
    form.outcome.choices = [(o.code, gettext(o.label)) for o in OUTCOMES.values() if o.by_hand]
    if form.validate_on_submit():
        visit = service.open_visit(work.campaign, work.establishment, user=user)
        service.record_outcome(visit, form.outcome.data, form.note.data or "")
        flash(gettext("The outcome was noted."))
        return redirect("/work")
    return render_template("campaigns/outcome.html", form=form, work=work), 422 if form.errors else 200


# Links ----------------------------------------------------------------------------------------------------------


@bp.get("/<int:campaign_id>/invitations")
@allow(P.INVITE)
def invitations(campaign_id: int) -> ResponseReturnValue:
    """Links given out, and establishments to invite."""
    user = current_user()
    campaign = service.get_campaign(user, campaign_id)
    return render_template(
        "campaigns/invitations.html",
        campaign=campaign,
        areas=programme.names_of("area"),
        page=_candidates(user, P.INVITE, campaign, "invitation"),
        links=service.list_invitations(user, campaign, request.args.get("links", 1, type=int)),
    )


@bp.post("/<int:campaign_id>/invitations")
@allow(P.INVITE)
def invite(campaign_id: int) -> ResponseReturnValue:
    """Make links. They are shown in this answer and nowhere again: the database keeps hashes only.

    Where an establishment has closed or suspended its work, it is asked first.
    """
    user = current_user()
    campaign, chosen = service.get_campaign(user, campaign_id), _chosen()
    days = min(max(request.form.get("days", service.LINK_DAYS, type=int), 1), 365)
    idle = service.find_idle(user, campaign, chosen)
    if idle and not request.form.get("sure"):
        return render_template("campaigns/idle.html", campaign=campaign, idle=idle, chosen=chosen, days=days)
    links = [(link, _address(link.token)) for link in service.invite(user, campaign, chosen, days)]
    if request.form.get("as") == "csv":
        header = [gettext("Code"), gettext("Establishment"), gettext("Link"), gettext("Valid until")]
        rows = [
            [link.establishment.code, link.establishment.name, address, format_day(link.invitation.expires_at)]
            for link, address in links
        ]
        return Response(
            to_csv(header, rows),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="links-{campaign.id}.csv"'},
        )
    return render_template("campaigns/links.html", campaign=campaign, links=links, qr=_qr)


def _address(token: str) -> str:
    base = current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")
    return f"{base}/l/{token}"


def _qr(address: str) -> str:
    """A QR code as a data address, for an <img>."""
    return str(make_qr(address, error="m").svg_data_uri(scale=5, border=3, light="#fff"))


@bp.post("/<int:campaign_id>/invitations/<int:invitation_id>/revoke")
@allow(P.INVITE)
def revoke(campaign_id: int, invitation_id: int) -> ResponseReturnValue:
    """Make a link stop working."""
    user = current_user()
    service.revoke_invitation(user, service.get_campaign(user, campaign_id), invitation_id)
    flash(gettext("The link does not work any more."))
    return redirect(url_for(".invitations", campaign_id=campaign_id))
