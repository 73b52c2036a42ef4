"""What followed from a review: what the teams that an ask was to help did since, what was decided, and in one line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count

from accounts.clock import today
from program import wording as say
from program.models import MetricVersion
from program.rules.numbers import equal, reached
from program.rules.series import SourceReadings, value_on
from program.rules.status import FINE, SHORT, Status, judge
from teams.models import Goal, GoalQuerySet
from teams.series import Histories, load
from teams.terms import GoalOnDay, in_force

from .models import Ask, Decision, Review

NAMED_AT_MOST = 4
NEAR = timedelta(days=90)
"""So far back a series is read without reading all of it (teams/series.py)."""


@dataclass(frozen=True)
class Since:
    """One goal: its value when the ask was raised and now, by one version of its metric, and where it stands."""

    goal: Goal
    version: MetricVersion
    then: float | None
    now: float | None
    measured: bool
    """by a snapshot of a later day than that on which it was raised"""
    was: Status
    status: Status

    def said(self, name_the_metric: bool) -> str:
        """In words."""
        who = f"{self.goal.team.name} ({self.goal.metric.name})" if name_the_metric else self.goal.team.name
        if not self.measured:
            return f"{who} was not measured since"
        if self.then is None or self.now is None:
            return f"{who} has no number of the same kind to compare with"
        unit, aggregation = self.version.unit, self.version.aggregation
        if equal(self.then, self.now):
            return f"{who} is at {say.value(self.now, unit, aggregation)}, as it was{self._place()}"
        before, after = say.apart(self.then, self.now, unit, aggregation)
        worse = "" if reached(self.now, self.then, self.version.direction == "up") else ", which is worse"
        return f"{who} went from {before} to {after} since{worse}{self._place()}"

    @property
    def moved(self) -> str:
        """Better, unchanged or worse; empty where nothing compares."""
        if self.then is None or self.now is None:
            return ""
        if equal(self.then, self.now):
            return "unchanged"
        return "better" if reached(self.now, self.then, self.version.direction == "up") else "worse"

    def _place(self) -> str:
        if self.status == Status.MET and self.was != Status.MET:
            return ", and has reached its target"
        if self.status in FINE and self.was in SHORT:
            return ", and is back on its path"
        if self.status in SHORT and self.was in FINE:
            return ", and is off its path now"
        if self.status not in SHORT or self.was not in SHORT:
            return ""
        return f", and is {self.status} {'still' if self.status == self.was else 'now'}"


def effects(asks: Sequence[Ask], now: datetime, seen: GoalQuerySet | None = None) -> dict[int, str]:
    """By ask (id): what the goals it was to help did since it was raised (of those that are `seen`, if that is given).

    Five queries, however many asks; none where no ask names a goal. An ask without a goal is not in it.
    """
    links = Ask.goals.through.objects.filter(ask__in=[ask.pk for ask in asks]).order_by()
    of_ask: dict[int, list[int]] = defaultdict(list)
    for ask, goal in links.values_list("ask_id", "goal_id"):
        of_ask[ask].append(goal)
    wanted = sorted({goal for goals in of_ask.values() for goal in goals})
    if not wanted:
        return {}
    rows = (Goal.objects.all() if seen is None else seen).filter(pk__in=wanted)
    goals = {goal.pk: goal for goal in rows.select_related("team", "metric")}
    in_words = {}
    raised = {ask.pk: ask.raised_at for ask in asks}
    days = {one.goal: one for one in in_force(sorted(goals), lambda zone: today(zone, now))}
    versions = MetricVersion.objects.in_bulk({one.metric_version for one in days.values()})
    histories = _histories(days, of_ask, raised)
    for ask, its in of_ask.items():
        found = []
        for pk in its:
            if pk in days:
                its_goal, on_day = goals[pk], days[pk]
                sources = [history.readings for history in histories.get(on_day.pair, ())]
                day = today(its_goal.team.time_zone, raised[ask])
                found.append(_since(its_goal, on_day, versions[on_day.metric_version], sources, day))
        in_words[ask] = sentence(found)
    return {ask: said for ask, said in in_words.items() if said}


def _histories(
    days: Mapping[int, GoalOnDay], of_ask: Mapping[int, Sequence[int]], raised: Mapping[int, datetime]
) -> Histories:
    """The series of these goals: all of each whose ask is older than what is read of one otherwise."""
    old = set()
    for ask, goals in of_ask.items():
        for goal in goals:
            on_day = days.get(goal)
            if on_day is not None and (
                on_day.terms.baseline is None or raised[ask].date() - timedelta(days=1) < on_day.day - NEAR
            ):
                old.add(on_day.pair)
    return load({one.pair: one.day for one in days.values()}, whole=old)


def _since(
    goal: Goal, on_day: GoalOnDay, version: MetricVersion, sources: Sequence[SourceReadings], raised: date
) -> Since:
    terms = on_day.terms
    return Since(
        goal=goal,
        version=version,
        then=value_on(version.aggregation, sources, raised).value,
        now=value_on(version.aggregation, sources, on_day.day).value,
        measured=any(raised < one.as_of <= on_day.day for source in sources for one in source.readings),
        was=judge(terms, sources, raised).status,
        status=judge(terms, sources, on_day.day).status,
    )


def sentence(found: Sequence[Since]) -> str:
    """The goals of one ask in a sentence, those that were measured first; many are counted; empty for none."""
    if not found:
        return ""
    if len(found) > NAMED_AT_MOST:
        return _counted(found)
    metrics = {one.goal.metric_id for one in found}
    ordered = sorted(found, key=lambda one: (not one.measured, one.goal.team.name, one.goal.metric.name))
    return f"{'; '.join(one.said(len(metrics) > 1) for one in ordered)}."


def _counted(found: Sequence[Since]) -> str:
    """ "Of 40 goals 38 were measured since: 30 better, 5 unchanged, 3 worse. 12 are back on their path."."""
    moved = Counter(one.moved for one in found if one.measured)
    moved.pop("", None)
    known = moved.total()
    said = f"Of {say.count(len(found), 'goal')} {known or 'none'} {'was' if known <= 1 else 'were'} measured since"
    if known:
        said += f": {', '.join(f'{moved[word]} {word}' for word in ('better', 'unchanged', 'worse') if moved[word])}"
    back = sum(one.status in FINE and one.was in SHORT for one in found if one.measured)
    if back:
        said += f". {back} {'is' if back == 1 else 'are'} back on {'its' if back == 1 else 'their'} path"
    return f"{said}."


def decided(review: Review, others: Iterable[Review]) -> list[str]:
    """What the review held before this one, of `others` of its program, the newest first, decided; what was struck left
    out. One query, none where no review was held."""
    held = (one for one in others if one.state == Review.State.HELD and one.starts_at < review.starts_at)
    last = next(held, None)
    rows = Decision.objects.filter(review=last, struck_at=None) if last else Decision.objects.none()
    return list(rows.order_by("pk").values_list("text", flat=True))


def in_one_line(reviews: Collection[int]) -> Mapping[int, str]:
    """By review (id): "2 decisions, 3 asks: 2 kept, 1 missed"; those without any are not in it. Two queries."""
    decisions = Decision.objects.filter(review__in=reviews, struck_at=None).order_by().values_list("review_id")
    many: dict[int, int] = dict(decisions.annotate(Count("pk")))
    states: dict[int, Counter[str]] = defaultdict(Counter)
    asks = Ask.objects.filter(review__in=reviews).order_by().values_list("review_id", "state")
    for review, state, number in asks.annotate(Count("pk")):
        states[review][state] = number
    return {review: _line(many.get(review, 0), states[review]) for review in {*many, *states}}


def _line(decisions: int, asks: Counter[str]) -> str:
    parts = [say.count(decisions, "decision")] if decisions else []
    if asks:
        became = ", ".join(f"{asks[state]} {state}" for state in Ask.State.values if asks[state])
        parts.append(f"{say.count(asks.total(), 'ask')}: {became}")
    return ", ".join(parts)
