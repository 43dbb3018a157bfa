"""The report of a run: one HTML file that needs nothing else."""

from __future__ import annotations

from spikeloom.report.collect import collect
from spikeloom.report.page import write
from spikeloom.report.run import ReportError, Run, Verification

__all__ = ["ReportError", "Run", "Verification", "collect", "write"]
