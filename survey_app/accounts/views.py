"""Signing in and out, one's own account, and the accounts of others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import cast

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text

from survey_app import db
from survey_app.access import (
    ROLES,
    SESSION_COOKIE,
    Permission,
    allow,
    current_user,
    find_user,
    has_permission,
    late_write,
    public,
)
from survey_app.accounts import service
from survey_app.accounts.webforms import GrantWebForm, PasswordWebForm, SignInWebForm, UserWebForm
from survey_app.languages import PSEUDO_LANGUAGE, available_languages, gettext
from survey_app.models import Establishment, utc_now
from survey_app.problems import Problem

bp = Blueprint("accounts", __name__, template_folder="templates")
ROLE_NAMES = {
    "administrator": "Administrator", "manager": "Programme manager", "analyst": "Analyst", "assessor": "Assessor",
    "focal_point": "Focal point",
}


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    """Each person's first page: coverage for those who read it, work for those who collect, else the door."""
    user = find_user()
    if has_permission(user, Permission.VIEW_COVERAGE):
        return redirect("/coverage")
    if has_permission(user, Permission.COLLECT):
        return redirect("/work")
    return redirect(url_for("accounts.account" if user else "accounts.sign_in"))


@bp.get("/healthz")
@public
def health() -> ResponseReturnValue:
    """200 when the database answers."""
    db.session().execute(text("select 1"))
    return {"status": "ok"}


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    return render_template("accounts/sign_in.html", form=SignInWebForm(), next=request.args.get("next", ""))


@bp.post("/sign-in")
@late_write
@public
def sign_in_now() -> ResponseReturnValue:
    """Sign in, then on to where the person was going."""
    form = SignInWebForm()
    goal = safe_path(request.form.get("next", ""))
    if not form.validate_on_submit():
        return render_template("accounts/sign_in.html", form=form, next=goal), 422
    try:
        _user, token = service.sign_in(form.email.data, form.password.data)
    except service.WrongSignIn as problem:
        page = render_template("accounts/sign_in.html", form=form, next=goal, problem=gettext(problem.message))
        return page, problem.status
    response = redirect(goal or "/")
    settings = current_app.config["SETTINGS"]
    response.set_cookie(
        SESSION_COOKIE, token, max_age=timedelta(days=30), httponly=True, secure=settings.https, samesite="Lax"
    )
    return response


def safe_path(path: str) -> str:
    """A path of this site, else ""; never another site, however it is written."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or any(ord(c) < 33 for c in path):
        return ""
    return path


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End this browser's sign-in; unsent work on the device stays."""
    service.end_sign_in(request.cookies.get(SESSION_COOKIE, ""))
    response = redirect(url_for("accounts.sign_in"))
    response.delete_cookie(SESSION_COOKIE)
    return response


@bp.post("/language")
@late_write
@public
def choose_language() -> ResponseReturnValue:
    """Remember the language in a cookie and go back to the page."""
    response = redirect(safe_path(request.form.get("next", "")).split("?lang=")[0] or "/")
    wish = request.form.get("language", "")
    if wish in {*available_languages(), PSEUDO_LANGUAGE}:
        response.set_cookie("language", wish, max_age=timedelta(days=365), samesite="Lax", httponly=True)
    return response


@bp.get("/account")
@allow(Permission.OWN_ACCOUNT)
def account() -> ResponseReturnValue:
    """One's own account: password, and where one is signed in."""
    user = current_user()
    return render_template(
        "accounts/account.html", form=PasswordWebForm(), sign_ins=service.list_sign_ins(user), role_names=ROLE_NAMES
    )


@bp.post("/account/password")
@late_write
@allow(Permission.OWN_ACCOUNT)
def change_password() -> ResponseReturnValue:
    """Change one's own password; every browser must sign in again."""
    form, user = PasswordWebForm(), current_user()
    if not form.validate_on_submit():
        sign_ins = service.list_sign_ins(user)
        page = render_template("accounts/account.html", form=form, sign_ins=sign_ins, role_names=ROLE_NAMES)
        return page, 422
    service.change_password(user, form.old.data, form.new.data)
    flash(gettext("The password is changed. Please sign in again."))
    return redirect(url_for("accounts.sign_in"))


