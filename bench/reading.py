"""Reading: the scorecard by API and page, and the program page, against the least work that does the job."""

from __future__ import annotations

from bench.report import Report


def run(report: Report) -> None:
    """scorecard.* and program.*"""
