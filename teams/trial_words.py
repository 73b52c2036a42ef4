"""A trial in words, line by line, for the commands."""

from __future__ import annotations

from collections.abc import Iterator

from program.wording import value

from .trials import Trial


def lines_of(trial: Trial) -> Iterator[str]:
    """What a payload would store: a line a team and metric, what it could not place, and its log."""
    for fault in trial.faults:
        yield f"line {fault.line}: {fault.what}" if fault.line else fault.what
    for line in trial.lines:
        share = f"{line.numerator:g}" + ("" if line.denominator is None else f" of {line.denominator:g}")
        now, then = (value(v, line.unit, line.aggregation) for v in (line.before, line.after))
        said = f"now {now}, then {then}" if line.team else "counts in no team"
        yield f"{line.metric} {line.team or '(nobody)'} {line.as_of}: {share} in {line.items} items; {said}"
    for metric, item, number in trial.unplaced:
        yield f"no rule places {item or '(no item)'} ({metric} {number:g})"
    yield from trial.notes
    counts = trial.counts
    yield (
        f"{counts.observations} observations in {counts.snapshots} snapshots: {counts.new} new, {counts.changed} "
        f"changed, {counts.unchanged} unchanged, {counts.gone} gone, {counts.unplaced} without a team; nothing was kept"
    )
