"""OpenSSF Scorecard's JSON: the checks' scores of one repository, from 0 to 10."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from .batch import Unfit, read_text, shown
from .opened import json_of
from .report import Measure, Report, day_of

MEASURES = (
    Measure("score", "OpenSSF Scorecard", "latest", "up", "none", "the score, 0 to 10"),
    Measure("checks", "OpenSSF checks", "mean", "up", "check", "the check's score, 0 to 10"),
)


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return re.search(rb'"scorecard"\s*:', head) is not None and b'"observations"' not in head


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:  # noqa: ARG001 - all kinds alike
    """Read a result; a score of -1 is inconclusive and left out, never a 0. Raises Unfit."""
    document = json_of(data)
    checks = document.get("checks") if isinstance(document, dict) else None
    if not isinstance(checks, list) or not all(isinstance(check, dict) for check in checks):
        raise Unfit('an OpenSSF Scorecard with a list of "checks" was expected')
    repository = document.get("repo")
    report = Report({measure.key: {} for measure in MEASURES}, as_of=day_of(str(document.get("date", ""))))
    if isinstance(repository, dict) and isinstance(repository.get("name"), str):
        report.source = read_text(repository["name"], "source")
    total = _score(document.get("score"), "score")
    if total is not None:
        report.add("score", "", total)
    for check in checks:
        name = check.get("name")
        if not isinstance(name, str) or not name:
            raise Unfit(f"a check has a name, not {shown(name)}")
        score = _score(check.get("score"), f"the score of {name[:60]}")
        if score is None:
            report.note(f"{name[:60]} was inconclusive and is left out")
        else:
            report.add("checks", name, score)
    return report


def _score(value: Any, what: str) -> float | None:
    """A score from 0 to 10; None where it is inconclusive (-1)."""
    if type(value) not in (int, float) or not -1 <= value <= 10 or -1 < value < 0:
        raise Unfit(f"{what} is a number from 0 to 10, or -1 where inconclusive, not {shown(value)}")
    return None if value == -1 else float(value)
