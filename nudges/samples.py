"""What we send: each kind of message with the numbers that a team has today, changing nothing; and a test to oneself.

Numbers, items, playbook and people are the team's own. What a kind of message needs beyond that (that the goal is
overdue, that somebody was told before) is put on: the page says "as if".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import audit
from accounts.clock import today
from accounts.models import User
from program.models import MetricVersion, Playbook, Program, ProgramOwner
from program.rules.usefulness import Evidence, Finding
from teams import standings
from teams.models import Goal, Membership, Standing, Team

from . import digest, escalation, facts, handovers, notices, outbox, policy, restraint_mail, routes, trouble
from .kinds import Kind, Words
from .models import Delivery, Digest, Notice, Nudge, Restraint
from .outbox import Letter
from .words import fill

NAME = "test"
ACTS = re.compile(r"https?://[^\s\"'<>]*/(?:unsubscribe|answer|vote)/[^\s\"'<>]+")
"""Links that do something for their addressee: a sample has none."""
KIND = Kind(NAME, breaker=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """One kind of message: what it is called, when it is sent, and its words."""

    key: str
    title: str
    when: str
    words: Words


Facts = dict[str, Any]
OfProgram = Callable[[Program, User, datetime], Sequence[Sample]]
_of_programs: dict[tuple[str, ...], OfProgram] = {}


def register(keys: tuple[str, ...], source: OfProgram) -> None:
    """Add what a room above sends for a program, samples with these keys; call it from AppConfig.ready."""
    _of_programs[keys] = source


def of_team(program: Program, team: Team, reader: User, now: datetime, only: str = "") -> list[Sample]:
    """Every message about a team's goals in a program, as `reader` would get it if they led the team, and those that
    the program sends besides. The same number of queries however many goals there are; none where the team has no
    goal of it. With a key in `only` the others may be missing."""
    told = _facts(program, team, now)
    if not told:
        return []
    goal, worst = told[0]
    loaded = _loaded(program, [goal for goal, _ in told], reader, team, now)
    found = []
    for key, (title, when, change) in NUDGES.items():
        nudge = Nudge(goal=goal, facts=change(dict(worst), now))
        found.append(_sample(key, title, when, replace(loaded, nudges=[nudge]), program, now))
    for key, (title, when, change) in NOTICES.items():
        notice = Notice(kind=key, goal=goal, facts=change(dict(worst), now))
        found.append(_sample(key.replace(" ", "-"), title, when, replace(loaded, notices=[notice]), program, now))
    handed = Notice(kind=notices.HANDOVER, facts=handovers.facts_of(team, reader, now))
    title, when = "You lead this team now", "to somebody who begins to lead the team"
    found.append(_sample("handover", title, when, replace(loaded, notices=[handed]), program, now))
    found.append(_trouble(goal, program, reader, now))
    found.append(_restraint(program, reader, now))
    for keys, source in _of_programs.items():
        if not only or only in keys:
            found += source(program, reader, now)
    return found


def send(sample: Sample, program: Program, team: Team, reader: User, now: datetime) -> Delivery:
    """Send one to where its reader's digests go, marked as a test; it counts in no budget. Once a minute at most."""
    channel, address = routes.place(reader) if sample.words.card else (routes.EMAIL, reader.email)
    subject = f"[test] {sample.words.subject}"
    letter = Letter(
        NAME, f"{reader.pk}:{program.key}:{team.key}:{sample.key}:{now:%Y-%m-%dT%H:%M}", address, subject,
        text=f"This is a test.\n\n{sample.words.text}", html=sample.words.html, attachments=sample.words.attachments,
        person=reader, program=program, channel=channel,
        card=sample.words.card and sample.words.card | {"title": subject},
    )  # fmt: skip
    row = outbox.put(letter, now)
    audit.record("outbox", row.message_id, at=now, actor=reader, after={"test": sample.key, "team": team.key})
    return row


