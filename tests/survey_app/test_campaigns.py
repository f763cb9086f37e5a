"""Campaigns over HTTP: planning, frame and sample, who visits whom, outcomes, links and progress."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey_app import db
from survey_app.access import hash_token
from survey_app.campaigns import service
from survey_app.campaigns.outcomes import final_outcome
from survey_app.campaigns.sampling import Unit, allocate, draw
from survey_app.models import Assignment, Campaign, FrameUnit, Invitation, Visit, utc_now
from survey_app.problems import TooMany
from tests import factories as make

SignIn = Callable[..., FlaskClient]


def wish(session: Session, **changes: object) -> dict[str, object]:
    plan, register, version = make.plan(session), make.register(session), make.form_version(session)
    session.commit()
    return {
        "phase": f"{plan.id}:I",
        "action": "2.2",
        "title_vi": "Đợt một",
        "title_en": "Round one",
        "register": register.id,
        "questionnaires": [version.id],
        "opens_on": "2026-01-01",
        "closes_on": "2026-12-31",
        "mode": "visit",
        **changes,
    }


def test_a_campaign_is_planned_and_changed(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("manager")
    data = wish(session)
    assert browser.post("/campaigns/new", data=data).status_code == 302
    campaign = session.scalars(select(Campaign)).one()
    assert "Round one" in browser.get(f"/campaigns/{campaign.id}?lang=en").text
    browser.post(f"/campaigns/{campaign.id}/edit", data={**data, "title_en": "Round two"})
    session.commit()
    session.refresh(campaign)
    assert campaign.title["en"] == "Round two"


@pytest.mark.parametrize(
    "changes",
    [
        {"title_vi": ""},
        {"questionnaires": []},
        {"closes_on": "2025-01-01"},
        {"phase": "9:X"},
        {"opens_on": "31/31/2026"},
    ],
)
def test_an_incomplete_campaign_is_not_kept(sign_in: SignIn, session: Session, changes: dict[str, object]) -> None:
    browser = sign_in("manager")
    assert browser.post("/campaigns/new", data=wish(session, **changes)).status_code == 422
    assert session.scalar(select(func.count()).select_from(Campaign)) == 0


def test_a_manager_of_one_area_may_not_change_the_whole(sign_in: SignIn, session: Session) -> None:
    campaign = make.campaign(session)
    browser = sign_in("manager", area="u374")
    assert browser.get(f"/campaigns/{campaign.id}").status_code == 200
    assert browser.post(f"/campaigns/{campaign.id}/freeze").status_code == 403


def test_a_campaign_of_another_grant_is_not_found(sign_in: SignIn, session: Session) -> None:
    mine, other = make.campaign(session), make.campaign(session)
    browser = sign_in("manager", campaign_id=mine.id)
    assert browser.get(f"/campaigns/{mine.id}").status_code == 200
    assert browser.get(f"/campaigns/{other.id}").status_code == 404
    assert browser.get("/campaigns/99999").status_code == 404


def test_the_frame_is_the_active_part_of_the_scope(sign_in: SignIn, session: Session) -> None:
    campaign = make.campaign(session)
    inside = make.establishment(session, scopes=["D_core"])
    make.establishment(session, scopes=["D_all"])
    make.establishment(session, scopes=["D_core"], closed_on=campaign.opens_on - timedelta(days=1))
    make.establishment(session, scopes=["D_core"], suspended_on=campaign.opens_on - timedelta(days=400))
    sign_in("manager").post(f"/campaigns/{campaign.id}/freeze", data={"scope": "D_core"})
    assert session.scalars(select(FrameUnit.establishment_id)).all() == [inside.id]


def test_a_draw_takes_the_classes_named_whole_and_says_how_many(sign_in: SignIn, session: Session) -> None:
    campaign = make.campaign(session)
    for number in range(30):
        make.establishment(session, size="gt300" if number < 3 else "le10", stratum=f"s{number % 3}")
    browser = sign_in("manager")
    browser.post(f"/campaigns/{campaign.id}/freeze")
    page = browser.post(
        f"/campaigns/{campaign.id}/draw?lang=en",
        data={"count": 12, "seed": 7, "take_all": ["gt300"]},
        follow_redirects=True,
    )
    chosen = session.execute(select(FrameUnit.size, FrameUnit.is_certain).where(FrameUnit.is_selected)).all()
    assert Counter(chosen) == {("gt300", True): 3, ("le10", False): 9}
    assert ">12<" in page.text


def test_the_frame_stays_once_field_work_has_begun(sign_in: SignIn, session: Session) -> None:
    campaign, unit = make.campaign(session), make.establishment(session)
    make.frame_unit(session, campaign, unit)
    make.visit(session, campaign, unit)
    browser = sign_in("manager")
    assert browser.post(f"/campaigns/{campaign.id}/freeze").status_code == 409
    assert browser.post(f"/campaigns/{campaign.id}/draw", data={"count": 1, "seed": 1}).status_code == 409


def test_the_same_seed_draws_the_same_sample() -> None:
    units = [Unit(n, f"c{n:03}", f"s{n % 4}", f"a{n % 2}") for n in range(100)]
    assert draw(units, 20, 5) == draw(list(reversed(units)), 20, 5)
    assert draw(units, 20, 5).selected != draw(units, 20, 6).selected


@pytest.mark.parametrize(
    ("counts", "size", "expected"),
    [
        ({"a": 90, "b": 10}, 20, {"a": 18, "b": 2}),
        ({"a": 97, "b": 3}, 20, {"a": 18, "b": 2}),
        ({"a": 5, "b": 1}, 99, {"a": 5, "b": 1}),
        ({"a": 5, "b": 5, "c": 5}, 3, {"a": 1, "b": 1, "c": 1}),
        ({}, 4, {}),
    ],
)
def test_a_sample_is_shared_in_proportion_with_two_at_least(
    counts: dict[str, int], size: int, expected: dict[str, int]
) -> None:
    assert allocate(counts, size) == expected


def test_a_district_is_given_to_an_assessor(sign_in: SignIn, session: Session) -> None:
    campaign, assessor = make.campaign(session), make.user(session)
    make.establishment(session, area="u374")
    make.establishment(session, area="u369")
    data = {"how": "area", "area": "u374", "assessor": assessor.id}
    sign_in("manager").post(f"/campaigns/{campaign.id}/assignments", data=data)
    given = session.scalars(select(Assignment)).one()
    assert given.assessor_id == assessor.id


def test_assigning_outside_ones_area_is_not_found(sign_in: SignIn, session: Session) -> None:
    campaign, assessor, unit = make.campaign(session), make.user(session), make.establishment(session, area="u369")
    data = {"how": "chosen", "establishment": unit.id, "assessor": assessor.id}
    answer = sign_in("manager", area="u374").post(f"/campaigns/{campaign.id}/assignments", data=data)
    assert answer.status_code == 404
    assert session.scalar(select(func.count()).select_from(Assignment)) == 0


def test_an_assessor_sees_the_instruments_and_their_state(app: Flask, session: Session) -> None:
    assessor, campaign, unit = make.user(session), make.campaign(session), make.establishment(session)
    make.assignment(session, campaign, unit, assessor)
    make.record(session, campaign, unit, state="returned")
    session.commit()
    with app.test_request_context():
        (item,) = service.work_of(assessor)
        assert [instrument.state for instrument in item.instruments] == ["returned"]
        assert not item.is_done


def test_a_draft_of_ones_own_shows_as_draft(app: Flask, session: Session) -> None:
    assessor, campaign, unit = make.user(session), make.campaign(session), make.establishment(session)
    make.assignment(session, campaign, unit, assessor)
    found = make.draft(session, campaign, unit, assessor_id=assessor.id)
    session.commit()
    with app.test_request_context():
        (item,) = service.work_of(assessor)
        assert item.instruments[0].draft_id == str(found.instance_id)


def test_an_outcome_is_noted_by_the_assessor_only(sign_in: SignIn, session: Session) -> None:
    browser = sign_in("assessor")
    assessor = session.get_one(make.User, browser.user_id)  # type: ignore[attr-defined]
    given = make.assignment(session, assessor=assessor)
    session.commit()
    address = f"/campaigns/work/{given.id}/outcome"
    assert sign_in("assessor").get(address).status_code == 404
    assert browser.post(address, data={"outcome": 110}).status_code == 422
    assert browser.post(address, data={"outcome": 413, "note": "đóng cửa"}).status_code == 302
    visit = session.scalars(select(Visit)).one()
    assert (visit.outcome, visit.assessor_id) == (413, assessor.id)


@pytest.mark.parametrize(
    ("codes", "final"),
    [
        ([], 311),
        ([None], 311),
        ([221, 211], 211),
        ([413, 211], 413),
        ([211, 110], 110),
        ([312, 321], 321),
    ],
)
def test_the_final_outcome_follows_the_precedence(codes: list[int | None], final: int) -> None:
    assert final_outcome(codes) == final


def test_progress_counts_each_establishment_once(sign_in: SignIn, session: Session) -> None:
    campaign, assessor = make.campaign(session), make.user(session, name="Assessor One")
    done, open_ = make.establishment(session, area="u374"), make.establishment(session, area="u374")
    for unit in (done, open_):
        make.frame_unit(session, campaign, unit)
        make.assignment(session, campaign, unit, assessor)
    make.record(session, campaign, done, state="approved")
    page = sign_in("manager").get(f"/campaigns/{campaign.id}").text
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th>((?:<td class="number">\d+</td>)+)', page)
    numbers = {name: re.findall(r">(\d+)<", cells) for name, cells in rows}
    assert numbers["Huyện Hoa Lư"] == ["2", "2", "2", "1", "1", "1", "0"]
    assert numbers["Assessor One"] == ["2", "1", "1", "1", "0"]


def test_links_are_shown_once_and_kept_as_hashes(sign_in: SignIn, session: Session) -> None:
    campaign, unit = make.campaign(session), make.establishment(session)
    browser = sign_in("manager")
    page = browser.post(f"/campaigns/{campaign.id}/invitations", data={"establishment": unit.id}).text
    token = re.search(r"/l/([\w-]{43})", page)
    assert token
    assert session.scalars(select(Invitation.token_hash)).one() == hash_token(token[1])
    assert token[1] not in browser.get(f"/campaigns/{campaign.id}/invitations").text
    assert "data:image/svg+xml" in page


def test_links_come_as_csv_too(sign_in: SignIn, session: Session) -> None:
    campaign, unit = make.campaign(session), make.establishment(session, name="@Xưởng")
    data = {"establishment": unit.id, "as": "csv"}
    answer = sign_in("manager").post(f"/campaigns/{campaign.id}/invitations", data=data)
    assert answer.mimetype == "text/csv"
    assert "'@Xưởng" in answer.text
    assert "/l/" in answer.text


def test_a_focal_point_invites_in_its_own_area_only(sign_in: SignIn, session: Session) -> None:
    campaign = make.campaign(session)
    mine, other = make.establishment(session, area="u374"), make.establishment(session, area="u369")
    browser = sign_in("focal_point", area="u374")
    address = f"/campaigns/{campaign.id}/invitations"
    assert browser.post(address, data={"establishment": mine.id}).status_code == 200
    assert browser.post(address, data={"establishment": other.id}).status_code == 404
    assert browser.post(address, data={"establishment": [mine.id, other.id]}).status_code == 404


def test_a_revoked_or_expired_link_finds_nothing(app: Flask, sign_in: SignIn, session: Session) -> None:
    campaign = make.campaign(session)
    live, token = make.invitation(session, campaign)
    _, late = make.invitation(session, campaign, expires_at=utc_now() - timedelta(days=1))
    session.commit()
    with app.test_request_context():
        assert service.find_invitation(token, "10.0.0.1") is not None
        assert service.find_invitation(late, "10.0.0.1") is None
    sign_in("manager").post(f"/campaigns/{campaign.id}/invitations/{live.id}/revoke")
    with app.test_request_context():
        assert service.find_invitation(token, "10.0.0.1") is None


def test_guessing_links_is_stopped_per_address(app: Flask, session: Session) -> None:
    _, token = make.invitation(session)
    session.commit()
    with app.test_request_context():
        for number in range(service.LINK_GUESSES):
            assert service.find_invitation(f"guess-{number}", "10.0.0.2") is None
        with pytest.raises(TooMany):
            service.find_invitation("one-more", "10.0.0.2")
        assert service.find_invitation(token, "10.0.0.3") is not None


def test_a_visit_is_settled_when_every_instrument_was_sent(app: Flask, session: Session) -> None:
    campaign, unit, assessor = make.campaign(session), make.establishment(session), make.user(session)
    make.record(session, campaign, unit)
    session.commit()
    with app.test_request_context():
        db.begin_write()
        visit = service.open_visit(campaign, unit, user=assessor)
        assert service.open_visit(campaign, unit, user=assessor).id == visit.id
        service.settle_visit(visit)
        assert visit.outcome == 110


def test_units_certain_by_the_register_s_rule_are_a_stratum_of_their_own_and_taken_whole(
    sign_in: SignIn, session: Session
) -> None:
    make.register(session)
    browser = sign_in("manager")
    browser.set_cookie("language", "en")
    fields = {"legal": "llc", "unit_2016": "u374", "vsic": "2396", "workers": "25"}
    for number, process in enumerate([{}, {"kiln": "yes"}, {"plating": "yes"}, {"boiler": "yes", "boiler_th": "0,5"}, {}, {}]):
        data = {**fields, **process, "code": f"NB-00070{number}", "name": f"Xưởng mẫu {number}"}
        assert browser.post("/registers/establishments/add", data=data).status_code == 302
    campaign = make.campaign(session)
    session.commit()
    browser.post(f"/campaigns/{campaign.id}/freeze", data={"scope": "D_core"})
    page = browser.get(f"/campaigns/{campaign.id}/sample").text
    assert "Taken whole: large, key energy users" in page
    assert "2 in the frame" in page
    browser.post(f"/campaigns/{campaign.id}/draw", data={"count": "3", "seed": "7", "certain": "y"})
    session.commit()
    units = session.scalars(select(FrameUnit)).all()
    certain = [unit for unit in units if unit.is_certain]
    assert {unit.stratum for unit in certain} == {"certain|enterprise|V"}
    assert (len(certain), sum(unit.is_selected for unit in units)) == (2, 3)
    assert all(unit.is_selected for unit in certain)
    page = browser.get(f"/campaigns/{campaign.id}/sample").text
    assert "Taken whole · Enterprises and cooperatives · Building materials" in page
    assert "2 of them taken whole" in browser.get(f"/campaigns/{campaign.id}").text


def test_without_the_rule_nothing_is_taken_whole(session: Session, sign_in: SignIn) -> None:
    campaign = make.campaign(session)
    for _ in range(4):
        make.establishment(session, scopes=["D_core", "take_all"])
    session.commit()
    browser = sign_in("manager")
    browser.post(f"/campaigns/{campaign.id}/freeze")
    browser.post(f"/campaigns/{campaign.id}/draw", data={"count": "2", "seed": "7"})
    session.commit()
    units = session.scalars(select(FrameUnit)).all()
    assert (sum(unit.is_selected for unit in units), sum(unit.is_certain for unit in units)) == (2, 0)


def test_a_link_for_an_establishment_that_does_not_work_is_asked_about_first(
    sign_in: SignIn, session: Session
) -> None:
    campaign = make.campaign(session, mode="self")
    day = utc_now().date() - timedelta(days=10)
    working = make.establishment(session)
    closed, suspended = make.establishment(session, closed_on=day), make.establishment(session, suspended_on=day)
    session.commit()
    browser = sign_in("manager")
    browser.set_cookie("language", "en")
    assert "suspended since" in browser.get(f"/campaigns/{campaign.id}/invitations").text
    chosen = {"establishment": [str(one.id) for one in (working, closed, suspended)], "days": "30"}
    page = browser.post(f"/campaigns/{campaign.id}/invitations", data=chosen).text
    assert "2 of the 3 establishments chosen" in page
    assert "Make links for the 1 others" in page
    assert closed.name in page
    assert suspended.name in page
    assert session.scalar(select(func.count()).select_from(Invitation)) == 0
    session.commit()
    answer = browser.post(f"/campaigns/{campaign.id}/invitations", data={**chosen, "sure": "1"})
    assert answer.status_code == 200
    assert "Copy the link" in answer.text
    assert session.scalar(select(func.count()).select_from(Invitation)) == 3
