"""What metrics amount to now, all teams taken together: numerators and denominators are added, never shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from program.models import MetricVersion

from .statements import among, as_day, fetch

STATEMENT = """
SELECT src.metric_version_id, SUM(s.numerator), SUM(s.denominator), SUM(s.count), MAX(s.maximum)
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id AND s.as_of = src.newest
WHERE {versions} AND src.team_id IS NOT NULL AND (src.retired_on IS NULL OR src.retired_on > %s)
GROUP BY src.metric_version_id
"""


NEWEST = """
SELECT src.metric_version_id, MIN(src.newest) FROM teams_source src
WHERE {versions} AND src.team_id IS NOT NULL AND (src.retired_on IS NULL OR src.retired_on > %s)
GROUP BY src.metric_version_id
"""


def newest_of(versions: Sequence[MetricVersion], day: date) -> dict[int, date]:
    """By metric version (id): the day that its present total is of, the oldest of its sources' newest. One query."""
    if not versions:
        return {}
    condition, parameters = among("src.metric_version_id", [version.pk for version in versions])
    rows = fetch(NEWEST.format(versions=condition), [*parameters, day.isoformat()])
    return {pk: found for pk, newest in rows if (found := as_day(newest)) is not None}


def totals_now(versions: Sequence[MetricVersion], day: date) -> dict[int, float]:
    """By metric version (id): its present total; without those that have none (`latest` has no total). One query."""
    if not versions:
        return {}
    condition, parameters = among("src.metric_version_id", [version.pk for version in versions])
    kinds = {version.pk: version.aggregation for version in versions}
    found = {}
    for pk, numerator, denominator, count, maximum in fetch(
        STATEMENT.format(versions=condition), [*parameters, day.isoformat()]
    ):
        match kinds[pk]:
            case "sum":
                found[pk] = float(numerator)
            case "ratio" if denominator:
                found[pk] = numerator / denominator
            case "mean" if count:
                found[pk] = numerator / count
            case "max" if maximum is not None:
                found[pk] = maximum
    return found
