"""Survey statistics on tables: designs, linearised estimates, intervals, coverage, exports. pandas and SciPy only.

Names are loaded when first used, so that writing a CSV does not load SciPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.coverage import CoverageTable, counted, estimated
    from analysis.design import Design, DesignError
    from analysis.estimation import Estimate, cells_of, estimate
    from analysis.export import CsvTable, XlsxBook, XlsxTable, inert, open_xlsx, write_csv, write_xlsx
    from analysis.intervals import Interval, hypergeometric, korn_graubard, share_interval, wilson

_HOMES = {
    "coverage": ("CoverageTable", "counted", "estimated"),
    "design": ("Design", "DesignError"),
    "estimation": ("Estimate", "cells_of", "estimate"),
    "export": ("CsvTable", "XlsxBook", "XlsxTable", "inert", "open_xlsx", "write_csv", "write_xlsx"),
    "intervals": ("Interval", "hypergeometric", "korn_graubard", "share_interval", "wilson"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"analysis.{home}"), name)
    raise AttributeError(f"module 'analysis' has no attribute '{name}'")


__all__ = [
    "CoverageTable", "CsvTable", "Design", "DesignError", "Estimate", "Interval", "XlsxBook", "XlsxTable", "cells_of",
    "counted", "estimate", "estimated", "hypergeometric", "inert", "korn_graubard", "open_xlsx", "share_interval",
    "wilson", "write_csv", "write_xlsx",
]  # fmt: skip
