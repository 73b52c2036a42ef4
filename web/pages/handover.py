"""The handover brief of a program as it is today, for whoever sponsors it now and who runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import now
from program.models import Program
from reviews import handover as handovers
from reviews.handover import Handover
from reviews.sponsorship import former_of
from web import access
from web.render import page


@dataclass
class Context:
    """The page."""

    template: ClassVar[str] = "pages/handover.html"
    here: ClassVar[str] = "programs"
    program: Program
    brief: Handover
    first: str
    people: Sequence[str]


@require_safe
def handover(request: HttpRequest, key: str) -> HttpResponse:
    """What somebody who begins to sponsor the program needs to know, composed now."""
    user = access.person(request)
    program = access.reviewed_program(request, key)
    found = handovers.compose(program, former_of(program), now())
    first = (
        found.first
        if user.pk == program.sponsor_id
        else f"What {found.sponsor or 'the next sponsor'} is told first: “{found.first}”"
    )
    return page(request, Context(program, found, first, [str(person) for person in found.owners]))
