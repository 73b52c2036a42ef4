"""The review pages: who sits in them, when in the review's zone, the brief as it was frozen or when it will be, asks."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from nudges.models import Delivery
from program.feeds.registry import KINDS
from program.models import Program
from reviews.ahead import freeze_due
from reviews.asks import close, raise_ask
from reviews.days import freeze_at
from reviews.effects import keep
from reviews.models import Brief, Review
from reviews.schedule import schedule
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, NOW, World, settle

pytestmark = pytest.mark.django_db
LIST = "/programs/typing/reviews/"
ROWS = HEADER + "typed-functions,api,a.py,2026-03-01,20,60\ntyped-functions,web,b.py,2026-03-01,30,40\n"


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        schedule(NOW)
        yield made


@pytest.fixture
def coming(world: World) -> Review:
    """Every six weeks from 20 Jan at 10:00 in Riga: 14 Apr, by when summer time has come (07:00 UTC)."""
    return Review.objects.get(state="scheduled")


@pytest.fixture
def sponsor(client: Client, world: World) -> Client:
    client.force_login(world.sam)
    return client


def words(page: object) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2]).replace("\u00a0", " ")
    return re.sub(r"\s+([.,:;])", r"\1", re.sub(r"\s+", " ", text)).replace("&#39;", "'")


@pytest.mark.parametrize(
    ("name", "status"), [("sam", 200), ("tess", 200), ("pam", 200), ("alice", 404), ("charlie", 404), (None, 302)]
)
def test_sponsor_and_owners_only(client, world, coming, name, status):
    if name:
        client.force_login(getattr(world, name))
    assert client.get(LIST).status_code == status
    assert client.get(f"/reviews/{coming.pk}/").status_code == status


def test_the_sponsor_of_another_program_sees_nothing_of_this_one(client, world, coming):
    Program.objects.create(
        key="other", name="Other", purpose="x", start=date(2026, 1, 1), end=date(2026, 2, 1), sponsor=world.gina
    )
    client.force_login(world.gina)
    assert client.get("/programs/other/reviews/").status_code == 200
    assert client.get(LIST).status_code == 404
    assert client.get(f"/reviews/{coming.pk}/").status_code == 404


def test_the_next_one_is_told_in_its_zone(sponsor, coming):
    assert coming.starts_at == datetime(2026, 4, 14, 7, tzinfo=UTC)
    said = words(sponsor.get(LIST))
    assert "The next review with sam@example.com is on Tue 14 Apr 2026 at 10:00 (Europe/Riga)." in said
    assert "Tue 14 Apr 2026 scheduled" in said
    said = words(sponsor.get(f"/reviews/{coming.pk}/"))
    assert "Every function typed: review of Tue 14 Apr 2026" in said
    assert "10:00 to 10:30 (Europe/Riga) · scheduled" in said
    assert "sam@example.com (sponsor), tess@example.com and pam@example.com" in said


def test_before_it_is_frozen_it_says_when(sponsor, world, coming):
    said = words(sponsor.get(f"/reviews/{coming.pk}/"))
    assert "The brief is frozen and mailed on Thu 9 Apr 2026 at 09:00." in said
    with time_machine.travel(datetime(2026, 4, 9, 7, tzinfo=UTC), tick=False):
        sponsor.force_login(world.sam)
        assert "The brief is due." in words(sponsor.get(f"/reviews/{coming.pk}/"))


def test_who_runs_the_program_reads_it_as_a_draft_before_the_sponsor_does(client, sponsor, world, coming):
    page = client.get(f"/reviews/{coming.pk}/")
    assert "as it would read today" not in words(page)
    assert client.get(f"/reviews/{coming.pk}/draft/").status_code == 404
    client.force_login(world.tess)
    before = list(Delivery.objects.values_list("pk", flat=True))
    assert "See it as it would read today" in words(client.get(f"/reviews/{coming.pk}/"))
    said = words(client.get(f"/reviews/{coming.pk}/draft/"))
    assert (
        "draft of the brief for Tue 14 Apr 2026 As it would read if it were frozen now: nothing has been sent."
        " It is frozen and mailed on Thu 9 Apr 2026 at 09:00"
    ) in said
    assert "Functions with full annotations is at 50 %" in said
    assert "as they were said in the mail" not in said
    assert (Brief.objects.count(), list(Delivery.objects.values_list("pk", flat=True))) == (0, before)
    # What is measured meanwhile is in it at once.
    more = HEADER + "typed-functions,api,a.py,2026-03-10,50,60\n"
    ingest(more.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    assert "Functions with full annotations is at 80 %" in words(client.get(f"/reviews/{coming.pk}/draft/"))
    # As soon as it is frozen, that is the brief; and before, it was the very same.
    with time_machine.travel(freeze_at(coming), tick=False):
        client.force_login(world.tess)
        keep(world.program, freeze_at(coming))  # as the beat does every day
        drafted = (
            client.get(f"/reviews/{coming.pk}/draft/")
            .content.decode()
            .partition("<article")[2]
            .partition("</article>")[0]
        )
        freeze_due(freeze_at(coming))
        assert client.get(f"/reviews/{coming.pk}/draft/").headers["Location"] == f"/reviews/{coming.pk}/"
        frozen = (
            client.get(f"/reviews/{coming.pk}/").content.decode().partition("<article")[2].partition("</article>")[0]
        )
    assert drafted == frozen.replace(", as they were said in the mail to sponsor and owners", "")


def test_the_frozen_brief_stays_as_it_was(sponsor, world, coming):
    at = datetime(2026, 4, 9, 6, 30, tzinfo=UTC)
    with time_machine.travel(at, tick=False):
        sponsor.force_login(world.sam)
        judge_due(at)
        assert freeze_due(at) == 1
        headline = Brief.objects.get().content["headline"]
        before = words(sponsor.get(f"/reviews/{coming.pk}/"))
        assert headline in before
        assert "The brief is frozen and mailed" not in before
        ingest((HEADER + "typed-functions,api,a.py,2026-03-01,59,60\n").encode(), Origin("file", "y", KINDS["csv"]), at)
        judge_due(at)
        Program.objects.update(name="Renamed")
        after = words(sponsor.get(f"/reviews/{coming.pk}/"))
        corrected = "since corrected: 89 % on that day "
        assert corrected in after
        assert after.replace("Renamed", "Every function typed").replace(corrected, "") == before
        assert headline in words(sponsor.get(LIST))
        with CaptureQueriesContext(connection) as queries:
            assert corrected in words(sponsor.get(f"/reviews/{coming.pk}/"))
        assert [query["sql"] for query in queries if "teams_snapshot" in query["sql"]] == []  # as nothing is new
        assert len(queries) <= 13
        ingest((HEADER + "typed-functions,api,a.py,2026-03-01,30,60\n").encode(), Origin("file", "z", KINDS["csv"]), at)
        assert "since corrected: 60 % on that day" in words(sponsor.get(f"/reviews/{coming.pk}/"))


@pytest.mark.parametrize(
    ("state", "said", "why"),
    [("skipped", "did not take place", "This review did not take place: no brief was written for it."),
     ("canceled", "canceled", "This review was canceled: no brief was written for it."),
     ("held", "held", "This review was held: no brief was written for it.")],
)  # fmt: skip
def test_what_became_of_one_without_a_brief(sponsor, coming, state, said, why):
    Review.objects.update(state=state, starts_at=NOW - timedelta(days=3))
    assert f"Fri 13 Mar 2026 {said}" in words(sponsor.get(LIST))
    page = words(sponsor.get(f"/reviews/{coming.pk}/"))
    assert why in page
    assert "frozen and mailed" not in page


def test_the_list_counts_what_was_held_and_what_was_not(sponsor, world):
    for n, state in enumerate(("held", "held", "skipped", "canceled")):
        Review.objects.create(
            program=world.program, period=f"2025-0{n + 1}-01", starts_at=NOW - timedelta(weeks=6 * (n + 1)),
            minutes=30, zone="Europe/Riga", uid=f"u{n}", state=state, created_at=NOW,
        )  # fmt: skip
    assert "2 reviews held, 1 did not take place." in words(sponsor.get(LIST))
    with time_machine.travel(NOW + timedelta(days=300), tick=False):
        sponsor.force_login(world.sam)
        assert "No review is to come." in words(sponsor.get(LIST))


def test_asks_open_late_and_closed(sponsor, world, coming):
    raise_ask(coming, "Free a sprint", NOW, of=world.gina, due=date(2026, 3, 10))
    raise_ask(coming, "Settle who owns it", NOW, of=world.alice, due=date(2026, 4, 1))
    close(raise_ask(coming, "Tell everybody", NOW), "kept", NOW, outcome="told in March")
    said = words(sponsor.get(LIST))
    assert "Late: Free a sprint Gina · was due 10 Mar" in said
    assert "Settle who owns it Alice · by 1 Apr" in said
    assert "What became of earlier asks Kept: Tell everybody told in March" in said
    assert "Asks raised here" in words(sponsor.get(f"/reviews/{coming.pk}/"))
    other = Review.objects.create(
        program=world.program, period="2026-01-20", starts_at=NOW - timedelta(weeks=7), minutes=30,
        zone="Europe/Riga", uid="u", state="held", created_at=NOW,
    )  # fmt: skip
    said = words(sponsor.get(f"/reviews/{other.pk}/"))
    assert "Still open from other reviews Late: Free a sprint" in said
    assert "Tell everybody" not in said


def test_nothing_scheduled_says_how(sponsor, world):
    Review.objects.all().delete()
    assert "The first review is not in the calendar yet." in words(sponsor.get(LIST))
    Program.objects.update(review_every="")
    said = words(sponsor.get(LIST))
    assert "No review is scheduled." in said
    assert "review: {every: 6 weeks" in said


def test_queries_are_constant(sponsor, world, coming, django_assert_num_queries, django_assert_max_num_queries):
    raise_ask(coming, "One", NOW, of=world.gina)
    sponsor.get(LIST)
    with django_assert_max_num_queries(12) as few:
        sponsor.get(LIST)
    for n in range(9):
        one = Review.objects.create(
            program=world.program, period=f"p{n}", starts_at=NOW - timedelta(weeks=n + 1), minutes=30,
            zone="Europe/Riga", uid=f"u{n}", state="held", created_at=NOW,
        )  # fmt: skip
        Brief.objects.create(review=one, frozen_at=NOW, content={"headline": f"Headline {n}"})
        raise_ask(one, f"Ask {n}", NOW, of=world.alice)
    with django_assert_num_queries(len(few)):
        assert "Headline 8" in words(sponsor.get(LIST))


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.django_db(transaction=True)
def test_it_prints_on_one_page(live_server, page):
    now = datetime.now(UTC)
    made = settle(now=now - timedelta(days=1))
    ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    judge_due(now)
    one = Review.objects.create(
        program=made.program, period="x", starts_at=now + timedelta(days=1), minutes=30, zone="Europe/Riga", uid="u",
        created_at=now,
    )  # fmt: skip
    freeze_due(now + timedelta(hours=1))
    assert Brief.objects.filter(review=one).exists()
    page.goto(f"{live_server.url}/sign-in/?next=/reviews/{one.pk}/")
    page.fill("#username", "sam@example.com")
    page.fill("#password", "correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/reviews/{one.pk}/")  # all of it: sign-in's own address names it too
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 400})  # A4 with margins of a centimeter: 718 × 1047
    assert page.evaluate("document.documentElement.scrollHeight") <= 1047
