"""Answering for a goal: the choices as a page shows them, what stands of a person, and what a sent form does.

The page behind a mail's link and the goal's own page offer the same and keep the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from accounts.clock import today
from accounts.models import User
from nudges import wishes
from nudges.answer_links import CHOICES
from nudges.people import Org
from program.models import Program, ProgramOwner
from teams import answer_words, answering, trust, typed
from teams.goal_facts import GoalFacts, goals_on
from teams.models import Answer, Dispute, Goal, Team
from teams.typed import Unfit

FIELDS = ("do", "until", "text", "whose", "needs")
LONGEST_SHOWN = 4000
USUAL = timedelta(weeks=2)
"""How far ahead a day is suggested."""
KINDS = {
    "on-it": Answer.Kind.ON_IT, "blocked": Answer.Kind.BLOCKED, "done": Answer.Kind.DONE,
    "not-mine": Answer.Kind.NOT_MINE,
}  # fmt: skip
BACK = {"answer": "take-back", "dispute": "right-after-all", "mute": "unmute"}


@dataclass(frozen=True)
class Stands:
    """Something that a person said about the goal and that stands: in words, what it does, how to take it back."""

    said: str
    does: str
    back: str
    pk: int


@dataclass(frozen=True)
class Replies:
    """The choices of one person for one goal. `chosen` is the one that is open, `problem` why a form was refused."""

    stands: Sequence[Stands]
    chosen: str
    first: date
    last: date
    usual: date
    needs: Sequence[tuple[int, str]]
    may_dispute: bool
    muted: bool
    problem: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


def replies(
    goal: Goal, person: User, facts: GoalFacts | None, now: datetime, *, chosen: str = "", problem: str = "",
    sent: Mapping[str, str] | None = None,
) -> Replies:  # fmt: skip
    """What a person may answer for a goal, and what stands. Eight queries."""
    first, last = answering.first_day(goal, now), answering.last_day(goal, now)
    stands = _stands(goal, person, today(goal.team.time_zone, now))
    return Replies(
        stands=stands,
        chosen=chosen,
        first=first,
        last=last,
        usual=min(first + USUAL - timedelta(days=1), last),
        needs=[(one.pk, str(one)) for one in _who_could_help(goal)],
        may_dispute=facts is not None and facts.value is not None,
        muted=any(one.back == BACK["mute"] for one in stands),
        problem=problem,
        typed=sent or {},
    )


def facts_of(goal: Goal, now: datetime) -> GoalFacts | None:
    """Where the goal stands today."""
    present = today(goal.team.time_zone, now)
    return next(iter(goals_on(goal.team, present, present, Goal.objects.filter(pk=goal.pk))), None)


def act(goal: Goal, person: User, read: Mapping[str, str], now: datetime, *, via: str) -> str:
    """Do what a sent form says. Returns what it does, in a sentence. Raises Unfit."""
    do = read.get("do", "")
    if do in KINDS:
        return _answer(goal, KINDS[do], person, read, now, via)
    if do == "wrong":
        return _dispute(goal, person, read, now, via)
    if do == "mute":
        wishes.mute(goal, person, now, via)
        return MUTED
    if do == BACK["answer"]:
        made = goal.answers.standing().filter(person=person).select_related("goal__program").first()
        if made is not None:
            answering.take_back(made, by=person, now=now, via=via)
        return "Taken back: mail about this goal comes as before."
    if do == BACK["dispute"]:
        for open_now in _disputes(goal, person):
            trust.withdraw(open_now, by=person, now=now)
        return "Taken back: the number counts as before."
    if do == BACK["mute"]:
        wishes.unmute(goal, person, now, via)
        return "Mail about this goal comes again."
    raise Unfit(f"One of {', '.join([*CHOICES, *BACK.values()])} was expected.")


def sent(read: Mapping[str, str]) -> dict[str, str]:
    """What was typed, to be shown again."""
    return {name: read.get(name, "")[:LONGEST_SHOWN].replace("\0", "") for name in FIELDS}


MUTED = "You get no more mail about this goal. It stays on the scorecard, and other goals are told as before."


def _answer(goal: Goal, kind: str, person: User, read: Mapping[str, str], now: datetime, via: str) -> str:
    words = read.get("text", "")
    whose, named = _team(read.get("whose", ""), person) if kind == Answer.Kind.NOT_MINE else (None, "")
    if named:
        words = f"{named}: {words}".rstrip(": ")
    made = answering.answer(
        goal, kind, by=person, now=now, via=via, until=typed.day(read.get("until", ""), "day"), words=words,
        whose_team=whose, needs=_person(read.get("needs", ""), goal),
    )  # fmt: skip
    return answer_words.does(made, today(goal.team.time_zone, now))


def _dispute(goal: Goal, person: User, read: Mapping[str, str], now: datetime, via: str) -> str:
    words = typed.text(read.get("text", ""), "what is wrong with the number, so that its owner can look")
    facts = facts_of(goal, now)
    if facts is None or facts.value is None:
        raise Unfit("There is no number yet that could be wrong.")
    trust.dispute(goal.metric, goal.team, text=words, by=person, now=now, value=facts.value, as_of=facts.as_of, via=via)
    return DISPUTED


DISPUTED = "Nobody is nudged about this number until its owner has looked and answered."


def _stands(goal: Goal, person: User, present: date) -> list[Stands]:
    made = goal.answers.standing().filter(person=person).select_related("whose_team", "needs").first()
    found = []
    if made is not None:
        said = answer_words.said(made, present)
        found.append(Stands(said, answer_words.does(made, present), BACK["answer"], made.pk))
    for open_now in _disputes(goal, person):
        found.append(Stands(f"this number is wrong: “{open_now.text}”", DISPUTED, BACK["dispute"], open_now.pk))
    if wishes.muted(goal, person):
        found.append(Stands("no more mail about this goal", MUTED, BACK["mute"], goal.pk))
    return found


def _disputes(goal: Goal, person: User) -> list[Dispute]:
    rows = Dispute.objects.filter(metric=goal.metric_id, team=goal.team_id, opened_by=person, answered_at=None)
    return list(rows.select_related("metric", "team"))


def _who_could_help(goal: Goal) -> list[User]:
    """Whose priority a blocked goal may need: who leads above the team, the sponsor, the owners."""
    found: dict[int, User] = {}
    leader, _ = Org.read().leader_above(goal.team_id)
    owners = ProgramOwner.objects.filter(program=goal.program_id, user__is_active=True).select_related("user")
    for one in (leader, goal.program.sponsor, *(owner.user for owner in owners)):
        if one is not None and one.is_active:
            found.setdefault(one.pk, one)
    return list(found.values())


def _person(text: str, goal: Goal) -> User | None:
    if not text:
        return None
    found = next((one for one in _who_could_help(goal) if str(one.pk) == text), None)
    if found is None:
        raise Unfit("One of the people in the list was expected; somebody else is named in the words.")
    return found


def _team(text: str, person: User) -> tuple[Team | None, str]:
    """The team that is named, and what was typed, which the words keep: whether there is such a team is not told."""
    said = typed.text(text, "a team's name", required=False)[:200]
    if not said:
        return None, ""
    teams = Team.objects.visible_to(person).leaves()
    found = teams.filter(key__iexact=said).first() or teams.filter(name__iexact=said).first()
    return found, said


def is_live(goal: Goal) -> bool:
    """Whether there is anything to answer."""
    return goal.ended_on is None and goal.program.state in Program.ON_SCORECARDS
