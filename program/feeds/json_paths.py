"""Any JSON: JMESPath picks the rows of a document, and from each row its item, team and numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from .batch import Unfit, finite, read_day, shown
from .opened import json_of
from .pulled import Request, checked_url
from .report import Measure, Report

MEASURES = (
    Measure(
        "value", "The rows' numbers", "sum", "down", "what `item` picks", "what `numerator` picks",
        "what `denominator` picks",
    ),
)  # fmt: skip
FIELDS = ("item", "team", "numerator", "denominator", "as_of")
LONGEST = 500


def check(settings: Mapping[str, Any]) -> None:
    """Raise Unfit where a path is none."""
    for name in ("rows", *FIELDS):
        _expression(settings, name, "@")


def requests(settings: Mapping[str, Any]) -> dict[str, Request]:
    """The one request of a pull."""
    headers = {"Accept": "application/json"} | {str(k): str(v) for k, v in (settings.get("headers") or {}).items()}
    return {"": Request(checked_url(settings), headers)}


def read(data: bytes, settings: Mapping[str, Any], measures: Collection[str]) -> Report:  # noqa: ARG001 - all kinds alike
    """Pick the rows; a row without a number (null) says nothing and is left out. Raises Unfit."""
    document = json_of(data)
    rows = _picked(_expression(settings, "rows", "@"), document, "rows")
    if not isinstance(rows, list):
        raise Unfit(f"rows picks a list, not {shown(rows)}")
    paths = {name: _expression(settings, name, name) for name in FIELDS}
    report = Report({"value": {}})
    for position, row in enumerate(rows, 1):
        try:
            _row(report, paths, row)
        except Unfit as fault:
            raise Unfit(f"row {position}: {fault}") from None
    return report


def _expression(settings: Mapping[str, Any], name: str, default: str) -> Any:
    text = str(settings.get(name) or default)
    if len(text) > LONGEST:
        raise Unfit(f"{name} is a JMESPath of at most {LONGEST} characters")
    try:
        return jmespath.compile(text)
    except JMESPathError as fault:
        raise Unfit(f"{name} is a JMESPath: {str(fault).splitlines()[0][:100]}") from None


def _picked(path: Any, value: Any, what: str) -> Any:
    """What a path picks. Raises Unfit: with data of a stranger any function of it may meet what it was not made for."""
    try:
        return path.search(value)
    except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as fault:
        raise Unfit(f"{what} cannot be picked by its JMESPath: {shown(str(fault))}") from None


def _row(report: Report, paths: Mapping[str, Any], row: Any) -> None:
    picked = {name: _picked(path, row, name) for name, path in paths.items()}
    if picked["numerator"] is None:
        report.leave_out("value", "a row without a number")
        return
    if picked["as_of"] is not None:
        day = read_day(str(picked["as_of"])[:10])
        if report.as_of not in (None, day):
            raise Unfit(f"all rows are of one day; {day} is not {report.as_of}")
        report.as_of = day
    report.add(
        "value",
        _name(picked["item"], "item"),
        _number(picked["numerator"], "numerator"),
        None if picked["denominator"] is None else _number(picked["denominator"], "denominator"),
        team=_name(picked["team"], "team"),
    )


def _name(value: Any, what: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise Unfit(f"{what} is a string, not {shown(value)}")


def _number(value: Any, what: str) -> float:
    if type(value) not in (int, float):
        raise Unfit(f"{what} is a number, not {shown(value)}")
    try:
        return finite(float(value), what)
    except OverflowError:
        raise Unfit(f"{what} is a finite number") from None
