"""A charter, part by part: what each part of the owner's desk holds, reads from a form, and keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from django.db import transaction

from accounts.models import User
from program import wording
from program.models import Metric, Program, ProgramOwner
from program.rules.recurrence import LONGEST, UNITS, NoRecurrence, every_of, recurrence_of, tidy
from program.typed_in import TypedIn

from .apply.changes import Changes
from .apply.charter import LONGEST_NOTE
from .models import Team

LADDER = (
    ("hot spots", "the few items that hold most of the problem were fixed"),
    ("one best practice", "one practice was taught and agreed on"),
    ("a leverage point", "an interface, a state or a data model was mended that much rests on"),
    ("technical vectors", "teams were pointed the same way, by a strategy or a paved road"),
    ("measuring technical quality", "the number was shown to everyone, and nothing else"),
    ("a quality team", "a few people worked on tools for all teams"),
)
"""The lighter remedies, lightest first; each with what it means."""
MOST_STEPS, MOST_GUARDRAILS = 30, 100
ROLES = {"technical": ProgramOwner.Role.TECHNICAL, "manager": ProgramOwner.Role.MANAGER}
Values = dict[str, Any]


def shown(program: Program, part: str) -> dict[str, str]:
    """A part's fields as its form shows them."""
    return _SHOW[part](program)


def read(program: Program, part: str, typed: TypedIn) -> Values:
    """A part's fields as they were typed; not to be kept where `typed` has faults."""
    return _READ[part](program, typed)


def keep(program: Program, part: str, typed: TypedIn, changes: Changes) -> bool:
    """Keep what was typed into a part. Returns whether anything changed; nothing is kept where there are faults."""
    values = read(program, part, typed)
    if typed.faults:
        return False
    with transaction.atomic():
        held = Program.objects.select_for_update(of=("self",)).get(pk=program.pk)
        owners = {role: values.pop(role) for role in ROLES if role in values}
        if "sponsor" in values:
            values["sponsor"] = User.objects.named(values["sponsor"]) if values["sponsor"] else None
        changed = changes.put("program", held.key, held, values)
        for role, emails in owners.items():
            changed |= _put_owners(held, role, emails, changes)
    program.refresh_from_db()
    return changed


def _put_owners(program: Program, role: str, emails: list[str], changes: Changes) -> bool:
    held = {owner.user.email: owner for owner in program.owners.filter(role=ROLES[role]).select_related("user")}
    for email in sorted(held.keys() - set(emails)):
        changes.note("owner", f"{program.key}/{email}", {"role": role}, None)
        held[email].delete()
    for email in sorted(set(emails) - held.keys()):
        ProgramOwner.objects.create(program=program, user=User.objects.named(email), role=ROLES[role])
        changes.note("owner", f"{program.key}/{email}", None, {"role": role})
    return held.keys() != set(emails)


def _is_live(program: Program) -> bool:
    return program.state in Program.ON_SCORECARDS


def _show_why(program: Program) -> dict[str, str]:
    return {"name": program.name, "purpose": program.purpose, "why_now": program.why_now}


def _read_why(_program: Program, typed: TypedIn) -> Values:
    return {
        "name": typed.text("name", "a name", most=200, required=True),
        "purpose": typed.text("purpose", "what gets better for whom", required=True),
        "why_now": typed.text("why_now"),
    }


def _show_steps(program: Program) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = list(program.lighter_steps_tried)
    for number, (name, _) in enumerate(LADDER):
        step = next((step for step in rest if step == name or step.startswith(f"{name}: ")), None)
        if step is not None:
            rest.remove(step)
            found |= {f"tried-{number}": "on", f"came-{number}": step[len(name) + 2 :]}
    return found | {"others": "\n".join(rest)}


def _read_steps(_program: Program, typed: TypedIn) -> Values:
    steps = []
    for number, (name, _) in enumerate(LADDER):
        came = " ".join(typed.text(f"came-{number}", most=300).split())
        if typed[f"tried-{number}"] or came:
            steps.append(f"{name}: {came}" if came else name)
    others = [" ".join(line.split()) for line in typed.text("others").splitlines() if line.strip()]
    if len(others) > MOST_STEPS:
        typed.fault("others", f"at most {MOST_STEPS} lines were expected")
    return {"lighter_steps_tried": steps + others}


def _show_people(program: Program) -> dict[str, str]:
    found = {"sponsor": program.sponsor.email if program.sponsor else "", "mandate": program.mandate}
    owners = list(program.owners.select_related("user"))
    for name, role in ROLES.items():
        found[name] = ", ".join(owner.user.email for owner in owners if owner.role == role)
    return found


