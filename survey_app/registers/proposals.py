"""Proposals: what an approved questionnaire would write into a register, shown to the register's manager who decides.

A questionnaire never writes a register itself; accepting goes through the same form, checks and area rules as any edit.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from forms import EntityChange
from survey_app import db
from survey_app.access import audit, one, visible_proposals
from survey_app.models import Establishment, Record, Register, RegisterProposal, User, utc_now
from survey_app.problems import Conflict, Invalid
from survey_app.programme.service import FieldSpec, register_spec
from survey_app.registers import service
from survey_app.registers.service import Page, paged
from survey_app.registers.values import Reason


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what the register says now and what is proposed."""

    field: FieldSpec
    now: str
    proposed: str


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal beside what the register says; `texts` fill the form on which it is accepted."""

    proposal: RegisterProposal
    unit: Establishment | None
    differences: tuple[Difference, ...]
    unknown: Mapping[str, str]  # properties the register has no field for
    texts: Mapping[str, str]


# Making ---------------------------------------------------------------------------------------------------------


def propose(record: Record, instance_id: uuid.UUID, changes: Iterable[EntityChange]) -> int:
    """Keep what a submission proposes, once, for the registers that exist; how many are new."""
    session = db.session()
    registers = {register.name: register for register in session.scalars(select(Register))}
    known = RegisterProposal.instance_id == instance_id
    if session.scalar(select(func.count()).where(known)):
        session.execute(
            update(RegisterProposal).where(known, RegisterProposal.state == "withdrawn").values(state="open")
        )
        return 0
    made = [
        _proposal(record, instance_id, position, registers[change.dataset], change)
        for position, change in enumerate(changes)
        if change.dataset in registers
    ]
    session.add_all(made)
    return len(made)


def _proposal(
    record: Record, instance_id: uuid.UUID, position: int, register: Register, change: EntityChange
) -> RegisterProposal:
    unit = _named(register, change.entity_id) if change.operation == "update" else None
    return RegisterProposal(
        register_id=register.id,
        record_id=record.id,
        instance_id=instance_id,
        position=position,
        operation=change.operation,
        entity_id=change.entity_id[:250],
        establishment_id=unit,
        label=change.label[:300],
        values=dict(change.values),
    )


def _named(register: Register, entity_id: str) -> int | None:
    """The establishment of that code, or the one made from a proposal with that id."""
    session = db.session()
    by_code = select(Establishment.id).where(Establishment.register_id == register.id, Establishment.code == entity_id)
    by_proposal = select(RegisterProposal.establishment_id).where(
        RegisterProposal.register_id == register.id,
        RegisterProposal.entity_id == entity_id,
        RegisterProposal.operation == "create",
        RegisterProposal.state == "accepted",
    )
    return session.scalar(by_code) or session.scalars(by_proposal).first()


def withdraw(record: Record) -> None:
    """Open proposals of a record that goes back to its sender are no longer asked about."""
    open_ones = (RegisterProposal.record_id == record.id, RegisterProposal.state == "open")
    db.session().execute(update(RegisterProposal).where(*open_ones).values(state="withdrawn"))


# Reading --------------------------------------------------------------------------------------------------------


def list_proposals(user: User, state: str = "open", page: int = 1) -> Page[RegisterProposal]:
    """Proposals the user may decide on, the oldest first."""
    query = visible_proposals(user).where(RegisterProposal.state == state)
    query = query.options(
        joinedload(RegisterProposal.register),
        joinedload(RegisterProposal.establishment),
        joinedload(RegisterProposal.record).joinedload(Record.questionnaire),
    )
    return paged(query.order_by(RegisterProposal.id), page)


def count_open(user: User) -> int:
    """How many proposals wait for the user."""
    query = visible_proposals(user).where(RegisterProposal.state == "open").with_only_columns(func.count())
    return db.session().scalar(query.order_by(None)) or 0


def get_proposal(user: User, proposal_id: int) -> RegisterProposal:
    """A proposal the user may decide on; NotFound otherwise."""
    query = visible_proposals(user).where(RegisterProposal.id == proposal_id)
    found: RegisterProposal = one(
        query.options(
            joinedload(RegisterProposal.register),
            joinedload(RegisterProposal.establishment).joinedload(Establishment.register),
            joinedload(RegisterProposal.record).joinedload(Record.questionnaire),
        )
    )
    return found


def view(user: User, proposal: RegisterProposal) -> ProposalView:
    """The proposal beside the register's row, in the fields the user may see."""
    unit, register = proposal.establishment, proposal.register
    now = {name: _text(value) for name, value in service.field_values(unit).items()} if unit else {}
    wanted = _wanted(proposal)
    fields = {field.name: field for field in register_spec(register.name).fields}
    shown = [field for name, field in fields.items() if name in wanted and _may_see(user, unit, field)]
    return ProposalView(
        proposal,
        unit,
        tuple(Difference(f, now.get(f.name, ""), wanted[f.name]) for f in shown),
        {name: text for name, text in wanted.items() if name not in fields},
        {**(now if unit else {"code": service.suggest_code(register)}), **{f.name: wanted[f.name] for f in shown}},
    )


def _may_see(user: User, unit: Establishment | None, field: FieldSpec) -> bool:
    return not field.is_personal or unit is None or service.sees_personal(user, unit)


def _wanted(proposal: RegisterProposal) -> dict[str, str]:
    """Field -> proposed text: the saved answers that are not blank; the entry's label is the name of what is new."""
    named = {"name": proposal.label} if proposal.label else {}
    return {**named, **{name: _text(value) for name, value in proposal.values.items() if value not in (None, "")}}


def _text(value: Any) -> str:
    """A value as people type it here: a decimal comma, which no reading mistakes for thousands."""
    if isinstance(value, float):
        return format(value, ".15g").replace(".", ",")
    return "" if value is None else str(value)


# Deciding -------------------------------------------------------------------------------------------------------


def accept(user: User, proposal: RegisterProposal, texts: Mapping[str, str]) -> Establishment | Sequence[Reason]:
    """Write what the manager confirmed into the register, or every reason why not."""
    _still_open(proposal)
    unit = proposal.establishment
    if unit is None and proposal.operation == "update":
        raise Invalid("The register has no row with this code. Decline the proposal, or correct the record.")
    if unit is None:
        saved = service.add_establishment(user, proposal.register, texts)
    else:
        saved = service.change_establishment(user, service.get_editable(user, unit.id), texts)
    if isinstance(saved, Establishment):
        proposal.establishment_id = saved.id
        _decide(user, proposal, "accepted", "")
    return saved


def decline(user: User, proposal: RegisterProposal, comment: str) -> None:
    """Leave the register as it is, and say why."""
    _still_open(proposal)
    if not comment.strip():
        raise Invalid("Write why the register stays as it is.")
    _decide(user, proposal, "declined", comment.strip()[:4000])


def _still_open(proposal: RegisterProposal) -> None:
    if proposal.state != "open":
        raise Conflict("Somebody has decided on this proposal already.")


def _decide(user: User, proposal: RegisterProposal, state: str, comment: str) -> None:
    proposal.state, proposal.comment = state, comment
    proposal.decided_at, proposal.decided_by_id = utc_now(), user.id
    audit(f"proposal_{state}", f"proposal:{proposal.id}", establishment=proposal.establishment_id)
