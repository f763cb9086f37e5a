"""A phone in tests: an assessor or respondent with an open draft, and the bodies they send."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from survey_app.access import RESPONDENT_COOKIE
from survey_app.models import Campaign, Draft, Establishment, FormVersion, utc_now
from tests import factories

GOOD = {"work": {"staff": 12, "metered": "yes"}}


@dataclass
class Phone:
    """One interview of one person, and the browser it is sent from."""

    browser: FlaskClient
    draft: Draft
    form_id: str
    version: str
    times: dict[str, Any] = field(default_factory=lambda: {"finished_at": utc_now()})

    @property
    def instance_id(self) -> uuid.UUID:
        return self.draft.instance_id

    def body(self, answers: Any = None, **changes: Any) -> bytes:
        """What this phone sends, in canonical bytes; the same each time."""
        content = {
            "answers": GOOD if answers is None else answers, "attachments": {}, "device_id": "phone-1",
            "finished_at": self.times["finished_at"].isoformat(), "form_id": self.form_id,
            "instance_id": str(self.instance_id), "reasons": {}, "replaces": None,
            "sent_at": self.times["finished_at"].isoformat(),
            "started_at": (self.times["finished_at"] - timedelta(minutes=30)).isoformat(),
            "utc_offset_minutes": 420, "version": self.version, **changes,
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def send(self, answers: Any = None, **changes: Any) -> TestResponse:
        return self.put(self.body(answers, **changes))

    def put(self, body: bytes, instance_id: uuid.UUID | None = None) -> TestResponse:
        address = f"/api/v1/submissions/{instance_id or self.instance_id}"
        return self.browser.put(address, data=body, content_type="application/json")

    def change(self, *changes: tuple[str, Any]) -> TestResponse:
        content = {"changes": [{"path": path, "value": value} for path, value in changes], "device_id": "phone-1"}
        return self.browser.post(f"/api/v1/drafts/{self.instance_id}/changes", json=content)

    def store(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        response = self.browser.put(f"/api/v1/attachments/{sha256}", data=content)
        assert response.status_code in (200, 201), response.text
        return sha256


def assessor(
    session: Session, sign_in: Callable[..., FlaskClient], version: FormVersion | None = None,
    campaign: Campaign | None = None, unit: Establishment | None = None, browser: FlaskClient | None = None,
    md: str = factories.SMALL_FORM, **changes: Any,
) -> Phone:
    """A signed-in assessor with an open draft."""
    browser = browser or sign_in("assessor")
    version = version or factories.form_version(session, md)
    campaign = campaign or factories.campaign(session, version)
    draft = factories.draft(session, campaign, unit, version, assessor_id=browser.user_id, **changes)  # type: ignore[attr-defined]
    session.commit()
    definition = factories.form_from_md(md)
    return Phone(browser, draft, definition.form_id, definition.version)


def respondent(session: Session, client: FlaskClient, md: str = factories.SMALL_FORM, **changes: Any) -> Phone:
    """Somebody who opened an invitation link, with an open draft in self mode."""
    version = factories.form_version(session, md)
    campaign = factories.campaign(session, version, mode="self")
    invitation, token = factories.invitation(session, campaign)
    unit = session.get_one(Establishment, invitation.establishment_id)
    draft = factories.draft(session, campaign, unit, version, invitation_id=invitation.id, mode="self", **changes)
    session.commit()
    client.set_cookie(RESPONDENT_COOKIE, token)
    definition = factories.form_from_md(md)
    return Phone(client, draft, definition.form_id, definition.version)
