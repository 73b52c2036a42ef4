"""Observations as JSON: {"observations": [{metric, team, item, as_of, numerator, denominator, source}, …]}."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from .batch import MOST_NAMED, Batch, Complete, Row, Unfit, finite, read_day, read_text, shown
from .opened import json_lists

REQUIRED = frozenset({"metric", "as_of", "numerator"})
KNOWN = REQUIRED | {"team", "item", "denominator", "source"}
SNAPSHOT = frozenset({"metric", "team", "source", "as_of"})


def read(data: bytes, source: str = "") -> Batch:
    """Read a JSON body; faults name the observation by its position in the list, from 1.

    `source` is that of observations which name none.
    """
    batch = Batch()
    try:
        document = json_lists(data, "the body")
    except Unfit as fault:
        batch.fault(0, str(fault))
    else:
        _read_document(document, source, batch)
    return batch


def recognizes(head: bytes) -> bool:
    """Whether the first bytes look like it."""
    return re.search(rb'"observations"\s*:', head) is not None


def _read_document(document: Any, source: str, batch: Batch) -> None:
    observations = document.get("observations") if isinstance(document, dict) else None
    if not isinstance(observations, list):
        batch.fault(0, '{"observations": […]} was expected')
        return
    unknown = next((name for name in document if name not in ("observations", "complete")), None)
    if unknown is not None:
        batch.fault(0, f'beside "observations" and "complete" nothing is known; {shown(unknown)} is not')
        return
    rows: list[Row] = []
    seen = _Seen()
    for position, observation in enumerate(observations, 1):
        try:
            rows.append(_row(position, observation, source, seen))
        except Unfit as fault:
            batch.fault(position, str(fault))
    batch.rows = rows
    _read_complete(document.get("complete", []), source, batch)


def _read_complete(snapshots: Any, source: str, batch: Batch) -> None:
    """Snapshots that are complete, and empty unless observations of theirs stand beside them."""
    if not isinstance(snapshots, list):
        batch.fault(
            0, f'"complete" is a list of snapshots, each with metric, team, as_of and source, not {shown(snapshots)}'
        )
        return
    for position, snapshot in enumerate(snapshots, 1):
        try:
            if not isinstance(snapshot, dict) or not {"metric", "as_of"} <= snapshot.keys() <= SNAPSHOT:
                raise Unfit(f"a complete snapshot has metric and as_of, and team and source, not {shown(snapshot)}")
            batch.complete.append(
                Complete(
                    position,
                    _text(snapshot["metric"], "metric"),
                    _text(snapshot.get("team", ""), "team"),
                    _text(snapshot.get("source", ""), "source") or source,
                    _day(snapshot["as_of"]),
                )
            )
        except Unfit as fault:
            batch.fault(position, f"complete: {fault}")


class _Seen:
    """What was checked before: names of fields, metrics, teams, sources and days come again in every observation."""

    __slots__ = ("days", "metrics", "shapes", "sources", "teams")

    def __init__(self) -> None:
        self.metrics: dict[Any, str] = {}
        self.teams: dict[Any, str] = {}
        self.sources: dict[Any, str] = {}
        self.days: dict[Any, date] = {}
        self.shapes: set[tuple[str, ...]] = set()


def _row(position: int, observation: Any, source: str, seen: _Seen) -> Row:
    if not isinstance(observation, dict):
        raise Unfit(f"an observation is an object, not {shown(observation)}")
    shape = tuple(observation)
    if shape not in seen.shapes:
        _check_names(observation.keys())
        seen.shapes.add(shape)
    get = observation.get
    metric, team, of_source, day = observation["metric"], get("team"), get("source"), observation["as_of"]
    try:
        known = seen.metrics[metric], seen.teams[team], seen.sources[of_source], seen.days[day]
    except (KeyError, TypeError):  # not seen before, or no text at all
        known = _text(metric, "metric"), _text(team, "team"), _text(of_source, "source") or source, _day(day)
        seen.metrics[metric], seen.teams[team], seen.sources[of_source], seen.days[day] = known
    below = get("denominator")
    return Row(
        position,
        known[0],
        known[1],
        known[2],
        _text(get("item"), "item"),
        known[3],
        _number(observation["numerator"], "numerator"),
        None if below is None else _number(below, "denominator"),
    )


def _check_names(names: Any) -> None:
    if not names >= REQUIRED or not names <= KNOWN:
        wrong = [f"{name} is missing" for name in sorted(REQUIRED - names)]
        wrong += [f"{shown(name)} is not known" for name in sorted(names - KNOWN)[:MOST_NAMED]]
        raise Unfit(f"an observation has {', '.join(sorted(KNOWN))}: {', '.join(wrong)}")


def _text(value: Any, what: str) -> str:
    if value is None and what != "metric":
        return ""
    if not isinstance(value, str):
        raise Unfit(f"{what} is a string, not {shown(value)}")
    return read_text(value, what)


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        raise Unfit(f"as_of is a date as YYYY-MM-DD, not {shown(value)}")
    return read_day(value)


def _number(value: Any, what: str) -> float:
    if type(value) is not int and type(value) is not float:  # True is an int by inheritance and no number here
        raise Unfit(f"{what} is a number, not {shown(value)}")
    try:
        return finite(float(value), what)
    except OverflowError:
        raise Unfit(f"{what} is a finite number") from None
