"""Observations as JSON: {"observations": [{metric, team, item, as_of, numerator, denominator, source}, …]}."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from .batch import Batch, Row, Unfit, finite, read_day, read_text, shown

DEEPEST = 32
REQUIRED = frozenset({"metric", "as_of", "numerator"})
KNOWN = REQUIRED | {"team", "item", "denominator", "source"}


def read(data: bytes) -> Batch:
    """Read a JSON body; faults name the observation by its position in the list, from 1."""
    batch = Batch()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        batch.fault(0, f"the body is UTF-8; byte {fault.start} is not")
        return batch
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except Unfit as fault:
        batch.fault(0, str(fault))
    except RecursionError:
        batch.fault(0, f"the body is nested at most {DEEPEST} deep")
    except ValueError as fault:
        line = getattr(fault, "lineno", 0)
        batch.fault(line, f"a JSON document was expected: {str(fault)[:120]}")
    else:
        _read_document(document, batch)
    return batch


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unfit(f"a name stands once in an object; {shown(twice)} stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unfit(f"numbers are finite; {name} is not")


def _read_document(document: Any, batch: Batch) -> None:
    observations = document.get("observations") if isinstance(document, dict) else None
    if not isinstance(observations, list):
        batch.fault(0, '{"observations": […]} was expected')
        return
    if len(document) > 1:
        unknown = next(name for name in document if name != "observations")
        batch.fault(0, f'beside "observations" nothing is known; {shown(unknown)} is not')
        return
    for position, observation in enumerate(observations, 1):
        try:
            batch.rows.append(_row(position, observation))
        except Unfit as fault:
            batch.fault(position, str(fault))


def _row(position: int, observation: Any) -> Row:
    if not isinstance(observation, dict):
        raise Unfit(f"an observation is an object, not {shown(observation)}")
    names = observation.keys()
    if not names >= REQUIRED or not names <= KNOWN:
        wrong = [f"{name} is missing" for name in sorted(REQUIRED - names)]
        wrong += [f"{shown(name)} is not known" for name in sorted(names - KNOWN)]
        raise Unfit(f"an observation has {', '.join(sorted(KNOWN))}: {', '.join(wrong)}")
    below = observation.get("denominator")
    return Row(
        position,
        _text(observation["metric"], "metric"),
        _text(observation.get("team", ""), "team"),
        _text(observation.get("source", ""), "source"),
        _text(observation.get("item", ""), "item"),
        _day(observation["as_of"]),
        _number(observation["numerator"], "numerator"),
        None if below is None else _number(below, "denominator"),
    )


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
