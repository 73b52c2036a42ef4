"""Nudging: planning a week for everybody, then delivering."""

from __future__ import annotations

from bench import delivering, planning
from bench.report import Report


def measure(report: Report) -> None:
    """nudges.*"""
    planning.measure(report)
    delivering.measure(report)
