"""How a page is made: its Context, a dataclass, becomes the names of its template."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass
class Page:
    """What every page's Context has. `here` is the name in the top line that is marked as current."""

    template: ClassVar[str]
    here: ClassVar[str] = ""


def page(request: HttpRequest, context: DataclassInstance, status: int = 200) -> HttpResponse:
    """Render a page; pages hold what only this person may see, and are kept by no shared cache."""
    names: dict[str, Any] = {field.name: getattr(context, field.name) for field in fields(context)}
    names |= {"user": request.user, "here": context.here}  # type: ignore[attr-defined]
    answer = render(request, context.template, names, status=status)  # type: ignore[attr-defined]
    add_never_cache_headers(answer)
    return answer
