"""The history of a goal: its terms, baselines, proposals, exemptions and disputes, and how it stood over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.clock import today
from accounts.models import AuditRow, User
from program import wording
from program.models import MetricVersion

from . import proposing
from .models import LONG_AGO, Dispute, Exemption, Goal, GoalTerms, Proposal

FROM_A_FILE = "the program’s file"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a goal: when, what, by whom, and why in their words; `answer` is what came of it.

    `terms` says that it changed the terms: from that day on it was judged by others.
    """

    at: datetime
    day: date
    said: str
    by: str
    why: str = ""
    answer: str = ""
    terms: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Days in a row with the same status, as they were judged then; `last` is the last day before another status."""

    status: str
    first: date
    last: date


def history(goal: Goal, now: datetime) -> list[Event]:
    """All that happened to a goal, newest first. Five queries."""
    rows = list(goal.terms.select_related("metric_version", "set_by").order_by("effective_from"))
    zone, day = goal.team.time_zone, today(goal.team.time_zone, now)
    version = rows[-1].metric_version if rows else None
    found = [*_terms(rows, goal, zone), *_baselines(rows, zone), *_replaced(rows, goal, zone)]
    if version is not None:
        proposals = goal.proposals.select_related("made_by", "answered_by")
        found += [_proposal(one, version, zone) for one in proposals]
    people = ("asked_by", "approved_by", "declined_by", "revoked_by")
    found += [_exemption(one, zone, day) for one in goal.exemptions.select_related(*people)]
    disputes = Dispute.objects.filter(metric=goal.metric_id, team=goal.team_id)
    found += [_dispute(one, zone) for one in disputes.select_related("opened_by", "answered_by")]
    return sorted(found, key=lambda event: event.at, reverse=True)


def strip(goal: Goal) -> list[Run]:
    """How a goal stood over time, from its kept standings: what was said then, whatever is known now. One query."""
    runs: list[Run] = []
    for day, status in goal.standings.order_by("day").values_list("day", "status"):
        if runs and runs[-1].status == status:
            runs[-1] = Run(status, runs[-1].first, day)
        else:
            runs.append(Run(status, day, day))
    return runs


def _terms(rows: Sequence[GoalTerms], goal: Goal, zone: str) -> Iterator[Event]:
    before: GoalTerms | None = None
    for row in rows:
        if before is None:
            at = goal.created_at if row.effective_from == LONG_AGO else row.set_at
            said = f"Given to the team: {asks(row)}, from {wording.day(row.start)} on"
            first_by = str(row.set_by) if row.set_by and not row.reason else FROM_A_FILE
            yield Event(at, today(zone, at), f"{said}.", first_by, terms=True)
            if row.reason:  # changed while the program was a draft
                yield Event(row.set_at, today(zone, row.set_at), f"Settled: {asks(row)}.", _who(row.set_by), row.reason)
        else:
            changed = [*_changes(before, row), *_baseline_anew(before, row)]
            said = wording.listed(changed) if changed else "Set anew as it was"
            day = row.effective_from
            yield Event(row.set_at, day, f"{said[:1].upper()}{said[1:]}.", _who(row.set_by), row.reason, terms=True)
        before = row


def asks(row: GoalTerms) -> str:
    """What terms ask, in words: "90 % by 31 Dec 2026"."""
    return f"{_level(row.target, row.improve_by, row.metric_version)} by {wording.day(row.due)}"


def _level(target: float | None, improve_by: float | None, version: MetricVersion) -> str:
    if target is not None:
        return wording.value(target, version.unit, version.aggregation)
    return f"{wording.share(improve_by)} of the way to the best there can be"


def _changes(before: GoalTerms, row: GoalTerms) -> list[str]:
    found = []
    if (before.target, before.improve_by) != (row.target, row.improve_by):
        old = _level(before.target, before.improve_by, before.metric_version)
        found.append(f"target {old} → {_level(row.target, row.improve_by, row.metric_version)}")
    for name, words in (("due", "due day"), ("start", "start")):
        if getattr(before, name) != getattr(row, name):
            found.append(f"{words} {wording.day(getattr(before, name))} → {wording.day(getattr(row, name))}")
    if before.tolerance != row.tolerance:
        found.append(f"tolerance {wording.share(before.tolerance)} → {wording.share(row.tolerance)}")
    if before.milestones != row.milestones:
        found.append(f"{wording.count(len(row.milestones), 'milestone')} instead of {len(before.milestones)}")
    if before.metric_version_id != row.metric_version_id:
        found.append(f"judged by version {row.metric_version.number} of the metric")
    return found


def _baseline_anew(before: GoalTerms, row: GoalTerms) -> list[str]:
    anew = before.baseline is not None and row.baseline_recorded_at != before.baseline_recorded_at
    return ["the baseline taken anew"] if anew else []


def _baselines(rows: Sequence[GoalTerms], zone: str) -> Iterator[Event]:
    seen = set()
    for row in rows:
        at = row.baseline_recorded_at
        if at is not None and at not in seen:
            seen.add(at)
            version = row.metric_version
            value = wording.value(row.baseline, version.unit, version.aggregation)
            said = f"Baseline recorded: {value} as of {wording.day(row.baseline_as_of)}."
            yield Event(at, today(zone, at), said, "the daily judgment")


def _replaced(rows: Sequence[GoalTerms], goal: Goal, zone: str) -> Iterator[Event]:
    """Changes that others of the same day replaced: their terms are gone, the audit log has them."""
    held = {row.set_at for row in rows if row.reason}  # those that the goal was made with changed nothing
    version = rows[-1].metric_version if rows else None
    for row in AuditRow.objects.filter(kind="goal terms", key=str(goal)).select_related("actor"):
        if row.at not in held and version is not None:
            said = wording.listed(list(_of_audit(row.before or {}, row.after or {}, version)))
            day = today(zone, row.at)
            yield Event(row.at, day, f"Replaced the same day: {said}.", _who(row.actor), row.reason)


def _of_audit(before: dict[str, Any], after: dict[str, Any], version: MetricVersion) -> Iterator[str]:
    if "target" in after or "improve_by" in after:
        old = before.get("target"), before.get("improve_by")
        new = after.get("target"), after.get("improve_by")
        yield f"target {_said_level(old, version)} → {_said_level(new, version)}"
    for name, words in (("due", "due day"), ("start", "start")):
        if name in after:
            old_day, new_day = (date.fromisoformat(values[name]) for values in (before, after))
            yield f"{words} {wording.day(old_day)} → {wording.day(new_day)}"
    yield from (words for name, words in (("tolerance", "tolerance"), ("milestones", "milestones")) if name in after)
    if "baseline" in after:
        yield "the baseline taken anew"


def _said_level(level: tuple[float | None, float | None], version: MetricVersion) -> str:
    return "as before" if level == (None, None) else _level(*level, version)


def _proposal(one: Proposal, version: MetricVersion, zone: str) -> Event:
    said = f"Proposed: {proposing.said(one, version.unit, version.aggregation)}."
    answer = "not answered yet"
    if one.answered_at is not None:
        when = wording.day(today(zone, one.answered_at))
        answer = f"{one.state} by {_who(one.answered_by)} on {when}"
        answer += f": {one.answer}" if one.answer else ""
    return Event(one.made_at, today(zone, one.made_at), said, _who(one.made_by), one.reason, answer)


def _exemption(one: Exemption, zone: str, day: date) -> Event:
    asked = f"{wording.day(one.from_day)} to {wording.day(one.asked_until or one.until_day)}"
    said = f"Exemption asked for, {asked}: {one.said_reason}."
    state = one.state_on(day)
    parts = []
    if one.approved_at is not None:
        until = f" until {wording.day(one.until_day)}" if one.asked_until else ""
        parts.append(f"approved by {_who(one.approved_by)} on {wording.day(today(zone, one.approved_at))}{until}")
    if one.declined_at is not None:
        parts.append(f"declined by {_who(one.declined_by)} on {wording.day(today(zone, one.declined_at))}")
    answer = wording.listed(parts) + (f": {one.answer}" if one.answer and parts else "")
    if one.revoked_at is not None:
        answer = "; ".join(filter(None, [answer, f"{state} by {_who(one.revoked_by)} on "
                                                 f"{wording.day(today(zone, one.revoked_at))}"]))  # fmt: skip
    elif state in ("waiting", "in force", "to come", "ended"):
        answer = "; ".join(filter(None, [answer, "not answered yet" if state == "waiting" else state]))
    return Event(one.asked_at, today(zone, one.asked_at), said, _who(one.asked_by), one.text, answer)


def _dispute(one: Dispute, zone: str) -> Event:
    item = f" ({one.item})" if one.item else ""
    answer = "not answered yet"
    if one.answered_at is not None:
        answer = f"{_who(one.answered_by)}: {one.get_answer_display()}. {one.answer_text}".strip()
    return Event(one.opened_at, today(zone, one.opened_at), f"“This number is wrong”{item}.", _who(one.opened_by),
                 one.text, answer)  # fmt: skip


def _who(person: User | None) -> str:
    return FROM_A_FILE if person is None else str(person)
