"""Help for authors over HTTP: issues with their cells, the graph, the preview, random respondents, the library."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from forms import APPEARANCES, MESSAGES, TYPES, load_form, read_workbook
from forms.compare import CONSEQUENCES
from forms.reference import NOTES
from survey_app.authoring import library, service
from survey_app.languages import catalogue
from survey_app.models import Draft, DraftChange, Submission
from tests import factories as make

SignIn = Callable[..., FlaskClient]
FORM = """
    | survey   |                |          |                        |                     |                    |                |
    |          | type           | name     | label::Tiếng Việt (vi) | label::English (en) | relevant           | constraint     |
    |          | begin group    | site     | Cơ sở                  | Site                |                    |                |
    |          | select_one ab  | pick     | Chọn                   | Pick                |                    |                |
    |          | integer        | staff    | Số lao động            | Workers             | ${pick} = 'a'      | . > floor(0.5) |
    |          | text           | lost     | Mất                    |                     | ${pick} = 'c'      |                |
    |          | end group      |          |                        |                     |                    |                |
    |          | begin repeat   | machine  | Máy                    | Machine             |                    |                |
    |          | decimal        | power    | Công suất              | Power of ${staff}   |                    |                |
    |          | end repeat     |          |                        |                     |                    |                |
    | choices  |                |          |                        |                     |                    |                |
    |          | list_name      | name     | label::Tiếng Việt (vi) | label::English (en) |                    |                |
    |          | ab             | a        | Một                    | One                 |                    |                |
    |          | ab             | b        | Hai                    | Two                 |                    |                |
    | settings |                |          |                        |                     |                    |                |
    |          | form_id        | version  | form_title             |                     |                    |                |
    |          | helped         | 1        | Phiếu soạn             |                     |                    |                |
"""


def upload(browser: FlaskClient, source: str, name: str = "form.md"):  # type: ignore[no-untyped-def]
    content = io.BytesIO(source.encode())
    return browser.post("/questionnaires/upload?lang=en", data={"workbook": (content, name)})


@pytest.fixture
def author(sign_in: SignIn) -> FlaskClient:
    return sign_in("manager")


@pytest.fixture
def address(author: FlaskClient, session: Session) -> str:
    """The address of the uploaded draft."""
    return str(upload(author, FORM).location)


def words(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


# What was found -------------------------------------------------------------------------------------------------


def test_errors_stand_in_the_order_of_sheet_and_row_with_the_text_of_their_cell(author: FlaskClient) -> None:
    source = """
