"""What no rule places: items of the newest snapshots without a team, worst first; they count in program totals only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from program.models import Metric, MetricVersion

from .models import Snapshot


@dataclass(frozen=True, slots=True)
class Unowned:
    """One item of one metric that is nobody's."""

    version: MetricVersion
    source: str
    as_of: date
    item: str
    numerator: float
    denominator: float | None

    @property
    def weight(self) -> float:
        """What it would add to its team's gap: what is missing (up) or what is there (down)."""
        if self.version.direction == MetricVersion.Direction.UP:
            return (self.denominator or 0.0) - self.numerator if self.denominator is not None else 0.0
        return self.numerator

    @property
    def folder(self) -> str:
        """A pattern that would place it and its neighbours."""
        path = self.item.partition("::")[0].lstrip("/")
        folder, slash, _ = path.rpartition("/")
        return f"/{folder}/" if slash else f"/{path}"


def unowned(limit: int, metric: Metric | None = None) -> list[Unowned]:
    """What no rule places, worst first: items of the newest unowned snapshots by what they would add to a gap."""
    rows = Snapshot.objects.filter(
        source__team=None, source__metric_version__current=True, count__gt=0, source__retired_on=None
    )
    if metric is not None:
        rows = rows.filter(source__metric_version__metric=metric)
    found = []
    for snapshot in rows.select_related("source__metric_version__metric").order_by("source", "as_of"):
        if snapshot.as_of != snapshot.source.newest:
            continue
        version = snapshot.source.metric_version
        for item, held in snapshot.items.items():
            above, below = (held[0], held[1]) if isinstance(held, list) else (held, None)
            found.append(Unowned(version, snapshot.source.name, snapshot.as_of, item, above, below))
    found.sort(key=lambda one: (-one.weight, one.source, one.item, one.version.metric.key))
    return found[:limit]
