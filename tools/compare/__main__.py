"""`python -m tools.compare`: our verdicts beside those of JavaRosa, over the instruments and generated forms."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tools.compare.explained import explain
from tools.compare.javarosa import NoJava, running
from tools.compare.judging import Compared, Difference, compare
from tools.compare.subjects import Subject, generated, instruments, random_answers


def main() -> int:
    """Compare, print what was found, and say by the exit code whether something is left unexplained."""
    parser = argparse.ArgumentParser(prog="python -m tools.compare", description=__doc__)
    parser.add_argument("--forms", type=int, default=150, help="generated forms")
    parser.add_argument("--answers", type=int, default=20, help="sets of answers to each form")
    parser.add_argument("--seed", type=int, default=1, help="the first generated form")
    wanted = parser.parse_args()
    subjects = [*instruments(), *generated(wanted.forms, wanted.seed)]
    try:
        return report(run(subjects, wanted.answers))
    except NoJava as missing:
        print(f"Not compared with JavaRosa: {missing}", file=sys.stderr)
        return 2


def run(subjects: list[Subject], answers: int) -> dict[str, Compared]:
    """Each subject's comparison by its name."""
    found: dict[str, Compared] = {}
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as java:
        for subject in subjects:
            media = Path(name) / subject.name
            media.mkdir()
            subject.write_media(media)
            found[subject.name] = compare(java, subject, [random_answers(subject, n) for n in range(answers)], media)
    return found


def report(found: dict[str, Compared]) -> int:
    """Print counts and differences; 1 when one of them is unexplained or an instrument was refused."""
    checks: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    unexplained: list[Difference] = []
    for compared in found.values():
        checks.update(compared.checks)
        for difference, row in explain(compared.differences):
            if row is None:
                unexplained.append(difference)
            else:
                explained[row] += 1
    refused = [reason for compared in found.values() for reason in compared.refused]
    is_refused = any(compared.refused for name, compared in found.items() if not name.startswith("fuzz_"))
    print(f"{len(found)} forms; compared: " + ", ".join(f"{count} {what}" for what, count in sorted(checks.items())))
    for row, count in explained.most_common():
        print(f"  {count} explained by the decision table: {row}")
    for reason in refused[:20]:
        print(f"  refused by JavaRosa: {reason[:300]}")
    for difference in _one_of_each(unexplained)[:60]:
        print(f"  UNEXPLAINED {difference.form} {difference.path} {difference.what}: {difference.rule[:300]}")
        print(f"    ours {difference.ours!r}, JavaRosa {difference.theirs!r}")
    total = sum(checks.values())
    print(
        f"{total} compared: {sum(explained.values())} explained, {len(unexplained)} unexplained, {len(refused)} refused"
    )
    return 1 if unexplained or is_refused else 0


def _one_of_each(differences: list[Difference]) -> list[Difference]:
    """The first difference of each question, whatever its row or the answers."""
    found: dict[tuple[str, str, str], Difference] = {}
    for difference in differences:
        found.setdefault((difference.form, re.sub(r"\[\d+\]", "", difference.path), difference.what), difference)
    return list(found.values())


if __name__ == "__main__":
    sys.exit(main())
