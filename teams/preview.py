"""What a goal line would mean, before it is saved: each team's baseline, target, status today and how hard it is.

The line is a GoalRule that may not be in the database. What is said of a team is what the judgment says once the line
is saved, of the same day: a team whose goal is there already keeps its recorded baseline and its exemptions, one that
a later line asks is not this line's, one that waits has no goal yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache

from accounts.clock import today
from program.models import GoalRule, MetricVersion, Program, Wave
from program.rules import pace
from program.rules.numbers import reached
from program.rules.outlook import Outlook, outlook
from program.rules.pace import Difficulty
from program.rules.pretended import Asked, Begun, Course, pretend
from program.rules.status import Status, Terms, target_of
from program.rules.track import Track

from . import limits
from .goals import select_teams
from .models import Goal, Team
from .terms import in_force
from .tracks import Ground, ground


@dataclass(frozen=True, slots=True)
class Line:
    """One team: how its goal would stand today, and what it would ask of it. Paces are per day, positive is better.

    Before the start, `baseline` and `target` are what they would be of today's data: they follow the data until then.
    """

    team: Team
    group: str
    day: date
    terms: Terms
    track: Track
    outlook: Outlook
    baseline: float | None
    target: float | None
    needs: float | None
    own: float | None
    record: float | None
    difficulty: Difficulty | None
    """None where nothing has been measured"""
    live: bool
    """it has a goal on this metric in this program already"""

    @property
    def met(self) -> bool:
        """Whether the team is at the target already, also where the start is still to come."""
        if self.outlook.status is not Status.UPCOMING:
            return self.outlook.status is Status.MET
        value, target = self.outlook.value, self.target
        return value is not None and target is not None and reached(value, target, self.terms.up)


@dataclass(frozen=True, slots=True)
class Preview:
    """A goal line's teams, and who of them waits (ids) or is asked by a later line."""

    rule: GoalRule
    ground: Ground
    teams: Mapping[int, Team]
    """the whole tree"""
    lines: Sequence[Line]
    wave: Wave | None
    """the wave that all of them wait for"""
    waiting: int
    """teams that would wait for their wave, or for a place under their limit"""
    taken_by_later: int
    """teams that a later line asks"""

    @property
    def version(self) -> MetricVersion:
        """What the goals are measured by."""
        return self.ground.version


def preview(
    program: Program, rule: GoalRule, held: Ground, now: datetime, teams: Mapping[int, Team] | None = None
) -> Preview:
    """What a line would mean today. `held` is the ground of its metric's present version, `teams` the whole tree.

    Six queries at most, and three more where teams have a goal on the metric already; one for each older version.
    """
    teams = Team.objects.in_bulk() if teams is None else teams
    selected = select_teams(program, rule.teams, teams)
    later = _asked_later(program, rule, teams)
    mine = [team for team in selected if team not in later]
    goals = dict(program.goals.filter(metric=rule.metric_id, ended_on=None).values_list("team_id", "pk"))
    waiting, wave = _waiting(program, rule, mine, teams)
    asked = sorted((teams[team] for team in mine if team not in waiting), key=lambda team: team.key)
    return Preview(
        rule=rule,
        ground=held,
        teams=teams,
        lines=_lines(rule, asked, goals, held, teams, now),
        wave=wave,
        waiting=len(waiting),
        taken_by_later=len(selected) - len(mine),
    )


def begun_earlier(shown: Preview, start: date, until: date) -> Begun:
    """The same line, pretended to have begun on another day: its teams that have something measured until a day."""
    rule, version = shown.rule, shown.version
    up = version.direction == MetricVersion.Direction.UP
    days = (rule.start, *(date.fromisoformat(when) for when, _ in rule.milestones), rule.due)
    course = Course([day.toordinal() for day in days]).begun(start.toordinal())
    milestones = [value for _, value in rule.milestones]
    goals = {}
    for line in shown.lines:
        if line.baseline is None or line.target is None:
            continue
        asked = Asked(line.baseline, line.target, milestones, rule.improve_by)
        goal = pretend(
            line.track, asked, course, until.toordinal(), aggregation=version.aggregation, up=up,
            tolerance=rule.tolerance,
        )  # fmt: skip
        if goal is not None:
            goals[line.team.pk] = goal
    return Begun(course, goals, rule.metric.fresh_for, up)


