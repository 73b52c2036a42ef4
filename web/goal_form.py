"""The form of a goal line: what was typed read into a line, and a line written into the form's fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from program import wording
from program.models import GoalRule, Metric, MetricVersion, Program
from program.rules.glidepath import IDEAL
from program.typed_in import TypedIn
from teams import typed
from teams.choosing import LONGEST, as_the_best, by_condition, kept_words
from teams.goal_lines import FIELDS as LINE
from teams.models import Team
from teams.typed import Unfit

from .grounds import ground_of

WHOM = ("all", "under", "wave", "list", "condition")
HOW = ("target", "improve", "best")
ASKED = (
    "metric", "whom", "under", "wave", "team", "of", "side", "than", "how", "target", "improve", "best", "start", "due",
    "milestones", "tolerance", "why",
)  # fmt: skip
MOST_MILESTONES = 20
MOST_POSITIONS = 32_000
"""Where a new line stands: after all others."""
LONGEST_WHY = 1000


@dataclass(frozen=True)
class Choices:
    """What may be chosen: metrics (the versions they are measured by), the org tree, the program's waves."""

    versions: Mapping[str, MetricVersion]
    teams: Mapping[int, Team]
    waves: Mapping[str, int]
    """how many teams are in each"""

    @property
    def leaves(self) -> list[Team]:
        """Teams proper, by group and name."""
        return sorted(
            (team for team in self.teams.values() if team.leaf),
            key=lambda team: (self.group_of(team), team.name.lower(), team.key),
        )

    @property
    def groups(self) -> list[Team]:
        """The inner nodes, by name."""
        return sorted(
            (team for team in self.teams.values() if not team.leaf), key=lambda one: (one.name.lower(), one.key)
        )

    def group_of(self, team: Team) -> str:
        """The name of the group that a team stands in; empty for one in none."""
        return self.teams[team.parent_id].name if team.parent_id is not None and team.parent_id in self.teams else ""


@dataclass(frozen=True)
class Read:
    """What a form asks: the line, unless a field has a fault. `rule` is not saved."""

    typed: TypedIn
    version: MetricVersion | None
    rule: GoalRule | None

    @property
    def faults(self) -> Mapping[str, str]:
        """What was expected, by field."""
        return self.typed.faults

    def asked(self) -> dict[str, Any]:
        """What the line says, by field."""
        assert self.rule is not None
        return {name: getattr(self.rule, name) for name in LINE}


def sent(query: QueryDict) -> TypedIn:
    """The form's fields as they were sent, in an address or a body."""
    return TypedIn({name: query.get(name, "") for name in ASKED if name != "team"}, {"team": query.getlist("team")})


def afresh(program: Program, versions: Mapping[str, MetricVersion], metric: str, day: date) -> TypedIn:
    """A new line to begin with: all teams, half of the way or the best quarter's value, until the program ends."""
    version = versions.get(metric) or next((v for v in versions.values() if v.metric.program_id == program.pk), None)
    version = version or next(iter(versions.values()), None)
    improves = version is not None and (version.aggregation, version.direction) in IDEAL
    start = max(program.start, day)
    due = program.end if program.end > start else start + timedelta(days=365)
    return TypedIn(
        {
            "metric": version.metric.key if version else "", "whom": "all", "side": "worse",
            "how": "improve" if improves else "best", "improve": "50", "best": "25", "tolerance": "5",
            "start": start.isoformat(), "due": due.isoformat(),
        },
        {"team": []},
    )  # fmt: skip


def written(rule: GoalRule, version: MetricVersion) -> TypedIn:
    """A line as the form's fields."""
    teams = rule.teams
    whom = "all" if teams == "all" else "list" if isinstance(teams, list) else next(iter(teams))
    values = {
        "metric": version.metric.key, "whom": whom, "side": "worse",
        "under": teams["under"] if whom == "under" else "", "wave": teams["wave"] if whom == "wave" else "",
        "how": "target" if rule.improve_by is None else "improve",
        "target": "" if rule.target is None else value_typed(rule.target, version),
        "improve": "" if rule.improve_by is None else percent(rule.improve_by), "best": "25",
        "tolerance": percent(rule.tolerance), "start": rule.start.isoformat(), "due": rule.due.isoformat(),
        "milestones": "\n".join(f"{when}: {value_typed(value, version)}" for when, value in rule.milestones),
        "why": rule.why,
    }  # fmt: skip
    return TypedIn(values, {"team": list(teams) if whom == "list" else []})


