"""LCOV tracefiles (lcov, gcovr, coverage.py, nyc, jest …): lines, branches and functions covered, file by file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .batch import Unfit, shown
from .opened import text_of
from .report import Measure, Report, file_item

MEASURES = (
    Measure("line-coverage", "Line coverage", "ratio", "up", "file", "lines hit", "lines that can be hit"),
    Measure("branch-coverage", "Branch coverage", "ratio", "up", "file", "branches taken", "branches"),
    Measure("function-coverage", "Function coverage", "ratio", "up", "file", "functions called", "functions"),
)
COUNT = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(slots=True)
class _File:
    """What the records of one file say together; a file may stand in several of them, one a test."""

    lines: dict[str, int] = field(default_factory=dict)
    branches: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    """LF, LH and their like: used where the lines themselves are left out."""


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return re.match(rb"(\xef\xbb\xbf)?(TN:[^\n]*\n)?\s*SF:", head) is not None


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:  # noqa: ARG001 - all kinds alike
    """Read a tracefile; the same file in several records counts a line as hit if any record hit it. Raises Unfit."""
    files: dict[str, _File] = {}
    at: _File | None = None
    for number, line in enumerate(text_of(data).splitlines(), 1):
        word, colon, rest = line.strip().partition(":")
        if word == "SF" and colon:
            at = files.setdefault(rest, _File())
        elif word == "end_of_record":
            at = None
        elif colon and at is not None:
            try:
                _record(at, word, rest)
            except Unfit as fault:
                raise Unfit(f"line {number}: {fault}") from None
        elif word and not word.startswith("#") and not (colon and word == "TN"):
            raise Unfit(f"line {number}: a record such as SF:file or DA:line,hits was expected, not {shown(line)}")
    if not files:
        raise Unfit("an LCOV tracefile with at least one record SF:file was expected")
    report = Report()
    report.found["line-coverage"] = {}
    for name, found in files.items():
        item = file_item(name, settings)
        _add(report, "line-coverage", item, found.lines, found.given.get("LH"), found.given.get("LF"))
        _add(report, "branch-coverage", item, found.branches, found.given.get("BRH"), found.given.get("BRF"))
        _add(report, "function-coverage", item, found.functions, found.given.get("FNH"), found.given.get("FNF"))
    return report


def _record(at: _File, word: str, rest: str) -> None:
    parts = rest.split(",")
    if word == "DA" and len(parts) >= 2:
        _most(at.lines, str(_count(parts[0])), _count(parts[1]))
    elif word == "BRDA" and len(parts) >= 4:
        _count(parts[0])
        _most(at.branches, ",".join(parts[:-1]), 0 if parts[-1] == "-" else _count(parts[-1]))
    elif word == "FN" and len(parts) >= 2:
        _most(at.functions, parts[-1], 0)
    elif word == "FNDA" and len(parts) >= 2:
        _most(at.functions, ",".join(parts[1:]), _count(parts[0]))
    elif word in ("LF", "LH", "BRF", "BRH", "FNF", "FNH"):
        total = _count(rest)
        if total < 0:
            raise Unfit(f"{word} is a number of 0 or more, not {total}")
        at.given[word] = max(at.given.get(word, 0), total)
    elif word in ("DA", "BRDA", "FN", "FNDA"):
        raise Unfit(f"{word} has more parts, separated by commas, than {shown(rest)}")


def _most(held: dict[str, int], key: str, hits: int) -> None:
    held[key] = max(held.get(key, 0), hits)


def _count(text: str) -> int:
    if not COUNT.fullmatch(text.strip()):
        raise Unfit(f"a count is a whole number, not {shown(text)}")
    return int(text)


def _add(report: Report, measure: str, item: str, hits: Mapping[str, int], hit: int | None, of: int | None) -> None:
    if hits:
        report.add(measure, item, sum(1 for count in hits.values() if count > 0), len(hits))
    elif of:
        report.add(measure, item, hit or 0, of)
