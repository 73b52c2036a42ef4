"""The steps of a program's life, from going live to its end, each with what it would mean before it is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.clock import now, today
from accounts.models import User
from nudges.ahead import first_mails
from program import readiness, wording
from program.models import Program
from program.typed_in import TypedIn
from reviews import farewell, ledger, verdict_words
from reviews.farewell import Preview
from reviews.models import Effect, Review, holding
from teams import guards, lifecycle
from teams.guards import Gains
from teams.models import Goal
from web import access, desk_words
from web.render import page

VIA = "page"
TITLES = {
    "go-live": "Go live",
    "pause": "Pause",
    "resume": "Go on",
    "complete": "Complete",
    "cancel": "Cancel",
}
DONE = {
    "go-live": "{name} is live.",
    "pause": "{name} is paused: nobody is nudged about it.",
    "resume": "{name} goes on.",
    "complete": "{name} is completed.",
    "cancel": "{name} is canceled.",
}


@dataclass
class Context:
    """One step: what it would mean, what it lacks, and the words it asks for."""

    template: ClassVar[str] = "pages/desk-step.html"
    here: ClassVar[str] = "programs"
    program: Program
    step: str
    title: str
    fits: bool
    lacks: Sequence[str]
    said: Sequence[str]
    gains: Gains | None
    heard: Preview | None
    """who would hear of it and what they would read; None where it is no end"""
    numbers: Sequence[str]
    """what its end rests on: whether it worked, and what it cost"""
    goals: Sequence[str]
    values: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, key: str, step: str) -> HttpResponse:
    """Look at a step, or take it."""
    found = access.desk_program(request, key)
    moment, user, typed = now(), access.person(request), access.typed(request)
    if request.method != "POST":
        return page(request, _context(found, step, moment, typed))
    words = {name: typed.text(name, most=lifecycle.LONGEST) for name in ("why", "learned")}
    problem = ""
    if not typed.faults:
        try:
            made = _take(found, step, words, guard=bool(typed["guard"]), moment=moment, user=user)
        except lifecycle.Refused as refused:
            problem = str(refused)
        else:
            messages.info(request, DONE[step].format(name=found.name) + (f" {made.name} stands guard." if made else ""))
            return redirect("desk", found.key)
    found.refresh_from_db()
    return page(request, _context(found, step, moment, typed, problem), status=400)


def _take(
    found: Program, step: str, words: Mapping[str, str], *, guard: bool, moment: datetime, user: User
) -> Program | None:
    """Take the step. Gives the standing guard where one was made."""
    if step == "complete":
        return lifecycle.complete(found, words["learned"], guard=guard, now=moment, by=user, via=VIA)
    if step == "go-live":
        lifecycle.go_live(found, now=moment, by=user, via=VIA)
    elif step == "pause":
        lifecycle.pause(found, words["why"], now=moment, by=user, via=VIA)
    elif step == "resume":
        lifecycle.resume(found, words["why"], now=moment, by=user, via=VIA)
    else:
        return lifecycle.cancel(found, words["why"], words["learned"], guard=guard, now=moment, by=user, via=VIA)
    return None


def _context(found: Program, step: str, moment: datetime, typed: TypedIn, problem: str = "") -> Context:
    day = today(found.review_zone, moment)
    fits = found.state in lifecycle.FROM[step]
    going = step == "go-live" and fits
    ending = step in ("complete", "cancel") and fits
    gains = guards.gains(found, moment) if ending else None
    return Context(
        program=found,
        step=step,
        title=TITLES[step],
        fits=fits,
        lacks=readiness.needed(found, readiness.read([found])[found.pk], day) if going else [],
        said=_said(found, step, moment, gains) if fits else [],
        gains=gains,
        heard=farewell.preview(found, moment) if ending else None,
        numbers=_numbers(found, day) if ending else [],
        goals=[_line(line) for line in gains.lines] if gains else [],
        values={name: typed[name] for name in ("why", "learned", "guard")},
        faults=typed.faults,
        problem=problem,
    )


def _said(found: Program, step: str, moment: datetime, gains: Gains | None) -> list[str]:
    """What the step would mean."""
    day = today(found.review_zone, moment)
    if step == "go-live":
        outlook = lifecycle.outlook(found, moment)
        return desk_words.going_live(outlook, first_mails(found, outlook.teams, moment), day)
    teams = set(Goal.objects.filter(program=found, ended_on=None).order_by().values_list("team_id", flat=True))
    goals = Goal.objects.filter(program=found, ended_on=None).count()
    waiting = found.waiting.count()
    of_teams = f"{wording.count(goals, 'goal')} of {wording.count(len(teams), 'team')}"
    if step == "pause":
        return [
            f"{of_teams} stay on their scorecards and go on being judged.",
            "Nobody is nudged about them until it goes on, and no wave opens meanwhile.",
            "Teams keep their places: a paused program counts as one of theirs.",
            _review(found, moment),
        ]
    if step == "resume":
        mails = desk_words.first_mails(first_mails(found, teams, moment, fresh=False), day)
        return ["Nudges go on where something needs somebody.", *mails]
    said = [f"{of_teams} leave their scorecards{_how(gains)}. What was judged and said stays on record."]
    if waiting:
        said.append(f"{wording.count(waiting, 'team')} would wait no more.")
    said += ["Reviews to come are taken out of the calendar.", "Its metrics and feeds go on, for whoever uses them."]
    return said


def _numbers(found: Program, day: date) -> list[str]:
    """The verdict and the cost, for whoever writes down what was learned."""
    worked = verdict_words.program_sentence(list(holding(Effect, found, day)), day)
    return [worked, *ledger.sentences(ledger.of_program(found, day))]


def _how(gains: Gains | None) -> str:
    return f": {gains.met} met, {gains.goals - gains.met} not" if gains and gains.goals else ""


def _review(found: Program, moment: datetime) -> str:
    coming = Review.objects.to_come(moment).filter(program=found).first()
    if coming is None:
        return "No review is in the calendar."
    return f"The review on {wording.weekday(coming.local_start.date())} stays in the calendar; no further one is added."


def _line(line: guards.Reached) -> str:
    version = line.metric.versions.get(current=True)
    value = wording.value(line.target, version.unit, version.aggregation)
    return f"{line.metric.name} at {value}: {wording.count(len(line.teams), 'team')}"
