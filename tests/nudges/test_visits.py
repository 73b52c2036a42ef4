"""Visits: whose are put down, of which links, once, and for how long."""

import re
from datetime import timedelta

import pytest
from django.urls import resolve

from accounts.models import AuditRow
from nudges import visits
from nudges.links import BadLink
from nudges.models import Delivery, Digest, Visit
from tests.nudges.conftest import MONDAY

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(weeks=1, hours=2)


@pytest.fixture
def told(play) -> Digest:
    """Alice's digest of the second Monday: her goal on typed functions is behind."""
    play.announced()
    play.run(MONDAY + timedelta(weeks=1))
    return Digest.objects.get(person=play.world.alice, day=LATER.date())


def word_of(told, play) -> str:
    return visits.write(told.pk, play.world.goal(play.world.api, play.world.typed).pk)


def test_links_into_the_product_say_from_where_and_those_out_of_it_do_not(told, play):
    mail = Delivery.objects.get(digest=told)
    word = word_of(told, play)
    assert f"page:  https://quality.example.com/teams/api/?via={word}\n" in mail.text
    assert f'href="https://quality.example.com/teams/api/?via={word}"' in mail.html
    for text in (mail.text, mail.html):
        links = re.findall(r"https?://[^\s\"<>]+", text)
        assert "https://example.com/golden" in links
        carry = [link for link in links if "via=" in link]
        assert carry
        # Never to elsewhere, and never on a link that acts for its holder.
        for link in carry:
            assert link.startswith("https://quality.example.com/teams/")
            assert resolve(link.removeprefix("https://quality.example.com").partition("?")[0]).url_name in (
                "team",
                "goal",
            )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://q/teams/api/", "https://q/teams/api/?via=1.2:x"),
        ("https://q/metrics/typed/#playbook", "https://q/metrics/typed/?via=1.2:x#playbook"),
        ("https://q/teams/api/?on=2026-01-01", "https://q/teams/api/?on=2026-01-01&via=1.2:x"),
        ("", ""),
    ],
)
def test_the_word_goes_before_the_place_on_the_page(address, expected):
    assert visits.via(address, "1.2:x") == expected


def test_the_receivers_first_visit_is_put_down_and_no_other(told, play):
    word, rows = word_of(told, play), AuditRow.objects.count()
    for other in (play.world.bob, play.world.tess, play.world.wanda):
        with pytest.raises(BadLink):
            visits.put_down(word, other, LATER)
    assert Visit.objects.count() == 0
    assert visits.put_down(word, play.world.alice, LATER) is True
    assert visits.put_down(word, play.world.alice, LATER + timedelta(hours=1)) is False
    one = Visit.objects.get()
    assert (one.digest, one.goal, one.at) == (told, play.world.goal(play.world.api, play.world.typed), LATER)
    assert AuditRow.objects.count() == rows


@pytest.mark.parametrize("word", ["", "1.1", "1.1:x", "\0", "x" * 100_000, "1.1:ünterschrift"])
def test_a_word_that_is_not_whole(told, play, word):
    with pytest.raises(BadLink):
        visits.put_down(word, play.world.alice, LATER)


def test_a_link_of_another_goal_cannot_be_made_of_this_one(told, play):
    word = word_of(told, play)
    other = play.world.goal(play.world.web, play.world.typed).pk
    with pytest.raises(BadLink):
        visits.put_down(f"{told.pk}.{other}:{word.partition(':')[2]}", play.world.alice, LATER)


def test_links_count_for_90_days_and_visits_are_kept_for_180(told, play):
    word = word_of(told, play)
    with pytest.raises(BadLink):
        visits.put_down(word, play.world.alice, LATER + timedelta(days=91))
    visits.put_down(word, play.world.alice, LATER)
    assert visits.let_go(LATER + timedelta(days=180)) == 0
    assert visits.let_go(LATER + timedelta(days=180, seconds=1)) == 1
    assert not Visit.objects.exists()
