"""What a phone loads before it can fill a form: the page, its styles and scripts, the form's logic and the draft."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from survey_app.access import RESPONDENT_COOKIE
from survey_app.models import Establishment
from tests import factories

INSTRUMENTS = Path(__file__).parents[1] / "survey_app/programme/packs/ninh_binh/instruments"
NAMED: Final = (
    re.compile(r'<link rel="(?:stylesheet|modulepreload)"[^>]* href="([^"]+)"'),
    re.compile(r'<script[^>]* src="([^"]+)"'),
)
# `import ... from "./x.js"` loads at once; `import("./x.js")` only when it is needed.
IMPORTED: Final = re.compile(r"""(?:\bfrom|\bimport)\s*["'](\./[^"']+)["']""")


def instrument(form_id: str) -> str:
    """The whole form as one text: questions and scores stand in two files."""
    return "\n\n".join((INSTRUMENTS / f"{form_id}{end}").read_text(encoding="utf8") for end in (".md", ".scores.md"))


def open_link(session: Session, browser: FlaskClient, form_id: str) -> str:
    """An enterprise that opened its link and agreed; the instance id of its interview."""
    version = factories.form_version(session, instrument(form_id))
    campaign = factories.campaign(session, version, mode="self")
    invitation, token = factories.invitation(session, campaign)
    unit = session.get_one(Establishment, invitation.establishment_id)
    draft = factories.draft(session, campaign, unit, version, invitation_id=invitation.id, mode="self")
    session.commit()
    browser.set_cookie(RESPONDENT_COOKIE, token)
    agreed = browser.post(f"/collect/{draft.instance_id}/", data={"consent": "yes"})
    assert agreed.location.endswith("/app"), agreed.text
    return str(draft.instance_id)


def weigh(browser: FlaskClient, instance_id: str) -> dict[str, int]:
    """Address -> bytes on the wire of everything the app page needs to come alive."""
    page = f"/collect/{instance_id}/app"
    weights: dict[str, int] = {}
    html = _load(browser, page, weights)
    waiting = [urljoin(page, found) for pattern in NAMED for found in pattern.findall(html)]
    while waiting:
        address = waiting.pop()
        if address in weights:
            continue
        content = _load(browser, address, weights)
        if urlsplit(address).path.endswith(".js"):
            waiting += [urljoin(address, found) for found in IMPORTED.findall(content)]
    version = re.search(r'data-version="([^"]+)"', html)
    language = re.search(r'data-language="([^"]+)"', html)
    assert version, html[:500]
    assert language, html[:500]
    _load(browser, f"/api/v1/bundles/{version[1]}/{language[1]}", weights)
    _load(browser, f"/api/v1/drafts/{instance_id}", weights)
    return weights


def _load(browser: FlaskClient, address: str, weights: dict[str, int]) -> str:
    response = browser.get(address, headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert response.status_code == 200, (address, response.status)
    weights[address] = len(response.data)
    is_packed = response.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(response.data) if is_packed else response.data).decode()
