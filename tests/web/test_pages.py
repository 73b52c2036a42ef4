"""Pages: who sees what, exact words and numbers, constant queries, nothing changed by looking, headers."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.test import Client

from nudges.models import Delivery
from program.feeds.registry import KINDS
from program.models import Program
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Goal, Run, Standing, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, ORG, PASSWORD, settle

pytestmark = pytest.mark.django_db
ROWS = (
    HEADER
    + "typed-functions,api,api/views.py,2026-02-01,20,60\ntyped-functions,api,api/urls.py,2026-02-01,10,10\n"
    + "typed-functions,api,api/views.py,2026-03-01,19,60\ntyped-functions,api,api/urls.py,2026-03-01,10,10\n"
    + "typed-functions,web,web/forms.py,2026-03-01,19,20\n"
    + "findings,api,api/views.py,2026-01-01,30,\nfindings,api,api/views.py,2026-03-01,10,\n"
)


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def sign_in(client: Client, name: str) -> Client:
    assert client.login(username=f"{name}@example.com", password=PASSWORD)
    return client


def words(answer: object) -> str:
    """The page's text, without tags and with single spaces."""
    text = re.sub(r"<(script|style|title).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace(" .", ".").replace(" ,", ",")


OPEN = (
    "/",
    "/programs/",
    "/programs/typing/",
    "/programs/typing/table.csv",
    "/teams/",
    "/teams/api/",
    "/groups/engineering/",
)
OWNERS = ("/programs/typing/nudges/",)


@pytest.mark.parametrize("address", OPEN + OWNERS)
def test_a_stranger_is_asked_to_sign_in(client, world, address):
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={address}")


@pytest.mark.parametrize("address", OPEN)
def test_every_member_sees_programs_and_scorecards(client, world, address):
    assert sign_in(client, "charlie").get(address).status_code == 200


@pytest.mark.parametrize("address", OWNERS)
@pytest.mark.parametrize(
    ("name", "status"), [("tess", 200), ("pam", 200), ("sam", 404), ("alice", 404), ("charlie", 404)]
)
def test_the_outbox_is_the_owners(client, world, address, name, status):
    assert sign_in(client, name).get(address).status_code == status


def test_a_draft_is_seen_by_those_who_run_it_only(client, world):
    Program.objects.update(state="draft")
    assert sign_in(client, "charlie").get("/programs/typing/").status_code == 404
    assert "Every function typed" not in words(client.get("/programs/"))
    for name in ("tess", "sam"):
        assert sign_in(client, name).get("/programs/typing/").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["/teams/nobody/", "/teams/engineering/", "/groups/api/", "/programs/none/", "/teams/api/?on=never", "/nowhere",
     "/programs/typing/charts/none.json", "/teams/web/charts/999999.json"],
)  # fmt: skip
def test_what_is_not_there_is_said_kindly(client, world, address):
    answer = sign_in(client, "tess").get(address)
    assert answer.status_code == 404
    assert "Nothing is here." in words(answer)


