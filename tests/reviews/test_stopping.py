"""A charter's stop criterion, watched from brief to brief on real data."""

from __future__ import annotations

from datetime import date

import pytest

from program.models import Program
from reviews import brief
from reviews.evidence import collect
from reviews.models import Brief, Review
from reviews.recommending import Advice
from reviews.stopping import Watched, watch
from reviews.verdict_lines import by_its_own_criterion
from teams.boards import totals
from tests.reviews.conftest import SPRING

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("stopping")]
ON = date(2023, 3, 16)


def watched(text: str):
    Program.objects.filter(key="typing").update(stop_if=text)
    program = Program.objects.get(key="typing")
    review = Review.objects.get(program=program, period="2023-03-21")
    return watch(program, review, ON, totals(program, ON))


def test_it_is_judged_by_what_the_briefs_kept(spring):
    found = watched("the typed share rises by less than 5 points in two reviews.")
    then = Brief.objects.get(review__period="2022-12-27", review__program__key="typing").content
    assert then["metrics"][0]["value"] == "11 %"
    assert (found.true, found.said) == (
        True,
        "Its own criterion has come true: stop if the typed share rises by less than 5 points in two reviews. "
        "Functions with full annotations: +2 points since 22 Dec 2022.",
    )


def test_one_that_has_not_come_true_does_not_stop_it(spring):
    found = watched("it rises by less than 1 point in two reviews")
    assert (found.true, found.said) == (
        False,
        "Its own criterion has not come true: stop if it rises by less than 1 point in two reviews. "
        "Functions with full annotations: +2 points since 22 Dec 2022.",
    )


def test_one_of_another_shape_is_read_too(spring):
    assert watched("typed share has not halved in 3 reviews").true is True


def test_too_few_reviews_and_words_for_people(spring):
    assert watched("it rises by less than 5 points in 9 reviews").said == (
        "Its own criterion, stop if it rises by less than 5 points in 9 reviews, can be judged after 5 more reviews."
    )
    assert watched("nobody reads it any more") is None
    assert watched("") is None


def test_a_criterion_that_came_true_opens_the_brief(spring):
    watched("the typed share rises by less than 5 points in two reviews")
    review = Review.objects.select_related("program").get(program__key="typing", period="2023-03-21")
    made = brief.compose(collect(review, SPRING))
    assert made.question.startswith(
        "Its own criterion has come true: stop if the typed share rises by less than 5 points"
    )
    assert made.question.endswith("After 4 reviews this program is not shown to work: should it be canceled?")
    assert made.recommendation.startswith("cancel: its charter says so.")
    assert "Stop it, as its charter says, or say why it goes on?" in made.decisions


def test_what_speaks_against_a_criterion_that_came_true_is_said_beside_it():
    works, true = Advice("continue", "it works on Coverage."), Watched(True, "Its own criterion has come true.")
    found = by_its_own_criterion(works, true)
    assert found.said == "cancel: its charter says so. Against it stands: it works on Coverage."
    assert found.question == "Its own criterion has come true. Should it be canceled?"
    assert by_its_own_criterion(works, None) == works
    assert by_its_own_criterion(works, Watched(False, "It has not.")).said == (
        "continue: it works on Coverage. It has not."
    )
