"""Reproduce: read the kept payloads again, and compare every observation with what is stored."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection

from program.feeds.registry import KINDS
from program.fetch import FetchFailed
from program.models import Metric, MetricVersion

from .ingest import origin_of, read
from .models import Run, Team
from .placing import SnapshotKey
from .pulling import ask
from .retention import were_let_go
from .statements import as_day, fetch

MOST_DIFFERENCES = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """An observation of which the payload says something else than what is stored; None: it is not there."""

    run: int
    team: str
    source: str
    as_of: date
    item: str
    stored: object
    found: object


@dataclass(slots=True)
class Report:
    """What came of reading a metric's payloads again."""

    metric: str
    first: date
    last: date
    runs: int = 0
    snapshots: int = 0
    same: int = 0
    differences: list[Difference] = field(default_factory=list)
    different: int = 0
    gone: list[str] = field(default_factory=list)
    """runs that cannot be read again, and why"""

    @property
    def holds(self) -> bool:
        """Whether everything was found again as it is stored."""
        return not self.different and not self.gone


def reproduce(metric: Metric, first: date, last: date, now: datetime) -> Iterator[Report]:
    """Read again what a metric's snapshots of these days came from; gives the report as it grows, run by run.

    From the kept payloads; where one was let go and the source can be asked for its past, from the source.
    """
    report = Report(metric.key, first, last)
    by_run = _stored(metric, first, last)
    versions = {version.pk: version for version in metric.versions.select_related("metric")}
    teams = dict(Team.objects.values_list("pk", "key"))
    for run in (
        Run.objects.filter(pk__in=by_run).select_related("payload", "feed__program").order_by("received_at", "pk")
    ):
        stored = by_run[run.pk]
        report.runs += 1
        report.snapshots += len(stored)
        try:
            data = zlib.decompress(run.payload.data) if run.payload else _ask_again(run)
        except FetchFailed as failed:
            report.gone.append(f"run {run.pk} of {run.came_from}: {failed.reason}")
        else:
            _compare(report, run, data, stored, versions, teams, now)
        yield report
    if not by_run:
        yield report


Stored = dict[SnapshotKey, dict[str, object]]


def _stored(metric: Metric, first: date, last: date) -> dict[int, Stored]:
    """The snapshots of these days by the run that wrote them; those whose items were let go can be compared no more."""
    text = "s.items::text" if connection.vendor == "postgresql" else "s.items"
    found: dict[int, Stored] = defaultdict(dict)
    for run, version, team, name, day, count, items in fetch(
        f"""SELECT s.run_id, src.metric_version_id, src.team_id, src.name, s.as_of, s.count, {text}
        FROM teams_source src JOIN program_metricversion v ON v.id = src.metric_version_id
        JOIN teams_snapshot s ON s.source_id = src.id
        WHERE v.metric_id = %s AND s.as_of >= %s AND s.as_of <= %s""",  # noqa: S608
        [metric.pk, first.isoformat(), last.isoformat()],
    ):
        as_of = as_day(day)
        if as_of is not None and not were_let_go(count, json.loads(items)):
            found[run][version, team, name, as_of] = json.loads(items)
    return found


def _ask_again(run: Run) -> bytes:
    feed = run.feed
    if feed is None or feed.kind != "prometheus":
        raise FetchFailed("its payload was let go, and its source cannot be asked for the past", permanent=True)
    feed.settings = run.asked.get("settings", feed.settings) | {"time": f"{run.received_at.timestamp():.3f}"}
    return ask(feed)


def _compare(
    report: Report,
    run: Run,
    data: bytes,
    stored: Stored,
    versions: Mapping[int, MetricVersion],
    teams: Mapping[int, str],
    now: datetime,
) -> None:
    used = {versions[version].metric.key: versions[version] for version, _, _, _ in stored}
    origin = origin_of(run)
    if run.format not in KINDS:
        report.gone.append(f"run {run.pk}: {run.format} is no kind that is known")
        return
    batch, placed = read(data, origin, now, used)
    if batch.faults:
        report.gone.append(
            f"run {run.pk}: its payload is not read any more: line {batch.faults[0].line}: {batch.faults[0].what}"
        )
        return
    for key, items in stored.items():
        again = placed.named[key].items() if key in placed.named else {}
        for item in items.keys() | again.keys():
            if items.get(item) == again.get(item):
                report.same += 1
                continue
            report.different += 1
            if len(report.differences) < MOST_DIFFERENCES:
                _, team, source, as_of = key
                name = teams.get(team, "") if team is not None else ""
                report.differences.append(
                    Difference(run.pk, name, source, as_of, item, items.get(item), again.get(item))
                )
