"""The data behind a program's effect: what the teams of a metric were at on common days, and where it had begun.

Comparison teams are those where the program has not begun: teams of later waves, and teams outside that are measured by
the same version of the metric. A team is neither where the program ended its goal, and none where another program has
begun with the same metric. Values of two versions never meet: each version is a question of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

from program.models import Metric, MetricVersion, Program, Wave
from program.rules.common_days import OnDays, common_days, first_on_or_after, on_days, snapshot_days
from program.rules.program_effect import LOOKED_BACK, Found, judge
from program.rules.program_effect import Team as OnGrid
from program.rules.series import SourceReadings

from .models import Goal, WaveTeam
from .series import load_version
from .statements import among, as_day, fetch
from .terms import GoalOnDay, in_force
from .waves import since

ELSEWHERE = """
SELECT DISTINCT g.metric_id, g.team_id FROM teams_goal g JOIN program_program p ON p.id = g.program_id
WHERE {metrics} AND g.program_id <> %s AND p.state <> 'draft' AND p.start <= %s
"""


TERMS = """
SELECT goal_id, metric_version_id, start, effective_from FROM teams_goalterms WHERE {goals}
ORDER BY goal_id, metric_version_id, effective_from
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: did the program move this metric, by this version of it? `starts` is by team (id) the day from
    which on it had begun; `neither` are teams that are in no part of the comparison."""

    metric: Metric
    version: MetricVersion
    starts: Mapping[int, date]
    neither: frozenset[int]
    goals: Sequence[GoalOnDay]
    """what the program asks of these teams on this metric; none of a guardrail"""

    @property
    def is_guardrail(self) -> bool:
        """Whether it is only to see that nothing gets worse."""
        return not self.goals


@dataclass(frozen=True, slots=True)
class EffectSeries:
    """The teams of one metric version on common days, as the rules want them: turned so that more is better."""

    asked: Asked
    days: Sequence[date]
    teams: Mapping[int, OnDays]
    """by team (id), in the metric's own direction"""
    on_grid: Mapping[int, OnGrid]
    sources: Mapping[int, Sequence[SourceReadings]]
    """every snapshot up to the day, by team"""

    def judge(self) -> Found:
        """What they say together."""
        return judge(list(self.on_grid.values()))

    @property
    def treated(self) -> list[int]:
        """The teams (ids) with which the program has begun."""
        return [team for team, one in self.on_grid.items() if one.start is not None]

    @property
    def others(self) -> list[int]:
        """Those to compare with."""
        return [team for team, one in self.on_grid.items() if one.start is None]


def asked(program: Program, on: date, only: Collection[int] | None = None) -> list[Asked]:
    """The questions about a program on a day: each version of a metric that its goals are on, and its guardrails; those
    of `only` some metric versions (ids).

    A constant number of queries.
    """
    guarded = list(Metric.objects.filter(key__in=[str(key) for key in program.guardrails]).order_by("key"))
    live = Goal.objects.filter(program=program).order_by()
    if only is not None:
        metrics = set(MetricVersion.objects.filter(pk__in=only).values_list("metric_id", flat=True))
        guarded = [metric for metric in guarded if metric.pk in metrics]
        # A guardrail is asked of the teams of all goals, a metric with goals of its own.
        live = live if guarded else live.filter(metric__in=metrics)
    rows = list(live.values_list("pk", "metric_id", "team_id", "ended_on"))
    over = {(metric, team) for _, metric, team, ended in rows if ended is not None and ended <= on}
    found = in_force([pk for pk, metric, team, _ in rows if (metric, team) not in over], lambda _zone: on, exempt=False)
    begun = _waves_begun(program)
    first = _first_starts([g.goal for g in found])
    starts = {g.goal: first.get((g.goal, g.metric_version), g.terms.start) for g in found}
    starts = {g.goal: max(starts[g.goal], begun.get(g.team, starts[g.goal])) for g in found}
    outcome = {g.metric for g in found}
    guarded = [metric for metric in guarded if metric.pk not in outcome]
    elsewhere = _elsewhere(program, outcome | {metric.pk for metric in guarded}, on)
    ended: dict[int, set[int]] = defaultdict(set)
    for metric, team in over:
        ended[metric].add(team)
    questions = [
        *_of_goals(found, starts, elsewhere, ended),
        *_of_guardrails(guarded, found, starts, elsewhere, ended),
    ]
    return [question for question in questions if only is None or question.version.pk in only]


