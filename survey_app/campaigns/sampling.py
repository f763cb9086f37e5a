"""Drawing a stratified sample: which strata are taken whole, how many of the others, and which units.

Pure functions over frame units, so that a draw can be repeated from its seed and the frozen frame alone.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

MINIMUM_PER_STRATUM = 2  # a variance needs two


@dataclass(frozen=True, slots=True)
class Unit:
    """What a draw knows of an establishment; `is_certain` takes it with probability one."""

    id: int
    code: str
    stratum: str
    area: str
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class StratumDraw:
    """A stratum's line in the report of a draw."""

    stratum: str
    frame: int
    certain: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Ids of the units selected, and how many of each stratum."""

    selected: frozenset[int]
    strata: tuple[StratumDraw, ...]


def draw(units: Sequence[Unit], size: int, seed: int) -> Draw:
    """Take every certain unit, then `size` in all, shared over the strata in proportion to what is left of them.

    Within a stratum the units are ordered by area and code and every k-th is taken from a random start, which spreads
    the sample over the areas. The same units and seed give the same sample.
    """
    strata: dict[str, list[Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda unit: (unit.stratum, unit.area, unit.code)):
        strata[unit.stratum].append(unit)
    open_counts = {name: sum(not unit.is_certain for unit in members) for name, members in strata.items()}
    certain = sum(unit.is_certain for unit in units)
    numbers = allocate(open_counts, max(0, size - certain))
    generator = random.Random(seed)  # noqa: S311 - a sample must be repeatable, not secret
    selected: set[int] = set()
    lines = []
    for name, members in strata.items():
        taken = [unit.id for unit in members if unit.is_certain]
        free = [unit.id for unit in members if not unit.is_certain]
        drawn = _systematic(free, numbers[name], generator)
        selected.update(taken, drawn)
        lines.append(StratumDraw(name, len(members), len(taken), len(drawn)))
    return Draw(frozenset(selected), tuple(lines))


def allocate(counts: dict[str, int], size: int) -> dict[str, int]:
    """Share `size` over strata in proportion to their counts: at least two (or all) in each, never more than it has."""
    size = min(size, sum(counts.values()))
    shares = {name: min(count, MINIMUM_PER_STRATUM) for name, count in counts.items()}
    if sum(shares.values()) >= size:
        shares = dict.fromkeys(counts, 0)
    total = sum(counts.values()) or 1
    for _ in range(size - sum(shares.values())):
        # The stratum furthest below its proportional share gets the next unit (largest remainder, one by one).
        name = max((n for n in counts if shares[n] < counts[n]), key=lambda n: size * counts[n] / total - shares[n])
        shares[name] += 1
    return shares


def _systematic(ids: list[int], number: int, generator: random.Random) -> list[int]:
    if number <= 0:
        return []
    step = len(ids) / number
    start = generator.random() * step
    return [ids[min(int(start + step * index), len(ids) - 1)] for index in range(number)]


__all__ = ["Draw", "StratumDraw", "Unit", "allocate", "draw"]