@bp.post("/account/sign-ins/end")
@allow(Permission.OWN_ACCOUNT)
def end_sign_ins() -> ResponseReturnValue:
    """End one sign-in, or all of them."""
    chosen = request.form.get("sign_in", type=int)
    service.end_sign_ins_of(current_user(), chosen)
    return redirect(url_for("accounts.account"))


@bp.post("/account/interview-log")
@allow(Permission.COLLECT)
def told_of_log() -> ResponseReturnValue:
    """The assessor has read that the times of an interview are noted."""
    user = current_user()
    user.told_of_log_at = user.told_of_log_at or utc_now()
    return redirect(url_for("collect.work"))


# Accounts of others ---------------------------------------------------------------------------------------------


def _with_choices(form: UserWebForm | GrantWebForm) -> UserWebForm | GrantWebForm:
    areas = db.session().scalars(select(Establishment.area).where(Establishment.area.is_not(None)).distinct()).all()
    form.role.choices = [(name, gettext(ROLE_NAMES[name])) for name in ROLES]
    # What areas are called is known above this feature: the same words that its templates use.
    name_of = cast(Callable[[str, str], str], current_app.jinja_env.globals["name_of"])
    named = sorted((area, name_of("area", area)) for area in areas if area)
    form.area.choices = [("", gettext("Everywhere")), *named]
    return form


@bp.get("/users")
@allow(Permission.MANAGE_USERS)
def users() -> ResponseReturnValue:
    """Every account."""
    return render_template("accounts/users.html", users=service.list_users(), role_names=ROLE_NAMES)


@bp.get("/users/new")
@allow(Permission.MANAGE_USERS)
def new_user() -> ResponseReturnValue:
    """An empty form for a new account."""
    return render_template("accounts/new_user.html", form=_with_choices(UserWebForm()))


@bp.post("/users")
@late_write
@allow(Permission.MANAGE_USERS)
def create_user() -> ResponseReturnValue:
    """Open an account with its first role."""
    form = _with_choices(UserWebForm())
    problem = None
    if form.validate_on_submit():
        try:
            db.begin_write()
            user = service.create_user(form.email.data, form.name.data, form.password.data)
            service.grant_role(user, form.role.data, form.area.data or None)
            return redirect(url_for("accounts.user", user_id=user.id))
        except Problem as found:
            problem = gettext(found.message, **found.parameters)
    return render_template("accounts/new_user.html", form=form, problem=problem), 422


@bp.get("/users/<int:user_id>")
@allow(Permission.MANAGE_USERS)
def user(user_id: int) -> ResponseReturnValue:
    """One account: roles, sign-ins, open or closed."""
    found = service.get_user(user_id)
    return render_template(
        "accounts/user.html", person=found, form=_with_choices(GrantWebForm()), role_names=ROLE_NAMES,
        sign_ins=service.list_sign_ins(found),
    )


@bp.post("/users/<int:user_id>/grants")
@allow(Permission.MANAGE_USERS)
def grant(user_id: int) -> ResponseReturnValue:
    """Give one more role."""
    form = _with_choices(GrantWebForm())
    if form.validate_on_submit():
        service.grant_role(service.get_user(user_id), form.role.data, form.area.data or None)
    return redirect(url_for("accounts.user", user_id=user_id))


@bp.post("/users/<int:user_id>/grants/<int:grant_id>/revoke")
@allow(Permission.MANAGE_USERS)
def revoke(user_id: int, grant_id: int) -> ResponseReturnValue:
    """Take one role away."""
    service.revoke_grant(service.get_user(user_id), grant_id)
    return redirect(url_for("accounts.user", user_id=user_id))


@bp.post("/users/<int:user_id>/active")
@allow(Permission.MANAGE_USERS)
def set_active(user_id: int) -> ResponseReturnValue:
    """Close an account or open it again."""
    service.set_active(service.get_user(user_id), request.form.get("active") == "1")
    return redirect(url_for("accounts.user", user_id=user_id))


@bp.post("/users/<int:user_id>/sign-ins/end")
@allow(Permission.MANAGE_USERS)
def end_sign_ins_of(user_id: int) -> ResponseReturnValue:
    """Sign somebody out everywhere."""
    service.end_sign_ins_of(service.get_user(user_id))
    return redirect(url_for("accounts.user", user_id=user_id))
