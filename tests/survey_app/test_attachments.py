"""Files: by hash, by content, without EXIF, never as part of our site."""

from __future__ import annotations

import hashlib
import io
import struct
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.models import Attachment, Record, SubmissionAttachment
from survey_app.problems import Invalid
from survey_app.submissions.attachments import clean_name
from tests.sending import Phone, assessor

SignIn = Callable[..., FlaskClient]
PHOTO_FORM = """
    | survey   |         |         |                        |                     |          |
    |          | type    | name    | label::Tiếng Việt (vi) | label::English (en) | personal |
    |          | image   | photo   | Ảnh                    | Photo               |          |
    |          | image   | face    | Chữ ký                 | Signature           | yes      |
    | settings |         |         |                        |                     |          |
    |          | form_id | version | form_title             | default_language    |          |
    |          | photos  | 1       | Ảnh                    | Tiếng Việt (vi)     |          |
"""


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), gps: bool = False, colour: str = "red") -> bytes:
    out, image = io.BytesIO(), Image.new("RGB", size, colour)
    exif = Image.Exif()
    if gps:
        exif[0x010F] = "Secret phone"
        exif.get_ifd(0x8825).update({1: "N", 2: (20.0, 15.0, 0.0), 3: "E", 4: (105.0, 58.0, 0.0)})
    image.save(out, kind, **({"exif": exif} if gps else {}))
    return out.getvalue()


