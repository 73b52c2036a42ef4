"""Cobertura XML (coverage.py, JaCoCo's converters, gcovr, coverlet …): lines and branches covered, file by file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

from .batch import Unfit, shown
from .opened import elements, local
from .report import Measure, Report, file_item

MEASURES = (
    Measure("line-coverage", "Line coverage", "ratio", "up", "file", "lines hit", "lines that can be hit"),
    Measure("branch-coverage", "Branch coverage", "ratio", "up", "file", "conditions covered", "conditions"),
)
CONDITIONS = re.compile(r"\(([0-9]{1,9})/([0-9]{1,9})\)", re.ASCII)
WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
LONGEST_EPOCH = 11
"""Digits of a moment in seconds; with more it is in milliseconds."""


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return re.search(rb"<coverage[\s>]", head) is not None


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:  # noqa: ARG001 - all kinds alike
    """Read a report. File names follow the `<source>` root where there is one. Raises Unfit."""
    report = Report()
    roots: list[str] = []
    lines: dict[str, dict[int, tuple[int, int, int]]] = {}
    inside = ""
    for event, element in elements(data, "coverage"):
        name = local(element)
        if event == "start":
            if name == "coverage":
                stamp = element.get("timestamp", "")
                report.as_of = _day(stamp)
                if stamp and report.as_of is None:
                    report.note(f"the report's timestamp {shown(stamp)} is no moment: its day is today's")
            elif name == "class":
                inside = element.get("filename", "")
            continue
        if name == "source" and element.text and element.text.strip():
            roots.append(element.text.strip())
        elif name == "class":
            _class(element, lines.setdefault(inside, {}))
            element.clear()
        elif name == "package":
            element.clear()
    if not any(lines.values()):
        raise Unfit("a coverage report with at least one file and its lines was expected")
    report.found["line-coverage"] = {}
    root = _root(roots, settings, report)
    for file, found in lines.items():
        _file(report, file_item(file, settings, root), found)
    return report


def _day(stamp: str) -> Any:
    """The day of a timestamp in seconds or milliseconds since 1970, in UTC; None where it says none."""
    if not WHOLE.fullmatch(stamp) or stamp.startswith("-") or int(stamp) == 0:
        return None
    seconds = int(stamp) / (1000 if len(stamp) > LONGEST_EPOCH else 1)
    return datetime.fromtimestamp(seconds, UTC).date() if seconds < 32_503_680_000 else None


def _root(roots: list[str], settings: Mapping[str, Any], report: Report) -> str:
    if "root" in settings:
        return str(settings["root"])
    if len(set(roots)) > 1:
        report.note(f"{len(set(roots))} source roots: file names are kept as they stand; set root to choose one")
        return ""
    return "" if not roots or roots[0] in (".", "./") else roots[0]


def _class(element: Element, found: dict[int, tuple[int, int, int]]) -> None:
    """Take a class's own lines; its methods repeat them. A file's classes may share lines: the most hits count."""
    for line in element.findall("{*}lines/{*}line"):
        number = _whole(line.get("number", ""), "a line's number")
        hits = _whole(line.get("hits", ""), "a line's hits")
        covered = CONDITIONS.search(line.get("condition-coverage", ""))
        done, of = (int(covered[1]), int(covered[2])) if covered else (0, 0)
        before = found.get(number, (0, 0, 0))
        found[number] = (max(before[0], hits), max(before[1], done), max(before[2], of))


def _whole(text: str, what: str) -> int:
    if not WHOLE.fullmatch(text):
        raise Unfit(f"{what} is a whole number, not {shown(text)}")
    return int(text)


def _file(report: Report, item: str, lines: Mapping[int, tuple[int, int, int]]) -> None:
    if lines:
        report.add("line-coverage", item, sum(1 for hits, _, _ in lines.values() if hits > 0), len(lines))
    conditions = sum(of for _, _, of in lines.values())
    if conditions:
        report.add("branch-coverage", item, sum(done for _, done, _ in lines.values()), conditions)
