"""Trust: failing feeds, sudden moves and disputes hold standings and nudges; versions, re-baselines; owners told once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from nudges import delivery, trouble
from nudges.models import Delivery, Trouble
from program.feeds.registry import KINDS
from program.models import Feed, MetricVersion
from teams import trust
from teams.apply.files import apply_text
from teams.ingest import Origin, Refused, ingest, of_feed
from teams.models import Dispute, Hold, Standing
from teams.scorecards import facts
from teams.standings import judge_due
from teams.trust_panel import panel, rebaseline
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
FEED = (
    TYPING
    + """
feeds:
  - {key: ci, name: The build, metrics: [findings], source: acme/app}
"""
)


def measure(value: int, day: date, now=NOW) -> None:
    line = f"{HEADER}findings,api,a.py,{day},{value},\n"
    ingest(line.encode(), Origin("file", "x.csv", KINDS["csv"]), now)


def findings(world) -> Standing:
    return Standing.objects.get(goal=world.goal(world.api, world.findings), day=NOW.date())


def steady(until: date) -> None:
    for n in range(8, 0, -1):
        measure(40 + n % 2, until - timedelta(weeks=n))


def test_a_sudden_move_is_held_until_its_owner_confirms_it_or_a_newer_one_is_no_such_move():
    world = settle()
    today = NOW.date()
    steady(today)
    judge_due(NOW)
    assert findings(world).held is False
    measure(400, today)
    held = findings(world)
    assert held.held is True
    assert held.status == "behind"
    assert held.reason == "the value moved from 41 to 400 on 16 Mar 2026, far more than it ever does"
    hold = Hold.objects.get()
    trust.confirm(hold, world.tess, NOW)
    judge_due(NOW)
    assert findings(world).held is False
    measure(401, today)
    assert (findings(world).held, Hold.objects.filter(until=None).count()) == (False, 0)


def test_a_newer_value_without_such_a_move_ends_it():
    world = settle()
    steady(NOW.date() - timedelta(days=1))
    measure(400, NOW.date() - timedelta(days=1))
    assert Hold.objects.get().until is None
    measure(402, NOW.date())
    assert Hold.objects.get().until == NOW
    assert findings(world).held is False


def test_nothing_is_sudden_where_the_metric_does_not_ask():
    world = settle(TYPING.replace("fresh_for: 30d}", "fresh_for: 30d, sudden: 0}"))
    steady(NOW.date())
    measure(400, NOW.date())
    assert (Hold.objects.count(), findings(world).held) == (0, False)


def test_a_dispute_holds_the_teams_goal_and_its_answer_lets_it_go_on():
    world = settle()
    measure(30, date(2026, 3, 1))
    measure(30, NOW.date())
    made = trust.dispute(world.findings, world.api, text="half of them are fixed", by=world.alice, now=NOW, value=30.0)
    judge_due(NOW)
    assert findings(world).held is True
    assert findings(world).reason == "somebody says that the number is wrong (16 Mar 2026)"
    assert facts(world.api, NOW.date(), NOW.date())["goals"][0]["held"] is True
    later = NOW + timedelta(hours=5)
    assert trust.answer(made, what="right", text="the linter was updated", by=world.tess, now=later)
    assert not trust.answer(made, what="wrong", text="", by=world.pam, now=later)
    judge_due(later)
    assert findings(world).held is False
    shown = panel(world.findings, later, Feed.objects.all())
    assert (shown.hours_to_answer, len(shown.disputes), Dispute.objects.get().answer) == (5.0, 0, "right")


def test_a_failing_feed_holds_its_metrics_and_says_so_once(settings):
    world = settle(FEED)
    measure(30, NOW.date())
    feed = Feed.objects.get(key="ci")
    for _ in range(3):
        with pytest.raises(Refused):
            ingest(b"nonsense", of_feed(feed, KINDS["csv"], came_from="ci"), NOW)
    judge_due(NOW)
    assert (findings(world).held, findings(world).reason) == (True, "the feed ci is failing since 16 Mar 2026")
    assert (feed.failures, Hold.objects.count()) == (3, 1)
    assert panel(world.findings, NOW, Feed.objects.all()).refused == 3
    assert trouble.plan(NOW) == 2
    assert trouble.plan(NOW + timedelta(minutes=1)) == 0
    assert {row.address for row in Delivery.objects.filter(kind="trouble")} == {"tess@example.com", "pam@example.com"}
    assert Trouble.objects.count() == 2


def test_the_mail_of_trouble_says_what_and_where(mailoutbox):
    world = settle(FEED)
    trust.dispute(world.findings, world.api, text="half of them are <fixed>", by=world.alice, now=NOW)
    trouble.plan(NOW)
    row = Delivery.objects.filter(kind="trouble", address="tess@example.com").get()
    trouble.prefetch([row], NOW)
    assert trouble.still_wanted(row, NOW) is None
    words = trouble.render(row, NOW)
    assert words.subject == "Security findings of Api: “this number is wrong”"
    assert "half of them are <fixed>" in words.text
    assert "half of them are &lt;fixed&gt;" in words.html
    assert "/metrics/findings/" in words.text
    assert "You get this because you run Every function typed." in words.text
    trust.answer(Dispute.objects.get(), what="right", text="", by=world.tess, now=NOW)
    trouble.prefetch([row], NOW)
    assert trouble.still_wanted(row, NOW) == "it was settled before it was told"


def test_trouble_waits_for_working_hours_and_passes_over_who_is_away():
    world = settle(FEED)
    world.pam.absent_from = world.pam.absent_until = NOW.date()
    world.pam.save()
    trust.dispute(world.findings, world.api, text="no", by=world.alice, now=NOW)
    night = NOW.replace(hour=3)
    assert trouble.plan(night) == 0
    assert trouble.plan(NOW) == 1
    assert delivery is not None


def test_another_query_is_another_version_and_its_goals_ask_to_be_rebaselined():
    prometheus = (
        TYPING
        + """
