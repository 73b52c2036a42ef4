"""What receivers answered, for the owners of a program: counts, votes, and what they have to settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q
from django.urls import reverse

from nudges.models import Mute, Vote
from program import wording
from program.models import Program
from teams import answer_words
from teams.models import Answer, Dispute, Goal

SHOWN = 30
NAMES = {
    Answer.Kind.ON_IT: "on it", Answer.Kind.BLOCKED: "blocked", Answer.Kind.DONE: "done",
    Answer.Kind.NOT_MINE: "not mine",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing to settle: of which goal, in words, its day, and where."""

    day: date
    goal: str
    said: str
    address: str


@dataclass(frozen=True)
class AnswersTold:
    """`sentence` says how many answers and votes there were; the lists are what stands open."""

    sentence: str
    not_mine: Sequence[Line]
    wrong: Sequence[Line]
    blocked: Sequence[Line]


def answers_told(program: Program, since: datetime, today: date) -> AnswersTold:
    """What was answered of a program since a moment, and what stands. Five queries."""
    mine = Answer.objects.filter(goal__program=program, goal__ended_on=None)
    by_kind = dict(mine.filter(at__gte=since).order_by().values_list("kind").annotate(Count("pk")))
    muted = Mute.objects.filter(goal__program=program, created_at__gte=since).count()
    votes = Vote.objects.filter(digest__nudges__goal__program=program, at__gte=since)
    counted = votes.aggregate(
        every=Count("pk", distinct=True), useful=Count("pk", distinct=True, filter=Q(useful=True))
    )
    standing = mine.standing().filter(kind__in=(Answer.Kind.NOT_MINE, Answer.Kind.BLOCKED), person__is_active=True)
    with_goal = standing.select_related("person", "whose_team", "needs", "goal__team", "goal__metric", "goal__program")
    lines: dict[str, list[Line]] = {str(kind): [] for kind in NAMES}
    for one in with_goal.exclude(until__lt=today)[: 2 * SHOWN]:
        where = f"{_page(one.goal)}#answers"
        lines[one.kind].append(Line(one.at.date(), _called(one.goal), answer_words.told(one, today), where))
    return AnswersTold(
        sentence=_sentence(by_kind, muted, counted["every"], counted["useful"]),
        not_mine=lines[Answer.Kind.NOT_MINE][:SHOWN],
        wrong=_wrong(program),
        blocked=lines[Answer.Kind.BLOCKED][:SHOWN],
    )


def _wrong(program: Program) -> list[Line]:
    """Open disputes of the teams' numbers that the program has goals on."""
    goals = Goal.objects.filter(program=program, ended_on=None)
    rows = Dispute.objects.filter(answered_at=None, metric__goals__in=goals, team__goals__in=goals).distinct()
    return [
        Line(
            one.opened_at.date(), f"{one.team.name}, {one.metric.name}", f"{one.opened_by or 'Somebody'}: “{one.text}”",
            f"{reverse('metric', args=[one.metric.key])}#disputes",
        )
        for one in rows.select_related("metric", "team", "opened_by")[:SHOWN]
    ]  # fmt: skip


def _sentence(by_kind: dict[str, int], muted: int, votes: int, useful: int) -> str:
    every = sum(by_kind.values())
    parts = [f"{by_kind[kind]} {name}" for kind, name in NAMES.items() if kind in by_kind]
    said = f"{wording.count(every, 'answer')}: {wording.listed(parts)}." if every else "Nobody answered yet."
    if muted:
        said += f" {wording.count(muted, 'goal')} muted."
    if votes:
        said += f" {useful} of {wording.count(votes, 'vote')} useful."
    return said


def _called(goal: Goal) -> str:
    return f"{goal.team.name}, {goal.metric.name}"


def _page(goal: Goal) -> str:
    return reverse("goal", args=[goal.team.key, goal.program.key, goal.metric.key])
