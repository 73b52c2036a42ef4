"""The programs of the demo on the real measurements, at their real dates, moved from review to review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django.test import override_settings

from demo import story
from demo.shift import batches
from nudges import delivery
from nudges.planning import plan
from program.feeds.registry import KINDS
from program.models import Program
from reviews import ahead, days, schedule
from reviews.models import Brief, Review
from teams.admission import admit_due
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Run
from teams.standings import judge_due
from tests.nudges.conftest import mail_server  # noqa: F401 - a fixture

MADE = datetime(2022, 8, 18, 7, 0, tzinfo=UTC)


@dataclass
class Play:
    """Moves the two programs through their days."""

    waiting: dict[date, bytes] = field(default_factory=lambda: dict(batches(timedelta(0))))

    @property
    def typing(self) -> Program:
        return Program.objects.get(key="typing")

    def take(self, until: date) -> None:
        """Ingest what was measured up to a day, each batch in the night of its day."""
        for day in [day for day in self.waiting if day <= until]:
            at = max(MADE, datetime(day.year, day.month, day.day, 1, tzinfo=UTC))
            ingest(self.waiting.pop(day), Origin(Run.Kind.FILE, "healthchecks", KINDS["csv"]), at)

    def tick(self, now: datetime, *, mails: bool = False) -> None:
        """What the beat does at a moment."""
        self.take(now.date())
        judge_due(now)
        admit_due(now)
        schedule.schedule(now)
        ahead.freeze_due(now)
        if mails:
            plan(now)
            while delivery.deliver_batch(now).more:
                pass

    def until(self, now: datetime, *, mails: bool = False) -> None:
        """Tick on each Monday, and on each day that freezes a brief, up to a moment."""
        day = datetime(2022, 9, 1, 9, 0, tzinfo=UTC)
        while day < now:
            frozen = {days.freeze_at(review).date() for review in Review.objects.to_come(day)}
            if day.weekday() == 0 or day.date() in frozen:
                self.tick(day, mails=mails)
            day += timedelta(days=1)
        self.tick(now, mails=mails)


ADDRESSES = {"SITE_URL": "https://quality.example.com", "DEFAULT_FROM_EMAIL": "Quality <quality@example.com>"}
SPRING = datetime(2023, 3, 16, 9, 0, tzinfo=UTC)


def begun() -> Play:
    """The organization and its two programs, before anything is measured."""
    for _name, text in story.files(timedelta(0)):
        apply_text(text, now=MADE, via="test")
    made = Play()
    made.take(date(2022, 9, 1))
    return made


@pytest.fixture
def play(db, settings) -> Play:
    """The two programs at their beginning."""
    for name, value in ADDRESSES.items():
        setattr(settings, name, value)
    return begun()


@pytest.fixture(scope="module")
def played_until_spring(django_db_setup: None, django_db_blocker) -> Iterator[Play]:
    """Five reviews on, the day after the worked examples of the domain; once for all tests of a module."""
    with django_db_blocker.unblock(), override_settings(**ADDRESSES), transaction.atomic():
        made = begun()
        made.until(SPRING)
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def spring(played_until_spring: Play, db, settings) -> Play:
    """The two programs in spring. Of a module that uses it, no test of the database may do without."""
    for name, value in ADDRESSES.items():
        setattr(settings, name, value)
    return Play(dict(played_until_spring.waiting))


def content(period: str, program: str = "typing") -> dict:
    """What the brief of a review says."""
    return Brief.objects.get(review__period=period, review__program__key=program).content
