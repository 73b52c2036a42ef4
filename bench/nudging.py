"""Nudging: delivering, then planning a week for everybody in the same organization, grown."""

from __future__ import annotations

from bench import delivering, planning
from bench.report import Report


def measure(report: Report) -> None:
    """nudges.*"""
    delivering.measure(report)
    planning.measure(report)
