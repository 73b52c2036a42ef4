"""Goals in bulk on the desk: what a line would mean, said before it is saved, and saved as it was said."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditRow, User
from program.feeds.registry import KINDS
from program.models import GoalRule, Program
from teams import goal_lines
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Goal, GoalTerms, Standing, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
NEW = "/programs/typing/desk/goals/new"
FIRST = "/programs/typing/desk/goals/1/"
LINE = {
    "metric": "typed-functions", "whom": "all", "how": "improve", "improve": "50", "start": "2026-03-16",
    "due": "2027-03-16", "tolerance": "5",
}  # fmt: skip
ROWS = HEADER + "".join(
    f"typed-functions,{team},{team}.py,{date(2026, 3, 16) - timedelta(weeks=n)},{base - n},100\n"
    for team, base in (("api", 40), ("web", 90))
    for n in range(30)
)
DRAFT = TYPING.replace("  name: Every", "  state: draft\n  name: Every")


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


@pytest.fixture
def owner(client, world):
    return sign_in(client, "tess")


def draft(world) -> None:
    Program.objects.update(state="draft")


def test_only_owners_get_there_and_only_while_the_program_goes_on(client, world):
    for name in ("alice", "sam", "charlie", "gina"):
        for address in (NEW, FIRST, f"{NEW}/preview", f"{NEW}/preview.csv"):
            assert sign_in(client, name).get(address).status_code == 404
    owner = sign_in(client, "tess")
    assert owner.get(NEW).status_code == 200
    assert owner.get("/programs/typing/desk/goals/7/").status_code == 404
    Program.objects.update(state="completed")
    for address in (NEW, FIRST, f"{NEW}/preview"):
        assert owner.get(address).status_code == 404
    sent = owner.post(NEW, LINE | {"do": "save", "reason": "x"})
    assert (sent.status_code, sent["Location"]) == (302, "/programs/typing/desk/"), "its desk says why nothing changed"
    assert GoalRule.objects.filter(program__key="typing").count() == 2


def test_a_new_line_says_at_once_what_it_would_mean(owner):
    said = words(owner.get(f"{NEW}?metric=typed-functions"))
    assert "2 goals · 0 already met · 0 would be behind on day one" in said
    assert "2 of these teams have a goal on this metric already" in said
    # Both rise by a point a week, and half of the way in a year is 0.6 and 0.1 points a week.
    assert "2 easy" in said
    assert "All teams together: 65 %" in said


def test_the_sentence_counts_met_behind_and_mails(owner):
    line = LINE | {"how": "target", "target": "85 %", "start": "2025-12-01", "due": "2026-06-01", "tolerance": "0"}
    said = words(owner.get(f"{NEW}/preview?{urlencode(line)}"))
    # web is at 90 %; api went from 25 % on its baseline's day to 40 %, where its path is at 59 %.
    assert "2 goals · 1 already met · 1 would be behind on day one · " in said
    assert "people" in said
    assert "In the 26 weeks since 15 Sep 2025 it would have sent " in said
    assert "Alice: " in said


def test_a_preview_is_a_part_of_a_page_and_changes_nothing(owner):
    before = [list(model.objects.order_by("pk").values()) for model in (GoalRule, Goal, GoalTerms, AuditRow)]
    for answer in (owner.get(f"{NEW}/preview?{urlencode(LINE)}"), owner.post(f"{NEW}/preview", LINE)):
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "<html" not in text
        assert [name in text for name in ('data-part="sentence"', 'data-part="side"', 'data-part="teams"')] == [
            True
        ] * 3
    page = owner.post(NEW, LINE | {"do": "look"})
    assert page.status_code == 200
    assert "2 goals" in words(page)
    assert before == [list(model.objects.order_by("pk").values()) for model in (GoalRule, Goal, GoalTerms, AuditRow)]


def test_a_line_is_saved_with_its_goals_and_its_reason(owner, world):
    answer = owner.post(NEW, LINE | {"do": "save", "why": "typed code breaks less"}, follow=True)
    assert answer.status_code == 400
    assert "a word of why was expected" in words(answer)
    assert 'value="50"' in answer.content.decode()
    answer = owner.post(NEW, LINE | {"do": "save", "why": "typed code breaks less", "reason": "half first"})
    assert (answer.status_code, answer["Location"]) == (302, "/programs/typing/desk/")
    rule = GoalRule.objects.get(position=2)
    assert (rule.teams, rule.improve_by, rule.target, rule.tolerance, rule.why, rule.chosen) == (
        "all", 0.5, None, 0.05, "typed code breaks less", "",
    )  # fmt: skip
    terms = world.goal(world.api, world.typed).terms.latest("effective_from")
    assert (terms.improve_by, terms.set_by, terms.reason, terms.effective_from) == (
        0.5, world.tess, "half first", date(2026, 3, 16),
    )  # fmt: skip
    row = AuditRow.objects.get(kind="goal rule", key="typing#3")
    assert (row.actor, row.via, row.reason, row.after["improve_by"]) == (world.tess, "page", "half first", 0.5)
    assert "Saved. Goals: 2 with other terms." in words(owner.get("/programs/typing/desk/"))


def test_past_standings_stay_as_they_were_judged(owner, world):
    goal = world.goal(world.api, world.typed)
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        before = list(Standing.objects.filter(goal=goal, day__lt=date(2026, 3, 23)).values())
        was = goal_lines.seen(GoalRule.objects.get(position=0))
        changed = LINE | {"how": "target", "target": "95 %", "start": "2026-01-01", "due": "2026-12-31"}
        assert owner.post(FIRST, changed | {"do": "save", "was": was, "reason": "more"}).status_code == 302
        judge_due(NOW + timedelta(days=7))
    old, new = goal.terms.order_by("effective_from")
    assert (old.target, new.target, new.effective_from, new.baseline) == (0.9, 0.95, date(2026, 3, 23), old.baseline)
    assert old.baseline is not None
    assert before == list(Standing.objects.filter(goal=goal, day__lt=date(2026, 3, 23)).values())
    assert before[0]["target"] == 0.9
    assert Standing.objects.get(goal=goal, day=date(2026, 3, 23)).target == 0.95


def test_a_draft_needs_no_reason(owner, world):
    draft(world)
    assert owner.post(NEW, LINE | {"do": "save"}).status_code == 302


def test_a_condition_is_resolved_when_it_is_saved(owner, world):
    draft(world)
    line = LINE | {"whom": "condition", "of": "", "side": "worse", "than": "50 %"}
    assert "1 goal ·" in words(owner.get(f"{NEW}/preview?{urlencode(line)}"))
    owner.post(NEW, line | {"do": "save"})
    rule = GoalRule.objects.get(position=2)
    assert rule.teams == ["api"]
    assert rule.chosen == (
        "teams worse than 50 % on Functions with full annotations on 16 Mar 2026: 1 of 2 teams with a value"
    )
    # Another target keeps how the teams were chosen; other teams do not.
    shown = owner.get("/programs/typing/desk/goals/3/")
    assert "Chosen when it was saved: teams worse than 50 %" in words(shown)
    again = LINE | {"whom": "list", "team": ["api"], "how": "target", "target": "0.7", "was": goal_lines.seen(rule)}
    owner.post("/programs/typing/desk/goals/3/", again | {"do": "save"})
    kept = GoalRule.objects.get(position=2)
    assert (kept.target, kept.chosen) == (0.7, rule.chosen)
    owner.post(
        "/programs/typing/desk/goals/3/",
        again | {"do": "save", "team": ["api", "web"], "was": goal_lines.seen(kept)},
    )
    assert GoalRule.objects.get(position=2).chosen == ""


def test_the_best_teams_become_a_number(owner, world):
    draft(world)
    owner.post(NEW, LINE | {"how": "best", "best": "50", "do": "save"})
    rule = GoalRule.objects.get(position=2)
    assert (rule.target, rule.improve_by) == (0.9, None)
    assert rule.chosen == "target 90 %: what the best 50 % of teams had on 16 Mar 2026, 1 of 2"


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"metric": "nothing"}, "metric", "One of the metrics was expected."),
        ({"whom": "under", "under": "nowhere"}, "under", "One of the groups was expected."),
        ({"whom": "wave", "wave": "x"}, "wave", "One of the program's waves was expected."),
        ({"whom": "list"}, "team", "At least one team of the list was expected."),
        ({"whom": "list", "team": ["api", "nobody"]}, "team", "At least one team of the list was expected."),
        ({"whom": "condition", "than": ""}, "than", "The value to compare with was expected."),
        ({"whom": "condition", "than": "-5 %"}, "than", "A value that some team is worse than was expected."),
        ({"how": "target", "target": "NaN"}, "target", "The target is a share such as 85 % or 0.85, not “NaN”."),
        ({"how": "target", "target": "1e999"}, "target", "The target is a share such as 85 % or 0.85, not “1e999”."),
        ({"how": "target", "target": "90"}, "target", "not 90: did you mean 90 %?"),
        ({"how": "target", "target": ""}, "target", "The target was expected."),
        ({"improve": "120"}, "improve", "A number from 0% to 100% was expected."),
        ({"metric": "findings", "how": "best", "best": "25"}, "best", "No team has a value yet"),
        ({"start": "2026-02-31"}, "start", "A day from 1990 to 2199 as 2026-01-31 was expected."),
        ({"start": "9999-12-31"}, "start", "A day from 1990 to 2199 as 2026-01-31 was expected."),
        ({"due": "2026-03-16"}, "due", "A day after the start, 16 Mar 2026, was expected."),
        ({"tolerance": "x"}, "tolerance", "A number from 0% to 100% was expected."),
        ({"milestones": "soon: 50 %"}, "milestones", "The milestone's day is a day such as 2026-01-31, not “soon”."),
        ({"milestones": "2020-01-01: 50 %"}, "milestones", "Days between start and due were expected"),
        ({"milestones": "2026-06-01"}, "milestones", "A day and a value a line were expected"),
        ({"why": "a\0b"}, "why", "A text was expected, without null bytes."),
        ({"why": "x" * 100_000}, "why", "At most 1,000 characters were expected, not 100,000."),
    ],
    ids=lambda one: "" if isinstance(one, dict) else one[:20],
)
def test_what_cannot_be_is_said_beside_its_field_and_all_typed_is_kept(owner, world, change, field, said):
    draft(world)
    typed = LINE | change
    answer = owner.post(NEW, typed | {"do": "save"})
    assert answer.status_code == 400
    text = answer.content.decode().replace("&#39;", "'")
    assert said in text
    assert GoalRule.objects.count() == 2
    if field not in ("team", "metric", "under", "wave"):
        assert f'id="line-{field}-fault"' in text
    for name in ("target", "improve", "start", "due", "tolerance"):
        if isinstance(typed.get(name), str) and typed[name]:
            assert f'value="{typed[name]}"' in text, name
    if len(typed.get("why", "")) < 5000:
        assert owner.get(f"{NEW}/preview?{urlencode(typed, doseq=True)}").status_code == 200


def test_no_share_of_the_way_where_there_is_no_best(owner, world):
    apply_text(
        TYPING.replace("key: findings, name: Security findings, unit: findings, direction: down",
                       "key: findings, name: Security findings, unit: findings, direction: up")
        .replace("improve_by: 50%", "target: 5"),
        now=NOW, via="test",
    )  # fmt: skip
    answer = owner.get(f"{NEW}/preview?{urlencode(LINE | {'metric': 'findings'})}")
    assert "Security findings has no best possible value (sum, up is better)" in words(answer)


def test_lines_are_moved_and_the_later_one_wins(owner, world):
    owner.post(NEW, LINE | {"do": "save", "how": "target", "target": "50 %", "reason": "less"})
    goal = world.goal(world.api, world.typed)
    assert goal.terms.latest("effective_from").target == 0.5
    was = goal_lines.seen(GoalRule.objects.get(position=2))
    address = "/programs/typing/desk/goals/3/move"
    refused = owner.post(address, {"to": "earlier", "was": was}, follow=True)
    assert "Nothing was changed. Goals are live: a word of why was expected" in words(refused)
    owner.post(address, {"to": "earlier", "was": was, "reason": "in order"})
    assert list(GoalRule.objects.order_by("position").values_list("position", "metric__key", "target")) == [
        (0, "typed-functions", 0.9), (1, "typed-functions", 0.5), (2, "findings", None),
    ]  # fmt: skip
    assert goal.terms.latest("effective_from").target == 0.5
    was = goal_lines.seen(GoalRule.objects.get(position=1))
    owner.post("/programs/typing/desk/goals/2/move", {"to": "earlier", "was": was, "reason": "the stricter one wins"})
    newest = goal.terms.latest("effective_from")
    assert (newest.target, newest.reason, newest.set_by) == (0.9, "the stricter one wins", world.tess)
    stale = owner.post("/programs/typing/desk/goals/2/move", {"to": "earlier", "was": was, "reason": "x"}, follow=True)
    assert "Somebody changed these lines since you opened this page" in words(stale)
    first = goal_lines.seen(GoalRule.objects.get(position=0))
    answer = owner.post(FIRST + "move", {"to": "earlier", "was": first, "reason": "x"}, follow=True)
    assert "This is the first line already." in words(answer)


def test_a_line_is_taken_out_and_says_how_many_goals_end(owner, world):
    said = words(owner.get(FIRST))
    assert "2 goals end today . What was judged stays on record." in said or "2 goals end today. What was" in said
    was = goal_lines.seen(GoalRule.objects.get(position=0))
    answer = owner.post(FIRST + "remove", {"was": was, "reason": "not now"}, follow=True)
    assert "Taken out. Goals: 2 ended." in words(answer)
    assert list(GoalRule.objects.values_list("position", "metric__key")) == [(0, "findings")]
    assert set(Goal.objects.filter(metric=world.typed).values_list("ended_on", flat=True)) == {date(2026, 3, 16)}
    row = AuditRow.objects.filter(kind="goal rule", key="typing#1").latest("pk")
    assert (row.after, row.actor, row.reason, row.before["target"]) == (None, world.tess, "not now", 0.9)


def test_what_stays_by_an_earlier_line_is_told_apart(owner, world):
    owner.post(NEW, LINE | {"do": "save", "whom": "list", "team": ["api"], "reason": "api alone"})
    assert "No goal ends, 1 stays by another line" in words(owner.get("/programs/typing/desk/goals/3/"))


def test_the_table_as_csv(owner):
    answer = owner.get(f"{NEW}/preview.csv?{urlencode(LINE)}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["team"] for row in rows] == ["api", "web"]
    assert (rows[0]["value"], rows[0]["baseline"], rows[0]["target"], rows[0]["status"]) == (
        "0.4",
        "0.4",
        "0.7",
        "on track",
    )
    assert float(rows[0]["own_per_month"]) == pytest.approx(0.01 / 7 * 30.4375)
    assert float(rows[0]["needed_per_month"]) == pytest.approx(0.3 / 365 * 30.4375)
    assert owner.get(f"{NEW}/preview.csv?{urlencode(LINE | {'start': 'x'})}").status_code == 404


def test_the_table_is_sorted_and_filtered(owner):
    def teams(**more: str) -> list[str]:
        text = owner.get(f"{NEW}/preview?{urlencode(LINE | more)}").content.decode()
        return [key for key in ("api", "web") if f'/teams/{key}/"' in text]

    def order(**more: str) -> bool:
        text = owner.get(f"{NEW}/preview?{urlencode(LINE | more)}").content.decode()
        return text.index('/teams/api/"') < text.index('/teams/web/"')

    assert order(sort="needs")
    assert order(sort="team")
    assert order(sort="nonsense")
    assert teams(show="unheard of") == []
    assert teams(how="target", target="80 %", show="met") == ["web"]
    assert teams(show="easy") == ["api", "web"]


def test_a_reader_without_a_metric_is_told_what_to_do(client, world):
    apply_text(
        TYPING.replace("key: typing", "key: empty").partition("metrics:")[0].replace("state: active", "state: draft"),
        now=NOW, via="test",
    )  # fmt: skip
    owner = sign_in(client, "tess")
    assert owner.get("/programs/empty/desk/goals/new").status_code == 200


def test_the_queries_do_not_grow(client, world):
    def asked(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    sign_in(client, "tess")
    addresses = [NEW, FIRST, f"{NEW}/preview?{urlencode(LINE)}"]
    before = [asked(address) for address in addresses]
    group = Team.objects.get(key="engineering")
    made = Team.objects.bulk_create([Team(key=f"more-{n}", name=f"More {n}", parent=group) for n in range(40)])
    people = User.objects.bulk_create([User(email=f"lead{n}@example.com") for n in range(40)])
    for team, person in zip(made, people, strict=True):
        team.memberships.create(user=person, role="lead")
    rows = HEADER + "".join(
        f"typed-functions,more-{n},a.py,2026-03-0{d},{n},50\n" for n in range(40) for d in (1, 5, 9)
    )
    ingest(rows.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    assert [asked(address) for address in addresses] == before
    assert before == [17, 22, 14]


def test_it_says_how_old_the_numbers_are_and_what_the_words_mean(owner):
    said = words(owner.get(f"{NEW}?metric=typed-functions"))
    assert "These numbers were measured today." in said
    assert "2 easy: it needs no more than the team&#39;s own pace of the 90 days before the start" in said
    line = LINE | {"how": "target", "target": "99 %", "due": "2026-03-20"}
    hard = words(owner.get(f"{NEW}/preview?{urlencode(line)}"))
    assert "unheard of: it needs more than any team of at least 50 % of its size ever kept for 90 days, itself" in hard


def test_a_line_beyond_the_program_s_end_says_so(owner):
    late = "The program ends on 31 Dec 2026, before 1 Mar 2027: whether it goes on is decided then."
    assert late in words(owner.get(f"{NEW}/preview?{urlencode(LINE | {'due': '2027-03-01'})}"))
    assert "whether it goes on" not in words(owner.get(f"{NEW}/preview?{urlencode(LINE | {'due': '2026-12-31'})}"))


def test_without_waves_it_says_how_to_get_one(owner, world):
    way = '<a href="/programs/typing/desk/#waves">add one on the desk</a>'
    assert way in owner.get(NEW).content.decode()
    world.program.waves.create(key="pilot", start=NOW.date())
    assert way not in owner.get(NEW).content.decode()


def test_a_line_for_a_wave_counts_its_teams_also_before_it_opens(owner, world):
    later = "  - {metric: findings, teams: {wave: later}, start: 2026-01-01, due: 2026-12-31, target: 1}\n"
    waves = "waves: [{key: later, teams: [api, web], start: 2026-06-01}]\n"
    apply_text(TYPING.replace("nudges:", f"{later}{waves}nudges:"), now=NOW, via="test")
    assert "The wave later (2 teams): Security findings to 1 finding by 31 Dec 2026" in words(owner.get(NEW))