def read(form: TypedIn, program: Program, choices: Choices, before: GoalRule | None, day: date) -> Read:
    """Read the form into a line. What depends on the day's data (a condition, the best teams) is found now.

    `before` is the line that is changed: of how it was chosen, what still holds is kept.
    """
    version = choices.versions.get(form["metric"])
    if version is None:
        form.fault("metric", "one of the metrics was expected")
        return Read(form, None, None)
    whom, how = form.choice("whom", WHOM), form.choice("how", HOW)
    start, due = form.day("start"), form.day("due")
    if start and due and start >= due:
        form.fault("due", f"a day after the start, {wording.day(start)}, was expected")
    teams, teams_found = _teams(form, whom, choices, day)
    target, improve_by, target_found = _target(form, how, version, choices, day)
    same = _unchanged(form, before, version)
    rule = GoalRule(
        program=program,
        position=MOST_POSITIONS if before is None else before.position,
        metric=version.metric,
        teams=teams,
        start=start or day,
        due=due or day,
        target=target,
        improve_by=improve_by,
        tolerance=form.number("tolerance", least=0, most=1, share=True) if form["tolerance"].strip() else 0.0,
        milestones=_milestones(form, version, start, due),
        why=form.text("why", most=LONGEST_WHY),
    )
    for name, value in same.items():
        setattr(rule, name, value)
    found = [teams_found, target_found]
    if before is not None:
        found += kept_words(
            before.chosen,
            teams_changed=bool(teams_found) or teams != before.teams,
            target_changed=bool(target_found) or (rule.target, rule.improve_by) != (before.target, before.improve_by),
        )
    rule.chosen = "; ".join(part for part in found if part)[:LONGEST]
    return Read(form, version, None if form.faults else rule)


def _unchanged(form: TypedIn, before: GoalRule | None, version: MetricVersion) -> dict[str, Any]:
    """What nobody typed anew: kept to its last digit, which the field does not show."""
    if before is None or before.metric_id != version.metric_id:
        return {}
    was, how = written(before, version), form["how"]
    kept: dict[str, Any] = {}
    if form["tolerance"].strip() == was["tolerance"]:
        kept["tolerance"] = before.tolerance
    if form["milestones"].split() == was["milestones"].split():
        kept["milestones"] = before.milestones
    if how == was["how"] and form[how].strip() == was[how]:
        kept["target" if how == "target" else "improve_by"] = before.target if how == "target" else before.improve_by
    return kept


def _teams(form: TypedIn, whom: str, choices: Choices, day: date) -> tuple[Any, str]:
    """The line's teams as data, and how they were found where the data of the day decide."""
    match whom:
        case "under":
            if form["under"] not in {group.key for group in choices.groups}:
                form.fault("under", "one of the groups was expected")
            return {"under": form["under"]}, ""
        case "wave":
            if form["wave"] not in choices.waves:
                form.fault("wave", "one of the program's waves was expected")
            return {"wave": form["wave"]}, ""
        case "list":
            known = {team.key for team in choices.leaves}
            wanted = sorted(set(form.chosen("team")))
            if not wanted or not known.issuperset(wanted):
                form.fault("team", "at least one team of the list was expected")
            return wanted, ""
        case "condition":
            return _by_condition(form, choices, day)
    return "all", ""


def _by_condition(form: TypedIn, choices: Choices, day: date) -> tuple[Any, str]:
    version = choices.versions.get(form["of"] or form["metric"])
    if version is None:
        form.fault("of", "one of the metrics was expected")
        return [], ""
    than = _number(form, "than", version, "value to compare with")
    side = form.choice("side", ("worse", "better"))
    if than is None:
        return [], ""
    keys, said = by_condition(ground_of(version), choices.teams, day, than=than, worse=side == "worse")
    if not keys:
        form.fault("than", f"a value that some team is {'worse than' if side == 'worse' else 'at'} was expected")
    return keys, said