def test_sign_in_and_out(client, world):
    wrong = client.post("/sign-in/", {"username": "alice@example.com", "password": "nope", "next": ""})
    assert (wrong.status_code, "do not match" in words(wrong)) == (400, True)
    right = client.post("/sign-in/", {"username": "Alice@Example.com ", "password": PASSWORD, "next": "/teams/api/"})
    assert (right.status_code, right["Location"]) == (302, "/teams/api/")
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302
    away = client.post(
        "/sign-in/", {"username": "alice@example.com", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert away["Location"] == "/"


def test_a_form_from_elsewhere_is_refused_in_words(world):
    client = sign_in(Client(enforce_csrf_checks=True), "alice")
    answer = client.post("/sign-out/")
    assert (answer.status_code, "That was not accepted." in words(answer)) == (403, True)


def test_the_scorecard_says_where_to_start_and_why(client, world):
    said = words(sign_in(client, "alice").get("/teams/api/"))
    assert "as of Mon 16 Mar 2026, today · lead: Alice" in said
    assert (
        "1 of 2 goals needs you. Start here: api/views.py (closes 100 % of the gap on Functions with full annotations)"
        in said
    )
    # 29 of 70 typed; baseline 30/70 of 1 Feb; the path on 16 Mar is 3/7 + (0.9 − 3/7) × 74/364 = 52.4 %
    assert "11 points from its path; 1 item brings it back." in said
    assert "Now 41 % as of 1 Mar" in said
    assert "Expected today 52 %" in said
    assert "Back on the path with 1 item" in said
    assert "check mypy api/views.py I’m on it" in said
    assert "41 to do · grew" in said
    assert "● On track" in said or "✓ Met" in said


def test_a_past_day_is_judged_anew_and_says_so(client, world):
    answer = sign_in(client, "alice").get("/teams/api/?on=2026-02-10")
    said = words(answer)
    assert "as of Tue 10 Feb 2026 ·" in said
    assert "Value 43 % as of 1 Feb" in said
    assert 'value="2026-02-10"' in answer.content.decode()


def test_the_program_page_counts_and_never_folds(client, world):
    said = words(sign_in(client, "charlie").get("/programs/typing/"))
    assert "1 of 2 teams is at target, 1 is off the path." in said
    assert "▲ Behind 1" in said
    assert "✓ Met 2" in said or ("✓ Met 1" in said and "● On track 1" in said)
    # 29 + 19 of 70 + 20
    assert "Functions with full annotations 53 % as of 1 Mar" in said
    html = client.get("/programs/typing/").content.decode()
    assert (
        'class="s-behind" aria-label="Api, Functions with full annotations: Behind, 41 %, path 52 %, target 90 %'
        in html
    )
    assert 'href="/teams/api/#goal-typed-functions-typing"' in html


def test_the_program_table_as_csv_is_safe_in_a_spreadsheet(client, world):
    Team.objects.filter(key="web").update(key="=cmd")
    answer = sign_in(client, "charlie").get("/programs/typing/table.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines[0] == "team,group,metric,status,value,expected,target,gap,as_of,forecast,slipped"
    assert any(line.startswith("'=cmd,engineering,typed-functions,met,0.95,") for line in lines), lines


def test_an_unchanged_program_page_is_not_sent_again(client, world, django_assert_max_num_queries):
    first = sign_in(client, "charlie").get("/programs/typing/")
    with django_assert_max_num_queries(8):
        again = client.get("/programs/typing/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    ingest(
        (HEADER + "findings,api,a,2026-03-02,99,\n").encode(),
        Origin("file", "y.csv", KINDS["csv"]),
        NOW.replace(hour=10),
    )
    assert client.get("/programs/typing/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_figures_are_json_with_a_tag(client, world):
    goal = world.goal(world.api, world.typed)
    answer = sign_in(client, "charlie").get(f"/teams/api/charts/{goal.pk}.json")
    figure = answer.json()
    assert [trace["name"] for trace in figure["data"]] == ["value", "path"]
    assert figure["data"][0]["x"] == ["2026-02-01", "2026-03-01"]
    assert figure["data"][0]["y"] == [pytest.approx(3 / 7), pytest.approx(29 / 70)]
    assert figure["data"][1]["y"] == [pytest.approx(3 / 7), 0.9]
    again = client.get(f"/teams/api/charts/{goal.pk}.json", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    total = client.get("/programs/typing/charts/typed-functions.json").json()
    assert total["data"][0]["y"][-1] == pytest.approx(48 / 90)


def test_labels_of_figures_are_escaped(client, world):
    world.findings.versions.update(unit="<b onclick=x>findings</b>")
    goal = world.goal(world.api, world.findings)
    body = sign_in(client, "charlie").get(f"/teams/api/charts/{goal.pk}.json").content.decode()
    assert "<b" not in body


def test_home_says_what_waits_on_whom(client, world):
    said = words(sign_in(client, "alice").get("/"))
    assert "1 thing waits on you." in said
    assert "▲ Behind Api: Functions with full annotations, start with api/views.py since 16 Mar 2026" in said
    assert "Nothing waits on you." in words(sign_in(client, "bob").get("/"))
    assert "You are in no team and run no program yet." in words(sign_in(client, "charlie").get("/"))
    Delivery.objects.create(
        kind="digest", key="x", address="a@example.com", state="in doubt", message_id="<1@x>", program=world.program,
        next_at=NOW, not_after=NOW, created_at=NOW,
    )  # fmt: skip
    assert "1 mail of Every function typed in doubt since 16 Mar 2026" in words(sign_in(client, "tess").get("/"))


def test_an_owner_settles_what_is_in_doubt_by_post_only(client, world):
    row = Delivery.objects.create(
        kind="digest", key="x", address="a@example.com", state="in doubt", message_id="<1@x>", program=world.program,
        next_at=NOW, not_after=NOW, created_at=NOW, text="Hello", html="<p>Hello</p>", subject="Api: behind",
    )  # fmt: skip
    address = f"/programs/typing/nudges/{row.pk}/arrived"
    assert sign_in(client, "alice").post(address).status_code == 404
    assert sign_in(client, "tess").get(address).status_code == 405
    row.refresh_from_db()
    assert row.state == "in doubt"
    assert "It counts as sent: the message to a@example.com." in words(client.post(address, follow=True))
    row.refresh_from_db()
    assert row.state == "sent"
    shown = client.get(f"/programs/typing/nudges/{row.pk}/")
    assert "frame-src 'self'" in shown["Content-Security-Policy"]
    html = client.get(f"/programs/typing/nudges/{row.pk}/html")
    assert html.content == b"<p>Hello</p>"
    policy = html["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert html["X-Frame-Options"] == "SAMEORIGIN"


def test_looking_changes_nothing(client, world):
    def rows() -> list[int]:
        return [model.objects.count() for model in (Goal, Standing, Run, Delivery, Team)]

    before = rows(), list(Standing.objects.order_by("pk").values())
    sign_in(client, "tess")
    for address in OPEN + OWNERS:
        client.get(address)
    assert (rows(), list(Standing.objects.order_by("pk").values())) == before


@pytest.mark.parametrize("address", ["/sign-in/", "/teams/api/", "/programs/typing/"])
def test_headers(client, world, address):
    answer = sign_in(client, "charlie").get(address)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data: blob:",
        "font-src": "'self'", "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }  # fmt: skip
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    html = answer.content.decode()
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son[a-z]+=", html)


@pytest.mark.parametrize(
    ("address", "most"), [("/teams/api/", 16), ("/programs/typing/", 40), ("/", 31), ("/teams/", 6)]
)
def test_queries_do_not_grow_with_what_is_shown(client, world, address, most, django_assert_max_num_queries):
    sign_in(client, "tess").get(address)
    caches["pages"].clear()
    with django_assert_max_num_queries(most) as few:
        client.get(address)
    more = "".join(f"---\nkind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n" for n in range(12))
    apply_text(ORG + more, now=NOW, via="test")
    judge_due(NOW)
    # One more at most: the new teams have no recorded baseline, so that their history is read whole.
    with django_assert_max_num_queries(len(few) + 1):
        client.get(address)


def test_every_page_has_a_context_dataclass():
    for path in (Path(settings.BASE_DIR) / "web" / "pages").glob("*.py"):
        # A badge is a picture, a visit answers nothing, and a calendar is a file.
        if path.stem in ("__init__", "badges", "calendars", "visits"):
            continue
        module = import_module(f"web.pages.{path.stem}")
        # Its own, or that of a module which puts a page together for more than one door.
        places = [module, *(one for one in vars(module).values() if getattr(one, "__package__", "") == "web")]
        found = [pair for place in places for pair in vars(place).items()]
        contexts = [value for name, value in found if name.endswith("Context") and is_dataclass(value)]
        assert contexts, f"{path.name} has no Context"


def test_probes(client, world):
    assert client.get("/healthz").content == b"ok\n"
    assert client.get("/readyz").content == b"ready\n"
    figures = client.get("/metrics").content.decode()
    assert "quality_goals_judge_due 0.0" in figures
    assert 'quality_deliveries{state="sent"} 0.0' in figures
    assert "quality_newest_run_age_seconds 0.0" in figures


def test_an_empty_service_says_how_to_fill_it(client):
    from accounts.models import User

    user = User.objects.create_user("new@example.com", PASSWORD)
    client.force_login(user)
    assert "manage.py apply program.yaml" in words(client.get("/programs/"))
    assert "manage.py apply org.yaml" in words(client.get("/teams/"))
    Team.objects.create(key="solo", name="Solo")
    assert "No goals for this team yet." in words(client.get("/teams/solo/"))
    Program.objects.create(key="p", name="P", purpose="x", start=date(2026, 1, 1), end=date(2026, 2, 1))
    assert "This program has no goals yet." in words(client.get("/programs/p/"))
