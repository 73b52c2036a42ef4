"""SARIF 2.1.0 (ruff, CodeQL, Semgrep, ESLint, Trivy …): findings by file, by level and by rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .batch import Unfit, shown
from .opened import json_of
from .report import Measure, Report, file_item

MEASURES = (
    Measure("findings", "Findings", "sum", "down", "file", "findings"),
    Measure("errors", "Findings of level error", "sum", "down", "file", "findings"),
    Measure("warnings", "Findings of level warning", "sum", "down", "file", "findings"),
    Measure("notes", "Findings of level note", "sum", "down", "file", "findings"),
)
RULES = "rules:"
"""A measure such as rules:S1,S3 counts the findings whose rule begins with one of these."""
KINDS = ("fail", "pass", "open", "review", "informational", "notApplicable")
LEVELS = {"error": "errors", "warning": "warnings", "note": "notes"}


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return re.search(rb'"runs"\s*:|sarif', head) is not None and head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:
    """Count the findings that are open: passed checks and accepted suppressions are left out. Raises Unfit."""
    document = json_of(data)
    if not isinstance(document, dict) or document.get("version") != "2.1.0":
        raise Unfit('a SARIF document with "version": "2.1.0" was expected')
    report = Report()
    selectors = {measure: _starts(measure) for measure in measures if measure.startswith(RULES)}
    for measure in (*(known.key for known in MEASURES), *selectors):
        report.found.setdefault(measure, {})
    suppressed = 0
    if document.get("runs") is None:
        raise Unfit("runs is a list of objects, one a run of the tool; without any, nothing was measured")
    for run in _list(document, "runs"):
        if "results" in run and run["results"] is None:
            raise Unfit("results is a list of objects; null says that the tool could not begin")
        levels = _default_levels(run)
        for result in _list(run, "results"):
            if _is_suppressed(result):
                suppressed += 1
            elif _one_of(result, "kind", KINDS) == "fail":
                _finding(report, run, result, levels, selectors, settings)
    if suppressed:
        report.note(f"{suppressed} findings are suppressed in the report and were left out")
    return report


def _starts(measure: str) -> tuple[str, ...]:
    return tuple(start.strip() for start in measure.removeprefix(RULES).split(",") if start.strip())


def _list(holder: Any, name: str) -> list[dict[str, Any]]:
    found = holder.get(name) if isinstance(holder, dict) else None
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unfit(f"{name} is a list of objects, not {shown(found)}")
    return found


def _text(holder: Mapping[str, Any], name: str) -> str:
    """A string, "" where it is left out. Raises Unfit, lest a finding goes uncounted."""
    found = holder.get(name)
    if found is not None and not isinstance(found, str):
        raise Unfit(f"{name} is a string, not {shown(found)}")
    return found or ""


def _one_of(holder: Mapping[str, Any], name: str, known: Collection[str]) -> str:
    """One of the words of the standard; "" (for a kind: fail) where it is left out. Raises Unfit."""
    found = _text(holder, name)
    if found and found not in known:
        raise Unfit(f"{name} is one of {', '.join(known)}, not {shown(found)}")
    return found or ("fail" if name == "kind" else "")


def _default_levels(run: Mapping[str, Any]) -> dict[Any, str]:
    """The level of a rule where its results say none, by the rule's id and by its place."""
    driver = (run.get("tool") or {}).get("driver") if isinstance(run.get("tool"), dict) else {}
    found: dict[Any, str] = {}
    for place, rule in enumerate(_list(driver or {}, "rules")):
        configured = rule.get("defaultConfiguration")
        level = configured.get("level", "") if isinstance(configured, dict) else ""
        if isinstance(level, str) and level:
            found[place] = level
            found[str(rule.get("id", ""))] = level
    return found


def _is_suppressed(result: Mapping[str, Any]) -> bool:
    """Suppressed, unless somebody rejected that or it is still under review."""
    given = _list(result, "suppressions")
    return bool(given) and all(one.get("status", "accepted") == "accepted" for one in given)


def _finding(
    report: Report,
    run: Mapping[str, Any],
    result: Mapping[str, Any],
    levels: Mapping[Any, str],
    selectors: Mapping[str, tuple[str, ...]],
    settings: Mapping[str, Any],
) -> None:
    by_reference = result.get("rule")
    if not isinstance(by_reference, dict | None):
        raise Unfit(f"rule is an object, not {shown(by_reference)}")
    rule = _text(result, "ruleId") or (_text(by_reference, "id") if by_reference else "")
    index = result.get("ruleIndex")
    level = (
        _one_of(result, "level", (*LEVELS, "none"))
        or levels.get(rule)
        or (levels.get(index) if isinstance(index, int) else None)
    )
    item = _file(run, result, settings, report)
    report.add("findings", item, 1)
    if (level or "warning") in LEVELS:
        report.add(LEVELS[level or "warning"], item, 1)
    for measure, starts in selectors.items():
        if rule.startswith(starts):
            report.add(measure, item, 1)


def _file(run: Mapping[str, Any], result: Mapping[str, Any], settings: Mapping[str, Any], report: Report) -> str:
    """The file of a finding's first place, without its base's address; "(no file)" where it says none."""
    for place in _list(result, "locations")[:1]:
        physical = place.get("physicalLocation")
        artifact = physical.get("artifactLocation") if isinstance(physical, dict) else None
        uri = artifact.get("uri") if isinstance(artifact, dict) else None
        if uri is None and isinstance(artifact, dict) and isinstance(artifact.get("index"), int):
            known = _list(run, "artifacts")
            at = artifact["index"]
            location = known[at].get("location") if 0 <= at < len(known) else None
            uri = location.get("uri") if isinstance(location, dict) else None
        if isinstance(uri, str) and uri:
            try:
                parts = urlsplit(uri)
            except ValueError:
                raise Unfit(f"an address of a file was expected, not {shown(uri)}") from None
            return file_item(unquote(parts.path if parts.scheme == "file" else uri), settings)
    report.note("findings without a file are counted under (no file)")
    return "(no file)"
