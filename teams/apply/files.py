"""Apply a file, whatever it holds: a program, or teams and people; whole or not at all."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from program.feeds.batch import Fault
from program.models import Program

from ..goals import make_goals
from . import org_file, program_file, programs
from .changes import Change, Changes
from .marked_yaml import Document, Unreadable, load


def apply_text(text: str, *, now: datetime, via: str, actor: User | None = None, plan: bool = False) -> list[Change]:
    """Apply a file's text and return what changed; with `plan` the same, and then nothing is kept.

    Raises Unreadable with every fault of the file; then nothing was applied.
    """
    documents = load(text)
    if not documents:
        raise Unreadable(
            [Fault(0, "a program (program: …) or Backstage entities (kind: Group, kind: User) were expected")]
        )
    changes = Changes(now, via, actor)
    with transaction.atomic():
        if any(isinstance(document.value, dict) and "kind" in document.value for document in documents):
            _apply_org(documents, changes)
        else:
            _apply_programs(documents, changes)
        if plan:
            transaction.set_rollback(True)
    return changes.made


def _apply_org(documents: list[Document], changes: Changes) -> None:
    org = org_file.read(documents)
    _refuse_faults(documents)
    org_file.apply(org, changes)
    for program in Program.objects.exclude(state__in=(Program.State.COMPLETED, Program.State.CANCELED)):
        make_goals(program, changes.now, changes.note)


def _apply_programs(documents: list[Document], changes: Changes) -> None:
    for document in documents:
        spec = program_file.read(document)
        if isinstance(document.value, dict):
            programs.check(document, spec)
        _refuse_faults(documents)
        programs.apply(spec, changes)


def _refuse_faults(documents: list[Document]) -> None:
    faults = [fault for document in documents for fault in document.faults]
    if faults:
        raise Unreadable(list(dict.fromkeys(faults)))
