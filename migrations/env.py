"""Alembic's entry: runs the numbered migrations on the database it is given."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection

from survey_app.models import Base, UtcDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Migrations stand on SQLAlchemy alone: our own types are written as what they store."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
