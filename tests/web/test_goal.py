"""A goal's page: why it is the team's, what a lead proposes and an owner answers, exemptions, who may do what."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
import time_machine

from program.feeds.registry import KINDS
from program.models import GoalRule
from teams import exempting, proposing, renegotiating
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal, GoalTerms, Membership, Proposal
from teams.standings import judge_due, judge_goals
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
PAGE = "/teams/api/goals/typing/typed-functions/"
ROWS = (
    HEADER
    + "typed-functions,api,a.py,2026-01-01,20,100\ntyped-functions,api,a.py,2026-02-01,24,100\n"
    + "typed-functions,api,a.py,2026-03-01,28,100\nfindings,api,a,2026-01-01,30,\nfindings,api,a,2026-03-01,28,\n"
)
LEADER = "gina"
DRAFT = {"target": "60 %", "due": "2027-06-30", "reason": "a rewrite comes first"}
REST = {"why": "goes-away", "text": "v2 replaces it", "until": "2026-05-31", "from": ""}


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle(TYPING.replace("target: 0.9}", "target: 0.9, why: Two outages began in untyped code}"))
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


@pytest.fixture
def goal(world) -> Goal:
    return world.goal(world.api, world.typed)


def propose(world, **more) -> Proposal:
    asked = {"target": 0.6, "due": date(2027, 6, 30), "reason": "a rewrite comes first", "by": world.alice, "now": NOW}
    return proposing.propose(world.goal(world.api, world.typed), **(asked | more))


def ask(world, **more) -> Exemption:
    asked = {"reason": "goes-away", "text": "v2 replaces it", "until": date(2026, 5, 31), "from_day": None}
    return exempting.ask(world.goal(world.api, world.typed), **(asked | {"by": world.bob, "now": NOW} | more))


def test_it_says_why_it_is_theirs(client, world):
    said = words(sign_in(client, "charlie").get(PAGE))
    assert "Why Two outages began in untyped code" in said
    assert "Asked of every team What for Fewer production type errors, safer refactoring" in said
    assert "Run by tess@example.com and pam@example.com" in said
    assert "Target 90 % by 31 Dec 2026 Start 1 Jan 2026, from 20 % as of 1 Jan 2026" in said
    assert "▲ Behind 6 points from its path" in said
    assert "Answer back" not in said, "a stranger reads and asks nothing"


@pytest.mark.parametrize(
    ("teams", "said"),
    [
        ("{under: engineering}", "every team under Engineering"),
        ("{wave: pilot}", "the teams of wave pilot"),
        ("[api]", "Api alone"),
        ("[api, web]", "Api and 1 other team"),
    ],
)
def test_how_the_teams_were_chosen(client, world, teams, said):
    text = TYPING.replace("metric: typed-functions, teams: all", f"metric: typed-functions, teams: {teams}")
    apply_text(text + "waves: [{key: pilot, teams: [api], start: 2026-01-01}]\n", now=NOW, via="test")
    GoalRule.objects.update(chosen="teams below 50 % on 2 Mar")
    assert f"Asked of {said} teams below 50 % on 2 Mar" in words(sign_in(client, "alice").get(PAGE))


def test_a_lead_proposes_and_an_owner_accepts(client, world, goal):
    answer = sign_in(client, "alice").post(f"{PAGE}propose", DRAFT, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    said = words(answer)
    assert "Proposed. An owner of Every function typed answers, here and at home." in said
    assert "Alice proposes 60 % by 30 Jun 2027" in said
    late = "The program ends on 31 Dec 2026, before 30 Jun 2027: whether it goes on is decided then."
    assert said.count(late) == 2, "in what was done, and in what it would mean"
    assert late in words(sign_in(client, "tess").get(PAGE)), "also to the owner who answers"
    assert "By these terms Api would be on track today: 28 %, where 25 % is expected." in said
    made = Proposal.objects.get()
    assert (made.target, made.due, made.reason, made.made_by) == (
        0.6,
        date(2027, 6, 30),
        "a rewrite comes first",
        world.alice,
    )
    address = f"{PAGE}proposals/{made.pk}/answer"
    sign_in(client, "alice")
    assert client.post(address, {"answer": "accept"}).status_code == 404, "only owners answer"
    answer = sign_in(client, "tess").post(address, {"answer": "accept", "text": "worth it"}, follow=True)
    said = words(answer)
    assert f"Accepted: these are Api&#39;s terms from today on. {late}" in said
    assert "● On track" in said
    history = said[said.index("History") :]
    assert (
        "16 Mar 2026 tess@example.com Target 90 % → 60 % and due day 31 Dec 2026 → 30 Jun 2027. “a rewrite" in history
    )
    assert "16 Mar 2026 Alice Proposed: 60 % by 30 Jun 2027. “a rewrite comes first”" in history
    assert "accepted by tess@example.com on 16 Mar 2026: worth it" in history
    assert "1 Jan 2026" in history
    assert "the daily judgment Baseline recorded: 20 % as of 1 Jan 2026." in history
    assert "the program’s file Given to the team: 90 % by 31 Dec 2026, from 1 Jan 2026 on." in history
    assert "Asked of Api alone its own terms since 16 Mar 2026, as Alice proposed" in said
    assert goal.terms.count() == 2


def test_declining_takes_words(client, world, goal):
    made = propose(world)
    address = f"{PAGE}proposals/{made.pk}/answer"
    answer = sign_in(client, "pam").post(address, {"answer": "decline", "text": " "})
    assert answer.status_code == 400
    assert "Some words were expected: why not, for the team." in words(answer)
    assert client.post(address, {"answer": "maybe"}).status_code == 400
    said = words(client.post(address, {"answer": "decline", "text": "the audit is in December"}, follow=True))
    assert "Declined: Api&#39;s terms stay as they were." in said
    assert "declined by pam@example.com on 16 Mar 2026: the audit is in December" in said
    answer = client.post(address, {"answer": "accept"})
    assert answer.status_code == 400
    assert "not open any more" in words(answer)
    assert goal.terms.count() == 1


def test_a_refused_proposal_says_what_was_expected_and_keeps_what_was_typed(client, world):
    answer = sign_in(client, "alice").post(f"{PAGE}propose", DRAFT | {"target": "85"})
    assert answer.status_code == 400
    assert "The target is a share such as 85 % or 0.85, not 85: did you mean 85 %?" in words(answer)
    shown = answer.content.decode()
    assert '<details class="more no-print" open>' in shown
    assert 'name="target" value="85"' in shown
    assert 'type="date" value="2027-06-30"' in shown
    assert ">a rewrite comes first</textarea>" in shown
    for wrong, said in (
        ({"reason": ""}, "Some words were expected: why other terms."),
        ({"reason": "x" * 100_000}, "at most 2,000 characters"),
        ({"target": "", "due": ""}, "Another target or another due day than now was expected."),
        ({"due": "soon"}, "The due day is a day such as 2026-01-31, not “soon”."),
        ({"due": "0001-01-01"}, "The due day is a day such as 2026-01-31"),
        ({"target": "NaN"}, "The target is a share"),
        ({"target": "9" * 5000}, "The target is a share"),
        ({"target": "0.5\0"}, "The target is a share"),
        ({"reason": "a\0b"}, "at most 2,000 characters was expected"),
    ):
        answer = client.post(f"{PAGE}propose", DRAFT | wrong)
        assert answer.status_code == 400, wrong
        assert said in words(answer)
    assert not Proposal.objects.exists()


def test_what_it_would_mean_is_said_before_it_is_proposed(client, world):
    told = (
        "By these terms Api would be on track today: 28 %, where 25 % is expected. The path from 20 % on 1 Jan 2026 "
        "to 60 % by 30 Jun 2027 asks +2.2 points a month; the last 90 days brought +4.1 points a month. "
        "The program ends on 31 Dec 2026, before 30 Jun 2027: whether it goes on is decided then."
    )
    sign_in(client, "alice")
    answer = client.get(f"{PAGE}meaning", {"target": "60 %", "due": "2027-06-30"})
    assert answer.json() == {"said": told, "fits": True}
    assert client.get(f"{PAGE}meaning", {"target": "85"}).json()["fits"] is False
    answer = client.post(f"{PAGE}propose", DRAFT | {"act": "preview"})
    assert answer.status_code == 200
    assert told in words(answer)
    assert not Proposal.objects.exists()
    # Only an owner may take a baseline anew, and so only they see what it would mean.
    assert "would be on track today: 28 %, where 28 % is" not in words(
        client.get(f"{PAGE}meaning", {"rebaseline": "1"})
    )
    anew = sign_in(client, "tess").get(f"{PAGE}meaning", {"rebaseline": "1"}).json()["said"]
    assert anew.startswith("By these terms Api would be on track today: 28 %, where 28 % is expected.")
    assert sign_in(client, "bob").get(f"{PAGE}meaning", {"target": "60 %"}).status_code == 404


def test_an_owner_sets_terms_and_takes_the_baseline_anew(client, world, goal):
    sign_in(client, "tess")
    wanted = {"target": "0.5", "due": "", "rebaseline": "1", "reason": "half of it moved to web"}
    said = words(client.post(f"{PAGE}terms", wanted, follow=True))
    assert "Api has its own terms from today on. Its baseline comes with the next daily judgment." in said
    row = goal.terms.last()
    assert (row.target, row.start, row.baseline, row.set_by, row.reason) == (
        0.5, date(2026, 3, 16), None, world.tess, "half of it moved to web",
    )  # fmt: skip
    answer = client.post(f"{PAGE}terms", wanted | {"reason": ""})
    assert answer.status_code == 400
    assert 'name="rebaseline" value="1" checked' in answer.content.decode()
    judge_due(NOW + timedelta(hours=1))
    said = words(client.get(PAGE))
    assert "Target 90 % → 50 %, start 1 Jan 2026 → 16 Mar 2026 and the baseline taken anew." in said
    assert "Baseline recorded: 28 % as of 1 Mar 2026." in said
    # A second change of the day replaces the terms; the first one stays on the history.
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        client.post(f"{PAGE}terms", {"target": "55 %", "reason": "a typing mistake"})
    said = words(client.get(PAGE))
    assert (
        "Replaced the same day: target 90 % → 50 %, start 1 Jan 2026 → 16 Mar 2026 and the baseline taken anew." in said
    )
    assert "Target 90 % → 55 %" in said


def test_a_member_asks_for_an_exemption_and_an_owner_approves_it_for_less(client, world, goal):
    said = words(sign_in(client, "bob").post(f"{PAGE}exempt", REST, follow=True))
    assert "Asked for 16 Mar 2026 to 31 May 2026. An owner of Every function typed answers" in said
    assert "Bob asks for an exemption, 16 Mar 2026 to 31 May 2026: the code goes away" in said
    made = Exemption.objects.get()
    answer = sign_in(client, "tess").post(f"/exemptions/{made.pk}/answer", {"answer": "decline", "until": "2026-04-30"})
    assert answer.status_code == 400
    assert "Some words were expected: why not, for the team." in words(answer)
    assert 'value="2026-04-30"' in answer.content.decode()
    answer = client.post(f"/exemptions/{made.pk}/answer", {"answer": "approve", "until": "2026-04-30"}, follow=True)
    said = words(answer)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "Approved: Api is exempt until 30 Apr 2026." in said
    assert "Exempt until 30 Apr 2026: the code goes away" in said
    assert "From 1 May 2026 on it counts again, by itself." in said
    assert "– Exempt" in said
    assert "approved by tess@example.com on 16 Mar 2026 until 30 Apr 2026; in force" in said
    said = words(sign_in(client, "alice").post(f"/exemptions/{made.pk}/end", {"text": "v2 is late"}, follow=True))
    assert "Ended: Api&#39;s goal counts again." in said
    assert "▲ Behind" in said
    assert "taken back by Alice on 16 Mar 2026" in said


def test_a_refused_request_keeps_what_was_typed(client, world):
    answer = sign_in(client, "bob").post(f"{PAGE}exempt", REST | {"until": "2027-05-31"})
    assert answer.status_code == 400
    assert "The last day is from today to 16 Sep 2026, six months ahead at most." in words(answer)
    shown = answer.content.decode()
    assert '<option value="goes-away" selected>' in shown
    assert 'value="2027-05-31"' in shown
    assert ">v2 replaces it</textarea>" in shown
    for wrong in ({"why": ""}, {"text": ""}, {"until": ""}, {"from": "x"}, {"text": "x" * 100_000}, {"why": "\0"}):
        assert client.post(f"{PAGE}exempt", REST | wrong).status_code == 400, wrong
    assert not Exemption.objects.exists()


def test_a_request_is_taken_back_by_the_team(client, world):
    made = ask(world)
    assert sign_in(client, "tess").post(f"/exemptions/{made.pk}/end").status_code == 404, "an owner declines it"
    assert "Taken back." in words(sign_in(client, "alice").post(f"/exemptions/{made.pk}/end", follow=True))
    answer = client.post(f"/exemptions/{made.pk}/end")
    assert (answer.status_code, "over already" in words(answer)) == (400, True)


PROPOSERS = {"alice": True, "gina": True, "admin": True, "bob": False, "charlie": False, "tess": False, "wanda": False}
ASKERS = PROPOSERS | {"bob": True}
OWNERS = {"tess": True, "pam": True, "admin": True, "alice": False, "bob": False, "charlie": False, "sam": False}


@pytest.fixture
def admin(world):
    world.sam.pk, world.sam.email = None, "admin@example.com"
    world.sam.is_superuser = True
    world.sam.save()


@pytest.mark.parametrize(("name", "may"), PROPOSERS.items())
def test_who_proposes(client, world, admin, name, may):
    sign_in(client, name)
    assert ("Propose another target" in words(client.get(PAGE))) is may
    assert client.post(f"{PAGE}propose", DRAFT).status_code == (302 if may else 404)
    made = Proposal.objects.first() or propose(world)
    assert client.post(f"{PAGE}proposals/{made.pk}/withdraw").status_code == (302 if may else 404)


@pytest.mark.parametrize(("name", "may"), ASKERS.items())
def test_who_asks_for_an_exemption(client, world, admin, name, may):
    sign_in(client, name)
    assert ("Ask for an exemption" in words(client.get(PAGE))) is may
    assert client.post(f"{PAGE}exempt", REST).status_code == (302 if may else 404)


@pytest.mark.parametrize(("name", "may"), OWNERS.items())
def test_who_answers(client, world, admin, name, may):
    made, asked = propose(world), ask(world)
    sign_in(client, name)
    said = words(client.get(PAGE))
    assert ("Give Api other terms" in said, "Accept: these terms" in said, "Approve" in said) == (may, may, may)
    assert client.post(f"/exemptions/{asked.pk}/answer", {"answer": "approve"}).status_code == (302 if may else 404)
    address = f"{PAGE}proposals/{made.pk}/answer"
    assert client.post(address, {"answer": "accept"}).status_code == (302 if may else 404)
    assert client.post(f"{PAGE}terms", {"target": "0.7", "reason": "x"}).status_code == (302 if may else 404)


def test_who_ends_an_exemption(client, world):
    def ends(name: str, by) -> int:
        Exemption.objects.all().delete()
        made = ask(world, by=by)
        exempting.approve(made, until=None, text="", by=world.tess, now=NOW)
        return sign_in(client, name).post(f"/exemptions/{made.pk}/end").status_code

    assert [ends(name, world.bob) for name in ("alice", "gina", "tess", "bob", "charlie", "wanda")] == [
        302, 302, 302, 302, 404, 404,
    ]  # fmt: skip
    assert ends("bob", world.alice) == 404, "what the lead asked for a member does not end"


def test_a_viewer_changes_nothing(client, world):
    Membership.objects.create(team=world.api, user=world.charlie, role="lead")
    world.charlie.reads_only = True
    world.charlie.save()
    world.tess.reads_only = True
    world.tess.save()
    for name in ("charlie", "tess"):
        said = words(sign_in(client, name).get(PAGE))
        assert "Answer back" not in said
        assert client.post(f"{PAGE}propose", DRAFT).status_code == 404
        assert client.post(f"{PAGE}exempt", REST).status_code == 404
        assert client.post(f"{PAGE}terms", {"target": "0.5", "reason": "x"}).status_code == 404


def test_out_of_scope_is_not_found(client, world):
    made = ask(world)
    world.program.audience = "web"
    world.program.save()
    sign_in(client, "charlie")
    for address in (PAGE, f"{PAGE}meaning", "/programs/typing/exemptions/", "/programs/typing/exemptions/table.csv"):
        assert client.get(address).status_code == 404
    assert client.post(f"/exemptions/{made.pk}/answer", {"answer": "approve"}).status_code == 404
    sign_in(client, "tess")
    for address in (
        "/teams/api/goals/typing/nothing/",
        "/teams/api/goals/nothing/typed-functions/",
        "/teams/web/goals/typing/findings/",
        "/teams/engineering/goals/typing/findings/",
        "/teams/api/goals/typing/x%00/",
    ):
        assert client.get(address).status_code == 404, address
    assert client.post(f"{PAGE}proposals/{10**30}/answer", {"answer": "accept"}).status_code == 404
    assert client.post(f"/exemptions/{10**30}/end").status_code == 404
    other = world.goal(world.web, world.typed)
    elsewhere = proposing.propose(other, target=0.5, due=None, reason="x", by=world.wanda, now=NOW)
    assert client.post(f"{PAGE}proposals/{elsewhere.pk}/answer", {"answer": "accept"}).status_code == 404


def test_nothing_changes_by_looking(client, world):
    made, asked = propose(world), ask(world)
    sign_in(client, "tess")
    for address in ("propose", "exempt", "terms", f"proposals/{made.pk}/answer", f"proposals/{made.pk}/withdraw"):
        assert client.get(f"{PAGE}{address}").status_code == 405
    for address in ("answer", "end"):
        assert client.get(f"/exemptions/{asked.pk}/{address}").status_code == 405


def test_how_it_stood_is_told_as_it_was_judged(client, world, goal):
    judge_goals(Goal.objects.all(), NOW - timedelta(days=15))  # 1 Mar: 28 %, expected 31 %
    judge_goals(Goal.objects.all(), NOW - timedelta(days=72))  # 3 Jan: 20 %, expected 20.4 %
    renegotiating.agree(goal, target=0.25, due=None, by=world.tess, reason="less of it", now=NOW)
    answer = sign_in(client, "alice").get(PAGE)
    said = words(answer)
    assert "As it was judged on each day, 3 Jan 2026 to 16 Mar 2026; a line marks other terms." in said
    assert "✓ Met from 16 Mar 2026 ▲ Behind from 3 Jan 2026 to 1 Mar 2026" in said
    rects = re.findall(r'<rect class="(\S+)" x="([\d.]+)%" width="([\d.]+)', answer.content.decode())
    assert [(name, float(x)) for name, x, _ in rects] == [("s-behind", 0.0), ("s-met", 98.63), ("mark", 98.63)]
    assert sum(float(width) for name, _, width in rects if name != "mark") == pytest.approx(100, abs=0.01)


def test_an_ended_goal_has_its_history_only(client, world, goal):
    Goal.objects.filter(pk=goal.pk).update(ended_on=date(2026, 3, 10))
    said = words(sign_in(client, "tess").get(PAGE))
    assert "This goal ended on 10 Mar 2026." in said
    assert "Given to the team" in said
    assert "Give Api other terms" not in said
    assert client.post(f"{PAGE}terms", {"target": "0.5", "reason": "x"}).status_code == 400
    world.program.state = "draft"
    world.program.save()
    Goal.objects.filter(pk=goal.pk).update(ended_on=None)
    assert "The program is a draft: nothing is judged yet." in words(client.get(PAGE))
    assert sign_in(client, "alice").get(PAGE).status_code == 404


def test_other_terms_are_marked_on_the_chart(client, world, goal):
    renegotiating.agree(goal, target=0.5, due=None, by=world.tess, reason="less", now=NOW)
    figure = sign_in(client, "alice").get(f"/teams/api/charts/{goal.pk}.json").json()
    marked = [note["x"] for note in figure["layout"]["annotations"] if note["text"] == "other terms"]
    assert marked == ["2026-03-16"]
    before = client.get(f"/teams/api/charts/{goal.pk}.json?on=2026-03-10").json()
    assert [note for note in before["layout"]["annotations"] if note["text"] == "other terms"] == []
    assert GoalTerms.objects.filter(goal=goal).count() == 2


def test_queries_do_not_grow_with_the_history(client, world, goal, django_assert_max_num_queries):
    sign_in(client, "alice").get(PAGE)
    propose(world)
    ask(world)
    with django_assert_max_num_queries(34) as few:
        assert "Alice proposes" in words(client.get(PAGE))
    for n in range(6):
        at = NOW + timedelta(days=n)
        renegotiating.agree(goal, target=0.5 + n / 100, due=None, by=world.tess, reason="again", now=at)
        Proposal.objects.create(goal=goal, target=0.5, reason="x", made_by=world.alice, made_at=at, state="declined",
                                answered_by=world.tess, answered_at=at)  # fmt: skip
        Exemption.objects.create(goal=goal, from_day=at.date(), until_day=at.date(), reason="unfit", asked_at=at,
                                 asked_by=world.bob, declined_by=world.tess, declined_at=at)  # fmt: skip
    with django_assert_max_num_queries(len(few)):
        assert words(client.get(PAGE)).count("Proposed:") == 7


def test_a_due_day_within_the_program_has_no_warning(client, world):
    answer = sign_in(client, "alice").post(f"{PAGE}propose", DRAFT | {"due": "2026-11-30"}, follow=True)
    said = words(answer)
    assert "Alice proposes 60 % by 30 Nov 2026" in said
    assert "whether it goes on is decided then" not in said
    assert "Due day, if it should be another; the program ends on 31 Dec 2026" in words(
        sign_in(client, "pam").get(PAGE)
    )


def test_an_owner_who_sets_a_day_after_the_end_is_told(client, world):
    terms = {"target": "", "due": "2027-06-30", "reason": "agreed"}
    said = words(sign_in(client, "tess").post(f"{PAGE}terms", terms, follow=True))
    assert (
        "Api has its own terms from today on. The program ends on 31 Dec 2026, before 30 Jun 2027: "
        "whether it goes on is decided then."
    ) in said
