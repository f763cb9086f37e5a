"""(f) How long 350 expressions take on the server, and what the engine weighs on the way to a phone."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from forms import FormDefinition, Interview, load_form, respond
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
    chosen = prepared[:: max(1, len(prepared) // WANTED)][:WANTED]
    found = []
    for _ in range(times):
        started = time.perf_counter()
        for run in chosen:
            run()
        found.append(time.perf_counter() - started)
    return {
        "expressions": len(chosen),
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
    interview = Interview(definition)
    respond(interview, Random(1))  # noqa: S311 - made-up answers
    top = interview.root.scope(interview._environment)
    top.environment.steps = STEPS * 10_000
    for node in list(interview.nodes()):
        scope = node.row.scope(top.environment, node)
        for test in (node.spec.relevant, node.spec.constraint, node.spec.required, node.spec.calculation):
            if test is not None:
                yield partial(test, scope)
    rules = [row.rule for row in definition.scores] + [row.rule for row in definition.checks]
    for rule in (*rules, *(row.rule for row in definition.indicators)):
        if rule is not None:
            yield partial(rule_of(rule).value, top)


def weigh(*modules: str) -> int:
    """Bytes of a bundle of some of the engine's modules, as a browser would get it: minified, brotli."""
    with tempfile.TemporaryDirectory() as folder:
        entry, bundle = Path(folder) / "entry.ts", Path(folder) / "engine.js"
        entry.write_text("".join(f'export * from "{ENGINE / name}";\n' for name in modules))
        flags = ["--bundle", "--minify", "--format=esm", "--target=es2020", "--charset=utf8", "--log-level=warning"]
        _node("node_modules/esbuild/bin/esbuild", str(entry), *flags, f"--outfile={bundle}")
        found = _node("-e", _WEIGH, str(bundle))
    return int(found.stdout)


def _node(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "tools/node.sh"), "node", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
