"""Notices in the digest: an exemption that ends, a team that somebody leads now, and why a new goal is the team's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from accounts.models import User
from nudges import delivery, planning
from nudges.models import Delivery, Digest, Notice, Nudge
from program.models import GoalRule, Program
from teams import answering, exempting, proposing, taking, trust
from teams.apply.files import apply_text
from teams.models import Exemption, Membership
from teams.standings import judge_due
from tests.nudges.conftest import MADE, MONDAY
from tests.people import ORG, TYPING

WEEK = timedelta(weeks=1)
BOB_LEADS = ORG.replace('lead: "user:default/alice"', "lead: bob")


def rest(play, until: date, team: str = "api", from_day: date | None = None, now: datetime = MONDAY) -> Exemption:
    """Let the team's goal on typed functions rest."""
    world = play.world
    goal = world.goal(getattr(world, team), world.typed)
    made = exempting.ask(
        goal, reason="frozen", text="a freeze", until=until, from_day=from_day, by=world.alice, now=now
    )
    exempting.approve(made, until=None, text="", by=world.tess, now=now)
    return made


def told(kind: str) -> list[tuple[str, date]]:
    rows = Notice.objects.filter(kind=kind).order_by("said_at", "pk")
    return [(row.person.email, row.digest.day) for row in rows.select_related("person", "digest")]


def newest(person: User) -> Delivery:
    return Delivery.objects.filter(person=person, kind="digest").latest("pk")


def words(row: Delivery) -> str:
    return " ".join(row.text.split())


# An exemption that ends


def test_its_end_is_said_two_weeks_ahead_once_and_never_again(play):
    play.announced()
    rest(play, date(2026, 4, 13))
    for n in range(1, 8):
        play.run(MONDAY + n * WEEK)
    assert told("exemption ending") == [("alice@example.com", date(2026, 3, 30))]
    assert sorted(row.day for row in Nudge.objects.said().filter(person=play.world.alice)) == [
        date(2026, 4, 20),
        date(2026, 4, 27),
    ]


def test_it_says_until_when_why_and_how_the_goal_would_stand(play):
    play.announced()
    rest(play, date(2026, 4, 3))
    play.run(MONDAY + WEEK)
    row = newest(play.world.alice)
    assert row.subject == "Api: the exemption on Functions with full annotations ends on 3 Apr"
    assert row.text.startswith("Api’s exemption on Functions with full annotations ends on 3 Apr 2026.")
    said = words(row)
    assert "From 4 Apr 2026 on it counts again, and today it would be behind: 17 points short of its path." in said
    assert "The reason was “frozen by agreement”." in said
    assert "next: lib/webhooks.py" in said
    assert "page: https://quality.example.com/teams/api/goals/typing/typed-functions/" in said


def test_where_another_follows_only_the_last_end_is_news(play):
    play.announced()
    rest(play, date(2026, 3, 27))
    rest(play, date(2026, 4, 17), from_day=date(2026, 3, 28))
    for n in range(1, 4):
        play.run(MONDAY + n * WEEK)
    assert told("exemption ending") == [("alice@example.com", date(2026, 4, 6))]


def test_one_that_is_to_come_or_was_taken_back_is_no_news(play):
    play.announced()
    rest(play, date(2026, 4, 3), from_day=date(2026, 3, 30))
    taken_back = rest(play, date(2026, 4, 3), team="web")
    exempting.end(taken_back, text="", by=play.world.tess, now=MONDAY + timedelta(days=1))
    play.run(MONDAY + WEEK)
    assert told("exemption ending") == []


def test_one_that_ends_early_before_the_mail_goes_is_left_out(play):
    play.announced()
    made = rest(play, date(2026, 4, 3))
    now = MONDAY + WEEK
    play.plan(now)
    exempting.end(made, text="", by=play.world.tess, now=now)
    while delivery.deliver_batch(now).more:
        pass
    row = newest(play.world.alice)
    assert (row.state, row.reason) == ("suppressed", "nothing is left to say")
    assert told("exemption ending") == [], "it may be told another time"


def test_the_weekly_budget_holds_for_notices_too(play):
    Program.objects.update(nudge_weekly_maximum=1)
    play.announced()
    rest(play, date(2026, 4, 3))
    now = MONDAY + WEEK
    digest = Digest.objects.filter(person=play.world.alice).get()
    Digest.objects.filter(pk=digest.pk).update(day=now.date())
    play.run(now)
    assert told("exemption ending") == []


# A team that somebody leads now


def lead_by_bob(play, now: datetime = MONDAY + timedelta(days=2)) -> None:
    apply_text(BOB_LEADS, now=now, via="test")


