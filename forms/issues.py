"""One thing wrong with a form or a set of answers: a stable code, an exact place, and words that say what to do.

Messages are English msgids with named parameters; who shows them translates them (`Issue.message` is the English).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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
    """A form cannot be used; carries every issue found, not the first, and the rows they were found in."""

    def __init__(self, issues: list[Issue], sheets: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{len(issues)} issue(s), first: {issues[0].where}: {issues[0].message}" if issues else "")
        self.issues, self.sheets = issues, sheets or {}


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
    "missing_column": "The sheet has no column “{name}”. Its first row must hold the names of the columns.",
    "unknown_type": "There is no question type “{name}”.",
    "unknown_type_near": "There is no question type “{name}”. Did you mean “{near}”?",
    "list_name_space": "The name of a list must not contain spaces. Rename “{name}”, here and on the sheet choices.",
    "appearance_refused": "The appearance “{name}” cannot be run here. {reason}",
    "appearance_unknown": "The appearance “{name}” is not known and has no effect.",
    "appearance_misplaced": "The appearance “{name}” has no effect on “{type}”.",
    "appearance_no_effect": "The appearance “{name}” has no effect here. {reason}",
    "unsupported_type": "Questions of type “{name}” cannot be run here. Use another type.",
    "setting_elsewhere": "“{name}” is kept for other clients; this system does not act on it.",
    "shorthand_place": "A row of type “{name}” cannot stand here.",
    "blank_here": "“{name}” is known to other clients only; here it stays blank.",
    "unsupported_search": "search() in an appearance is not run here. Use select_one_from_file with the list as CSV.",
    "missing_list_name": "Name the choice list after “{name}”, for example “{name} yes_no”.",
    "missing_name": "This row needs a name.",
    "bad_name": "“{name}” cannot be a name: begin with a letter, then plain letters, digits, “_”, “-” or “.”.",
    "reserved_name": "The name “{name}” is kept for the system. Choose another.",
    "duplicate_name": "The name “{name}” is already used in this group, in {other}.",
    "name_case": "“{name}” differs from “{other}” only in small and capital letters: easily confused in data.",
    "unmatched_end": "This end has no beginning of the same kind before it.",
    "missing_end": "This {name} is never ended. Add a row of type “end_{name}”.",
    "empty_group": "There is nothing in this {name}.",
    "missing_label": "This row has no label.",
    "label_needed": "The question “{name}” has neither a label nor a hint. Write what is asked.",
    "default_misfit": "The default “{value}” does not fit a question of type {type}. Correct or remove it.",
    "default_unknown": "The default “{value}” is not one of the choices. Correct or remove it.",
    "language_code_missing": "The language “{name}” has no code. Write it as “Tiếng Việt (vi)” or “English (en)”.",
    "missing_translation": "The text is missing in {language}.",
    "missing_list": "There is no choice list “{name}” on the sheet choices.",
    "missing_list_near": "There is no choice list “{name}” on the sheet choices. Did you mean “{near}”?",
    "unused_list": "No question uses the choice list “{name}”.",
    "choice_without_list": "This choice does not say which list it belongs to (column list_name).",
    "choice_without_name": "This choice has no name.",
    "choice_name_space": "The choice name “{name}” must not contain spaces.",
    "duplicate_choice": "The choice “{name}” is already in this list, in {other}.",
    "missing_calculation": "This row needs a calculation.",
    "too_deep": "Groups and repeats stand more than {most} deep in one another.",
    "unsupported_event": "The event “{name}” of an action is not known here.",
    "unsupported_action": "The action “{name}” is not supported here.",
    "choices_from_repeat": "Choices taken from the rows of a repeat cannot be run here.",
    "other_with_filter": "or_other cannot be used together with a choice_filter.",
    # files beside the form
    "file_missing": "The file “{name}” is named here but is not there. Add it before publishing.",
    "file_unused": "Nothing in the questionnaire names the file “{name}”.",
    "file_bad_name": "“{name}” cannot be the name of a file: no folders, no control or special characters, no ${{}}.",
    "file_bad_list": "“{name}” cannot be a list: its name must end in .csv, .xml or .geojson.",
    "file_two_kinds": "The file “{name}” is also named in {other}, as a file of another kind.",
    "file_same_stem": "“{name}” and “{other}” would fill the same list. Rename one of them.",
    "file_wrong_kind": "The file “{name}” is not of the kind that this cell asks for ({kind}).",
    "file_not_media": "“{name}” is neither a readable picture (JPEG, PNG, WebP, GIF, SVG) nor audio, video or a list.",
    "file_too_large": "“{name}” is larger than {megabytes} MB.",
    "list_too_long": "“{name}” holds more than {most} rows. Split it, or leave out what is not needed.",
    "list_long_text": "“{name}” holds a text of more than {most} characters.",
    "list_empty": "“{name}” holds no rows.",
    "list_broken": "“{name}” is not a readable CSV file from here on.",
    "list_column_twice": "“{name}” has the column “{column}” twice.",
    "list_row_longer": "This row of “{name}” has more cells than there are columns.",
    "list_mixed": "“{name}” must hold items of one kind; it has {columns}.",
    "list_nested": "“{column}” in “{name}” holds further parts; only flat items can be read.",
    "list_not_json": "“{name}” is not readable as JSON.",
    "list_not_geojson": "“{name}” is not a GeoJSON feature collection.",
    "list_geometry": "A {column} in “{name}” cannot be read: points, lines and areas in degrees can.",
    "list_no_column": "“{name}” has no column “{column}”, from which this question takes its choices.",
    "list_blank_name": "This row has nothing in the column “{column}”.",
    "entity_unknown_list": "“{name}” is no list of the sheet entities. Write save_to as property, or list#property.",
    "entity_no_register": "No register is called “{name}”, so nothing will be proposed. Registers here: {known}.",
    "entity_twice": "The property “{name}” is already filled by {other}.",
    "bad_parameter": "The parameter {name}={value} is not usable: {name} must be a number.",
    "unknown_parameter": "The parameter “{name}” is not known for this type. Known are: {known}.",
    "bad_range": "A range needs start, end and a step greater than 0 that leads from start to end.",
    "unknown_language": "There is no column for the default language “{name}”.",
    "pyxform": "The converter of XLSForms says: {text}",
    "pyxform_failed": "The questionnaire could not be converted. Undo your last changes one by one to find the row.",
    "cycle": "These values depend on each other in a circle: {names}. Break the circle.",
    # expressions
    "expression_empty": "The expression is empty.",
    "expression_too_long": "The expression is longer than {most} characters. Split it with calculate rows.",
    "expression_too_deep": "The expression is nested deeper than {most} levels. Split it with calculate rows.",
    "expression_unclosed": "The “{bracket}” at character {position} is never closed.",
    "expression_unclosed_string": "The text that begins with {found} at character {position} is never closed.",
    "expression_character": "The character “{found}” at {position} does not belong in an expression.",
    "expression_operator": "“{found}” at character {position} is not used in XLSForm. Write {instead}.",
    "expression_unexpected": "“{found}” at character {position} is not expected there.",
    "expression_ends": "The expression ends too early: something is missing after its last part.",
    "expression_axis": "The axis “{name}” at character {position} is not supported, only child, parent and self are.",
    "expression_attribute": "Attributes (“@” at character {position}) are not supported.",
    "expression_namespace": "The name “{name}” at character {position} has a prefix, which is not supported in a path.",
    "expression_variable": "Variables (“$” at character {position}) are not supported. Write a question as ${{name}}.",
    "expression_wildcard": "The wildcard at character {position} stands for more than {most} questions. Name them.",
    "expression_wildcard_place": "A place such as [1] after “*” (character {position}) is not run. Name the question.",
    "expression_node_type": "“{name}()” at character {position} is not supported.",
    "expression_path_after_bracket": "A path or filter cannot follow a bracket (character {position}).",
    "expression_reference": "“{found}” at character {position} is not a reference. Write ${{name}}.",
    "expression_last_saved": "Of the previous record only answers outside repeats can be read (character {position}).",
    "expression_instance_name": "instance() at character {position} needs the name of a list in quotes.",
    "expression_instance_path": "Write instance('{name}')/root/item[…] (character {position}).",
    "expression_foreign_function": "{name}() at character {position} belongs to {owner} only and cannot be run here.",
    "expression_needs_form": "{name}() at character {position} needs a questionnaire.",
    "expression_several": "“{name}” has an answer in every row; the first one counts here. Use sum(), join() or [...].",
    "expression_union": "“|” at character {position} joins questions or items; one of its sides is a text or a number.",
    "expression_unknown_instance": "There is no list or external instance “{name}” (character {position}).",
    "expression_unknown_column": "The items tested at character {position} have no field “{name}”.",
    "expression_unknown_path": "There is nothing at “{path}” (character {position}). "
    "Write a question as ${{name}}, a text in quotes.",
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
    # what other clients of the format run otherwise
    "text_without_language": "The column “{name}” stands beside others that name a language. Name this one’s too.",
    "portable_sheet": "The sheet “{name}” is ours: ODK Collect leaves it out.",
    "portable_column": "The column “{name}” is ours: ODK Collect leaves it out.",
    "portable_appearance": "ODK Collect does not know the appearance “{name}” and shows the question without it.",
    "portable_function": "ODK Collect has no {name}(): it refuses the form. {instead} does the same there.",
    "portable_recent": "Only recent versions of ODK Collect have {name}().",
    "portable_checklist": "checklist() counts what is true or above 0; the documentation of ODK counts answers “yes”.",
    "portable_position": "ODK Collect does not choose a row by {position}. Write indexed-repeat() instead.",
    "portable_slashes": "ODK Collect does not run “//”. Write the path in full.",
    "portable_regex": "Enketo also takes a text of which only a part fits “{pattern}”: write ^ before it and $ after.",
    # what nobody will see
    "never_constant": "Its relevance is false whatever is answered.",
    "never_choice": "It waits for “{choice}”, which is not in the list “{list}” of {name}.",
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
    # what a difference means for answers that are there already
    "data_same": "Answers given before stay as they are and line up.",
    "data_blank_before": "Records of the older version have no answer here; tables show them as not asked.",
    "data_kept_apart": "Answers given before stay in their column; new records have none.",
    "data_choices": "Answers given before keep their codes; look whether the new list has them all.",
    "data_choice_added": "Answers given before could not choose it: compare shares over time with care.",
    "data_choice_removed": "Answers that chose it keep its code, which new records cannot have.",
    "data_not_comparable": "Answers given before and after must not be put into one column without converting them.",
    "data_other_form": "It is another questionnaire: its records stand apart from those of the older one.",
    "data_personal": "Who may see the answers changes for old records too.",
    "data_text": "The codes stay; look whether the question still means the same.",
    "data_logic": "Answers given before stay; who was asked, or what was allowed, differs between the versions.",
    "data_recomputed": "Each record keeps the rules of its own version.",
}
