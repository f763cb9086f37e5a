"""A sampling design as tables of counts: what the frame holds, who responded, and thus what each response weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

STRATUM = "stratum"


class DesignError(ValueError):
    """The tables do not describe a design; the message says what is missing."""


@dataclass(frozen=True)
class Design:
    """Strata of a frame with their respondents.

    `strata` has one row a stratum: stratum, n_frame (N_h), n_resp (r_h), weight (N_h / r_h). `merged` maps every
    stratum of the frame to the one it was collapsed into: strata with fewer than two respondents join a neighbour.
    """

    strata: pd.DataFrame
    merged: dict[str, str]

    @classmethod
    def from_counts(cls, frame: pd.DataFrame, responded: pd.DataFrame) -> Design:
        """Build from `frame` (stratum, n_frame) and `responded` (stratum, n_resp).

        Stratum names are parts joined by "|", from the part never to be collapsed across to the one collapsed first
        (such as legal form | sector | size). Raises DesignError for respondents outside the frame.

        >>> design = Design.from_counts(
        ...     pd.DataFrame({"stratum": ["a|s", "a|l"], "n_frame": [10, 4]}),
        ...     pd.DataFrame({"stratum": ["a|s"], "n_resp": [5]}),
        ... )
        >>> design.strata[["n_frame", "n_resp", "weight"]].values.tolist()
        [[14.0, 5.0, 2.8]]
        """
        strangers = set(responded[STRATUM]) - set(frame[STRATUM])
        if strangers:
            raise DesignError(f"responses from strata the frame does not have: {sorted(strangers)}")
        table = frame.merge(responded, on=STRATUM, how="left", validate="one_to_one").fillna({"n_resp": 0})
        if (table["n_resp"] > table["n_frame"]).any():
            raise DesignError("more respondents than frame units in a stratum")
        merged = _collapse(table)
        table[STRATUM] = table[STRATUM].map(merged)
        strata = table.groupby(STRATUM, as_index=False, sort=True, dropna=False)[["n_frame", "n_resp"]].sum()
        strata["weight"] = (strata["n_frame"] / strata["n_resp"]).where(strata["n_resp"] > 0, 0.0)
        return cls(strata, merged)

    @property
    def population(self) -> int:
        """Units in the frame."""
        return int(self.strata["n_frame"].sum())

    @property
    def respondents(self) -> int:
        """Units that responded."""
        return int(self.strata["n_resp"].sum())


def _collapse(table: pd.DataFrame) -> dict[str, str]:
    """Join each stratum with fewer than two respondents (unless complete) to the neighbour its name is closest to."""
    counts = zip(table["n_frame"].tolist(), table["n_resp"].tolist(), strict=True)
    names: list[str] = table[STRATUM].tolist()
    sizes = {name: (int(n_frame), int(n_resp)) for name, (n_frame, n_resp) in zip(names, counts, strict=True)}
    members = {name: [name] for name in sizes}
    while True:
        thin = sorted(name for name, (n_frame, n_resp) in sizes.items() if n_resp < 2 and n_resp < n_frame)
        if not thin or len(sizes) == 1:
            break
        poor = thin[0]
        into = _nearest(poor, [name for name in sizes if name != poor])
        sizes[into] = (sizes[into][0] + sizes[poor][0], sizes[into][1] + sizes[poor][1])
        members[into] += members.pop(poor)
        del sizes[poor]
    return {name: home for home, joined in members.items() for name in joined}


def _nearest(name: str, others: Sequence[str]) -> str:
    """The stratum sharing the longest run of leading parts; among equals the next by name, for reproducibility."""
    parts = name.split("|")

    def shared(other: str) -> int:
        pairs = zip(parts, other.split("|"), strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), len(parts))

    return min(others, key=lambda other: (-shared(other), other < name, other))
