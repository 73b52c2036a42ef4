"""The form of a metric: who may open it, what it keeps, what it refuses, and what another definition means before it is kept."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine

from accounts.models import AuditRow, User
from program.feeds.registry import KINDS
from program.models import Metric, Playbook, Program
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Goal
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_pages import sign_in, words
from web.metric_form import FORM, hints, values_of

pytestmark = pytest.mark.django_db
NEW = "/programs/typing/desk/metrics/new"
TYPED = "/programs/typing/desk/metrics/typed-functions/"
WHOLE = {
    "name": "Slow tests", "unit": "tests", "direction": "down", "aggregation": "sum", "fresh_for": "14d",
    "definition": "tests over one second in the nightly build", "hand_hours": "0,5", "sudden": "",
    "steps": "Find the sleep\r\n\r\nUse the clock\n", "example": "https://example.com/change", "verify": "pytest {item}",
    "expert": "new@example.com", "office_hours": "Tue 14-15", "effort": "30m", "item_link": "https://code.example/{item}",
    "tracker": "gitlab", "tracker_link": "https://gitlab.com/acme/app",
}  # fmt: skip


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        rows = HEADER + "typed-functions,api,a.py,2026-03-01,20,60\n"
        ingest(rows.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


@pytest.fixture
def owner(client, world):
    return sign_in(client, "tess")


def typed(metric: Metric, **more: str) -> dict[str, str]:
    return values_of(Metric.objects.get(pk=metric.pk)) | more


def test_a_metric_is_defined_with_its_playbook_and_on_record(owner, world):
    answer = owner.post(NEW, WHOLE)
    assert (answer.status_code, answer["Location"]) == (302, "/programs/typing/desk/metrics/slow-tests/")
    metric = Metric.objects.get(key="slow-tests")
    version, book = metric.versions.get(), metric.playbook
    assert (metric.name, metric.program, metric.fresh_for) == ("Slow tests", world.program, 14)
    assert (metric.hand_hours, metric.sudden) == (0.5, 6.0)
    assert (version.number, version.direction, version.aggregation, version.unit) == (1, "down", "sum", "tests")
    assert version.definition == "tests over one second in the nightly build"
    assert (book.steps, book.effort_hours) == (["Find the sleep", "Use the clock"], 0.5)
    assert book.expert == User.objects.get(email="new@example.com")
    assert not book.expert.has_usable_password()
    assert (book.tracker, book.tracker_link) == ("gitlab", "https://gitlab.com/acme/app")
    rows = AuditRow.objects.filter(actor=world.tess, via="page").values_list("kind", "key").order_by("pk")
    assert list(rows) == [("metric", "slow-tests"), ("metric version", "slow-tests v1"), ("playbook", "slow-tests")]
    said = words(owner.get(answer["Location"]))
    assert "Kept." in said
    assert "No goal rests on it yet: it can be changed freely." in said
    assert "metric,team,item,as_of,numerator,denominator slow-tests,TEAM,lib/webhooks.py,2026-03-16,12," in said


def test_the_form_shows_what_is_kept_and_sending_it_again_changes_nothing(owner, world):
    owner.post(NEW, WHOLE)
    metric = Metric.objects.get(key="slow-tests")
    shown = owner.get("/programs/typing/desk/metrics/slow-tests/").content.decode()
    assert 'value="30m"' in shown
    assert ">Find the sleep\nUse the clock</textarea>" in shown
    before = AuditRow.objects.count()
    answer = owner.post("/programs/typing/desk/metrics/slow-tests/", typed(metric), follow=True)
    assert "Nothing changed." in words(answer)
    assert AuditRow.objects.count() == before


def test_what_is_emptied_is_gone(owner, world):
    owner.post(TYPED, typed(world.typed, steps="", expert="", example="", verify="", effort=""))
    book = Metric.objects.get(key="typed-functions").playbook
    assert (book.steps, book.expert, book.example, book.verify, book.effort_hours) == ([], None, "", "", None)
    assert Metric.objects.get(key="typed-functions").versions.count() == 1


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "", "name is missing"), ("name", "x" * 201, "name is a text of 1 to 200 characters"),
        ("key", "a b", "key is letters, digits"), ("key", "typed-functions", "is defined here already"),
        ("direction", "sideways", "direction is one of up, down"), ("aggregation", "", "aggregation is missing"),
        ("fresh_for", "soon", "fresh_for is a span"), ("fresh_for", "30m", "fresh_for is whole days"),
        ("hand_hours", "nan", "hand_hours is a number"), ("hand_hours", "1e999", "hand_hours is a number"),
        ("hand_hours", "200", "hand_hours is a number from 0 to 168"), ("sudden", "-1", "sudden is a number from 0"),
        ("definition", "x" * 5001, "definition is a text of 1 to 5000"), ("effort", "a day", "effort is what one item"),
        ("expert", "tess", "expert is an e-mail address"), ("example", "javascript:alert(1)", "example is a link"),
        ("item_link", "ftp://x/{item}", "item_link is a link"), ("tracker", "trac", "tracker is one of"),
        ("steps", "x\n" * 51, "at most 50 steps"),
        ("unit", "x" * 41, "unit is a text of 1 to 40"), ("verify", "\0", "without null bytes"),
        ("definition", "x" * 100_000, "at most 30,000 characters"),
    ],
)  # fmt: skip
def test_what_was_expected_stands_beside_its_field_and_all_that_was_typed_stays(owner, world, name, value, expected):
    answer = owner.post(NEW, WHOLE | {"key": "slow"} | {name: value})
    assert answer.status_code == 400
    shown = answer.content.decode()
    (fault,) = re.findall(rf'id="metric-{name}-fault" role="alert">([^<]+)<', shown)
    assert expected.lower() in fault.lower()
    kept = "office_hours" if name != "office_hours" else "unit"
    assert f'value="{WHOLE[kept]}"' in shown
    assert not Metric.objects.filter(key__in=["slow", "slow-tests"]).exists()
    assert AuditRow.objects.filter(via="page").count() == 0


def test_another_definition_says_what_it_means_before_it_is_kept(owner, world):
    change = typed(world.typed, definition="share of public functions", name="Typed")
    answer = owner.post(TYPED, change)
    said = words(answer)
    assert answer.status_code == 200
    assert (
        "This opens version 2: definition was “share of functions whose arguments and return are annotated” and is"
        in said
    )
    assert "2 goals become stale until re-baselined: nobody is nudged for them meanwhile." in said
    assert "What was measured so far, up to 1 Mar 2026, stays with version 1" in said
    assert Metric.objects.get(key="typed-functions").name == "Functions with full annotations"
    # A confirmation of another version than the next one is asked again.
    assert owner.post(TYPED, change | {"confirm": "3"}).status_code == 200
    assert world.typed.versions.count() == 1
    answer = owner.post(TYPED, change | {"confirm": "2"}, follow=True)
    assert "Kept: typed-functions v2 is open. Re-baseline its goals when its first numbers are in." in words(answer)
    assert "2 goals are still on an older version, and stale until re-baselined." in words(answer)
    assert list(world.typed.versions.values_list("number", "current")) == [(1, False), (2, True)]
    judge_due(NOW)
    assert "2 goals are still on an older version" in words(owner.get("/metrics/typed-functions/"))


def test_what_does_not_define_it_opens_nothing(owner, world):
    answer = owner.post(TYPED, typed(world.typed, name="Typed", fresh_for="60d"))
    assert answer.status_code == 302
    metric = Metric.objects.get(key="typed-functions")
    assert (metric.name, metric.fresh_for, metric.versions.count()) == ("Typed", 60, 1)
    assert Goal.objects.filter(metric=metric, judge_due_at=NOW).count() == 2


def test_before_anything_rests_on_it_it_is_corrected_in_place(owner, world):
    owner.post(NEW, WHOLE)
    metric = Metric.objects.get(key="slow-tests")
    answer = owner.post("/programs/typing/desk/metrics/slow-tests/", typed(metric, aggregation="ratio", unit="%"))
    assert answer.status_code == 302
    version = metric.versions.get()
    assert (version.number, version.aggregation, version.unit) == (1, "ratio", "%")
    assert AuditRow.objects.filter(kind="metric version", key="slow-tests v1").count() == 2


def test_goals_that_improve_by_a_share_need_a_best_value(owner, world):
    answer = owner.post("/programs/typing/desk/metrics/findings/", typed(world.findings, aggregation="max"))
    assert answer.status_code == 400
    assert "1 goal line asks to improve by a share of the way to the best value, and max down has none" in words(answer)


def test_looking_keeps_nothing_and_says_what_to_think_about(owner, world):
    answer = owner.post(TYPED, typed(world.typed, definition="", do="look") | {"do": "look"})
    assert "This opens version 2" in words(answer)
    told = owner.post(TYPED, typed(world.typed, unit="x") | {"do": "look"}, headers={"Accept": "application/json"})
    assert told["Content-Type"] == "application/json"
    assert told.json()["said"][0] == "This opens version 2: unit was “%” and is “x”."
    wrong = owner.post(
        TYPED, typed(world.typed, fresh_for="x") | {"do": "look"}, headers={"Accept": "application/json"}
    )
    assert list(wrong.json()["faults"]) == ["fresh_for"]
    assert world.typed.versions.get().unit == "%"


def test_hints_are_gentle_questions():
    blank = dict.fromkeys(FORM, "") | {"aggregation": "sum", "direction": "down", "unit": "%", "fresh_for": "120d"}
    found = hints(blank)
    assert "A count in per cent? A share of something is a ratio, sent as so many of so many." in found
    assert any(said.startswith("For 120 days a team steers by an old number") for said in found)
    assert found[-1].startswith(
        "A team that is behind will ask how to go about it, where it was done well, how to check"
    )
    found = hints(blank | {"unit": "findings", "fresh_for": "2", "hand_hours": "5", "verify": "make"})
    assert "A count grows with the code: a large team looks worse for being large. Is a share fairer?" in found
    assert any(said.startswith("Each team is to be measured every 2 days") for said in found)
    assert "5 hours of hand work a week cost more than they tell: can a tool do it?" in found
    assert found[-1].startswith("{item} in the command")
    assert all(said.endswith((".", "?")) for said in found)


def test_only_owners_of_the_defining_program_open_it(client, world):
    other = TYPING.replace("key: typing", "key: other").replace("tess@", "olga@").replace("pam@", "olga@")
    other = other[: other.index("metrics:")] + other[other.index("goals:") :]
    apply_text(other, now=NOW, via="test")
    for name in ("alice", "sam", "charlie"):
        for address in (NEW, TYPED):
            assert sign_in(client, name).get(address).status_code == 404
            assert client.post(address, WHOLE).status_code == 404
    client.force_login(User.objects.get(email="olga@example.com"))
    assert client.get("/programs/other/desk/metrics/typed-functions/").status_code == 404
    answer = client.get("/programs/other/desk/metrics/new")
    assert "Functions with full annotations typed-functions Every function typed" in words(answer)
    taken = client.post("/programs/other/desk/metrics/new", WHOLE | {"key": "findings"})
    assert "findings is defined by program typing: refer to it in goals only; another key was expected" in words(taken)


def test_a_program_that_is_over_defines_no_metric_and_its_own_go_on(owner, world):
    Program.objects.update(state="completed", ended_on=date(2026, 3, 1))
    for answer in (owner.get(NEW), owner.post(NEW, WHOLE)):
        assert (answer.status_code, answer["Location"]) == (302, "/programs/typing/desk/")
    assert not Metric.objects.filter(key="slow-tests").exists()
    # Its guard, or another program, may use what it defined.
    assert owner.post(TYPED, typed(world.typed, name="Typed")).status_code == 302
    assert Metric.objects.get(key="typed-functions").name == "Typed"


def test_a_metric_of_no_program_is_not_taken_over(owner, world):
    Metric.objects.create(key="orphan", name="Orphan", fresh_for=9)
    answer = owner.post(NEW, WHOLE | {"key": "orphan"})
    assert "orphan is a metric of no program: an administrator decides about it" in words(answer)


def test_queries_do_not_grow(owner, world, django_assert_max_num_queries):
    owner.get(TYPED)
    with django_assert_max_num_queries(13) as few:
        owner.get(TYPED)
    most = len(few)
    for n in range(5):
        owner.post(NEW, WHOLE | {"key": f"m{n}"})
        User.objects.create_user(f"u{n}@example.com")
    with django_assert_max_num_queries(most):
        owner.get(TYPED)


def test_a_metric_s_page_has_its_playbook_where_mails_lead(client, world):
    Playbook.objects.update(office_hours="Tue 14-15", effort_hours=2)
    answer = sign_in(client, "alice").get("/metrics/typed-functions/")
    assert 'id="playbook"' in answer.content.decode()
    said = words(answer)
    assert "Playbook How Run the checker on one file Annotate its functions Add the file to the strict list" in said
    assert "Check: mypy {item}" in said
    assert "A golden example · Ask: tess@example.com, Tue 14-15 · About 2 h an item" in said
    assert "Change the metric" not in said
    assert "Playbook None yet: ask the program's owner how to go about it." in words(client.get("/metrics/findings/"))
    sign_in(client, "tess")
    assert f'href="{TYPED}"' in client.get("/metrics/typed-functions/").content.decode()
    assert "Playbook None yet. Write one" in words(client.get("/metrics/findings/"))


def test_a_metric_leads_on_to_its_goals(owner, world):
    link = '<a href="/programs/typing/desk/goals/new?metric=findings">Set goals with it</a>'
    assert link in owner.get("/programs/typing/desk/metrics/findings/").content.decode()
    Program.objects.update(state="completed")
    assert link not in owner.get("/programs/typing/desk/metrics/findings/").content.decode()
