"""A replay of half a year says what planning, run day by day over the same half year, really told whom."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.models import User
from nudges import delivery, planning
from nudges.models import Digest, Mute, Nudge
from nudges.replay import WEEKS, replay
from program.feeds.registry import KINDS
from program.models import GoalRule, Program
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Run
from teams.preview import begun_earlier, preview
from teams.standings import judge_due
from teams.tracks import ground
from tests.people import HEADER, ORG, TYPING, settle

pytestmark = pytest.mark.django_db

BEGAN = date(2026, 3, 2)
TODAY = BEGAN + timedelta(weeks=WEEKS)
AFTER_GOLDEN_WEEK = date(2026, 5, 7)
MORE = """
kind: Group
metadata: {name: tokyo, annotations: {technical-quality/lead: taro, technical-quality/time-zone: Asia/Tokyo}}
spec: {parent: engineering}
---
kind: Group
metadata: {name: york, annotations: {technical-quality/lead: wanda, technical-quality/time-zone: America/New_York}}
spec: {parent: engineering}
---
kind: Group
metadata: {name: orphans}
spec: {parent: engineering}
---
kind: Group
metadata: {name: silent}
spec: {parent: engineering}
---
kind: User
metadata: {name: taro}
spec: {profile: {email: taro@example.com, displayName: Taro}}
---
kind: User
metadata: {name: wanda}
spec: {profile: {email: wanda@example.com, displayName: Wanda}}
"""
TEAMS = ("api", "web", "tokyo", "york", "orphans", "silent")


def program_text(nudges: str, milestones: str = "") -> str:
    head, _, _ = TYPING.partition("goals:")
    return f"""{head}goals:
  - metric: typed-functions
    teams: all
    start: {BEGAN}
    due: {BEGAN + timedelta(days=300)}
    improve_by: 60%
    tolerance: 0.02
    {milestones}
nudges: {nudges}
"""


def observations(chance: random.Random) -> dict[date, str]:
    """By day, what is measured on it: each team on days of its own, mostly rising, now and then falling back."""
    found: dict[date, str] = {}
    for place, team in enumerate(TEAMS[:-1]):
        day, value = BEGAN - timedelta(days=40 - place), 20 + 5 * place
        while day < TODAY:
            value = max(0, min(100, value + chance.choice([-12, 0, 0, 1, 2, 5, 9])))
            found[day] = found.get(day, "") + f"typed-functions,{team},a.py,{day},{value},100\n"
            day += timedelta(days=chance.choice([5, 7, 9, 30]) if team != "york" else 7)
    return found


def live_through(waiting: dict[date, str]) -> None:
    """Half a year, day by day: what is measured arrives, is judged and, when turns open, is told."""
    for day in sorted(day for day in waiting if day < BEGAN):
        take(day, waiting[day])
    for n in range(WEEKS * 7):
        day = BEGAN + timedelta(days=n)
        if day in waiting:
            take(day, waiting[day])
        judge_due(datetime.combine(day, time(), UTC))
        # Nine o'clock in Tokyo, in Riga in summer and in winter, in UTC, and in New York, where a turn opens.
        for hour in (0, 6, 7, 9, 13, 14) if day.weekday() < 2 or day == AFTER_GOLDEN_WEEK else ():
            now = datetime.combine(day, time(hour), UTC)
            judge_due(now)
            planning.plan(now)
            while delivery.deliver_batch(now).more:
                pass


def take(day: date, rows: str) -> None:
    at = datetime.combine(day, time(), UTC)
    ingest((HEADER + rows).encode(), Origin(Run.Kind.FILE, "test", KINDS["csv"]), at)


WAYS = {
    "each Monday": "{every: 1 week, weekday: monday, hour: 9}",
    "each second Saturday, which waits for Monday": "{every: 2 weeks, weekday: saturday, hour: 20}",
    "by way of a milestone that turns back": "{every: 1 week, weekday: tuesday, hour: 9}",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_replay_is_what_was_told(way, mail_server):
    made_at = datetime.combine(BEGAN, time(), UTC)
    turns_back = "milestones: {2026-05-01: 0.6, 2026-06-15: 0.3}" if "milestone" in way else ""
    world = settle(program_text(WAYS[way], turns_back), made_at)
    apply_text(MORE, now=made_at, via="test")
    for email, country in (("taro@example.com", "JP"), ("wanda@example.com", "US")):
        User.objects.filter(email=email).update(country=country)
    Mute.objects.create(person=world.alice, program=world.program, created_at=made_at, via="test")
    live_through(observations(random.Random(7)))

    rule = GoalRule.objects.get()
    # The same line, were it to begin today.
    later = TODAY - BEGAN
    milestones = [[(date.fromisoformat(day) + later).isoformat(), value] for day, value in rule.milestones]
    rule.start, rule.due, rule.milestones = TODAY, rule.due + later, milestones
    now = datetime.combine(TODAY, time(), UTC)
    shown = preview(Program.objects.get(), rule, ground(world.typed.versions.get()), now)
    begun = begun_earlier(shown, BEGAN, TODAY)
    if turns_back:  # milestones are values, and a replay takes them as shares of the way: give both the same
        for line in shown.lines:
            if line.team.pk in begun.goals:
                levels = begun.goals[line.team.pk].levels
                object.__setattr__(begun.goals[line.team.pk], "levels", [levels[0], 0.6, 0.3, levels[-1]])
    found = replay(Program.objects.get(), begun, now)

    digests = Digest.objects.filter(delivery__isnull=False)
    mails = Counter(digests.values_list("person__email", flat=True))
    nudges = Counter(Nudge.objects.said().values_list("person__email", flat=True))
    assert {one.person.email: one.mails for one in found.people if one.mails} == mails
    assert {one.person.email: one.nudges for one in found.people if one.nudges} == nudges
    assert sum(nudges.values()) > 12
    assert "alice@example.com" not in mails
    weeks = Counter(day - timedelta(days=day.weekday()) for day in digests.values_list("day", flat=True))
    assert {week.monday: week.mails for week in found.weeks if week.mails} == weeks
    said = Counter(day - timedelta(days=day.weekday()) for day in Nudge.objects.said().values_list("day", flat=True))
    assert {week.monday: week.nudges for week in found.weeks if week.nudges} == said


def test_a_world_in_which_nobody_leads_tells_nobody(mail_server):
    made_at = datetime.combine(BEGAN, time(), UTC)
    world = settle(program_text(WAYS["each Monday"]), made_at)
    apply_text(ORG.replace("technical-quality/lead", "technical-quality/other"), now=made_at, via="test")
    world.api.memberships.all().delete()
    for day, rows in observations(random.Random(7)).items():
        if "api" in rows:
            take(day, "".join(line + "\n" for line in rows.splitlines() if ",api," in line))
    now = datetime.combine(TODAY, time(), UTC)
    shown = preview(world.program, GoalRule.objects.get(), ground(world.typed.versions.get()), now)
    for team in (world.web, world.engineering):
        team.memberships.all().delete()
    found = replay(world.program, begun_earlier(shown, BEGAN, TODAY), now)
    assert (found.mails, found.nudges, found.people, found.nobody) == (0, 0, [], 1)
