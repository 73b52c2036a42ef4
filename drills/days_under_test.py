"""An organization in eight zones whose metrics flap, fail and fall, played day by day on a clock of the drill's own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from accounts.models import User
from drills.mail_server import Exchange, MailServer
from nudges import delivery, outbox, planning, trouble
from nudges.models import Delivery, Nudge
from program.feeds.registry import KINDS
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Run
from teams.standings import judge_due

FIRST = date(2026, 2, 2)
"""A Monday; in the 90 days after it both America and Europe change their clocks, and Easter comes."""
ZONES = (
    ("Europe/Riga", "LV"), ("Europe/Paris", "FR"), ("America/New_York", "US"), ("America/Los_Angeles", "US"),
    ("Asia/Tokyo", "JP"), ("Asia/Kolkata", "IN"), ("Australia/Sydney", "AU"), ("Pacific/Auckland", "NZ"),
)  # fmt: skip
FRESH = 4
OUTAGE = 10
HOURS = range(0, 24, 3)
DUE = date(2026, 12, 31)
LOW, HIGH = 0.5, 0.9
RUN = timedelta(hours=20)


@dataclass
class Mail:
    """A digest that the mail server took."""

    at: datetime
    to: str
    message: str


@dataclass
class Played:
    """What came of the days."""

    mails: list[Mail] = field(default_factory=list)
    storm_before_release: int = 0
    """digests that went out in 20 hours of the storm at most, before a person released the rest"""
    storm_limit: int = 0
    storm_held: int = 0
    storm_released: int = 0
    others: int = 0
    """mails that are no digests: trouble, told to owners"""
    measured: dict[tuple[str, int], list[date]] = field(default_factory=lambda: defaultdict(list))
    """by metric and team: the days on which there was a number"""


class Days:
    """The clock, the organization and its mail server."""

    def __init__(self, days: int, teams: int, server: MailServer) -> None:
        self.days, self.teams, self.server = days, teams, server
        self.played = Played()
        self.now = datetime.combine(FIRST - timedelta(days=3), time(12), UTC)
        weeks = days // 7
        self.dark = FIRST + timedelta(weeks=max(1, weeks // 3))
        self.storm = FIRST + timedelta(weeks=weeks * 3 // 4)
        server.on_stage = self._note

    def play(self) -> Played:
        """From the first Monday on, eight times a day: what arrives, judging, planning, delivery."""
        self._found()
        for n in range(self.days):
            day = FIRST + timedelta(days=n)
            for hour in HOURS:
                self.now = datetime.combine(day, time(hour, 5), UTC)
                if hour == 0:
                    self._measure(day)
                judge_due(self.now)
                planning.plan(self.now)
                trouble.plan(self.now)
                while delivery.deliver_batch(self.now).more:
                    pass
                if hour == 12:
                    self._release(day)
        return self.played

    def _note(self, stage: str, exchange: Exchange) -> None:
        if stage == "accepted":
            self.played.mails.append(Mail(self.now, exchange.receivers[0], exchange.message_id))

    def _found(self) -> None:
        """Teams, leads, a program of two metrics; what is measured before the first day."""
        apply_text(self._org(), now=self.now, via="drill")
        apply_text(PROGRAM, now=self.now, via="drill")
        for n in range(self.teams):
            User.objects.filter(email=lead(n)).update(country=zone(n)[1])
        self._measure(FIRST - timedelta(days=3))

    def _org(self) -> str:
        keys = ", ".join(f"team{n}" for n in range(self.teams))
        found = [f"kind: Group\nmetadata: {{name: all-teams}}\nspec: {{children: [{keys}]}}"]
        for n in range(self.teams):
            notes = f"technical-quality/lead: lead{n}, technical-quality/time-zone: {zone(n)[0]}"
            found.append(
                f"kind: Group\nmetadata: {{name: team{n}, annotations: {{{notes}}}}}\nspec: {{parent: all-teams}}"
            )
            found.append(f"kind: User\nmetadata: {{name: lead{n}}}\nspec: {{profile: {{email: {lead(n)}}}}}")
        return "\n---\n".join(found)

    def _measure(self, day: date) -> None:
        """A tenth of the teams is behind, a sixth flaps; ten days without coverage; on one day everybody falls."""
        dark = self.dark <= day < self.dark + timedelta(days=OUTAGE)
        fallen = self.storm - timedelta(days=1) <= day <= self.storm + timedelta(days=1)
        lines = ["metric,team,item,as_of,numerator,denominator"]
        for n in range(self.teams):
            for metric in ("typing",) if dark else ("typing", "coverage"):
                value = 0.3 if fallen else self._value(metric, n, day)
                lines.append(f"{metric},team{n},src/a.py,{day},{round(value * 1000)},1000")
                self.played.measured[metric, n].append(day)
        origin = Origin(Run.Kind.FILE, "drill", KINDS["csv"])
        ingest(("\n".join(lines) + "\n").encode(), origin, self.now)

    def _value(self, metric: str, n: int, day: date) -> float:
        if day <= FIRST:  # what the paths begin with
            return LOW
        path = LOW + (HIGH - LOW) * (day - FIRST).days / (DUE - FIRST).days
        if metric == "typing" and n % 6 == 0:  # flaps, each day the other way
            return path + (0.06 if (day.toordinal() + n // 6) % 2 else -0.06)
        return path - 0.08 if metric == "coverage" and n % 10 == 1 else path + 0.05

    def _release(self, day: date) -> None:
        """An owner looks at noon, and lets go what is held; on the day of the storm they are out, until the next."""
        held = Delivery.objects.filter(state=Delivery.State.HELD)
        if day == self.storm:
            return
        if day == self.storm + timedelta(days=1):
            since = datetime.combine(self.storm, time(0), UTC) - timedelta(hours=14)
            self.played.storm_held = held.count()
            sent = [mail.at for mail in self.digests() if mail.at >= since]
            self.played.storm_before_release = max(
                (sum(at - RUN < one <= at for one in sent) for at in sent), default=0
            )
            self.played.storm_limit = max(20, 3 * self._usual(since))
            self.played.storm_released = outbox.release(held, self.now)
        elif held.exists():
            outbox.release(held, self.now)

    def _usual(self, until: datetime) -> int:
        """The median of the busiest day of each of the last eight weeks with mail, as the drill counts it itself."""
        busiest: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        for mail in self.played.mails:
            if until - timedelta(weeks=8) < mail.at <= until:
                busiest[(until.date() - mail.at.date()).days // 7][mail.at.date()] += 1
        most = sorted(max(of_week.values()) for of_week in busiest.values())
        return most[(len(most) - 1) // 2] if most else 0

    def digests(self) -> list[Mail]:
        """The mails that are digests."""
        kinds = dict(Delivery.objects.values_list("message_id", "kind"))
        return [mail for mail in self.played.mails if kinds[mail.message] == "digest"]


def zone(n: int) -> tuple[str, str]:
    """Zone and country of a team and its lead."""
    return ZONES[n % len(ZONES)]


def lead(n: int) -> str:
    """Who leads a team."""
    return f"lead{n}@example.com"


@dataclass(frozen=True)
class Faults:
    """What must not be, counted by the drill's own rules."""

    two_a_day: int
    quiet: int
    missing: int


