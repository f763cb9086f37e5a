"""Runs recorded form sessions (`scenarios.json` of a folder) on both engines and says how each went."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forms.model import Question
from tests.conformance.engines import Engine, NodeEngine, PythonEngine
from tests.conformance.scenario_driver import LOST, Choices, Driver, Mismatch, Outcome, Place, Refused, load, primary

_UUID = re.compile(r"(uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went on one engine: "passed", "refused" or "failed", and why."""

    name: str
    engine: str
    status: str
    reason: str = ""


def run(folder: Path) -> tuple[list[Result], list[str]]:
    """Every scenario of `folder` on Python and TypeScript, and the names of those on which the two differ."""
    cases = json.loads((folder / "scenarios.json").read_text("utf-8"))
    node = NodeEngine()
    results: list[Result] = []
    differences: list[str] = []
    try:
        for case in cases:
            traces = []
            for engine in (PythonEngine(), node):
                result, trace = run_one(case, engine, folder)
                results.append(result)
                traces.append(trace)
            if traces[0] != traces[1]:
                differences.append(case["name"])
    finally:
        node.close()
    return results, differences


def run_one(case: dict[str, Any], engine: Engine, folder: Path) -> tuple[Result, list[Any]]:
    """One scenario on one engine, and everything the engine was asked and said."""
    player = _Player(engine, folder)
    status, reason = "passed", ""
    try:
        player.play(case.get("steps") or ())
    except Refused as refused:
        status, reason = "refused", str(refused)
    except KnownDifference as known:
        status, reason = "known", str(known)
    except Mismatch as mismatch:
        status, reason = "failed", f"step {player.at}: {mismatch}"
    except Exception as mismatch:  # a case of others may hold anything: it is counted, never the end of the command
        status, reason = "failed", f"step {player.at}: {type(mismatch).__name__} {mismatch}"
    trace = [call for driver in player.drivers for call in driver.session.calls]
    return Result(case["name"], engine.name, status, reason), json.loads(_UUID.sub("uuid:…", json.dumps(trace)))


