"""An expression's tree -> the words an author would write it with, for pages that show a rule or what changed in it."""

from __future__ import annotations

from typing import Final

from forms.model import Call, Expression, Field, Filter, Instance, Literal, Path

_BINDING: Final = {
    "or": 1, "and": 2, "=": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "div": 6, "mod": 6,
    "|": 8,
}  # fmt: skip


def written(expression: Expression, own: tuple[str, ...] = ()) -> str:
    """The expression as text; the answer of the question at path `own` is written “.”."""
    return _written(expression, own, 0)


def _written(expression: Expression, own: tuple[str, ...], outside: int) -> str:
    match expression:
        case Literal(value):
            return _constant(value)
        case Path(steps, _):
            return "." if own and steps == own else f"${{{steps[-1]}}}" if steps else "/"
        case Field(steps):
            return "/".join(steps) or "."
        case Instance(name, steps):
            return "/".join((f"instance('{name}')", *steps))
        case Filter(source, predicates, steps):
            inside = "".join(f"[{_written(predicate, own, 0)}]" for predicate in predicates)
            return "/".join((f"{_written(source, own, 0)}{inside}", *steps))
        case Call(name, arguments):
            return _call(name, arguments, own, outside)


def _constant(value: str | float) -> str:
    if not isinstance(value, str):
        return format(value, ".15g")
    return f'"{value}"' if "'" in value else f"'{value}'"


def _call(name: str, arguments: tuple[Expression, ...], own: tuple[str, ...], outside: int) -> str:
    if name == "neg":
        return f"-{_written(arguments[0], own, 7)}"
    binding = _BINDING.get(name)
    if binding is None:
        return f"{name}({', '.join(_written(argument, own, 0) for argument in arguments)})"
    # Operators are read from the left: what stands on the right of one of its own strength had brackets.
    left = _written(arguments[0], own, binding)
    right = _written(arguments[1], own, binding + (name not in ("and", "or", "+", "*")))
    text = f"{left} {name} {right}"
    return f"({text})" if binding < outside else text
