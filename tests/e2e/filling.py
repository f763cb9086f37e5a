"""Fills an interview as a person does, with or without JavaScript: looks at what is asked, taps, types, goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page

# What a person sees on the screen, in order: what is asked, by which control, and whether it is answered.
SEEN = """() => [...document.querySelectorAll('#interview section[data-screen]:not([hidden]) [data-question]')]
  .filter(e => e.checkVisibility({contentVisibilityAuto: true}) && !e.closest('details:not([open])'))
  .map(e => {
    const own = selector => [...e.querySelectorAll(selector)].filter(f => f.closest('[data-question]') === e);
    const controls = own('input:not([type=hidden],[type=search]),select,textarea');
    const boxes = controls.filter(f => f.type === 'radio' || f.type === 'checkbox');
    return {
      address: e.dataset.address, name: e.dataset.question.split('/').pop(), type: e.dataset.type,
      control: boxes.length ? 'choices' : (controls[0] || {tagName: ''}).tagName.toLowerCase(),
      choices: boxes.length ? boxes.filter(b => !b.closest('[hidden]')).map(b => b.value)
                            : own('option').map(o => o.value).filter(Boolean),
      answered: boxes.length ? boxes.some(b => b.checked) : controls.some(f => f.value),
      closed: controls.length > 0 && controls.every(f => f.disabled || f.readOnly),
      optional: !!own('[data-optional]:not([hidden])').length,
    };
  })"""

Answer = str | Callable[[Page, Locator], None]


def select_address(address: str) -> str:
    """The selector of a drawn question."""
    return f'[data-question][data-address="{address}"]'


def press(target: Locator) -> None:
    """Tap on a phone, click on a desk."""
    if target.page.evaluate("navigator.maxTouchPoints > 0"):
        target.tap()
    else:
        target.click()


def follow(target: Locator) -> None:
    """Press what leads to another page, and wait for that page."""
    with target.page.expect_navigation():
        press(target)


@dataclass
class Filling:
    """A person with answers in mind: by the question's name, for a repeat one answer a row."""

    page: Page
    answers: Mapping[str, Answer | Sequence[Answer]]
    anything: Mapping[str, str] = field(default_factory=dict)  # type of question -> what to answer when nothing is said
    seen: list[str] = field(default_factory=list)  # addresses answered, in order
    screens: list[str] = field(default_factory=list)
    is_plain: bool = False  # pages without JavaScript: every screen is posted

    def screen(self) -> str:
        """The name of the screen shown."""
        shown = "#interview section[data-screen]:not([hidden])"
        return str(self.page.evaluate("s => document.querySelector(s)?.dataset.screen ?? 'review'", shown))

    def fill_screen(self) -> None:
        """Answer everything asked here, also what appears on the way."""
        while waiting := [q for q in self.page.evaluate(SEEN) if q["address"] not in self.seen]:
            self._give(waiting[0])
            self.seen.append(waiting[0]["address"])

    def fill_until(self, last: str, each: Callable[[Page], None] = lambda page: None) -> None:
        """Fill screen after screen up to and including `last`; `each` sees every screen when it is filled."""
        while True:
            here = self.screen()
            if here == "review":
                return
            self.screens.append(here)
            self.fill_screen()
            each(self.page)
            self.go_on()
            if here == last:
                return

    def go_on(self) -> None:
        """Press Next; the next screen stands there, or this one again with the questions that the answers led to."""
        here = self.screen()
        if self.is_plain:
            follow(self.page.locator(".bar-bottom button[value=next]"))
            assert not self.page.locator(".summary:not(.calm):has(a[href^='#'])").count(), self.page.inner_text("main")
            return
        press(self.page.locator("[data-next-screen]"))
        assert self.screen() != here, f"{here}: {self.page.locator('#summary').inner_text()}"

    def _answer(self, question: Mapping[str, Any]) -> Answer | None:
        wanted = self.answers.get(question["name"])
        if isinstance(wanted, str) or callable(wanted) or wanted is None:
            return wanted
        parent, _, name = question["address"].rpartition("/")
        siblings = [one for one in self.seen if one.endswith(f"/{name}") and one.rpartition("/")[0] != parent]
        return wanted[len(siblings)]

    def _give(self, question: Mapping[str, Any]) -> None:
        if question["closed"] or question["type"] == "note":
            return
        element = self.page.locator(select_address(question["address"]))
        answer = self._answer(question)
        if answer is None:
            if question["answered"]:
                return
            answer = self._something(question)
        if callable(answer):
            answer(self.page, element)
        elif answer:
            self._enter(question, element, answer)

    def _something(self, question: Mapping[str, Any]) -> str:
        """Any answer that fits, for questions nobody had a special one in mind for."""
        choices = question["choices"]
        if choices:
            return next((name for name in ("m3", "s3", "yes") if name in choices), str(choices[0]))
        return "" if question["optional"] else self.anything[question["type"]]

    def _enter(self, question: Mapping[str, Any], element: Locator, answer: str) -> None:
        if question["control"] == "choices":
            for name in answer.split():
                press(element.locator(f'label.choice:has(input[value="{name}"])'))
        elif question["control"] == "select":
            element.locator("select").select_option(answer)
        elif question["type"] == "date":
            element.locator("input").fill(answer)
        else:
            control = element.locator("input:not([type=hidden]),textarea").first
            press(control)
            control.fill("")  # what was known before; a tap may place the caret late and undo a selection
            control.press_sequentially(answer)


__all__ = ["Filling", "follow", "press", "select_address"]
