"""Short ways into the forms package for tests: a form as Markdown, and an interview answered by name."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from forms import FormDefinition, FormError, Interview, Issue, LoadedForm, load_form_from_markdown


def load_md(text: str) -> LoadedForm:
    """The form with its XForm and warnings."""
    return load_form_from_markdown(dedent(text))


def form_from_md(text: str) -> FormDefinition:
    """The definition of a form written as Markdown tables."""
    return load_md(text).definition


def issues_of(text: str) -> list[Issue]:
    """Everything wrong with a form: its errors, else its warnings."""
    try:
        return list(load_md(text).warnings)
    except FormError as error:
        return error.issues


def codes_of(text: str) -> list[tuple[str, str]]:
    """(code, cell) of each issue."""
    return [(issue.code, issue.where) for issue in issues_of(text)]


class Answering:
    """An interview that is answered by question name and gives itself back, so that answers can be chained."""

    def __init__(self, form: FormDefinition, **options: Any) -> None:
        self.interview = Interview(form, **options)

    def answer(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Answering:
        """Set values by address; a plain name stands for its address when only one question bears it."""
        for name, value in {**(values or {}), **named}.items():
            self.interview.set(self.address(name), value)
        return self

    def add(self, repeat: str, row_id: str) -> Answering:
        """Add a row with a known id at the end of a repeat."""
        self.interview.add_row(self.address(repeat), row_id)
        return self

    def address(self, name: str) -> str:
        """The address of a question that stands in no repeat, else the text as it is."""
        if "/" in name:
            return name
        paths = [item.path for item in self.interview.definition.walk() if item.name == name]
        return "/".join(paths[0]) if len(paths) == 1 else name

    @property
    def answers(self) -> dict[str, Any]:
        """The relevant answers."""
        return self.interview.answers

    def value(self, name: str) -> Any:
        """The value at an address or a plain name."""
        return self.interview.value(self.address(name))


def interview(form: FormDefinition, **options: Any) -> Answering:
    """An interview on a form; options as `forms.Interview` takes them."""
    return Answering(form, **options)
