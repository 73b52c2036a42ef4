"""Try it first: what a payload would store, for which teams and items, beside what is held; then all is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from program.feeds.batch import Batch, Fault
from program.models import MetricVersion
from program.rules.series import value_on

from .keeping import Counts, keep
from .models import Run, Team
from .placing import Placed, named_pairs
from .series import load

MOST_ITEMS = 50


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One team on one metric: its value now and as it would be, and the items that the payload brings."""

    metric: str
    metric_name: str
    unit: str
    aggregation: str
    team: str
    team_name: str
    before: float | None
    after: float | None
    as_of: date
    items: int
    numerator: float
    denominator: float | None


@dataclass(slots=True)
class Trial:
    """What a payload would do; nothing of it is kept."""

    faults: Sequence[Fault] = ()
    notes: Sequence[str] = ()
    counts: Counts = field(default_factory=Counts)
    lines: Sequence[TrialLine] = ()
    unplaced: Sequence[tuple[str, str, float]] = ()
    """(metric, item, numerator) of the largest that no rule places"""


def try_out(batch: Batch, placed: Placed, run: Run, now: datetime) -> Trial:
    """Store a placed batch within the caller's transaction, and tell the difference. The caller takes it back."""
    if batch.faults:
        return Trial(batch.faults, batch.notes)
    pairs = {(version, team) for version, team in named_pairs(placed.named) if team is not None}
    day = max((key[3] for key in placed.named), default=now.date())
    before = _values(pairs, placed, day)
    run.save()
    counts, _ = keep(run, placed.named)
    after = _values(pairs, placed, day)
    versions = {version.pk: version for version in placed.versions.values()}
    teams = Team.objects.in_bulk({team for _, team in pairs})
    lines = []
    for (version_id, team, _, as_of), snapshot in placed.named.items():
        version = versions[version_id]
        held = teams.get(team) if team is not None else None
        lines.append(
            TrialLine(
                metric=version.metric.key,
                metric_name=version.metric.name,
                unit=version.unit,
                aggregation=version.aggregation,
                team=held.key if held else "",
                team_name=held.name if held else "",
                before=before.get((version_id, team or 0)),
                after=after.get((version_id, team or 0)),
                as_of=as_of,
                items=len(snapshot.names),
                numerator=sum(snapshot.numerators),
                denominator=sum(snapshot.denominators) if len(snapshot.denominators) else None,
            )
        )
    lines.sort(key=lambda line: (line.metric, line.team == "", line.team))
    return Trial((), batch.notes, counts, lines, _unplaced(placed, versions))


def _values(pairs: set[tuple[int, int]], placed: Placed, day: date) -> dict[tuple[int, int], float | None]:
    histories = load(dict.fromkeys(pairs, day))
    kinds = {version.pk: version.aggregation for version in placed.versions.values()}
    return {pair: value_on(kinds[pair[0]], [h.readings for h in histories.get(pair, ())], day).value for pair in pairs}


def _unplaced(placed: Placed, versions: Mapping[int, MetricVersion]) -> list[tuple[str, str, float]]:
    found = [
        (versions[version].metric.key, name, number)
        for (version, team, _, _), snapshot in placed.named.items()
        if team is None
        for name, number in zip(snapshot.names, snapshot.numerators, strict=True)
    ]
    return sorted(found, key=lambda one: (-one[2], one[0], one[1]))[:MOST_ITEMS]
