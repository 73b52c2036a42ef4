"""In the room: the page to run a review from, what is written there, its end, and its minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.clock import now, today
from accounts.models import User
from program import wording
from program.typed_in import TypedIn
from reviews import agenda, asks, minutes, proposals, room
from reviews.agenda import Point
from reviews.content import read
from reviews.minutes import Minutes
from reviews.models import Brief, Decision, Review
from reviews.room import Clash
from teams.models import Goal
from teams.typed import Unfit
from web import access, ask_lines, room_page
from web.ask_lines import AskLine
from web.render import page

LONGEST = 500


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page."""
    return room_page.answer(request, _seen(request, pk), now())


@require_http_methods(["GET", "HEAD", "POST"])
def notes(request: HttpRequest, pk: int) -> HttpResponse:
    """The notes as they are now, for a page that looks whether they changed; or keep them, and perhaps end it."""
    if request.method != "POST":
        found = _seen(request, pk)
        return JsonResponse(
            {"version": found.notes_version, "notes": found.notes, "seen": room_page.seen(found),
             "at": room_page.clock_words(found, now())}
        )  # fmt: skip
    found, user, moment = _written(request, pk), access.person(request), now()
    typed = access.typed(request)
    quick = request.headers.get("Accept") == "application/json"
    version = typed.whole("version", least=0, most=99_999_999)
    try:
        if typed.faults:
            raise Unfit("The version of the notes is missing: look at the page again.")
        text, base = room.notes_of(typed["notes"]), room.notes_of(typed["base"])
        kept = room.write_notes(found, text, version, base, moment, by=user)
    except Unfit as unfit:
        if quick:
            return JsonResponse({"problem": str(unfit)}, status=400)
        typed.faults = {"notes": str(unfit)}
        began = (version, _shown(typed["base"]))
        return room_page.answer(
            request, found, moment, form="notes", typed=typed, notes=_shown(typed["notes"]), began=began
        )
    if isinstance(kept, Clash):
        if not quick:
            return room_page.answer(request, found, moment, form="notes", clash=kept)
        told = {"version": kept.version, "theirs": kept.theirs, "both": kept.both, "clean": kept.clean, "who": kept.who}
        return JsonResponse(told, status=409)
    if quick:
        return JsonResponse({"version": kept.version, "saved": room_page.clock_words(found, moment)})
    if typed["do"] != "end":
        messages.info(request, f"Notes saved at {room_page.clock_words(found, moment)}.")
        return _back(found, "notes")
    return _end(request, found, user)


def _end(request: HttpRequest, found: Review, user: User) -> HttpResponse:
    found.refresh_from_db(fields=["notes", "notes_version"])
    try:
        many = minutes.end(found, now(), by=user)
    except Unfit as unfit:
        typed = access.typed(request)
        typed.faults = {"end": str(unfit)}
        return room_page.answer(request, found, now(), form="end", typed=typed)
    messages.info(request, f"Ended. The minutes are on their way to {wording.count(many, 'person', 'people')}.")
    return redirect("review-minutes", found.pk)


@require_POST
def set_agenda(request: HttpRequest, pk: int) -> HttpResponse:
    """Other points, or other times for them; or the usual ones again."""
    found, typed = _written(request, pk), access.typed(request)
    rows = [
        {"title": title, "minutes": length, "about": about}
        for title, length, about in zip(
            typed.chosen("title"), typed.chosen("minutes"), typed.chosen("about"), strict=False
        )
    ]
    try:
        points = [] if typed["do"] == "usual" else _points(rows)
        agenda.change(found, points, now(), by=access.person(request))
    except Unfit as unfit:
        typed.faults = {"agenda": str(unfit)}
        shown = [{name: _shown(text) for name, text in row.items()} for row in rows[: agenda.MOST_POINTS + 1]]
        return room_page.answer(request, found, now(), form="agenda", typed=typed, points=shown)
    messages.info(request, "The usual agenda." if not points else "Agenda kept.")
    return _back(found, "agenda")


def _points(rows: Sequence[dict[str, str]]) -> list[Point]:
    """What was typed as points; a row without a title is none."""
    found = []
    for row in rows:
        if row["title"].strip():
            fields = TypedIn(row)
            title = fields.text("title", most=agenda.LONGEST_TITLE)
            length = fields.whole("minutes", least=1, most=480)
            if fields.faults:
                raise Unfit(f"{_shown(row['title'])[:40]}: {next(iter(fields.faults.values()))}")
            found.append(Point(" ".join(title.split()), length, row["about"] if row["about"] in agenda.TITLES else ""))
    return found


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a decision on record."""
    found, typed = _written(request, pk), access.typed(request)
    try:
        room.decide(found, typed["text"], now(), by=access.person(request))
    except Unfit as unfit:
        return _refused(request, found, "decision", typed, "text", unfit)
    return _back(found, "decisions")


@require_POST
def strike(request: HttpRequest, pk: int, decision: int) -> HttpResponse:
    """Take a decision back."""
    found = _written(request, pk)
    row = get_object_or_404(Decision.objects.filter(review=found).select_related("review__program"), pk=decision)
    room.strike(row, now(), by=access.person(request))
    return _back(found, "decisions")


@require_POST
def raise_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask something of somebody."""
    found, typed = _written(request, pk), access.typed(request)
    due = typed.day("due") if typed["due"].strip() else None
    goals: list[int] = []
    try:
        text = room.sentence_of(typed["text"], "what is asked")
    except Unfit as unfit:
        typed.fault("text", str(unfit).rstrip("."))
    of = _person(request, typed)
    if due is not None and due < today(found.zone, now()):
        typed.fault("due", "a day from today on was expected")
    if typed["team"]:
        theirs = Goal.objects.filter(program=found.program, team__key=typed["team"].replace("\0", ""), ended_on=None)
        goals = list(theirs.values_list("pk", flat=True))
        if not goals:
            typed.fault("team", "one of the program’s teams was expected")
    if typed.faults:
        return room_page.answer(request, found, now(), form="ask", typed=_clean(typed))
    try:
        asks.raise_ask(found, text, now(), of=of, due=due, actor=access.person(request), goals=goals)
    except Unfit as unfit:
        return _refused(request, found, "ask", typed, "text", unfit)
    return _back(found, "asks")


