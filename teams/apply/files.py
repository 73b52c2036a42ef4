"""Apply a file, whatever it holds: a program, or teams and people; whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program.feeds.batch import Fault
from program.models import Program

from ..goals import make_goals
from . import as_file, conflicts, difference, org_file, permitted, program_file, programs
from .changes import Change, Changes
from .conflicts import Conflict
from .consequences import Counted
from .export import mark_of, marks_in
from .marked_yaml import LARGEST, Document, Unreadable, load
from .paths import flat, plain
from .program_file import ProgramSpec


class Conflicting(Exception):
    """A file that would undo what was changed on a page since it was applied last; nothing of it was applied."""

    def __init__(self, found: Sequence[Conflict]) -> None:
        self.conflicts = found
        super().__init__("\n".join(str(one) for one in found))


@dataclass(frozen=True, slots=True)
class Told:
    """What an apply means for one program: its difference by section, what follows from it in counts, and remarks."""

    program: str
    name: str
    sections: Sequence[difference.Section]
    consequences: Sequence[str]
    remarks: Sequence[str]


@dataclass(slots=True)
class Outcome:
    """What an apply did, or would have done: where there are conflicts, or with a plan, nothing was kept.

    `moved`: it is not the plan that was expected, and nothing was kept either.
    """

    changes: list[Change]
    told: list[Told] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    moved: bool = False
    documents: Sequence[Document] = ()

    @property
    def digest(self) -> str:
        """A digest of what it does, to tell one plan from another."""
        said = [*(str(change) for change in self.changes), "", *(str(conflict) for conflict in self.conflicts)]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


def apply_text(text: str, *, now: datetime, via: str, actor: User | None = None, plan: bool = False) -> list[Change]:
    """Apply a file's text and return what changed; with `plan` the same, and then nothing is kept.

    Raises Unreadable with every fault of the file, or Conflicting; then nothing was applied.
    """
    outcome = apply_file(text, now=now, via=via, actor=actor, plan=plan)
    if outcome.conflicts:
        raise Conflicting(outcome.conflicts)
    return outcome.changes


def apply_file(
    text: str,
    *,
    now: datetime,
    via: str,
    actor: User | None = None,
    plan: bool = False,
    overwrite: bool = False,
    limited: bool = False,
    expected: str = "",
    largest: int = LARGEST,
) -> Outcome:
    """Apply a file's text, and tell what it changes. Conflicts keep it from being applied unless it may `overwrite`.

    With `limited`, the actor may do by the file only what they may do on pages. Where the digest of a plan that was
    seen is `expected` and another one comes out, nothing is applied. Raises Unreadable with every fault of the file;
    then nothing was applied.
    """
    documents = load(text, largest)
    if not documents:
        raise Unreadable(
            [Fault(0, "a program (program: …) or Backstage entities (kind: Group, kind: User) were expected")]
        )
    changes = Changes(now, via, actor)
    outcome = Outcome(changes.made, documents=documents)
    with transaction.atomic():
        if any(isinstance(document.value, dict) and "kind" in document.value for document in documents):
            _apply_org(documents, changes)
        else:
            _apply_programs(documents, changes, outcome, marks_in(text), actor if limited else None)
        outcome.moved = bool(expected) and expected != outcome.digest
        if outcome.conflicts and overwrite:
            _note_overwritten(outcome, changes)
        if plan or outcome.conflicts or outcome.moved:
            transaction.set_rollback(True)
    return outcome


def _note_overwritten(outcome: Outcome, changes: Changes) -> None:
    for one in outcome.told:
        said = [str(conflict) for conflict in outcome.conflicts]
        after = {"overwrote": said}
        record("program file", one.program, at=changes.now, actor=changes.actor, via=changes.via, after=after)
    outcome.conflicts = []


def _apply_org(documents: list[Document], changes: Changes) -> None:
    org = org_file.read(documents)
    _refuse_faults(documents)
    org_file.apply(org, changes)
    for program in Program.objects.exclude(state__in=(Program.State.COMPLETED, Program.State.CANCELED)):
        make_goals(program, changes.now, changes.note)


def _apply_programs(
    documents: list[Document], changes: Changes, outcome: Outcome, marks: Mapping[str, str], limits: User | None
) -> None:
    """Apply programs between two looks at each; of several, what each defines is there before any refers to it.

    `limits`: the person who may do only what they may do on pages.
    """
    specs = [program_file.read(document) for document in documents]
    for document, spec in zip(documents, specs, strict=True):
        if isinstance(document.value, dict):
            programs.check(document, spec, [other for other in specs if other is not spec])
        if limits is not None and spec.charter["key"]:
            permitted.check(document, spec, limits)
    _refuse_faults(documents)
    looks = [_Look.at(spec) for spec in specs]
    begun = []
    for spec, look in zip(specs, looks, strict=True):
        done = len(changes.made)
        begun.append(programs.begin(spec, changes))
        look.made += changes.made[done:]
    for spec, look, one in zip(specs, looks, begun, strict=True):
        done = len(changes.made)
        program = one.program
        programs.finish(one, spec, changes)
        look.made += changes.made[done:]
        if one.over:
            _leave_as_it_was(documents[specs.index(spec)], look, program)
        if limits is not None:
            _check_ready(documents[specs.index(spec)], look, program, changes.now)
        _tell(spec, look, program, outcome, marks.get(program.key, ""))
        kept = plain(look.after)
        if program.applied != kept:
            program.applied, program.applied_at = kept, changes.now
            program.save(update_fields=["applied", "applied_at"])


@dataclass(slots=True)
class _Look:
    """A program before an apply (None: it is new) and after it, with the changes that lie between."""

    held: Program | None
    before: as_file.Said
    counted: Counted
    made: list[Change] = field(default_factory=list)
    after: as_file.Said = field(default_factory=dict)

    @classmethod
    def at(cls, spec: ProgramSpec) -> _Look:
        held = Program.objects.filter(key=spec.charter["key"]).select_related("sponsor", "guard_of").first()
        return cls(held, as_file.of_program(held) if held else {}, Counted.of(held))


def _check_ready(document: Document, look: _Look, program: Program, now: datetime) -> None:
    """Refuse to take a program live that lacks what its desk would ask for."""
    was = look.held.state if look.held else ""
    for lack in permitted.lacks(program, was, today(program.review_zone, now)):
        document.fault(("program", "state"), f"it cannot go live yet: {lack}")
    _refuse_faults([document])


def _leave_as_it_was(document: Document, look: _Look, program: Program) -> None:
    """Refuse to change a program that is over; its file may be applied again as long as it says what stands."""
    if look.made:
        said = f"{program.key} is {program.state} and stands as it was: this file would change its {look.made[0].kind}"
        document.fault(("program", "state"), said)
    _refuse_faults([document])


def _tell(spec: ProgramSpec, look: _Look, program: Program, outcome: Outcome, mark: str) -> None:
    """Say what the apply meant for one program, and where it would undo what a page said since the last one."""
    look.after = as_file.of_program(program) if look.made else look.before
    theirs, ours, known = flat(look.before), flat(look.after), difference.units()
    sections = difference.between(theirs, ours, known)
    consequences = Counted.of(program).since(look.counted, look.made)
    outcome.told.append(Told(program.key, program.name, sections, consequences, _remarks(spec, program)))
    if look.held is None or look.held.applied is None:
        return
    base = flat(look.held.applied)
    # Exported from what is there now and changed since: whoever did that saw what the pages say.
    seen = mark == mark_of(look.before) and ours != base
    if not seen:
        outcome.conflicts += conflicts.between(look.held, base, theirs, ours, known)


def _remarks(spec: ProgramSpec, program: Program) -> list[str]:
    said = spec.charter["state"]
    if said == program.state:
        return []
    decided = "pausing, resuming and ending are decided on its pages"
    return [f"The file says {said}, the program stays {program.state}: {decided}."]


def _refuse_faults(documents: list[Document]) -> None:
    faults = [fault for document in documents for fault in document.faults]
    if faults:
        raise Unreadable(list(dict.fromkeys(faults)))