def _facts(program: Program, team: Team, now: datetime) -> list[tuple[Goal, Facts]]:
    """The team's goals with the facts of today, worst first."""
    rows = Goal.objects.filter(program=program, team=team, ended_on=None).select_related("metric", "team", "program")
    goals = {goal.pk: goal for goal in rows}
    judged = standings.on(Goal.objects.filter(pk__in=goals), today(team.time_zone, now))
    versions = MetricVersion.objects.in_bulk({one.on_day.metric_version for one in judged})
    leads = team.memberships.filter(role=Membership.Role.LEAD).select_related("user").order_by("user__email")
    lead, above = str(next((row.user for row in leads), "nobody")), team.parent.name if team.parent else "all teams"
    found = []
    for one in judged:
        goal, said = goals[one.on_day.goal], one.judgment
        standing = Standing(
            goal=goal, day=said.day, status=str(said.status), slipped=said.slipped, value=said.value, as_of=said.as_of,
            baseline=said.baseline, target=said.target, expected=said.expected, gap=said.gap, forecast=said.forecast,
            start=one.on_day.terms.start, due=one.on_day.terms.due, items_short=one.trail.items_short,
            trail=[standings.crumb_facts(crumb) for crumb in one.trail.crumbs],
        )  # fmt: skip
        told = facts.of_goal(goal, program, versions[one.on_day.metric_version], standing)
        told |= {"goals": len(goals), "short": 1, "since": None, "lead": lead, "above": above}
        told["because"] = {"leads": team.name, "team": team.name, "own": True}
        found.append((goal, told))
    found.sort(key=lambda pair: policy.worst_first(pair[1]["status"], _severity(pair[1]), pair[0].metric.key))
    return found


def _severity(told: Facts) -> float:
    return policy.severity(told["gap"], told["target"], told["baseline"])


def _loaded(program: Program, goals: Sequence[Goal], reader: User, team: Team, now: datetime) -> digest.Loaded:
    owner = ProgramOwner.objects.filter(program=program).select_related("user").order_by("pk").first()
    books = Playbook.objects.filter(metric__in=[goal.metric_id for goal in goals]).select_related("expert")
    day = today(team.time_zone, now)
    return digest.Loaded(
        digest=Digest(person=reader, day=day, time_zone=team.time_zone, next_day=day + timedelta(weeks=1)),
        person=reader,
        zone=team.time_zone,
        nudges=[],
        notices=[],
        playbooks={book.metric_id: book for book in books},
        owners={program.pk: owner.user} if owner else {},
    )


def _sample(key: str, title: str, when: str, loaded: digest.Loaded, program: Program, now: datetime) -> Sample:
    words = digest.compose(loaded, now, laid_out=True)
    instead = f"{settings.SITE_URL}{reverse('nudge-samples', args=[program.key])}"
    text, html = ACTS.sub(instead, words.text), ACTS.sub(instead, words.html)
    card = json.loads(ACTS.sub(instead, json.dumps(words.card, ensure_ascii=False)))
    return Sample(key, title, when, Words(words.subject, text, html, card=card))


def _trouble(goal: Goal, program: Program, reader: User, now: datetime) -> Sample:
    line = trouble.Line(
        f"{goal.metric.name} of {goal.team}: “this number is wrong”", "What the team said of it.",
        f"{settings.SITE_URL}/metrics/{goal.metric.key}/", program,
    )  # fmt: skip
    context = {"person": reader, "today": now.date(), "lines": [line], "more": 0, "programs": [program.name],
               "numbers": 1, "people": 0}  # fmt: skip
    words = Words(*fill(trouble.NAME, context))
    return Sample(
        "trouble", "Numbers in doubt", "to the owners, once, when a feed fails or a number is disputed", words
    )


def _restraint(program: Program, reader: User, now: datetime) -> Sample:
    seen = {"found": Finding.LITTLE_USE, **asdict(Evidence(votes=14, useful=4))}
    row = Restraint(program=program, tone="still", state=Restraint.State.SLOWED, since=now.date(), evidence=seen)
    when = "to the owners, when a kind of nudge is of little use or ignored by most"
    return Sample("restraint", "Nudges slow down", when, restraint_mail.compose(row, reader, now))