def _person(request: HttpRequest, typed: TypedIn) -> User | None:
    """Of whom: an e-mail of somebody who is here; empty: nobody yet."""
    said = typed["of"].strip().lower()
    if not said:
        return None
    people = User.objects.visible_to(access.person(request)).filter(is_active=True)
    person = None if "\0" in said else people.filter(email=said[:254]).first()
    if person is None:
        typed.fault("of", "the e-mail of somebody who is known here was expected")
    return person


@require_POST
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Raise an ask as the brief proposes it."""
    found, typed = _written(request, pk), access.typed(request)
    frozen = Brief.objects.filter(review=found).first()
    moment = now()
    due = proposals.due_day(found, moment)
    try:
        made = proposals.accept(
            found, read(frozen.content) if frozen else None, typed["proposal"], moment, due=due,
            by=access.person(request),
        )  # fmt: skip
    except Unfit as unfit:
        return _refused(request, found, "propose", typed, "proposal", unfit)
    messages.info(request, f"Asked of {made.of or 'nobody yet'}, by {wording.day(made.due)}.")
    return _back(found, "asks")


@require_POST
def there(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is there: what was ticked or unticked is changed, all else stays as somebody else may have said."""
    found, typed = _written(request, pk), access.typed(request)
    ticked = {int(one) for one in typed.chosen("there") if one.isascii() and one.isdecimal() and len(one) < 10}
    was = dict(one.partition(":")[::2] for one in typed.chosen("was"))
    changed = {
        int(one): int(one) in ticked
        for one, held in was.items()
        if one.isascii() and one.isdecimal() and len(one) < 10 and (int(one) in ticked) != (held == "yes")
    }
    room.attend(found, changed, now(), by=access.person(request))
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"saved": room_page.clock_words(found, now())})
    return _back(found, "there")


@require_POST
def bring(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody else is there."""
    found, typed = _written(request, pk), access.typed(request)
    try:
        room.bring(found, typed["email"], now(), by=access.person(request))
    except Unfit as unfit:
        return _refused(request, found, "bring", typed, "email", unfit)
    return _back(found, "there")


@dataclass
class MinutesContext:
    """The minutes as they are now; what came after they were sent is marked."""

    template: ClassVar[str] = "pages/minutes.html"
    here: ClassVar[str] = "programs"
    review: Review
    day: str
    hours: str
    sentence: str
    minutes: Minutes
    asks: Sequence[AskLine]
    writes: bool
    messages: Sequence[str]


@require_safe
def show_minutes(request: HttpRequest, pk: int) -> HttpResponse:
    """The minutes, to read and to print."""
    found, moment = _seen(request, pk), now()
    held = minutes.of(found)
    on = today(found.zone, moment)
    sent = found.minutes_sent_at
    said = "These minutes were not sent yet."
    if sent is not None:
        at = sent.astimezone(found.local_start.tzinfo)
        said = f"{minutes.headline(found.program, held)} Sent on {wording.weekday(at.date())} at {at:%H:%M}."
    context = MinutesContext(
        review=found,
        day=room_page.day_words(found),
        hours=room_page.hours_words(found),
        sentence=said,
        minutes=held,
        asks=[ask_lines.line(one, on, later=later) for one, later in held.asks],
        writes=room.may_write(access.person(request), found) and not room.closed(found),
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


def _seen(request: HttpRequest, pk: int) -> Review:
    """A review that this person may see, or 404."""
    rows = Review.objects.visible_to(access.person(request)).select_related("program__sponsor")
    return get_object_or_404(rows, pk=pk)


def _written(request: HttpRequest, pk: int) -> Review:
    """A review that this person may write about, or 404."""
    found = _seen(request, pk)
    if not room.may_write(access.person(request), found) or room.closed(found):
        raise Http404("nothing is written here")
    return found


def _refused(request: HttpRequest, found: Review, form: str, typed: TypedIn, name: str, unfit: Unfit) -> HttpResponse:
    typed.faults = {name: str(unfit)}
    return room_page.answer(request, found, now(), form=form, typed=_clean(typed))


def _clean(typed: TypedIn) -> TypedIn:
    """What was typed, so that it can be shown again."""
    typed.values = {name: _shown(text) for name, text in typed.values.items()}
    return typed


def _shown(text: str) -> str:
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if sign == "\0" or "\ud800" <= sign <= "\udfff" else sign for sign in text
    )


def _back(found: Review, place: str) -> HttpResponse:
    return redirect(f"{reverse('room', args=[found.pk])}#{place}")
