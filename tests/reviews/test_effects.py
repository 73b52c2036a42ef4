"""The verdict on a program, from the rows in the database to the kept finding: real data, cadences, versions, waves."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from program.models import Program
from reviews import effects, pace_words, verdict_words
from reviews.models import Effect, Pace
from teams.apply.files import apply_text
from tests.teams.real import HEALTHCHECKS, real

pytestmark = pytest.mark.django_db
JUDGED = datetime(2024, 6, 2, 9, 0, tzinfo=UTC)


def test_the_program_that_worked_works_and_what_nobody_ran_never_does():
    real(HEALTHCHECKS, datetime(2026, 9, 1, 9, tzinfo=UTC), metrics=("typed-functions", "documented-api"))
    apply_text(
        """program: {key: p, name: P, purpose: x, sponsor: {email: sam@example.com},
  owners: [{email: tess@example.com, role: technical}], start: 2022-09-01, end: 2024-12-31}
goals:
  - {metric: typed-functions, teams: all, start: 2022-09-01, due: 2024-03-01, target: 0.9}
  - {metric: documented-api, teams: all, start: 2022-09-01, due: 2024-03-01, target: 0.9}
""",
        now=JUDGED, via="test",
    )  # fmt: skip
    program = Program.objects.get()
    assert effects.keep(program, JUDGED) is True
    found = {one.metric_version.metric.key: one for one in Effect.objects.all()}
    for one in found.values():
        print(one, one.effect, one.low, one.high, one.before, one.now, one.expected, one.treated)
        print(verdict_words.sentence(one, date(2024, 6, 2)))
    for one in Pace.objects.all():
        print(
            one.remaining,
            one.a_day,
            one.finishes,
            one.first,
            one.last,
            {k: v for k, v in one.facts.items() if k != "periods"},
        )
        print(pace_words.sentence(one, program.end, date(2024, 6, 2)))
    assert found["typed-functions"].verdict == "working"
