"""The demo's mailbox as pages: every mail that its SMTP server received, as text, as HTML and as the very bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from csp.decorators import csp, csp_update
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from demo.mailbox import Mail, by_number, newest_first
from web.render import page

SHOWN = 200


@dataclass(frozen=True)
class Line:
    """One mail in the list."""

    number: int
    to: str
    subject: str
    date: str
    calendar: bool


@dataclass
class ListContext:
    """The mailbox."""

    template: ClassVar[str] = "demo/mailbox.html"
    here: ClassVar[str] = "mailbox"
    lines: Sequence[Line]
    to: str
    people: Sequence[str]


@dataclass
class MailContext:
    """One mail."""

    template: ClassVar[str] = "demo/mail.html"
    here: ClassVar[str] = "mailbox"
    line: Line
    text: str
    has_html: bool
    calendar: str


@login_not_required
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """All mails, newest first; ?to= shows one person's."""
    lines = [_line(mail) for mail in newest_first()]
    to = request.GET.get("to", "")
    people = sorted({line.to for line in lines})
    shown = [line for line in lines if not to or line.to == to]
    return page(request, ListContext(lines=shown[:SHOWN], to=to, people=people))


@csp_update({"frame-src": "'self'"})  # type: ignore[arg-type]
@login_not_required
@require_safe
def mail(request: HttpRequest, number: int) -> HttpResponse:
    """One mail: its text, its HTML in a frame that can do nothing, its calendar entry."""
    found = _mail(number)
    context = MailContext(
        line=_line(found),
        text=found.part("text/plain"),
        has_html=bool(found.part("text/html")),
        calendar=found.part("text/calendar"),
    )
    return page(request, context)


@csp(  # type: ignore[arg-type]
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "frame-ancestors": ["'self'"],
        "sandbox": ["allow-popups"],
    }
)
@xframe_options_sameorigin
@login_not_required
@require_safe
def mail_html(_request: HttpRequest, number: int) -> HttpResponse:
    """The HTML part as a document of its own."""
    return HttpResponse(_mail(number).part("text/html"))


@login_not_required
@require_safe
def mail_bytes(_request: HttpRequest, number: int) -> HttpResponse:
    """The bytes as the SMTP server received them."""
    return HttpResponse(_mail(number).raw, content_type="text/plain; charset=utf-8")


def _mail(number: int) -> Mail:
    found = by_number(number)
    if found is None:
        raise Http404
    return found


def _line(mail: Mail) -> Line:
    message = mail.message
    return Line(
        mail.number, str(message["To"]), str(message["Subject"]), str(message["Date"]), bool(mail.part("text/calendar"))
    )
