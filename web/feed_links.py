"""Addresses of the form that connects a feed, with its fields filled in."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.urls import reverse

from program.models import Feed, Program

SCOPE = "all"


def of_rows(program: Program, metrics: Iterable[str]) -> str:
    """To a feed of plain rows (CSV) that brings these metrics, under a key that no feed has. One query."""
    taken = set(Feed.objects.filter(key__startswith=f"{program.key[:70]}-rows").values_list("key", flat=True))
    keys = (f"{program.key[:70]}-rows{number or ''}" for number in range(len(taken) + 1))
    filled = {
        "kind": "csv",
        "key": next(key for key in keys if key not in taken),
        "name": f"Rows of {program.name}"[:200],
        "metrics": ", ".join(metrics),
        "scope": SCOPE,
    }
    return f"{reverse('feed-new', args=[program.key])}?{urlencode(filled)}"
