"""What a tool's report says, measure by measure, and how a feed's settings make observations of it."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .batch import EARLIEST, Batch, Fault, Row, Unfit, finite, read_text, said, shown

MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that a kind of report measures: how it adds up, which way is better, and what its parts are."""

    key: str
    name: str
    aggregation: str
    direction: str
    item: str
    numerator: str
    denominator: str = ""


@dataclass(slots=True)
class Total:
    """One item's figures on one measure."""

    numerator: float = 0.0
    denominator: float | None = None


@dataclass(slots=True)
class Report:
    """A report as read: totals by measure and (team, item); its own day and source where it says them.

    A measure that it speaks of is in `found` even if nothing was counted; one that is not there, it does not measure.
    `team` is mostly empty: ownership places the item. `notes` tell what was left out and why.
    """

    found: dict[str, dict[tuple[str, str], Total]] = field(default_factory=dict)
    as_of: date | None = None
    source: str = ""
    notes: list[str] = field(default_factory=list)
    partly: set[str] = field(default_factory=set)
    """measures of which something was no number: what is not there is then unknown, and no team has a 0 for it"""

    def add(self, measure: str, item: str, numerator: float, denominator: float | None = None, team: str = "") -> None:
        """Add figures to an item; the same item in several places of a report adds up."""
        total = self.found.setdefault(measure, {}).setdefault((team, item), Total())
        total.numerator += numerator
        if denominator is not None:
            total.denominator = (total.denominator or 0.0) + denominator

    def note(self, what: str) -> None:
        """Say something for the run's log, once."""
        what = said(what)
        if what not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(what)

    def leave_out(self, measure: str, what: str) -> None:
        """Leave out what is no number: it is in the log, and its measure is known in part only."""
        self.partly.add(measure)
        self.note(f"{what}: left out")

    def sums(self) -> dict[str, tuple[int, float, float | None]]:
        """(items, Σ numerator, Σ denominator or None) by measure."""
        return {
            measure: (
                len(items),
                sum(total.numerator for total in items.values()),
                None
                if all(total.denominator is None for total in items.values())
                else sum(total.denominator or 0.0 for total in items.values()),
            )
            for measure, items in self.found.items()
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What a feed asks of a report: which measure becomes which metric, and what the report may leave unsaid.

    `settings` has the kind's own dials, and for all kinds `strip` (prefixes of file names to take off, such as the
    checkout's folder) and `prefix` (to put before them).
    """

    measures: Mapping[str, str] = field(default_factory=dict)
    as_of: date | None = None
    source: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def rows_of(report: Report, asked: Asked, today: date) -> Batch:
    """The observations that a feed makes of a report. As of: what was asked, else the report's own day, else today."""
    measured = {measure: found for measure, found in report.found.items() if found or measure not in report.partly}
    whole = [measure for measure in measured if measure not in report.partly]
    batch = Batch(notes=report.notes, spoken=[metric for measure, metric in asked.measures.items() if measure in whole])
    if asked.measures and not measured.keys() & asked.measures.keys():
        has, wants = ", ".join(sorted(measured)[:10]) or "nothing", ", ".join(sorted(asked.measures)[:10])
        batch.fault(0, f"a report that measures one of {wants} was expected; it measures {has}")
    day = asked.as_of or report.as_of or today
    source = asked.source or report.source
    rows: list[Row] = []
    batch.rows = rows
    for measure, metric in asked.measures.items():
        for (team, item), total in sorted(report.found.get(measure, {}).items()):
            try:
                rows.append(
                    Row(
                        0,
                        metric,
                        read_text(team, "team"),
                        read_text(source, "source"),
                        read_text(item, "item"),
                        day,
                        finite(total.numerator, f"{measure} of {shown(item)}"),
                        None if total.denominator is None else finite(total.denominator, f"{measure} of {shown(item)}"),
                    )
                )
            except Unfit as fault:
                batch.fault(0, str(fault))
    batch.as_of, batch.source = day, source
    return batch


def file_item(name: str, settings: Mapping[str, Any], root: str = "") -> str:
    """A file's name as an item: relative to the repository, with slashes, after the feed's strip and prefix."""
    plain = name.replace("\\", "/")
    if root and not plain.startswith("/"):
        plain = f"{root.rstrip('/')}/{plain}"
    plain = posixpath.normpath(plain) if plain else plain
    for start in settings.get("strip", ()):
        if start and plain.startswith(start):
            plain = plain[len(start) :].lstrip("/")
            break
    return f"{settings.get('prefix', '')}{plain}"


def wanted(measures: Collection[str], known: Sequence[Measure]) -> set[str]:
    """The measures to look for: those asked, or all that the kind knows by itself."""
    return set(measures) or {measure.key for measure in known}


def day_of(text: str) -> date | None:
    """The day of an ISO 8601 moment as a report writes it; None where it is none."""
    try:
        day = datetime.fromisoformat(text.strip()).date()
    except ValueError:
        return None
    return day if day >= EARLIEST else None


def fault_batch(what: str, line: int = 0) -> Batch:
    """A batch that is nothing but one fault."""
    return Batch(faults=[Fault(line, said(what))])
