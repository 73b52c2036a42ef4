"""A small world whose weeks end today, in which every kind of mail there is goes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta

from accounts import clock, entry
from accounts.models import User
from accounts.roles import Role
from nudges import (
    delivery,
    kinds,
    links,
    outbox,
    places,
    planning,
    restraint_mail,
    samples,
    sign_in_mail,
    trouble,
    words,
)
from nudges.models import Delivery, Restraint
from program.feeds.registry import KINDS
from program.models import Program
from program.rules.usefulness import Evidence, Finding
from reviews import asks, farewell, minutes, priorities, pulse_asking, sponsorship
from reviews.ahead import freeze_due
from reviews.minutes import HELD_IN
from reviews.models import Review
from reviews.schedule import schedule
from teams import answering, lifecycle, trust
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Goal, Run
from teams.standings import judge_due
from tests.people import HEADER, ORG, TYPING

WEEKS = 8
STOPPED = """
program:
  key: stopped
  name: Given up
  purpose: To be given up
  sponsor: {{email: sam@example.com}}
  owners: [{{email: tess@example.com, role: technical}}, {{email: pam@example.com, role: manager}}]
  start: {start}
  end: {end}
goals:
  - {{metric: typed-functions, teams: [web], start: {start}, due: {end}, target: 0.5}}
"""
NOT_SENT = {"drill"}
"""Kinds of drills themselves."""


def send() -> list[str]:
    """Play eight weeks up to the last Monday, then everything about signing in; the kinds that did not go out."""
    now = clock.now()
    monday = now.date() - timedelta(days=now.weekday() or (7 if now.hour < 13 else 0))
    first = monday - timedelta(weeks=WEEKS)
    _found(first)
    for day, weeks in _mondays(first):
        at = datetime.combine(day, time(12), UTC)
        _measure(day - timedelta(days=1), weeks, at)
        if weeks == WEEKS:
            _restrain(at)
            _sponsor(at)
        _turn(at)
        _review(at)
        if weeks == 2:
            bob = User.objects.get(email="bob@example.com")
            answering.answer(
                Goal.objects.get(team__key="api", metric__key="findings"), "on it",
                by=User.objects.get(email="alice@example.com"), now=at, via="drill", until=day + timedelta(days=7),
            )  # fmt: skip
            goal = Goal.objects.get(team__key="web", metric__key="typed-functions")
            trust.dispute(goal.metric, goal.team, text="it counts tests", by=bob, now=at)
    _ended(now)
    _samples(now)
    _signing_in(now)
    _deliver(now)
    sent = set(Delivery.objects.filter(state=Delivery.State.SENT).values_list("kind", flat=True))
    return sorted(set(kinds.names()) - sent - NOT_SENT)


def sabotage() -> None:
    """A GET that acts: reading the token of an unsubscribe link stops the mails."""
    guarded = links.read

    def read(token: str) -> links.Intent:
        intent = guarded(token)
        links.act(intent, clock.now())
        return intent

    links.read = read


def _mondays(first: date) -> Iterator[tuple[date, int]]:
    for weeks in range(WEEKS + 1):
        yield first + timedelta(weeks=weeks), weeks


def _found(first: date) -> None:
    """The tests' organization, its program around today."""
    at = datetime.combine(first - timedelta(days=3), time(12), UTC)
    start, end = first - timedelta(weeks=20), first + timedelta(weeks=40)
    text = TYPING.replace("2026-01-01", str(start)).replace("2026-12-31", str(end))
    text = text.replace("2026-01-20", str(first + timedelta(days=10)))
    apply_text(ORG, now=at, via="drill")
    apply_text(text, now=at, via="drill")
    User.objects.filter(email="sam@example.com").update(is_superuser=True)
    _measure(start, 0, at)


