"""What an apply changes, one line a row, and its trace in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import models

from accounts.audit import record
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Change:
    """One row that was added (`before` is None), changed or removed (`after` is None)."""

    kind: str
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    def __str__(self) -> str:
        if self.before is None:
            said = ", ".join(
                f"{name} {_said(value)}" for name, value in (self.after or {}).items() if value not in ("", None, [])
            )
            return f"+ {self.kind} {self.key}" + (f": {said}" if said else "")
        if self.after is None:
            return f"- {self.kind} {self.key}"
        moved = (
            f"{n} {_said(self.before.get(n))} → {_said(v)}" for n, v in self.after.items() if self.before.get(n) != v
        )
        return f"~ {self.kind} {self.key}: {', '.join(moved)}"


@dataclass(slots=True)
class Changes:
    """The changes of one apply, each written down in the audit log as it is made."""

    now: datetime
    via: str
    actor: User | None = None
    made: list[Change] = field(default_factory=list)
    reason: str = ""
    """why, where somebody said so; it stands with each change"""

    def note(
        self,
        kind: str,
        key: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        *,
        audit: bool = True,
    ) -> None:
        """Note one change. Rows made by the thousand (goals) are written down once for all of them by their rule."""
        change = Change(kind, key, _plain(before), _plain(after))
        self.made.append(change)
        if audit:
            record(
                kind, key, at=self.now, before=change.before, after=change.after, actor=self.actor, via=self.via,
                reason=self.reason,
            )  # fmt: skip

    def put(self, kind: str, key: str, row: models.Model, values: Mapping[str, Any]) -> bool:
        """Set a row's fields and save it if it is new or says something else; notes the change. Returns whether so."""
        adding = row._state.adding
        before = {} if adding else {name: getattr(row, name) for name in values}
        changed = {name: value for name, value in values.items() if adding or before[name] != value}
        if not changed:
            return False
        for name, value in changed.items():
            setattr(row, name, value)
        row.save()
        self.note(kind, key, None if adding else {name: before[name] for name in changed}, changed)
        return True


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, models.Model) else value


def _said(value: Any) -> str:
    text = "nothing" if value in ("", None) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
