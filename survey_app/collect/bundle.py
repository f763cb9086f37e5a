"""What a phone needs of a published form version in one language: its logic as JSON, built once and kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from forms import FormDefinition, to_bundle_json
from survey_app import db
from survey_app.access import find_invitation, find_user
from survey_app.json_reader import canonical_json
from survey_app.models import FormVersion
from survey_app.problems import NotFound
from survey_app.questionnaires import service as questionnaires


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bytes of a bundle, their SHA-256, which is its ETag, and the parts of the engine it calls for."""

    body: bytes
    sha256: str
    parts: tuple[str, ...]


def get_bundle(form_version_id: int, language: str) -> Bundle:
    """The bundle of a published version; NotFound for a draft, or one that the caller's link does not use."""
    query = select(FormVersion.definition_sha256).where(
        FormVersion.id == form_version_id, FormVersion.published_at.is_not(None)
    )
    invitation = find_invitation() if find_user() is None else None
    if invitation is not None:
        allowed = [link.form_version_id for link in invitation.campaign.questionnaires]
        query = query.where(FormVersion.id.in_(allowed))
    sha256 = db.session().scalar(query)
    if sha256 is None:
        raise NotFound
    return bundle_of(sha256, questionnaires.definition(form_version_id), language)


def hash_of(form_version_id: int) -> str:
    """The hash of a version's definition, under which all that follows from it alone is kept; NotFound without one."""
    sha256 = db.session().scalar(select(FormVersion.definition_sha256).where(FormVersion.id == form_version_id))
    if sha256 is None:
        raise NotFound
    return sha256


def bundle_of(sha256: str, definition: FormDefinition, language: str) -> Bundle:
    """The bundle of a definition, whose hash this is; NotFound for a language the form does not have."""
    return _built.get((sha256, language)) or _build(sha256, definition, language)


_built: dict[tuple[str, str], Bundle] = {}  # by the hash of the definition: a published version never changes
MOST_KEPT = 64
# The page where answers are given shows none of these, nor what a figure is called. Of the scores it computes those
# that its rules read: derived values, never points.
NOT_FOR_FILLING = frozenset({"measures", "resources", "indicators", "order"})


def _build(sha256: str, definition: FormDefinition, language: str) -> Bundle:
    if language not in definition.languages:
        raise NotFound
    logic = {name: value for name, value in to_bundle_json(definition, language).items() if name not in NOT_FOR_FILLING}
    logic["scores"] = _figures_read(logic)
    body = canonical_json(logic)
    bundle = Bundle(body, hashlib.sha256(body).hexdigest(), tuple(logic["parts"]))
    if len(_built) >= MOST_KEPT:
        _built.clear()
    _built[sha256, language] = bundle
    return bundle


def _figures_read(logic: dict[str, Any]) -> list[dict[str, Any]]:
    read = _names([tree for name, tree in logic.items() if name not in ("scores", "choice_lists")])
    found: list[dict[str, Any]] = []
    for row in reversed(logic.get("scores", ())):  # a figure reads only what stands above it
        if row["name"] in read:
            found.append({k: v for k, v in row.items() if k not in ("label", "unit")})
            read |= _names([row.get("rule"), row.get("applies")])
    return found[::-1]


def _names(tree: object) -> set[str]:
    """The last name of every path that a tree may hold."""
    if isinstance(tree, str):
        return {tree.rpartition("/")[2]}
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    return set().union(*map(_names, inner))