def _target(
    form: TypedIn, how: str, version: MetricVersion, choices: Choices, day: date
) -> tuple[float | None, float | None, str]:
    """Target and improve_by, one of which is None, and how the target was found."""
    if how == "improve":
        if (version.aggregation, version.direction) not in IDEAL:
            form.fault(
                "how",
                f"{version.metric.name} has no best possible value ({version.aggregation}, {version.direction} is "
                "better), so that there is no share of the way to it: another target was expected",
            )
        return None, form.number("improve", least=0, most=1, share=True), ""
    if how == "target":
        return _number(form, "target", version, "target"), None, ""
    share = form.number("best", least=0.01, most=1, share=True)
    found = as_the_best(ground_of(version), choices.teams, day, share)
    if found is None:
        form.fault("best", "no team has a value yet: another target was expected")
        return None, None, ""
    return found[0], None, found[1]


def _number(form: TypedIn, name: str, version: MetricVersion, what: str) -> float | None:
    try:
        found = typed.number(form[name], version, what)
    except Unfit as unfit:
        form.fault(name, str(unfit).rstrip("."))
        return None
    if found is None:
        form.fault(name, f"the {what} was expected")
    return found


def _milestones(form: TypedIn, version: MetricVersion, start: date | None, due: date | None) -> list[list[Any]]:
    """A day and a value a line, as [[ISO day, value], …] by day."""
    found: dict[date, float] = {}
    lines = [line for line in form.text("milestones", most=2000).splitlines() if line.strip()]
    if len(lines) > MOST_MILESTONES:
        form.fault("milestones", f"at most {MOST_MILESTONES} milestones were expected")
        return []
    for line in lines:
        when, _, value = line.partition(":")
        try:
            day, level = typed.day(when, "milestone's day"), typed.number(value, version, "milestone")
        except Unfit as unfit:
            form.fault("milestones", str(unfit).rstrip("."))
            continue
        if day is None or level is None:
            form.fault("milestones", f"a day and a value a line were expected, such as 2026-06-30: {EXAMPLE}")
        elif start and due and not start < day < due:
            form.fault("milestones", f"days between start and due were expected, not {wording.day(day)}")
        else:
            found[day] = level
    return [[day.isoformat(), found[day]] for day in sorted(found)]


EXAMPLE = "50 %"


def value_typed(number: float, version: MetricVersion) -> str:
    """A value as it is typed: "92.5 %" for a share, else the number, with nothing rounded away."""
    if is_share(version):
        return f"{percent(number)} %"
    return plain(number)


def percent(share: float) -> str:
    """A share as a number of percent, with nothing rounded away."""
    return plain(round(share * 100, 10))


def plain(number: float) -> str:
    """A number without an exponent."""
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.12f}".rstrip("0").rstrip(".")


def is_share(version: MetricVersion) -> bool:
    """Whether its values are shares, shown in percent."""
    return wording.is_percent(version.unit, version.aggregation)


def named(version: MetricVersion, total: float | None) -> str:
    """A metric with what it amounts to now: "Typed functions: 45 % now"."""
    if total is None:
        return version.metric.name
    return f"{version.metric.name}: {wording.value(total, version.unit, version.aggregation)} now"


def around(values: Sequence[float]) -> tuple[float, float, float]:
    """Least, most and step of a number that is dragged among these values: whole numbers where they are large."""
    least, most = min([0.0, *values]), max([0.0, *values])
    wide = most - least or 1.0
    step = 1.0 if wide >= 20 else 10.0 ** math.floor(math.log10(wide / 20))
    return math.floor(least / step) * step, math.ceil(most / step) * step, step


def all_metrics(rows: QuerySet[Metric]) -> dict[str, MetricVersion]:
    """The present version of each of these metrics, by metric key. One query."""
    versions = MetricVersion.objects.filter(metric__in=rows, current=True).select_related("metric")
    return {version.metric.key: version for version in versions.order_by("metric__name", "metric__key")}
