"""The work-in-progress limit: who waits, in which order they are let in, and that many ticks at once let in no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditRow
from program.models import Program
from teams import limits
from teams.admission import admit_due
from teams.apply.files import apply_text
from teams.models import Goal, Team, WaitingTeam
from tests.people import NOW, TYPING, settle

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def another(key: str, *, state: str = "active", teams: str = "all") -> str:
    """One more program with the same metric for these teams."""
    body = TYPING[: TYPING.index("metrics:")]
    body = body.replace("key: typing", f"key: {key}").replace("  name: Every", f"  state: {state}\n  name: Every")
    return (
        body
        + f"goals: [{{metric: typed-functions, teams: {teams}, start: 2026-01-01, due: 2026-12-31, target: 0.9}}]\n"
    )


def end(key: str) -> None:
    Program.objects.filter(key=key).update(state="completed")


def of(team: str) -> set[str]:
    """The live programs in which a team has goals."""
    return set(Goal.objects.on_scorecards().filter(team__key=team).values_list("program__key", flat=True))


def waiting() -> list[tuple[str, str]]:
    return list(limits.waiting_for_a_place().values_list("team__key", "program__key"))


@pytest.fixture
def world():
    made = settle()
    limits.set_limit(made.engineering, 2, now=NOW, by=made.gina, reason="one thing at a time")
    return made


def test_the_nearest_limit_above_holds():
    made = settle()
    made.engineering.program_limit, made.api.program_limit = 2, 5
    teams = {team.pk: team for team in (made.engineering, made.api, made.web)}
    assert (limits.limit_of(made.api, teams), limits.limit_of(made.web, teams)) == (5, 2)
    made.engineering.program_limit = None
    assert limits.limit_of(made.web, teams) is None


def test_the_first_programs_take_the_places_and_the_others_wait(world):
    apply_text(another("second", teams="[api]"), now=NOW, via="test")
    assert waiting() == []
    apply_text(another("third"), now=NOW + DAY, via="test")
    assert (of("api"), of("web")) == ({"typing", "second"}, {"typing", "third"})
    assert waiting() == [("api", "third")]
    assert apply_text(another("third"), now=NOW + 2 * DAY, via="test") == []
    row = AuditRow.objects.get(kind="waiting teams")
    assert (row.key, row.before, row.after) == ("third", {}, {"for limit": ["api"]})


def test_a_team_that_is_in_keeps_its_place(world):
    apply_text(another("second"), now=NOW, via="test")
    limits.set_limit(world.engineering, 1, now=NOW, by=world.gina)
    more = "  - {metric: findings, teams: all, start: 2026-01-01, due: 2026-12-31, target: 5}\nnudges"
    apply_text(TYPING.replace("nudges", more, 1), now=NOW, via="test")
    assert of("api") == {"typing", "second"}
    assert Goal.objects.filter(program=world.program, team=world.web, ended_on=None).count() == 2


def test_a_free_place_goes_to_who_waits_longest(world):
    apply_text(another("second"), now=NOW, via="test")
    apply_text(another("b-waits-first"), now=NOW + DAY, via="test")
    apply_text(another("a-waits-second"), now=NOW + 2 * DAY, via="test")
    assert admit_due(NOW + 3 * DAY) == 0
    end("second")
    # Applied again before the tick comes, the later one does not jump the queue.
    apply_text(another("a-waits-second"), now=NOW + 3 * DAY, via="test")
    assert of("api") == {"typing"}
    assert admit_due(NOW + 4 * DAY) == 2
    assert of("api") == of("web") == {"typing", "b-waits-first"}
    assert waiting() == [("api", "a-waits-second"), ("web", "a-waits-second")]
    assert admit_due(NOW + 4 * DAY) == 0
    goal = Goal.objects.get(program__key="b-waits-first", team=world.api)
    assert (goal.created_at, goal.terms.get().set_at) == (NOW + 4 * DAY, NOW + 4 * DAY)


def test_a_raised_limit_lets_in_at_the_next_tick(world):
    for n, key in enumerate(("second", "third", "fourth")):
        apply_text(another(key), now=NOW + n * DAY, via="test")
    limits.set_limit(world.api, 3, now=NOW, by=world.gina)
    assert admit_due(NOW + 5 * DAY) == 1
    assert (of("api"), of("web")) == ({"typing", "second", "third"}, {"typing", "second"})
    limits.set_limit(world.engineering, None, now=NOW, by=world.gina)
    limits.set_limit(world.api, None, now=NOW, by=world.gina)
    assert admit_due(NOW + 5 * DAY) == 3
    assert waiting() == []


def test_drafts_take_no_places_and_find_theirs_when_they_go_live(world):
    apply_text(another("second", state="draft"), now=NOW, via="test")
    apply_text(another("third", teams="[api]"), now=NOW + DAY, via="test")
    assert of("api") == {"typing", "third"}
    assert waiting() == []
    assert Goal.objects.filter(program__key="second").count() == 2
    apply_text(another("second"), now=NOW + 2 * DAY, via="test")
    assert (of("api"), of("web")) == ({"typing", "third"}, {"typing", "second"})
    assert waiting() == [("api", "second")]
    assert not Goal.objects.filter(program__key="second", team=world.api).exists()
    assert Goal.objects.get(program__key="second").created_at == NOW + 2 * DAY


def test_a_standing_guard_takes_no_place(world):
    apply_text(another("second"), now=NOW, via="test")
    Program.objects.filter(key="second").update(guard_of=world.program)
    apply_text(another("third"), now=NOW, via="test")
    assert of("api") == {"typing", "second", "third"}
    assert waiting() == []


def test_paused_programs_keep_their_places(world):
    apply_text(another("second"), now=NOW, via="test")
    Program.objects.filter(key="second").update(state="paused")
    apply_text(another("third"), now=NOW, via="test")
    assert waiting() == [("api", "third"), ("web", "third")]


def test_a_team_that_no_rule_wants_any_more_waits_no_more(world):
    apply_text(another("second"), now=NOW, via="test")
    apply_text(another("third"), now=NOW, via="test")
    apply_text(another("third", teams="[api]"), now=NOW, via="test")
    assert waiting() == [("api", "third")]


def test_the_outlook_says_what_a_limit_would_mean(world):
    for n, key in enumerate(("second", "third")):
        apply_text(another(key), now=NOW + n * DAY, via="test")
    now = limits.outlook(world.engineering, 2)
    assert (now.teams, now.over, [team.key for team in now.full], len(now.waiting), now.let_in) == (
        2, [], ["api", "web"], 2, [],
    )  # fmt: skip
    assert [team.key for team in limits.outlook(world.engineering, 1).over] == ["api", "web"]
    assert [row.team.key for row in limits.outlook(world.engineering, 3).let_in] == ["api", "web"]
    assert [row.team.key for row in limits.outlook(world.engineering, None).let_in] == ["api", "web"]
    assert [row.team.key for row in limits.outlook(world.api, 3).let_in] == ["api"]
    world.engineering.refresh_from_db()
    assert world.engineering.program_limit == 2


def test_leaders_of_groups_and_administrators_set_limits(world, django_user_model):
    root = django_user_model.objects.create_superuser("root@example.com")
    may = {
        name: [limits.may_set(person, node) for node in (world.engineering, world.api)]
        for name, person in {
            "gina": world.gina, "alice": world.alice, "tess": world.tess, "bob": world.bob, "root": root,
        }.items()
    }  # fmt: skip
    assert may == {
        "gina": [True, True], "root": [True, True], "alice": [False, False], "tess": [False, False],
        "bob": [False, False],
    }  # fmt: skip
    world.gina.reads_only = True
    assert not limits.may_set(world.gina, world.api)


def test_setting_a_limit_is_written_down_once(world):
    row = AuditRow.objects.get(kind="program limit")
    assert (row.key, row.before, row.after, row.reason, row.actor) == (
        "engineering", {"limit": None}, {"limit": 2}, "one thing at a time", world.gina,
    )  # fmt: skip
    limits.set_limit(world.engineering, 2, now=NOW, by=world.gina)
    assert AuditRow.objects.filter(kind="program limit").count() == 1
    with pytest.raises(ValueError, match="from 0 to 99"):
        limits.set_limit(world.engineering, 100, now=NOW, by=world.gina)


def test_without_limits_applying_asks_no_more(django_assert_max_num_queries):
    settle()
    with django_assert_max_num_queries(60) as few:
        apply_text(another("second"), now=NOW, via="test")
    apply_text(
        "---\n".join(f"kind: Group\nmetadata: {{name: more-{n}}}\nspec: {{parent: engineering}}\n" for n in range(30)),
        now=NOW,
        via="test",
    )
    with django_assert_max_num_queries(len(few)):
        apply_text(another("third"), now=NOW, via="test")
    Team.objects.filter(key="engineering").update(program_limit=2)
    with django_assert_max_num_queries(len(few) + 6):
        apply_text(another("fourth"), now=NOW, via="test")


@pytest.mark.django_db(transaction=True)
def test_three_ticks_at_once_fill_each_place_once():
    world = settle()
    limits.set_limit(world.engineering, 2, now=NOW, by=None)
    for n, key in enumerate(("second", "third", "fourth", "fifth")):
        apply_text(another(key), now=NOW + n * DAY, via="test")
    end("second")

    def tick(_n: int) -> int:
        try:
            return admit_due(NOW + 9 * DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        let_in = list(pool.map(tick, range(3)))
    assert sum(let_in) == 2
    assert of("api") == of("web") == {"typing", "third"}
    assert WaitingTeam.objects.count() == 4
