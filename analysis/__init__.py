"""Survey statistics on tables: designs, linearised estimates, intervals, coverage, exports. pandas and SciPy only."""

from analysis.coverage import CoverageTable, counted, estimated
from analysis.design import Design, DesignError
from analysis.estimation import Estimate, cells_of, estimate
from analysis.export import write_csv, write_xlsx
from analysis.intervals import Interval, hypergeometric, korn_graubard, share_interval, wilson

__all__ = [
    "CoverageTable", "Design", "DesignError", "Estimate", "Interval", "cells_of", "counted", "estimate", "estimated",
    "hypergeometric", "korn_graubard", "share_interval", "wilson", "write_csv", "write_xlsx",
]
