"""Whatever a program's file may say: applied, exported, applied to an empty database and exported again, it is the same."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from program.models import Program
from teams.apply import yaml_text
from teams.apply.as_file import filled
from teams.apply.export import export
from teams.apply.files import apply_file, apply_text
from tests.people import NOW, ORG
from tests.teams.test_export import elsewhere

pytestmark = pytest.mark.django_db

TEAMS = ["api", "web"]
AWKWARD = ["yes", "null", "~", "1e3", "2026-01-01", "10:30", "- a", "a: b", "a #b", "#a", "'", '"', "%x", "@x", "`x", "{a}",
           "[a", "a\n\nb", "a\n  b\nc", "| a", "é – 漢字", "a\tb", "0x1F", "=", "!!str x", "&a", "*a", "a\u2028b", "\u00a0x\u00a0y"]  # fmt: skip

plain = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
texts = st.one_of(st.sampled_from(AWKWARD), st.text(plain, min_size=1, max_size=150)).map(str.strip).filter(bool)
words = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)
keys = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True).filter(lambda key: key not in ("0", "1"))
days = st.dates(date(2020, 1, 1), date(2027, 12, 30))
numbers = st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: float(f"{number:.6g}"))
shares = st.floats(0, 1).map(lambda share: round(share, 4))
emails = words.map(lambda word: f"{word.lower()}@example.com")
addresses = keys.map(lambda key: f"https://example.com/{key}/{{item}}")


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def playbooks(draw: st.DrawFn) -> dict[str, Any]:
    effort = st.integers(1, 900).map(lambda minutes: f"{minutes}m") | st.sampled_from(["2h", "1.5h", 0.333])
    made = {
        "steps": draw(st.lists(texts, max_size=4)),
        "verify": draw(maybe(texts)),
        "expert": draw(maybe(emails)),
        "office_hours": draw(maybe(texts)),
        "effort": draw(maybe(effort)),
        "item_link": draw(maybe(addresses)),
    }
    if draw(st.booleans()):
        made |= {
            "tracker": draw(st.sampled_from(["github", "gitlab"])),
            "tracker_link": "https://git.example.com/acme/app",
        }
    return filled(made)


@st.composite
def metrics(draw: st.DrawFn, key: str) -> dict[str, Any]:
    made = {
        "key": key,
        "name": draw(texts),
        "unit": draw(maybe(st.sampled_from(["%", "findings", "s", "yes"]))),
        "direction": draw(st.sampled_from(["up", "down"])),
        "aggregation": draw(st.sampled_from(["sum", "ratio", "mean", "max", "latest"])),
        "fresh_for": draw(st.sampled_from(["45d", "2 weeks", "9999d"])),
        "definition": draw(maybe(texts)),
        "hand_hours": draw(maybe(st.floats(0, 168))),
        "sudden": draw(maybe(st.sampled_from([0, 6, 2.5]))),
        "playbook": draw(maybe(playbooks())),
    }
    return filled(made)


@st.composite
def goals(draw: st.DrawFn, metric: dict[str, Any], waves: list[str]) -> dict[str, Any]:
    selectors = ["all", {"under": "engineering"}, ["api"], ["web", "api"], [], *({"wave": key} for key in waves)]
    start, length = draw(days), draw(st.integers(1, 900))
    has_ideal = (metric["aggregation"], metric["direction"]) in (
        ("ratio", "up"), ("sum", "down"), ("ratio", "down"), ("mean", "down"),
    )  # fmt: skip
    improves = has_ideal and draw(st.booleans())
    between = [start + timedelta(days=day) for day in range(1, min(length, 4))]
    made = {
        "metric": metric["key"],
        "teams": draw(st.sampled_from(selectors)),
        "start": start,
        "due": start + timedelta(days=length),
        "improve_by": draw(shares) if improves else None,
        "target": None if improves else draw(numbers | st.just("90%")),
        "tolerance": draw(maybe(shares)),
        "milestones": {day: draw(numbers) for day in between if draw(st.booleans())},
        "why": draw(maybe(texts)),
        "chosen": draw(maybe(texts)),
    }
    return filled(made) | {"teams": made["teams"]}


@st.composite
def waves_of(draw: st.DrawFn, key: str) -> dict[str, Any]:
    state = draw(maybe(st.sampled_from(["planned", "open", "done"])))
    opened = {"day": draw(days), "by": draw(maybe(emails)), "why": draw(maybe(texts))}
    made = {
        "key": key,
        "teams": draw(st.lists(st.sampled_from(TEAMS), unique=True)),
        "start": draw(days),
        "gate": draw(maybe(shares)),
        "state": state,
        "opened": filled(opened) if state in ("open", "done") and draw(st.booleans()) else None,
    }
    return filled(made)


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    state = draw(maybe(st.sampled_from(["draft", "active", "paused", "completed", "canceled"])))
    ready = state != "draft"
    start = draw(days)
    ended = {"day": draw(days), "why": draw(maybe(texts))} if state in ("completed", "canceled") else None
    review = {
        "every": draw(st.sampled_from(["6 weeks", "1 month"])),
        "first": draw(
            st.datetimes(min_value=NOW.replace(tzinfo=None)).map(lambda at: at.isoformat(timespec="minutes"))
        ),
        "duration": draw(maybe(st.sampled_from(["30m", "2h", "1d"]))),
        "timezone": draw(maybe(st.sampled_from(["Europe/Riga", "Asia/Tokyo"]))),
    }
    defined = [draw(metrics(key)) for key in draw(st.lists(keys, max_size=3, unique=True))]
    steps = [draw(waves_of(key)) for key in draw(st.lists(keys, max_size=3, unique=True))]
    lines = []
    if defined:
        named = [step["key"] for step in steps]
        lines = [draw(goals(draw(st.sampled_from(defined)), named)) for _ in range(draw(st.integers(0, 5)))]
    owners = draw(
        st.lists(
            st.builds(dict, email=emails, role=st.sampled_from(["technical", "manager"])),
            min_size=int(ready), max_size=3, unique_by=lambda owner: (owner["email"], owner["role"]),
        )
    )  # fmt: skip
    charter = {
        "key": draw(keys),
        "name": draw(texts),
        "state": state,
        "ended": filled(ended or {}),
        "purpose": draw(texts if ready else maybe(texts)),
        "why_now": draw(maybe(texts)),
        "lighter_steps_tried": draw(st.lists(texts, max_size=3)),
        "sponsor": filled({"email": draw(emails if ready else maybe(emails)), "mandate": draw(maybe(texts))}),
        "owners": owners,
        "start": start,
        "end": start + timedelta(days=draw(st.integers(1, 700))),
        "stop_if": draw(maybe(texts)),
        "guardrails": [metric["key"] for metric in defined if draw(st.booleans())],
        "probation_reviews": draw(maybe(st.integers(0, 100))),
        "weekly_hours": draw(maybe(st.floats(0, 1000))),
        "audience": draw(maybe(st.sampled_from(["engineering", "api"]))),
        "review": draw(maybe(st.just(filled(review)))),
    }
    nudges = {
        "every": draw(maybe(st.sampled_from(["1 week", "3 weeks"]))),
        "weekday": draw(maybe(st.sampled_from(["monday", "sunday"]))),
        "hour": draw(maybe(st.integers(0, 23))),
        "max_per_person_per_week": draw(maybe(st.integers(1, 7))),
        "holdout": draw(maybe(st.floats(0, 0.9))),
        "note": draw(maybe(texts)),
    }
    feeds = (
        [{"key": "ci", "name": draw(texts), "metrics": [defined[0]["key"]]}] if defined and draw(st.booleans()) else []
    )
    return filled(
        {
            "program": filled(charter), "metrics": defined, "goals": lines, "waves": steps, "nudges": filled(nudges),
            "feeds": feeds,
        }
    )  # fmt: skip


@given(programs())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_program_is_the_same_elsewhere(said):
    with elsewhere():
        apply_text(ORG, now=NOW, via="test")
        apply_text(yaml_text.write(said), now=NOW, via="test")
        first = export(Program.objects.get())
        assert apply_text(first, now=NOW, via="test") == []
        assert apply_file(yaml_text.write(said), now=NOW + timedelta(days=1), via="test").conflicts == []
    with elsewhere():
        apply_text(ORG, now=NOW, via="test")
        apply_text(first, now=NOW, via="test")
        assert export(Program.objects.get()) == first
