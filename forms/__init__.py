"""The form language: questionnaires as XLSForm in, typed definitions out, and the logic that runs over answers.

This is the package's only door; everything not named here is private to it.
"""

from __future__ import annotations

from forms.expressions.resolve import parse, schema_of
from forms.expressions.syntax import ExpressionError, expression_from_json, expression_to_json, references
from forms.issues import MESSAGES, FormError, Issue, Severity
from forms.load import LoadedForm, load_form, load_form_from_markdown
from forms.model import (
    Action,
    Answers,
    Call,
    CheckRow,
    Choice,
    ChoiceList,
    Expression,
    Field,
    Filter,
    FormDefinition,
    Group,
    IndicatorRow,
    Instance,
    Item,
    Literal,
    MeasureRow,
    Path,
    Question,
    Repeat,
    ResourceRow,
    Rich,
    ScoreRow,
    Text,
    Value,
)
from forms.types import TYPES, Kind, QuestionType
from forms.workbook import ReadLimits, Row, Sheet, read_markdown, read_workbook

__all__ = [
    "MESSAGES",
    "TYPES",
    "Action",
    "Answers",
    "Call",
    "CheckRow",
    "Choice",
    "ChoiceList",
    "Expression",
    "ExpressionError",
    "Field",
    "Filter",
    "FormDefinition",
    "FormError",
    "Group",
    "IndicatorRow",
    "Instance",
    "Issue",
    "Item",
    "Kind",
    "Literal",
    "LoadedForm",
    "MeasureRow",
    "Path",
    "Question",
    "QuestionType",
    "ReadLimits",
    "Repeat",
    "ResourceRow",
    "Rich",
    "Row",
    "ScoreRow",
    "Severity",
    "Sheet",
    "Text",
    "Value",
    "expression_from_json",
    "expression_to_json",
    "load_form",
    "load_form_from_markdown",
    "parse",
    "read_markdown",
    "read_workbook",
    "references",
    "schema_of",
]
