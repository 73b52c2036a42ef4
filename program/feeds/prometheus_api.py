"""Prometheus' query API: instant queries, one or two (above and below) a measure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from .batch import Unfit, shown
from .opened import json_of
from .openmetrics import Sample, place_of, value_of
from .pulled import Request, checked_url
from .report import Measure, Report

MEASURES = (
    Measure(
        "NAME", "What a query gives", "sum", "down", "the label named by `item`, else all labels", "the query's value",
        "the second query's value, where there are two",
    ),
)  # fmt: skip


def requests(settings: Mapping[str, Any]) -> dict[str, Request]:
    """One request a query, under "NAME" and, for the one below it, "NAME/"; as of `time` (seconds) where it is set."""
    base = checked_url(settings).rstrip("/")
    base = base if base.endswith("/api/v1/query") else f"{base}/api/v1/query"
    found = {}
    for name, queries in _queries(settings).items():
        for mark, query in zip(("", "/"), queries, strict=False):
            asked = {"query": query} | ({"time": settings["time"]} if "time" in settings else {})
            found[name + mark] = Request(f"{base}?{urlencode(asked)}", {"Accept": "application/json"})
    return found


def _queries(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    queries = settings.get("queries")
    if not isinstance(queries, dict) or not queries:
        raise Unfit(
            f'queries is a mapping such as {{"errors": "sum by (service) (errors_total)"}}, not {shown(queries)}'
        )
    found = {}
    for name, given in queries.items():
        several = given if isinstance(given, list) else [given]
        if not 1 <= len(several) <= 2 or not all(isinstance(query, str) and query.strip() for query in several):
            raise Unfit(f"{shown(name)} has one query, or two for a ratio, not {shown(given)}")
        found[str(name)] = several
    return found


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:
    """Read the answers of all queries ({"NAME": answer, "NAME/": answer …}). Raises Unfit."""
    answers = json_of(data)
    if not isinstance(answers, dict):
        raise Unfit("the answers of the queries by name were expected")
    report = Report()
    for name in measures or [name for name in answers if not name.endswith("/")]:
        if name not in answers:
            raise Unfit(f"there is no query named {shown(name)}")
        report.found.setdefault(name, {})
        above = _vector(name, answers[name], settings, report)
        below = _vector(name, answers[f"{name}/"], settings, report) if f"{name}/" in answers else None
        for (team, item), number in above.items():
            if below is None:
                report.add(name, item, number, team=team)
            elif (team, item) in below:
                report.add(name, item, number, below[team, item], team=team)
            else:
                report.leave_out(name, f"{name}: {shown(item or team)} has no second value")
    return report


def _vector(name: str, answer: Any, settings: Mapping[str, Any], report: Report) -> dict[tuple[str, str], float]:
    """The samples of an instant vector or a scalar, by team and item. Values are strings, and may be NaN."""
    if not isinstance(answer, dict) or answer.get("status") != "success":
        said = answer.get("error", answer) if isinstance(answer, dict) else answer
        raise Unfit(f"query {name}: Prometheus answered {shown(said)}")
    data = answer.get("data")
    kind = data.get("resultType") if isinstance(data, dict) else None
    if kind == "scalar" and isinstance(data, dict):
        results: list[Any] = [{"metric": {}, "value": data.get("result")}]
    elif kind == "vector" and isinstance(data, dict) and isinstance(data.get("result"), list):
        results = data["result"]
    else:
        raise Unfit(f"query {name}: an instant vector was expected, not {shown(kind)}")
    found: dict[tuple[str, str], float] = {}
    for result in results:
        sample = _sample(name, result)
        place = place_of(sample.labels, settings, {})
        if sample.value != sample.value or sample.value in (float("inf"), float("-inf")):
            report.leave_out(name, f"{name} of {shown(place[1] or place[0])} is no number")
        else:
            found[place] = found.get(place, 0.0) + sample.value
    return found


def _sample(name: str, result: Any) -> Sample:
    labels = result.get("metric") if isinstance(result, dict) else None
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(labels, dict) or not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], str):
        raise Unfit(f"query {name}: a sample with its labels and value was expected, not {shown(result)}")
    try:
        return Sample(name, {str(k): str(v) for k, v in labels.items()}, value_of(value[1]))
    except ValueError:
        raise Unfit(f"query {name}: a number was expected, not {shown(value[1])}") from None


def told(body: bytes) -> str:
    """What Prometheus says in an answer that is no success, in words; empty if nothing."""
    try:
        answer = json_of(body, "the answer")
    except Unfit:
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    return error[:300] if isinstance(error, str) else ""


def joined(answers: Mapping[str, bytes]) -> bytes:
    """The answers of several requests as the one payload that is kept. Raises Unfit."""
    return json.dumps({name: json_of(body, f"the answer to {name}") for name, body in sorted(answers.items())}).encode()