def _asked_later(program: Program, rule: GoalRule, teams: Mapping[int, Team]) -> set[int]:
    """Teams that a later line of the same metric asks: it wins."""
    rules = program.goal_rules.filter(metric=rule.metric_id, position__gt=rule.position)
    open_waves = set(program.waves.exclude(state=Wave.State.PLANNED).values_list("key", flat=True)) if rules else set()
    found: set[int] = set()
    for other in rules:
        if isinstance(other.teams, dict) and "wave" in other.teams and other.teams["wave"] not in open_waves:
            continue
        found.update(select_teams(program, other.teams, teams))
    return found


def _waiting(
    program: Program, rule: GoalRule, mine: Sequence[int], teams: Mapping[int, Team]
) -> tuple[Collection[int], Wave | None]:
    """Who would wait, and the wave that is not open yet where that is why. As make_goals decides."""
    if isinstance(rule.teams, dict) and "wave" in rule.teams:
        wave = program.waves.filter(key=rule.teams["wave"], state=Wave.State.PLANNED).first()
        if wave is not None:
            return mine, wave
    if program.state not in Program.ON_SCORECARDS or program.guard_of_id is not None:
        return (), None
    if all(team.program_limit is None for team in teams.values()):
        return (), None
    placed = set(Goal.objects.filter(program=program, ended_on=None).values_list("team_id", flat=True))
    return limits.without_place(program, set(mine) - placed, teams), None


def _lines(
    rule: GoalRule, asked: Sequence[Team], goals: Mapping[int, int], held: Ground, teams: Mapping[int, Team],
    now: datetime,
) -> list[Line]:  # fmt: skip
    today_in = cache(lambda zone: today(zone, now))
    fresh_for = rule.metric.fresh_for
    new = terms_of(rule, held.version, fresh_for)
    live = {team.pk: goals[team.pk] for team in asked if team.pk in goals}
    in_place = {on_day.goal: on_day for on_day in in_force(list(live.values()), today_in)}
    others: dict[int, Ground] = {held.version.pk: held}
    records = {held.version.pk: held.known()}
    lines = []
    for team in asked:
        terms, at = new, held
        if team.pk in live:
            on_day = in_place[live[team.pk]]
            terms = _kept(new, on_day.terms)
            if terms.start == on_day.terms.start:
                at = _ground_of(on_day.metric_version, others)
        if at.version.pk not in records:
            records[at.version.pk] = at.known()
        known = records[at.version.pk]
        group = teams[team.parent_id].name if team.parent_id is not None and team.parent_id in teams else ""
        lines.append(_line(team, group, terms, at, known, today_in(team.time_zone), live=team.pk in live))
    return lines


def _ground_of(version: int, known: dict[int, Ground]) -> Ground:
    if version not in known:
        known[version] = ground(MetricVersion.objects.get(pk=version))
    return known[version]


def terms_of(rule: GoalRule, version: MetricVersion, fresh_for: int) -> Terms:
    """What the line asks of a team that has no goal yet."""
    return Terms(
        direction=version.direction,
        aggregation=version.aggregation,
        fresh_for=fresh_for,
        start=rule.start,
        due=rule.due,
        target=rule.target,
        improve_by=rule.improve_by,
        tolerance=rule.tolerance,
        milestones=tuple((date.fromisoformat(when), value) for when, value in rule.milestones),
    )


def _kept(new: Terms, old: Terms) -> Terms:
    """What the line asks of a team that has a goal: with the same start it keeps its version and its baseline."""
    if new.start != old.start:
        return replace(new, exemptions=old.exemptions)
    asked = {name: getattr(new, name) for name in ("due", "target", "improve_by", "tolerance", "milestones")}
    return replace(old, **asked)


def _line(
    team: Team, group: str, terms: Terms, at: Ground, known: pace.Records, day: date, *, live: bool
) -> Line:  # fmt: skip
    track = at.track(team.pk)
    found = outlook(terms, track, day)
    baseline, target = found.baseline, found.target
    if baseline is None and day < terms.start:
        newest = track.baseline(terms.start.toordinal(), day.toordinal())
        if newest is not None:
            baseline = track.values[newest]
            target = target_of(terms, (day, baseline))
    needs = own = best = None
    difficulty = None
    if baseline is not None and target is not None:
        needs = pace.needed(baseline, target, (terms.due - terms.start).days, terms.up)
        own = pace.own(track, min(terms.start, day).toordinal(), terms.up)
        mine = at.records.get(team.pk)
        best = max(
            (one for one in (known.fastest(track.size), mine.pace if mine else None) if one is not None), default=None
        )
        difficulty = pace.difficulty(needs, own, best, baseline, terms.aggregation)
    return Line(team, group, day, terms, track, found, baseline, target, needs, own, best, difficulty, live)
