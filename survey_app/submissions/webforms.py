"""Web forms of review."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired, Length

from survey_app.languages import gettext


class DecisionWebForm(FlaskForm):
    """A decision about the revision the reviewer saw."""

    revision = HiddenField()
    comment = TextAreaField()

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.comment.label.text = gettext("What should be corrected?")
        self.comment.validators = [
            DataRequired(message=gettext("Write what should be corrected.")),
            Length(max=4000, message=gettext("At most 4,000 letters.")),
        ]
