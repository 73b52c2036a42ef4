"""A charter's parts: shown as they are typed, kept with their trace, refused with what was expected."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from accounts.models import AuditRow, User
from program.drafts import a_year_after, free_key, key_of, start
from program.models import Program
from program.typed_in import TypedIn
from teams import charter
from teams.apply.changes import Changes
from teams.apply.export import export
from teams.apply.files import apply_text
from tests.people import NOW, TYPING, settle

pytestmark = pytest.mark.django_db
DRAFT = TYPING.replace("  name: Every", "  state: draft\n  name: Every")


@pytest.fixture
def world():
    return settle(DRAFT)


def keep(world, part: str, lists: dict[str, list[str]] | None = None, **changed: str) -> TypedIn:
    """Type something into a part as it is shown, and keep it."""
    shown = charter.shown(world.program, part)
    typed = TypedIn(shown | changed, lists)
    charter.keep(world.program, part, typed, Changes(NOW, "page", world.tess))
    return typed


@pytest.mark.parametrize("part", charter.PARTS)
def test_what_is_shown_and_kept_as_it_is_changes_nothing(world, part):
    before = AuditRow.objects.count()
    assert keep(world, part).faults == {}
    assert AuditRow.objects.count() == before


def test_a_part_is_kept_with_who_and_what(world):
    keep(world, "why", why_now="an outage in May")
    assert Program.objects.get().why_now == "an outage in May"
    row = AuditRow.objects.first()
    assert (row.kind, row.key, row.actor, row.via) == ("program", "typing", world.tess, "page")
    assert (row.before, row.after) == ({"why_now": ""}, {"why_now": "an outage in May"})


def test_lighter_steps_are_ticked_or_told(world):
    values = {
        "tried-0": "on",
        "came-0": "three files held half",
        "came-1": "a talk",
        "others": "a wiki page\n\n a lint ",
    }
    assert keep(world, "steps", **values).faults == {}
    steps = Program.objects.get().lighter_steps_tried
    assert steps == ["hot spots: three files held half", "one best practice: a talk", "a wiki page", "a lint"]
    shown = charter.shown(Program.objects.get(), "steps")
    assert shown == {
        "tried-0": "on", "came-0": "three files held half", "tried-1": "on", "came-1": "a talk",
        "others": "a wiki page\na lint",
    }  # fmt: skip


def test_people_are_put_in_place_and_unknown_ones_made_without_a_sign_in(world):
    typed = keep(world, "people", sponsor="New@Example.com", technical="tess@example.com, bob@example.com", manager="")
    assert typed.faults == {}
    program = Program.objects.get()
    assert program.sponsor == User.objects.get(email="new@example.com")
    assert not program.sponsor.has_usable_password()
    assert sorted(program.owners.values_list("user__email", "role")) == [
        ("bob@example.com", "technical"), ("tess@example.com", "technical"),
    ]  # fmt: skip
    assert list(AuditRow.objects.filter(kind="owner").values_list("key", "before", "after")[:2]) == [
        ("typing/pam@example.com", {"role": "manager"}, None),
        ("typing/bob@example.com", None, {"role": "technical"}),
    ]


def test_a_program_keeps_an_owner_and_a_live_one_its_sponsor(world):
    assert "at least one owner" in keep(world, "people", technical="", manager="").faults["technical"].lower()
    Program.objects.update(state="active")
    world.program.refresh_from_db()
    faults = keep(world, "people", sponsor="", manager="").faults
    assert sorted(faults) == ["manager", "sponsor"]
    assert "this program is live" in faults["sponsor"]
    assert Program.objects.get().sponsor == world.sam


def test_who_left_or_only_reads_is_refused_by_name(world):
    User.objects.filter(email="bob@example.com").update(is_active=False)
    User.objects.filter(email="wanda@example.com").update(reads_only=True)
    faults = keep(world, "people", sponsor="bob@example.com", manager="wanda@example.com").faults
    assert faults == {
        "sponsor": "Somebody who is here was expected: Bob has left.",
        "manager": "Somebody who may change things was expected: Wanda is a viewer.",
    }


def test_bounds(world):
    typed = keep(
        world, "bounds", {"guardrails": ["findings"]}, end="2027-06-30", stop_if="no move in two reviews",
        weekly_hours="6,5", probation_reviews="3", audience="engineering",
    )  # fmt: skip
    assert typed.faults == {}
    program = Program.objects.get()
    assert (program.end, program.guardrails, program.weekly_hours, program.probation_reviews, program.audience) == (
        date(2027, 6, 30), ["findings"], 6.5, 3, "engineering",
    )  # fmt: skip


def test_reviews_and_nudges(world):
    assert keep(world, "reviews", number="1", unit="months", first="2026-05-04T14:30", minutes="45").faults == {}
    assert keep(world, "nudges", weekday="3", hour="10", every="2", maximum="1", holdout="12.5").faults == {}
    program = Program.objects.get()
    assert (program.review_every, program.review_first, program.review_minutes) == (
        "1 month", datetime(2026, 5, 4, 14, 30, tzinfo=UTC), 45,
    )  # fmt: skip
    assert (program.nudge_weekday, program.nudge_hour, program.nudge_every_weeks, program.holdout) == (3, 10, 2, 0.125)
    assert keep(world, "reviews", number="").faults == {}
    assert Program.objects.get().review_every == ""


def test_reviews_by_a_rule(world):
    assert keep(world, "reviews", number="", rule="rrule:freq=monthly; byday=2tu").faults == {}
    program = Program.objects.get()
    assert program.review_every == "FREQ=MONTHLY;BYDAY=2TU"
    world.program.refresh_from_db()
    assert charter.shown(program, "reviews")["rule"] == "FREQ=MONTHLY;BYDAY=2TU"
    assert "empty one of them" in keep(world, "reviews", number="2").faults["rule"]
    assert "COUNT is none" in keep(world, "reviews", rule="FREQ=MONTHLY;COUNT=3").faults["rule"]
    assert Program.objects.get().review_every == "FREQ=MONTHLY;BYDAY=2TU"
    text = export(program)
    assert "every: FREQ=MONTHLY;BYDAY=2TU" in text
    before = AuditRow.objects.count()
    apply_text(text, now=NOW, via="test")
    assert AuditRow.objects.count() == before


HOSTILE = ("\0", "x" * 100_000, "NaN", "inf", "-1", "1e309", "99999999999999999999", "2026-13-01", "\ud800", "<b>", "٣")
NEVER_TEXT = {
    "bounds": ("start", "end", "weekly_hours", "probation_reviews", "audience"),
    "reviews": ("number", "rule", "first", "minutes", "zone"),
    "nudges": ("weekday", "hour", "every", "maximum", "holdout"),
    "people": ("sponsor", "technical", "manager"),
}


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(("part", "name"), [(part, name) for part, names in NEVER_TEXT.items() for name in names])
def test_hostile_values_are_refused_beside_their_field(world, part, name, value):
    before = Program.objects.values().get()
    assert name in keep(world, part, **{name: value}).faults
    assert Program.objects.values().get() == before


@pytest.mark.parametrize(
    ("part", "name"), [("why", "name"), ("why", "purpose"), ("steps", "others"), ("people", "mandate")]
)
def test_texts_are_bounded_and_hold_no_null_byte(world, part, name):
    assert "without null bytes" in keep(world, part, **{name: "a\0b"}).faults[name]
    assert "characters were expected" in keep(world, part, **{name: "x" * 100_000}).faults[name]


def test_the_end_comes_after_the_start_and_guardrails_are_metrics(world):
    faults = keep(world, "bounds", {"guardrails": ["nothing"]}, end="2025-01-01").faults
    assert faults == {
        "end": "A day after the start (1 Jan 2026) was expected.", "guardrails": "Metrics of the list were expected.",
    }  # fmt: skip


def test_keys_come_from_names_and_are_free():
    assert key_of("Every function typed!") == "every-function-typed"
    assert key_of("Číslo 1 — řádně") == "cislo-1-radne"
    assert key_of("日本") == ""
    assert len(key_of("x" * 300)) == 80
    assert a_year_after(date(2028, 2, 29)) == date(2029, 2, 28)
    settle()
    assert (free_key("typing"), free_key("new"), free_key("other")) == ("typing-2", "new-2", "other")


def test_a_draft_is_started_with_an_end_and_an_owner():
    world = settle()
    made = start(
        TypedIn({"name": "Fewer findings", "purpose": "sleep"}), day=NOW.date(), now=NOW, by=world.bob, via="page"
    )
    assert made is not None
    assert (made.key, made.state, made.start, made.end) == (
        "fewer-findings", "draft", date(2026, 3, 16), date(2027, 3, 16),
    )  # fmt: skip
    assert list(made.owners.values_list("user", "role")) == [(world.bob.pk, "technical")]
    assert AuditRow.objects.first().after["technical owner"] == "bob@example.com"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": "", "purpose": "x"}, ("name", "A name was expected.")),
        ({"name": "x", "purpose": ""}, ("purpose", "What gets better for whom was expected.")),
        ({"name": "x", "purpose": "y", "key": "typing"}, ("key", "Another key was expected: typing is taken.")),
        ({"name": "x", "purpose": "y", "key": "new"}, ("key", "Another key was expected: new is taken.")),
        ({"name": "x", "purpose": "y", "key": "a/b"}, ("key", "Letters, digits, dots, dashes and underscores were")),
        ({"name": "日本", "purpose": "y"}, ("key", "A key of letters and digits was expected")),
        ({"name": "a\0", "purpose": "y"}, ("name", "A text was expected, without null bytes.")),
    ],
)
def test_what_a_draft_is_refused_for(values, fault):
    world = settle()
    typed = TypedIn(values)
    assert start(typed, day=NOW.date(), now=NOW, by=world.bob) is None
    assert typed.faults[fault[0]].startswith(fault[1])
    assert Program.objects.count() == 1
