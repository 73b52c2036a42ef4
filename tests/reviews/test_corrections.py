"""What counts as a correction of a brief: other measurements of its day, never who joined or left the program since."""

from __future__ import annotations

from datetime import timedelta

import pytest

from program.feeds.registry import KINDS
from reviews import brief, corrections, schedule
from reviews.models import Brief, Review
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
OF_API = TYPING.replace("teams: all", "teams: [api]")
ROWS = "typed-functions,api,a.py,2026-03-10,9,10\ntyped-functions,web,b.py,2026-03-10,0,90\n"
LATER = NOW + timedelta(days=20)


def frozen(text: str) -> Brief:
    settle(text)
    ingest((HEADER + ROWS).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    schedule.schedule(NOW)
    return brief.freeze(Review.objects.select_related("program__sponsor").get(state="scheduled"), NOW)


@pytest.mark.parametrize(("before", "after"), [(OF_API, TYPING), (TYPING, OF_API)], ids=["joins", "leaves"])
def test_a_team_that_joins_or_leaves_later_corrects_nothing(before, after):
    kept = frozen(before)
    apply_text(after, now=LATER, via="test")
    judge_due(LATER)
    assert corrections.since(kept.content, corrections.of_its_day(kept)) == {}
    again = HEADER + "typed-functions,api,a.py,2026-03-10,4,10\n"
    ingest(again.encode(), Origin("file", "x.csv", KINDS["csv"]), LATER)
    share = "40 %" if before is OF_API else "4 %"
    assert corrections.since(kept.content, corrections.of_its_day(kept)) == {
        "typed-functions": f"since corrected: {share} on that day"
    }