def huge_png(width: int = 20_000, height: int = 20_000) -> bytes:
    """A small file that says it is 400 megapixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 50_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


@pytest.fixture
def phone(session: Session, sign_in: SignIn) -> Phone:
    return assessor(session, sign_in, md=PHOTO_FORM)


def put(phone: Phone, content: bytes, sha256: str = "") -> int:
    address = f"/api/v1/attachments/{sha256 or hashlib.sha256(content).hexdigest()}"
    return phone.browser.put(address, data=content).status_code


def name_file(phone: Phone, name: str, sha256: str) -> int:
    address = f"/api/v1/drafts/{phone.instance_id}/attachments/{quote(name)}"
    return phone.browser.put(address, json={"sha256": sha256}).status_code


def stored_files(app: Flask) -> list[Path]:
    folder = app.config["SETTINGS"].data_dir / "files"
    return [file for file in folder.rglob("*") if file.is_file()] if folder.exists() else []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_stored_once_however_often_it_is_sent(phone: Phone, session: Session, kind: str) -> None:
    content = picture(kind)
    assert [put(phone, content), put(phone, content)] == [201, 200]
    row = session.scalars(select(Attachment)).one()
    assert (row.sha256, row.size, row.content_type) == (
        hashlib.sha256(content).hexdigest(), len(content), f"image/{kind.lower()}"
    )


def test_bytes_that_are_not_those_announced_are_refused_and_leave_nothing(app: Flask, phone: Phone) -> None:
    assert put(phone, picture(), "0" * 64) == 422
    assert stored_files(app) == []


@pytest.mark.parametrize("content", [
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html><script>alert(1)</script>", b"",
    b"GIF89a....",
    b"\xff\xd8\xff not a picture at all", picture()[:200], b"MZ\x90\x00",
])
def test_what_is_no_picture_sound_film_or_pdf_is_refused(app: Flask, phone: Phone, content: bytes) -> None:
    assert put(phone, content) == 415
    assert stored_files(app) == []


def test_a_picture_bomb_is_refused_before_it_is_unpacked(app: Flask, phone: Phone) -> None:
    assert put(phone, huge_png()) == 413
    assert stored_files(app) == []


def test_a_file_larger_than_the_bound_is_refused(app: Flask, phone: Phone) -> None:
    assert put(phone, b"%PDF-" + b"x" * (12 * 1024 * 1024)) == 413
    assert stored_files(app) == []


@pytest.mark.parametrize(("content", "kind"), [
    (b"%PDF-1.7 hello", "application/pdf"), (b"\0\0\0\x20ftypisom" + b"\0" * 20, "video/mp4"),
    (b"OggS" + b"\0" * 40, "audio/ogg"), (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
])
def test_other_files_are_known_by_how_they_begin(phone: Phone, session: Session, content: bytes, kind: str) -> None:
    assert put(phone, content) == 201
    assert session.scalars(select(Attachment)).one().content_type == kind


@pytest.mark.parametrize("address", ["abc", "A" * 64, "g" * 64, "../" * 3 + "etc"])
def test_an_address_that_is_no_hash_is_not_found(phone: Phone, address: str) -> None:
    assert phone.browser.put(f"/api/v1/attachments/{address}", data=picture()).status_code in (404, 405)


def _sent_with_photo(phone: Phone, sign_in: SignIn, name: str = "ảnh lò.jpg") -> tuple[str, bytes]:
    content = picture(gps=True)
    sha256 = phone.store(content)
    response = phone.send({"photo": name, "face": None}, attachments={name: sha256})
    assert response.status_code == 201
    return f"/submissions/{phone.instance_id}/attachments/{quote(name)}", content


def test_people_are_shown_pictures_without_exif(phone: Phone, sign_in: SignIn) -> None:
    address, content = _sent_with_photo(phone, sign_in)
    assert len(Image.open(io.BytesIO(content)).getexif()) > 0
    response = sign_in("analyst").get(address)
    assert response.status_code == 200
    assert len(Image.open(io.BytesIO(response.data)).getexif()) == 0
    assert b"Secret phone" not in response.data


def test_the_original_is_for_those_who_may_see_personal_data(phone: Phone, sign_in: SignIn) -> None:
    address, content = _sent_with_photo(phone, sign_in)
    assert sign_in("analyst").get(f"{address}?original=1").status_code == 404
    assert sign_in("manager").get(f"{address}?original=1").data == content


def test_a_personal_picture_is_not_found_without_the_right(phone: Phone, sign_in: SignIn) -> None:
    sha256 = phone.store(picture())
    phone.send({"photo": None, "face": "sign.jpg"}, attachments={"sign.jpg": sha256})
    address = f"/submissions/{phone.instance_id}/attachments/sign.jpg"
    assert sign_in("analyst").get(address).status_code == 404
    assert sign_in("manager").get(address).status_code == 200


def test_a_file_is_served_so_that_nothing_in_it_can_run(phone: Phone, sign_in: SignIn) -> None:
    address, _ = _sent_with_photo(phone, sign_in)
    headers = sign_in("manager").get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["Content-Type"] == "image/jpeg"


def test_a_file_of_another_area_is_not_found(phone: Phone, sign_in: SignIn, session: Session) -> None:
    address, _ = _sent_with_photo(phone, sign_in)
    assert sign_in("manager", area="u999").get(address).status_code == 404


def test_the_collector_sees_the_pictures_of_the_own_draft_only(phone: Phone, sign_in: SignIn) -> None:
    name_file(phone, "a.jpg", phone.store(picture()))
    address = f"/api/v1/drafts/{phone.instance_id}/attachments/a.jpg"
    assert phone.browser.get(address).status_code == 200
    assert sign_in("assessor").get(address).status_code == 404


def test_a_missing_file_leaves_the_submission_incomplete_until_it_arrives(
    phone: Phone, sign_in: SignIn, session: Session
) -> None:
    content = picture(colour="blue")
    sha256 = hashlib.sha256(content).hexdigest()
    phone.send({"photo": "a.jpg", "face": None}, attachments={"a.jpg": sha256})
    staff, record = sign_in("manager"), session.scalars(select(Record)).one()
    listing = "/submissions?issues=incomplete&lang=en"
    assert "incomplete: 1 files missing" in staff.get(listing).text
    assert "has not arrived yet" in staff.get(f"/submissions/{record.id}?lang=en").text
    assert put(phone, content) == 201
    assert "No record fits." in staff.get(listing).text


def test_a_file_that_answers_name_and_nobody_announced_is_waited_for(phone: Phone, session: Session) -> None:
    phone.send({"photo": "a.jpg", "face": None})
    assert session.scalars(select(SubmissionAttachment)).one().sha256 == ""
    assert name_file(phone, "a.jpg", phone.store(picture())) == 200


def test_a_file_of_sent_answers_is_never_replaced_or_added(phone: Phone) -> None:
    first, second = phone.store(picture()), phone.store(picture(colour="green"))
    phone.send({"photo": "a.jpg", "face": None}, attachments={"a.jpg": first})
    assert name_file(phone, "a.jpg", first) == 200
    assert name_file(phone, "a.jpg", second) == 409
    assert name_file(phone, "new.jpg", second) == 409


def test_a_file_of_a_draft_may_be_replaced(phone: Phone, session: Session) -> None:
    first, second = phone.store(picture()), phone.store(picture(colour="green"))
    assert [name_file(phone, "a.jpg", sha256) for sha256 in (first, second)] == [200, 200]
    assert session.scalars(select(SubmissionAttachment)).one().sha256 == second


def test_the_same_bytes_under_two_names_are_no_conflict(phone: Phone, session: Session) -> None:
    sha256 = phone.store(picture())
    assert [name_file(phone, name, sha256) for name in ("a.jpg", "b.jpg")] == [200, 200]


@pytest.mark.parametrize(("name", "kept"), [
    ("ảnh lò đốt.jpg", "ảnh lò đốt.jpg"), (unicodedata.normalize("NFD", "ảnh.jpg"), "ảnh.jpg"),
    ("../../etc/passwd", "passwd"), ("a\u202egpj.exe", "agpj.exe"), ("a\x00b\r\nc.jpg", "abc.jpg"),
    ("😀.png", "😀.png"),
    ("c:\\photos\\x.jpg", "x.jpg"),
])
def test_a_name_is_kept_without_path_control_or_direction_characters(name: str, kept: str) -> None:
    assert clean_name(name) == kept


@pytest.mark.parametrize("name", ["", "..", "/", "\u202e", "x" * 5000])
def test_a_name_of_nothing_or_without_end_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        clean_name(name)


@pytest.mark.parametrize("name", ["ảnh 😀.jpg", 'a";b.jpg', "a;filename=x.jpg", "100%.jpg"])
def test_any_name_comes_back_whole_in_the_download(phone: Phone, sign_in: SignIn, name: str) -> None:
    address, _ = _sent_with_photo(phone, sign_in, name)
    header = sign_in("manager").get(address).headers["Content-Disposition"]
    assert unquote(header.partition("filename*=UTF-8''")[2]) == name
    plain = header.partition('filename="')[2].partition('"')[0]
    assert plain.isascii()
    assert ";" not in plain