feeds:
  - key: errors
    name: Errors
    kind: prometheus
    every: 1h
    measures: {errors: findings}
    settings: {url: "https://prometheus.example.com", queries: {errors: "sum(errors)"}, team: team}
"""
    )
    world = settle(prometheus)
    version = world.findings.versions.get()
    assert version.query == {"errors": {"measures": ["errors"], "queries": {"errors": "sum(errors)"}}}
    apply_text(prometheus.replace("https://prometheus", "https://elsewhere"), now=NOW, via="test")
    assert world.findings.versions.count() == 1
    measure(30, NOW.date())
    judge_due(NOW)
    later = NOW + timedelta(days=1)
    apply_text(prometheus.replace("sum(errors)", "sum(errors > 1)"), now=later, via="test")
    current = world.findings.versions.get(current=True)
    assert (current.number, current.query["errors"]["queries"]) == (2, {"errors": "sum(errors > 1)"})
    judge_due(later)
    goal = world.goal(world.api, world.findings)
    standing = Standing.objects.get(goal=goal, day=later.date())
    assert standing.status == "stale"
    shown = panel(world.findings, later, Feed.objects.all())
    assert (shown.outdated_goals, shown.version.number) == (1, 2)
    before = list(Standing.objects.filter(day=NOW.date()).values())
    assert rebaseline(world.findings, by=world.tess, reason="the old query counted twice", now=later) == 1
    measure(12, later.date(), later)
    judge_due(later)
    standing.refresh_from_db()
    assert (standing.value, standing.baseline, standing.target) == (12.0, 12.0, 6.0)
    assert list(Standing.objects.filter(day=NOW.date()).values()) == before
    assert panel(world.findings, later, Feed.objects.all()).outdated_goals == 0
    assert MetricVersion.objects.filter(metric=world.findings).count() == 2
