"""What somebody who begins to lead a team takes over: its goals, what is open about each, and who led it before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from accounts.clock import today
from accounts.models import AuditRow, User
from program import wording
from program.rules.status import WORST_FIRST, Status

from . import answer_words, answering
from .models import Answer, Dispute, Exemption, Goal, GoalTerms, Membership, Proposal, Standing, TakenItem, Team

OLDEST_STANDING = timedelta(days=7)
LONGEST_WORDS = 120


@dataclass(slots=True)
class TakenOver:
    """One goal: where it stood when it was judged last (None: it was not yet), and what is open about it, in words."""

    goal: Goal
    unit: str
    aggregation: str
    standing: Standing | None = None
    open: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Handover:
    """A team as it is handed over; goals worst first. `led_by` is who led it before, empty where nobody knows."""

    team: Team
    led_by: str = ""
    goals: list[TakenOver] = field(default_factory=list)
    taken: list[TakenItem] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)


def of_teams(teams: Collection[int], now: datetime) -> dict[int, Handover]:
    """What there is to take over of each of these teams. Nine queries, however many they are."""
    rows = Goal.objects.on_scorecards().filter(team__in=teams).select_related("program", "metric", "team")
    goals = {goal.pk: TakenOver(goal, *_unit) for goal, _unit in _with_units(list(rows))}
    for standing in Standing.objects.filter(goal__in=goals, day__gte=now.date() - OLDEST_STANDING).order_by("day"):
        goals[standing.goal_id].standing = standing
    for pk, said in _open(goals, now).items():
        goals[pk].open += said
    found = {team.pk: Handover(team) for team in Team.objects.filter(pk__in=teams)}
    for one in sorted(goals.values(), key=_worst_first):
        found[one.goal.team_id].goals.append(one)
    for item in (
        TakenItem.objects.filter(team__in=teams, released_at=None).select_related("by", "metric").order_by("at")
    ):
        found[item.team_id].taken.append(item)
    for dispute in Dispute.objects.filter(team__in=teams, answered_at=None).select_related("metric"):
        found[dispute.team_id].disputes.append(dispute)
    for team, name in _led_before([handover.team for handover in found.values()]).items():
        found[team].led_by = name
    return found


def _with_units(goals: Sequence[Goal]) -> list[tuple[Goal, tuple[str, str]]]:
    """Each goal with the unit and the aggregation of the version it is judged by."""
    units: dict[int, tuple[str, str]] = {}
    terms = GoalTerms.objects.filter(goal__in=goals).order_by("effective_from")
    for goal, unit, aggregation in terms.values_list("goal_id", "metric_version__unit", "metric_version__aggregation"):
        units[goal] = unit, aggregation
    return [(goal, units.get(goal.pk, ("", ""))) for goal in goals]


def _worst_first(one: TakenOver) -> tuple[int, str, str]:
    status = Status(one.standing.status) if one.standing else Status.NO_DATA
    return WORST_FIRST[status], one.goal.program.key, one.goal.metric.key


def _open(goals: Mapping[int, TakenOver], now: datetime) -> dict[int, list[str]]:
    """Exemptions that count or will, requests and proposals that wait, and answers that stand, by goal."""
    found: dict[int, list[str]] = defaultdict(list)
    exemptions = Exemption.objects.filter(goal__in=goals, declined_at=None).order_by("from_day")
    for row in exemptions:
        state = row.state_on(today(goals[row.goal_id].goal.team.time_zone, now))
        if state == "in force":
            found[row.goal_id].append(f"exempt until {wording.day(row.last_day)}: {row.said_reason}")
        elif state == "to come":
            days = f"from {wording.day(row.from_day)} to {wording.day(row.last_day)}"
            found[row.goal_id].append(f"exempt {days}: {row.said_reason}")
        elif state == "waiting":
            found[row.goal_id].append(
                f"an exemption until {wording.day(row.until_day)} is asked for and waits for an answer"
            )
    for proposal in Proposal.objects.waiting().filter(goal__in=goals):
        one = goals[proposal.goal_id]
        terms = _proposed(proposal.target, proposal.due, one)
        found[proposal.goal_id].append(f"{terms} was proposed and waits for an answer")
    answers = Answer.objects.standing().filter(goal__in=goals, person__is_active=True)
    for made in answers.select_related("person", "whose_team", "needs").order_by("at", "pk"):
        day = today(goals[made.goal_id].goal.team.time_zone, now)
        if answering.is_of_late(made, day):
            found[made.goal_id].append(shortened(answer_words.told(made, day)))
    return found


def _proposed(target: float | None, due: date | None, one: TakenOver) -> str:
    level = "" if target is None else wording.value(target, one.unit, one.aggregation)
    day = "" if due is None else f"by {wording.day(due)}"
    return " ".join(part for part in (level, day) if part)


def _led_before(teams: Sequence[Team]) -> dict[int, str]:
    """Who ceased to lead each team last, as the log of changes has it; those who lead it still are passed over."""
    by_key = {team.key: team.pk for team in teams}
    rows = AuditRow.objects.filter(kind="membership", before__role=Membership.Role.LEAD).order_by("at", "pk")
    last: dict[int, str] = {}
    still = set(
        Membership.objects.filter(team__in=teams, role=Membership.Role.LEAD).values_list("team_id", "user__email")
    )
    for key in rows.values_list("key", flat=True):
        team, _, email = key.partition("/")
        if team in by_key and (by_key[team], email) not in still:
            last[by_key[team]] = email
    names = {user.email: str(user) for user in User.objects.filter(email__in=set(last.values()))}
    return {team: names.get(email, email) for team, email in last.items()}


def shortened(text: str) -> str:
    """Somebody's words in one line, cut where they are long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 1].rsplit(" ", 1)[0] + "…"
