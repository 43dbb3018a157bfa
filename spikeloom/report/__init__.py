"""The report of a run: one HTML file that needs nothing else."""

from __future__ import annotations

from spikeloom.report.collect import collect
from spikeloom.report.findings import Checked, Findings, ReportError
from spikeloom.report.page import write

__all__ = ["Checked", "Findings", "ReportError", "collect", "write"]
