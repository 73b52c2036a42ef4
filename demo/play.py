"""Plays the demo's past in order: each day its observations, its judgment, its mails and its reviews."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts.models import User
from nudges.delivery import deliver_batch
from nudges.planning import plan
from program.feeds.registry import KINDS
from program.models import Program
from reviews import ask_mail, effects, invites, pulse_asking, sponsorship
from reviews.ahead import freeze_due
from reviews.schedule import schedule
from teams.admission import admit_due
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Run, Snapshot
from teams.standings import judge_due

from . import story
from .shift import DATA, batches, shift_for
from .story import meetings

MAILED = timedelta(weeks=26)
HOURS = (time(1), time(8, 30), time(14, 30))
"""Moments of a played day, UTC: early for ingest and judging, then when it is morning in Europe and in America.

Asia's morning is the first of them. Every person's digest hour falls before one of the three, within working hours.
"""
PASSWORD = "demo"  # noqa: S105 - for the demo on loopback only

Progress = Callable[[str], object]


def marker() -> Path:
    """A file that says that the past was played to its end."""
    return Path(settings.VAR_DIR) / "loaded"


def begin_anew() -> None:
    """Forget what an interrupted loading left behind: the embedded database and the mails."""
    for pattern in ("app.sqlite3*", "mail/*.eml", "demo-days-ahead", "broker/messages/*"):
        for left in Path(settings.VAR_DIR).glob(pattern):
            left.unlink()


def story_shift() -> timedelta:
    """The shift that this demo was loaded with: from the real start of its program to the one it has."""
    return Program.objects.get(key="typing").start - story.START


def load(today: date, progress: Progress) -> None:
    """Load the story and play its past up to a day. Mails of the last 26 weeks go to the demo's SMTP server."""
    shift = shift_for(today)
    start = story.START + shift
    _say_shift(shift, progress)
    waiting = dict(batches(shift))
    _apply_files(shift, start)
    for day in [day for day in waiting if day < start]:
        _take(day, waiting.pop(day))
    days = (today - start).days + 1
    for n in range(days):
        day = start + timedelta(days=n)
        # Before the mailed weeks nothing is planned, so that nobody is told today what was due a year ago.
        play_day(day, waiting.pop(day, None), mailed=day > today - MAILED)
        if n % 56 == 0 or n == days - 1:
            progress(f"  played {day:%d %b %Y}, day {n + 1} of {days}")
    marker().touch()


def play_day(day: date, batch: bytes | None, *, mailed: bool) -> None:
    """One day: what arrives, what is judged, and, where it is mailed, what is said to whom."""
    if batch:
        _take(day, batch)
    for hour in HOURS:
        now = datetime.combine(day, hour, UTC)
        judge_due(now)
        admit_due(now)
        schedule(now)
        freeze_due(now)
        effects.keep_due(now)
        if mailed:
            sponsorship.keep(now)
            invites.send_due(now)
            pulse_asking.ask_due(now)
            plan(now)
            meetings.play(now)
            ask_mail.remind_due(now)
        while deliver_batch(now).more:
            pass


def next_month(days_ahead: int, real_today: date, progress: Progress) -> tuple[date, int]:
    """Play on to the next snapshot kept back; gives its day and how many days the calendar then stands ahead.

    Raises LookupError when all snapshots have been played.
    """
    present = real_today + timedelta(days=days_ahead)
    newest = Snapshot.objects.order_by("-as_of").values_list("as_of", flat=True).first() or present
    kept_back = {day: batch for day, batch in batches(story_shift()).items() if day > newest}
    if not kept_back:
        raise LookupError("every snapshot has been played: `make demo-clean` begins anew")
    target = min(kept_back)
    day = present
    while day < target:
        day += timedelta(days=1)
        play_day(day, kept_back.get(day), mailed=True)
        if day.weekday() == 0 or day == target:
            progress(f"  played {day:%a %d %b %Y}")
    return target, max(days_ahead, (target - real_today).days)


def _apply_files(shift: timedelta, start: date) -> None:
    now = datetime.combine(start - timedelta(days=14), HOURS[0], UTC)
    with transaction.atomic():
        for name, text in story.files(shift):
            apply_text(text, now=now, via=f"apply {name}")
    for email, _, _ in story.SIGN_INS:
        person = User.objects.named(email)
        person.set_password(PASSWORD)
        person.save()


def _take(day: date, batch: bytes) -> None:
    origin = Origin(Run.Kind.FILE, f"{DATA.name}, snapshot shifted to {day}", KINDS["csv"])
    ingest(batch, origin, datetime.combine(day, HOURS[0], UTC))


def _say_shift(shift: timedelta, progress: Progress) -> None:
    progress(
        f"Real measurements of 2021 to 2023, shifted by {shift.days // 7} whole weeks: "
        f"what was measured on 1 Sep 2023 stands on {story.START.replace(year=2023) + shift:%d %b %Y}."
    )
