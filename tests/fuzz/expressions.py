"""Random expressions of a wanted kind, written as an author would, over the questions that stand before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

DEPTH = 3
PATTERNS = ("[A-Z].*", "[0-9]{1,3}", "a|bc", r"\w+@\w+\.vn", "(0|84)[0-9]{3,9}", ".*[^0-9]", "[^ ]* [^ ]*", "x?y*z+")
TEXTS = (
    "", "a", "abc", " two  words ", "Đường 5", "😀b", "0", "12", "1e3", "2024-02-29", "yes", "red blue", "TRUE", "1",
)  # fmt: skip
NUMBERS = ("0", "1", "2", "3", "7", "10", "100", "0.5", "1.25", "0.1", "1000000", "12345.678", "0.0000001")
DATES = ("2024-02-29", "1970-01-01", "2026-11-24", "1999-12-31")
SHAPE = "10 106 0 0; 10 107 0 0; 11 107 0 0; 11 106 0 0; 10 106 0 0"
Maker = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Ref:
    """A question that may be named: its kind, the names on the way to it, and which of them are repeats."""

    name: str
    kind: str  # number, text, date, time, datetime, choice, choices, point
    path: tuple[str, ...]
    repeats: tuple[str, ...] = ()
    choices: str = ""


@dataclass(frozen=True, slots=True)
class RepeatRef:
    """A repeat that may be named."""

    name: str
    path: tuple[str, ...]
    repeats: tuple[str, ...]  # those around it


@dataclass(slots=True)
class Writer:
    """Writes expressions standing at one place of a form; `used` counts what occurs in them.

    `is_portable` leaves out what JavaRosa, the engine of ODK Collect, is known to refuse.
    """

    random: Random
    refs: Sequence[Ref]
    rows: Sequence[RepeatRef]
    at: tuple[str, ...] = ()  # names of the groups and repeats around
    repeats: tuple[str, ...] = ()  # those of them that are repeats
    used: Counter[str] = field(default_factory=Counter)
    is_portable: bool = False

    # -- pieces -------------------------------------------------------------------------------------------------------

    def call(self, name: str, *arguments: str) -> str:
        """A call, counted."""
        self.used[name] += 1
        return f"{name}({', '.join(arguments)})"

    def infix(self, left: str, operator: str, right: str) -> str:
        """Two operands and their operator, counted."""
        self.used[operator] += 1
        return f"({left} {operator} {right})"

    def one_of(self, *makers: Maker) -> Maker:
        """One of several ways to write something."""
        return self.random.choice(makers)

    def ref(self, kind: str) -> str | None:
        """A question of this kind that has one value here."""
        found = [ref for ref in self.refs if ref.kind == kind and self.is_here(ref)]
        return f"${{{self.random.choice(found).name}}}" if found else None

    def is_here(self, ref: Ref) -> bool:
        """True when the question stands outside repeats or in rows around here: it has one value."""
        return self._are_here(ref.repeats)

    def _are_here(self, repeats: tuple[str, ...]) -> bool:
        return repeats == self.repeats[: len(repeats)]

    def elsewhere(self, kind: str) -> Ref | None:
        """A question of this kind in the rows of a repeat that is not around here."""
        found = [ref for ref in self.refs if ref.kind == kind and not self.is_here(ref)]
        return self.random.choice(found) if found else None

    # -- numbers ------------------------------------------------------------------------------------------------------

    def number(self, depth: int = DEPTH) -> str:
        """An expression that gives a number."""
        if depth <= 0 or self.random.random() < 0.15:
            return self._number_leaf()
        makers: tuple[Maker, ...] = (
            self._arithmetic, self._arithmetic, self._arithmetic, self._choosing_number, self._rounding, self._rounding,
            self._measuring, self._measuring, self._over_rows, self._over_rows, self._over_rows, self._of_dates,
            self._of_items, self._trigonometry, self._place, self._geography,
        )  # fmt: skip
        return self.one_of(*makers)(depth - 1)

    def _number_leaf(self, depth: int = 0) -> str:
        found = self.ref("number")
        return found if found and self.random.random() < 0.75 else self.random.choice(NUMBERS)

    def _arithmetic(self, depth: int) -> str:
        operator = self.random.choice(("+", "-", "*", "div", "mod", "unary -"))
        if operator == "unary -":
            self.used[operator] += 1
            return f"-({self.number(depth)})"
        return self.infix(self.number(depth), operator, self.number(depth))

    def _choosing_number(self, depth: int) -> str:
        if self.random.random() < 0.6:
            return self.call("if", self.truth(depth), self.number(depth), self.number(depth))
        return self.call("coalesce", self._number_leaf(), self.number(depth))

    def _rounding(self, depth: int) -> str:
        name = self.random.choice(("round", "round to", "int", "abs", "floor", "ceiling"))
        if name == "round to":
            return self.call("round", self.number(depth), self.random.choice(("0", "1", "2", "-1", "-2")))
        if self.is_portable and name in ("floor", "ceiling"):
            name = "int"
        if self.random.random() < 0.4:  # halves, where rounding is decided
            return self.call(name, self.infix(self._number_leaf(), "-", self.random.choice(("0.5", "2.5", "7.5"))))
        return self.call(name, self.number(depth))

    def _measuring(self, depth: int) -> str:
        name = self.random.choice(("string-length", "count-selected", "number", "number of truth"))
        if name == "string-length":
            text = self.ref("text") if self.random.random() < 0.5 else None
            return self.call(name, text or self.text(depth))
        if name == "count-selected":
            return self.call(name, self.ref("choices") or "'a b'")
        if name == "number of truth":
            return self.call("number", self.truth(depth))
        return self.call(name, self.ref(self.random.choice(("text", "number", "date"))) or self.text(depth))

    def _place(self, depth: int) -> str:
        if not self.repeats:
            return self._number_leaf()
        self.used["position(..)"] += 1
        return self.call("position", self._up())

    def _up(self) -> str:
        """From a question in a repeat to its row, or to the row around that: `..` for each name on the way."""
        repeat = self.random.choice([row for row in self.rows if row.name in self.repeats])
        return "/".join([".."] * (len(self.at) + 1 - len(repeat.path)))

    def _over_rows(self, depth: int) -> str:
        ref = self.elsewhere("number")
        if ref is None:
            return self._number_leaf()
        self.used["cross-repeat reference"] += 1
        way = self.random.choice(
            ("sum", "sum", "max", "min", "count", "count-non-empty", "indexed-repeat", "predicate")
        )
        if way == "indexed-repeat":
            return self._indexed(ref, depth)
        if way == "predicate":
            return self.call(self.random.choice(("sum", "count", "max")), self._some_rows(ref, depth))
        if way == "count" and self.random.random() < 0.6:
            return self.call("count", f"${{{ref.repeats[-1]}}}")
        return self.call(way, f"${{{ref.name}}}")

    def _indexed(self, ref: Ref, depth: int) -> str:
        missing = [repeat for repeat in ref.repeats if repeat not in self.repeats]
        pairs: list[str] = []
        for repeat in missing if self._are_here(ref.repeats[: -len(missing)]) else ref.repeats:
            place = self.random.choice(("1", "2", "3", self.number(0)))
            if self.repeats and self.random.random() < 0.3:
                place = self.infix(self._place(0), self.random.choice("+-"), "1")
            pairs += [f"${{{repeat}}}", place]
        return self.call("indexed-repeat", f"${{{ref.name}}}", *pairs)

    def _some_rows(self, ref: Ref, depth: int) -> str:
        """An answer in those rows of a repeat that a predicate keeps."""
        self.used["predicate on rows"] += 1
        repeat = next(row for row in self.rows if row.name == ref.repeats[-1])
        below = "/".join(ref.path[len(repeat.path) :])
        test = self.infix(f"./{below}", self.random.choice((">", "<=", "!=")), self.random.choice(NUMBERS))
        if self.random.random() < 0.4:
            test = self.infix(self.call("position"), self.random.choice(("=", "<=", "!=")), self.random.choice("123"))
        return f"/data/{'/'.join(repeat.path)}[{test}]/{below}"

    def _of_dates(self, depth: int) -> str:
        way = self.random.choice(("decimal-date-time", "decimal-time", "days between", "days ago"))
        if way == "decimal-time" and (self.ref("time") or not self.is_portable):
            return self.call("round", self.call(way, self.ref("time") or "'12:30:00'"), "5")
        if way == "decimal-date-time":
            return self.call("round", self.call(way, self.moment(depth)), "4")
        self.used["date arithmetic"] += 1
        first = self.call("today") if way == "days ago" else self.date(depth)
        return self.infix(first, "-", self.date(depth))

    def _of_items(self, depth: int) -> str:
        key = self.ref("choice") or "'red'"
        way = self.random.choice(("pulldata", "item", "items", "counted"))
        if way == "pulldata" and not self.is_portable:
            return self.call("number", self.call("pulldata", "'prices'", "'price'", "'code'", key))
        self.used["predicate on items"] += 1
        self.used["instance"] += 1
        if way in ("item", "pulldata"):
            return f"instance('prices')/root/item[{self.infix('code', '=', key)}]/price"
        test = self.infix("price", self.random.choice((">", ">=", "<")), self._number_leaf())
        return self.call("sum" if way == "items" else "count", f"instance('prices')/root/item[{test}]/price")

    def _trigonometry(self, depth: int) -> str:
        """Functions whose last digits differ from one mathematical library to the next: rounded, and kept small."""
        small = self.infix(self.number(min(depth, 1)), "mod", "3")
        name = self.random.choice((
            "sin", "cos", "tan", "atan", "asin", "acos", "atan2", "exp", "exp10", "log", "log10", "sqrt", "pow", "pi",
        ))  # fmt: skip
        if name == "pi":
            return self.call("round", self.call("pi"), "6")
        if name in ("pow", "atan2"):
            return self.call("round", self.call(name, small, self.random.choice(("2", "0.5", "-1", "3"))), "6")
        return self.call("round", self.call(name, small), "6")

    def _geography(self, depth: int) -> str:
        point = self.ref("point")
        if self.is_portable and point is None:
            return self._number_leaf()
        if not self.is_portable and (self.random.random() < 0.5 or point is None):
            return self.call("round", self.call("area", f"'{SHAPE}'"))
        return self.call("round", self.call("distance", point or SHAPE, "'10.5 106.5 0 0'"))

    # -- truths -------------------------------------------------------------------------------------------------------

    def truth(self, depth: int = DEPTH) -> str:
        """An expression that gives true or false."""
        if depth <= 0:
            return self._compared_choice(0)
        makers: tuple[Maker, ...] = (
            self._joined, self._joined, self._compared_numbers, self._compared_numbers, self._compared_choice,
            self._compared_choice, self._compared_dates, self._of_selection, self._of_selection, self._of_text,
            self._of_text, self._blank, self._of_truth, self._any_row, self._checklist, self._inside,
        )  # fmt: skip
        return self.one_of(*makers)(depth - 1)

    def _joined(self, depth: int) -> str:
        return self.infix(self.truth(depth), self.random.choice(("and", "or")), self.truth(depth))

    def _compared_numbers(self, depth: int) -> str:
        return self.infix(self.number(depth), self.random.choice(("=", "!=", "<", "<=", ">", ">=")), self.number(depth))

    def _compared_choice(self, depth: int) -> str:
        found = [ref for ref in self.refs if ref.kind == "choice" and self.is_here(ref)]
        if not found:
            return self.infix(self._number_leaf(), ">", "1")
        value = self.random.choice(CHOICES[self.random.choice(found).choices])
        return self.infix(f"${{{self.random.choice(found).name}}}", self.random.choice(("=", "!=")), f"'{value}'")

    def _compared_dates(self, depth: int) -> str:
        self.used["compared dates"] += 1
        kind = self.random.choice((self.date, self.date, self.moment))
        return self.infix(kind(depth), self.random.choice(("<", "<=", ">", ">=", "=")), self.date(depth))

    def _of_selection(self, depth: int) -> str:
        found = self.ref("choices")
        if found is None:
            return self._compared_choice(depth)
        return self.call("selected", found, f"'{self.random.choice(CHOICES['color'])}'")

    def _of_text(self, depth: int) -> str:
        name = self.random.choice(("contains", "starts-with", "ends-with", "regex", "regex", "text ="))
        if name == "regex":
            return self.call(name, self.ref("text") or self.text(depth), f"'{self.random.choice(PATTERNS)}'")
        if name == "text =":
            return self.infix(self.text(depth), self.random.choice(("=", "!=")), self.text(depth))
        return self.call(name, self.text(depth), self.text(0))

    def _blank(self, depth: int) -> str:
        found = self.ref(self.random.choice(("number", "text", "choice", "date", "choices"))) or self._number_leaf()
        return self.infix(found, self.random.choice(("=", "!=")), "''")

    def _of_truth(self, depth: int) -> str:
        name = self.random.choice(("not", "not", "boolean", "boolean-from-string", "true", "false"))
        if name in ("true", "false"):
            return self.call(name)
        if name == "boolean":
            return self.call(name, self.one_of(self.number, self.text)(depth))
        return self.call(name, self.truth(depth) if name == "not" else self.text(depth))

    def _any_row(self, depth: int) -> str:
        ref = self.elsewhere("number")
        if ref is None or self.is_portable:  # a comparison with many nodes: JavaRosa wants one
            return self._compared_numbers(depth)
        self.used["cross-repeat reference"] += 1
        return self.infix(f"${{{ref.name}}}", self.random.choice(("=", "!=", "<", ">")), self.random.choice(NUMBERS))

    def _checklist(self, depth: int) -> str:
        low, high = self.random.choice((("1", "2"), ("-1", "1"), ("2", "-1")))
        truths = [self.call("number", self.truth(0)) for _ in range(3)]
        if self.random.random() < 0.5:
            return self.call("checklist", low, high, *truths)
        return self.call("weighted-checklist", low, high, truths[0], "1", truths[1], self.random.choice(("2", "0.5")))

    def _inside(self, depth: int) -> str:
        if self.is_portable:
            return self._of_truth(depth)
        if self.random.random() < 0.4:
            return self.call("intersects", "'0 0; 10 10; 0 10; 10 0'")
        return self.call("geofence", self.ref("point") or "'10.5 106.5 0 0'", f"'{SHAPE}'")

    # -- texts --------------------------------------------------------------------------------------------------------

    def text(self, depth: int = DEPTH) -> str:
        """An expression that gives a text."""
        if depth <= 0 or self.random.random() < 0.15:
            return self._text_leaf()
        makers: tuple[Maker, ...] = (
            self._concatenated, self._concatenated, self._cut, self._cut, self._changed, self._choosing_text,
            self._choosing_text, self._written_date, self._written_date, self._of_choice, self._of_choice,
            self._written_rows, self._written_rows, self._coded, self._written_item,
        )  # fmt: skip
        return self.one_of(*makers)(depth - 1)

    def _text_leaf(self, depth: int = 0) -> str:
        found = self.ref(self.random.choice(("text", "text", "choice", "number")))
        return found if found and self.random.random() < 0.7 else f"'{self.random.choice(TEXTS)}'"

    def _concatenated(self, depth: int) -> str:
        parts = [self.one_of(self.text, self.number, self.text)(depth) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            return self.call("join", "', '", *parts)
        return self.call("concat", *parts)

    def _cut(self, depth: int) -> str:
        name = self.random.choice(("substr", "substr", "substring", "substring-before", "substring-after"))
        if name in ("substring-before", "substring-after"):
            return self.call(name, self.text(depth), self.random.choice(("' '", "'a'", "''", "'-'")))
        if self.is_portable:
            name = "substr"
        bounds = [self.random.choice(("0", "1", "2", "3") + (() if self.is_portable else ("-1", "-2")))]
        if self.random.random() < 0.7:
            bounds.append(self.random.choice(("3", "4", "10")))
        text = self.ref("text") if self.random.random() < 0.5 else None
        return self.call(name, text or self.text(depth), *bounds)

    def _changed(self, depth: int) -> str:
        name = self.random.choice(("normalize-space", "translate", "string"))
        if name == "translate":
            return self.call(name, self.text(depth), "'abcđ'", "'AB'")
        return self.call(name, self.one_of(self.text, self.number)(depth) if name == "string" else self.text(depth))

    def _choosing_text(self, depth: int) -> str:
        if self.random.random() < 0.6:
            return self.call("if", self.truth(depth), self.text(depth), self.text(depth))
        return self.call("coalesce", self._text_leaf(), self.text(depth))

    def _written_date(self, depth: int) -> str:
        pattern = self.random.choice(("%Y-%m-%d", "%d/%m/%y", "%e %b %Y", "%a %n", "%d.%m.%Y"))
        if self.random.random() < 0.5:
            return self.call("format-date", self.date(depth), f"'{pattern}'")
        pattern += self.random.choice((" %H:%M", " %h:%M:%S", " %H:%M:%S.%3"))
        return self.call("format-date-time", self.moment(depth), f"'{pattern}'")

    def _of_choice(self, depth: int) -> str:
        many = self.ref("choices")
        if many and self.random.random() < 0.5:
            chosen = self.call("selected-at", many, self.random.choice("012"))
            return chosen if self.random.random() < 0.5 else self.call("jr:choice-name", chosen, f"'{many}'")
        one = self.ref("choice")
        return self.call("jr:choice-name", one, f"'{one}'") if one else self._text_leaf()

    def _written_rows(self, depth: int) -> str:
        ref = self.elsewhere(self.random.choice(("number", "text")))
        if ref is None:
            return self._text_leaf()
        self.used["cross-repeat reference"] += 1
        way = self.random.choice(("join", "concat", "indexed-repeat", "randomize"))
        if way == "indexed-repeat":
            return self._indexed(ref, depth)
        nodes = f"${{{ref.name}}}"
        if way == "randomize" and not self.is_portable:
            nodes = self.call("randomize", nodes, self.random.choice(("42", "7", "1000003")))
        return self.call("join", "'-'", nodes) if way != "concat" else self.call("concat", nodes)

    def _coded(self, depth: int) -> str:
        name = self.random.choice(("digest", "digest", "base64-decode", "version", "uuid"))
        if name == "digest":
            kind = self.random.choice(("MD5", "SHA-1", "SHA-256", "SHA-512"))
            return self.call(name, self.text(depth), f"'{kind}'", self.random.choice(("'hex'", "'base64'")))
        if name == "base64-decode":
            return self.call(name, self.random.choice(("'TWluaCBOxINt'", "'w6k='", "'?'")))
        if self.is_portable:
            return self.call("string", self.call("boolean", self.text(0)))
        if name == "version":
            return self.call(name)
        return self.call("string", self.call("string-length", self.call("uuid")))

    def _written_item(self, depth: int) -> str:
        key = self.ref("choice") or "'red'"
        if self.random.random() < 0.5 and not self.is_portable:
            return self.call("pulldata", "'prices'", self.random.choice(("'unit'", "'price'")), "'code'", key)
        self.used["predicate on items"] += 1
        self.used["instance"] += 1
        return f"instance('prices')/root/item[{self.infix('code', '=', key)}]/unit"

    # -- dates --------------------------------------------------------------------------------------------------------

    def date(self, depth: int = 1) -> str:
        """An expression that gives a date."""
        found = self.ref("date")
        if found and self.random.random() < 0.5:
            return found
        way = self.random.choice(("today", "date", "shifted"))
        if way == "today":
            return self.call("today")
        if way == "date" or depth <= 0:
            return self.call("date", f"'{self.random.choice(DATES)}'")
        self.used["date arithmetic"] += 1
        days = self.call("decimal-date-time", found or self.call("today"))
        return self.call("date", self.infix(days, self.random.choice("+-"), self.random.choice(("1", "30", "365"))))

    def moment(self, depth: int = 1) -> str:
        """An expression that gives a date with a time."""
        found = self.ref("datetime")
        if found and self.random.random() < 0.6:
            return found
        if self.random.random() < 0.5 and not self.is_portable:  # nobody can set JavaRosa's clock
            return self.call("now")
        return self.call(
            "date-time", f"'{self.random.choice(DATES)}T23:30:00.000{self.random.choice(('+07:00', 'Z'))}'"
        )

    # -- rules --------------------------------------------------------------------------------------------------------

    def constraint(self, kind: str) -> str:
        """A rule on the answer itself."""
        if kind == "number":
            low = self.infix(".", self.random.choice((">=", ">")), self.random.choice(("0", "1", self.number(1))))
            return self.infix(low, "and", self.infix(".", "<", "1000")) if self.random.random() < 0.5 else low
        if kind == "text":
            if self.random.random() < 0.5:
                return self.call("regex", ".", f"'{self.random.choice(PATTERNS)}'")
            return self.infix(self.call("string-length", "."), ">", self.random.choice("012"))
        if kind == "date":
            return self.infix(".", self.random.choice(("<=", ">=", "<")), self.date(1))
        if kind == "choices":
            return self.infix(self.call("count-selected", "."), "<=", "2")
        return self.infix(self.infix(".", "!=", "'none'"), "or", self.truth(1))


CHOICES: dict[str, tuple[str, ...]] = {
    "yn": ("yes", "no"),
    "color": ("red", "green", "blue", "none"),
    "region": ("north", "south"),
    "district": ("d1", "d2", "d3", "d4"),
    "commune": ("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"),
}
