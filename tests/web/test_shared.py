"""Share links and badges: what they show, for how long, with no name of a person in them, and what ends them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.test import Client

from accounts import share_links
from accounts.models import AuditRow, ShareLink, User
from program.feeds.registry import KINDS
from program.models import Program
from teams import trust
from teams.ingest import Origin, ingest
from teams.models import Goal, Standing, TakenItem
from teams.standings import judge_due
from tests.people import HEADER, NOW, settle
from tests.web.test_pages import sign_in, words
from web import badges

pytestmark = pytest.mark.django_db
ROWS = (
    HEADER
    + "typed-functions,api,src/a.py,2026-01-01,2,30\ntyped-functions,api,src/a.py,2026-03-01,3,30\n"
    + "typed-functions,api,src/b.py,2026-03-01,1,30\ntyped-functions,web,w.py,2026-03-01,29,30\n"
    + "findings,api,x,2026-03-01,4,\n"
)
PEOPLE = ("Alice", "Bob", "Gina", "Wanda", "Charlie", "Sam", "Tess", "Pam", "example.com")


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "march.csv", KINDS["csv"], by=made.tess), NOW)
        trust.dispute(made.findings, made.api, text="half of them are fixed", by=made.alice, now=NOW)
        TakenItem.objects.create(
            metric=made.typed, team=made.api, item="src/a.py", digest="x", by=made.bob, at=NOW
        )  # fmt: skip
        judge_due(NOW)
        yield made


def link(scope: str, by: User | None = None, days: int = 30) -> tuple[ShareLink, str]:
    return share_links.make("auditors", scope, by=by, now=NOW, days=days)


def opened(scope: str) -> tuple[Client, ShareLink]:
    made, secret = link(scope)
    visitor = Client()
    answer = visitor.get(f"/shared/{secret}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/shared/{made.pk}/")
    return visitor, made


def private(answer) -> bool:
    return (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("no-referrer", "noindex") and "no-store" in answer[
        "Cache-Control"
    ]


@pytest.mark.parametrize(
    ("scope", "said"),
    [("team:api", "2 of 2 goals need the team"), ("program:typing", "1 of 2 teams is at target")],
)
def test_a_link_shows_its_page_without_a_name_of_a_person(world, scope, said):
    visitor, made = opened(scope)
    answer = visitor.get(f"/shared/{made.pk}/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert said in words(answer), words(answer)[:400]
    assert private(answer)
    assert [name for name in PEOPLE if name in text] == []
    assert re.findall(r'href="(/(?:teams|programs|metrics|runs|groups|people|me)/[^"]*)"', text) == []
    assert "<form" not in text


def test_the_secret_leaves_the_address_for_a_cookie_of_twelve_hours(world):
    made, secret = link("team:api")
    visitor = Client()
    answer = visitor.get(f"/shared/{secret}/")
    assert private(answer)
    cookie = answer.cookies[f"shared-{made.pk}"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (
        f"/shared/{made.pk}/", True, "Lax", 43200,
    )  # fmt: skip
    assert secret not in cookie.value
    assert ShareLink.objects.get().last_used_at == NOW
    assert secret not in json.dumps(list(AuditRow.objects.values("key", "before", "after")))
    with time_machine.travel(NOW + timedelta(hours=12, seconds=1), tick=False):
        assert visitor.get(f"/shared/{made.pk}/").status_code == 404
    with time_machine.travel(NOW + timedelta(hours=11), tick=False):
        assert visitor.get(f"/shared/{made.pk}/").status_code == 200


def test_charts_come_with_it_and_nothing_else_does(world):
    visitor, made = opened("team:api")
    (first, *_) = re.findall(r'data-figure="([^"]+)"', visitor.get(f"/shared/{made.pk}/").content.decode())
    figure = visitor.get(first.replace("&amp;", "&"))
    assert figure.status_code == 200
    assert figure.json()["data"]
    assert private(figure)
    of_web = Goal.objects.get(team=world.web).pk
    for address in (f"/shared/{made.pk}/charts/{of_web}.json", f"/shared/{made.pk}/charts/typed-functions.json"):
        assert visitor.get(address).status_code == 404
    for address in ("/", "/teams/api/", "/programs/typing/", "/api/v1/teams/api/scorecard", f"/shared/{made.pk + 1}/"):
        assert visitor.get(address).status_code in (302, 401, 404)
    other, program = opened("program:typing")
    assert other.get(f"/shared/{program.pk}/charts/typed-functions.json").status_code == 200
    assert other.get(f"/shared/{program.pk}/charts/nothing.json").status_code == 404


def test_a_forged_or_borrowed_cookie_opens_nothing(world):
    visitor, made = opened("team:api")
    second, _ = link("program:typing")
    visitor.cookies[f"shared-{second.pk}"] = visitor.cookies[f"shared-{made.pk}"].value
    assert visitor.get(f"/shared/{second.pk}/").status_code == 404
    visitor.cookies[f"shared-{second.pk}"] = f"{second.pk}:x:y"
    assert visitor.get(f"/shared/{second.pk}/").status_code == 404


def test_a_badge_opens_no_page_and_a_page_is_no_badge(world):
    made, secret = link("badge:team:api")
    visitor = Client()
    answer = visitor.get(f"/shared/{secret}/")
    assert (answer.status_code, answer.cookies.keys()) == (404, {}.keys())
    # Nor does a cookie that is signed for it.
    name = f"shared-{made.pk}"
    visitor.cookies[name] = signing.get_cookie_signer(salt=f"{name}share link").sign(str(made.pk))
    assert visitor.get(f"/shared/{made.pk}/").status_code == 404
    whole, _ = link("team:api")
    name = f"shared-{whole.pk}"
    visitor.cookies[name] = signing.get_cookie_signer(salt=f"{name}share link").sign(str(whole.pk))
    assert visitor.get(f"/shared/{whole.pk}/").status_code == 200  # the cookie itself would be one


@pytest.mark.parametrize("how", ["revoked", "expired", "its maker deactivated"])
def test_it_ends_at_once_also_for_who_has_it_open(world, how):
    made, secret = link("team:api", by=world.alice)
    visitor = Client()
    visitor.get(f"/shared/{secret}/")
    assert visitor.get(f"/shared/{made.pk}/").status_code == 200
    if how == "revoked":
        assert share_links.revoke(made, by=world.tess, now=NOW)
        assert not share_links.revoke(made, by=world.tess, now=NOW)
    elif how == "expired":
        ShareLink.objects.update(expires_at=NOW)
    else:
        User.objects.filter(pk=world.alice.pk).update(is_active=False)
    for address in (f"/shared/{made.pk}/", f"/shared/{secret}/"):
        answer = visitor.get(address)
        assert (answer.status_code, "shows nothing any more" in words(answer)) == (404, True)


def test_what_one_group_sees_is_on_no_shared_scorecard(world):
    Program.objects.update(audience="engineering")
    visitor, made = opened("team:api")
    assert "No goals for this team yet" in words(visitor.get(f"/shared/{made.pk}/"))
    goal = world.goal(world.api, world.typed).pk
    assert visitor.get(f"/shared/{made.pk}/charts/{goal}.json").status_code == 404
    own, program = opened("program:typing")  # its owner chose to show it
    assert own.get(f"/shared/{program.pk}/").status_code == 200


@pytest.mark.parametrize(("scope", "most"), [("team:api", 14), ("program:typing", 40)])
def test_queries_are_few(world, scope, most, django_assert_max_num_queries):
    visitor, made = opened(scope)
    visitor.get(f"/shared/{made.pk}/")
    with django_assert_max_num_queries(most):
        visitor.get(f"/shared/{made.pk}/")


def test_making_and_ending_a_link_is_on_record(client, world):
    sign_in(client, "alice")
    page = client.post("/teams/api/links/", {"scope": "team:api", "label": "the auditors", "days": "30"})
    (address,) = re.findall(r"http://testserver(/shared/tqs_[^<]+/)", page.content.decode())
    assert Client().get(address).status_code == 302
    made = ShareLink.objects.get()
    assert (made.label, made.scope, made.created_by, made.expires_at) == (
        "the auditors", "team:api", world.alice, NOW + timedelta(days=30),
    )  # fmt: skip
    assert address.split("/")[2] not in client.get("/teams/api/links/").content.decode()
    assert client.post(f"/links/{made.pk}/revoke")["Location"] == "/teams/api/links/"
    assert "1 link" not in words(client.get("/teams/api/links/"))
    said = list(AuditRow.objects.filter(kind="share link").order_by("pk").values_list("actor", "after"))
    assert said == [
        (world.alice.pk, {"label": "the auditors", "scope": "team:api", "expires": "2026-04-15"}),
        (world.alice.pk, {"revoked": True}),
    ]


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "team:web", "label": "x", "days": "30"}, {"scope": "team:api", "label": "", "days": "30"},
        {"scope": "team:api", "label": "x" * 201, "days": "30"}, {"scope": "team:api", "label": "a\0b", "days": "30"},
        {"scope": "team:api", "label": "x", "days": "3650"}, {"scope": "team:api", "label": "x", "days": "9" * 30},
        {"scope": "badge:team:web", "label": "x", "days": "30"}, {},
    ],
)  # fmt: skip
def test_a_link_that_may_not_be_is_refused_with_what_was_expected(client, world, form):
    page = sign_in(client, "alice").post("/teams/api/links/", form)
    assert (page.status_code, "was expected" in words(page), ShareLink.objects.count()) == (400, True, 0)


# Badges


def shown(secret: str) -> tuple[object, dict]:
    svg, said = Client().get(f"/badges/{secret}.svg"), Client().get(f"/badges/{secret}.json")
    assert (svg["Content-Type"], said["Content-Type"]) == ("image/svg+xml", "application/json")
    return svg, said.json()


def test_a_badge_says_how_a_team_or_a_goal_stands(world):
    _, of_team = link("badge:team:api")
    svg, said = shown(of_team)
    assert said == {"schemaVersion": 1, "label": "Api", "message": "2 of 2 goals behind", "color": "b3261e"}
    root = ET.fromstring(svg.content)
    assert root.attrib["aria-label"] == "Api: 2 of 2 goals behind"
    assert root.find(".//{*}path[@d='M5 1 10 10H0Z']") is not None  # a shape, not color alone
    _, of_goal = link("badge:goal:typing/typed-functions/api")
    assert shown(of_goal)[1]["message"] == "7 %, behind"
    assert shown(of_goal)[1]["label"] == "Functions with full annotations"
    text = svg.content.decode() + Client().get(f"/badges/{of_goal}.svg").content.decode()
    assert [name for name in PEOPLE if name in text] == []


@pytest.mark.parametrize(
    ("statuses", "message", "status"),
    [
        (("behind", "overdue"), "2 of 2 goals behind", "overdue"),
        (("at risk", "met"), "1 of 2 goals at risk", "at risk"),
        (("on track", "met"), "all 2 on their path", "on track"),
        (("met", "met"), "all 2 goals met", "met"),
        (("met", "stale"), "1 of 2 goals on the path", "on track"),
        (("no data", "stale"), "0 of 2 goals on the path", "no data"),
    ],
)
def test_words_of_a_team(world, statuses, message, status):
    for goal, said in zip(Goal.objects.filter(team=world.api).order_by("pk"), statuses, strict=True):
        Standing.objects.filter(goal=goal, day=goal.judged_on).update(status=said)
    found = badges.of_team("api")
    assert (found.message, found.status) == (message, status)


def test_it_is_kept_for_minutes_and_not_sent_again(world):
    _, secret = link("badge:team:api")
    first = Client().get(f"/badges/{secret}.svg")
    assert first["Cache-Control"] == "public, max-age=300"
    again = Client().get(f"/badges/{secret}.svg", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "scope", ["team:api", "badge:team:nowhere", "badge:goal:typing/typed-functions/nowhere", "badge:x"]
)
def test_what_is_no_badge_is_a_picture_that_says_so(world, scope):
    _, secret = link(scope)
    for one in (secret, "tqs_unknown", "x" * 300, "ü"):
        svg, said = Client().get(f"/badges/{one}.svg"), Client().get(f"/badges/{one}.json")
        assert (svg.status_code, said.status_code) == (404, 404)
        assert "this badge is over" in ET.fromstring(svg.content).attrib["aria-label"]
        assert said.json()["isError"] is True


def test_a_badge_ends_with_its_link_and_with_what_all_may_see(world):
    made, secret = link("badge:goal:typing/typed-functions/api")
    assert Client().get(f"/badges/{secret}.json").status_code == 200
    Program.objects.update(audience="engineering")
    assert Client().get(f"/badges/{secret}.json").status_code == 404
    Program.objects.update(audience="")
    share_links.revoke(made, by=None, now=NOW)
    assert Client().get(f"/badges/{secret}.svg").status_code == 404


def test_a_team_s_badge_counts_no_goal_that_one_group_sees(world):
    _, secret = link("badge:team:api")
    Program.objects.update(audience="engineering")
    assert shown(secret)[1]["message"] == "no goal judged yet"


@pytest.mark.parametrize("scope", ["badge:team:api", "badge:goal:typing/typed-functions/api"])
def test_it_costs_four_queries_at_most(world, scope, django_assert_max_num_queries):
    _, secret = link(scope)
    for address in (f"/badges/{secret}.svg", f"/badges/{secret}.json"):
        with django_assert_max_num_queries(4):
            Client().get(address)


def test_names_are_escaped_and_held_to_their_width(world):
    world.api.name = '<script>"&' + "W" * 80
    world.api.save()
    _, secret = link("badge:team:api")
    root = ET.fromstring(Client().get(f"/badges/{secret}.svg").content)
    label = root.findall(".//{*}text")[0]
    assert label.text.startswith('<script>"&WW')
    assert len(label.text) == badges.LONGEST
    assert int(label.attrib["textLength"]) == badges.width(label.text)
    assert badges.width("W") > badges.width("i")
    assert badges.width("検") > badges.width("a")


@pytest.mark.parametrize("color", [*badges.COLORS.values(), badges.GRAY, "#3a4149"])
def test_white_words_are_legible_on_every_color(color):
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5


def test_the_page_gives_markdown_to_paste(client, world):
    form = {"scope": "badge:team:api", "label": "README [main]", "days": "365"}
    page = sign_in(client, "alice").post("/teams/api/links/", form).content.decode()
    (address,) = re.findall(
        r"\[!\[README \(main\)\]\(http://testserver(/badges/tqs_[^)]+\.svg)\)\]\(http://testserver/teams/api/\)", page
    )
    assert Client().get(address).status_code == 200
    assert "https://img.shields.io/endpoint?url=http%3A%2F%2Ftestserver%2Fbadges%2Ftqs_" in page
