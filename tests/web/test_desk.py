"""The owner's desk: who gets there, what it says, each form kept, refused, looked at, and read-only at the end."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest
import time_machine

from accounts.models import AuditRow, User
from program.feeds.registry import KINDS
from program.models import Program, Wave
from teams import limits
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Goal, WaitingTeam
from teams.standings import judge_due
from tests.people import NOW, TYPING, settle
from tests.web.test_pages import ROWS, sign_in, words
from web import access

pytestmark = pytest.mark.django_db
DESK = "/programs/typing/desk/"
DRAFT = TYPING.replace("  name: Every", "  state: draft\n  name: Every")
WAVES = TYPING.replace("teams: all", "teams: {wave: rest}").replace(
    "nudges:",
    "waves: [{key: pilot, teams: [api], start: 2026-03-01}, {key: rest, teams: [web], start: 2026-03-20}]\nnudges:",
)


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


def post(client, address: str, **values: object):
    return client.post(address, values)


def test_only_owners_and_administrators_have_a_desk(client, world):
    for name in ("alice", "sam", "charlie", "gina"):
        assert sign_in(client, name).get(DESK).status_code == 404
    User.objects.create_superuser("root@example.com", "correct horse battery")
    for name in ("tess", "pam", "root"):
        assert sign_in(client, name).get(DESK).status_code == 200
    User.objects.filter(email="tess@example.com").update(reads_only=True)
    assert sign_in(client, "tess").get(DESK).status_code == 404


def test_it_reads_from_top_to_bottom(owner):
    said = words(owner.get(DESK))
    for part in (
        "It is live: 2 teams with 3 goals.",
        "Sam".lower() + "@example.com sponsors it, who can move two sprints per team per quarter.",
        "tess@example.com answers for the numbers, as technical owner.",
        "It runs from 1 Jan 2026 to 31 Dec 2026, 41 more weeks.",
        "Functions with full annotations , ratio, up is better, in % with a playbook".replace(" ,", ","),
        "All teams (2): Functions with full annotations to 90 % by 31 Dec 2026",
        "Api: Security findings 50 % of the way to its best by 31 Dec 2026",
        "On Mondays from 9:00 of each person&#39;s own day, at most once a week about this program. "
        "At most 2 mails a week to each of 2 people",
        "Every 6 weeks for 30 minutes with sam@example.com, at Europe/Riga time. The next three: Tue 14 Apr 10:00, "
        "Tue 26 May 10:00, Tue 7 Jul 10:00, 4 more until it ends.",
        "Nothing says why now: teams will ask.",
        "Nobody asked the teams: all start at once.",
    ):
        assert part in said, part
    headings = re.findall(r'<h2 id="(\w+)"', owner.get(DESK).content.decode())
    assert headings == ["charter", "metrics", "waves", "goals", "nudges", "reviews"]


def test_a_member_starts_a_draft_and_a_viewer_none(client, world):
    bob = sign_in(client, "bob")
    assert "Start a program" in words(bob.get("/programs/"))
    answer = post(bob, "/programs/new", name="Fewer findings", key="", purpose="quiet nights")
    assert (answer.status_code, answer["Location"]) == (302, "/programs/fewer-findings/desk/")
    said = words(bob.get("/programs/fewer-findings/desk/"))
    assert "A draft, seen by its owners and its sponsor. 2 things are missing before it can go live." in said
    assert "No sponsor yet: without one nobody can change what stands in the way." in said
    home = words(bob.get("/"))
    assert "Fewer findings, a draft No sponsor yet" in home.replace(" ,", ",")
    assert sign_in(client, "charlie").get("/programs/fewer-findings/").status_code == 404
    User.objects.filter(email="charlie@example.com").update(reads_only=True)
    charlie = sign_in(client, "charlie")
    assert "Start a program" not in words(charlie.get("/programs/"))
    assert charlie.get("/programs/new").status_code == 404
    assert post(charlie, "/programs/new", name="x", purpose="y").status_code == 404
    assert Program.objects.count() == 2


def test_a_refused_draft_keeps_what_was_typed(client, world):
    answer = post(sign_in(client, "bob"), "/programs/new", name="Fewer <b>", key="typing", purpose="quiet nights")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Another key was expected: typing is taken." in page
    assert 'value="Fewer &lt;b&gt;"' in page
    assert ">quiet nights</textarea>" in page


def test_a_part_is_kept_and_said(owner, world):
    answer = post(
        owner, f"{DESK}charter/why", name="Every function typed", purpose="fewer errors", why_now="May's outage"
    )
    assert (answer.status_code, answer["Location"]) == (302, f"{DESK}#why")
    said = words(owner.get(DESK))
    assert "Kept." in said
    assert "fewer errors Why now: May&#39;s outage" in said
    assert AuditRow.objects.first().actor == world.tess
    answer = post(
        owner, f"{DESK}charter/why", name="Every function typed", purpose="fewer errors", why_now="May's outage"
    )
    assert "Nothing changed." in words(owner.get(answer["Location"]))


def test_a_refused_part_is_open_again_with_what_was_typed_and_expected(owner):
    answer = post(
        owner, f"{DESK}charter/bounds", start="2026-01-01", end="2025-01-01", stop_if="never <i>", weekly_hours="x"
    )
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "A day after the start (1 Jan 2026) was expected." in page
    assert "A number from 0 to 10,000 was expected." in page
    assert ">never &lt;i&gt;</textarea>" in page
    assert page.count("<details open>") == 1
    assert Program.objects.get().stop_if == ""


def test_looking_changes_nothing_and_says_what_would_follow(owner):
    typed = {"weekday": "4", "hour": "10", "every": "2", "maximum": "1", "holdout": "50", "do": "look"}
    before = Program.objects.values().get(), AuditRow.objects.count()
    said = words(post(owner, f"{DESK}charter/nudges", **typed))
    assert "On Fridays from 10:00 of each person&#39;s own day, at most once in 2 weeks about this program." in said
    assert "At most 1 mail a week to each of 2 people" in said
    found = json.loads(owner.post(f"{DESK}charter/nudges", typed, headers={"Accept": "application/json"}).content)
    assert found["faults"] == {}
    assert found["said"][-1] == "50 % of the goals, about 2 of 3, are set apart to measure what nudges do."
    found = json.loads(
        owner.post(f"{DESK}charter/nudges", typed | {"hour": "24"}, headers={"Accept": "application/json"}).content
    )
    assert found == {"said": [], "faults": {"hour": "A whole number from 0 to 23 was expected."}}
    assert (Program.objects.values().get(), AuditRow.objects.count()) == before


def test_the_owners_note_is_kept_shown_and_short(owner):
    typed = {"weekday": "0", "hour": "9", "every": "1", "maximum": "2", "holdout": "0"}
    note = "Ask in #typing.\r\n<b>Office</b> hours: Tue 14"
    assert post(owner, f"{DESK}charter/nudges", **typed, note=note).status_code == 302
    assert Program.objects.get().nudge_note == "Ask in #typing.\n<b>Office</b> hours: Tue 14"
    page = owner.get(DESK).content.decode()
    assert "Each mail that speaks of it says: “Ask in #typing. &lt;b&gt;Office&lt;/b&gt; hours: Tue 14”" in page
    assert "&lt;b&gt;Office&lt;/b&gt; hours: Tue 14</textarea>" in page
    refused = post(owner, f"{DESK}charter/nudges", **typed, note="x" * 501)
    assert (refused.status_code, "At most 500 characters were expected, not 501." in words(refused)) == (400, True)
    assert len(Program.objects.get().nudge_note) < 500


def ahead(client, part: str, **typed: object) -> list[str]:
    answer = client.post(f"{DESK}charter/{part}", typed | {"do": "look"}, headers={"Accept": "application/json"})
    return json.loads(answer.content)["said"]


def test_consequences_of_people_bounds_and_reviews(owner, world):
    said = ahead(
        owner, "people", sponsor="new@example.com", mandate="", technical="bob@example.com", manager="pam@example.com"
    )
    assert said == [
        "new@example.com sponsors it.", "Bob answers for the numbers, as technical owner.",
        "pam@example.com keeps it going, as program manager.",
        "new@example.com is not known yet, and would be added without a sign-in: check the spelling.",
        "You would no longer be among its owners, and could not change it any more.",
    ]  # fmt: skip
    assert not User.objects.filter(email="new@example.com").exists()
    bounds = {
        "start": "2026-01-01",
        "end": "2026-06-30",
        "stop_if": "it stalls",
        "probation_reviews": "1",
        "weekly_hours": "4",
    }
    assert ahead(owner, "bounds", **bounds, guardrails=["findings"], audience="api") == [
        "It runs from 1 Jan 2026 to 30 Jun 2026, 15 more weeks.", "It stops if it stalls.",
        "No rule can judge these words: each brief asks whether they have come true.",
        "Meanwhile Security findings must not get worse.",
        "After 1 review it has to work, or the next brief asks whether to cancel it.",
        "It costs its owners 4 hours a week, 60 more hours in all.",
        "Only Api sees it: 3 people, its owners and its sponsor.",
        "web is outside of it: they would be told about goals that they cannot see.",
    ]  # fmt: skip
    assert ahead(owner, "reviews", number="1", unit="months", first="2026-04-01T09:00", minutes="60", zone="UTC") == [
        "Every month for 60 minutes with sam@example.com, at UTC time.",
        "The next three: Wed 1 Apr 09:00, Fri 1 May 09:00, Mon 1 Jun 09:00, 6 more until it ends.",
        "Invites go out four weeks ahead, the brief three working days ahead.",
    ]
    assert ahead(owner, "reviews", number="", zone="UTC") == ["No reviews are in the calendar."]


def test_who_hands_the_desk_on_is_led_home(owner, world):
    answer = post(
        owner,
        f"{DESK}charter/people",
        sponsor="sam@example.com",
        technical="bob@example.com",
        manager="pam@example.com",
    )
    assert answer["Location"] == "/"
    assert owner.get(DESK).status_code == 404


def test_unknown_parts_and_waves_are_not_found(owner):
    assert post(owner, f"{DESK}charter/nothing").status_code == 404
    assert post(owner, f"{DESK}waves/nothing/open", why="x").status_code == 404
    assert post(owner, f"{DESK}waves/a%00b/open", why="x").status_code == 404


def test_waves_are_added_filled_opened_and_closed(owner, world):
    assert post(owner, f"{DESK}waves/new", key="pilot", start="2026-03-20", gate="50").status_code == 302
    wave = Wave.objects.get()
    assert (wave.key, wave.state, wave.start, wave.gate) == ("pilot", "planned", date(2026, 3, 20), 0.5)
    assert post(owner, f"{DESK}waves/move", teams=["api"], under="", to="pilot").status_code == 302
    said = words(owner.get(DESK))
    assert "1 team moved: now in the wave pilot." in said
    assert "It opens on 20 Mar. 1 team: Api · No goal is for this wave alone: opening it gives nobody a goal." in said
    answer = post(owner, f"{DESK}waves/pilot/open", why="")
    assert answer.status_code == 400
    assert "A reason was expected: why it opens although its gate has not." in words(answer)
    assert post(owner, f"{DESK}waves/pilot/open", why="they asked").status_code == 302
    assert "Open since 16 Mar by tess@example.com: they asked." in words(owner.get(DESK))
    assert post(owner, f"{DESK}waves/pilot/close").status_code == 302
    assert "Done. It opened on 16 Mar; its goals go on." in words(owner.get(DESK))


@pytest.mark.parametrize(
    ("address", "values", "said"),
    [
        ("waves/new", {"key": "a b", "start": "2026-03-20", "gate": "60"}, "Letters, digits, dots"),
        ("waves/new", {"key": "rest", "start": "2026-03-20", "gate": "60"}, "there is a wave rest"),
        ("waves/new", {"key": "x", "start": "soon", "gate": "60"}, "A day from 1990 to 2199"),
        ("waves/new", {"key": "x", "start": "2026-03-20", "gate": "101"}, "A number from 0% to 100% was expected."),
        ("waves/rest/change", {"start": "2026-03-20", "gate": "NaN"}, "A number from 0% to 100% was expected."),
        ("waves/rest/remove", {}, "A goal of this program names the wave rest"),
        ("waves/move", {"to": "rest"}, "At least one team was expected."),
        ("waves/move", {"to": "nowhere", "teams": ["api"]}, "A wave of this program was expected."),
        ("waves/move", {"to": "rest", "teams": ["nobody"]}, "Teams of the list were expected."),
        ("waves/move", {"to": "rest", "under": "nobody"}, "A group of the list was expected."),
        ("waves/move", {"to": "a\0", "teams": ["api"]}, "without null bytes"),
    ],
)
def test_what_is_expected_of_waves(owner, world, address, values, said):
    apply_text(WAVES, now=NOW, via="test")
    answer = owner.post(DESK + address, values)
    assert answer.status_code == 400
    assert said in words(answer)


def test_the_gate_says_what_it_sees_and_who_waits_is_said(owner, world):
    apply_text(WAVES, now=NOW, via="test")
    judge_due(NOW + timedelta(days=1))
    said = words(owner.get(DESK))
    assert "1 team waits for the wave rest: web." in said
    assert "The wave rest (1 team): Functions with full annotations to 90 % by 31 Dec 2026" in said
    assert "1 of 1 goal of pilot is met or on its path; 60 % needed: it opens on 29 Mar unless that changes." in said
    assert "1 team waits for the wave rest: web." in words(owner.get("/programs/typing/"))
    assert "Every function typed waits since 16 Mar for the wave rest to open." in words(owner.get("/teams/web/"))


def foreseen(client, address: str, **typed: object) -> list[str]:
    answer = client.post(f"{DESK}waves/{address}", typed | {"do": "look"}, headers={"Accept": "application/json"})
    found = json.loads(answer.content)
    assert found["faults"] == {}
    return found["said"]


def test_waves_say_what_would_follow_and_keep_nothing(owner, world):
    apply_text(WAVES, now=NOW, via="test")
    before = AuditRow.objects.count(), list(Wave.objects.values()), list(Goal.objects.values())
    assert foreseen(owner, "rest/open", why="") == [
        "1 more goal would begin today.", "1 team would wait no more.",
        "1 person gets their first mail on Mon 23 Mar: Wanda.",
    ]  # fmt: skip
    assert foreseen(owner, "rest/change", start="2026-05-01", gate="40") == [
        "1 of 1 goal of pilot is met or on its path; 40 % needed: it opens on 1 May unless that changes."
    ]
    assert foreseen(owner, "new", key="third", start="2026-05-01", gate="40") == [
        "It opens after rest, four weeks after that has begun at the earliest; 40 % needed."
    ]
    assert foreseen(owner, "move", teams=["web"], to="pilot") == [
        "No goal would begin or end.",
        "1 team would wait no more.",
    ]
    said = words(owner.post(f"{DESK}waves/rest/open", {"do": "look", "why": ""}))
    assert "1 more goal would begin today. 1 team would wait no more." in said
    assert (AuditRow.objects.count(), list(Wave.objects.values()), list(Goal.objects.values())) == before


def test_under_a_group_moves_its_teams(owner, world):
    post(owner, f"{DESK}waves/new", key="pilot", start="2026-03-20", gate="60%")
    post(owner, f"{DESK}waves/move", under="engineering", to="pilot")
    assert set(Wave.objects.get().wave_teams.values_list("team__key", flat=True)) == {"api", "web"}


def test_going_live_says_first_what_it_would_mean(client, world):
    apply_text(
        DRAFT.replace("key: typing", "key: second")
        .replace("  - key: typed-functions", "  - key: t2")
        .replace("{key: findings", "{key: f2")
        .replace("metric: typed-functions", "metric: t2")
        .replace("metric: findings", "metric: f2"),
        now=NOW,
        via="test",
    )
    tess = sign_in(client, "tess")
    address = "/programs/second/desk/go-live"
    before = AuditRow.objects.count()
    said = words(tess.get(address))
    assert "2 teams would have 3 goals. On day one: 3 without data. 2 people" in said.replace("</li> <li>", "")
    assert "2 people get their first mail on Mon 23 Mar: Alice and Wanda." in said
    assert AuditRow.objects.count() == before
    Program.objects.filter(key="second").update(sponsor=None)
    assert "One thing is missing before it can go live." in words(tess.get(address))
    answer = tess.post(address)
    assert answer.status_code == 400
    assert "No sponsor yet" in words(answer)
    Program.objects.filter(key="second").update(sponsor=world.sam)
    answer = tess.post(address)
    assert (answer.status_code, answer["Location"]) == (302, "/programs/second/desk/")
    assert Program.objects.get(key="second").state == "active"
    assert "This program is active: that is no step from there." in words(tess.get(address))


def test_pausing_and_going_on(owner):
    assert "3 goals of 2 teams stay on their scorecards" in words(owner.get(f"{DESK}pause"))
    answer = post(owner, f"{DESK}pause", why="  ")
    assert answer.status_code == 400
    assert "why it is paused" in words(answer)
    assert post(owner, f"{DESK}pause", why="the fire elsewhere").status_code == 302
    assert "is paused: nobody is nudged about it." in words(owner.get(DESK))
    assert "2 people get their first mail on Mon 16 Mar" in words(owner.get(f"{DESK}resume"))
    assert post(owner, f"{DESK}resume", why="").status_code == 302
    assert Program.objects.get().state == "active"


def test_completing_with_a_guard_leaves_a_record_that_nobody_changes(owner, world):
    said = words(owner.get(f"{DESK}complete"))
    assert "3 goals of 2 teams leave their scorecards: 2 met, 1 not." in said
    assert "Functions with full annotations at 90 %: 1 team" in said
    answer = post(owner, f"{DESK}complete", learned="small steps", guard="on")
    assert answer.status_code == 302
    said = words(owner.get(DESK))
    assert "Every function typed is completed. Every function typed: guard stands guard." in said
    assert "Completed on 16 Mar 2026. What was learned: small steps" in said
    assert "Every function typed: guard keeps what was reached." in said
    assert '<form method="post" action="/programs/typing' not in owner.get(DESK).content.decode()
    assert owner.get("/programs/typing-guard/desk/").status_code == 200
    before = Program.objects.filter(key="typing").values().get(), AuditRow.objects.count()
    for address, values in (
        ("charter/why", {"name": "x", "purpose": "y"}),
        ("charter/nudges", {"do": "look"}),
        ("waves/new", {"key": "x", "start": "2026-03-20", "gate": "60"}),
        ("waves/move", {"to": "", "teams": ["api"]}),
        ("waves/pilot/open", {"why": "x"}),
        ("metrics/new", {"name": "x"}),
        ("goals/new", {"whom": "all"}),
        ("goals/1/remove", {"reason": "x"}),
        ("feeds/new", {"name": "x", "key": "x"}),
        ("pause", {"why": "x"}),
        ("cancel", {"why": "x", "learned": "y"}),
    ):
        under = DESK if not address.startswith("feeds") else "/programs/typing/"
        answer = owner.post(under + address, values)
        assert (answer.status_code, answer["Location"]) == (302, DESK), address
        assert (
            "Nothing was changed: Every function typed is completed since 16 Mar 2026, and stands as it was."
            in words(owner.get(DESK))
        )
    assert (Program.objects.filter(key="typing").values().get(), AuditRow.objects.count()) == before


def test_canceling_keeps_why_and_what_was_learned(owner):
    assert post(owner, f"{DESK}cancel", why="it stalls", learned="").status_code == 400
    assert post(owner, f"{DESK}cancel", why="it stalls", learned="ask first").status_code == 302
    assert "What was learned: it stalls ask first" in words(owner.get(DESK))
    assert "Canceled: its goals are on no scorecard any more." in words(owner.get("/programs/typing/"))


@pytest.mark.parametrize("step", ["go-live", "pause", "resume", "complete", "cancel"])
def test_texts_of_a_step_are_bounded(owner, step):
    for text in ("a\0b", "x" * 100_000):
        answer = post(owner, f"{DESK}{step}", why=text, learned=text)
        assert answer.status_code == 400, step


class TestLimits:
    def test_a_leader_sets_it_and_sees_what_would_follow(self, client, world):
        gina = sign_in(client, "gina")
        assert 'href="/groups/engineering/limit"' in gina.get("/groups/engineering/").content.decode()
        assert 'href="/teams/api/limit"' in gina.get("/teams/api/").content.decode()
        said = words(gina.get("/groups/engineering/limit"))
        assert "Engineering has no limit, nor has a group above it." in said
        said = words(post(gina, "/groups/engineering/limit", limit="1", reason="", do="look"))
        assert (
            "At most 1 live program at once for each of the 2 teams of Engineering. Api and web have just as many"
            in said
        )
        world.engineering.refresh_from_db()
        assert world.engineering.program_limit is None
        assert post(gina, "/groups/engineering/limit", limit="1", reason="one at a time").status_code == 302
        said = words(gina.get("/groups/engineering/"))
        assert "Kept." in said
        assert "each team has at most 1 live program at once" in said
        assert AuditRow.objects.get(kind="program limit").reason == "one at a time"

    def test_others_find_no_such_page(self, client, world):
        for name in ("alice", "bob", "tess", "charlie"):
            someone = sign_in(client, name)
            assert someone.get("/groups/engineering/limit").status_code == 404
            assert someone.get("/teams/api/limit").status_code == 404
            assert post(someone, "/teams/api/limit", limit="1").status_code == 404
            assert "/limit" not in someone.get("/teams/api/").content.decode()

    @pytest.mark.parametrize("value", ["100", "-1", "x", "1.5", "\0", "9" * 100, "٣"])
    def test_what_is_expected(self, client, world, value):
        answer = post(sign_in(client, "gina"), "/teams/api/limit", limit=value)
        assert answer.status_code == 400
        assert "A whole number from 0 to 99 was expected." in words(answer)

    def test_who_waits_for_a_place_is_said_everywhere(self, client, world):
        limits.set_limit(world.engineering, 1, now=NOW, by=world.gina)
        text = TYPING[: TYPING.index("metrics:")] + TYPING[TYPING.index("goals:") :]
        apply_text(
            text.replace("key: typing", "key: second").replace("Every function typed", "Second"), now=NOW, via="test"
        )
        said = "2 teams wait for a place: Api since 16 Mar, it has 1 of 1 program; web since 16 Mar, it has 1 of 1 program."
        tess = sign_in(client, "tess")
        assert said in words(tess.get("/programs/second/desk/"))
        assert said in words(tess.get("/programs/second/"))
        assert (
            "Second waits for a place since 16 Mar: this team has 1 of 1 program. The one that waits longest comes next."
        ) in words(tess.get("/teams/api/"))
        Program.objects.filter(key="second").update(audience="web")
        assert "Second waits" not in words(sign_in(client, "alice").get("/teams/api/"))
        gina = sign_in(client, "gina")
        said = words(post(gina, "/groups/engineering/limit", limit="2", do="look"))
        assert (
            "2 teams wait now: Api for Second and web for Second. All of them would get their goals within a minute."
            in said
        )


def test_queries_do_not_grow(owner, world, django_assert_max_num_queries):
    owner.get(DESK)
    with django_assert_max_num_queries(35) as few:
        assert owner.get(DESK).status_code == 200
    org = "---\n".join(f"kind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n" for n in range(12))
    apply_text(org, now=NOW, via="test")
    waves = "waves:\n" + "".join(f"  - {{key: w{n}, teams: [t{n}], start: 2026-0{n + 1}-01}}\n" for n in range(6))
    goals = "".join(
        f"  - {{metric: findings, teams: {{wave: w{n}}}, start: 2026-01-01, due: 2026-12-31, target: {n}}}\n"
        for n in range(6)
    )
    apply_text(TYPING.replace("nudges:", f"{goals}{waves}nudges:"), now=NOW, via="test")
    assert WaitingTeam.objects.count() == 3
    with django_assert_max_num_queries(len(few) + 4):  # two gates, the teams of waves, two of who waits
        assert owner.get(DESK).status_code == 200
    assert Goal.objects.filter(ended_on=None).count() == 15 + 3


@pytest.mark.parametrize(("address", "most"), [("go-live", 12), ("pause", 14), ("complete", 70), ("cancel", 70)])
def test_queries_of_the_steps(owner, world, address, most, django_assert_max_num_queries):
    with django_assert_max_num_queries(most):
        assert owner.get(DESK + address).status_code == 200


def test_people_are_suggested_where_an_e_mail_is_typed(owner, world):
    User.objects.create_user("gone@example.com", is_active=False)
    for n in range(access.MOST_SUGGESTED):
        User.objects.create_user(f"z{n:03}@example.com", name=f"Z {n:03}")
    body = owner.get(DESK).content.decode()
    held = re.findall(r'<option value="([^"]*@example.com)">', body)
    assert len(held) == access.MOST_SUGGESTED == 200
    assert "alice@example.com" in held
    assert "gone@example.com" not in held
    assert (
        len(re.findall(r'<input id="people-(?:sponsor|technical|manager)" [^>]*type="email" [^>]*list="known"', body))
        == 3
    )
    assert body.count('<datalist id="known">') == 1


def test_going_live_says_how_old_its_numbers_are(owner, world):
    apply_text(DRAFT, now=NOW, via="test")
    Program.objects.update(state="draft")
    said = words(owner.get(f"{DESK}go-live"))
    assert "On day one: 1 behind and 2 met. These numbers were measured 15 days ago." in said


def test_several_owners_answer_together(owner):
    typed = {"sponsor": "sam@example.com", "mandate": "", "technical": "alice@example.com, tess@example.com",
             "manager": "pam@example.com, wanda@example.com", "do": "look"}  # fmt: skip
    answer = owner.post(f"{DESK}charter/people", typed, headers={"Accept": "application/json"})
    assert answer.json() == {
        "faults": {},
        "said": [
            "sam@example.com sponsors it.",
            "Alice and tess@example.com answer for the numbers, as technical owners.",
            "pam@example.com and Wanda keep it going, as program managers.",
        ],
    }
