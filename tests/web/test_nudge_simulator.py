"""The page on which an owner tries other settings of nudges on the last 90 days; nothing is kept by looking."""

from datetime import timedelta

import pytest
import time_machine

from program.models import Program
from tests.nudges.conftest import MONDAY, everything

HERE = "/programs/typing/nudges/tried"


@pytest.fixture
def after_a_month(play):
    """Five Mondays: announced, told in the 2nd, 3rd and 5th week."""
    play.weeks(5)
    with time_machine.travel(MONDAY + timedelta(days=29), tick=False):
        yield play


def test_its_own_settings_and_others(after_a_month, client):
    client.force_login(after_a_month.world.tess)
    before = everything(), Program.objects.values().get()
    own = client.get(HERE).content.decode()
    assert (
        "In the 90 days to 13 Apr 2026 it would have sent 8 mails to 2 people, with 6 nudges in them: at most 4 to one "
        "of them, at most 2 on one day (16 Mar 2026)." in own
    )
    assert "8 mails that spoke of it really went out in these days." in own
    assert "<li>Alice: 4 mails, 3 nudges</li>" in own
    wednesday = client.get(HERE, {"every": "4", "weekday": "2"}).content.decode()
    assert "at most 2 on one day (23 Mar 2026)." in wednesday
    calm = client.get(HERE, {"every": "4"}).content.decode()
    assert "it would have sent 4 mails to 2 people, with 2 nudges in them" in calm
    assert '<option value="0" selected>Monday</option>' in calm
    assert (everything(), Program.objects.values().get()) == before


def test_what_cannot_be_tried_says_what_was_expected(after_a_month, client):
    client.force_login(after_a_month.world.tess)
    answer = client.get(HERE, {"hour": "x", "holdout": "95"})
    assert answer.status_code == 400
    said = answer.content.decode()
    assert "A whole number from 0 to 23 was expected." in said
    assert 'value="x"' in said
    assert "What was asked for cannot be tried as it is." in said


@pytest.mark.parametrize("name", ["alice", "sam", "charlie"])
def test_it_is_the_owners_to_try(after_a_month, client, name):
    client.force_login(getattr(after_a_month.world, name))
    assert client.get(HERE).status_code == 404
