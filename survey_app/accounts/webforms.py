"""The forms staff fill about accounts."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from survey_app.accounts.service import MINIMUM_PASSWORD
from survey_app.languages import gettext


class Says:
    """A validator's message translated when it is shown, not when the module is loaded."""

    def __init__(self, message: str, **parameters: object) -> None:
        self.message, self.parameters = message, parameters

    def __str__(self) -> str:
        return gettext(self.message, **self.parameters)

    def __mod__(self, _values: object) -> str:
        return str(self)


def label(message: str) -> object:
    """A label translated when it is drawn."""
    return Says(message)


NEEDED = Says("Please fill this in.")


class LooksLikeEmail:
    """One @ with something on each side; whether the address exists only a message can tell."""

    def __call__(self, _form: FlaskForm, field: StringField) -> None:
        name, _, domain = (field.data or "").strip().rpartition("@")
        if not name or "." not in domain or " " in field.data.strip():
            raise ValidationError(gettext("Enter an e-mail address such as name@example.vn."))


class SignInWebForm(FlaskForm):
    """E-mail and password."""

    email = EmailField(label("E-mail address"), [DataRequired(NEEDED)], render_kw={"autocomplete": "username"})
    password = PasswordField(
        label("Password"), [DataRequired(NEEDED)], render_kw={"autocomplete": "current-password"}
    )


class PasswordWebForm(FlaskForm):
    """Change one's own password."""

    old = PasswordField(
        label("Present password"), [DataRequired(NEEDED)], render_kw={"autocomplete": "current-password"}
    )
    new = PasswordField(
        label("New password"), [DataRequired(NEEDED), Length(MINIMUM_PASSWORD, 200, Says(
            "The password must have at least {count} characters.", count=MINIMUM_PASSWORD))],
        render_kw={"autocomplete": "new-password"},
    )


class UserWebForm(FlaskForm):
    """A new account with its first role."""

    name = StringField(label("Name"), [DataRequired(NEEDED), Length(max=200)], render_kw={"autocomplete": "off"})
    email = EmailField(label("E-mail address"), [DataRequired(NEEDED), LooksLikeEmail(), Length(max=254)])
    password = PasswordField(
        label("First password"), [DataRequired(NEEDED)], render_kw={"autocomplete": "new-password"}
    )
    role = SelectField(label("Role"), [DataRequired(NEEDED)])
    area = SelectField(label("Area"), [Optional()])


class GrantWebForm(FlaskForm):
    """One more role for an account."""

    role = SelectField(label("Role"), [DataRequired(NEEDED)])
    area = SelectField(label("Area"), [Optional()])
