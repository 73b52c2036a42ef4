"""A world in which alice's team api is behind, with a mail server to receive what is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from drills.mail_server import MailServer
from nudges import delivery, planning
from nudges.models import Delivery, Digest, Notice, Nudge
from program.feeds.registry import KINDS
from teams.ingest import Origin, ingest
from teams.models import Run
from teams.standings import judge_due
from tests.people import HEADER, TYPING, World, settle

MADE = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)
"""A Friday: the program is applied."""
MONDAY = datetime(2026, 3, 16, 10, 0, tzinfo=UTC)
"""The first Monday after it: noon in Riga, ten o'clock in UTC."""


@dataclass
class Play:
    """Moves a world through its days."""

    world: World
    said: list[tuple[date, str, str]] = field(default_factory=list)

    def measure(self, day: date, now: datetime | None = None, metric: str = "typed-functions", **teams: dict) -> None:
        """Observations of a day: api={"a.py": (1, 10)} or, for a sum, api={"a.py": 3}."""
        lines = []
        for team, items in teams.items():
            for item, numbers in items.items():
                pair = numbers if isinstance(numbers, tuple) else (numbers, "")
                lines.append(f"{metric},{team},{item},{day},{pair[0]},{pair[1]}\n")
        at = now or datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
        ingest((HEADER + "".join(lines)).encode(), Origin(Run.Kind.FILE, "test", KINDS["csv"]), at)

    def plan(self, now: datetime) -> planning.Plan:
        """Judge and plan."""
        judge_due(now)
        return planning.plan(now)

    def run(self, now: datetime) -> planning.Plan:
        """Judge, plan and deliver."""
        done = self.plan(now)
        while delivery.deliver_batch(now).more:
            pass
        return done

    def weeks(self, count: int, start: datetime = MONDAY) -> list[datetime]:
        """Run on so many Mondays; returns those on which something was said about a goal."""
        found = []
        for n in range(count):
            now = start + timedelta(weeks=n)
            if self.run(now).said:
                found.append(now)
        return found

    def announced(self) -> None:
        """Let the first digests, with the new goals, go out."""
        self.run(MONDAY)


BEHIND = {"api": {"lib/webhooks.py": (2, 40), "api/views.py": (3, 20), "ok.py": (5, 5)}, "web": {"a.py": (1, 10)}}


@pytest.fixture
def play(db, mail_server) -> Play:
    """api and web start low in January and have not moved: behind. Goals were made on the Friday before MONDAY."""
    made = Play(settle(TYPING, now=MADE))
    made.measure(date(2026, 1, 1), now=MADE, **BEHIND)
    made.measure(date(2026, 3, 13), now=MADE, **BEHIND)
    return made


@pytest.fixture
def mail_server(settings):
    """A real SMTP server, and settings that lead to it."""
    with MailServer() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = running.host, running.port, 5
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.DEFAULT_FROM_EMAIL = "Quality <quality@example.com>"
        settings.INSTANCE_ID = ""
        settings.SITE_URL = "https://quality.example.com"
        yield running


def said_to(person) -> list[tuple[date, str, str]]:
    """(day, team, metric) of what was said to a person, in order."""
    rows = Nudge.objects.said().filter(person=person).order_by("day", "goal__team__key", "goal__metric__key")
    return list(rows.values_list("day", "goal__team__key", "goal__metric__key"))


def withheld(person=None, day: date | None = None) -> list[tuple[str, str, str]]:
    """(team, metric, reason) of what was withheld."""
    rows = Nudge.objects.filter(state=Nudge.State.WITHHELD)
    if person is not None:
        rows = rows.filter(person=person)
    if day is not None:
        rows = rows.filter(day=day)
    order = ("day", "goal__team__key", "goal__metric__key", "reason")
    return list(rows.order_by(*order).values_list("goal__team__key", "goal__metric__key", "reason"))


def everything() -> list:
    """All rows of planning and outbox, to see that nothing changed."""
    return [list(model.objects.order_by("pk").values()) for model in (Digest, Nudge, Notice, Delivery)]