| choices | list_name | name | label |
|         | l         | a b  | A     |
| survey  | type   | name | label | relevant   |
|         | integr | a    | A     |            |
|         | text   | b    | B     | ${zzz} = 1 |
"""
    answer = upload(author, source)
    assert answer.status_code == 422
    assert re.findall(r'<code class="cell">(\w+![A-Z]+\d+)</code>', answer.text) == [
        "survey!A5",
        "survey!D6",
        "choices!B3",
    ]
    assert re.findall(r'class="cell-text">([^<]*)<', answer.text) == ["integr", "${zzz} = 1", "a b"]


def test_an_upload_with_errors_also_tells_what_other_clients_would_not_run(author: FlaskClient) -> None:
    answer = upload(author, FORM.replace("${pick} = 'a'", "${pik} = 'a'"))
    assert answer.status_code == 422
    assert "ODK Collect has no floor()" in answer.text


def test_the_page_of_a_version_tells_length_dead_questions_and_missing_texts(author: FlaskClient, address: str) -> None:
    page = words(author.get(f"{address}?lang=en").text)
    assert "4 questions 3 on the longest way through" in page
    assert "site/lost is never asked. It waits for “c”, which is not in the list “ab” of pick." in page
    assert "Texts missing in English (en): 1" in page
    assert "ODK Collect has no floor()" in page


def test_a_text_missing_in_a_language_shows_what_another_language_says(author: FlaskClient, address: str) -> None:
    page = author.get(f"{address}?lang=en").text
    assert 'class="cell-text">Mất<' in page.partition("Texts missing")[2]


def test_a_new_version_shows_each_cell_before_and_after(author: FlaskClient, address: str) -> None:
    author.post(f"{address}/publish")
    changed = FORM.replace("| helped         | 1 ", "| helped         | 2 ").replace("Workers", "Staff  ")
    changed = changed.replace("decimal        | power", "text           | power")
    page = author.get(f"{upload(author, changed).location}?lang=en").text
    assert re.search(r"<del>.*?Workers</del>\s*<ins>.*?Staff</ins>", page)
    part = words(page.partition("Changes since version 1")[2])
    assert "The type of machine/power changed from decimal to text." in part
    assert "look whether the question still means the same" in part


def test_a_workbook_with_thousands_of_errors_gives_a_page_of_bearable_length(author: FlaskClient) -> None:
    rows = "\n".join(f"| | integr | q{n} | Q |" for n in range(3000))
    page = upload(author, f"| survey | type | name | label |\n{rows}\n").text
    assert "Must be corrected (3000)" in page
    assert "2500 more are not listed" in page
    assert page.count('<code class="cell">') == 500


# What depends on what -------------------------------------------------------------------------------------------


def test_the_graph_links_each_row_with_those_it_reads_and_is_read_by(author: FlaskClient, address: str) -> None:
    page = author.get(f"{address}/graph?lang=en").text
    row = page.partition('<tr id="site/staff"')[2].partition("</tr>")[0]
    depends, used = row.split("<td>")[1:]
    assert '<a href="#site/pick">pick</a>' in depends
    assert '<a href="#machine/power">power</a>' in used
    assert page.count("<rect ") == 4
    assert page.count("<path ") == 3


def test_every_link_of_the_graph_leads_to_a_row(author: FlaskClient, session: Session) -> None:
    source = FORM.replace("form_title             |", "form_title | instance_name |").replace(
        "| Phiếu soạn             |", "| Phiếu soạn | ${pick} |"
    )
    page = author.get(f"{upload(author, source).location}/graph").text
    targets = set(re.findall(r'<a href="#([^"]+)"', page.partition("<table")[2]))
    assert targets <= set(re.findall(r'<tr id="([^"]+)"', page))
    assert "settings/instance_name" in targets


def test_a_large_form_is_drawn_around_one_question(author: FlaskClient) -> None:
    rows = "\n".join(f"| | integer | q{n} | Q | ${{q{n - 1}}} > 0 |" for n in range(1, 70))
    source = f"| survey | type | name | label | relevant |\n| | integer | q0 | Q | |\n{rows}\n"
    address = upload(author, source, "chain.md").location
    assert "<svg" not in author.get(f"{address}/graph").text
    page = author.get(f"{address}/graph?around=q5").text
    assert page.count("<rect ") == 3
    assert 'class="chosen"' in page


# The preview ----------------------------------------------------------------------------------------------------


def test_a_preview_of_a_draft_stores_nothing(author: FlaskClient, address: str, session: Session) -> None:
    for page in ("preview", "preview/form?seed=4", "preview/draft?seed=4", "preview/bundle/vi"):
        assert author.get(f"{address}/{page}").status_code == 200
    counts = [session.scalar(select(func.count()).select_from(table)) for table in (Draft, DraftChange, Submission)]
    assert counts == [0, 0, 0]


def test_a_preview_shows_the_real_pages_in_the_language_asked_for(author: FlaskClient, address: str) -> None:
    page = author.get(f"{address}/preview/form?language=en&lang=vi").text
    assert 'data-question="site/staff"' in page
    assert "Workers" in page
    assert "Số lao động" not in page
    assert "data-preview" in page
    assert "/api/v1/" not in page.partition("<main")[2].partition('id="texts"')[0]


def test_a_preview_begins_empty_or_as_a_random_respondent_answers(author: FlaskClient, address: str) -> None:
    empty = author.get(f"{address}/preview/draft").json
    filled = [author.get(f"{address}/preview/draft?seed={seed}").json for seed in (7, 7, 8)]
    assert empty["values"] == {}
    assert filled[0]["values"]["site/pick"] in ("a", "b")
    assert filled[0]["rows"]["machine"]
    assert filled[0] == filled[1] != filled[2]


def test_without_a_script_the_preview_shows_one_screen_after_the_other(author: FlaskClient, address: str) -> None:
    first = author.get(f"{address}/preview/plain?seed=4&lang=en&language=en").text
    onward = html.unescape(re.findall(r'class="button" href="([^"]+)"', first)[0])
    second = author.get(f"{onward}&lang=en").text
    assert "Pick" in words(first)
    assert "Power of" in words(second)
    assert "nothing is kept or sent" in first


def test_only_the_preview_may_be_framed_and_only_by_us(author: FlaskClient, address: str) -> None:
    policies = {
        page: author.get(f"{address}{page}").headers["Content-Security-Policy"]
        for page in ("", "/preview", "/preview/form")
    }
    assert "frame-ancestors 'none'" in policies[""]
    assert "frame-src 'self'" in policies["/preview"]
    assert "frame-ancestors 'none'" in policies["/preview"]
    assert "frame-ancestors 'self'" in policies["/preview/form"]
    assert "script-src 'self'" in policies["/preview/form"]


def test_a_form_that_reads_the_register_is_previewed_with_a_made_up_unit(
    author: FlaskClient, app: Flask, session: Session
) -> None:
    source = """
