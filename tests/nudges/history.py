"""Nudges made by hand, with what became of them: for tests of what their tones are good for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import User
from nudges.models import Delivery, Digest, Nudge, Visit, Vote
from teams.models import Goal, Standing, Team

FACTS = {
    "behind": {"status": "behind", "slipped": False, "since": None},
    "still": {"status": "behind", "slipped": False, "since": {"status": "behind"}},
    "slipped": {"status": "at risk", "slipped": True, "since": {"status": "behind"}},
    "at risk": {"status": "at risk", "slipped": False, "since": None},
    "overdue": {"status": "overdue", "slipped": False, "since": {"status": "behind"}},
}


@dataclass
class History:
    """People and their goals on one metric of one program; each has a team of their own."""

    people: list[User]
    goals: list[Goal]

    @classmethod
    def of(cls, goal: Goal, number: int) -> History:
        """So many people, each told about a goal like this one."""
        people, goals = [], []
        for n in range(number):
            team = Team.objects.create(key=f"team{n}", name=f"Team {n}", leaf=True)
            people.append(User.objects.create(email=f"person{n}@example.com"))
            made = Goal(program=goal.program, metric=goal.metric, team=team, rule=goal.rule, created_at=goal.created_at)
            made.save()
            goals.append(made)
        return cls(people, goals)

    def say(
        self,
        who: int,
        day: date,
        tone: str = "still",
        *,
        state: str = "sent",
        measured: int | None = 7,
        gap: float = 0.2,
        then: float = 0.2,
        status: str = "behind",
    ) -> Nudge:
        """A nudge said on a day and sent at ten, with a gap of 20 points; so many days later (measured anew) `then`."""
        person, goal, at = self.people[who], self.goals[who], datetime.combine(day, time(10), UTC)
        mail = Delivery.objects.create(
            kind="digest", key=f"{person.pk}:{day}", address=person.email, person=person, state=state, next_at=at,
            message_id=f"<{person.pk}.{day}@x>", not_after=at + timedelta(days=2), created_at=at, sent_at=at,
        )  # fmt: skip
        digest = Digest.objects.create(person=person, day=day, time_zone="UTC", planned_at=at, plan="x", delivery=mail)
        facts = FACTS[tone] | {"gap": gap, "target": 0.9, "baseline": 0.1, "metric_name": "Typed", "team_name": "T"}
        if measured is not None:
            later = day + timedelta(days=measured)
            Standing.objects.update_or_create(
                goal=goal, day=later,
                defaults={"status": status, "gap": then, "as_of": later, "start": day, "due": later, "judged_at": at},
            )  # fmt: skip
        return Nudge.objects.create(
            person=person, goal=goal, day=day, due_day=day, digest=digest, state="said", streak=1, facts=facts,
            decided_at=at,
        )  # fmt: skip

    @staticmethod
    def visit(nudge: Nudge, after: timedelta) -> None:
        """Its receiver followed a link so long after it was sent."""
        Visit.objects.create(digest=nudge.digest, goal=nudge.goal, at=nudge.digest.delivery.sent_at + after)

    @staticmethod
    def vote(nudge: Nudge, *, useful: bool) -> None:
        """Its receiver's word on the mail."""
        Vote.objects.create(digest=nudge.digest, person=nudge.person, useful=useful, at=nudge.digest.delivery.sent_at)
