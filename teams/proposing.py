"""Counter-proposals: a lead proposes another target or due day for a goal, an owner accepts or declines with words."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program import wording
from program.models import Program

from .models import Goal, Proposal
from .renegotiating import agree, asked_anew, locked, may_change, newest_terms
from .typed import Unfit


def propose(
    goal: Goal, *, target: float | None, due: date | None, reason: str, by: User, now: datetime
) -> Proposal:  # fmt: skip
    """Propose other terms for a goal; one proposal at a time is open. Raises Unfit with what was expected."""
    with transaction.atomic():
        goal = locked(goal)
        may_change(goal, goal.program)
        if Proposal.objects.waiting().filter(goal=goal).exists():
            raise Unfit("A proposal for this goal waits for its answer already: withdraw it first.")
        held = newest_terms(goal)
        day = today(goal.team.time_zone, now)
        asked_anew(held, day, target=target, due=due, version=held.metric_version)
        made = Proposal.objects.create(goal=goal, target=target, due=due, reason=reason, made_by=by, made_at=now)
        record("proposal", str(goal), at=now, actor=by, via="page", reason=reason, before=_terms(held.target, held.due),
               after=_terms(target, due))  # fmt: skip
    return made


def open_proposals(programs: QuerySet[Program]) -> list[Proposal]:
    """What waits for the answer of these programs' owners, oldest first. One query."""
    live = Goal.objects.on_scorecards().filter(program__in=programs)
    rows = Proposal.objects.waiting().filter(goal__in=live).order_by("made_at", "pk")
    return list(rows.select_related("made_by", "goal__team", "goal__metric", "goal__program"))


def withdraw(made: Proposal, *, by: User, now: datetime) -> None:
    """Take a proposal back before it is answered. Raises Unfit when it was."""
    with transaction.atomic():
        _close(made, Proposal.State.WITHDRAWN, by=by, text="", now=now)


def decline(made: Proposal, *, text: str, by: User, now: datetime) -> None:
    """Say no, with words. Raises Unfit when it is not open any more."""
    with transaction.atomic():
        _close(made, Proposal.State.DECLINED, by=by, text=text, now=now)


def accept(made: Proposal, *, text: str, by: User, now: datetime) -> None:
    """Say yes: the team gets the terms it proposed from today on. Raises Unfit when they cannot be had any more."""
    with transaction.atomic():
        _close(made, Proposal.State.ACCEPTED, by=by, text=text, now=now)
        agree(made.goal, target=made.target, due=made.due, by=by, reason=made.reason, now=now,
              chosen=f"as {made.made_by or 'its lead'} proposed")  # fmt: skip


def _close(made: Proposal, state: Proposal.State, *, by: User, text: str, now: datetime) -> None:
    changed = Proposal.objects.waiting().filter(pk=made.pk)
    if not changed.update(state=state, answer=text, answered_by=by, answered_at=now):
        raise Unfit("This proposal is not open any more: somebody answered it or took it back.")
    after = {"state": str(state)} | _terms(made.target, made.due)
    record("proposal", str(made.goal), at=now, actor=by, via="page", reason=text, before={"state": "open"}, after=after)


def _terms(target: float | None, due: date | None) -> dict[str, object]:
    found: dict[str, object] = {} if target is None else {"target": target}
    return found if due is None else found | {"due": due.isoformat()}


def said(made: Proposal, unit: str, aggregation: str) -> str:
    """What is proposed, in words: "85 % by 31 Mar 2027", "31 Mar 2027 as the due day", "85 % as the target"."""
    if made.target is None:
        return f"{wording.day(made.due)} as the due day"
    target = wording.value(made.target, unit, aggregation)
    return f"{target} by {wording.day(made.due)}" if made.due else f"{target} as the target"
