"""The form language: questionnaires as XLSForm in, typed definitions out, and the logic that runs over answers.

This is the package's only door; everything not named here is private to it.
"""

from __future__ import annotations

from forms.answers import Interview
from forms.appearances import APPEARANCES, Appearance, Support
from forms.compare import CellChange, Change, compare, shown_cell
from forms.entities import EntityChange, entity_changes
from forms.expressions.documents import Document, Found, evaluate_in_document, open_document
from forms.expressions.evaluate import evaluate
from forms.expressions.functions import FUNCTIONS
from forms.expressions.last_saved import LAST_SAVED, last_saved_items
from forms.expressions.resolve import Schema, parse, schema_from, schema_of
from forms.expressions.syntax import ExpressionError, expression_from_json, expression_to_json, references
from forms.expressions.values import Clock, Environment, Scope, format_number, to_bool, to_number, to_text
from forms.expressions.written import written
from forms.files import is_safe_name as is_safe_file_name
from forms.graph import SETTINGS, Graph, Link, graph_of, layers, row_name
from forms.inspection import Inspection, Length, Unreachable, Untranslated, inspect, is_asked
from forms.instance import RawInstance, read_head, read_instance, write_instance
from forms.issues import MESSAGES, FormError, Issue, Severity
from forms.lists import is_list as is_list_file
from forms.load import LoadedForm, load_form, load_form_from_markdown
from forms.measures import Recommendation, Recommendations, measure_savings, recommend_measures
from forms.model import (
    Action,
    Answers,
    Call,
    CheckRow,
    Choice,
    ChoiceList,
    Expression,
    Field,
    FileNeed,
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
from forms.portability import portability, quoted
from forms.program import instances_read
from forms.reference import (
    AppearanceRow,
    TypeRow,
    appearance_rows,
    refused_types,
    support_words,
    to_markdown,
    type_rows,
)
from forms.rehearsal import DeadEnd, RandomRun, random_run
from forms.respondent import Wish, Wishes, respond
from forms.scoring import (
    CheckResult,
    DimensionScore,
    IndexScore,
    ItemScore,
    Scores,
    ValueScore,
    compute_indicators,
    compute_scores,
    run_checks,
)
from forms.screens import Screen, screens
from forms.serial import AST_VERSION, from_json, issue_from_json, issue_to_json, to_bundle_json, to_json
from forms.tables import Column, Table, tabulate
from forms.trial import run_from_json, run_to_json
from forms.types import TYPES, Kind, QuestionType
from forms.validation import Validated, validate
from forms.workbook import ReadLimits, Row, Sheet, read_markdown, read_workbook
from forms.xform import definition_from_xform

__all__ = [
    "APPEARANCES",
    "AST_VERSION",
    "FUNCTIONS",
    "LAST_SAVED",
    "MESSAGES",
    "SETTINGS",
    "TYPES",
    "Action",
    "Answers",
    "Appearance",
    "AppearanceRow",
    "Call",
    "CellChange",
    "Change",
    "CheckResult",
    "CheckRow",
    "Choice",
    "ChoiceList",
    "Clock",
    "Column",
    "DeadEnd",
    "DimensionScore",
    "Document",
    "EntityChange",
    "Environment",
    "Expression",
    "ExpressionError",
    "Field",
    "FileNeed",
    "Filter",
    "FormDefinition",
    "FormError",
    "Found",
    "Graph",
    "Group",
    "IndexScore",
    "IndicatorRow",
    "Inspection",
    "Instance",
    "Interview",
    "Issue",
    "Item",
    "ItemScore",
    "Kind",
    "Length",
    "Link",
    "Literal",
    "LoadedForm",
    "MeasureRow",
    "NumberReading",
    "Path",
    "Question",
    "QuestionType",
    "RandomRun",
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
    "Support",
    "Table",
    "Text",
    "TypeRow",
    "Unreachable",
    "Untranslated",
    "Validated",
    "Value",
    "ValueScore",
    "Wish",
    "Wishes",
    "appearance_rows",
    "compare",
    "compute_indicators",
    "compute_scores",
    "definition_from_xform",
    "entity_changes",
    "evaluate",
    "evaluate_in_document",
    "expression_from_json",
    "expression_to_json",
    "format_number",
    "from_json",
    "graph_of",
    "inspect",
    "instances_read",
    "is_asked",
    "is_list_file",
    "is_safe_file_name",
    "issue_from_json",
    "issue_to_json",
    "last_saved_items",
    "layers",
    "load_form",
    "load_form_from_markdown",
    "measure_savings",
    "open_document",
    "parse",
    "portability",
    "quoted",
    "random_run",
    "read_head",
    "read_instance",
    "read_markdown",
    "read_number",
    "read_workbook",
    "recommend_measures",
    "references",
    "refused_types",
    "respond",
    "row_name",
    "run_checks",
    "run_from_json",
    "run_to_json",
    "schema_from",
    "schema_of",
    "screens",
    "shown_cell",
    "support_words",
    "tabulate",
    "to_bool",
    "to_bundle_json",
    "to_json",
    "to_markdown",
    "to_number",
    "to_text",
    "type_rows",
    "validate",
    "write_instance",
    "written",
]
