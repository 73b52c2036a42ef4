"""The page behind the links of a pulse: opened on an answer, nothing on a GET, changeable, closed by the brief."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from reviews import ahead, pulse, schedule
from reviews.models import Pulse, Review
from tests.people import NOW, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        schedule.schedule(NOW)
        yield Pulse.objects.create(review=Review.objects.get(), person=made.alice, asked_at=NOW)


def test_a_link_opens_on_its_answer_and_a_get_notes_nothing(client, one):
    page = client.get(pulse.path(one, "partly"))
    assert 'value="partly" checked' in page.content.decode()
    said = words(page)
    assert "Does Every function typed help you? Two questions before its review of Tue 14 Apr." in said
    assert said.index("Who reads it.") < said.index("What stands in the way?")
    assert page["Referrer-Policy"] == "no-referrer"
    assert Pulse.objects.get().answered_at is None


def test_it_is_answered_changed_and_taken_back_without_signing_in(client, one):
    here = pulse.path(one)
    assert client.post(pulse.path(one, "no"), {"helps": "no", "in_the_way": "a freeze"})["Location"] == here
    assert "Noted: Every function typed: it does not help" in words(client.get(here))
    client.post(here, {"helps": "yes", "in_the_way": ""})
    assert "Noted: Every function typed: it helps" in words(client.get(here))
    client.post(here, {"do": "back"})
    assert Pulse.objects.get().answered_at is None
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("helps", "text", "fault"),
    [("", "kept words", "One answer was expected"), ("yes", "x" * 501, "at most 500"), ("yes", "a\0b", "null")],
)
def test_what_does_not_fit_is_shown_again(client, one, helps, text, fault):
    answer = client.post(pulse.path(one), {"helps": helps, "in_the_way": text})
    assert answer.status_code == 400
    assert fault in words(answer)
    assert text.replace("\0", "") in answer.content.decode()
    assert Pulse.objects.get().answered_at is None


def test_the_brief_closes_it(client, one):
    ahead.freeze_due(datetime(2026, 4, 9, 6, tzinfo=UTC))
    for answer in (client.get(pulse.path(one)), client.post(pulse.path(one), {"helps": "yes"})):
        assert answer.status_code == 410
        assert "The brief of this review was frozen on 9 Apr" in words(answer)
    assert client.get(f"{pulse.path(one)[:-3]}/").status_code == 404


def test_it_waits_at_home_until_it_is_answered(client, one):
    line = "Does Every function typed help you? Two questions before its review"
    assert line in words(sign_in(client, "alice").get("/"))
    assert line not in words(sign_in(client, "bob").get("/"))
    pulse.answer(one, "yes", "", NOW + timedelta(minutes=1), via="mail")
    assert line not in words(sign_in(client, "alice").get("/"))


def test_owners_and_sponsor_read_it_by_name_and_nobody_else(client, one):
    pulse.answer(one, "no", "The freeze", NOW, via="mail")
    for name in ("sam", "tess", "pam"):
        sign_in(client, name)
        for address in ("/programs/typing/reviews/", f"/reviews/{one.review.pk}/"):
            said = words(client.get(address)).replace(" :", ":")
            assert "Alice: does not help. “The freeze”" in said
    assert "1 of 1 lead answered: it does not help 1." in words(sign_in(client, "tess").get("/programs/typing/desk/"))
    for name in ("bob", "charlie", "alice"):
        sign_in(client, name)
        assert client.get("/programs/typing/reviews/").status_code == 404