class _Player:
    """One scenario being played."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.results: dict[int, Any] = {}
        self.drivers: list[Driver] = []
        self.at = 0
        self.seen: dict[str, str] = {}

    def play(self, steps: Sequence[dict[str, Any]]) -> None:
        """Every step in order."""
        is_refusal = any(step.get("matcher") == "toBeInstanceOf" and step["expect"] is None for step in steps[1:2])
        for self.at, step in enumerate(steps):
            if step.get("op") == "init":
                self._init(step["args"], is_refusal)
                if is_refusal:
                    return
            elif "op" not in step and "expect" not in step:
                raise Refused("recording: neither a step nor an expectation")
            elif "op" in step:
                self.seen = {}
                if not self.drivers:
                    raise Refused("recording: a session that is not begun")
                self.results[self.at] = self.drivers[-1].take(step["op"], [_argument(a) for a in step["args"]])
            else:
                self._expect(step)

    def _init(self, arguments: Sequence[Any], is_refusal: bool) -> None:
        xml, options = self._form(arguments)
        if is_refusal:
            try:
                load(xml)
            except Refused:
                return
            raise Mismatch("the form should be refused")
        unknown = set(options) - {"editInstance"}
        if unknown:
            raise Refused(f"option {', '.join(sorted(unknown))}")
        driver = Driver.of(self.engine, xml)
        self.drivers.append(driver)
        if "editInstance" in options:
            driver.edit(options["editInstance"])

    def _form(self, arguments: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        options: dict[str, Any] = {}
        xml = ""
        for argument in arguments:
            if isinstance(argument, dict) and "xml" in argument:
                xml = argument["xml"]
            elif isinstance(argument, dict) and "resource" not in argument:
                options |= argument
        names = [a["resource"] for a in arguments if isinstance(a, dict) and "resource" in a]
        name = next(iter((*names, *arguments)), None)
        file = self.folder / "resources" / str(name)
        if not xml and file.is_file():
            xml = file.read_text("utf-8")
        if not xml:
            raise Refused(f"recording: the form {name} is not in it")
        return xml, options

    # -- expectations ---------------------------------------------------------------------------------------------

    def _expect(self, step: dict[str, Any]) -> None:
        subject, matcher = step["expect"], step["matcher"]
        if _is_closure(subject):
            raise Refused("recording: a closure")
        if subject is None and not self.drivers:
            raise Refused("recording: a session that is not begun")
        self._notice_gap(step)
        wanted = [self._literal(argument) for argument in step["args"]]
        if any(value is LOST for value in wanted):
            return
        found = self._value(subject)
        check = _MATCHERS.get(matcher)
        if check is None:
            raise Refused(f"expectation {matcher}")
        if check(found, *wanted) is bool(step.get("not")):
            if (row := _decided(subject, found, self._last_place(subject), wanted)) is not None:
                raise KnownDifference(f"{row}: {_shown(found)} {matcher} {wanted}")
            raise Mismatch(f"{_shown(found)} {'not ' if step.get('not') else ''}{matcher} {wanted}")

    def _last_place(self, subject: Any) -> Place | None:
        """The node that a value was taken of."""
        while isinstance(subject, dict):
            subject = subject.get("ref") or subject.get("of") or subject.get("call") or subject.get("step")
        found = self.results.get(subject) if isinstance(subject, int) else None
        return found if isinstance(found, Place) else None

    def _notice_gap(self, step: dict[str, Any]) -> None:
        """Two values wanted of one thing with nothing between them: a step that the recording lacks."""
        key = json.dumps([step["expect"], step["matcher"].replace("NonRelevant", "Relevant"), step.get("not")])
        wanted = json.dumps([step["matcher"], step["args"]])
        if "call" in key and self.seen.setdefault(key, wanted) != wanted:
            raise Refused("recording: a step inside another session is missing")

    def _literal(self, argument: Any) -> Any:
        if _is_closure(argument) or argument == {}:
            return LOST
        if isinstance(argument, dict) and "ref" in argument:
            return self._value(argument)
        if isinstance(argument, dict) and "getRef" in argument:
            return Place(self.drivers[-1], argument["getRef"])
        if isinstance(argument, dict) and "sourceScenario" in argument:
            return {"sourceScenario": self._value(argument["sourceScenario"])}
        return argument

    def _value(self, subject: Any) -> Any:
        if not isinstance(subject, dict) or not {"ref", "step", "scenario", "get", "call"} & set(subject):
            return subject
        if "ref" in subject:
            return self._value(subject["ref"])
        if "step" in subject:
            return self.results.get(subject["step"])
        if "scenario" in subject:
            if not self.drivers:
                raise Refused("recording: a session that is not begun")
            return self.drivers[-1]
        if "get" in subject:
            return _get(self._value(subject["of"]), subject["get"])
        call = subject["call"]
        return _call(self._value(call["of"]), call["get"], [_argument(a) for a in subject["args"]])


class KnownDifference(Exception):
    """The case wants what our decisions decide otherwise; says the row that decides it."""


def _decided(subject: Any, found: Any, place: Place | None, wanted: Sequence[Any]) -> str | None:
    """The row of the decisions that explains a difference, whatever case it comes up in."""
    if place is None or not wanted:
        wanted = [*wanted, None]
    want = wanted[0]
    item = _item(place) if place is not None and "meta" not in place.reference else None
    text = _text(place) if isinstance(item, Question) and place is not None else ""
    if isinstance(found, str) and isinstance(want, str) and found and _numbers(found) == _numbers(want) is not None:
        return "number-text"
    if item is not None and item.type == "integer" and want in (None, "") and _is_beyond_32_bits(text):
        return "whole-numbers"
    if item is not None and item.type == "select_multiple" and isinstance(want, str):
        return "selection-order" if sorted(text.split()) == sorted(want.split()) else None
    return None


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split()]
    except ValueError:
        return None


def _is_beyond_32_bits(text: str) -> bool:
    return text.removeprefix("-").isdigit() and not -(2**31) <= int(text) < 2**31


def _argument(argument: Any) -> Any:
    return LOST if argument == {} or _is_closure(argument) else argument


def _is_closure(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"fn"}


def _shown(value: Any) -> Any:
    if isinstance(value, Place):
        return f"{value.reference}={_text(value)!r}" if isinstance(_item(value), Question) else value.reference
    return value


# -- what can be asked of a result -----------------------------------------------------------------------------------


def _item(place: Place) -> Any:
    return place.driver.definition.find(tuple(re.sub(r"\[\d+\]|^.*:", "", s) for s in place.reference.split("/")[2:]))


def _address(place: Place) -> str:
    return place.driver.address(place.reference)


def _text(place: Place) -> str:
    if "meta/" in place.reference:
        return place.driver.meta(place.reference.rpartition("/")[2].rpartition(":")[2])
    return str(place.driver.session.call("seen", _address(place)))


def _typed(place: Place) -> Any:
    """The value as its type has it."""
    text = _text(place)
    if "meta/" in place.reference:
        return text
    type_ = _item(place).type
    kind = _bind_type(place)
    if kind in ("int", "integer"):
        return int(text) if text else None
    if kind == "decimal":
        return float(text) if text else None
    if kind == "geopoint":
        return _point(text)
    if kind in ("date", "time", "dateTime"):
        return text or None
    return text.split() if type_ in ("select_one", "select_multiple", "rank") else text


def _bind_type(place: Place) -> str:
    nodeset = re.sub(r"\[\d+\]", "", place.reference)
    for bind in ET.fromstring(place.driver.xml).iter("{http://www.w3.org/2002/xforms}bind"):  # noqa: S314
        if bind.get("nodeset") == nodeset:
            return bind.get("type", "string").rpartition(":")[2]
    return "string"


def _point(text: str) -> dict[str, float | None] | None:
    names = ("latitude", "longitude", "altitude", "accuracy")
    numbers = [float(part) for part in text.split()]
    return {name: numbers[i] if i < len(numbers) else None for i, name in enumerate(names)} if text else None


def _get(value: Any, name: str) -> Any:
    if isinstance(value, Place):
        match name:
            case "value":
                return _typed(value)
            case "stringValue":
                return _text(value)
            case "reference" | "xpathReference":
                return value.reference
            case "eventType":
                return value.reference
            case "node" | "currentState" | "validationState":
                return value
            case "required" | "constraint":
                return _message(value, name)
    if isinstance(value, Outcome) and name == "failedPrompt":
        return value.failed
    if isinstance(value, Outcome) and name == "outcome":
        return LOST
    if isinstance(value, str) and name in ("asString", "message"):
        return value
    raise Refused(f"property {name}")


def _call(value: Any, name: str, arguments: list[Any]) -> Any:
    if isinstance(value, Driver) and name == "editCurrentInstance":
        raise Refused("recording: a step inside another session is missing")
    if isinstance(value, Driver):
        return value.take(name, arguments)
    if isinstance(value, Choices) and name in ("size", "isEmpty"):
        return len(value.found) if name == "size" else not value.found
    if isinstance(value, Place) and name in ("getValue", "toString"):
        return _text(value)
    raise Refused(f"call {name}")


def _message(place: Place, code: str) -> str | None:
    issue = place.driver.session.call("issue", _address(place))
    return None if issue is None or issue[0] != code else str(issue[1])


# -- what can be expected --------------------------------------------------------------------------------------------


def _equals_answer(found: Any, wanted: Any) -> bool:
    if not isinstance(found, Place) or not isinstance(wanted, dict) or not wanted.get("args"):
        raise Refused("expectation toEqualAnswer")
    kind, (value, *_) = wanted["answer"], wanted["args"]
    text = _text(found)
    if kind == "booleanAnswer":
        return (text == "OK") is value
    if kind == "answerText":
        return text == value.replace(", ", " ")
    if kind not in ("intAnswer", "stringAnswer"):
        raise Refused(f"expectation {kind}")
    return text == str(value)


def _close_to(found: Any, wanted: Any) -> bool:
    value, tolerance = wanted["args"]
    return abs(float(_text(found)) - value) <= tolerance


def _same(found: Any, wanted: Any) -> bool:
    if found is LOST:
        return True
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, Choices) or isinstance(wanted, Choices):
        return found is wanted
    return bool(found == wanted)


def _kind(found: Any, wanted: str) -> bool:
    kinds = {"string": str, "bigint": int, "number": float, "boolean": bool}
    return type(found) is kinds.get(wanted, object)


def _offers(found: Any, wanted: Sequence[Any], is_ordered: bool) -> bool:
    names = [choice[0] for choice in found.found]
    for choice in wanted:
        name, *label = choice["args"]
        if name not in names or (label and dict(found.found)[name] != label[0]):
            return False
    places = [names.index(choice["args"][0]) for choice in wanted]
    return not is_ordered or places == sorted(places)


def _appearances(found: Place) -> list[str]:
    tokens = _item(found).appearance.split()
    return (["autocomplete"] if "search" in tokens and "autocomplete" not in tokens else []) + tokens


def _classes(found: Place) -> list[str]:
    return str(found.driver.definition.settings.get("style", "")).split()


def _relevant(found: Place) -> bool:
    try:
        return bool(found.driver.session.call("relevant", _address_of_row(found)))
    except Mismatch:
        return False


def _address_of_row(found: Place) -> str:
    """A row is asked when its repeat is."""
    address = _address(found)
    return address.rpartition("/")[0] if found.reference.endswith("]") else address


def _read_only(found: Place) -> bool:
    return bool(found.driver.session.call("read_only", _address(found)))


def _required(found: Place) -> bool:
    return bool(found.driver.session.call("required", _address(found)))


def _status(found: Place) -> str:
    issue = found.driver.session.call("issue", _address(found))
    names = {"required": "REQUIRED_BUT_EMPTY", "constraint": "CONSTRAINT_VIOLATED"}
    return "AnswerResult." + ("OK" if issue is None else names.get(issue[0], issue[0]))


def _validity(found: Place) -> str | None:
    issue = found.driver.session.call("issue", _address(found))
    return None if issue is None else str(issue[1])


def _same_document(found: Any, wanted: str) -> bool:
    return _tree(ET.fromstring(found.document())) == _tree(ET.fromstring(wanted), _notes(found))  # noqa: S314


def _notes(found: Driver) -> frozenset[str]:
    return frozenset(question.name for question in found.definition.questions() if question.type == "note")


def _tree(element: ET.Element, left_out: frozenset[str] = frozenset()) -> Any:
    """Names and texts, without the meta block, where other words stand in for an id, and without notes, which are
    never submitted."""
    below = [child for child in element if child.tag.rpartition("}")[2] not in left_out | {"meta"}]
    name = element.tag.rpartition("}")[2]
    return name, (element.text or "").strip(), [_tree(child, left_out) for child in below]


def _replaces(found: Driver, options: Any) -> bool:
    source = options["sourceScenario"]
    return found.meta("deprecatedID") == source.instance_id


def _has_new_id(found: Driver, options: Any) -> bool:
    source = options["sourceScenario"]
    return found.instance_id.startswith("uuid:") and found.instance_id != source.instance_id


def _has_id(found: Driver, _options: Any) -> bool:
    return found.meta("instanceID").startswith("uuid:")


_MATCHERS: dict[str, Callable[..., bool]] = {
    "toBe": _same,
    "toEqual": _same,
    "toBeNull": lambda found: found is None,
    "toBeTypeOf": _kind,
    "toEqualAnswer": _equals_answer,
    "toHaveAnswerCloseTo": _close_to,
    "toEqualTreeReference": lambda found, wanted: found.reference == wanted.reference,
    "toContainChoices": lambda found, wanted: _offers(found, wanted, True),
    "toContainChoicesInAnyOrder": lambda found, wanted: _offers(found, wanted, False),
    "toHaveAppearance": lambda found, wanted: wanted in _appearances(found),
    "notToHaveAppearance": lambda found, wanted: wanted not in _appearances(found),
    "toYieldAppearances": lambda found, wanted: set(_appearances(found)) == set(wanted),
    "toHaveClass": lambda found, wanted: wanted in _classes(found),
    "notToHaveClass": lambda found, wanted: wanted not in _classes(found),
    "toYieldClasses": lambda found, wanted: set(_classes(found)) == set(wanted),
    "toBeRelevant": _relevant,
    "toBeNonRelevant": lambda found: not _relevant(found),
    "toBeReadonly": _read_only,
    "toBeEnabled": lambda found: not _read_only(found),
    "toBeRequired": _required,
    "toBeOptional": lambda found: not _required(found),
    "toBeValid": lambda found: not found.session.call("issues"),
    "toHaveValidityStatus": lambda found, wanted: _status(found) == wanted,
    "toHaveValidityMessage": lambda found, wanted: _validity(found) == wanted,
    "toHaveConstraintMessage": lambda found, wanted: _message(found, "constraint") == wanted,
    "toHaveRequiredMessage": lambda found, wanted: _message(found, "required") == wanted,
    "toHaveDefaultConstraintMessage": lambda found: _message(found, "constraint") == "",
    "toHaveDefaultRequiredMessage": lambda found: _message(found, "required") == "",
    "toStartWith": lambda found, wanted: _text(found).startswith(wanted),
    "toMatch": lambda found, wanted: (
        re.search(wanted["re"], found if isinstance(found, str) else _text(found)) is not None
    ),
    "toContain": lambda found, wanted: wanted in found.document(),
    "toHaveSerializedSubmissionXML": _same_document,
    "toHavePreparedSubmissionXML": _same_document,
    "toHaveComputedPreloadInstanceID": _has_id,
    "toHaveDeprecatedIDFromSource": _replaces,
    "toHaveEditedPreloadInstanceID": _has_new_id,
}

__all__ = ["Result", "primary", "run", "run_one"]
