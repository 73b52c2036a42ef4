"""A reorganization: ownership changes from a day on, seen before it is made; and sources that count no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import User
from program.rules import codeowners

from . import ownership
from .keeping import judge_touched
from .models import OwnershipFile, OwnershipPattern, Source, Team
from .placing_anew import Effect, place_anew

LONGEST_FILE = 1_000_000


class Unfit(ValueError):
    """Ownership that was not taken; the message says what was expected."""


def set_file(
    source: str, text: str, *, since: date, now: datetime, by: User | None = None, flavor: str = "", via: str = ""
) -> Effect:
    """Put a source's CODEOWNERS in force from a day on (LONG_AGO: for all the past). Raises Unfit."""
    if len(text) > LONGEST_FILE:
        raise Unfit(f"a CODEOWNERS of at most {LONGEST_FILE:,} characters was expected")
    if len(source) > 300:
        raise Unfit("a source of at most 300 characters was expected")
    read = codeowners.parse(text, flavor)
    if not read.rules:
        raise Unfit("a CODEOWNERS with at least one line such as “/src/api/ @org/api” was expected")
    with transaction.atomic():
        before = OwnershipFile.objects.filter(source=source, effective_from=since).first()
        OwnershipFile.objects.update_or_create(
            source=source,
            effective_from=since,
            defaults={"flavor": read.flavor, "text": text, "set_at": now, "set_by": by},
        )
        record(
            "ownership file", source or "the default source", at=now, actor=by, via=via,
            before={"text": before.text} if before else None, after={"text": text, "from": since.isoformat()},
        )  # fmt: skip
        effect = place_anew([source], since, now)
    known = ownership.handles()
    owners = sorted({owner for rule in read.rules for owner in rule.owners})
    effect.skipped = [f"line {line.line}: {line.what}" for line in read.skipped]
    effect.unknown = [owner for owner in owners if not _is_known(owner, known)]
    return effect


def _is_known(owner: str, known: Mapping[str, int]) -> bool:
    name = owner.lstrip("@").lower()
    return name in known or name.rpartition("/")[2] in known


def add_pattern(
    pattern: str, team: Team, *, source: str | None, since: date, now: datetime, by: User | None = None, via: str = ""
) -> Effect:
    """Give a team what a pattern matches, from a day on; `source` None means in every source. Raises Unfit."""
    pattern = pattern.strip()
    read = codeowners.parse(f"{pattern} @team", "github")
    if len(read.rules) != 1 or "\n" in pattern or len(pattern) > 1000 or read.rules[0].owners != ("@team",):
        why = f": {read.skipped[0].what}" if read.skipped else ""
        raise Unfit(f"one pattern as in CODEOWNERS, such as /src/api/ or *.sql, was expected{why}")
    if not team.leaf:
        raise Unfit(f"{team.key} is a group; a team was expected")
    with transaction.atomic():
        OwnershipPattern.objects.create(
            pattern=pattern, source=source or "", any_source=source is None, team=team, effective_from=since,
            set_at=now, set_by=by,
        )  # fmt: skip
        after = {"team": team.key, "source": source, "from": since.isoformat()}
        record("ownership pattern", pattern, at=now, actor=by, via=via, after=after)
        return place_anew(None if source is None else [source], since, now)


def end_pattern(row: OwnershipPattern, on: date, *, now: datetime, by: User | None = None, via: str = "") -> Effect:
    """Let a pattern count no more from a day on (on the day it began or before: it never counted)."""
    with transaction.atomic():
        before = {"team": row.team.key, "from": row.effective_from.isoformat()}
        record(
            "ownership pattern", row.pattern, at=now, actor=by, via=via, before=before, after={"ended": on.isoformat()}
        )
        sources = None if row.any_source else [row.source]
        if on <= row.effective_from:
            row.delete()
        else:
            row.ended_on = on
            row.save(update_fields=["ended_on"])
        return place_anew(sources, on, now)


def preview(change: Callable[[], Effect]) -> Effect:
    """What a change would do; it is made and taken back."""
    with transaction.atomic():
        effect = change()
        transaction.set_rollback(True)
    return effect


def retire(source: Source, on: date | None, *, now: datetime, by: User | None = None, via: str = "") -> None:
    """Let a source count no more from a day on, or (None) count again; what rests on it is judged again."""
    with transaction.atomic():
        before = source.retired_on.isoformat() if source.retired_on else None
        record("source", str(source), at=now, actor=by, via=via, before={"retired_on": before},
               after={"retired_on": on.isoformat() if on else None})  # fmt: skip
        source.retired_on = on
        source.save(update_fields=["retired_on"])
        judge_touched({(source.metric_version_id, source.team_id)}, now)
