"""How many items a program's teams have closed since it began: short of something then, and not now."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import date

from django.db import connection

from program.models import MetricVersion, Program
from program.rules import hot_spots
from program.rules.turnover import Short, changed

from .models import Goal
from .series import unpack
from .statements import among, as_day, fetch

# Of each source the newest snapshot on or before the program's start (or its first one), and the newest by a day.
STATEMENT = """
SELECT src.id, src.metric_version_id, src.name, src.retired_on, s.as_of, {items}
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id
WHERE {versions} AND {teams} AND s.as_of <= %s AND (
  s.as_of = (SELECT MAX(n.as_of) FROM teams_snapshot n WHERE n.source_id = src.id AND n.as_of <= %s)
  OR s.as_of = COALESCE(
    (SELECT MAX(b.as_of) FROM teams_snapshot b WHERE b.source_id = src.id AND b.as_of <= %s),
    (SELECT MIN(f.as_of) FROM teams_snapshot f WHERE f.source_id = src.id)))
ORDER BY src.id, s.as_of
"""


def closed(program: Program, on: date, keys: Collection[str] | None = None) -> dict[str, int]:
    """By metric key, of the metrics whose items add up: items closed from the program's start to a day. Three queries,
    none where `keys`, which limits it to some metrics, names none.

    What came up and was closed in between is not seen. An item that left one team for another has moved, and is not
    closed.
    """
    if keys is not None and not keys:
        return {}
    goals = Goal.objects.filter(program=program)
    goals = goals if keys is None else goals.filter(metric__key__in=keys)
    versions = {
        version.pk: version
        for version in MetricVersion.objects.filter(metric__goals__in=goals, current=True)
        .select_related("metric")
        .distinct()
        if not hot_spots.why_not(version.aggregation, version.direction)
    }
    teams = sorted(set(goals.order_by().values_list("team_id", flat=True)))
    if not versions or not teams:
        return {}
    found: dict[int, dict[str, list[tuple[Short, Short]]]] = defaultdict(lambda: defaultdict(list))
    first: dict[int, Short] = {}
    for source, version, name, retired_on, as_of, items in _rows(sorted(versions), teams, program.start, on):
        retired, day = as_day(retired_on), as_day(as_of)
        if retired is not None and day is not None and day >= retired:
            continue
        kind = versions[version].aggregation, versions[version].direction
        short = {item: hot_spots.contribution(*kind, *unpack(held)) for item, held in json.loads(items).items()}
        if source in first:
            found[version][name].append((first[source], short))
        first[source] = short
    return {
        versions[version].metric.key: sum(changed(pairs).closed for pairs in by_source.values())
        for version, by_source in found.items()
    }


def _rows(versions: list[int], teams: list[int], start: date, on: date) -> list[tuple]:
    of_versions, first = among("src.metric_version_id", versions)
    of_teams, second = among("src.team_id", teams)
    items = "s.items::text" if connection.vendor == "postgresql" else "s.items"
    day, begun = on.isoformat(), start.isoformat()
    statement = STATEMENT.format(items=items, versions=of_versions, teams=of_teams)
    return fetch(statement, [*first, *second, day, day, begun])
