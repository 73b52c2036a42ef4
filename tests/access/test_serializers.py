"""Serializers of the API: explicit fields only; what a body says beside them is refused, and no answer says more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from rest_framework import serializers

import web.api.urls  # noqa: F401 - every serializer is known once the API is
from tests.access.asking import send, tables, undone
from tests.access.world import World, built

pytestmark = [
    pytest.mark.django_db, pytest.mark.once, pytest.mark.timeout(900), pytest.mark.xdist_group("serializers"),
]  # fmt: skip
OURS = ("accounts", "program", "teams", "nudges", "reviews")
ROW = {
    "metric": "typing-share",
    "team": "api",
    "item": "a.py",
    "as_of": "2026-03-02",
    "numerator": 1,
    "denominator": 20,
}


def every(kind: type = serializers.BaseSerializer) -> Iterator[type]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("web."):
            yield one
        yield from every(one)


def names_of_fields() -> list[str]:
    """The name of every field of every model of ours."""
    found = {field.name for room in OURS for model in apps.get_app_config(room).get_models()
             for field in model._meta.get_fields()}  # fmt: skip
    return sorted(found | {f"{name}_id" for name in found})


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), built() as made:
        yield made


def test_every_serializer_names_its_fields() -> None:
    found = list(every())
    assert len(found) >= 8
    for one in found:
        assert not issubclass(one, serializers.ModelSerializer), f"{one.__name__} takes its fields from a model"
        assert one._declared_fields, f"{one.__name__} names no field"


def test_a_body_with_any_other_field_is_refused_and_nothing_changes(world: World) -> None:
    before, taken = tables(), []
    for name in names_of_fields():
        for body in ({"observations": [ROW], name: 1}, {"observations": [ROW | {name: 1}]}):
            if name in ROW or (name in ("source", "observations")):
                continue
            text = f"application/json {json.dumps(body)}"
            with undone():
                answer = send(world.clients["t-program"], "POST", "/api/v1/observations", text)
                if answer.status_code != 400 or tables() != before:
                    taken.append((name, answer.status_code))
    assert taken == []


def test_the_body_itself_is_taken(world: World) -> None:
    with undone():
        answer = send(world.clients["t-program"], "POST", "/api/v1/observations",
                      f"application/json {json.dumps({'observations': [ROW]})}")  # fmt: skip
    assert answer.status_code == 201


def shown(serializer: Any, said: Any, where: str) -> Iterator[str]:
    """What an answer says beyond the serializer that documents it, and what it leaves out."""
    if isinstance(serializer, serializers.ListSerializer):
        for one in said:
            yield from shown(serializer.child, one, where)
        return
    wanted = set(serializer.fields)
    if set(said) != wanted:
        yield f"{where}: {sorted(set(said) ^ wanted)}"
    for name, field in serializer.fields.items():
        if isinstance(field, serializers.BaseSerializer) and said.get(name):
            yield from shown(field, said[name], f"{where}.{name}")


def test_answers_say_what_their_serializers_name_and_no_more(world: World) -> None:
    from web.api.observations import ObservationsAnswer
    from web.api.runs import RunAnswer, TrialAnswer
    from web.api.scorecards import ScorecardAnswer

    csv = "text/csv metric,team,item,as_of,numerator,denominator\\ntyping-share,api,a.py,2026-03-02,1,20\\n"
    asked = (
        (ScorecardAnswer(), "t-read", "GET", "/api/v1/teams/api/scorecard", ""),
        (RunAnswer(), "t-feed", "GET", f"/api/v1/feeds/typing-ci/runs/{world.names['typing.run']}", ""),
        (RunAnswer(), "t-feed", "POST", "/api/v1/feeds/typing-ci/runs", csv),
        (TrialAnswer(), "t-feed", "POST", "/api/v1/feeds/typing-ci/runs?dry_run=1", csv),
        (ObservationsAnswer(), "t-program", "POST", "/api/v1/observations", csv),
    )
    faults = []
    for serializer, subject, method, address, body in asked:
        with undone():
            answer = send(world.clients[subject], method, address, body)
        assert answer.status_code in (200, 201), address
        faults += list(shown(serializer, answer.json(), f"{method} {address}"))
    assert faults == []
