"""Composite scores as code: parts with weights, each from a value without points to one with all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.clock import today
from program.models import ScoreVersion

from .changes import Changes
from .fields import Fields
from .marked_yaml import Document


@dataclass(frozen=True, slots=True)
class ScoreSpec:
    """A score as it is written down."""

    key: str
    name: str
    parts: list[dict[str, Any]]


def read(fields: Fields) -> ScoreSpec:
    """Read one score. Faults gather in its document."""
    fields.only({"key", "name", "parts"})
    parts = []
    for part in fields.mappings("parts", required=True):
        part.only({"metric", "weight", "zero", "full"})
        zero, full = part.number("zero"), part.number("full")
        if zero is None or full is None or zero == full:
            part.fault("full", "zero (the value that gives no points) and full (all of them) were expected, not equal")
        weight = part.number("weight", least=0)
        parts.append(
            {"metric": part.key("metric"), "weight": 1.0 if weight is None else weight, "zero": zero, "full": full}
        )
    if parts and not any(part["weight"] for part in parts):
        fields.fault("parts", "some part with a weight above 0 was expected")
    return ScoreSpec(fields.key(), fields.text("name", required=True, most=200), parts)


def check(document: Document, place: tuple[str | int, ...], spec: ScoreSpec, known: Mapping[str, Any]) -> None:
    """Fault metrics that nobody knows."""
    for at, part in enumerate(spec.parts):
        if part["metric"] and part["metric"] not in known:
            document.fault(
                (*place, "parts", at, "metric"), f"{part['metric']} is no metric of this file or of another program"
            )


def put(spec: ScoreSpec, changes: Changes) -> None:
    """Write a score; a change of its parts is another version, which counts from today on."""
    newest = ScoreVersion.objects.filter(key=spec.key).order_by("-number").first()
    if newest is not None and newest.parts == spec.parts:
        changes.put("score", spec.key, newest, {"name": spec.name})
        return
    number = 1 if newest is None else newest.number + 1
    version = ScoreVersion(key=spec.key, number=number, effective_from=today("UTC", changes.now))
    changes.put("score", f"{spec.key} v{number}", version, {"name": spec.name, "parts": spec.parts})
