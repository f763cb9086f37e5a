"""Runs cases that others wrote on both engines: `python -m tests.conformance.run FOLDER [-v]`.

FOLDER holds `expressions.json` and `scenarios.json`, or one of them. For each engine it prints how many cases passed,
differ as `known_differences.toml` says, were refused by name, or failed, and on how many the engines disagree. It
fails when a case failed, when the engines disagree, when a known difference has begun to pass (so that the list only
shrinks) or when known differences are more than one in twenty.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from tests.conformance import expression_run, scenario_run
from tests.conformance.scenario_run import Result

KNOWN = Path(__file__).with_name("known_differences.toml")
MOST_KNOWN = 0.05
STATES = ("passed", "known", "refused", "failed")


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and say by the exit code whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true", help="show every failed and refused case")
    asked = parser.parse_args(arguments)
    troubles: list[str] = []
    for kind, module in (("expressions", expression_run), ("scenarios", scenario_run)):
        if (asked.folder / f"{kind}.json").is_file():
            results, differing = module.run(asked.folder)
            results = judged(results, known_cases())
            report(kind, results, differing, is_verbose=asked.verbose)
            troubles += [f"{kind}: {trouble}" for trouble in troubles_of(results, differing)]
    for trouble in troubles:
        print(trouble)
    return 1 if troubles else 0


def known_cases() -> dict[str, str]:
    """Case -> the row of the decision table that explains it."""
    listed = tomllib.loads(KNOWN.read_text("utf-8"))["known"]
    return {case["case"]: case["row"] for case in listed}


def judged(results: Iterable[Result], known: Mapping[str, str]) -> list[Result]:
    """The results with what is known marked so; a known difference that passes is marked "stale"."""
    return [_judged(result, known) for result in results]


def _judged(result: Result, known: Mapping[str, str]) -> Result:
    row = known.get(result.name)
    if row is None or result.status == "refused":
        return result
    if result.status == "passed":
        return replace(result, status="stale", reason=f"passes now; take it off the list ({row})")
    return replace(result, status="known", reason=f"{row}: {result.reason}")


def report(kind: str, results: list[Result], differing: list[str], *, is_verbose: bool) -> None:
    """One line an engine, and with -v one a case."""
    for engine in dict.fromkeys(result.engine for result in results):
        mine = [result for result in results if result.engine == engine]
        counted = Counter(result.status for result in mine)
        run_here = len(mine) - counted["refused"]
        share = counted["passed"] / run_here if run_here else 1.0
        figures = ", ".join(f"{counted[state]} {state}" for state in STATES)
        print(f"{kind:12}{engine:11} {len(mine)} cases: {figures}; {share:.1%} passed of those not refused")
        if is_verbose:
            for result in mine:
                if result.status not in ("passed",):
                    print(f"    {result.status:8}{result.name}: {result.reason}")
    print(f"{kind:12}Python and TypeScript differ on {len(differing)}")
    for name in differing:
        print(f"    differs {name}")


def troubles_of(results: list[Result], differing: list[str]) -> list[str]:
    """What must not be, in words."""
    counted = Counter(result.status for result in results)
    found = [f"{counted[state]} results are {state}" for state in ("failed", "stale") if counted[state]]
    if differing:
        found.append(f"the engines differ on {len(differing)} cases")
    if counted["known"] > MOST_KNOWN * len(results):
        found.append(f"{counted['known']} known differences of {len(results)} are more than one in twenty")
    return found


if __name__ == "__main__":
    sys.exit(main())
