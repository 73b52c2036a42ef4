"""The address to which a page tells that a link of a digest led there; it answers nothing."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.clock import now
from nudges import visits
from nudges.links import BadLink
from web import access


@require_POST
def visit(request: HttpRequest) -> HttpResponse:
    """Put down the visit of the digest's receiver; of anybody else, and of a word that is not ours, 404."""
    try:
        visits.put_down(request.POST.get("via", ""), access.person(request), now())
    except BadLink as fault:
        raise Http404(str(fault)) from None
    return HttpResponse(status=204)
