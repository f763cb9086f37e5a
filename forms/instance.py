"""OpenRosa instance XML <-> raw answers: the answers other clients send, and those we hand to them."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from forms.expressions.values import format_number
from forms.issues import FormError, Issue
from forms.model import Answers, FormDefinition, Item, Question, Repeat
from forms.xform import GENERATED, read_xml

_ORX: Final = "http://openrosa.org/xforms"
_ROWS: Final = uuid.UUID("6f1d3c0e-5a53-5c63-9d4f-2f0e7b6c9a11")  # a name space of our own, for rows without an id


@dataclass(frozen=True, slots=True)
class RawInstance:
    """A set of answers as it came, with what its meta block says."""

    form_id: str
    version: str
    instance_id: str  # as written, usually "uuid:..."
    deprecated_id: str
    instance_name: str
    answers: Answers


def read_head(source: bytes) -> tuple[str, str]:
    """The form's id and version, to find the definition that `read_instance` needs."""
    root = read_xml(source)
    return _form_id(root), root.get("version", "")


def read_instance(definition: FormDefinition, source: bytes) -> RawInstance:
    """The answers in an OpenRosa instance; raises FormError when it is not one of this form."""
    root = read_xml(source)
    if _form_id(root) != definition.form_id:
        raise FormError([Issue("not_an_instance", "", {"form_id": definition.form_id})])
    meta = next((child for child in root if _local(child.tag) == "meta"), None)
    instance_id = _meta(meta, "instanceID")
    return RawInstance(
        form_id=definition.form_id,
        version=root.get("version", ""),
        instance_id=instance_id,
        deprecated_id=_meta(meta, "deprecatedID"),
        instance_name=_meta(meta, "instanceName"),
        answers=_read(definition.items, root, instance_id),
    )


def write_instance(
    definition: FormDefinition, answers: Mapping[str, Any], instance_id: str, deprecated_id: str = ""
) -> str:
    """Answers as OpenRosa instance XML; what was not asked is left out. `deprecated_id` is the instance it replaces."""
    root = ET.Element("data", {"id": definition.form_id, "version": definition.version})
    _write(definition.items, answers, root)
    meta = ET.SubElement(root, f"{{{_ORX}}}meta")
    ET.SubElement(meta, f"{{{_ORX}}}instanceID").text = instance_id
    if deprecated_id:
        ET.SubElement(meta, f"{{{_ORX}}}deprecatedID").text = deprecated_id
    ET.register_namespace("orx", _ORX)
    return ET.tostring(root, encoding="unicode")


def _read(items: Sequence[Item], element: ET.Element, place: str) -> Answers:
    """Answers by name. A name that the form does not have is kept, so that validation can flag it."""
    known = {item.name: item for item in items}
    answers: Answers = {}
    for child in element:
        name = _local(child.tag)
        item = known.get(name)
        if item is None and (name == "meta" or name.startswith(GENERATED)):
            continue
        if isinstance(item, Repeat):
            if any(_local(key) == "template" for key in child.attrib):
                continue
            rows = answers.setdefault(name, [])
            here = f"{place}/{name}[{len(rows) + 1}]"
            # Other clients give rows no id; this one is the same however often the document is read.
            rows.append({"_id": str(uuid.uuid5(_ROWS, here)), **_read(item.children, child, here)})
        elif item is not None and not isinstance(item, Question):
            answers[name] = _read(item.children, child, f"{place}/{name}")
        elif item is None and len(child):
            answers[name] = _read((), child, f"{place}/{name}")
        else:
            answers[name] = (child.text or "").strip() or None
    return answers


def _write(items: Sequence[Item], answers: Mapping[str, Any], parent: ET.Element) -> None:
    for item in items:
        if item.name not in answers:
            continue
        value = answers[item.name]
        if isinstance(item, Repeat):
            for row in value or ():
                _write(item.children, row, ET.SubElement(parent, item.name))
        elif isinstance(item, Question):
            ET.SubElement(parent, item.name).text = _written(value)
        else:
            _write(item.children, value or {}, ET.SubElement(parent, item.name))


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return format_number(float(value)) if isinstance(value, float) else str(value)


def _form_id(root: ET.Element) -> str:
    return root.get("id") or (root.tag[1:].partition("}")[0] if root.tag.startswith("{") else "")


def _meta(meta: ET.Element | None, name: str) -> str:
    found = None if meta is None else next((child for child in meta if _local(child.tag) == name), None)
    return "" if found is None else (found.text or "").strip()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