def _short(told: Facts, status: str) -> Facts:
    """As if it were short: by what it is short of its path, or by all that is missing to the target."""
    value, target, expected = told["value"], told["target"], told["expected"]
    level = target if status == "overdue" or not told["gap"] else expected
    gap = abs(level - value) if level is not None and value is not None else told["gap"]
    return told | {"status": status, "slipped": False, "gap": gap}


def _behind(told: Facts, _now: datetime) -> Facts:
    return _short(told, "behind")


def _still(told: Facts, now: datetime) -> Facts:
    before = (now - timedelta(weeks=2)).date().isoformat()
    change = {"value": told["value"], "change": 0.0, "new_items": [], "gone_items": []}
    return _short(told, "behind") | {"since": {"day": before, "status": "behind", "as_of": None, **change}}


def _slipped(told: Facts, _now: datetime) -> Facts:
    return _short(told, "behind") | {"slipped": True}


def _at_risk(told: Facts, _now: datetime) -> Facts:
    return _short(told, "at risk") | {"forecast": told["due"]}


def _overdue(told: Facts, now: datetime) -> Facts:
    return _short(told, "overdue") | {"due": (now - timedelta(days=7)).date().isoformat()}


def _as_it_is(told: Facts, _now: datetime) -> Facts:
    return told


def _on_track(told: Facts, _now: datetime) -> Facts:
    return told | {"status": "on track", "slipped": False, "value": told["expected"]}


def _rests(told: Facts, now: datetime) -> Facts:
    last = (now + timedelta(days=14)).date().isoformat()
    return told | {"exempt_until": last, "exempt_why": "the reason that was given"}


def _day_came(told: Facts, now: datetime) -> Facts:
    said = {"by": "", "own": True, "kind": "on it", "text": "", "until": now.date().isoformat()}
    return _short(told, "behind") | {"answered": said | {"day": (now - timedelta(days=14)).date().isoformat()}}


def _taken(told: Facts, now: datetime) -> Facts:
    crumb = told["trail"][0] if told["trail"] else {"item": "", "contribution": None}
    since = (now - timedelta(weeks=4)).date().isoformat()
    why = {"took": crumb["item"], "team": told["team_name"], "own": False}
    took = {"item": crumb["item"], "since": since, "size": crumb["contribution"]}
    return _short(told, "behind") | {"took": took, "because": why}


def _from_below(told: Facts, now: datetime) -> Facts:
    on = now.date() + escalation.TO_THE_BRIEF
    brief = {"on": on.isoformat(), "review": (on + timedelta(days=8)).isoformat()}
    why = {"leads": told["above"], "team": told["team_name"], "own": False, "hears": True}
    lead = {"lead": told["lead"], "lead_own": True, "times": policy.ESCALATES_AFTER, "off_days": 49}
    return _short(told, "behind") | lead | {"because": why, "brief": brief}


Change = Callable[[Facts, datetime], Facts]
NUDGES: Mapping[str, tuple[str, str, Change]] = {
    "behind": ("Fell behind", "the first message about a goal that is behind", _behind),
    "still": ("Still behind", "after 1, 2, 4, 8 weeks without a recovery", _still),
    "slipped": ("Slipped back", "when it was on its path at the measurement before", _slipped),
    "at-risk": ("At risk", "behind its path, at a pace that still gets there in time", _at_risk),
    "overdue": ("Overdue", "when the due day is over", _overdue),
}
NOTICES: Mapping[str, tuple[str, str, Change]] = {
    notices.ANSWER_DUE: ("The day of your answer", "once, in the first digest from the promised day on", _day_came),
    notices.TAKEN: ("An item you took", "once, four weeks after somebody took an item of a goal that is short", _taken),
    notices.NEW_GOAL: ("A new goal", "once, before any nudge about it", _as_it_is),
    notices.BACK_ON_THE_PATH: ("Back on the path", "once, after a nudge about it", _on_track),
    notices.EXEMPTION_ENDING: ("An exemption ends", "two weeks ahead", _rests),
    notices.ESCALATED: ("Heard from below", "to the leader above, a turn after the third nudge in a row", _from_below),
}
