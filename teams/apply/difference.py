"""What a file would change, told so that a person can say yes or no to it: by section, old → new, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from program.models import MetricVersion

from . import told
from .paths import ORDER, SECTIONS, Flat, entries

HEADINGS = {
    "program": "Charter",
    "metrics": "Metrics",
    "goals": "Goals",
    "waves": "Waves",
    "nudges": "Nudges",
    "feeds": "Feeds",
    "scores": "Scores",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that comes (+), goes (-) or changes (~)."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of one section of the file."""

    heading: str
    lines: Sequence[Line]


def units() -> dict[str, told.Unit]:
    """In what each metric is counted. One query."""
    rows = MetricVersion.objects.filter(current=True).values_list("metric__key", "metric__name", "unit", "aggregation")
    return {key: told.Unit(name, unit, aggregation) for key, name, unit, aggregation in rows}


def between(before: Flat, after: Flat, known: Mapping[str, told.Unit]) -> list[Section]:
    """The difference of two states of a program, by section; sections without one are left out."""
    held, wanted = entries(before), entries(after)
    found = []
    for section in SECTIONS:
        old = {entry: fields for (of, entry), fields in held.items() if of == section}
        new = {entry: fields for (of, entry), fields in wanted.items() if of == section}
        lines = list(_lines(section, old, new, known))
        if section == "goals" and not lines and before.get(ORDER) != after.get(ORDER):
            lines = [Line("~", "the order of the lines: of two that ask a team for the same metric the later wins")]
        if lines:
            found.append(Section(HEADINGS[section], lines))
    return found


Fields = Mapping[str, Any]


def _lines(
    section: str, old: Mapping[str, Fields], new: Mapping[str, Fields], known: Mapping[str, told.Unit]
) -> Iterator[Line]:
    """Entries in the new order, then those that go; the fields of a section without entries stand for themselves."""
    if section in ("program", "nudges"):
        yield from _alone(section, old.get("", {}), new.get("", {}), known)
        return
    pairs = _renamed(old, new) if section == "goals" else {}
    for entry, fields in new.items():
        was = old.get(entry) or old.get(pairs.get(entry, ""))
        if was is None:
            yield Line("+", told.entry(section, fields, known))
        elif was != fields:
            moved = "; ".join(told.change(section, name, was, fields, known) for name in _moved(was, fields))
            yield Line("~", f"{told.title(section, was, known)}: {moved}")
    for entry, fields in old.items():
        if entry not in new and entry not in pairs.values():
            yield Line("-", told.entry(section, fields, known))


def _alone(section: str, old: Fields, new: Fields, known: Mapping[str, told.Unit]) -> Iterator[Line]:
    for name in _moved(old, new):
        if name not in old:
            yield Line("+", told.field(section, name, new, known))
        elif name not in new:
            yield Line("-", told.field(section, name, old, known))
        else:
            yield Line("~", told.change(section, name, old, new, known))


def _moved(old: Fields, new: Fields) -> list[str]:
    """The fields that differ: those of the new in its order, then those that are gone."""
    names = [*new, *(name for name in old if name not in new)]
    return [name for name in names if old.get(name) != new.get(name)]


def _renamed(old: Mapping[str, Fields], new: Mapping[str, Fields]) -> dict[str, str]:
    """Goal lines that ask other teams than before, by what they were: the first of its metric that is left over."""
    gone = {entry: fields["metric"] for entry, fields in old.items() if entry not in new}
    found: dict[str, str] = {}
    for entry, fields in new.items():
        if entry not in old:
            was = next((held for held, metric in gone.items() if metric == fields["metric"]), None)
            if was is not None:
                found[entry] = was
                del gone[was]
    return found
