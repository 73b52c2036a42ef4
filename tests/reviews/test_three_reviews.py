"""Three reviews in a row on real measurements: asks kept, missed and moved, and what the next brief says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from demo.story import meetings
from nudges.models import Delivery
from reviews import ask_mail, effects, pulse_asking
from reviews.models import Ask, Brief, Pulse, Review
from teams.models import Goal


@pytest.fixture
def played(play):
    """From the start to the fourth brief, each day at half past eight as the demo has it."""
    day = datetime(2022, 9, 1, 8, 30, tzinfo=UTC)
    while Brief.objects.filter(review__program__key="typing").count() < 4:
        play.tick(day)
        effects.keep_due(day)
        pulse_asking.ask_due(day)
        meetings.play(day)
        ask_mail.remind_due(day)
        day += timedelta(days=1)
    return play


def every_brief_opens_with_what_became_of_the_asks_before():
    briefs = list(Brief.objects.filter(review__program__key="typing").order_by("review__starts_at"))
    said = [(one.content["asked"], [(ask["state"], ask["due"]) for ask in one.content["past_asks"]]) for one in briefs]
    assert said[0] == ("This is the first review: nothing was asked before.", [])
    states = {ask["state"] for one in briefs for ask in one.content["past_asks"]}
    assert states >= {"kept", "missed"}
    assert any("moved from" in ask["due"] for one in briefs for ask in one.content["past_asks"])
    for before, after in pairwise(briefs):
        raised = set(Ask.objects.filter(review=before.review).values_list("text", flat=True))
        assert raised == {one["ask"] for one in before.content["leaders"][:2] if one["proposal"]}
        assert raised <= {ask["text"] for ask in after.content["past_asks"]}
        assert after.content["decided"] == [meetings.DECISIONS[briefs.index(before) % len(meetings.DECISIONS)]]


def nothing_is_raised_again_without_being_called_so():
    for one in Brief.objects.filter(review__program__key="typing").order_by("review__starts_at")[1:]:
        for leader in one.content["leaders"]:
            goal = Goal.objects.get(pk=leader["goal_ids"][0])
            earlier = Ask.objects.filter(
                of=leader["person"], goals=goal, raised_at__lt=one.frozen_at, program__key="typing"
            ).exclude(state=Ask.State.WITHDRAWN)
            assert bool(earlier) == any(line.startswith("Asked") for line in leader["history"])


def an_ask_that_is_kept_in_words_says_what_its_teams_did():
    briefs = Brief.objects.filter(review__program__key="typing")
    kept = [ask for one in briefs for ask in one.content["past_asks"] if ask["state"] == "kept"]
    assert kept
    for ask in kept:
        assert "is behind still" in ask["effect"] or "path" in ask["effect"] or "target" in ask["effect"]


def leads_were_asked_and_the_sponsor_reads_what_stands_in_the_way():
    asked = Pulse.objects.filter(review__program__key="typing")
    assert 0 < asked.answered().count() < asked.count()
    told = [one.content["pulse"] for one in Brief.objects.filter(review__program__key="typing")]
    assert any("leads answered" in lines[0] for lines in told if lines)


def each_mail_goes_out_once():
    held = Review.objects.filter(program__key="typing", minutes_sent_at__isnull=False)
    assert held.count() == 3
    minutes = Delivery.objects.filter(kind="minutes", program__key="typing").values_list("key", "address")
    assert len(minutes) == len(set(minutes)) == 3 * 3  # Vera, Olga and Mark, each time
    reminded = Delivery.objects.filter(kind="ask").values_list("key", "address")
    assert len(reminded) == len(set(reminded)) > 0


def test_three_reviews(played):
    """One play for all that is looked at: it takes half a minute."""
    every_brief_opens_with_what_became_of_the_asks_before()
    nothing_is_raised_again_without_being_called_so()
    an_ask_that_is_kept_in_words_says_what_its_teams_did()
    leads_were_asked_and_the_sponsor_reads_what_stands_in_the_way()
    each_mail_goes_out_once()
