"""Write THIRD_PARTY_NOTICES.md from what is installed: names, versions and licences, nothing else."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]


def licence(name: str) -> str:
    """The licence a distribution states: expression, classifier or field, in that order."""
    meta = distribution(name).metadata
    classifiers = [c.split(" :: ")[-1] for c in meta.get_all("Classifier") or [] if c.startswith("License")]
    field = (meta.get("License") or "").strip().splitlines()
    return meta.get("License-Expression") or ", ".join(classifiers) or (field[0][:60] if field else "see its files")


def python_packages() -> list[tuple[str, str, str]]:
    """(name, version, licence) of every locked package that is installed here."""
    found = []
    for name, version in re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", (ROOT / "requirements/run.txt").read_text(), re.M):
        try:
            found.append((name, version, licence(name)))
        except ModuleNotFoundError:
            continue  # for another platform
    return found


def client_packages() -> list[tuple[str, str, str]]:
    """(name, version, licence) of the packages whose code reaches the browser."""
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    names = json.loads((ROOT / "package.json").read_text()).get("dependencies", {})
    return [
        (n, lock[f"node_modules/{n}"]["version"], lock[f"node_modules/{n}"].get("license", "")) for n in sorted(names)
    ]


def main() -> None:
    """Write the file."""
    lines = [
        "# Third-party notices",
        "",
        "Installed beside this software, each under its own licence.",
        "",
        "| package | version | licence |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {version} | {terms} |" for name, version, terms in [*python_packages(), *client_packages()]]
    (ROOT / "THIRD_PARTY_NOTICES.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
