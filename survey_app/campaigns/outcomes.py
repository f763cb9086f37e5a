"""Outcome codes of a contact (disposition codes in the classes of AAPOR's Standard Definitions), and the final one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# The class that wins when an establishment was contacted several times, first wins.
PRECEDENCE = ("I", "P", "NE", "R", "NC", "O", "UR", "UO", "UH")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A code, its class, and its words (an English msgid). `by_hand`: an assessor may choose it."""

    code: int
    group: str
    label: str
    by_hand: bool = True


OUTCOMES = {
    outcome.code: outcome
    for outcome in (
        Outcome(110, "I", "Complete", by_hand=False),
        Outcome(120, "P", "Partly complete", by_hand=False),
        Outcome(211, "R", "Refused"),
        Outcome(212, "R", "Broke off the interview"),
        Outcome(221, "NC", "Nobody could be reached, or moved within the area"),
        Outcome(222, "NC", "The person who can answer is not available"),
        Outcome(231, "O", "Cannot take part: fire, flood, illness or language"),
        Outcome(311, "UH", "Not visited yet", by_hand=False),
        Outcome(312, "UH", "Address not found"),
        Outcome(321, "UR", "Found, but unclear whether it produces"),
        Outcome(390, "UO", "Other, still unclear"),
        Outcome(411, "NE", "Moved out of the programme's area"),
        Outcome(412, "NE", "Does not belong to the survey: no industrial production"),
        Outcome(413, "NE", "Closed down or dissolved"),
        Outcome(414, "NE", "Listed twice or merged with another"),
        Outcome(415, "NE", "Idle for the whole reference period"),
    )
}
COMPLETE, PARTIAL, REFUSED, NOT_WORKED = 110, 120, 211, 311


def final_outcome(codes: Iterable[int | None]) -> int:
    """The code that stands for an establishment after all its contacts; 311 when there was none."""
    known = [code for code in codes if code in OUTCOMES]
    if not known:
        return NOT_WORKED
    return min(known, key=lambda code: (PRECEDENCE.index(OUTCOMES[code].group), code))


__all__ = ["COMPLETE", "NOT_WORKED", "OUTCOMES", "PARTIAL", "PRECEDENCE", "REFUSED", "Outcome", "final_outcome"]
