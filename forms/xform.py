"""XForm XML -> FormDefinition: binds, body, itext, secondary instances and actions become one frozen tree."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from forms.beginning import EVENTS, MAX_DEPTH, children, first_rows, is_too_deep, local, preset, without_predicates
from forms.controls import CONTROLS, Control, cast, foreign, item_columns, parameters_of, text_id, type_of
from forms.expressions.resolve import GROUP, QUESTION, REPEAT, Schema, Steps, check, check_raw, schema_from
from forms.expressions.syntax import ExpressionError, RawCall, RawPath, parse_raw
from forms.issues import FormError, Issue
from forms.languages import UNDETERMINED, language_code
from forms.longlists import LongList, choice_list
from forms.model import (
    Action,
    Call,
    Choice,
    ChoiceList,
    Expression,
    Filter,
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
# Nodes that pyxform adds for the look of a table-list; they hold no answer.
GENERATED: Final = ("generated_table_list_label_", "reserved_name_for_field_list_labels_")
_MEDIA: Final = ("image", "big-image", "audio", "video")
_RULES: Final = ("calculate", "relevant", "constraint", "required", "readonly")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the workbook knows of a node and its XForm does not."""

    cell: str
    type: str
    letters: Mapping[str, str] = field(default_factory=dict)  # column -> where its cell stands
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_xml(source: str | bytes) -> ET.Element:
    """The root element; raises FormError for anything but well-formed XML without a document type."""
    try:
        return fromstring(source, forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError):
        raise FormError([Issue("not_xml", "")]) from None


def definition_from_xform(
    source: str | bytes,
    marks: Mapping[Steps, Mark] | None = None,
    language: str = UNDETERMINED,
    long: Mapping[str, LongList] | None = None,
) -> FormDefinition:
    """The form that an XForm describes; raises FormError with everything that cannot be run.

    `language` is the code for texts that stand without one; of `long` lists the XForm holds no more than a row.
    """
    # What pyxform has just written needs no guard, and the guarded parser is ten times slower.
    root = ET.fromstring(source) if marks is not None else read_xml(source)  # noqa: S314
    model = root.find(f"{_HTML}head/{_XF}model")
    instance = None if model is None else model.find(f"{_XF}instance")
    if model is None or instance is None or len(instance) == 0:
        raise FormError([Issue("not_an_xform", "")])
    # A control and what stands in it may be four deep below the groups around it, each of which may bear a repeat.
    if is_too_deep(instance[0], MAX_DEPTH) or is_too_deep(root.find(f"{_HTML}body"), 2 * MAX_DEPTH + 4):
        raise FormError([Issue("too_deep", "", {"most": MAX_DEPTH})])
    reader = _Reader(root, model, instance[0], marks, language, long or {})
    definition = reader.definition()
    errors = list(reader.issues)
    order, cycles = calculation_order(definition.items)
    if errors or cycles:
        raise FormError([*errors, *cycles])
    return replace(definition, order=order)


def instance_sources(source: str | bytes) -> dict[str, str]:
    """The secondary instances of an XForm that come from elsewhere: id -> address."""
    found = read_xml(source).iterfind(f"{_HTML}head/{_XF}model/{_XF}instance")
    return {element.get("id", ""): element.get("src", "") for element in found if element.get("src")}


