"""Every question type and appearance, answered by keyboard alone and again without JavaScript: the same values."""

from __future__ import annotations

import io
import re
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.e2e.conftest import DESK, PHONE, check
from tests.e2e.one_form import OneForm, serve

ROOT = Path(__file__).parents[2]
FORM = (ROOT / "tests/sample_forms/every_type.md").read_text(encoding="utf8")
HALLS = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">
<script>window.bad = 1</script><style>rect { fill: red }</style><image href="https://example.invalid/x.png" width="9" height="9"/>
<rect onload="window.bad = 1" onclick="window.bad = 1" id="boiler" x="5" y="5" width="90" height="90" style="fill:#fde68a"/><rect id="store" x="105" y="5" width="90" height="90" fill="#bfdbfe"/>
</svg>"""
CLIPPED = """() => [...document.querySelectorAll('button, label, legend, summary, .hint, h2, option')]
  .filter(e => e.getClientRects().length && !e.closest('.visually-hidden') && getComputedStyle(e).display !== 'inline'
    && e.scrollWidth > e.clientWidth + 2 && getComputedStyle(e).overflowX !== 'visible')
  .map(e => e.textContent.trim().slice(0, 40))"""
SCREENS = ("texts", "numbers", "selects", "table", "table_list", "pictures", "times", "places", "files")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1200, 900), "#88aacc").save(out, "JPEG")
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<80h", *range(80)))
    return out.getvalue()


FILES = {
    "photo.jpg": ("image/jpeg", picture()),
    "sound.wav": ("audio/wav", sound()),
    "film.mp4": ("video/mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(64)),
    "bill.pdf": ("application/pdf", b"%PDF-1.4\n" + bytes(64)),
}


class Keys:
    """A person who has a keyboard only and finds things by role and name, as a screen reader says them."""

    def __init__(self, page: Page, is_app: bool) -> None:
        self.page, self.is_app = page, is_app

    @property
    def form(self) -> Locator:
        return self.page.locator("#interview")

    def question(self, name: str) -> Locator:
        """The group of several controls that is called so."""
        return self.form.get_by_role("group", name=re.compile(f"^{re.escape(name)}( |$)"))

    def reach(self, target: Locator, isin: bool = False) -> None:
        """Press Tab until the focus is there (or inside)."""
        expect(target).to_be_visible()
        test = "(e, inside) => e === document.activeElement || (inside && e.contains(document.activeElement) && document.activeElement.matches('input'))"
        for _ in range(120):
            if target.evaluate(test, isin):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not get to {target}")

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.page.keyboard.type(text)

    def text(self, name: str, text: str) -> None:
        label = re.compile(f"^{re.escape(name)}")
        self.write(self.form.locator(".question:not([hidden])").get_by_role("textbox", name=label).first, text)

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.reach(target)
        self.page.keyboard.press(key)

    def pick(self, name: str, choice: str) -> None:
        """Choose a radio button: the group is one stop, arrows go through it."""
        group = self.question(name)
        wanted = group.get_by_role("radio", name=choice, exact=True)
        self.reach(group, isin=True)
        self.page.keyboard.press("Space")
        for _ in range(12):
            if wanted.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{choice} cannot be chosen in {name}")

    def tick(self, name: str, *choices: str) -> None:
        for choice in choices:
            self.press(self.question(name).get_by_role("checkbox", name=choice), "Space")

    def unfold(self, name: str, words: str) -> None:
        """Open what is folded away inside a question."""
        self.press(self.question(name).locator("summary", has_text=words))

    def choose(self, name: str, option: str) -> None:
        self.write(self.form.get_by_role("combobox", name=re.compile(f"^{re.escape(name)}")), option)

    def upload(self, name: str, file: str) -> None:
        kind, content = FILES[file]
        control = self.form.get_by_label(name)
        self.reach(control)
        for is_last in (False, False, True):  # a busy machine may miss the key
            try:
                with self.page.expect_file_chooser(timeout=4_000) as chooser:
                    self.page.keyboard.press("Enter")
                break
            except PlaywrightTimeout:
                assert not is_last, f"no file can be chosen for {name}"
        chooser.value.set_files({"name": file, "mimeType": kind, "buffer": content})

    # -- screens ------------------------------------------------------------------------------------------------------

    def texts(self) -> None:
        self.text("Name of the enterprise", "Gốm *Bồ Bát* & con")
        self.text("Describe the process", "Nung\nLàm nguội")
        self.text("Number of the meter", "00123")
        self.write(self.form.get_by_label("Secret code"), "bí mật")
        self.text("Website", "https://example.invalid/a?b=1")
        self.text("Telephone", "+84 912 345 678")
        self.text("E-mail", "a@example.invalid")
        self.text("Code on the machine", "8930001")
        self.press(self.form.get_by_role("checkbox", name="I have read"), "Space")

    def numbers(self) -> None:
        self.text("Workers of Gốm *Bồ Bát* & con", "12")
        self.text("Electricity", "1234.5")
        if self.is_app:
            for _ in range(3):
                self.press(self.form.get_by_role("button", name="One more"))
        else:
            self.text("Shifts", "3")
        self.pick("Readiness", "4")
        self.pick("Rating", "3 of 5")
        self.choose("Hours a shift", "7.5")
        self.pick("Noise", "2")
        self.text("Temperature", "85")

    def selects(self) -> None:
        self.pick("Main fuel", "Wood")
        self.choose("Second fuel", "Gas")
        if self.is_app:
            third = self.form.locator('[data-question="selects/searched"]')
            self.write(third.get_by_role("searchbox"), "oi")
            self.page.keyboard.press("ArrowDown")
        else:
            self.choose("Third fuel", "Oil")
        for name in ("Reserve fuel", "Former fuel", "New fuel", "Cheapest fuel", "Cleanest fuel"):
            self.pick(name, "Gas")
        self.pick("The machines are old", "Partly")
        self.tick("All fuels used", "Coal", "Gas")
        self.unfold("Fuels tried", "Please choose")
        self.tick("Fuels tried", "Wood", "Oil")
        self.tick("Fuels to try", "Gas")
        order = self.question("Order of preference")
        if self.is_app:
            self.press(order.get_by_role("button", name="Move down: Coal"))
            self.press(order.get_by_role("button", name="Move up: Oil"))
        else:
            for name, place in (("Coal", "2"), ("Wood", "1"), ("Gas", "4"), ("Oil", "3")):
                self.write(order.get_by_role("combobox", name=f"Place of: {name}"), place)

    def table(self) -> None:
        self.pick("There is a saving plan", "Agree")
        self.pick("Somebody is in charge", "Disagree")

    def table_list(self) -> None:
        self.pick("Water is metered", "Partly")
        self.pick("Steam is metered", "Agree")

    def pictures(self) -> None:
        self.pick("Hottest hall", "Store")
        self.pick("Nearest gate", "South gate")

    def times(self) -> None:
        self.write(self.form.get_by_label("Day of the survey"), "05052026")
        for name, value in (
            ("Day of foundation", ("7", "9", "1999")),
            ("Month of the audit", ("8", "2025")),
            ("Year of construction", ("1987",)),
        ):
            group = self.question(name)
            fields = group.get_by_role("textbox").or_(group.get_by_role("combobox"))
            for number, part in enumerate(value):
                self.write(fields.nth(number), part)
        self.write(self.form.get_by_label("Shift begins"), "0630A")
        self.write(self.form.get_by_label("Last stop"), "05052026")
        self.page.keyboard.press("ArrowRight")
        self.page.keyboard.type("0645A")

    def places(self) -> None:
        places = {"enterprise": "20.25", "chimney": "20.251", "outlet": "20.252"}
        for name, latitude in places.items():
            if self.is_app:
                self.unfold(f"Place of the {name}", "Type the coordinates")
            group = self.question(f"Place of the {name}")
            self.write(group.get_by_role("textbox", name="Latitude"), latitude)
            self.write(group.get_by_role("textbox", name="Longitude"), "105.975")
        for name, points in (
            ("Line of the steam pipe", "20.25 105.97\n20,26 105,98"),
            ("Ground", "20.25, 105.97\n20.26, 105.97\n20.26, 105.98"),
        ):
            if self.is_app:
                self.unfold(name, "Type the coordinates")
                self.write(self.question(name).get_by_role("textbox", name="Coordinates"), points)
            else:
                self.text(name, points)

    def files(self) -> None:
        self.upload("Photo of the meter", "photo.jpg")
        self.upload("Photo taken now", "photo.jpg")
        if self.is_app:
            sketch = self.question("Sketch of the site")
            self.write(sketch.get_by_role("textbox", name="Words to write"), "Lò hơi ở đây")
            self.press(sketch.get_by_role("button", name="Write"))
            self.upload("Photo to write on", "photo.jpg")
        else:
            self.upload("Sketch of the site", "photo.jpg")
            self.upload("Photo with remarks", "photo.jpg")
        if self.is_app:
            self.unfold("Signature of the representative", "Type your name")
        signature = self.question("Signature of the representative")
        self.write(signature.get_by_role("textbox", name="Full name"), "Phạm Thị D")
        self.press(signature.get_by_role("checkbox"), "Space")
        self.upload("Sound of the machine", "sound.wav")
        self.upload("Short film", "film.mp4")
        self.upload("Bill", "bill.pdf")


# Question -> the value both ways store; files have names made where they were taken.
EXPECTED: dict[str, str | int | float | re.Pattern[str]] = {
    "texts/plain_text": "Gốm *Bồ Bát* & con",
    "texts/lines": "Nung\nLàm nguội",
    "texts/digits": "00123",
    "texts/secret": "bí mật",
    "texts/site": "https://example.invalid/a?b=1",
    "texts/contact_phone": "0912345678",
    "texts/contact_email": "a@example.invalid",
    "texts/code": "8930001",
    "texts/agreed": "OK",
    "numbers/staff": 12,
    "numbers/power": 1234.5,
    "numbers/shifts": 3,
    "numbers/few": 4,
    "numbers/stars": 3,
    "numbers/picked": 7.5,
    "numbers/upright": 2,
    "numbers/many": 85,
    "selects/one": "wood",
    "selects/folded": "gas",
    "selects/searched": "oil",
    "selects/fast": "gas",
    "selects/columned": "gas",
    "selects/three": "gas",
    "selects/packed": "gas",
    "selects/bare": "gas",
    "selects/scale": "partly",
    "selects/several": "coal gas",
    "selects/hidden_several": "wood oil",
    "selects/found_several": "gas",
    "selects/order": "wood coal oil gas",
    "table/row_a": "yes",
    "table/row_b": "no",
    "table_list/auto_a": "partly",
    "table_list/auto_b": "yes",
    "pictures/hall": "store",
    "pictures/gate": "south",
    "times/day": "2026-05-05",
    "times/typed_day": "1999-09-07",
    "times/month": "2025-08-01",
    "times/year": "1987-01-01",
    "times/begins": "06:30:00",
    "times/stopped": "2026-05-05T06:45:00.000+07:00",
    "places/point": "20.25 105.975 0 0",
    "places/set_point": "20.251 105.975 0 0",
    "places/shown_point": "20.252 105.975 0 0",
    "places/pipe": "20.25 105.97 0 0;20.26 105.98 0 0",
    "places/ground": "20.25 105.97 0 0;20.26 105.97 0 0;20.26 105.98 0 0;20.25 105.97 0 0",
    "files/photo": re.compile(r"photo-\w{8,10}\.jpg"),
    "files/fresh": re.compile(r"fresh-\w{8,10}\.jpg"),
    "files/drawn": re.compile(r"drawn-\w{8,10}\.(png|jpg)"),
    "files/marked": re.compile(r"marked-\w{8,10}\.jpg"),
    "files/signed": re.compile(r"signed-\w{8,10}\.png"),
    "files/sound": re.compile(r"sound-\w{8,10}\.wav"),
    "files/film": re.compile(r"film-\w{8,10}\.mp4"),
    "files/paper": re.compile(r"paper-\w{8,10}\.pdf"),
}


@pytest.fixture
def form(app: Flask) -> Iterator[OneForm]:
    with serve(app, FORM, {"halls.svg": HALLS}) as running:
        yield running


def new_context(browser: Browser, **options: object) -> BrowserContext:
    place = {"latitude": 20.25, "longitude": 105.97, "accuracy": 8}
    context = browser.new_context(
        viewport=PHONE, timezone_id="Asia/Ho_Chi_Minh", geolocation=place, permissions=["geolocation"], **options
    )  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    return context


def values(page: Page, form: OneForm, instance_id: str) -> dict[str, object]:
    answer = page.request.get(f"{form.url}/api/v1/drafts/{instance_id}")
    assert answer.ok, answer.text()
    return dict(answer.json()["values"])


def differences(stored: dict[str, object]) -> dict[str, tuple[object, object]]:
    """name -> (wanted, stored) of what differs from the table."""

    def fits(wanted: object, value: object) -> bool:
        return bool(wanted.fullmatch(str(value))) if isinstance(wanted, re.Pattern) else value == wanted

    names = EXPECTED.keys() | stored.keys()
    return {
        name: (EXPECTED.get(name), stored.get(name)) for name in names if not fits(EXPECTED.get(name), stored.get(name))
    }


def saved(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text("Saved")


def fill(page: Page, is_app: bool, each: Callable[[str], None] = lambda screen: None) -> None:
    """Every screen in turn, by keyboard alone."""
    keys = Keys(page, is_app)
    for screen in SCREENS:
        getattr(keys, screen)()
        each(screen)
        onward = page.get_by_role("button", name=re.compile("^(Next|Review)$"))
        keys.press(onward.last)
        if is_app:
            expect(page.locator(f"[data-screen={screen}]")).to_be_hidden()
        else:
            page.wait_for_url(lambda url, here=screen: not url.endswith(f"/{here}"))


def test_every_type_is_answered_by_keyboard_alone_in_the_app(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, instance_id = form.open(context)
    fill(page, is_app=True)
    saved(page)
    assert differences(values(page, form, instance_id)) == {}
    expect(page.get_by_role("heading", name="Review and send")).to_be_visible()
    context.close()


def test_every_type_is_answered_without_javascript_and_stores_the_same(browser: Browser, form: OneForm) -> None:
    context = new_context(browser, java_script_enabled=False)
    page, instance_id = form.open(context, "plain")
    fill(page, is_app=False)
    assert differences(values(page, form, instance_id)) == {}
    context.close()


def test_the_table_names_every_question_of_the_form(form: OneForm) -> None:
    from forms import TYPES, from_json

    definition = from_json(form.version.definition)
    asked = {"/".join(q.path) for q in definition.questions() if q.type != "note" and q.appearance != "label"}
    assert asked == set(EXPECTED)
    types = {q.type for q in definition.questions()}
    assert {name for name, type_ in TYPES.items() if type_.is_asked} - types == set()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_screen_suits_a_small_phone_large_text_and_axe(browser: Browser, form: OneForm, language: str) -> None:
    context = new_context(browser)
    page, instance_id = form.open(context, language=language)
    for screen in SCREENS:
        page.goto(f"{form.address(instance_id)}#{screen}")
        page.reload()
        page.locator("[data-loading]").wait_for(state="detached")
        for folded in page.locator("[data-screen]:not([hidden]) details").all():
            folded.evaluate("e => { e.open = true; }")
        check(page)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(CLIPPED) == [], screen
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size(DESK)
        check(page)
        page.set_viewport_size(PHONE)
    context.close()


def test_the_language_changes_in_mid_interview_and_no_answer_is_lost(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, _ = form.open(context)
    page.get_by_label("Name of the enterprise").fill("Gốm")
    page.get_by_role("button", name="VI – Tiếng Việt").click()
    expect(page.get_by_label("Tên doanh nghiệp")).to_have_value("Gốm")
    page.get_by_role("button", name="EN – English").click()
    expect(page.get_by_label("Name of the enterprise")).to_have_value("Gốm")
    context.close()


def test_without_javascript_the_language_button_saves_what_stands_in_the_fields(
    browser: Browser, form: OneForm
) -> None:
    context = new_context(browser, java_script_enabled=False)
    page, instance_id = form.open(context, "plain")
    page.get_by_label("Name of the enterprise").fill("Gốm")
    page.get_by_role("button", name="VI – Tiếng Việt").click()
    expect(page.get_by_label("Tên doanh nghiệp")).to_have_value("Gốm")
    assert values(page, form, instance_id)["texts/plain_text"] == "Gốm"
    assert page.url.endswith("/s/texts")
    context.close()


def test_labels_and_notes_follow_the_answers_they_name_as_text(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, _ = form.open(context)
    page.get_by_label("Name of the enterprise").press_sequentially("A *b* <i>c</i>")
    note = page.locator("[data-question='texts/remark']")
    expect(note.locator("strong")).to_have_text("A *b* <i>c</i>")
    expect(note.get_by_role("heading", name="Please note")).to_be_visible()
    expect(note.locator("li").nth(1).locator(".ink-red")).to_have_text("not")
    context.close()


def test_buttons_on_the_map_add_move_and_remove_points(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, instance_id = form.open(context)
    page.goto(f"{form.address(instance_id)}#places")
    page.reload()
    pipe = Keys(page, True).question("Line of the steam pipe")
    pipe.get_by_role("button", name="Add my position").click()
    expect(pipe.locator("[data-map-state]")).to_contain_text("Points: 1")
    for _ in range(3):
        pipe.get_by_role("button", name="East").click()
    pipe.get_by_role("button", name="Add a point at the cross").click()
    expect(pipe.locator("[data-map-state]")).to_contain_text("Points: 2 · length 360 m")
    pipe.get_by_role("button", name="North").click()
    pipe.get_by_role("button", name="Move the point to the cross").click()
    saved(page)
    first, second = str(values(page, form, instance_id)["places/pipe"]).split(";")
    assert first == "20.25 105.97 0 8"
    assert float(second.split()[0]) == pytest.approx(20.25108, abs=1e-4)
    assert float(second.split()[1]) == pytest.approx(105.97345, abs=1e-4)
    pipe.get_by_role("button", name="Remove the point").click()
    pipe.get_by_role("button", name="Remove the point").click()
    saved(page)
    assert values(page, form, instance_id).get("places/pipe") is None
    expect(pipe.get_by_role("button", name="Remove the point")).to_be_hidden()
    context.close()


def test_a_finger_on_the_map_or_picture_is_the_same_as_the_list_below(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, instance_id = form.open(context)
    page.goto(f"{form.address(instance_id)}#pictures")
    page.reload()
    page.locator("[data-area=store]").click()
    expect(page.get_by_role("radio", name="Store")).to_be_checked()
    page.locator("[data-area=boiler]").click()
    assert page.evaluate("window.bad") is None
    assert page.locator(".picture-map :is(script, style, image, [onclick], [onload], [style])").count() == 0
    page.locator(".map-place").first.click()
    expect(page.get_by_role("radio", name="North gate")).to_be_checked()
    context.close()


def test_a_drawing_by_finger_is_kept_and_seen_again_after_a_return(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, instance_id = form.open(context)
    page.goto(f"{form.address(instance_id)}#files")
    page.reload()
    sheet = page.get_by_role("img", name="Sign here")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box
    with page.expect_response(lambda answer: "/attachments/signed-" in answer.url and answer.request.method == "PUT"):
        page.mouse.move(box["x"] + 30, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + 200, box["y"] + 60, steps=5)
        page.mouse.up()
    with page.expect_response(lambda answer: "/attachments/photo-" in answer.url and answer.request.method == "PUT"):
        Keys(page, True).upload("Photo of the meter", "photo.jpg")
    saved(page)
    page.reload()
    expect(page.get_by_role("img", name="Preview of the photo").first).to_be_visible()
    page.wait_for_function("document.querySelector('[data-preview]').naturalWidth > 0")
    dark = (
        """e => e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some((v, i) => i % 4 === 0 && v < 60)"""
    )
    page.wait_for_function("() => document.querySelector(\"[data-question='files/signed'] canvas\").width > 0")
    expect(sheet).to_be_visible()
    page.wait_for_timeout(500)
    assert sheet.evaluate(dark)
    context.close()


def test_a_grid_stands_side_by_side_on_a_desk_and_one_under_the_other_on_a_phone(browser: Browser, app: Flask) -> None:
    markdown = (ROOT / "tests/sample_forms/features/theme_grid.md").read_text(encoding="utf8")
    with serve(app, markdown, {}) as form:
        context = new_context(browser)
        page, _ = form.open(context)
        tops = "() => ['number', 'read_on', 'reading'].map(n => document.querySelector(`[data-question='meter/${n}']`).offsetTop)"
        assert len(set(page.evaluate(tops))) == 3
        page.set_viewport_size(DESK)
        assert len(set(page.evaluate(tops))) == 1
        check(page)
        context.close()


def test_quick_moves_on_when_tapped_and_stays_for_the_arrow_keys(browser: Browser, form: OneForm) -> None:
    context = new_context(browser)
    page, instance_id = form.open(context)
    page.goto(f"{form.address(instance_id)}#selects")
    page.reload()
    group = Keys(page, True).question("Reserve fuel")
    group.get_by_text("Coal").click()
    expect(Keys(page, True).question("Former fuel").get_by_role("radio", name="Coal")).to_be_focused()
    group.get_by_role("radio", name="Coal").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    expect(group.get_by_role("radio", name="Wood")).to_be_focused()
    expect(group.get_by_role("button", name="Clear the answer")).to_be_visible()
    group.get_by_role("button", name="Clear the answer").click()
    saved(page)
    assert values(page, form, instance_id).get("selects/fast") is None
    context.close()
