"""One thing wrong with a form or a set of answers: a stable code, an exact place, and words that say what to do.

Messages are English msgids with named parameters; who shows them translates them (`Issue.message` is the English).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """error: the form cannot be used / the answer breaks a rule; warning: look at it; note: for your information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Issue:
    """`where` is "survey!C14" in a workbook, "group/repeat/<row id>/question" in answers."""

    code: str
    where: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    severity: Severity = Severity.ERROR
    # Texts of the form's own author (a constraint message), language -> text; they win over the catalogue's.
    own_message: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The catalogue's English message with its parameters filled in."""
        return MESSAGES[self.code].format_map(dict(self.parameters))


class FormError(Exception):
    """A form cannot be used; carries every issue found, not the first."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__(f"{len(issues)} issue(s), first: {issues[0].where}: {issues[0].message}" if issues else "")
        self.issues = issues


# code -> English message; `forms` modules add theirs here, one catalogue for all.
MESSAGES: dict[str, str] = {
    "required": "This question needs an answer.",
    "constraint": "This answer is not allowed here.",
    "wrong_type": "“{value}” does not fit a question of type {type}.",
    "unknown_choice": "“{value}” is not one of the choices.",
    "unknown_question": "The form has no question “{name}”.",
    "not_relevant": "An answer was given to a question that is not asked here.",
    "check": "Please look at this answer again.",
    # reading a file
    "workbook_too_large": "The file is larger than {megabytes} MB. Remove pictures and unused sheets, then try again.",
    "workbook_bomb": "The file unpacks to far more than a questionnaire holds. Save it anew and try again.",
    "workbook_encrypted": "The file is protected by a password. Save it without one and try again.",
    "sheet_too_wide": "There is a value very far from the others in this cell. Delete it and save the file again.",
    "repeat_too_long": "A repeat may have at most {most} rows; the rest was left out.",
    "too_much_work": "The form asks for more calculation than is allowed; some answers were not checked.",
    "too_many_rows": "This sheet has more than {rows} rows. Remove the rows that are not part of the questionnaire.",
    "not_a_workbook": "“{name}” is not a readable .xlsx, .xls, .csv or Markdown questionnaire. Save it again as .xlsx.",
    "not_utf8": "“{name}” is not UTF-8 text. Save it as “CSV UTF-8”, or as .xlsx.",
    "not_xml": "The file is not well-formed XML, or it declares a document type, which is not allowed.",
    "not_an_xform": "The XML is not an XForm: it has no model with a primary instance.",
    "not_an_instance": "The XML is not a set of answers to the form “{form_id}”.",
    # sheets and rows
    "no_survey": "The workbook has no sheet “survey” with rows in it.",
    "duplicate_column": "The column “{name}” is given twice.",
    "unknown_column": "The column “{name}” is not known and was left out.",
    "missing_type": "This row has no type.",
    "unknown_type": "There is no question type “{name}”.",
    "unsupported_type": "Questions of type “{name}” cannot be run here. Use another type.",
    "missing_list_name": "Name the choice list after “{name}”, for example “{name} yes_no”.",
    "missing_name": "This row needs a name.",
    "bad_name": "“{name}” cannot be a name: begin with a letter, then plain letters, digits, “_”, “-” or “.”.",
    "reserved_name": "The name “{name}” is kept for the system. Choose another.",
    "duplicate_name": "The name “{name}” is already used in this group, in {other}.",
    "unmatched_end": "This end has no beginning of the same kind before it.",
    "missing_end": "This {name} is never ended. Add a row of type “end_{name}”.",
    "empty_group": "There is nothing in this {name}.",
    "missing_label": "This row has no label.",
    "missing_translation": "The text is missing in {language}.",
    "missing_list": "There is no choice list “{name}” on the sheet choices.",
    "missing_list_near": "There is no choice list “{name}” on the sheet choices. Did you mean “{near}”?",
    "unused_list": "No question uses the choice list “{name}”.",
    "choice_without_list": "This choice does not say which list it belongs to (column list_name).",
    "choice_without_name": "This choice has no name.",
    "choice_name_space": "The choice name “{name}” must not contain spaces.",
    "duplicate_choice": "The choice “{name}” is already in this list, in {other}.",
    "missing_calculation": "This row needs a calculation.",
    "choices_from_repeat": "Choices taken from the rows of a repeat cannot be run here.",
    "other_with_filter": "or_other cannot be used together with a choice_filter.",
    "external_list": "The choices come from “{name}”, which must be there when the form is used.",
    "entities": "Entities are kept in the XForm but are not created by this system.",
    "bad_parameter": "The parameter {name}={value} is not usable: {name} must be a number.",
    "bad_range": "A range needs start, end and a step greater than 0 that leads from start to end.",
    "unknown_language": "There is no column for the default language “{name}”.",
    "pyxform": "{text}",
    "pyxform_failed": "The questionnaire could not be converted: {text}",
    "cycle": "These values depend on each other in a circle: {names}. Break the circle.",
    # expressions
    "expression_empty": "The expression is empty.",
    "expression_too_long": "The expression is longer than {most} characters. Split it with calculate rows.",
    "expression_too_deep": "The expression is nested deeper than {most} levels. Split it with calculate rows.",
    "expression_unclosed": "The “{bracket}” at character {position} is never closed.",
    "expression_unclosed_string": "The text that begins with {found} at character {position} is never closed.",
    "expression_character": "The character “{found}” at {position} does not belong in an expression.",
    "expression_unexpected": "“{found}” at character {position} is not expected there.",
    "expression_ends": "The expression ends too early: something is missing after its last part.",
    "expression_double_slash": "“//” at character {position} is not supported. Write the path in full.",
    "expression_axis": "The axis “{name}” at character {position} is not supported, only child, parent and self are.",
    "expression_attribute": "Attributes (“@” at character {position}) are not supported.",
    "expression_variable": "Variables (“$” at character {position}) are not supported. Write a question as ${{name}}.",
    "expression_wildcard": "The wildcard “*” at character {position} is not supported. Name the questions.",
    "expression_node_type": "“{name}()” at character {position} is not supported.",
    "expression_path_after_bracket": "A path or filter cannot follow a bracket (character {position}).",
    "expression_reference": "“{found}” at character {position} is not a reference. Write ${{name}}.",
    "expression_last_saved": "The previous record (last-saved) at character {position} is not supported.",
    "expression_instance_name": "instance() at character {position} needs the name of a list in quotes.",
    "expression_instance_path": "Write instance('{name}')/root/item[…] (character {position}).",
    "expression_unknown_instance": "There is no list or external instance “{name}” (character {position}).",
    "expression_unknown_column": "The items tested at character {position} have no field “{name}”.",
    "expression_unknown_path": "There is nothing at “{path}” (character {position}).",
    "expression_above_root": "The path at character {position} leads out of the form.",
    "expression_dots_inside": "“..” may only stand at the beginning of a path: “{path}”.",
    "expression_predicate": "A filter cannot stand there (character {position}).",
    "expression_unknown_reference": "There is no question “{name}”.",
    "expression_unknown_reference_near": "There is no question “{name}”. Did you mean “{near}”?",
    "expression_ambiguous_reference": "There are several questions “{name}”; the reference does not say which.",
    "expression_unknown_function": "There is no function “{name}”.",
    "expression_unknown_function_near": "There is no function “{name}”. Did you mean “{near}”?",
    "expression_arity": "{name}() takes {least} to {most} arguments, here it has {given}.",
    "expression_choice_name": "jr:choice-name() needs the answer and, in quotes, the question it belongs to.",
    "expression_indexed_repeat": "indexed-repeat() needs a question, then pairs of a repeat around it and a row.",
    "expression_regex": "The pattern “{pattern}” is broken, or uses what not every phone understands.",
    # our own sheets and columns
    "extra_missing": "The column “{name}” must be filled.",
    "extra_kind": "“{value}” is not one of: {allowed}.",
    "extra_number": "“{value}” must be a number from {least} to {most}.",
    "extra_duplicate": "“{name}” is already used in {other}.",
    "extra_unknown": "“{name}” is not defined in this workbook.",
    "extra_not_repeat": "“{name}” is not a repeat of this form.",
    "extra_order": "“{low}” must not be greater than “{high}”.",
    "evidence_not_image": "“{name}” is not a question of type image or file.",
    # differences between versions
    "change_form_id": "The form’s id changed from {before} to {after}.",
    "change_language_added": "The language {after} was added.",
    "change_language_removed": "The language {before} was removed.",
    "change_added": "{path} is new.",
    "change_removed": "{path} was removed; its old answers stay in a column of their own.",
    "change_moved": "{path} moved to {after}.",
    "change_type": "The type of {path} changed from {before} to {after}.",
    "change_list": "{path} takes its choices from {after} instead of {before}.",
    "change_unit": "The unit of {path} changed from {before} to {after}: old and new numbers cannot be compared.",
    "change_personal": "Whether {path} is personal changed from {before} to {after}.",
    "change_text": "Texts of {path} changed: {after}.",
    "change_logic": "The logic of {path} changed: {after}.",
    "change_shown": "How {path} is shown changed: {after}.",
    "change_choice_added": "The choice {path} is new.",
    "change_choice_removed": "The choice {path} was removed; old answers that chose it remain.",
    "change_choice_text": "The text of the choice {path} changed from “{before}” to “{after}”.",
    "change_row": "The row {path} changed.",
    "change_row_added": "The row {path} is new.",
    "change_row_removed": "The row {path} was removed.",
}
