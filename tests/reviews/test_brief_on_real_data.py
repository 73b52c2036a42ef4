"""The brief on the real measurements of healthchecks: its numbers computed a second way, its words as a sponsor reads them."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import F

from accounts.models import User
from demo.shift import DATA
from program.models import Feed, MetricVersion, Program
from reviews import asks, brief, corrections, pictures, priorities
from reviews.content import LeaderAsk
from reviews.evidence import collect
from reviews.models import Ask, Brief, Priority, Pulse, Review
from teams import trust
from teams.boards import board, totals
from teams.models import Goal, Snapshot, Source, Standing
from tests.reviews.by_hand import by_hand
from tests.reviews.conftest import SPRING, content

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("spring")]


def test_the_totals_add_numerators_and_denominators(spring):
    value, expected = by_hand(date(2023, 3, 16))
    line, _guardrail = content("2023-03-21")["metrics"]
    assert line["numbers"]["value"] == pytest.approx(value, rel=1e-12)
    assert line["numbers"]["expected"] == pytest.approx(expected, rel=1e-12)
    assert (line["value"], line["expected"], line["gap"], line["target"], line["due"]) == (
        "12 %", "33 %", "21 points", "90 %", "1 Mar 2024",
    )  # fmt: skip
    assert (line["as_of"], line["numbers"]["as_of"], line["numbers"]["version"]) == ("1 Mar", "2023-03-01", 1)


def test_it_is_frozen_at_nine_of_the_third_working_day_before(spring):
    frozen = Brief.objects.get(review__period="2023-03-21", review__program__key="typing")
    assert frozen.frozen_at == SPRING
    assert (frozen.content["on"], frozen.content["when"], frozen.content["minutes"]) == (
        "2023-03-16", "Tue 21 Mar 2023, 10:00 (Europe/Riga)", 30,
    )  # fmt: skip


def test_first_line_verdict_and_counts(spring):
    said = content("2023-03-21")
    assert said["headline"] == (
        "Functions with full annotations is at 12 %, 21 points behind its path; 5 of 8 teams are behind."
    )
    assert said["subject"] == "Every function typed: 21 points behind its path, cancel it? (review on Tue 21 Mar)"
    assert said["verdict"] == (
        "Functions with full annotations hardly moved since the last brief (2 Feb): 12 %, less than 0.1 points down; "
        "its path asks for 33 %."
    )
    assert said["effect"] == "No effect of the program is shown."
    assert [(one["name"], one["guardrail"], one["verdict"]) for one in said["effects"]] == [
        ("Functions with full annotations", False, "not shown"),
        ("Public functions and classes with a docstring", True, "not shown"),
    ]
    assert said["effects"][0]["said"] == (
        "9 points better (between −10 and 28 points): 12 % on 1 Mar, 2 % before it began, and it would have been 3 % "
        "without it. By 6 teams against their own past."
    )
    assert said["finish"] == (
        "2.3 closed and 0.7 new a week: at this pace the last team is done in August 2028 (August 2025 at the "
        "earliest; it may never finish); the program ends on 30 May 2024."
    )
    assert said["question"] == (
        "Its own criterion has come true: stop if the typed share rises by less than 5 points in two reviews. Functions "
        "with full annotations: +2 points since 22 Dec 2022. After 4 reviews this program is not shown to work: should "
        "it be canceled?"
    )
    assert said["recommendation"] == "cancel: its charter says so."
    assert [(one["status"], one["now"], one["then"]) for one in said["counts"]] == [
        ("behind", 5, 5), ("no data", 2, 2), ("on track", 1, 1),
    ]  # fmt: skip


def test_counts_and_totals_are_those_of_the_program_page(spring):
    program = Program.objects.get(key="typing")
    on = date(2023, 3, 16)
    page, said = board(program, on, on), content("2023-03-21")
    assert {one["status"]: one["now"] for one in said["counts"]} == {s: n for s, n in page.counts.items() if n}
    assert [line["numbers"]["value"] for line in said["metrics"] if not line["guardrail"]] == [
        total.value for total in totals(program, on)
    ]


def test_the_asks_by_leader_worst_first_with_the_item_that_brings_them_back(spring):
    leaders = content("2023-03-21")["leaders"]
    assert [(one["leader"], one["groups"], one["behind"], one["ask"]) for one in leaders] == [
        (
            "Ruth Adeyemi", "Product", "3 of 4 teams behind",
            "Make room in Accounts for 1 item: hc/accounts/models.py, 40 to do. It alone brings the team back to its path.",
        ),
        (
            "Paolo Greco", "Platform", "2 of 4 teams behind",
            "Make room in Lib for 1 item: hc/lib/emails.py, 13 to do. It alone brings the team back to its path.",
        ),
    ]  # fmt: skip
    assert [
        (goal["team"], goal["value"], goal["expected"], goal["item"], goal["size"]) for goal in leaders[0]["goals"]
    ] == [
        ("Accounts", "0 %", "32 %", "", ""),
        ("Payments", "0 %", "32 %", "hc/payments/models.py", "19 to do"),
        ("Front", "20 %", "32 %", "hc/front/views.py", "71 to do"),
    ]
    assert [(goal["team_key"], goal["value"], goal["expected"]) for goal in leaders[1]["goals"]] == [
        ("lib", "21 %", "43 %"), ("api", "12 %", "33 %"),
    ]  # fmt: skip


def test_what_an_ask_gains_is_told_in_the_metrics_unit(spring):
    def measured(team: str) -> tuple[float, float]:
        rows = [row for row in told if row["team"] == team and row["as_of"] <= "2023-03-16"]
        newest = [row for row in rows if row["as_of"] == max(row["as_of"] for row in rows)]
        return sum(float(row["numerator"]) for row in newest), sum(float(row["denominator"]) for row in newest)

    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        told = [row for row in csv.DictReader(lines) if row["metric"] == "typed-functions"]
    value, _ = by_hand(date(2023, 3, 16))
    every = sum(measured(team)[1] for team in {row["team"] for row in told})
    after = {}
    for team, path in (("accounts", 0.32), ("lib", 0.43)):
        had, of = measured(team)
        after[team] = value + (path - had / of) * of / every
    product, platform = [one["gains"] for one in content("2023-03-21")["leaders"]]
    assert product == (
        f"With Accounts back on its path, all teams together would be at {after['accounts'] * 100:.0f} % instead of 12 %."
        " 3 of the 5 goals that are behind hang on Ruth Adeyemi."
    )
    assert platform == (
        f"With Lib back on its path, all teams together would be at {after['lib'] * 100:.0f} % instead of 12 %."
        " 2 of the 5 goals that are behind hang on Paolo Greco."
    )


def test_what_is_corrected_later_stands_beside_the_number_and_the_brief_stays(spring):
    frozen = Brief.objects.get(review__period="2023-03-21", review__program__key="typing")
    kept = frozen.content["metrics"][0]["numbers"]
    assert corrections.since(frozen.content, corrections.of_its_day(frozen)) == {}
    source = Source.objects.get(metric_version__metric__key="typed-functions", team__key="accounts")
    Snapshot.objects.filter(source=source, as_of="2023-03-01").update(numerator=F("denominator"))
    told = corrections.since(frozen.content, corrections.of_its_day(frozen))
    assert told == {"typed-functions": "since corrected: 31 % on that day"}
    assert totals(spring.typing, date(2023, 3, 16))[0].value == pytest.approx(197 / 628)  # 77, and 120 of accounts
    frozen.refresh_from_db()
    assert frozen.content["metrics"][0]["numbers"] == kept
    MetricVersion.objects.filter(metric__key="typed-functions").update(number=2)
    assert corrections.since(frozen.content, corrections.of_its_day(frozen)) == {}


def test_the_picture_has_the_totals_points_as_they_were(spring):
    line, _guardrail = content("2023-03-21")["metrics"]
    assert [point[0] for point in line["chart"]] == [f"2022-{month:02}-01" for month in range(9, 13)] + [
        "2023-01-01", "2023-02-01", "2023-03-01",
    ]  # fmt: skip
    assert line["chart"][-1][1:] == pytest.approx([line["numbers"]["value"], by_hand(date(2023, 3, 1))[1]])
    drawn = pictures.drawn(line)
    assert len(drawn.value.split()) == len(drawn.path.split()) == 7
    assert drawn.last == tuple(drawn.value.split()[-1].split(","))
    assert drawn.told == (
        "Functions with full annotations from 1 Sep 2022 to 1 Mar 2023: "
        "the value as a strong line, its path as a thin one"
    )
    assert pictures.drawn(line | {"chart": line["chart"][:1]}) is None


def test_open_disputes_and_failing_feeds_are_no_surprise_to_the_sponsor(spring):
    goal = Goal.objects.get(team__key="lib", metric__key="typed-functions")
    trust.dispute(goal.metric, goal.team, text="it counts tests", by=None, now=SPRING)
    feed = Feed.objects.create(key="ci", name="CI", program=spring.typing, failures=3, failing_since=SPRING)
    review = Review.objects.get(period="2023-03-21", program__key="typing")
    found = {one.kind: one.text for one in brief.compose(collect(review, SPRING)).surprises}
    assert found["dispute"] == (
        "Lib disputes Functions with full annotations since 16 Mar: “it counts tests”. Nobody has answered yet."
    )
    assert found["feed"] == f"The feed {feed.name} brings nothing since 16 Mar; its last numbers stand."


def test_decisions(spring):
    assert content("2023-03-21")["decisions"] == [
        "Stop it, as its charter says, or say why it goes on?",
        "Agree to the 2 asks above, or say what comes first.",
    ]
    Program.objects.filter(key="typing").update(stop_if="nobody asks for it any more")
    review = Review.objects.select_related("program").get(program__key="typing", period="2023-03-21")
    assert brief.compose(collect(review, SPRING)).decisions == [
        "Cancel it, or say what will be done otherwise?",
        "Agree to the 2 asks above, or say what comes first.",
        "The charter says: stop if nobody asks for it any more. "
        "Functions with full annotations: less than 0.1 points down since the last brief (2 Feb).",
    ]


def test_what_was_asked_before_for_the_same_goal_is_said_when_it_is_asked_again(spring):
    review = Review.objects.select_related("program").get(program__key="typing", period="2023-03-21")
    leader = next(one for one in content("2023-03-21")["leaders"] if one["leader"] == "Paolo Greco")
    paolo, goal = User.objects.get(pk=leader["person"]), leader["goal_ids"][0]
    earlier = Review.objects.get(program__key="typing", period="2023-02-07")
    first = asks.raise_ask(earlier, "Make room", datetime(2023, 2, 7, 9, tzinfo=UTC), of=paolo, goals=[goal])
    asks.raise_ask(earlier, "Other room", datetime(2023, 2, 7, 9, tzinfo=UTC), of=paolo, goals=leader["goal_ids"][1:])

    def asked() -> LeaderAsk:
        return next(one for one in brief.compose(collect(review, SPRING)).leaders if one.leader == "Paolo Greco")

    # While it is open nobody is asked for the same a second time.
    assert asked().history == ["Asked before, on 7 Feb (open): keep, move or drop that one rather than ask again."]
    assert asked().proposal == ""
    asks.close(first, "kept", datetime(2023, 3, 1, 9, tzinfo=UTC))
    asks.raise_ask(earlier, "Again", datetime(2023, 3, 2, 9, tzinfo=UTC), of=paolo, goals=[goal])
    assert asked().history == [
        "Asked 2 times before, on 7 Feb (kept) and 2 Mar (open): keep, move or drop that one rather than ask again."
    ]
    asks.close(Ask.objects.get(text="Again"), "missed", datetime(2023, 3, 3, 9, tzinfo=UTC))
    assert asked().history == ["Asked 2 times before, on 7 Feb (kept) and 2 Mar (missed): it is behind still."]
    assert asked().proposal.startswith(f"leader:{paolo.pk}:")


def test_a_review_that_did_not_take_place_ends_no_span(spring):
    review = Review.objects.get(program__key="typing", period="2023-03-21")
    last = collect(review, SPRING).before
    assert last.review.period == "2023-02-07"
    Review.objects.filter(pk=last.review_id).update(state="skipped")
    assert collect(review, SPRING).before.review.period == "2022-12-27"


def test_what_the_sponsor_noted_stands_where_nobody_said_what_collides(spring):
    program = spring.typing
    review = Review.objects.get(program=program, period="2023-03-21")
    for text in ("Accounts is frozen for the audit", "The migration comes first"):
        priorities.note(program, text, SPRING, by=program.sponsor)

    def collisions() -> list[str]:
        return [one.collision for one in brief.compose(collect(review, SPRING)).leaders]

    assert collisions() == [
        "Vera Lindqvist noted on 16 Mar: “Accounts is frozen for the audit”. Say which of the two comes first.",
        "Vera Lindqvist noted on 16 Mar: “The migration comes first”. Say which of the two comes first.",
    ]
    for noted in Priority.objects.all():
        priorities.end(noted, SPRING, by=program.sponsor)
    nobody = "Nobody said which priority collides with it"
    assert collisions() == [f"{nobody}: ask for that."] * 2
    # What leads said in answer to the two questions is told without their names.
    said = {"review": review, "asked_at": SPRING, "answered_at": SPRING, "helps": "no"}
    for name, words in (("lena", "We are two people"), ("noor", ""), ("vera", "No lead of a team that is behind")):
        Pulse.objects.create(person=User.objects.named(f"{name}@demo.example"), in_the_way=words, **said)
    leaders = brief.compose(collect(review, SPRING)).leaders
    assert {one.leader: one.collision for one in leaders} == {
        "Ruth Adeyemi": f"{nobody}: ask for that.",
        "Paolo Greco": f"{nobody}. One of these teams’ leads said what stands in the way: by name on the page of the "
        "review.",
    }
    ana, finn = (User.objects.named(f"{name}@demo.example") for name in ("ana", "finn"))
    for person in (ana, finn):
        Pulse.objects.create(person=person, in_the_way="The freeze", **said)
    assert collisions() == [f"{nobody}. {who} said what stands in the way: by name on the page of the review."
                            for who in ("Some of these teams’ leads", "One of these teams’ leads")]  # fmt: skip


def test_later_data_changes_nothing_that_was_said(spring):
    before = {frozen.pk: frozen.content for frozen in Brief.objects.all()}
    review = Brief.objects.first().review
    Standing.objects.all().delete()
    assert brief.freeze(review, SPRING + timedelta(days=3)).content == before[review.brief.pk]
    spring.until(SPRING + timedelta(days=40))
    assert {pk: Brief.objects.get(pk=pk).content for pk in before} == before
    with pytest.raises(ValueError, match="frozen"):
        Brief.objects.first().save()


def test_only_sponsor_owners_and_administrators_see_it(spring):
    frozen = Brief.objects.filter(review__program__key="typing")
    root = User.objects.create_superuser("root@example.com")
    for name in ("vera", "olga", "mark"):
        person = User.objects.get(email=f"{name}@demo.example")
        assert set(Brief.objects.visible_to(person)) >= set(frozen)
        assert set(Review.objects.visible_to(person)) >= {one.review for one in frozen}
    assert set(Brief.objects.visible_to(root)) == set(Brief.objects.all())
    for name in ("lena", "ruth", "paolo"):
        person = User.objects.get(email=f"{name}@demo.example")
        assert not Brief.objects.visible_to(person).exists()
        assert not Review.objects.visible_to(person).exists()