def faults(played: Played, digests: list[Mail], teams: int) -> Faults:
    """Hold mails and nudges against zones, holidays and measurements."""
    number = {lead(n): n for n in range(teams)}
    a_day: dict[tuple[str, date], int] = defaultdict(int)
    quiet = 0
    for mail in digests:
        name, country = zone(number[mail.to])
        local = mail.at.astimezone(ZoneInfo(name))
        a_day[mail.to, local.date()] += 1
        off = local.weekday() >= 5 or local.date() in holidays.country_holidays(country, years=local.year)
        quiet += off or not 9 <= local.hour < 17
    missing = 0
    said = Nudge.objects.filter(state="said", digest__delivery__state="sent")
    for metric, team, day in said.values_list("goal__metric__key", "goal__team__key", "day"):
        known = played.measured[metric, int(team.removeprefix("team"))]
        newest = max((one for one in known if one <= day), default=date.min)
        missing += (day - newest).days > FRESH
    return Faults(sum(times - 1 for times in a_day.values()), quiet, missing)


PROGRAM = f"""
program:
  key: quality
  name: Quality
  purpose: fewer faults
  sponsor: {{email: sam@example.com}}
  owners: [{{email: tess@example.com, role: technical}}]
  start: {FIRST - timedelta(days=3)}
  end: {DUE}
metrics:
  - {{key: typing, name: Functions typed, unit: "%", direction: up, aggregation: ratio, fresh_for: {FRESH}d}}
  - {{key: coverage, name: Lines covered, unit: "%", direction: up, aggregation: ratio, fresh_for: {FRESH}d}}
goals:
  - {{metric: typing, teams: {{under: all-teams}}, start: {FIRST}, due: {DUE}, target: {HIGH}}}
  - {{metric: coverage, teams: {{under: all-teams}}, start: {FIRST}, due: {DUE}, target: {HIGH}}}
nudges: {{every: 1 week, weekday: monday, hour: 9, max_per_person_per_week: 2}}
"""
