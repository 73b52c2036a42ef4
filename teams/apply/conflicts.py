"""Conflicts: what was changed on a page since a program's file was applied last, and that the file would undo.

Three states are held side by side: as the last apply left it, as it is now, and as the file would have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import AuditRow
from program import wording
from program.models import Program

from . import told
from .difference import HEADINGS
from .paths import ORDER, Flat, Place, asked_by, entries

KINDS = {
    "program": ("program", "owner"),
    "metrics": ("metric", "playbook"),
    "goals": ("goal", "proposal", "counter", "re-baseline", "rebaseline"),
    "waves": ("wave",),
    "nudges": ("program", "nudge"),
    "feeds": ("feed",),
    "scores": ("score",),
}
"""By section: how the kinds of its audit rows begin."""
MOST_ROWS = 5_000
THERE, ABSENT = "there", "not there"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place that a page changed and the file would change again: what it was, is, and would be."""

    heading: str
    what: str
    was: str
    now: str
    file: str
    who: str
    when: datetime | None

    def __str__(self) -> str:
        return f"{self.what}: {self.page}; {self.would}"

    @property
    def page(self) -> str:
        """What the page did, who did it, and when."""
        by = f" by {self.who}" if self.who else ""
        when = f" on {wording.moment(self.when)}" if self.when else ""
        if self.now in (THERE, ABSENT):
            did = "changed" if self.was == self.now else "added" if self.now == THERE else "taken away"
            return f"{did}{by}{when}"
        return f"was {self.was}, changed{by}{when} to {self.now}"

    @property
    def would(self) -> str:
        """What the file would do."""
        if self.now in (THERE, ABSENT):
            return "the file takes it away" if self.now == THERE else "the file brings it back"
        return f"the file says {self.file}"


def between(program: Program, base: Flat, theirs: Flat, ours: Flat, known: Mapping[str, told.Unit]) -> list[Conflict]:
    """Where a page and the file disagree. Nothing is read where nothing was changed on a page."""
    changed = [place for place in {**base, **theirs} if place != ORDER and base.get(place) != theirs.get(place)]
    places = [place for place in changed if ours.get(place) != theirs.get(place)]
    turned = _turned(base, theirs) and _turned(ours, theirs)
    if not places:
        return [REORDERED] if turned else []
    states = [entries(state) for state in (base, theirs, ours)]
    rows = _rows(program)
    found = []
    for section, entry, names in _together(places):
        fields = [state.get((section, entry)) for state in states]
        whole = any(one is None for one in fields) and section not in ("program", "nudges")
        row = _row(rows, section, entry, names)
        for name in ("",) if whole else names:
            was, now, file = (_said(section, name, one, known) for one in fields)
            what = _what(section, name, next(one for one in fields if one is not None), known)
            who, when = (_who(row), row.at) if row else ("", None)
            found.append(Conflict(HEADINGS[section], what, was, now, file, who, when))
    return found


REORDERED = Conflict(
    HEADINGS["goals"], "the order of the lines", "as in the file", "another one", "what it was", "", None
)


def _turned(one: Flat, other: Flat) -> bool:
    """Whether the goal lines that two states share stand in another order."""
    first, second = one.get(ORDER, []), other.get(ORDER, [])
    return [line for line in first if line in second] != [line for line in second if line in first]


Entries = Mapping[tuple[str, str], Mapping[str, object]]


def _together(places: Sequence[Place]) -> list[tuple[str, str, list[str]]]:
    """Fields by section and entry, in the order in which sections are told."""
    found: dict[tuple[str, str], list[str]] = {}
    for place in sorted(places, key=lambda place: (list(HEADINGS).index(place.section), place)):
        found.setdefault((place.section, place.entry), []).append(place.field)
    return [(section, entry, names) for (section, entry), names in found.items()]


def _said(section: str, name: str, fields: Mapping[str, object] | None, known: Mapping[str, told.Unit]) -> str:
    if fields is None:
        return ABSENT
    if not name:
        return THERE
    if name.startswith("owners "):
        return "owner" if name in fields else "no owner"
    return told.value(section, name, fields, known)


def _what(section: str, name: str, fields: Mapping[str, object], known: Mapping[str, told.Unit]) -> str:
    if section in ("program", "nudges"):
        return told.field(section, name, {name: True}, known) if name.startswith("owners ") else told.label(name)
    title = told.title(section, fields, known)
    return f"{title}: {told.label(name)}" if name else title


def _who(row: AuditRow) -> str:
    return str(row.actor) if row.actor else ""


def _rows(program: Program) -> list[AuditRow]:
    """What was changed since the last apply otherwise than by a file, the newest first."""
    own = {*program.metrics.values_list("key", flat=True), *program.feeds.values_list("key", flat=True)}
    about = Q(key__in={program.key, *own})
    for head in (f"{program.key}/", f"{program.key}#", *(f"{key} v" for key in sorted(own))):
        about |= Q(key__startswith=head)
    rows = AuditRow.objects.filter(about).exclude(via__startswith="apply").select_related("actor")
    if program.applied_at is not None:
        rows = rows.filter(at__gt=program.applied_at)
    return list(rows[:MOST_ROWS])


def _row(rows: Sequence[AuditRow], section: str, entry: str, names: Sequence[str]) -> AuditRow | None:
    """The newest change that names the field, else the newest of the entry, else of the section."""
    of_section = [row for row in rows if row.kind.startswith(KINDS[section])]
    of_entry = [row for row in of_section if entry and _is_about(row.key, section, entry)]
    words = {name.rpartition(".")[2].partition(" ")[0].rstrip("s") for name in names}
    naming = [row for row in of_entry or of_section if any(w in str(row.after) + str(row.before) for w in words)]
    return next(iter(naming or of_entry or of_section), None)


def _is_about(key: str, section: str, entry: str) -> bool:
    """Whether an audit row's key names an entry: a goal line by its metric and one of its teams."""
    if section != "goals":
        return entry in key
    metric, teams = asked_by(entry)
    return key.partition("/")[2] in [f"{metric}/{team}" for team in (teams if isinstance(teams, list) else ())]
