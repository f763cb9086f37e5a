"""The forms staff fill about campaigns. Labels are set when a form is made, so that they speak the asker's language."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from survey_app.languages import gettext


class _Labelled(FlaskForm):
    """A web form whose labels and messages are given in the request's language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.labels().items():
            self[name].label.text = label

    def labels(self) -> dict[str, str]:
        """Field name -> label in the request's language."""
        raise NotImplementedError

    def validate(self, extra_validators: Any = None) -> bool:
        """As usual, with every message in the request's language."""
        if super().validate(extra_validators):
            return True
        for field in self:
            if field.errors:
                field.errors = [_message(field)]
        return False


def _message(field: Any) -> str:
    empty = field.raw_data is None or not any(str(value).strip() for value in field.raw_data)
    return gettext("Please fill this in.") if empty else gettext("This entry is not possible. Please check it.")


class CampaignWebForm(_Labelled):
    """What a campaign is."""

    phase = SelectField(validators=[InputRequired()])
    action = StringField(validators=[Optional(), Length(max=32)])
    title_vi = StringField(validators=[InputRequired(), Length(max=200)])
    title_en = StringField(validators=[Optional(), Length(max=200)])
    register = SelectField(validators=[InputRequired()])
    questionnaires = SelectMultipleField(validators=[InputRequired()])
    opens_on = DateField(validators=[InputRequired()])
    closes_on = DateField(validators=[InputRequired()])
    mode = RadioField(validators=[InputRequired()])

    def labels(self) -> dict[str, str]:
        """Field name -> label in the request's language."""
        return {
            "phase": gettext("Plan and phase"),
            "action": gettext("Action of the plan"),
            "title_vi": gettext("Title in Vietnamese"),
            "title_en": gettext("Title in English"),
            "register": gettext("Register"),
            "questionnaires": gettext("Questionnaires"),
            "opens_on": gettext("First day"),
            "closes_on": gettext("Last day"),
            "mode": gettext("How answers are collected"),
        }


class SampleWebForm(_Labelled):
    """How a sample is drawn."""

    count = IntegerField(validators=[InputRequired(), NumberRange(1, 1_000_000)])
    seed = IntegerField(validators=[InputRequired(), NumberRange(0, 2**31 - 1)])
    certain = BooleanField()
    take_all = SelectMultipleField(validators=[Optional()])

    def labels(self) -> dict[str, str]:
        """Field name -> label in the request's language."""
        return {
            "count": gettext("How many establishments in all"),
            "seed": gettext("Seed of the draw"),
            "certain": gettext("Taken whole by the rule of the register"),
            "take_all": gettext("Size classes taken whole"),
        }


class OutcomeWebForm(_Labelled):
    """What came of a visit."""

    outcome = RadioField(validators=[InputRequired()], coerce=int)
    note = TextAreaField(validators=[Optional(), Length(max=1000)])

    def labels(self) -> dict[str, str]:
        """Field name -> label in the request's language."""
        return {"outcome": gettext("What came of the visit?"), "note": gettext("Note")}
