"""The brief when things change: what blocks, slips, new rulers and terms, who is asked, and the first of all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from nudges.models import Delivery, Experiment, Lot
from nudges.policy import RULES, name_of
from program.feeds.registry import KINDS
from program.models import Metric, MetricVersion, Program
from reviews import asks, brief, nudge_sentences, schedule
from reviews.evidence import collect
from reviews.models import Review
from teams.answering import answer
from teams.boards import totals
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal, GoalTerms, Membership, Standing, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, settle
from tests.reviews.by_hand import by_hand
from tests.reviews.conftest import SPRING, content

WINTER = datetime(2022, 12, 22, 9, 0, tzinfo=UTC)


def test_of_several_metrics_a_gain_names_its_own_and_of_a_sum_it_is_less(db):
    world = settle()
    rows = "findings,api,x,2026-01-01,40,\nfindings,api,x,2026-03-10,38,\ntyped-functions,api,a.py,2026-03-10,9,10\n"
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    schedule.schedule(NOW)
    found = collect(Review.objects.get(state="scheduled"), NOW)
    goal = Goal.objects.get(team=world.api, metric=world.findings)
    assert found.reaches == {goal.pk: pytest.approx(goal.standings.get().expected)}
    (leader,) = brief.compose(found).leaders
    assert leader.gains == (
        "With Api back on its path, Security findings of all teams together would be at 35.9 findings instead of 38 findings."
    )


def test_what_blocks_a_team_stands_with_its_leader_and_a_priority_of_the_sponsor_is_a_decision(play):
    def blocked(team, words, needs, day=date(2023, 1, 9)):
        goal = Goal.objects.get(program__key="typing", team__key=team)
        lead = Membership.objects.get(team__key=team, role="lead").user
        answer(goal, "blocked", by=lead, now=WINTER, via="mail", until=day, words=words, needs=needs)

    play.until(WINTER)
    review = Review.objects.select_related("program__sponsor").get(period="2022-12-27", program__key="typing")
    before = brief.compose(collect(review, WINTER))
    assert [one.blocked for one in before.leaders] == [[] for _ in before.leaders]
    ruth = User.objects.get(name="Ruth Adeyemi")
    blocked("accounts", "the schema freeze", ruth)
    blocked("payments", "a release", review.program.sponsor, date(2023, 1, 16))
    blocked("front", "nothing to speak of", None, date(2022, 12, 23))
    after = brief.compose(collect(review, WINTER + timedelta(days=1)))
    lines = {one.leader: one.blocked for one in after.leaders}
    assert lines["Ruth Adeyemi"] == [
        "Accounts is blocked on Functions with full annotations until 9 Jan 2023: “the schema freeze”. It needs Ruth"
        " Adeyemi’s priority.",
        "Payments is blocked on Functions with full annotations until 16 Jan 2023: “a release”. It needs your priority.",
    ]
    assert "What comes first? Payments needs your priority for what blocks them." in after.decisions
    schedule.schedule(WINTER)


def test_nothing_is_asked_about_a_goal_that_its_lot_leaves_alone(play):
    play.until(SPRING - timedelta(days=1))
    goal = Goal.objects.get(program__key="typing", team__key="lib", ended_on=None)
    day = (SPRING - timedelta(days=27)).date()
    drawn = Experiment.objects.create(
        program=goal.program, seed=1, share=0.2, first_day=day, last_day=day + timedelta(days=55), started_at=SPRING
    )
    Lot.objects.create(
        experiment=drawn, goal=goal, stratum="s", place=0, held_out=True, drawn_on=day, gap=0.2
    )  # fmt: skip
    review = Review.objects.get(period="2023-03-21", program__key="typing")
    found = collect(review, SPRING)
    assert "lib" not in {team.key for leader in found.leaders for team in leader.teams_asked}
    assert found.goals.counts["behind"] == 5
    drawn.ended_at = SPRING
    drawn.save()
    assert "lib" in {team.key for leader in collect(review, SPRING).leaders for team in leader.teams_asked}


def test_slips_since_the_last_brief_and_missing_data_are_no_surprise(play):
    play.until(WINTER)
    said = content("2022-12-27")
    assert said["headline"].endswith("4 of 8 teams are behind, 2 slipped since the last brief.")
    assert [one["text"] for one in said["surprises"]] == [
        "Api slipped off its path on Functions with full annotations: 11 %, path 19 %.",
        "Front slipped off its path on Functions with full annotations: 16 %, path 18 %.",
        "Functions with full annotations has no data for Integrations and Logs; nobody is nudged for it.",
    ]
    assert said["verdict"] == (
        "Functions with full annotations went from 8 % at the last brief (10 Nov) to 11 %; its path asks for 20 %."
    )


def test_who_slipped_and_who_came_back_since_the_last_brief_is_told_though_it_was_months_ago(play):
    play.until(SPRING - timedelta(days=1))
    then = Standing.objects.filter(goal__program__key="typing", day=date(2023, 2, 2))
    then.filter(goal__team__key="lib").update(status="on track")
    then.filter(goal__team__key="core").update(status="behind")
    play.tick(SPRING)
    said = content("2023-03-21")
    assert (
        said["surprises"][0]["text"] == "Lib slipped off its path on Functions with full annotations: 21 %, path 43 %."
    )
    assert said["verdict"].endswith("; its path asks for 33 %; 1 goal came back to the path.")
    assert [goal["slipped"] for goal in said["leaders"][1]["goals"]] == [True, False]


def test_the_first_brief_compares_with_the_start(play):
    play.until(datetime(2022, 9, 29, 9, 0, tzinfo=UTC))
    said = content("2022-10-04")
    assert (said["since"], said["asked"]) == (
        "the start (1 Sep)",
        "This is the first review: nothing was asked before.",
    )
    assert said["metrics"][0]["numbers"]["then"] == pytest.approx(by_hand(date(2022, 9, 1))[0])
    assert {one["then"] for one in said["counts"]} == {None}


def test_rollout_nudges_and_addresses(play, mail_server):
    User.objects.filter(email="ana@demo.example").update(address_suspended_reason="550 no such user")
    play.until(WINTER, mails=True)
    said = content("2022-12-27")
    assert said["waves"] == [
        "pilot (2 teams, since 5 Sep)",
        "everyone (6 teams, since 27 Oct)",
    ]
    assert said["nudges"] == (
        "3 nudges in 3 mails since the last brief. "
        "Teams acted within two weeks on 0 of the 3 that are old enough to know."
    )
    assert "the address does not work" in said["withheld"]
    assert said["addresses"] == "Ana Torres cannot be reached: 550 no such user."
    sent = Delivery.objects.filter(kind__in=("invite", "brief"), program__key="typing", key__contains="2022-12-27")
    assert sorted(sent.values_list("kind", "person__name", "state")) == sorted(
        (kind, name, "sent")
        for kind in ("invite", "brief")
        for name in ("Vera Lindqvist", "Olga Berzina", "Mark Okafor")
    )


def test_every_rule_that_withholds_has_words_for_a_sponsor():
    assert set(nudge_sentences.WITHHELD) == {name_of(rule) for rule in RULES}


def test_what_became_of_the_asks(play):
    play.until(datetime(2022, 11, 21, 9, tzinfo=UTC))
    review = Review.objects.get(period="2022-11-15", program__key="typing")
    at, ruth = datetime(2022, 11, 15, 9, tzinfo=UTC), User.objects.get(email="ruth@demo.example")
    kept = asks.raise_ask(review, "Free Chen for two weeks", at, of=ruth, due=date(2022, 12, 9))
    asks.raise_ask(review, "Move the billing rewrite", at, of=ruth, due=date(2022, 12, 16))
    asks.raise_ask(review, "Say in the all-hands that typing counts", at)
    asks.close(kept, "kept", datetime(2022, 12, 9, 9, tzinfo=UTC), outcome="Nine days.")
    play.until(WINTER)
    said = content("2022-12-27")
    assert said["asked"] == "Of 3 asks: 2 open and 1 kept."
    assert [(one["state"], one["text"], one["of"], one["due"], one["outcome"]) for one in said["past_asks"]] == [
        ("past its day", "Move the billing rewrite", "Ruth Adeyemi", "16 Dec", ""),
        ("open", "Say in the all-hands that typing counts", "", "", ""),
        ("kept", "Free Chen for two weeks", "Ruth Adeyemi", "9 Dec", "Nine days."),
    ]
    assert "1 ask is past its day: keep, move or drop?" in said["decisions"]
    play.until(datetime(2023, 2, 2, 9, tzinfo=UTC))
    assert [one["text"] for one in content("2023-02-07")["past_asks"]] == [
        "Move the billing rewrite", "Say in the all-hands that typing counts",
    ]  # fmt: skip


def test_a_new_ruler_is_said_and_nothing_is_subtracted_across_it(play):
    play.until(datetime(2022, 11, 21, 9, tzinfo=UTC))
    metric = Metric.objects.get(key="typed-functions")
    old = MetricVersion.objects.get(metric=metric)
    MetricVersion.objects.filter(pk=old.pk).update(current=False)
    MetricVersion.objects.create(
        metric=metric, number=2, direction="up", aggregation="ratio", unit="%",
        opened_at=datetime(2022, 12, 1, 9, tzinfo=UTC),
    )  # fmt: skip
    play.take(date(2022, 11, 21))
    play.waiting.clear()
    play.until(WINTER)
    said = content("2022-12-27")
    assert any(
        one["text"] == "We changed the ruler on 1 Dec: Functions with full annotations is computed in a new way, "
        "so its numbers do not compare with those before."
        for one in said["surprises"]
    )
    assert [(line["then"], line["change"]) for line in said["metrics"] if not line["guardrail"]] == [("", "")]
    assert {one["status"]: one["now"] for one in said["counts"]}["stale"] == 6


def test_exemptions_and_new_terms_are_told(play):
    play.until(datetime(2022, 12, 12, 9, tzinfo=UTC))
    at = datetime(2022, 12, 1, 9, tzinfo=UTC)
    goal = Goal.objects.get(program__key="typing", team__key="payments")
    until = date(2023, 1, 15)
    Exemption.objects.create(
        goal=goal, from_day=date(2022, 12, 1), until_day=until, reason="billing freeze", asked_at=at, approved_at=at
    )
    other = Goal.objects.get(program__key="typing", team__key="lib")
    Exemption.objects.create(goal=other, from_day=until, until_day=until, reason="move", asked_at=at)
    terms = GoalTerms.objects.get(goal=other)
    terms.pk, terms.effective_from, terms.set_at, terms._state.adding = None, date(2022, 12, 2), at, True
    terms.save()
    Standing.objects.filter(day__gt=date(2022, 12, 1)).delete()
    Goal.objects.update(judged_on=None)
    play.until(WINTER)
    said = content("2022-12-27")
    assert [one["text"] for one in said["surprises"] if one["kind"] in ("exemption", "terms")] == [
        "1 goal got other terms or a new baseline since the last brief.",
        "Lib asks to be exempt from Functions with full annotations until 15 Jan 2023: move.",
        "Payments is exempt from Functions with full annotations until 15 Jan 2023: billing freeze.",
    ]
    assert {one["status"]: one["now"] for one in said["counts"]}["exempt"] == 1


def test_overdue_goals_ask_for_a_new_day(play):
    GoalTerms.objects.filter(goal__program__key="typing").update(due=date(2022, 12, 1))
    play.until(WINTER)
    said = content("2022-12-27")
    assert said["leaders"][0]["ask"].startswith(
        "Accounts was due on 1 Dec: agree on a new day, and make room in Accounts for "
    )
    assert said["leaders"][0]["goals"][0]["due"] == "1 Dec"
    assert any(one.endswith("goals are past the due day: new days, or no goals?") for one in said["decisions"])


def test_where_nobody_leads_the_ask_is_for_a_name(play):
    Membership.objects.filter(team__key__in=("platform", "product", "engineering")).delete()
    play.until(WINTER)
    (leader,) = content("2022-12-27")["leaders"]
    assert (leader["leader"], leader["groups"], leader["more"]) == ("Nobody yet", "", 1)
    assert leader["ask"] == "Name who looks after Accounts, Api and Lib: no group above has a lead."


def test_the_sponsor_who_leads_is_addressed_directly(play):
    Membership.objects.filter(team__key__in=("platform", "product")).delete()
    play.until(WINTER)
    (leader,) = content("2022-12-27")["leaders"]
    assert (leader["leader"], leader["groups"]) == ("You", "Engineering")


def test_held_goals_are_told_and_not_asked_about(play):
    play.until(WINTER - timedelta(days=2))
    play.take(WINTER.date())
    judge_due(WINTER)
    Standing.objects.filter(goal__program__key="typing", goal__team__key="lib", day=WINTER.date()).update(held=True)
    schedule.schedule(WINTER)
    said = brief.compose(collect(Review.objects.get(period="2022-12-27", program__key="typing"), WINTER))
    assert "Nudges rest while the numbers are in question: Lib (Functions with full annotations)." in [
        one.text for one in said.surprises
    ]
    assert "Lib" not in [goal.team for leader in said.leaders for goal in leader.goals]


def test_a_program_without_numbers_says_so(play):
    Goal.objects.filter(program__key="typing").update(metric=Metric.objects.create(key="x", name="X", fresh_for=9))
    version = MetricVersion.objects.create(
        metric=Metric.objects.get(key="x"), number=1, direction="up", aggregation="ratio", opened_at=WINTER
    )
    GoalTerms.objects.filter(goal__program__key="typing").update(metric_version=version)
    play.tick(WINTER)
    said = content("2022-12-27")
    assert said["headline"] == "Nothing is measured yet: 8 teams wait for their first numbers."
    assert said["verdict"] == "There are no numbers to judge by."
    assert said["leaders"] == []


def test_the_number_of_queries_does_not_depend_on_the_number_of_teams(play):
    play.until(WINTER)
    whole = Review.objects.select_related("program__sponsor")
    review = whole.get(period="2022-12-27", program__key="typing")
    few = queries(review)
    group, goal = Team.objects.get(key="product"), Goal.objects.get(program__key="typing", team__key="accounts")
    terms, standing = GoalTerms.objects.get(goal=goal), Standing.objects.get(goal=goal, day=WINTER.date())
    for n in range(40):
        above = Team.objects.create(key=f"group-{n}", name=f"Group {n}", parent=group, leaf=False)
        Membership.objects.create(team=above, user=User.objects.named(f"lead-{n}@demo.example"), role="lead")
        team = Team.objects.create(key=f"copy-{n}", name=f"Copy {n}", parent=above)
        for row, fields in ((goal, {"team": team}), (terms, {"goal": goal}), (standing, {"goal": goal})):
            row.pk, row._state.adding = None, True
            for name, value in fields.items():
                setattr(row, name, value)
            row.save()
    assert queries(review) == few <= 49
    said = brief.compose(collect(review, WINTER))
    assert len(said.leaders) == 6
    assert said.more_leaders == "36 more leaders with 37 goals behind: see the program’s page."


def queries(review: Review) -> int:
    with CaptureQueriesContext(connection) as found:
        brief.compose(collect(review, WINTER))
    return len(found)


def test_a_guardrail_stands_beside_the_metrics_with_what_it_was(play):
    Program.objects.filter(key="typing").update(guardrails=["documented-api"])
    play.until(SPRING)
    lines = content("2023-03-21")["metrics"]
    assert [(line["key"], line["guardrail"]) for line in lines] == [
        ("typed-functions", False),
        ("documented-api", True),
    ]
    line = lines[1]
    total = totals(Program.objects.get(goal_rules__metric__key="documented-api"), date(2023, 3, 16))[0]
    assert line["numbers"]["value"] == pytest.approx(total.value)
    assert (line["as_of"], line["numbers"]["as_of"], line["expected"]) == ("1 Mar", "2023-03-01", "")
    assert line["numbers"]["then"] == content("2023-02-07")["metrics"][1]["numbers"]["value"]
