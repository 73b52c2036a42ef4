"""What is newer than a brief: said beside it until its review is over, so that nobody decides by older numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from program.feeds.registry import KINDS
from program.models import MetricVersion
from reviews import corrections, meanwhile, priorities
from reviews.models import Brief
from teams.ingest import Origin, ingest
from teams.models import Snapshot
from tests.people import HEADER
from tests.reviews.conftest import SPRING

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("spring")]
FRIDAY = SPRING + timedelta(days=1)


def frozen() -> Brief:
    briefs = Brief.objects.select_related("review__program__sponsor")
    return briefs.get(review__period="2023-03-21", review__program__key="typing")


def lines(now: datetime) -> list[str]:
    brief = frozen()
    return meanwhile.measured(brief, corrections.of_its_day(brief), now) + meanwhile.noted(brief, now)


def measure(typed: int) -> None:
    """So many of 1,000 functions of lib are typed on Friday."""
    rows = HEADER + f"typed-functions,lib,hc/lib/emails.py,2023-03-17,{typed},1000\n"
    ingest(rows.encode(), Origin("file", "x.csv", KINDS["csv"]), FRIDAY)


def test_what_is_measured_after_the_brief_stands_beside_it_until_the_review_is_over(spring):
    assert lines(FRIDAY) == []
    measure(60)
    (said,) = lines(FRIDAY)
    assert said.startswith("Functions with full annotations: 8 % by the numbers held now, as of 1 Mar; −4 points since")
    assert said.endswith("since the brief said 12 %.")
    assert lines(datetime(2023, 3, 21, 15, tzinfo=UTC)) == []


def test_what_is_a_correction_of_its_day_is_not_newer(spring):
    rows = HEADER + "typed-functions,lib,hc/lib/emails.py,2023-03-01,60,1000\n"
    ingest(rows.encode(), Origin("file", "x.csv", KINDS["csv"]), FRIDAY)
    assert "typed-functions" in corrections.since(frozen().content, corrections.of_its_day(frozen()))
    assert lines(FRIDAY) == []


def test_a_criterion_that_had_come_true_and_is_true_no_more_says_so(spring):
    assert frozen().content["question"].startswith("Its own criterion has come true")
    measure(900)
    measured, turned = lines(FRIDAY)
    assert "points since the brief said 12 %." in measured
    assert turned.startswith(
        "By what was measured since the brief: its own criterion has not come true: stop if the typed share rises by "
        "less than 5 points in two reviews. Functions with full annotations: +"
    )


def test_what_the_sponsor_notes_after_the_brief_is_read_in_the_room(spring):
    priorities.note(spring.typing, "Payments is frozen until March", FRIDAY, by=spring.typing.sponsor)
    assert lines(FRIDAY) == ["Vera Lindqvist noted on 17 Mar, after the brief: “Payments is frozen until March”."]


def test_another_ruler_is_not_set_beside_it(spring):
    measure(60)
    MetricVersion.objects.filter(metric__key="typed-functions").update(number=2)
    assert lines(FRIDAY) == []
    Snapshot.objects.all().delete()
    assert lines(FRIDAY) == []
