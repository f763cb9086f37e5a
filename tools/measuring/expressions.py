"""(f) How long 350 expressions take on the server, and what the engine weighs on the way to a phone."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from forms import Call, FormDefinition, Question, Wish, load_form, respond
from forms.expressions.evaluate import rule_of
from forms.expressions.values import STEPS

ROOT = Path(__file__).parents[2]
INSTRUMENTS = ROOT / "survey_app/programme/packs/ninh_binh/instruments"
ENGINE = ROOT / "survey_app/client/form"
WANTED = 350
_WEIGH = """
const bytes = require("fs").readFileSync(process.argv[1]);
process.stdout.write(String(require("zlib").brotliCompressSync(bytes).length));
"""


def measure(times: int = 200) -> dict[str, Any]:
    """Milliseconds for 350 expressions of the instruments over filled answers, and compressed bytes of the engine."""
    prepared = [run for definition in _definitions() for run in _runs(definition)]
    chosen = (prepared * (WANTED // len(prepared) + 1))[:WANTED]
    found = []
    for _ in range(times):
        started = time.perf_counter()
        for run in chosen:
            run()
        found.append(time.perf_counter() - started)
    return {
        "expressions": WANTED,
        "distinct": len(prepared),
        "ms": round(statistics.median(found) * 1000, 2),
        "engine_bytes": weigh("interview"),
        "with_scores_bytes": weigh("interview", "scoring", "numbers", "canonical"),
    }


def _definitions() -> Iterator[FormDefinition]:
    for path in sorted(INSTRUMENTS.glob("*.md")):
        if not path.name.endswith(".scores.md"):
            scores = path.with_suffix(".scores.md")
            text = path.read_bytes() + (b"\n\n" + scores.read_bytes() if scores.exists() else b"")
            yield load_form(text, path.name).definition


def _runs(definition: FormDefinition) -> Iterator[Callable[[], object]]:
    """Each expression of a form as a call that evaluates it where it stands in filled answers."""
    interview = respond(definition, 1, Wish())
    environment = interview._environment
    environment.steps = STEPS * 10_000
    for node in list(interview.nodes()):
        item = node.spec.item
        scope = node.row.scope(environment, node)
        for rule in (node.spec.relevant, node.spec.constraint, node.spec.required, node.spec.calculation):
            if rule is not None and isinstance(item, Question):
                yield lambda rule=rule, scope=scope: rule(scope)  # type: ignore[misc]
    top = interview.root.scope(environment)
    for row in (*definition.scores, *definition.checks, *definition.indicators):
        if isinstance(row.rule, Call):
            yield lambda value=rule_of(row.rule).value: value(top)  # type: ignore[misc]


def weigh(*modules: str) -> int:
    """Bytes of a bundle of some of the engine's modules, as a browser would get it: minified, brotli."""
    node = shutil.which("node")
    if node is None:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        entry, bundle = Path(folder) / "entry.ts", Path(folder) / "engine.js"
        entry.write_text("".join(f'export * from "{ENGINE / name}";\n' for name in modules))
        esbuild = ROOT / "node_modules/.bin/esbuild"
        flags = ["--bundle", "--minify", "--format=esm", "--target=es2020", "--charset=utf8", "--log-level=warning"]
        subprocess.run([esbuild, entry, *flags, f"--outfile={bundle}"], check=True)
        found = subprocess.run([node, "-e", _WEIGH, bundle], check=True, capture_output=True, text=True)
    return int(found.stdout)