def test_a_new_lead_is_told_what_they_take_over(play):
    world = play.world
    play.announced()
    goal = world.goal(world.api, world.typed)
    proposing.propose(goal, target=0.6, due=None, reason="a rewrite", by=world.alice, now=MONDAY)
    play.measure(date(2026, 3, 14), metric="findings", api={"x": 9})
    rests = world.goal(world.api, world.findings)
    made = exempting.ask(
        rests, reason="frozen", text="", until=date(2026, 6, 30), from_day=None, by=world.alice, now=MONDAY
    )
    exempting.approve(made, until=None, text="", by=world.tess, now=MONDAY)
    taking.take(world.api, world.typed, "", "api/views.py", by=world.alice, now=MONDAY)
    trust.dispute(
        world.typed, world.api, text="generated files count", value=None, as_of=None, by=world.alice, now=MONDAY
    )
    answering.answer(
        goal, "blocked", by=world.alice, now=MONDAY, via="mail", until=date(2026, 4, 1), words="waits for the freeze",
        needs=world.gina,
    )  # fmt: skip
    lead_by_bob(play)
    play.run(MONDAY + WEEK)
    row = newest(world.bob)
    assert row.subject == "You lead Api now: 1 of 2 goals off the path"
    assert words(row).startswith(
        "You lead Api now: 1 of its 2 goals is off the path. Alice led it before you and may know"
    )
    said = words(row)
    for line in (
        "- Functions with full annotations, behind: 15 %, should be 32 % today, target 90 % by 31 Dec 2026",
        "open: 60 % was proposed and waits for an answer",
        "Alice said that it is blocked until 1 Apr: “waits for the freeze”; it needs Gina’s priority",
        "- Security findings, exempt: 9 findings",
        "open: exempt until 30 Jun 2026: frozen by agreement",
        "taken: api/views.py by Alice (Functions with full annotations)",
        "disputed: Functions with full annotations: “generated files count”",
        "You get this because you lead Api.",
    ):
        assert line in said, said
    assert told("handover") == [("bob@example.com", date(2026, 3, 23))]
    play.run(MONDAY + 2 * WEEK)
    assert len(told("handover")) == 1


def test_who_led_from_the_beginning_takes_over_nothing(play):
    play.announced()
    Membership.objects.filter(team=play.world.web).update(since=None)
    for n in range(1, 3):
        play.run(MONDAY + n * WEEK)
    assert told("handover") == []


def test_it_is_told_again_to_somebody_who_comes_back(play):
    play.announced()
    lead_by_bob(play)
    play.run(MONDAY + WEEK)
    apply_text(ORG, now=MONDAY + WEEK + timedelta(days=1), via="test")
    play.run(MONDAY + 2 * WEEK)
    assert [email for email, _ in told("handover")] == ["bob@example.com", "alice@example.com"]


def test_who_leads_no_more_when_the_mail_goes_is_not_told(play):
    play.announced()
    lead_by_bob(play)
    now = MONDAY + WEEK
    play.plan(now)
    apply_text(ORG, now=now, via="test")
    while delivery.deliver_batch(now).more:
        pass
    assert "You lead Api now" not in newest(play.world.bob).text


def test_a_program_that_they_may_not_see_is_not_in_it(play):
    play.announced()
    apply_text("kind: Group\nmetadata: {name: elsewhere}\n", now=MONDAY, via="test")
    Program.objects.update(audience="elsewhere")
    lead_by_bob(play)
    play.run(MONDAY + WEEK)
    notice = Notice.objects.get(kind="handover")
    assert (notice.facts["goals"], notice.facts["programs"], notice.facts["count"]) == ([], [], 0)


def test_new_leads_of_many_teams_cost_the_same_queries(play, django_assert_max_num_queries):
    def org(who: str) -> str:
        groups = [
            f"kind: Group\nmetadata: {{name: t{n}, annotations: {{technical-quality/lead: {who}{n}}}}}\n"
            for n in range(20)
        ]
        users = [
            f"kind: User\nmetadata: {{name: {one}{n}}}\nspec: {{profile: {{email: {one}{n}@example.com}}}}\n"
            for n in range(20)
            for one in "pq"
        ]
        return "---\n".join([*groups, *users])

    apply_text(org("p"), now=MADE, via="test")
    apply_text(TYPING.replace("name: Every", "name: All Every"), now=MADE, via="test")
    play.announced()
    apply_text(org("q"), now=MONDAY + timedelta(days=1), via="test")
    judge_due(MONDAY + WEEK)
    with django_assert_max_num_queries(60):
        planning.plan(MONDAY + WEEK)
    assert len(told("handover")) == 20


# A new goal


def test_a_new_goal_says_why_it_is_the_team_s(play):
    GoalRule.objects.filter(position=0).update(why="Two outages came from it", chosen="teams below 50 % in March")
    play.announced()
    said = words(newest(play.world.wanda))
    assert "why: Two outages came from it. It is asked of every team (teams below 50 % in March)." in said
    assert "for: Fewer production type errors, safer refactoring (Every function typed, sponsored by" in said
    assert "how: 1. Run the checker on one file" in said
    assert "ask: tess@example.com" in said
    assert "page: https://quality.example.com/teams/web/goals/typing/typed-functions/" in said


def test_a_standing_guard_announces_nothing(play):
    Program.objects.update(guard_of=Program.objects.get())
    play.announced()
    assert told("new goal") == []
    assert datetime(2026, 3, 16, tzinfo=UTC).date() == MONDAY.date()
