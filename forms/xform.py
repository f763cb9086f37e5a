"""XForm XML -> FormDefinition: binds, body, itext, secondary instances and actions become one frozen tree."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from forms.expressions.resolve import GROUP, QUESTION, REPEAT, Schema, Steps, check, check_raw, schema_from
from forms.expressions.syntax import ExpressionError, RawCall, RawPath, parse_raw
from forms.issues import FormError, Issue
from forms.model import (
    Action,
    Call,
    Choice,
    ChoiceList,
    Expression,
    FormDefinition,
    Group,
    Item,
    Literal,
    Path,
    Question,
    Repeat,
    Rich,
    Text,
)
from forms.order import calculation_order

_XF: Final = "{http://www.w3.org/2002/xforms}"
_HTML: Final = "{http://www.w3.org/1999/xhtml}"
_JR: Final = "{http://openrosa.org/javarosa}"
_ODK: Final = "{http://www.opendatakit.org/xforms}"
_ORX: Final = "{http://openrosa.org/xforms}"
_ITEXT: Final = re.compile(r"""\s*jr:itext\(\s*['"](.*)['"]\s*\)\s*""", re.DOTALL)
_CODE: Final = re.compile(r"\(\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*\)\s*$")
_LANGUAGES: Final = {"english": "en", "vietnamese": "vi", "tiếng việt": "vi", "french": "fr", "français": "fr"}
UNDETERMINED: Final = "und"
# Nodes that pyxform adds for the look of a table-list; they hold no answer.
GENERATED: Final = ("generated_table_list_label_", "reserved_name_for_field_list_labels_")
_MEDIA: Final = ("image", "big-image", "audio", "video")
_BY_BIND: Final = {
    "int": "integer",
    "integer": "integer",
    "decimal": "decimal",
    "date": "date",
    "time": "time",
    "dateTime": "dateTime",
    "geopoint": "geopoint",
    "geotrace": "geotrace",
    "geoshape": "geoshape",
    "barcode": "barcode",
}
_BY_CONTROL: Final = {
    "select1": "select_one",
    "select": "select_multiple",
    "rank": "rank",
    "trigger": "acknowledge",
    "range": "range",
}
_CONTROLS: Final = frozenset({"input", "secret", "textarea", "upload", *_BY_CONTROL})


@dataclass(frozen=True, slots=True)
class Mark:
    """What the workbook knows of a node and its XForm does not."""

    cell: str
    type: str
    letters: Mapping[str, str] = field(default_factory=dict)  # column -> where its cell stands
    parameters: Mapping[str, str] = field(default_factory=dict)


def language_code(name: str) -> str:
    """The code of a language as authors write it: "Tiếng Việt (vi)" is "vi"."""
    match = _CODE.search(name)
    if match:
        return match.group(1).lower() if len(match.group(1)) <= 3 else match.group(1)
    return _LANGUAGES.get(name.strip().lower(), name.strip()) or UNDETERMINED


def read_xml(source: str | bytes) -> ET.Element:
    """The root element; raises FormError for anything but well-formed XML without a document type."""
    try:
        return fromstring(source, forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError):
        raise FormError([Issue("not_xml", "")]) from None


def definition_from_xform(
    source: str | bytes, marks: Mapping[Steps, Mark] | None = None, language: str = UNDETERMINED
) -> FormDefinition:
    """The form that an XForm describes; raises FormError with everything that cannot be run.

    `language` is the code for texts that stand without one.
    """
    # What pyxform has just written needs no guard, and the guarded parser is ten times slower.
    root = ET.fromstring(source) if marks is not None else read_xml(source)  # noqa: S314
    model = root.find(f"{_HTML}head/{_XF}model")
    instance = None if model is None else model.find(f"{_XF}instance")
    if model is None or instance is None or len(instance) == 0:
        raise FormError([Issue("not_an_xform", "")])
    reader = _Reader(root, model, instance[0], dict(marks or {}), language)
    definition = reader.definition()
    errors = list(reader.issues)
    order, cycles = calculation_order(definition.items)
    if errors or cycles:
        raise FormError([*errors, *cycles])
    return replace(definition, order=order)


@dataclass(slots=True)
class _Control:
    """What the body says of a node."""

    tag: str
    element: ET.Element


class _Reader:
    """One reading of one XForm; gathers issues."""

    def __init__(
        self, root: ET.Element, model: ET.Element, primary: ET.Element, marks: dict[Steps, Mark], language: str
    ) -> None:
        self.issues: list[Issue] = []
        self.marks = marks
        self.title = root.findtext(f"{_HTML}head/{_HTML}title", "")
        self.primary = primary
        self.root_name = _local(primary.tag)
        self.binds = {bind.get("nodeset", "").strip(): bind.attrib for bind in model.findall(f"{_XF}bind")}
        self.languages, self.itext = _read_itext(model, language)
        self.instances = {
            element.get("id", ""): element for element in model.findall(f"{_XF}instance")[1:] if element.get("id")
        }
        self.controls: dict[str, _Control] = {}
        self.groups: dict[str, ET.Element] = {}
        self.repeats: dict[str, ET.Element] = {}
        self.actions: dict[str, list[tuple[str, ET.Element, str | None]]] = {}
        for element in model:
            self._note_action(element, None)
        body = root.find(f"{_HTML}body")
        for element in body if body is not None else ():
            self._read_body(element)
        self.items_of = {name: list(_items(element)) for name, element in self.instances.items()}
        self.schema = self._read_schema()

    # -- what the document holds ----------------------------------------------------------------------------------

    def _read_body(self, element: ET.Element) -> None:
        tag = _local(element.tag)
        ref = (element.get("ref") or element.get("nodeset") or element.get("bind") or "").strip()
        if tag == "group":
            if ref:
                self.groups[ref] = element
        elif tag == "repeat":
            self.repeats[ref] = element
        elif tag in _CONTROLS:
            self.controls[ref] = _Control(tag, element)
        for child in element:
            if tag in _CONTROLS or tag in ("group", "repeat"):
                self._note_action(child, ref if tag in _CONTROLS else None)
            if tag in ("group", "repeat"):
                self._read_body(child)

    def _note_action(self, element: ET.Element, trigger: str | None) -> None:
        if _local(element.tag) in ("setvalue", "setgeopoint", "recordaudio"):
            ref = (element.get("ref") or "").strip()
            for event in (
                element.get("event") or element.get("{http://www.w3.org/2001/xml-events}event") or ""
            ).split():
                self.actions.setdefault(ref, []).append((event, element, trigger))

    def _read_schema(self) -> Schema:
        kinds: dict[Steps, str] = {}

        def note(element: ET.Element, path: Steps) -> None:
            for child in _children(element):
                here = (*path, _local(child.tag))
                is_repeat = self.nodeset(here) in self.repeats
                kinds[here] = REPEAT if is_repeat else GROUP if len(child) else QUESTION
                note(child, here)

        note(self.primary, ())
        columns = {name: self._columns(name) for name in self.instances}
        return schema_from(kinds, columns, self.root_name)

    def _columns(self, name: str) -> frozenset[str] | None:
        if self.instances[name].get("src"):
            return None
        items = self.items_of[name]
        return frozenset({"name", "label", "itextId"}.union(*items)) if items else None

    def nodeset(self, path: Steps) -> str:
        """The absolute path as the document writes it."""
        return "/".join(("", self.root_name, *path))

    # -- the tree -------------------------------------------------------------------------------------------------

    def definition(self) -> FormDefinition:
        choice_lists = {name: self._choice_list(name) for name, items in self.items_of.items() if _is_list(items)}
        items = self._read_items(self.primary, (), choice_lists)
        form_id = self.primary.get("id") or (self.primary.tag.partition("}")[0][1:] if "}" in self.primary.tag else "")
        name_bind = self.binds.get(self.nodeset(("meta", "instanceName")), {})
        others = {
            name: tuple(found)
            for name, found in self.items_of.items()
            if name not in choice_lists and not self.instances[name].get("src")
        }
        return FormDefinition(
            form_id=form_id,
            version=self.primary.get("version") or self.primary.get(f"{_ORX}version") or "",
            title=Text({self.languages[0]: (self.title,)} if self.title else {}),
            languages=self.languages,
            items=items,
            choice_lists=choice_lists,
            instances=others,
            instance_name=self._expression(name_bind.get("calculate"), ("meta", "instanceName"), "instance_name"),
        )

    def _read_items(self, element: ET.Element, path: Steps, lists: dict[str, ChoiceList]) -> tuple[Item, ...]:
        found: list[Item] = []
        for child in _children(element):
            here = (*path, _local(child.tag))
            if here == ("meta",) or here[-1].startswith(GENERATED):
                continue
            if self.schema.kinds[here] == QUESTION and not self._is_empty_group(here):
                found.append(self._question(child, here, lists))
            else:
                found.append(self._group(child, here, lists))
        return tuple(found)

    def _is_empty_group(self, path: Steps) -> bool:
        return self.nodeset(path) in self.groups and self.nodeset(path) not in self.controls

    def _group(self, element: ET.Element, path: Steps, lists: dict[str, ChoiceList]) -> Group:
        nodeset = self.nodeset(path)
        bind = self.binds.get(nodeset, {})
        body = self.groups.get(nodeset)
        mark = self.marks.get(path)
        repeat = self.repeats.get(nodeset)
        label = self._text(body, "label", path) or self._table_label(element, path)
        group = Group(
            name=path[-1],
            path=path,
            cell=mark.cell if mark else nodeset,
            children=self._read_items(element, path, lists),
            label=label if label or repeat is None else self._text(repeat, "label", path),
            relevant=self._expression(bind.get("relevant"), path, "relevant"),
            read_only=self._flag(bind.get("readonly"), path, "read_only"),
            appearance="" if body is None else body.get("appearance", ""),
        )
        return group if repeat is None else self._repeat(group, repeat)

    def _table_label(self, element: ET.Element, path: Steps) -> Text:
        """The label of a table-list, which pyxform moves from the group into a note of its own."""
        for child in _children(element):
            control = self.controls.get(self.nodeset((*path, _local(child.tag))))
            if control and _local(child.tag).startswith(GENERATED[0]):
                return self._text(control.element, "label", path)
        return Text()

    def _repeat(self, group: Group, repeat: ET.Element) -> Repeat:
        return Repeat(
            name=group.name,
            path=group.path,
            cell=group.cell,
            children=group.children,
            label=group.label,
            relevant=group.relevant,
            read_only=group.read_only,
            appearance=repeat.get("appearance", "") or group.appearance,
            count=self._expression(repeat.get(f"{_JR}count"), group.path[:-1], "repeat_count"),
            actions=self._actions(group.path),
        )

    def _question(self, element: ET.Element, path: Steps, lists: dict[str, ChoiceList]) -> Question:
        nodeset = self.nodeset(path)
        bind = self.binds.get(nodeset, {})
        control = self.controls.get(nodeset)
        body = control.element if control else None
        mark = self.marks.get(path)
        type_ = mark.type if mark else _type_of(control, bind)
        choices, choice_filter, randomize = self._choices(body, path, lists)
        return Question(
            name=path[-1],
            type=type_,
            path=path,
            cell=mark.cell if mark else nodeset,
            label=self._text(body, "label", path),
            hint=self._text(body, "hint", path),
            guidance=self._text(body, "hint", path, "guidance"),
            relevant=self._expression(bind.get("relevant"), path, "relevant"),
            constraint=self._expression(bind.get("constraint"), path, "constraint"),
            constraint_message=self._message(bind.get(f"{_JR}constraintMsg"), path),
            required=self._flag(bind.get("required"), path, "required"),
            required_message=self._message(bind.get(f"{_JR}requiredMsg"), path),
            calculation=self._expression(bind.get("calculate"), path, "calculation"),
            default=(element.text or "").strip() or None,
            actions=self._actions(path),
            read_only=None if type_ == "note" else self._flag(bind.get("readonly"), path, "read_only"),
            choices=choices,
            choice_filter=choice_filter,
            appearance="" if body is None else body.get("appearance", ""),
            parameters={**_parameters(control, bind), **(mark.parameters if mark else {}), **randomize},
            media=self._media(body, path),
        )

    # -- expressions ----------------------------------------------------------------------------------------------

    def _expression(self, text: str | None, path: Steps, column: str) -> Expression | None:
        if text is None or not text.strip():
            return None
        expression, errors = check(text, self.schema, path)
        for error in errors:
            self._complain(error, path, column)
        return expression

    def _complain(self, error: ExpressionError, path: Steps, column: str) -> None:
        mark = self.marks.get(path)
        where = mark.letters.get(column, mark.cell) if mark else self.nodeset(path)
        self.issues.append(Issue(error.code, where, error.parameters))

    def _flag(self, text: str | None, path: Steps, column: str) -> Expression | None:
        """A yes/no expression; plain "no" is the same as leaving it out."""
        expression = self._expression(text, path, column)
        return None if expression == Call("false") else expression

    def _actions(self, path: Steps) -> tuple[Action, ...]:
        found = []
        for event, element, trigger in self.actions.get(self.nodeset(path), ()):
            if _local(element.tag) != "setvalue":
                continue
            value: Expression | None = Literal((element.text or "").strip())
            if element.get("value") is not None:
                value = self._expression(element.get("value"), path, "default") or Literal("")
            found.append(Action(event, value or Literal(""), self._steps(trigger)))
        return tuple(found)

    def _steps(self, nodeset: str | None) -> Steps | None:
        return None if nodeset is None else tuple(nodeset.strip("/").split("/")[1:])

    # -- choices --------------------------------------------------------------------------------------------------

    def _choices(
        self, body: ET.Element | None, path: Steps, lists: dict[str, ChoiceList]
    ) -> tuple[str | None, Expression | None, dict[str, str]]:
        """The list's name, what filters it, and how it is shuffled."""
        if body is None:
            return None, None, {}
        itemset = body.find(f"{_XF}itemset")
        if itemset is None:
            inline = body.findall(f"{_XF}item")
            if inline:
                lists["/".join(path)] = ChoiceList("/".join(path), tuple(self._inline_choice(item) for item in inline))
            return ("/".join(path), None, {}) if inline else (None, None, {})
        try:
            raw = parse_raw(itemset.get("nodeset", ""))
        except ExpressionError as error:
            self._complain(error, path, "choice_filter")
            return None, None, {}
        parameters = _item_columns(itemset)
        if isinstance(raw, RawCall) and raw.name == "randomize":
            parameters |= self._shuffled(raw, path)
            raw = raw.arguments[0]
        if not isinstance(raw, RawPath) or raw.start != "instance":
            where = self.marks[path].cell if path in self.marks else self.nodeset(path)
            self.issues.append(Issue("choices_from_repeat", where))
            return None, None, {}
        return raw.id, self._filter(raw, path), parameters

    def _filter(self, raw: RawPath, path: Steps) -> Expression | None:
        columns = self.schema.columns.get(raw.id)
        found: Expression | None = None
        for step in raw.steps:
            for predicate in step.predicates:
                expression, errors = check_raw(predicate, self.schema, path, True if columns is None else columns)
                for error in errors:
                    self._complain(error, path, "choice_filter")
                if expression is not None:
                    found = expression if found is None else Call("and", (found, expression))
        return found

    def _shuffled(self, raw: RawCall, path: Steps) -> dict[str, str]:
        """randomize as parameters; a seed is a number, or "/" and the schema path of the question that holds it."""
        if len(raw.arguments) < 2:
            return {"randomize": "true"}
        seed, errors = check_raw(raw.arguments[1], self.schema, path)
        for error in errors:
            self._complain(error, path, "parameters")
        text = "/" + "/".join(seed.steps) if isinstance(seed, Path) else ""
        return {"randomize": "true", "seed": str(seed.value) if isinstance(seed, Literal) else text}

    def _inline_choice(self, item: ET.Element) -> Choice:
        return Choice((item.findtext(f"{_XF}value") or "").strip(), self._text(item, "label", ()))

    def _choice_list(self, name: str) -> ChoiceList:
        return ChoiceList(name, tuple(self._choice(item) for item in self.items_of[name]))

    def _choice(self, item: Mapping[str, str]) -> Choice:
        extra = {key: value for key, value in item.items() if key not in ("name", "label", "itextId")}
        if "itextId" not in item:
            label = {self.languages[0]: (item["label"],)} if item.get("label") else {}
            return Choice(item.get("name", ""), Text(label), extra=extra)
        forms = self._itext(item["itextId"], ())
        media = {name: text for name in _MEDIA if (text := forms.get(name))}
        return Choice(item.get("name", ""), forms.get("", Text()), media, extra)

    # -- texts ----------------------------------------------------------------------------------------------------

    def _text(self, element: ET.Element | None, tag: str, path: Steps, form: str = "") -> Text:
        found = None if element is None else element.find(f"{_XF}{tag}")
        if found is None:
            return Text()
        reference = _ITEXT.fullmatch(found.get("ref", ""))
        if reference:
            return self._itext(reference.group(1), path).get(form, Text())
        rich = self._rich(found, path)
        return Text({self.languages[0]: rich}) if rich and not form else Text()

    def _message(self, text: str | None, path: Steps) -> Text:
        reference = _ITEXT.fullmatch(text or "")
        if reference:
            return self._itext(reference.group(1), path).get("", Text())
        return Text({self.languages[0]: (text,)}) if text else Text()

    def _media(self, body: ET.Element | None, path: Steps) -> dict[str, Text]:
        return {name: text for name in _MEDIA if (text := self._text(body, "label", path, name))}

    def _itext(self, id_: str, path: Steps) -> dict[str, Text]:
        """Every form of an itext entry ("" is the plain one); pyxform's "-" for a missing translation is dropped."""
        forms: dict[str, dict[str, Rich]] = {}
        for language in self.languages:
            for value in self.itext.get(language, {}).get(id_, ()):
                rich = self._rich(value, path)
                form = value.get("form", "")
                if rich and form in _MEDIA:
                    rich = (str(rich[0]).rsplit("/", 1)[-1],)
                if rich:
                    forms.setdefault("" if form == "long" else form, {})[language] = rich
        return {form: Text(_without_dashes(texts)) for form, texts in forms.items()}

    def _rich(self, element: ET.Element, path: Steps) -> Rich:
        parts: list[str | Expression] = [element.text or ""]
        for child in element:
            if _local(child.tag) == "output":
                value = self._expression(child.get("value") or child.get("ref"), path, "label")
                parts.extend(() if value is None else (value,))
            parts.append(child.tail or "")
        if parts and isinstance(parts[0], str):
            parts[0] = parts[0].lstrip()
        if parts and isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        return tuple(part for part in parts if part != "")


def _without_dashes(texts: dict[str, Rich]) -> dict[str, Rich]:
    real = {language: rich for language, rich in texts.items() if rich != ("-",)}
    return real or texts


def _read_itext(model: ET.Element, plain: str) -> tuple[tuple[str, ...], dict[str, dict[str, list[ET.Element]]]]:
    """Language codes, the default one first, and code -> id -> values."""
    translations = model.findall(f"{_XF}itext/{_XF}translation")
    translations.sort(key=lambda element: element.get("default", "") not in ("true()", "true"))
    texts: dict[str, dict[str, list[ET.Element]]] = {}
    for translation in translations:
        name = translation.get("lang", "")
        code = plain if name == "default" else language_code(name)
        entries = texts.setdefault(code, {})
        for text in translation.findall(f"{_XF}text"):
            entries[text.get("id", "")] = text.findall(f"{_XF}value")
    return tuple(texts) or (plain,), texts


def _items(instance: ET.Element) -> Iterator[dict[str, str]]:
    """The flat items below an instance's root."""
    for root in instance:
        for item in root:
            if len(item):
                yield {_local(child.tag): (child.text or "").strip() for child in item}


def _is_list(items: list[dict[str, str]]) -> bool:
    return bool(items) and "name" in items[0] and ("itextId" in items[0] or "label" in items[0])


def _children(element: ET.Element) -> Iterator[ET.Element]:
    """The child nodes, each name once: a repeat stands in the document as its template and as its first row."""
    seen: set[str] = set()
    for child in element:
        name = _local(child.tag)
        if name not in seen:
            seen.add(name)
            yield child


def _local(tag: str) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _item_columns(itemset: ET.Element) -> dict[str, str]:
    """Which fields of an item are value and label, where they are not the usual ones."""
    found = {}
    for name, usual in (("value", "name"), ("label", "label")):
        element = itemset.find(f"{_XF}{name}")
        ref = "" if element is None else element.get("ref", "").strip()
        if ref and ref != usual and "(" not in ref:
            found[name] = ref
    return found


def _parameters(control: _Control | None, bind: Mapping[str, str]) -> dict[str, str]:
    found = {}
    if control and control.tag == "range":
        found = {name: control.element.get(name, "") for name in ("start", "end", "step")}
    if f"{_ORX}max-pixels" in bind:
        found["max-pixels"] = bind[f"{_ORX}max-pixels"]
    if control and control.element.get("rows"):
        found["rows"] = control.element.get("rows", "")
    return {name: value for name, value in found.items() if value}


_PRELOADS: Final[Mapping[tuple[str, str], str]] = {
    ("timestamp", "start"): "start",
    ("timestamp", "end"): "end",
    ("date", "today"): "today",
    ("property", "deviceid"): "deviceid",
    ("property", "username"): "username",
    ("property", "email"): "email",
    ("property", "phonenumber"): "phonenumber",
}


def _type_of(control: _Control | None, bind: Mapping[str, str]) -> str:
    """The type of a node of an XForm written elsewhere, from its control and bind."""
    kind = bind.get("type", "string").rpartition(":")[2]
    if control is None:
        preload = _PRELOADS.get((bind.get(f"{_JR}preload", ""), bind.get(f"{_JR}preloadParams", "")))
        return preload or ("calculate" if bind.get("calculate") else "hidden")
    if control.tag in _BY_CONTROL:
        return _BY_CONTROL[control.tag]
    if control.tag == "upload":
        media = (control.element.get("mediatype") or "").partition("/")[0]
        return media if media in ("image", "audio", "video") else "file"
    is_fixed = bind.get("readonly", "").strip() == "true()" and not bind.get("calculate")
    return "note" if kind == "string" and is_fixed else _BY_BIND.get(kind, "text")
