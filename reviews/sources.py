"""Where the numbers of a brief come from: for each the page that shows it, and what that is called."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from django.urls import reverse

from program.models import Program


class Where(NamedTuple):
    """A page of this site (its path), and what it is in two words."""

    path: str
    called: str


def program(of: Program, on: date) -> Where:
    """A program as it stood on a day."""
    return Where(f"{reverse('program', args=[of.key])}?on={on.isoformat()}", "The program that day")


def effect(of: Program) -> Where:
    """What a program did to its metrics and guardrails."""
    return Where(reverse("program-effect", args=[of.key]), "The finding")


def exemptions(of: Program) -> Where:
    """Who is exempt from what of a program."""
    return Where(reverse("program-exemptions", args=[of.key]), "All exemptions")


def goal(of: Program, team: str, metric: str) -> Where:
    """A team's goal on a metric (keys)."""
    return Where(reverse("goal", args=[team, of.key, metric]), "The goal")


def metric(key: str) -> Where:
    """A metric with its definition, sources and disputes."""
    return Where(reverse("metric", args=[key]), "The metric")


def feed(key: str) -> Where:
    """A feed with what it brought."""
    return Where(reverse("feed", args=[key]), "The feed")