def _measure(day: date, weeks: int, at: datetime) -> None:
    """api stays behind, web recovers after some weeks."""
    good = 36 if weeks > 5 else 2
    lines = [
        f"typed-functions,api,lib/webhooks.py,{day},2,40", f"typed-functions,api,api/views.py,{day},3,20",
        f"typed-functions,web,a.py,{day},{good},40", f"findings,api,a.py,{day},{9 + weeks},",
    ]  # fmt: skip
    ingest((HEADER + "\n".join(lines) + "\n").encode(), Origin(Run.Kind.FILE, "drill", KINDS["csv"]), at)


def _turn(at: datetime) -> None:
    judge_due(at)
    planning.plan(at)
    trouble.plan(at)
    schedule(at)
    sponsorship.keep(at)
    pulse_asking.ask_due(at)
    freeze_due(at)
    _deliver(at)


def _review(at: datetime) -> None:
    """The first review that was held is ended, with something asked of somebody who was not there."""
    review = Review.objects.filter(starts_at__lte=at, minutes_sent_at=None, state__in=HELD_IN).first()
    if review is not None and review.program.sponsor is not None:
        asks.raise_ask(review, "Free bob for a week", at, of=User.objects.get(email="alice@example.com"))
        minutes.end(review, at, by=review.program.sponsor)
        _deliver(at)


def _sponsor(at: datetime) -> None:
    """The sponsor notes a change of priorities, and then somebody else sponsors the program."""
    program = Program.objects.select_related("sponsor").get(key="typing")
    if program.sponsor is not None:
        priorities.note(program, "Security first until the audit", at, by=program.sponsor)
    Program.objects.filter(pk=program.pk).update(sponsor=User.objects.get(email="gina@example.com"))


def _ended(now: datetime) -> None:
    """Another program, which is canceled: whoever carried it is told, at once in this world of no working hours."""
    begun = now - timedelta(weeks=3)
    apply_text(STOPPED.format(start=begun.date(), end=(now + timedelta(weeks=20)).date()), now=begun, via="drill")
    tess = User.objects.get(email="tess@example.com")
    lifecycle.cancel(Program.objects.get(key="stopped"), "It did not move.", "Ask first.", now=now, by=tess)
    farewell.tell_due(now)
    Delivery.objects.filter(kind=farewell.KIND).update(next_at=now)
    _deliver(now)


def _deliver(at: datetime) -> None:
    while delivery.deliver_batch(at).more:
        pass


def _samples(now: datetime) -> None:
    """A test of each kind, as "What we send" sends it."""
    program, reader = Program.objects.get(key="typing"), User.objects.get(email="tess@example.com")
    team = Goal.objects.filter(program=program, team__key="api")[0].team
    for sample in samples.of_team(program, team, reader, now):
        samples.send(sample, program, team, reader, now)
    subject, text, html = words.fill(places.NAME, {"person": reader})
    outbox.put(outbox.Letter(places.NAME, "drill", reader.email, subject, text, html, person=reader), now)


def _restrain(at: datetime) -> None:
    """A tone that was found to be of little use: its owners are told."""
    row = Restraint.objects.create(
        program=Program.objects.get(key="typing"), tone="still", state=Restraint.State.SLOWED, since=at.date(),
        evidence={"found": Finding.LITTLE_USE, **asdict(Evidence(votes=14, useful=4))}, decided_at=at,
    )  # fmt: skip
    restraint_mail.tell_owners(row, at)


def _signing_in(now: datetime) -> None:
    """An invitation, a new password that was asked for, and word of a change."""
    sam = User.objects.get(email="sam@example.com")
    alice = User.objects.get(email="alice@example.com")
    sign_in_mail.invite(entry.invite("newcomer@example.com", Role.MEMBER, sam, now), now)
    alice.set_password("correct horse battery staple")
    alice.save()
    entry.ask(alice.email, now)
    sign_in_mail.answer_asks(now)
    for what in (sign_in_mail.PASSWORD, sign_in_mail.SECOND_FACTOR, sign_in_mail.FACTOR_REMOVED):
        sign_in_mail.tell_of_change(alice, what, now, sam)
