"""(d) What the server keeps in memory after a hundred pages and sendings, and after the coverage page."""

from __future__ import annotations

from typing import Any

from tools.measuring import load
from tools.measuring.serving import serving
from tools.measuring.world import World

STAFF = ("/submissions", "/registers", "/campaigns", "/questionnaires", "/plans")


def measure(world: World) -> dict[str, Any]:
    """Resident megabytes of one fresh process."""
    with serving(world) as servers:
        fresh = servers.memory()
        answers = [servers.call("GET", path, world.headers["manager"])[0] for _ in range(9) for path in STAFF]
        interview = f"/collect/{world.link}/"
        answers += [servers.call("GET", interview, world.headers["respondent"])[0] for _ in range(5)]
        load.run(servers.ports, world.requests(50, False), 4, 60)
        used = servers.memory()
        coverage = servers.call("GET", "/coverage", world.headers["manager"])[0]
        answers.append(coverage)
        return {
            "start_seconds": round(servers.start_seconds, 1), "fresh_mb": round(fresh), "used_mb": round(used),
            "after_coverage_mb": round(servers.memory()), "statuses": sorted(set(answers)),
        }  # fmt: skip
