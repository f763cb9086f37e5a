"""A server with one form and an enterprise that opens it by its link: for looking at how questions are asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext, Page
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from survey_app import files
from survey_app.access import RESPONDENT_COOKIE
from survey_app.models import Establishment, FormFile, FormVersion
from tests import factories


@dataclass(frozen=True)
class OneForm:
    """A running server whose only form is the one given."""

    url: str
    app: Flask
    version: FormVersion

    def open(self, context: BrowserContext, mode: str = "app", language: str = "en") -> tuple[Page, str]:
        """A fresh interview in this browser, agreed to, at its first page; and its instance id."""
        with Session(self.app.extensions["survey_db"].engine, expire_on_commit=False) as session:
            campaign = factories.campaign(session, session.get_one(FormVersion, self.version.id), mode="self")
            invitation, token = factories.invitation(session, campaign)
            unit = session.get_one(Establishment, invitation.establishment_id)
            draft = factories.draft(session, campaign, unit, self.version, invitation_id=invitation.id, mode="self")
            draft.language = language
            draft.consent = {"answer": "yes", "notice": "1", "at": "2026-01-01T00:00:00+00:00", "language": language}
            session.commit()
            instance_id = str(draft.instance_id)
        context.add_cookies(
            [
                {"name": name, "value": value, "url": self.url}
                for name, value in ((RESPONDENT_COOKIE, token), ("language", language))
            ]
        )
        page = context.new_page()
        page.goto(self.address(instance_id, mode))
        if mode == "app":
            page.locator("[data-loading]").wait_for(state="detached")
        return page, instance_id

    def address(self, instance_id: str, mode: str = "app", screen: str = "") -> str:
        """Where an interview goes on."""
        first = self.version.definition["items"][0]["name"]
        return f"{self.url}/collect/{instance_id}/" + ("app" if mode == "app" else f"s/{screen or first}")


@contextmanager
def serve(app: Flask, markdown: str, beside: Mapping[str, bytes]) -> Iterator[OneForm]:
    """The application on a free loopback port with this form, published, and the files beside it."""
    with Session(app.extensions["survey_db"].engine, expire_on_commit=False) as session:
        version = factories.form_version(session, markdown)
        for name, content in beside.items():
            session.add(_file(app, version, name, content))
        session.commit()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield OneForm(f"http://127.0.0.1:{server.server_port}", app, version)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _file(app: Flask, version: FormVersion, name: str, content: bytes) -> FormFile:
    with app.app_context():
        sha256, size = files.store().store([content], 10_000_000)
    kind = "image/svg+xml" if name.endswith(".svg") else "application/octet-stream"
    values: dict[str, Any] = {"name": name, "sha256": sha256, "size": size, "media_type": kind}
    return FormFile(form_version_id=version.id, **values)
