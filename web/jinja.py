"""The Jinja2 environment of pages and mails: undefined names are errors, HTML is escaped, plain text is not."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from jinja2 import Environment, StrictUndefined, select_autoescape

from program import wording


@lru_cache(maxsize=8192)
def _address(_prefix: str, name: str, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]) -> str:
    """The address of a page; looking one up costs more than most of what a page says, and it is always the same."""
    return reverse(name, args=args or None, kwargs=dict(kwargs) or None)


def _date_type(typed: date | str | None) -> str:
    """The type of a field for a day: a browser forgets what is no day, so what was typed wrong stays as text."""
    if isinstance(typed, str) and typed:
        try:
            date.fromisoformat(typed)
        except ValueError:
            return "text"
    return "date"


def environment(**options: Any) -> Environment:
    """What settings.TEMPLATES names."""
    options |= {
        "undefined": StrictUndefined,
        "autoescape": select_autoescape(["html", "svg", "xml"], default=False),
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    made = Environment(**options)  # noqa: S701 - autoescape is chosen by the file's ending, above
    made.globals.update(
        static=static,
        url=lambda name, *args, **kwargs: _address(get_script_prefix(), name, args, tuple(kwargs.items())),
        value=wording.value,
        gap=wording.gap,
        change=wording.change,
        count=wording.count,
        near_day=wording.near_day,
        shape=wording.status_shape,
    )
    made.filters.update(
        day=wording.day, share=wording.share, item=wording.item, status=wording.status, listed=wording.listed,
        weekday=lambda when: f"{wording.WEEKDAYS[when.weekday()]} {wording.day(when)}",
        date_type=_date_type, minutes=wording.minutes, hours=wording.hours, moment=wording.moment,
        slug=lambda word: word.replace(" ", "-"), percent=lambda fraction: f"{max(0.0, min(1.0, fraction or 0)):.4%}",
    )  # fmt: skip
    return made
