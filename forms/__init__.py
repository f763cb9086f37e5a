"""The form language: questionnaires as XLSForm in, typed definitions out, and the logic that runs over answers.

This is the package's only door; everything not named here is private to it.
"""

from __future__ import annotations

from forms.answers import Interview
from forms.compare import Change, compare
from forms.expressions.evaluate import evaluate
from forms.expressions.functions import FUNCTIONS
from forms.expressions.resolve import Schema, parse, schema_from, schema_of
from forms.expressions.syntax import ExpressionError, expression_from_json, expression_to_json, references
from forms.expressions.values import Clock, Environment, Scope, format_number, to_bool, to_number, to_text
from forms.instance import RawInstance, read_head, read_instance, write_instance
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
from forms.numbers import NumberReading, read_number
from forms.respondent import Wish, Wishes, respond
from forms.scoring import (
    CheckResult,
    DimensionScore,
    IndexScore,
    ItemScore,
    Recommendation,
    Recommendations,
    Scores,
    ValueScore,
    compute_indicators,
    compute_scores,
    recommend_measures,
    run_checks,
)
from forms.screens import Screen, screens
from forms.serial import AST_VERSION, from_json, issue_from_json, issue_to_json, to_bundle_json, to_json
from forms.tables import Column, Table, tabulate
from forms.types import TYPES, Kind, QuestionType
from forms.validation import Validated, validate
from forms.workbook import ReadLimits, Row, Sheet, read_markdown, read_workbook
from forms.xform import definition_from_xform

__all__ = [
    "AST_VERSION",
    "FUNCTIONS",
    "MESSAGES",
    "TYPES",
    "Action",
    "Answers",
    "Call",
    "Change",
    "CheckResult",
    "CheckRow",
    "Choice",
    "ChoiceList",
    "Clock",
    "Column",
    "DimensionScore",
    "Environment",
    "Expression",
    "ExpressionError",
    "Field",
    "Filter",
    "FormDefinition",
    "FormError",
    "Group",
    "IndexScore",
    "IndicatorRow",
    "Instance",
    "Interview",
    "Issue",
    "Item",
    "ItemScore",
    "Kind",
    "Literal",
    "LoadedForm",
    "MeasureRow",
    "NumberReading",
    "Path",
    "Question",
    "QuestionType",
    "RawInstance",
    "ReadLimits",
    "Recommendation",
    "Recommendations",
    "Repeat",
    "ResourceRow",
    "Rich",
    "Row",
    "Schema",
    "Scope",
    "ScoreRow",
    "Scores",
    "Screen",
    "Severity",
    "Sheet",
    "Table",
    "Text",
    "Validated",
    "Value",
    "ValueScore",
    "Wish",
    "Wishes",
    "compare",
    "compute_indicators",
    "compute_scores",
    "definition_from_xform",
    "evaluate",
    "expression_from_json",
    "expression_to_json",
    "format_number",
    "from_json",
    "issue_from_json",
    "issue_to_json",
    "load_form",
    "load_form_from_markdown",
    "parse",
    "read_head",
    "read_instance",
    "read_markdown",
    "read_number",
    "read_workbook",
    "recommend_measures",
    "references",
    "respond",
    "run_checks",
    "schema_from",
    "schema_of",
    "screens",
    "tabulate",
    "to_bool",
    "to_bundle_json",
    "to_json",
    "to_number",
    "to_text",
    "validate",
    "write_instance",
]