| survey   | type      | name | label | calculation                           |
|          | calculate | c    |       | instance('register')/root/item[1]/code |
|          | note      | n    | ${c}  |                                       |
| settings | form_id | version | external_instances       |
|          | reads   | 1       | register previous prices |
"""
    state = author.get(f"{upload(author, source).location}/preview/draft").json
    assert state["instances"]["register"][0]["name"]
    assert state["instances"]["previous"] == []


# Random respondents ---------------------------------------------------------------------------------------------


def test_a_run_tells_of_dead_ends_and_of_questions_nobody_was_asked(author: FlaskClient) -> None:
    source = (
        FORM.replace("| . > floor(0.5) |", "| . > 5 and . < 2 |")
        .replace("| relevant           |", "| relevant           | required |")
        .replace("| ${pick} = 'a'      |", "| ${pick} = 'a'      | yes |")
    )
    source = re.sub(r"(\| relevant +)\| required \| constraint +\|", r"\1| constraint | required |", source)
    source = source.replace("| yes | . > 5 and . < 2 |", "| . > 5 and . < 2 | yes |")
    address = upload(author, source).location
    answer = author.post(f"{address}/rehearsal")
    page = words(author.get(f"{answer.location}&lang=en").text)
    assert re.search(r"survey!A\d+ Workers .* respondents", page)
    assert "for example:" in page
    assert "survey!A7 Mất It waits for “c”" in page


def test_one_run_at_a_time(author: FlaskClient, address: str, app: Flask) -> None:
    with app.app_context():
        assert service._runs.turn.acquire(blocking=False)
    try:
        assert author.post(f"{address}/rehearsal").status_code == 409
    finally:
        service._runs.turn.release()
    assert author.post(f"{address}/rehearsal").status_code == 303


def test_a_run_that_takes_too_long_ends_with_fewer_respondents(app: Flask) -> None:
    with app.app_context():
        run = service.rehearse(make.form_from_md(), 20_000, seconds=0.2)
    assert 0 < run.respondents < 20_000


# The library ----------------------------------------------------------------------------------------------------


def test_the_library_offers_lists_sections_and_questions_of_published_questionnaires(
    author: FlaskClient, address: str, app: Flask
) -> None:
    assert author.get("/questionnaires/library?q=phieu+soan").text.count("library/") == 0
    author.post(f"{address}/publish")
    with app.test_request_context("/?lang=en"):
        found, _ = library.search("phieu soan")
    assert {(entry.kind, entry.name) for entry in found} == {
        ("list", "ab"),
        ("section", "site"),
        ("section", "machine"),
        ("question", "pick"),
        ("question", "staff"),
        ("question", "lost"),
        ("question", "power"),
    }
    section = next(entry for entry in found if entry.name == "site")
    assert [row["name"] for row in section.rows["choices"]] == ["a", "b"]


def test_the_library_offers_the_lists_of_the_programme(author: FlaskClient, app: Flask) -> None:
    page = author.get("/questionnaires/library?q=vsic&lang=en").text
    entry = re.findall(r"/questionnaires/library/([0-9a-f]{16})\"", page)
    assert entry
    rows = html.unescape(author.get(f"/questionnaires/library/{entry[0]}").text.partition("<textarea")[2])
    assert "list_name\tname\tlabel::Tiếng Việt (vi)" in rows


def test_an_entry_comes_as_a_workbook_that_reads_back(author: FlaskClient, address: str, app: Flask) -> None:
    author.post(f"{address}/publish")
    with app.test_request_context():
        entry = next(entry for entry in library.search("phieu soan")[0] if entry.name == "site")
    answer = author.get(f"/questionnaires/library/{entry.id}.xlsx")
    sheets = read_workbook(answer.data, "copy.xlsx")
    assert [row.get("name") for row in sheets["survey"].rows][:2] == ["site", "pick"]
    assert sheets["survey"].rows[2].get("constraint") == ". > floor(0.5)"
    assert load_form(answer.data, "copy.xlsx").definition.find(("site", "staff")) is not None


# Types and appearances ------------------------------------------------------------------------------------------


def test_the_page_of_types_shows_every_type_with_a_note_of_its_own(author: FlaskClient) -> None:
    page = author.get("/questionnaires/types?lang=en").text
    assert set(TYPES) <= set(NOTES)
    assert [name for name in TYPES if f'id="type-{name}"' not in page] == []


def test_every_note_of_the_registries_is_there_in_vietnamese() -> None:
    known = catalogue("vi")
    texts = {*NOTES.values(), *(one.note for one in APPEARANCES)}
    assert sorted(text for text in texts if text not in known) == []


def test_every_message_about_changes_exists() -> None:
    assert {code for code in CONSEQUENCES.values() if code not in MESSAGES} == set()
