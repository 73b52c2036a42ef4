"""Waves on the owner's desk: added, changed, opened regardless, closed, and which teams are in which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.clock import now, today
from nudges.ahead import first_mails
from program import wording
from program.models import Program, Wave
from program.typed_in import TypedIn
from teams import waves
from teams.apply.changes import Changes
from teams.goals import select_teams
from teams.models import Team
from teams.trying import Effect, effect, taken_back
from web import access, desk, desk_words
from web.desk import Context
from web.desk_parts import Attempt
from web.render import page

VIA = "page"
DONE = {
    "change": "Kept.",
    "open": "{wave} is open: its teams have their goals.",
    "close": "{wave} is done; its goals go on.",
    "remove": "{wave} is taken out.",
}


@require_POST
def add(request: HttpRequest, key: str) -> HttpResponse:
    """Add a wave; its teams come with another form."""
    found = access.desk_program(request, key)
    typed = access.typed(request)
    name = typed.key("key")
    if name and found.waves.filter(key=name).exists():
        typed.fault("key", f"another name was expected: there is a wave {name}")
    start, gate = typed.day("start"), _gate(typed)
    if typed.faults or start is None:
        return _again(request, found, "wave-new", typed)
    moment = now()
    changes = Changes(moment, VIA, access.person(request))
    if typed["do"] == "look":
        return _again(request, found, "wave-new", typed, _opens(found, name, start, gate, changes))
    waves.put(found, name, start, gate, changes)
    opened = waves.open_by_gate(found, moment) if found.state == Program.State.ACTIVE else 0
    messages.info(request, f"The wave {name} is {'open' if opened else 'planned'}: say which teams are in it.")
    return _back(found)


@require_POST
def change(request: HttpRequest, key: str, wave: str, do: str) -> HttpResponse:
    """Change a wave, open it regardless, say that it is done, or take it out."""
    found = access.desk_program(request, key)
    one = None if "\0" in wave else found.waves.filter(key=wave).first()
    if one is None or do not in DONE:
        raise Http404(f"{wave[:40]!a} is no wave of this program")
    typed = access.typed(request)
    form = f"wave-{one.key}-{'open' if do == 'open' else 'change'}"
    if do != "open":  # what is not done or taken out is said in the form beside
        typed.values = {"start": one.start.isoformat(), "gate": f"{one.gate * 100:g}"} | typed.values
    changes = Changes(now(), VIA, access.person(request))
    try:
        if typed["do"] == "look":
            return _again(request, found, form, typed, _foreseen(found, one, do, typed, changes))
        done = _changed(one, do, typed, changes)
    except waves.Unfit as unfit:
        typed.fault("why" if do == "open" else "start", str(unfit))
    if typed.faults:
        return _again(request, found, form, typed)
    messages.info(request, DONE[do].format(wave=one.key) if done else "Nothing changed.")
    return _back(found)


def _changed(wave: Wave, do: str, typed: TypedIn, changes: Changes) -> bool:
    by = changes.actor
    if do == "open":
        return waves.open_regardless(wave, typed.text("why", most=500), now=changes.now, by=by, via=VIA)
    if do == "close":
        return waves.close(wave, now=changes.now, by=by, via=VIA)
    if do == "remove":
        waves.remove(wave, changes)
        return True
    start: date | None = typed.day("start") if wave.state == Wave.State.PLANNED else wave.start
    gate = _gate(typed)
    if start is not None and not typed.faults:
        waves.put(wave.program, wave.key, start, gate, changes)
    return bool(changes.made)


def _foreseen(found: Program, wave: Wave, do: str, typed: TypedIn, changes: Changes) -> list[str]:
    """What would follow from a change of a wave; nothing is kept."""
    if do == "open":
        typed.text("why", most=500)
        looked = effect(found, lambda: waves.open_regardless(wave, "looked at", now=changes.now, by=None, via=VIA))
        wave.refresh_from_db()
        return _words(found, looked, changes)
    start, gate = typed.day("start"), _gate(typed)
    if typed.faults or start is None or do != "change":
        return []
    return _opens(found, wave.key, start, gate, changes)


def _opens(found: Program, key: str, start: date, gate: float, changes: Changes) -> list[str]:
    """When a wave would open by itself."""

    def look() -> str:
        waves.put(found, key, start, gate, changes)
        held = list(found.waves.all())
        one = next(wave for wave in held if wave.key == key)
        return desk_words.wave(one, waves.gates(held).get(one.pk), found, today(found.review_zone, changes.now))

    return [taken_back(look)]


def _words(found: Program, looked: Effect, changes: Changes) -> list[str]:
    mails = first_mails(found, looked.new_teams, changes.now)
    return desk_words.effect(looked, mails, today(found.review_zone, changes.now))


@require_POST
def move(request: HttpRequest, key: str) -> HttpResponse:
    """Put the ticked teams, and those under a group, into a wave or into none."""
    found = access.desk_program(request, key)
    typed = access.typed(request)
    to, teams = _wave(found, typed), _teams(found, typed)
    if typed.faults:
        return _again(request, found, "wave-move", typed)
    changes = Changes(now(), VIA, access.person(request))
    if typed["do"] == "look":
        looked = effect(found, lambda: waves.move(found, teams, to, changes))
        return _again(request, found, "wave-move", typed, _words(found, looked, changes))
    moved = waves.move(found, teams, to, changes)
    where = f"in the wave {to.key}" if to else "in no wave"
    messages.info(request, f"{wording.count(moved, 'team')} moved: now {where}." if moved else "Nothing changed.")
    return _back(found)


def _wave(found: Program, typed: TypedIn) -> Wave | None:
    """The wave to move to; None: out of any."""
    to = found.waves.filter(key=typed.text("to", most=80)).first() if typed["to"].strip() else None
    if typed["to"].strip() and to is None:
        typed.fault("to", "a wave of this program was expected")
    return to


def _teams(found: Program, typed: TypedIn) -> list[Team]:
    """The teams that were ticked, and those of the group that was chosen."""
    keys = set(typed.chosen("teams"))
    nodes = Team.objects.in_bulk()
    teams = [node for node in nodes.values() if node.leaf and node.key in keys]
    if len(teams) != len(keys):
        typed.fault("teams", "teams of the list were expected")
    under = typed.text("under", most=100)
    if under and under not in {node.key for node in nodes.values()}:
        typed.fault("under", "a group of the list was expected")
    elif under:
        teams += [nodes[pk] for pk in select_teams(found, {"under": under}, nodes) if nodes[pk] not in teams]
    if not teams:
        typed.fault("teams", "at least one team was expected")
    return teams


def _gate(typed: TypedIn) -> float:
    return typed.number("gate", least=0, most=1, share=True)


def _again(request: HttpRequest, found: Program, form: str, typed: TypedIn, said: Sequence[str] = ()) -> HttpResponse:
    """The form again, with its faults or with what would follow; the latter as JSON for a script that asks."""
    if typed["do"] == "look" and request.headers.get("Accept") == "application/json":
        return JsonResponse({"said": list(said), "faults": typed.faults})
    shown: Context = desk.context(
        found, now(), access.metrics(request), access.suggested(request), Attempt(form, typed, said)
    )
    return page(request, shown, status=400 if typed.faults else 200)


def _back(found: Program) -> HttpResponse:
    return redirect(f"{desk.address('desk', found.key)}#waves")
