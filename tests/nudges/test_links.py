"""Signed links: single-purpose, tamper-proof, and harmless to look at."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import AuditRow, User
from nudges import links
from nudges.links import BadLink, Intent
from nudges.models import Mute
from tests.nudges.conftest import MONDAY, everything
from tests.people import settle

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return settle()


def mutes():
    return sorted(Mute.objects.values_list("person__email", "program__key"), key=str)


def test_a_token_says_what_it_was_made_for(world):
    for intent in (Intent(world.alice), Intent(world.alice, world.program), Intent(world.alice, action="start")):
        assert links.read(links.write(intent)) == intent


def test_the_same_link_each_time_so_that_a_mail_sent_twice_is_the_same_mail(world):
    assert links.write(Intent(world.alice)) == links.write(Intent(world.alice))


def test_a_changed_token_is_refused(world):
    token = links.write(Intent(world.alice))
    other = links.write(Intent(world.bob))
    for bad in (token[:-1], token + "x", "", "a:b", other.split(":")[0] + ":" + token.split(":")[1], "\x00", "é"):
        with pytest.raises(BadLink):
            links.read(bad)


def test_a_token_of_another_purpose_is_refused(world):
    from django.core import signing

    with pytest.raises(BadLink):
        links.read(signing.Signer(salt="something else").sign_object([world.alice.pk, None]))


def test_a_token_about_somebody_who_is_gone_is_refused(world):
    token = links.write(Intent(User.objects.create_user("gone@example.com")))
    User.objects.filter(email="gone@example.com").delete()
    with pytest.raises(BadLink):
        links.read(token)


def test_a_link_for_one_program_never_stops_another(world):
    from program.models import Program

    other = Program.objects.create(
        key="docs", name="Docs", purpose="x", start=world.program.start, end=world.program.end
    )
    with pytest.raises(BadLink):
        Intent(world.alice, world.program).narrowed(other)


def test_acting_twice_is_acting_once(world):
    intent = Intent(world.alice)
    assert links.act(intent, NOW) is True
    assert links.act(intent, NOW) is False
    assert mutes() == [("alice@example.com", None)]
    assert AuditRow.objects.filter(kind="nudges").count() == 1
    assert links.act(intent.reversed(), NOW) is True
    assert mutes() == []


# The page


@pytest.fixture
def visitor():
    """A mail program or a browser without cookies; CSRF is checked as in production."""
    return Client(enforce_csrf_checks=True)


def url(intent):
    return f"/unsubscribe/{links.write(intent)}/"


def test_looking_changes_nothing(play, visitor):
    play.run(MONDAY)
    before = everything(), mutes(), AuditRow.objects.count()
    for intent in (
        Intent(play.world.alice),
        Intent(play.world.alice, play.world.program),
        Intent(play.world.alice, action="start"),
    ):
        for method in (visitor.get, visitor.head):
            response = method(url(intent))
            assert response.status_code == 200
            assert response["Referrer-Policy"] == "no-referrer"
    assert (everything(), mutes(), AuditRow.objects.count()) == before


def test_the_page_offers_a_single_program(play, visitor):
    play.run(MONDAY)
    page = visitor.get(url(Intent(play.world.alice))).content.decode()
    assert "Nothing has changed yet" in page
    assert "Stop the nudges of Every function typed" in page
    visitor.post(url(Intent(play.world.alice)), {"program": "typing"})
    assert mutes() == [("alice@example.com", "typing")]


def test_one_click_stops_all_nudges_without_cookies_or_a_page(world, visitor):
    response = visitor.post(
        url(Intent(world.alice)), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 200
    assert mutes() == [("alice@example.com", None)]
    assert Mute.objects.get().via == "one click"


def test_the_page_acts_and_can_be_undone(world, visitor):
    page = visitor.post(url(Intent(world.alice, world.program))).content.decode()
    assert mutes() == [("alice@example.com", "typing")]
    assert "Invitations, briefs and requests of a review still come." in page
    undo = page.split('action="')[1].split('"')[0]
    visitor.post(undo)
    assert mutes() == []


def test_a_broken_link_says_so_and_does_nothing(world, visitor):
    for method in (visitor.get, visitor.post):
        response = method("/unsubscribe/nonsense/")
        assert response.status_code == 404
        assert "This link does not work" in response.content.decode()
    token_of_program = url(Intent(world.alice, world.program))
    assert visitor.post(token_of_program, {"program": "another"}).status_code == 404
    assert mutes() == []


@pytest.mark.parametrize("key", ["secret", "typing", "nowhere", "a\0b", "x" * 100_000])
def test_a_link_tells_of_no_program_that_never_spoke_to_its_person(world, visitor, key):
    from program.models import Program

    held = {"purpose": "x", "start": world.program.start, "end": world.program.end}
    Program.objects.create(key="secret", name="Hush", audience="web", **held)
    answer = visitor.post(url(Intent(world.charlie)), {"program": key})
    assert (answer.status_code, "Hush" in answer.content.decode()) == (404, False)
    assert mutes() == []


def test_who_is_signed_in_does_not_matter(world):
    client = Client()
    client.force_login(world.bob)
    client.post(url(Intent(world.alice)))
    assert mutes() == [("alice@example.com", None)]
    assert client.get(url(Intent(world.alice))).status_code == 200


def test_the_link_of_the_mail_is_this_page(play):
    play.run(MONDAY)
    assert links.address(Intent(play.world.alice)).startswith("https://quality.example.com/unsubscribe/")
