"""The figure of one goal on a day: its value against its path, the changes of ruler and terms marked."""

from __future__ import annotations

from datetime import date
from typing import Any

from program.models import MetricVersion
from teams.boards import series_of
from teams.models import LONG_AGO, GoalTerms
from teams.standings import compute
from teams.terms import in_force
from web import charts


def figure(goal: int, on: date, first: date | None = None, last: date | None = None) -> Any:
    """The figure of a goal (by id) on a day. With a first day, its axis goes from there to the last, or the due day."""
    (on_day,) = in_force([goal], lambda _zone: on)
    judged, _ = compute([on_day])
    version = MetricVersion.objects.get(pk=on_day.metric_version)
    opened = version.metric.versions.filter(number__gt=1).values_list("opened_at", flat=True)
    other_terms = GoalTerms.objects.filter(goal=goal, effective_from__gt=LONG_AGO, effective_from__lte=on)
    until = last or on_day.terms.due
    return charts.goal_figure(
        version,
        on_day.terms,
        judged[0].judgment,
        series_of(on_day),
        [moment.date() for moment in opened if moment.date() <= on],
        list(other_terms.order_by("effective_from").values_list("effective_from", flat=True)),
        (first, until) if first is not None and first < until else None,
    )
