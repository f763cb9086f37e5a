"""Random forms, each from its seed: rows of an XLSForm as an author writes them, read by our own loader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from forms import LoadedForm, load_form
from tests.fuzz.expressions import CHOICES, Ref, RepeatRef, Writer

Row = dict[str, str]
VI: Final = "Tiếng Việt (vi)"
EN: Final = "English (en)"
KINDS: Final = {
    "number": ("integer", "decimal"),
    "text": ("text",),
    "date": ("date",),
    "time": ("time",),
    "datetime": ("dateTime",),
    "choice": ("select_one yn", "select_one color"),
    "choices": ("select_multiple color",),
    "point": ("geopoint",),
}
PREFIXES: Final = {"time": "h", "datetime": "m"}  # of names; the others begin like their kind
# What is in a form by chance: the share of forms that have it at all.
SHARES: Final = {"nested repeats": 0.55, "cascade": 0.6, "dates": 0.65, "scores": 0.35, "triggers": 0.4, "count": 0.5}
INSTANCES: Final = {
    "prices": [
        {"code": "red", "price": "12.5", "unit": "kg"},
        {"code": "green", "price": "3", "unit": "m3"},
        {"code": "blue", "price": "", "unit": "kWh"},
        {"code": "yes", "price": "100", "unit": "tấn"},
    ]
}


@dataclass(frozen=True, slots=True)
class GeneratedForm:
    """A form, what it was made of, and what occurs in it."""

    seed: int
    markdown: str
    loaded: LoadedForm
    used: Counter[str]
    features: frozenset[str]


def generate(seed: int, *, is_portable: bool = False) -> GeneratedForm:
    """The form of a seed; with `is_portable`, one that JavaRosa reads too."""
    random = Random(seed)
    features = {name for name, share in SHARES.items() if random.random() < share}
    if is_portable:
        features.discard("scores")
    author = _Author(random, frozenset(features), is_portable)
    author.write()
    markdown = _markdown(author, seed)
    loaded = load_form(markdown.encode(), f"fuzz_{seed}.md")
    return GeneratedForm(seed, markdown, loaded, author.used, frozenset(_seen(author, loaded)))


@dataclass(slots=True)
class _Author:
    """Writes the rows of one form from top to bottom."""

    random: Random
    features: frozenset[str]
    is_portable: bool
    survey: list[Row] = field(default_factory=list)
    scores: list[Row] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    rows: list[RepeatRef] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def write(self) -> None:
        # Two questions stand last and have no rules of their own, so that everybody may look ahead at them.
        self.refs += [
            Ref("last_number", "number", ("last_number",)),
            Ref("last_choice", "choice", ("last_choice",), choices="yn"),
        ]
        for kind in ("number", "choice", *self.random.sample(sorted(KINDS), 3)):
            self.question(kind, (), ())
        if "dates" in self.features:
            self.question("date", (), ())
        if "cascade" in self.features and self.random.random() < 0.6:
            self.cascade((), ())
        self.block((), (), 0)
        if "nested repeats" in self.features:
            self.repeat((), (), 0)
        for _ in range(self.random.randint(3, 6)):
            self.calculation((), ())
        self.question(self.random.choice(sorted(KINDS)), (), ())
        self.survey.append({"type": "integer", "name": "last_number", **_label("Last number")})
        self.survey.append({"type": "select_one yn", "name": "last_choice", **_label("Last choice")})
        if "scores" in self.features:
            self.score_rows()

    # -- structure ----------------------------------------------------------------------------------------------------

    def block(self, at: tuple[str, ...], repeats: tuple[str, ...], depth: int) -> None:
        """Some questions, a group perhaps, calculations over them."""
        kinds = sorted(KINDS) if "dates" in self.features else ["number", "text", "choice", "choices", "point"]
        for _ in range(self.random.randint(2, 4)):
            self.question(self.random.choice(kinds), at, repeats)
        if depth < 2 and self.random.random() < 0.6:
            self.group(at, repeats, depth)
        if depth < 2 and not repeats and self.random.random() < 0.5:
            self.repeat(at, repeats, depth)
        for _ in range(self.random.randint(1, 2)):
            self.calculation(at, repeats)

    def group(self, at: tuple[str, ...], repeats: tuple[str, ...], depth: int) -> None:
        name = self.name("g")
        row = {"type": "begin group", "name": name, **_label(f"Group {name}")}
        if self.chance(0.6):
            row["relevant"] = self.writer(at, repeats).truth(2)
            self.used["relevant of a group"] += 1
        if self.chance(0.15):
            row["read_only"] = self.writer(at, repeats).truth(1)
        self.survey.append(row)
        self.block((*at, name), repeats, depth + 1)
        self.survey.append({"type": "end group"})

    def repeat(self, at: tuple[str, ...], repeats: tuple[str, ...], depth: int) -> None:
        name = self.name("r")
        row = {"type": "begin repeat", "name": name, **_label(f"Rows {name}")}
        writer = self.writer(at, repeats)
        if "count" in self.features and self.chance(0.5):
            row["repeat_count"] = self.random.choice(
                ("2", f"({writer.number(0)}) mod 4", f"({writer.number(1)}) mod 3")
            )
            self.used["repeat_count"] += 1
        if self.chance(0.3):
            row["relevant"] = writer.truth(2)
            self.used["relevant of a repeat"] += 1
        self.survey.append(row)
        here, around = (*at, name), (*repeats, name)
        self.rows.append(RepeatRef(name, here, repeats))
        self.question("number", here, around)
        if "cascade" in self.features and self.random.random() < 0.4:
            self.cascade(here, around)
        if "nested repeats" in self.features and len(around) < 2:
            self.repeat(here, around, depth + 1)
        self.block(here, around, depth + 1)
        self.survey.append({"type": "end repeat"})

    def cascade(self, at: tuple[str, ...], repeats: tuple[str, ...]) -> None:
        """Region, district, commune: each offers what belongs to the answer before."""
        region, district, commune = (self.name(letter) for letter in ("region", "district", "commune"))
        self.add(
            {"type": "select_one region", "name": region, **_label(f"Region {region}")}, "choice", at, repeats, "region"
        )
        of_region, of_district = f"region = ${{{region}}}", f"district = ${{{district}}}"
        near = self.random.choice((of_region, f"{of_region} or ${{last_choice}} = 'yes'"))
        row = {"type": "select_one district", "name": district, **_label("District"), "choice_filter": near}
        self.add(row, "choice", at, repeats, "district")
        near = self.random.choice((of_district, f"{of_district} and {of_region}"))
        kind = self.random.choice(("select_one", "select_multiple"))
        row = {
            "type": f"{kind} commune",
            "name": commune,
            **_label(f"Commune of ${{{district}}}"),
            "choice_filter": near,
        }
        self.add(row, "choice" if kind == "select_one" else "list", at, repeats, "commune")
        self.used["choice_filter"] += 2

    # -- questions ----------------------------------------------------------------------------------------------------

    def question(self, kind: str, at: tuple[str, ...], repeats: tuple[str, ...]) -> None:
        type_ = self.random.choice(KINDS[kind])
        name, writer = self.name(PREFIXES.get(kind, kind[0])), self.writer(at, repeats)
        row = {"type": type_, "name": name, **self.label(name, writer)}
        if self.chance(0.3):
            row["relevant"] = writer.truth()
        if kind in ("number", "text", "date", "choice", "choices") and self.chance(0.35):
            row["constraint"] = writer.constraint(kind)
            row |= _both("constraint_message", f"Wrong {name}")
            self.used["constraint"] += 1
        if self.chance(0.3):
            row["required"] = self.random.choice(("yes", writer.truth(1)))
        if self.chance(0.08):
            row["read_only"] = writer.truth(1)
        if not row["type"].startswith("select") and self.chance(0.25):
            self.preset(row, kind, writer)
        self.add(row, kind, at, repeats, type_.partition(" ")[2])

    def preset(self, row: Row, kind: str, writer: Writer) -> None:
        """A default, fixed or dynamic, or a calculation beside a trigger (of its own group: pyxform resolves no others)."""
        fixed = {"number": "5", "text": "start", "date": "2026-01-31", "time": "08:30:00"}
        triggers = [ref.name for ref in self.refs if ref.path[:-1] == writer.at and not ref.name.startswith("calc")]
        if "triggers" in self.features and triggers and self.chance(0.5):
            row["trigger"] = f"${{{self.random.choice(triggers)}}}"
            row["calculation"] = self.formula(kind, writer)
            self.used["trigger"] += 1
        elif kind in fixed and self.chance(0.5):
            row["default"] = fixed[kind]
            self.used["default"] += 1
        elif kind in ("number", "text", "date"):
            row["default"] = writer.call("today") if kind == "date" else self.formula(kind, writer)
            self.used["dynamic default"] += 1

    def calculation(self, at: tuple[str, ...], repeats: tuple[str, ...]) -> None:
        kind = self.random.choice(("number", "number", "number", "text", "text", "truth", "date"))
        name, writer = self.name("calc_"), self.writer(at, repeats)
        row = {"type": "calculate", "name": name, "calculation": self.formula(kind, writer)}
        if self.chance(0.06):
            # As a whole only: inside a sum it would grow each time the sum is looked at.
            row["calculation"] = writer.call("once", row["calculation"])
        if self.chance(0.15):
            row["relevant"] = writer.truth(2)
        self.used["calculation"] += 1
        self.add(row, {"truth": "text"}.get(kind, kind), at, repeats)

    def formula(self, kind: str, writer: Writer) -> str:
        makers = {"number": writer.number, "text": writer.text, "truth": writer.truth, "date": writer.date}
        return makers.get(kind, writer.text)()

    def add(self, row: Row, kind: str, at: tuple[str, ...], repeats: tuple[str, ...], choices: str = "") -> None:
        self.survey.append(row)
        self.refs.append(Ref(row["name"], kind, (*at, row["name"]), repeats, choices))

    def score_rows(self) -> None:
        """Two items, their dimension and index over the questions outside repeats."""
        writer = self.writer((), ())
        for name in ("item_a", "item_b"):
            rule = writer.call("if", writer.truth(2), "100", self.random.choice(("0", "''", "50")))
            self.scores.append({"kind": "item", "name": name, **_label(name), "parents": "dim", "rule": rule})
        self.scores.append({"kind": "value", "name": "figure", **_label("Figure"), "rule": writer.number(2)})
        self.scores.append(
            {"kind": "dimension", "name": "dim", **_label("Dimension"), "parents": "total", "weight": "2"}
        )
        self.scores.append({"kind": "index", "name": "total", **_label("Total"), "method": "mean"})

    # -- chance and names ---------------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def name(self, start: str) -> str:
        self.number += 1
        return f"{start}{self.number}"

    def writer(self, at: tuple[str, ...], repeats: tuple[str, ...]) -> Writer:
        return Writer(self.random, self.refs, self.rows, at, repeats, self.used, self.is_portable)

    def label(self, name: str, writer: Writer) -> Row:
        named = writer.ref(self.random.choice(("number", "text", "choice", "date")))
        if named is None or self.chance(0.6):
            return _label(f"Question {name}")
        self.used["reference in a label"] += 1
        return _label(f"Of {named}: {name}")


def _label(text: str) -> Row:
    return _both("label", text)


def _both(column: str, text: str) -> Row:
    return {f"{column}::{VI}": f"{text} (vi)", f"{column}::{EN}": text}


# Writing it down ------------------------------------------------------------------------------------------------------


def _markdown(author: _Author, seed: int) -> str:
    used = {row.get("type", "").partition(" ")[2] for row in author.survey}
    settings = {"form_id": f"fuzz_{seed}", "version": "1", "external_instances": "prices"}
    settings["instance_name"] = author.writer((), ()).text(2)
    tables = {"survey": author.survey, "choices": list(_choices(used)), "scores": author.scores, "settings": [settings]}
    return "\n\n".join(_table(name, rows) for name, rows in tables.items() if rows)


def _choices(used: set[str]) -> Iterator[Row]:
    for name, choices in CHOICES.items():
        for place, choice in enumerate(choices if name in used else ()):
            row = {"list_name": name, "name": choice, **_label(choice.title())}
            if name == "district":
                row["region"] = CHOICES["region"][place // 2]
            if name == "commune":
                row |= {"district": CHOICES["district"][place // 2], "region": CHOICES["region"][place // 4]}
            yield row


def _table(sheet: str, rows: list[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [f"| {sheet} | {' | '.join(columns)} |"]
    lines += ["| | " + " | ".join(row.get(column, "").replace("|", "\\|") for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _seen(author: _Author, loaded: LoadedForm) -> Iterator[str]:
    """What of the measured features the form really has."""
    if any(row.repeats for row in author.rows):
        yield "nested repeats"
    if author.used["cross-repeat reference"] or author.used["position(..)"]:
        yield "cross-repeat references"
    if author.used["choice_filter"]:
        yield "cascades"
    dates = ("today", "now", "date", "date-time", "format-date", "format-date-time", "decimal-date-time")
    if any(author.used[name] for name in dates):
        yield "dates"
    if loaded.definition.scores:
        yield "scores"
    for name in ("trigger", "repeat_count", "default", "dynamic default", "relevant of a group", "constraint"):
        if author.used[name]:
            yield name
