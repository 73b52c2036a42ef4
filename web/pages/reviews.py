"""Reviews: the list of a program's, and one with its brief as it was frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.clock import now
from accounts.models import User
from program.models import Program
from reviews.ahead import freeze_at
from reviews.invites import attendees
from reviews.models import Ask, Brief, Review
from web import access
from web.render import page


@dataclass
class ListContext:
    """All reviews of a program."""

    template: ClassVar[str] = "pages/reviews.html"
    here: ClassVar[str] = "programs"
    program: Program
    coming: Sequence[Review]
    past: Sequence[Review]
    asks: Sequence[Ask]


@dataclass
class Context:
    """One review. `brief` is its frozen content, None before it is frozen."""

    template: ClassVar[str] = "pages/review.html"
    here: ClassVar[str] = "programs"
    review: Review
    people: Sequence[User]
    freezes_at: datetime
    brief: dict[str, Any] | None
    asks: Sequence[Ask]


@require_safe
def reviews(request: HttpRequest, key: str) -> HttpResponse:
    """The program's reviews, for those who sit in them."""
    user = access.person(request)
    program = access.program(request, key)
    if not (user.is_superuser or program.sponsor == user or program.owners.filter(user=user).exists()):
        raise Http404
    found = Review.objects.visible_to(user).filter(program=program).select_related("program", "brief")
    moment = now()
    context = ListContext(
        program=program,
        coming=[one for one in reversed(found) if one.state == Review.State.SCHEDULED and one.starts_at > moment],
        past=[one for one in found if one.state != Review.State.SCHEDULED or one.starts_at <= moment],
        asks=list(Ask.objects.visible_to(user).filter(program=program).select_related("of")),
    )
    return page(request, context)


@require_safe
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review, and its brief."""
    user = access.person(request)
    visible = Review.objects.visible_to(user).select_related("program__sponsor")
    found = get_object_or_404(visible, pk=pk)
    frozen = Brief.objects.filter(review=found).first()
    context = Context(
        review=found,
        people=attendees(found),
        freezes_at=freeze_at(found),
        brief=frozen.content if frozen else None,
        asks=list(Ask.objects.visible_to(user).filter(review=found).select_related("of")),
    )
    return page(request, context)