class _Reader:
    """One reading of one XForm; gathers issues."""

    def __init__(
        self,
        root: ET.Element,
        model: ET.Element,
        primary: ET.Element,
        marks: Mapping[Steps, Mark] | None,
        language: str,
        long: Mapping[str, LongList],
    ) -> None:
        self.long = long
        self.issues: list[Issue] = []
        self.is_workbook = marks is not None
        self.marks = dict(marks or {})
        self.title = root.findtext(f"{_HTML}head/{_HTML}title", "")
        self.primary = primary
        self.root_name = local(primary.tag)
        binds = [(self._absolute(bind.get("nodeset", "").strip()), bind) for bind in model.findall(f"{_XF}bind")]
        self.binds = {nodeset: bind.attrib for nodeset, bind in binds}
        self.bind_ids = {bind.get("id", ""): nodeset for nodeset, bind in binds}
        self.asks_texts = any("jr:itext(" in bind.get(rule, "") for bind in self.binds.values() for rule in _RULES)
        self.languages, self.itext = _read_itext(model, language)
        self.instances = {
            element.get("id", ""): element for element in model.findall(f"{_XF}instance")[1:] if element.get("id")
        }
        self.controls: dict[str, Control] = {}
        self.groups: dict[str, ET.Element] = {}
        self.repeats: dict[str, ET.Element] = {}
        self.actions: dict[str, list[tuple[str, ET.Element, str | None]]] = {}
        for element in model:
            self._note_action(element, None)
        body = root.find(f"{_HTML}body")
        self.style = "" if body is None else body.get("class", "")
        for element in body if body is not None else ():
            self._read_body(element)
        self.items_of = {name: list(_items(element)) for name, element in self.instances.items()}
        self.schema = self._read_schema()

    # -- what the document holds ----------------------------------------------------------------------------------

    def _read_body(self, element: ET.Element, above: str = "", wrapping: ET.Element | None = None) -> None:
        """Note the controls below an element; `wrapping` is a group without a node around a repeat, which it labels."""
        tag = local(element.tag)
        ref = (element.get("ref") or element.get("nodeset") or "").strip()
        ref = ref or self.bind_ids.get(element.get("bind", "").strip(), "")
        ref = self._absolute(ref, above)
        if tag == "group":
            if ref or (place := self._place_of(element)):
                self.groups.setdefault(ref or place, element)
        elif tag == "repeat":
            self.repeats[ref] = element
            if wrapping is not None:
                self.groups.setdefault(ref, wrapping)
        elif tag in CONTROLS:
            self.controls[ref] = Control(tag, element)
        for child in element:
            if tag in CONTROLS or tag in ("group", "repeat"):
                self._note_action(child, ref if tag in CONTROLS else None)
            if tag in ("group", "repeat"):
                self._read_body(child, ref or above, element if tag == "group" and not ref else None)

    def _absolute(self, reference: str, above: str = "") -> str:
        """A reference from the root, where it is written from the group it stands in or from the form."""
        if not reference or reference.startswith("/"):
            return reference
        return f"{above or '/' + self.root_name}/{reference.removeprefix('./')}"

    def _place_of(self, group: ET.Element) -> str:
        """The node whose children a group without one shows, as ODK Build writes groups; "" for the root's."""
        shown = [child for child in group.iter() if local(child.tag) in CONTROLS or local(child.tag) == "repeat"]
        paths = [path for child in shown if (path := child.get("ref") or child.get("nodeset") or "").startswith("/")]
        above = [path.strip("/").split("/")[:-1] for path in paths]
        shared = [names[0] for names in zip(*above, strict=False) if len(set(names)) == 1]
        return "/" + "/".join(shared) if len(shared) > 1 and len(paths) == len(shown) else ""

    def _note_action(self, element: ET.Element, trigger: str | None) -> None:
        if local(element.tag) in ("setvalue", "setgeopoint", "recordaudio"):
            events = element.get("event") or element.get("{http://www.w3.org/2001/xml-events}event") or ""
            reference = (element.get("ref") or "").strip()
            for event in events.split():
                source = trigger if event == "xforms-value-changed" else None
                self.actions.setdefault(without_predicates(reference), []).append((event, element, source))
                if event not in EVENTS:
                    self.issues.append(Issue("unsupported_event", reference, {"name": event}))
            if local(element.tag) != "setvalue" and not self._is_start(element, events):
                self.issues.append(Issue("unsupported_action", reference, {"name": local(element.tag)}))

    def _is_start(self, element: ET.Element, events: str) -> bool:
        """True for the place where an interview begins, which is a type of its own."""
        return local(element.tag) == "setgeopoint" and events.strip() == "odk-instance-first-load"

    def _read_schema(self) -> Schema:
        kinds: dict[Steps, str] = {}

        def note(element: ET.Element, path: Steps) -> None:
            for child in children(element):
                here = (*path, local(child.tag))
                is_repeat = self.nodeset(here) in self.repeats
                kinds[here] = REPEAT if is_repeat else GROUP if len(child) else QUESTION
                note(child, here)

        note(self.primary, ())
        columns = {name: self._columns(name) for name in self.instances}
        return schema_from(kinds, columns, self.root_name)

    def _columns(self, name: str) -> frozenset[str] | None:
        if self.instances[name].get("src"):
            return None
        items = self.long[name].rows if name in self.long else self.items_of[name]
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
        for nodeset in self.binds:
            if "/@" in nodeset and "/meta/" not in nodeset.replace("orx:", ""):
                self.issues.append(Issue("expression_attribute", nodeset, {"position": nodeset.index("/@") + 2}))
        return FormDefinition(
            form_id=form_id,
            version=self.primary.get("version") or self.primary.get(f"{_ORX}version") or "",
            title=Text({self.languages[0]: (self.title,)} if self.title else {}),
            languages=self.languages,
            items=items,
            choice_lists=choice_lists,
            instances=others,
            settings={"style": self.style} if self.style and not self.is_workbook else {},
            texts=self._texts_asked(),
            instance_name=self._expression(name_bind.get("calculate"), ("meta", "instanceName"), "instance_name"),
        )

    def _read_items(self, element: ET.Element, path: Steps, lists: dict[str, ChoiceList]) -> tuple[Item, ...]:
        found: list[Item] = []
        for child in children(element):
            here = (*path, local(child.tag))
            if here == ("meta",) or here[-1].startswith(GENERATED):
                continue
            if self.schema.kinds[here] == QUESTION and not self._is_empty_group(here):
                found.append(self._question(child, here, lists))
            else:
                found.append(self._group(child, here, lists))
            if isinstance(found[-1], Repeat):
                found[-1] = self._begun(found[-1], element)
        return tuple(found)

    def _begun(self, repeat: Repeat, parent: ET.Element) -> Repeat:
        """A repeat with the rows that an XForm gives it; one made from a workbook begins without."""
        if self.is_workbook:
            return repeat
        first = first_rows(parent, repeat.name, lambda path: self.nodeset(path) in self.repeats, repeat.path)
        is_fixed = self.repeats[self.nodeset(repeat.path)].get(f"{_JR}noAddRemove", "") in ("true()", "true")
        count = Literal(float(len(first))) if is_fixed and repeat.count is None else repeat.count
        return replace(repeat, first=first, count=count)

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
            media=self._media(body, path),
        )
        return group if repeat is None else self._repeat(group, repeat)

    def _table_label(self, element: ET.Element, path: Steps) -> Text:
        """The label of a table-list, which pyxform moves from the group into a note of its own."""
        for child in children(element):
            control = self.controls.get(self.nodeset((*path, local(child.tag))))
            if control and local(child.tag).startswith(GENERATED[0]):
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
            media=group.media,
            count=self._expression(repeat.get(f"{_JR}count"), group.path, "repeat_count"),
            actions=self._actions(group.path),
        )

    def _question(self, element: ET.Element, path: Steps, lists: dict[str, ChoiceList]) -> Question:
        nodeset = self.nodeset(path)
        bind = self.binds.get(nodeset, {})
        control = self.controls.get(nodeset)
        body = control.element if control else None
        mark = self.marks.get(path)
        type_ = mark.type if mark else type_of(control, bind)
        if not mark and (strange := foreign(control, bind)):
            self.issues.append(Issue(strange.code, nodeset, strange.parameters))
        acts = [local(action.tag) for _, action, _ in self.actions.get(nodeset, ())]
        if control is None and "setgeopoint" in acts:
            type_ = "start-geopoint"
        choices, choice_filter, randomize = self._choices(body, path, lists)
        itemset = self._rows_offered(body, path) if choices and choices.startswith("/") else None
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
            calculation=cast(self._expression(bind.get("calculate"), path, "calculation"), bind, type_),
            default=(element.text or "").strip() or None,
            actions=(*self._preset(control, bind, path), *self._actions(path)),
            read_only=None if type_ == "note" else self._flag(bind.get("readonly"), path, "read_only"),
            choices=choices,
            choice_filter=choice_filter,
            itemset=itemset,
            appearance="" if body is None else body.get("appearance", ""),
            parameters={**parameters_of(control, bind), **(mark.parameters if mark else {}), **randomize},
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

    def _preset(self, control: Control | None, bind: Mapping[str, str], path: Steps) -> tuple[Action, ...]:
        preload, parameter = bind.get(f"{_JR}preload", ""), bind.get(f"{_JR}preloadParams", "")
        if control is None and preload != "uid":
            return ()
        return preset(preload, parameter, self.schema.repeats_in(path) > 0)

    def _actions(self, path: Steps) -> tuple[Action, ...]:
        found = []
        for event, element, trigger in self.actions.get(self.nodeset(path), ()):
            if local(element.tag) != "setvalue":
                continue
            value: Expression | None = Literal((element.text or "").strip())
            start = self._steps(trigger)
            if (text := element.get("value")) is not None:
                value = self._expression(text, self._stands(text, path, start), "default") or Literal("")
            reference = element.get("ref", "")
            target = self._expression(reference, start or path, "default") if "[" in reference else None
            found.append(Action(event, value or Literal(""), start, target))
        return tuple(found)

    def _stands(self, text: str, path: Steps, trigger: Steps | None) -> Steps:
        """Where a value's relative paths begin: at what it sets, else at its trigger, as pyxform has it in repeats."""
        if trigger is None or not check(text, self.schema, path)[1] or check(text, self.schema, trigger)[1]:
            return path
        is_above = self.schema.repeats_in(trigger) <= self.schema.repeats_in(path)
        return trigger if is_above else path

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
        parameters = item_columns(itemset)
        if isinstance(raw, RawCall) and raw.name == "randomize":
            parameters |= self._shuffled(raw, path)
            raw = raw.arguments[0]
        if not isinstance(raw, RawPath):
            where = self.marks[path].cell if path in self.marks else self.nodeset(path)
            self.issues.append(Issue("choices_from_repeat", where))
            return None, None, {}
        if raw.start != "instance":
            return "/" + "/".join(step.name for step in raw.steps if step.name not in (".", "..")), None, parameters
        if "value" in parameters and "(" in _label_reference(itemset):
            return self._named_list(raw.id, itemset, lists), self._filter(raw, path), {}
        return raw.id, self._filter(raw, path), parameters

    def _rows_offered(self, body: ET.Element | None, path: Steps) -> Expression | None:
        """The rows of a repeat whose answers are the choices of a question."""
        itemset = None if body is None else body.find(f"{_XF}itemset")
        raw = parse_raw("" if itemset is None else itemset.get("nodeset", ""))
        if isinstance(raw, RawCall):
            raw = raw.arguments[0]
        found, errors = check_raw(raw, self.schema, path)
        for error in errors:
            self._complain(error, path, "type")
        rows = found.source if isinstance(found, Filter) and not found.steps else found
        if not errors and not (isinstance(rows, Path) and self.schema.kinds.get(rows.steps) == REPEAT):
            where = self.marks[path].cell if path in self.marks else self.nodeset(path)
            self.issues.append(Issue("choices_from_repeat", where))
        return found

    def _named_list(self, instance: str, itemset: ET.Element, lists: dict[str, ChoiceList]) -> str:
        """A list of choices from items whose names stand in another field and whose labels are in the itext."""
        value = item_columns(itemset)["value"]
        name, column = f"{instance}/{value}", _label_reference(itemset).partition("(")[2].strip(" )")
        choices = []
        for item in self.items_of.get(instance, ()):
            forms = self._itext(item.get(column, ""), ())
            media = {kind: text for kind in _MEDIA if (text := forms.get(kind))}
            choices.append(Choice(item.get(value, ""), forms.get("", Text()), media, item))
        lists[name] = ChoiceList(name, tuple(choices))
        return name

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
        name = (item.findtext(f"{_XF}value") or "").strip()
        return Choice(name, self._text(item, "label", ()), self._media(item, ()))

    def _choice_list(self, name: str) -> ChoiceList:
        if name in self.long:
            return choice_list(self.long[name], self.languages)
        return ChoiceList(name, tuple(self._choice(item) for item in self.items_of[name]))

    def _choice(self, item: Mapping[str, str]) -> Choice:
        drawn = ("name", "label") if self.asks_texts else ("name", "label", "itextId")
        extra = {key: value for key, value in item.items() if key not in drawn}
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
        if not text:
            return Text()
        key = text_id(text)
        return Text({self.languages[0]: (text,)}) if key is None else self._itext(key, path).get("", Text())

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
        if "" not in forms and "short" in forms:  # the shorter wording is better than none
            forms[""] = forms["short"]
        return {form: Text(_without_dashes(texts)) for form, texts in forms.items()}

    def _texts_asked(self) -> dict[str, Text]:
        """The texts that expressions may ask for by id: none unless some rule calls jr:itext."""
        if not self.asks_texts:
            return {}
        keys = dict.fromkeys(key for texts in self.itext.values() for key in texts)
        return {key: self._itext(key, ()).get("", Text()) for key in keys}

    def _rich(self, element: ET.Element, path: Steps) -> Rich:
        parts: list[str | Expression] = [element.text or ""]
        for child in element:
            if local(child.tag) == "output":
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
                columns = {f"@{local(name)}": text for name, text in item.attrib.items()}
                yield columns | {local(child.tag): (child.text or "").strip() for child in item}


def _is_list(items: list[dict[str, str]]) -> bool:
    return bool(items) and "name" in items[0] and ("itextId" in items[0] or "label" in items[0])


def _label_reference(itemset: ET.Element) -> str:
    label = itemset.find(f"{_XF}label")
    return "" if label is None else label.get("ref", "").strip()
