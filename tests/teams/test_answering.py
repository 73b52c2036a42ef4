"""Answers about a goal: who may give which, what each needs, that one stands at a time, and how it is taken back."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import AuditRow, User
from teams import answer_words, answering
from teams.answering import Unfit, answer, may_answer, take_back
from teams.models import Answer
from tests.people import NOW, settle

TODAY = date(2026, 3, 16)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return settle()


@pytest.fixture
def goal(world):
    return world.goal(world.api, world.typed)


def on_it(goal, person, until=date(2026, 3, 30), **more):
    return answer(goal, "on it", by=person, now=NOW, via="mail", until=until, **more)


def test_who_speaks_for_a_team_answers_for_it_and_so_does_a_deputy(world):
    may = [
        name
        for name in ("alice", "bob", "gina", "wanda", "charlie", "tess")
        if may_answer(getattr(world, name), world.api)
    ]
    assert may == ["alice", "gina"]
    User.objects.filter(pk=world.alice.pk).update(deputy=world.charlie)
    assert may_answer(world.charlie, world.api)
    assert not may_answer(world.charlie, world.web)
    User.objects.filter(pk=world.charlie.pk).update(reads_only=True)
    assert not may_answer(User.objects.get(pk=world.charlie.pk), world.api)
    User.objects.filter(pk=world.charlie.pk).update(reads_only=False)
    User.objects.filter(pk=world.alice.pk).update(is_active=False)
    assert not may_answer(User.objects.get(pk=world.charlie.pk), world.api)


def test_an_answer_is_kept_and_put_on_record(goal, world):
    made = on_it(goal, world.alice, words=" after the release ")
    assert (made.kind, made.until, made.text, made.via, made.ended_at) == (
        "on it", date(2026, 3, 30), "after the release", "mail", None,
    )  # fmt: skip
    row = AuditRow.objects.get(kind="answer")
    assert (row.key, row.actor, row.via, row.before) == (str(goal), world.alice, "mail", None)
    assert row.after == {"answer": "on it", "until": "2026-03-30", "text": "after the release"}
    assert row.reason == "after the release"


def test_the_same_answer_again_changes_nothing_and_the_next_ends_the_one_before(goal, world):
    first = on_it(goal, world.alice)
    assert on_it(goal, world.alice) == first
    assert (Answer.objects.count(), AuditRow.objects.filter(kind="answer").count()) == (1, 1)
    second = answer(
        goal, "blocked", by=world.alice, now=NOW + timedelta(days=1), via="page", until=date(2026, 4, 6),
        words="the schema freeze", needs=world.gina,
    )  # fmt: skip
    first.refresh_from_db()
    assert (first.ended_at, second.ended_at) == (NOW + timedelta(days=1), None)
    row = AuditRow.objects.filter(kind="answer").latest("pk")
    assert row.before == {"answer": "on it", "until": "2026-03-30"}
    assert row.after == {
        "answer": "blocked", "until": "2026-04-06", "text": "the schema freeze", "needs": "gina@example.com",
    }  # fmt: skip
    on_it(goal, world.gina)
    assert Answer.objects.standing().count() == 2


@pytest.mark.parametrize(
    ("until", "fits"),
    [(None, False), (TODAY - timedelta(days=1), False), (TODAY, False), (TODAY + timedelta(days=1), True),
     (TODAY + timedelta(days=56), True), (TODAY + timedelta(days=57), False), (date.max, False), (date.min, False)],
)  # fmt: skip
def test_a_promise_names_a_day_from_tomorrow_on_within_eight_weeks(goal, world, until, fits):
    if fits:
        assert on_it(goal, world.alice, until).until == until
        return
    with pytest.raises(Unfit) as refused:
        on_it(goal, world.alice, until)
    assert str(refused.value).startswith("A day from 17 Mar 2026 to 11 May 2026 was expected")
    assert Answer.objects.count() == 0


def test_the_day_is_the_teams(goal, world):
    """In Riga it is the 17th already."""
    late = datetime(2026, 3, 16, 22, 30, tzinfo=UTC)
    with pytest.raises(Unfit):
        answer(goal, "on it", by=world.alice, now=late, via="mail", until=date(2026, 3, 17))


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("blocked", {"until": date(2026, 3, 30)}, "Some words were expected: what blocks it."),
        (
            "blocked",
            {"until": date(2026, 3, 30), "words": "x" * 2001},
            "A text of at most 2,000 characters was expected",
        ),
        ("done", {"words": "a\0b"}, "A text of at most 2,000 characters was expected"),
        ("later", {}, "One of done, on it, blocked, not mine was expected, not “later”."),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(goal, world, kind, more, said):
    with pytest.raises(Unfit) as refused:
        answer(goal, kind, by=world.alice, now=NOW, via="mail", **more)
    assert said in str(refused.value)
    assert Answer.objects.count() == 0


def test_only_what_belongs_to_a_kind_is_kept(goal, world):
    with pytest.raises(Unfit):
        answer(goal, "not mine", by=world.alice, now=NOW, via="mail", whose_team=world.api)
    made = answer(
        goal, "not mine", by=world.alice, now=NOW, via="mail", whose_team=world.web, needs=world.gina,
        until=date(2026, 3, 30),
    )  # fmt: skip
    assert (made.whose_team, made.needs, made.until) == (world.web, None, None)


def test_an_answer_is_taken_back_once_by_whose_it_is(goal, world):
    made = on_it(goal, world.alice)
    assert answering.may_take_back(made, world.alice)
    assert not answering.may_take_back(made, world.gina)
    assert not answering.may_take_back(made, world.tess)
    assert take_back(made, by=world.alice, now=NOW, via="mail") is True
    assert take_back(made, by=world.alice, now=NOW, via="mail") is False
    assert Answer.objects.standing().count() == 0
    row = AuditRow.objects.filter(kind="answer").latest("pk")
    assert (row.before, row.after) == ({"answer": "on it", "until": "2026-03-30"}, {"taken back": True})


def test_an_owner_may_end_that_a_goal_is_not_theirs(goal, world):
    made = answer(goal, "not mine", by=world.alice, now=NOW, via="mail")
    assert answering.may_take_back(made, world.tess)
    assert not answering.may_take_back(made, world.gina)


def test_who_reads_answers(goal, world):
    on_it(goal, world.alice)
    seen = {
        name
        for name in ("alice", "bob", "gina", "tess", "pam", "wanda", "charlie", "sam")
        if Answer.objects.visible_to(getattr(world, name)).exists()
    }
    assert seen == {"alice", "bob", "gina", "tess", "pam"}


def test_answers_of_who_left_count_no_more(goal, world):
    on_it(goal, world.alice)
    assert list(answering.standing(Answer.objects.all())) == [goal.pk]
    User.objects.filter(pk=world.alice.pk).update(is_active=False)
    assert answering.standing(Answer.objects.all()) == {}


def test_each_answer_in_words(goal, world):
    def say(kind, **more):
        made = answer(goal, kind, by=world.alice, now=NOW, via="mail", **more)
        return answer_words.said(made, TODAY), answer_words.does(made, TODAY)

    assert say("on it", until=date(2026, 3, 30)) == (
        "on it until 30 Mar",
        "No mail about this goal before Mon 30 Mar; the first one from then on asks how it went.",
    )
    assert say("blocked", until=date(2026, 3, 30), words="the freeze", needs=world.gina)[0] == (
        "blocked until 30 Mar: “the freeze”; it needs Gina’s priority"
    )
    assert say("done") == (
        "done",
        "No mail about this goal until a measurement of after 16 Mar is in, and until 30 Mar at the latest.",
    )
    assert say("not mine", whose_team=world.web)[0] == "not mine, but web’s"


def test_each_answer_as_others_read_it(goal, world):
    def told(kind, today=TODAY, **more):
        return answer_words.told(answer(goal, kind, by=world.alice, now=NOW, via="mail", **more), today)

    assert told("on it", until=date(2026, 3, 30)) == "Alice is on it until 30 Mar"
    assert told("on it", until=date(2026, 3, 30), today=date(2026, 3, 30)) == "Alice was on it until 30 Mar"
    assert told("blocked", until=date(2026, 3, 30), words="the freeze", needs=world.gina) == (
        "Alice said that it is blocked until 30 Mar: “the freeze”; it needs Gina’s priority"
    )
    assert told("done") == "Alice said on 16 Mar that it is done"
    assert told("not mine", whose_team=world.web) == "Alice said that it is not theirs but web’s"