def _first_starts(goals: Sequence[int]) -> dict[tuple[int, int], date]:
    """By goal and metric version: when it began, by its first terms that were in force at their start. One query.

    A baseline that is set anew later makes no past of what was under the program.
    """
    found: dict[tuple[int, int], date] = {}
    condition, parameters = among("goal_id", goals)
    rows = fetch(TERMS.format(goals=condition), parameters) if goals else []
    for row, after in zip_longest(rows, rows[1:]):
        goal, version, start, since = row[0], row[1], as_day(row[2]), None
        if after is not None and after[:2] == row[:2]:
            since = as_day(after[3])
        if start is not None and (goal, version) not in found and (since is None or start < since):
            found[goal, version] = start
    return found


def _of_goals(
    found: Sequence[GoalOnDay], starts: Mapping[int, date], elsewhere: Mapping[int, set[int]],
    ended: Mapping[int, set[int]],
) -> list[Asked]:  # fmt: skip
    by_version: dict[int, list[GoalOnDay]] = defaultdict(list)
    for g in found:
        by_version[g.metric_version].append(g)
    versions = MetricVersion.objects.select_related("metric").in_bulk(list(by_version))
    made = []
    for pk, version in sorted(versions.items(), key=lambda one: (one[1].metric.key, -one[1].number)):
        goals = by_version[pk]
        mine = {g.team: starts[g.goal] for g in goals}
        with_it = {g.team for g in found if g.metric == version.metric_id}
        neither = elsewhere.get(version.metric_id, set()) | ended.get(version.metric_id, set()) | with_it
        made.append(Asked(version.metric, version, mine, frozenset(neither - mine.keys()), goals))
    return made


def _of_guardrails(
    guarded: Sequence[Metric], found: Sequence[GoalOnDay], starts: Mapping[int, date],
    elsewhere: Mapping[int, set[int]], ended: Mapping[int, set[int]],
) -> list[Asked]:  # fmt: skip
    """A guardrail is asked of every team of the program, from the day on which its first goal there began."""
    first: dict[int, date] = {}
    for g in found:
        first[g.team] = min(starts[g.goal], first.get(g.team, date.max))
    over = {team for teams in ended.values() for team in teams} - first.keys()
    versions = {v.metric_id: v for v in MetricVersion.objects.filter(metric__in=guarded, current=True)}
    return [
        Asked(
            metric, versions[metric.pk], first, frozenset((elsewhere.get(metric.pk, set()) | over) - first.keys()), ()
        )
        for metric in guarded
        if metric.pk in versions
    ]


def _waves_begun(program: Program) -> dict[int, date]:
    """By team (id): the day on which its wave opened."""
    places = WaveTeam.objects.filter(wave__program=program).exclude(wave__state=Wave.State.PLANNED)
    return {place.team_id: since(place.wave) for place in places.select_related("wave")}


def _elsewhere(program: Program, metrics: Iterable[int], on: date) -> dict[int, set[int]]:
    """By metric (id): the teams (ids) where another program has begun with it."""
    wanted = sorted(metrics)
    found: dict[int, set[int]] = defaultdict(set)
    if wanted:
        condition, parameters = among("g.metric_id", wanted)
        for metric, team in fetch(ELSEWHERE.format(metrics=condition), [*parameters, program.pk, on.isoformat()]):
            found[metric].add(team)
    return found


def read(question: Asked, on: date) -> EffectSeries:
    """What was measured up to a day. One query."""
    version = question.version
    sources = {team: held for team, held in load_version(version.pk, on).items() if team not in question.neither}
    days = _reaching_back(common_days([snapshot_days(held) for held in sources.values()]), question.starts.values())
    fresh_for, aggregation = question.metric.fresh_for, version.aggregation
    teams = {team: on_days(aggregation, held, days, fresh_for) for team, held in sorted(sources.items())}
    sign = 1.0 if version.direction == MetricVersion.Direction.UP else -1.0
    on_grid = {}
    for team, one in teams.items():
        begun = question.starts.get(team)
        start = first_on_or_after(days, begun) if begun is not None else None
        on_grid[team] = OnGrid([None if v is None else sign * v for v in one.values], one.weight, start)
    return EffectSeries(question, days, teams, on_grid, sources)


def _reaching_back(days: Sequence[date], starts: Iterable[date]) -> Sequence[date]:
    """As many days before the first start as are looked back on."""
    at = first_on_or_after(days, min(starts, default=date.max))
    return days if at is None else days[max(0, at - LOOKED_BACK) :]
