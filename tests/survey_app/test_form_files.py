"""Files beside a questionnaire: sent with it, in a zip or later; judged by content; served to who may see the form."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from survey_app.access import RESPONDENT_COOKIE
from survey_app.config import Limits
from survey_app.models import Campaign, Establishment, FormFile, FormVersion
from survey_app.problems import Invalid, TooLarge
from survey_app.questionnaires import beside
from survey_app.questionnaires.beside import Upload
from tests import factories as make

SignIn = Callable[..., FlaskClient]
FORM = """
| survey |
|        | type                            | name | label::English (en) | media::image::English (en) | media::audio::English (en) |
|        | begin_group                     | g    | Group               | group.png                  |                            |
|        | select_one_from_file places.csv | p    | Place               |                            |                            |
|        | select_one pets                 | q    | Pet                 | pet.png                    | pet.ogg                    |
|        | end_group                       |      |                     |                            |                            |
| choices |
|        | list_name | name | label::English (en) | media::image::English (en) |
|        | pets      | cat  | Cat                 | cat.png                    |
|        | pets      | dog  |                     | cat.png                    |
| settings |
|        | form_id | version |
|        | pets    | {}      |
"""


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(out, "PNG")
    return out.getvalue()


OGG = b"OggS" + bytes(60)
PLACES = b"name,label\nhn,Hanoi\nnb,Ninh Binh\n"
FILES = {"group.png": png(), "pet.png": png("blue"), "cat.png": png("green"), "pet.ogg": OGG, "places.csv": PLACES}


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def upload(client: FlaskClient, files: Mapping[str, bytes] = {}, version: str = "1", **others: bytes) -> TestResponse:
    workbook = others.get("workbook", FORM.format(version).encode())
    parts = [(io.BytesIO(content), name) for name, content in files.items()]
    name = "form.zip" if workbook.startswith(b"PK") else "form.md"
    return client.post("/questionnaires/upload", data={"workbook": (io.BytesIO(workbook), name), "files": parts})


def names(session: Session) -> set[str]:
    session.commit()
    return set(session.scalars(select(FormFile.name)))


def publish(browser: FlaskClient, session: Session) -> FormVersion:
    session.expire_all()
    version = session.scalars(select(FormVersion).order_by(FormVersion.id.desc())).first()
    assert version is not None
    session.commit()
    assert browser.post(f"/questionnaires/versions/{version.id}/publish").status_code == 302
    return version


def test_files_come_with_the_workbook_and_it_can_be_published(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    assert upload(browser, FILES).status_code == 302
    assert names(session) == set(FILES)
    version = publish(browser, session)
    assert version.definition["instances"]["places"][1] == {"name": "nb", "label": "Ninh Binh"}


def test_one_zip_may_hold_everything(sign_in: SignIn, session: Session) -> None:
    inside = {f"form-media/{name}": content for name, content in FILES.items()}
    everything = zipped({"form.md": FORM.format("1").encode(), "__MACOSX/._x": b"?", ".DS_Store": b"?", **inside})
    assert upload(sign_in("manager"), workbook=everything).status_code == 302
    assert names(session) == set(FILES)


def test_a_version_is_not_published_while_a_file_it_names_is_missing(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    address = upload(browser, {name: FILES[name] for name in ("pet.png", "places.csv")}).location
    answer = browser.post(f"{address}/publish?lang=en")
    assert answer.status_code == 409
    assert "group.png, pet.ogg, cat.png" in answer.text
    page = browser.get(f"{address}/files?lang=en").text
    assert "3 missing" in page
    assert "named in survey!D4" in page


def test_files_may_be_added_and_removed_until_the_version_is_published(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    address = upload(browser).location
    for name in ("group.png", "pet.png"):
        sent = browser.post(f"{address}/files", data={"files": (io.BytesIO(FILES[name]), name)})
        assert sent.status_code == 303
    rest = zipped({name: FILES[name] for name in ("cat.png", "pet.ogg", "places.csv")})
    assert browser.post(f"{address}/files", data={"files": (io.BytesIO(rest), "rest.zip")}).status_code == 303
    assert names(session) == set(FILES)
    assert browser.post(f"{address}/files/remove", data={"name": "cat.png"}).status_code == 303
    assert names(session) == set(FILES) - {"cat.png"}
    assert browser.post(f"{address}/files/remove", data={"name": "cat.png"}).status_code == 404
    browser.post(f"{address}/files", data={"files": (io.BytesIO(FILES["cat.png"]), "cat.png")})
    publish(browser, session)
    more = {"files": (io.BytesIO(FILES["cat.png"]), "cat.png")}
    assert browser.post(f"{address}/files", data=more).status_code == 409
    assert browser.post(f"{address}/files/remove", data={"name": "cat.png"}).status_code == 409


def test_a_broken_list_is_told_by_file_and_row_and_nothing_changes(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    address = upload(browser, FILES).location
    wrong = {"files": (io.BytesIO(b"name,label\nhn,Hanoi\nhn,Again\n"), "places.csv")}
    answer = browser.post(f"{address}/files?lang=en", data=wrong)
    assert answer.status_code == 422
    assert "<code>places.csv:3</code>" in answer.text
    session.expire_all()
    assert session.get(FormFile, (session.scalars(select(FormVersion.id)).one(), "places.csv")).size == len(PLACES)  # type: ignore[union-attr]


def test_a_new_version_takes_over_the_files_it_still_names(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    upload(browser, FILES)
    publish(browser, session)
    assert upload(browser, {"pet.png": png("black")}, version="2").status_code == 302
    newest = publish(browser, session)
    rows = session.scalars(select(FormFile).where(FormFile.form_version_id == newest.id)).all()
    assert {row.name for row in rows} == set(FILES)
    assert newest.definition["instances"]["places"][0]["name"] == "hn"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pet.png", b"MZ\x90\x00", "neither a readable picture"),
        ("pet.png", png()[:40], "neither a readable picture"),
        ("pet.png", OGG, "not of the kind"),
        ("more.exe", b"MZ\x90\x00", "neither a readable picture"),
    ],
    ids=["program", "torn", "sound", "unknown"],
)
def test_what_is_not_what_it_says_is_refused(
    sign_in: SignIn, session: Session, name: str, content: bytes, words: str
) -> None:
    browser = sign_in("manager")
    browser.set_cookie("language", "en")
    answer = upload(browser, FILES | {name: content})
    assert answer.status_code == 422
    assert words in answer.text
    assert names(session) == set()


def test_a_zip_that_unpacks_to_too_much_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", bytes(40_000_000))
    with pytest.raises(TooLarge):
        beside.sort_uploads(None, [Upload("bomb.zip", out.getvalue())], Limits())


def test_uploads_that_cannot_be_sorted_out_are_refused() -> None:
    workbook = FORM.format("1").encode()
    with pytest.raises(Invalid):
        beside.sort_uploads(None, [Upload("x.zip", zipped({"a.md": workbook, "b.md": workbook}))], Limits())
    with pytest.raises(Invalid):
        beside.sort_uploads(None, [Upload("a.png", png()), Upload("x.zip", zipped({"d/a.png": png()}))], Limits())
    with pytest.raises(TooLarge):
        beside.sort_uploads(None, [Upload(f"{n}.png", b"x") for n in range(301)], Limits())


def test_a_file_may_be_so_large_and_no_larger() -> None:
    found, issues = beside.examine([Upload("a.csv", b"12345"), Upload("b.csv", b"1234")], Limits(attachment_bytes=4))
    assert ([file.name for file in found], [issue.code for issue in issues]) == (["b.csv"], ["file_too_large"])


def test_a_drawing_keeps_its_shapes_and_loses_its_programs() -> None:
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="x()"><script>x()</script><style>*{}</style>'
        b'<a href="javascript:x()"><path d="M1 1"/></a><path id="arm" d="M0 0L1 1" onclick="x()" fill="url(#g)"/>'
        b'<rect fill="url(https://example.org/x)" width="1"/><foreignObject><p/></foreignObject><use href="x.svg#y"/></svg>'
    )
    found, issues = beside.examine([Upload("body.svg", drawing)], Limits())
    content = (found[0].content or b"").decode()
    assert issues == []
    assert 'id="arm"' in content
    assert 'fill="url(#g)"' in content
    assert not any(
        word in content for word in ("script", "onload", "onclick", "style", "href", "foreign", "https://ex")
    )


@pytest.mark.parametrize("content", [b"<svg/>", b"<html/>", b"no", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg/>'])
def test_a_drawing_that_is_none_is_refused(content: bytes) -> None:
    found, issues = beside.examine([Upload("body.svg", content)], Limits())
    assert (found, [issue.code for issue in issues]) == ([], ["file_not_media"])


def test_a_published_file_is_kept_by_browsers_and_never_runs(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    address = upload(browser, FILES).location
    assert browser.get(f"{address}/files/pet.png").headers["Cache-Control"] == "private, no-cache"
    publish(browser, session)
    answer = browser.get(f"{address}/files/pet.png")
    assert answer.data == FILES["pet.png"]
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert browser.get(f"{address}/files/places.csv").headers["Content-Disposition"].startswith("attachment")
    tag = answer.headers["ETag"]
    assert browser.get(f"{address}/files/pet.png", headers={"If-None-Match": tag}).status_code == 304
    assert browser.get(f"{address}/files/none.png").status_code == 404


def test_a_player_may_ask_for_a_part_of_a_sound(sign_in: SignIn) -> None:
    browser = sign_in("manager")
    address = upload(browser, FILES).location
    part = browser.get(f"{address}/files/pet.ogg", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, b"OggS", "bytes 0-3/64")


def test_only_who_may_see_a_form_gets_its_files(
    app: Flask, sign_in: SignIn, session: Session, client: FlaskClient
) -> None:
    manager = sign_in("manager")
    file = f"{upload(manager, FILES).location}/files/pet.png"
    assert sign_in("assessor").get(file).status_code == 404
    version = publish(manager, session)
    assert sign_in("assessor").get(file).status_code == 200
    assert sign_in("analyst").get(file).status_code == 403
    assert client.get(file).status_code == 401
    for used, status in ((version, 200), (make.form_version(session), 404)):
        campaign = make.campaign(session, used)
        _, token = make.invitation(session, within=campaign)
        session.commit()
        client.set_cookie(RESPONDENT_COOKIE, token)
        assert client.get(file).status_code == status


@pytest.mark.parametrize("page", ["app", "s/g"])
def test_pages_show_the_media_of_labels_choices_and_groups(
    sign_in: SignIn, session: Session, client: FlaskClient, page: str
) -> None:
    manager = sign_in("manager")
    upload(manager, FILES)
    version = publish(manager, session)
    invitation, token = make.invitation(session, within=make.campaign(session, version))
    draft = make.draft(
        session, session.get(Campaign, invitation.campaign_id), session.get(Establishment, invitation.establishment_id),
        form_version_id=version.id, invitation_id=invitation.id, mode="self", consent={"answer": "yes"}, language="en",
    )  # fmt: skip
    session.commit()
    client.set_cookie(RESPONDENT_COOKIE, token)
    html = client.get(f"/collect/{draft.instance_id}/{page}").text
    folder = f"/questionnaires/versions/{version.id}/files"
    assert f'src="{folder}/pet.png" alt="Pet"' in html
    assert f'src="{folder}/group.png" alt="Group"' in html
    assert f'<audio class="medium" controls preload="none" src="{folder}/pet.ogg"' in html
    assert f'src="{folder}/cat.png" alt=""' in html
    assert f'src="{folder}/cat.png" alt="dog"' in html
    assert "autoplay" not in html
