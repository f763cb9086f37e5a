"""What a respondent gets back, and what they say of the measures."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey_app.models import MeasureDecision
from tests import factories
from tests.survey_app.test_collect import Respondent

SCORED = """
    | survey   |                  |        |                        |                     |          |        |
    |          | type             | name   | label::Tiếng Việt (vi) | label::English (en) | required |        |
    |          | select_one level | order  | Ngăn nắp               | Order               | yes      |        |
    |          | decimal          | cost   | Tiền điện              | Electricity cost    |          |        |
    | choices  |                  |        |                        |                     |          |        |
    |          | list_name        | name   | label::Tiếng Việt (vi) | label::English (en) |          |        |
    |          | level            | m0     | Chưa có                | Not in place        |          |        |
    |          | level            | m4     | Có đo lường            | Measured            |          |        |
    | settings |                  |        |                        |                     |          |        |
    |          | form_id          | version | form_title::Tiếng Việt (vi) | form_title::English (en) |  |        |
    |          | scored           | 1      | Phiếu có điểm          | Scored form         |          |        |

    | scores | kind      | name  | label::Tiếng Việt (vi) | label::English (en) | parents | rule                                     | weight |
    |        | item      | i_one | Ngăn nắp               | Order               | tidy    | number(substr(${order}, 1)) * 25         |        |
    |        | dimension | tidy  | Nội vi                 | Housekeeping        | overall |                                          | 1      |
    |        | index     | overall | Điểm chung           | Overall             |         |                                          |        |
    |        | band      | weak  | Yếu                    | Weak                | overall | 0                                        |        |

    | indicators | name  | label::Tiếng Việt (vi) | label::English (en) | kind   | rule |
    |            | level | Mức                    | Level               | number | 1    |

    | resources | name | label::Tiếng Việt (vi) | label::English (en) | cost              |
    |           | elec | Điện                   | Electricity         | ${cost} * 1000000 |

    | measures | code | label::Tiếng Việt (vi) | label::English (en) | technique | resources | base::English (en) | share | saving_low | saving_high | payback_low | payback_high | trigger         |
    |          | M01  | Làm 5S                 | Do 5S               | t1        | elec      | all electricity    | 1     | 0.1        | 0.2         | 0           | 3            | ${order} = 'm0' |
"""


def finished(app: Flask, session: Session, order: str = "m0") -> Respondent:
    version = factories.form_version(session, SCORED)
    _, token = factories.invitation(session, factories.campaign(session, version, mode="self"))
    session.commit()
    person = Respondent(app, token)
    person.open()
    person.agree()
    person.save("order", {"order": order, "cost": "100"})
    person.browser.post(f"{person.at}send", data={"accept": "1"})
    return person


def test_level_score_and_measures_come_back_marked_as_not_verified(app: Flask, session: Session) -> None:
    page = finished(app, session).page("result")
    assert "Not verified" in page
    assert "L1" in page
    assert "Housekeeping" in page
    assert "Not in place" in page
    assert "Do 5S" in page
    assert "10–20 million VND a year" in page


def test_where_no_measure_fits_the_first_steps_of_the_level_are_offered(app: Flask, session: Session) -> None:
    page = finished(app, session, order="m4").page("result")
    assert "Do 5S" not in page
    steps = page.partition('id="first-steps"')[2].partition("</section>")[0]
    assert "Choose one measure you have taken" in steps
    assert steps.count("<li>") >= 3


def test_where_measures_fit_no_general_steps_stand_beside_them(app: Flask, session: Session) -> None:
    assert "first-steps" not in finished(app, session).page("result")


def test_a_measure_is_decided_on_and_a_reason_is_asked_where_it_does_not_suit(app: Flask, session: Session) -> None:
    person = finished(app, session)
    address = f"{person.at}result/measures/M01"
    assert person.browser.post(address, data={"decision": "will_do"}).status_code == 303
    refused = person.browser.post(address, data={"decision": "not_suitable", "reason": " "})
    assert refused.status_code == 422
    assert session.scalars(select(MeasureDecision)).one().decision == "will_do"
    session.commit()
    person.browser.post(address, data={"decision": "not_suitable", "reason": "No room"})
    assert session.scalars(select(MeasureDecision)).one().reason == "No room"
    assert person.browser.post(f"{person.at}result/measures/M99", data={"decision": "done"}).status_code == 404


def test_there_is_no_result_before_sending(app: Flask, session: Session) -> None:
    _, token = factories.invitation(session, factories.campaign(session, factories.form_version(session, SCORED)))
    session.commit()
    person = Respondent(app, token)
    person.open()
    assert person.browser.get(f"{person.at}result").status_code == 404
