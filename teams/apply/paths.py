"""A program's file taken apart into places with a value each, so that two or three of them can be held side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a value stands: a section, an entry of it by its key ("" where there is only one), and a field."""

    section: str
    entry: str
    field: str


Flat = dict[Place, Any]
SECTIONS = ("program", "metrics", "goals", "waves", "nudges", "feeds", "scores")
"""In the order in which they are told."""
WHOLE = {"teams", "milestones", "parts", "measures", "steps"}
"""Fields that are one value, however they are built."""
ORDER = Place("goals", "", "order")
"""Where the order of goal lines is kept: of two that ask a team for the same metric, the later wins."""


def plain(value: Any) -> Any:
    """As JSON keeps it: days as text, lists and mappings of plain values."""
    if isinstance(value, Mapping):
        return {_name(name): plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def flat(said: Mapping[str, Any]) -> Flat:
    """Each value of a file (plain or not) by its place; what has its default stands nowhere."""
    found: Flat = {}
    held = plain(said)
    for section in SECTIONS:
        for entry, fields in _entries(section, held.get(section) or {}):
            for name, value in _fields(fields):
                found[Place(section, entry, name)] = value
    lines = [entry for entry, _ in _entries("goals", held.get("goals") or [])]
    if lines:
        found[ORDER] = lines
    return found


def entries(of: Flat) -> dict[tuple[str, str], dict[str, Any]]:
    """The fields of each entry, by section and entry; without the order of the goals."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for place, value in of.items():
        if place != ORDER:
            found.setdefault((place.section, place.entry), {})[place.field] = value
    return found


def _name(name: Any) -> str:
    return name.isoformat() if isinstance(name, date) else str(name)


def _entries(section: str, held: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(held, Mapping):
        yield "", held
        return
    seen: Counter[str] = Counter()
    for one in held:
        if section != "goals":
            yield str(one["key"]), one
            continue
        teams = sorted(one["teams"]) if isinstance(one["teams"], list) else one["teams"]
        key = json.dumps([one["metric"], teams])
        seen[key] += 1
        yield json.dumps([one["metric"], teams, seen[key]]), one


def asked_by(entry: str) -> tuple[str, Any]:
    """The metric and the teams of a goal line, by which it is told from others."""
    metric, teams, _ = json.loads(entry)
    return metric, teams


def _fields(held: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in held.items():
        if name == "owners":
            for owner in value:
                yield f"owners {owner['email']} {owner['role']}", True
        elif isinstance(value, Mapping) and name not in WHOLE:
            yield from _fields(value, f"{within}{name}.")
        else:
            yield within + name, value