def _read_people(program: Program, typed: TypedIn) -> Values:
    sponsors = typed.emails("sponsor", most=1)
    owners = {name: typed.emails(name) for name in ROLES}
    known = {
        user.email: user
        for user in User.objects.filter(email__in=[*sponsors, *owners["technical"], *owners["manager"]])
    }
    for name, emails in (("sponsor", sponsors), *owners.items()):
        for email in emails:
            person = known.get(email)
            if person is not None and not person.is_active:
                typed.fault(name, f"somebody who is here was expected: {person} has left")
            elif person is not None and person.reads_only and name != "sponsor":
                typed.fault(name, f"somebody who may change things was expected: {person} is a viewer")
    if not any(owners.values()):
        typed.fault("technical", "at least one owner was expected: without one nobody could change this program")
    if _is_live(program):
        for name, emails in (("sponsor", sponsors), *owners.items()):
            if not emails:
                typed.fault(name, "an e-mail address was expected: this program is live, and cannot be without one")
    return {"sponsor": sponsors[0] if sponsors else "", "mandate": typed.text("mandate"), **owners}


def _show_bounds(program: Program) -> dict[str, str]:
    return {
        "start": program.start.isoformat(),
        "end": program.end.isoformat(),
        "stop_if": program.stop_if,
        "guardrails": ", ".join(program.guardrails),
        "probation_reviews": str(program.probation_reviews),
        "weekly_hours": f"{program.weekly_hours:g}",
        "audience": program.audience,
    }


def _read_bounds(_program: Program, typed: TypedIn) -> Values:
    start, end = typed.day("start"), typed.day("end")
    if start and end and not start < end:
        typed.fault("end", f"a day after the start ({wording.day(start)}) was expected")
    guardrails = typed.chosen("guardrails")
    known = set(
        Metric.objects.filter(key__in=[key for key in guardrails if "\0" not in key]).values_list("key", flat=True)
    )
    if len(guardrails) > MOST_GUARDRAILS or set(guardrails) - known:
        typed.fault("guardrails", "metrics of the list were expected")
    audience = typed.text("audience", most=100)
    if audience and not Team.objects.filter(key=audience).exists():
        typed.fault("audience", "a group of the list, or everyone, was expected")
    return {
        "start": start,
        "end": end,
        "stop_if": typed.text("stop_if"),
        "guardrails": sorted(known),
        "probation_reviews": typed.whole("probation_reviews", least=0, most=100),
        "weekly_hours": typed.number("weekly_hours", least=0, most=10_000),
        "audience": audience,
    }


def _show_nudges(program: Program) -> dict[str, str]:
    return {
        "weekday": str(program.nudge_weekday),
        "hour": str(program.nudge_hour),
        "every": str(program.nudge_every_weeks),
        "maximum": str(program.nudge_weekly_maximum),
        "holdout": f"{program.holdout * 100:g}",
        "note": program.nudge_note,
    }


def _read_nudges(_program: Program, typed: TypedIn) -> Values:
    return {
        "nudge_weekday": typed.whole("weekday", least=0, most=6),
        "nudge_hour": typed.whole("hour", least=0, most=23),
        "nudge_every_weeks": typed.whole("every", least=1, most=52),
        "nudge_weekly_maximum": typed.whole("maximum", least=1, most=7),
        "holdout": typed.number("holdout", least=0, most=0.9, share=True),
        "nudge_note": typed.text("note", most=LONGEST_NOTE),
    }


def _show_reviews(program: Program) -> dict[str, str]:
    number, unit = every_of(program.review_every) or ("", "weeks")
    first = program.review_first
    return {
        "rule": "" if number else program.review_every,
        "number": str(number),
        "unit": unit,
        "first": f"{first:%Y-%m-%dT%H:%M}" if first else "",
        "minutes": str(program.review_minutes),
        "zone": program.review_zone,
    }


def _read_reviews(_program: Program, typed: TypedIn) -> Values:
    zone = typed.zone("zone")
    every = _every(typed)
    if not every:
        return {"review_every": "", "review_zone": zone}
    first = typed.moment("first")
    return {
        "review_every": every,
        # The wall time in the review zone, kept as if it were UTC (see the model).
        "review_first": first.replace(tzinfo=UTC) if first else None,
        "review_minutes": typed.whole("minutes", least=5, most=480),
        "review_zone": zone,
    }


def _every(typed: TypedIn) -> str:
    """A number of weeks or months, or a rule; empty for neither."""
    rule = tidy(typed.text("rule", most=LONGEST))
    if not rule:
        if not typed["number"].strip():
            return ""
        number, unit = typed.whole("number", least=1, most=99), typed.choice("unit", UNITS)
        return f"{number} {unit if number > 1 else unit[:-1]}"
    if typed["number"].strip():
        typed.fault("rule", "a number of weeks or months was expected, or a rule: empty one of them")
    try:
        recurrence_of(rule)
    except NoRecurrence as fault:
        typed.fault("rule", f"expected was {fault}")
    return rule


_SHOW: Mapping[str, Callable[[Program], dict[str, str]]] = {
    "why": _show_why, "steps": _show_steps, "people": _show_people, "bounds": _show_bounds, "nudges": _show_nudges,
    "reviews": _show_reviews,
}  # fmt: skip
_READ: Mapping[str, Callable[[Program, TypedIn], Values]] = {
    "why": _read_why, "steps": _read_steps, "people": _read_people, "bounds": _read_bounds, "nudges": _read_nudges,
    "reviews": _read_reviews,
}  # fmt: skip
PARTS = tuple(_READ)
