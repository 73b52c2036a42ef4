"""One goal as a mail tells it: the kept facts with their numbers in words, the next items, and how to fix them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings

from accounts.models import User
from program import wording
from program.models import Playbook, Program
from program.rules.status import SHORT

from . import policy

CRUMBS_TOLD = 5
STEPS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Crumb:
    """An item to fix next."""

    item: str
    short: str
    size: str
    """its contribution in words; empty where it has none"""
    closes: float | None
    closes_words: str
    trend: str
    link: str
    check: str
    by: str = ""
    """who is on it; "you" for the reader"""
    by_since: date | None = None

    @property
    def bar(self) -> int:
        """Width of its bar in percent."""
        return max(2, round(100 * (self.closes or 0)))


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since the last message about the goal."""

    when: str
    measured: bool = True
    """whether anything was measured since"""
    ruler_changed: bool = False
    change: str = ""
    better: bool = False
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AnswerTold:
    """What was answered about the goal before; its day has come, or no measurement shows it."""

    by: str
    own: bool
    kind: str
    until: date | None
    text: str
    day: date | None


@dataclass(frozen=True, slots=True)
class HowTo:
    """The playbook, as far as there is one."""

    steps: list[str]
    example: str
    check: str
    expert: User | None
    hours: str = ""
    """when the expert can be asked"""
    takes: str = ""
    """what one item usually takes"""
    whole: str = ""
    """where all of it stands, if not all steps are told here"""

    @property
    def ask(self) -> str:
        """Name and address of the expert, or the address alone, and the office hours."""
        if self.expert is None:
            return ""
        who = f"{self.expert.name} <{self.expert.email}>" if self.expert.name else self.expert.email
        return f"{who}, {self.hours}" if self.hours else who


@dataclass(frozen=True, slots=True)
class Story:
    """What a mail says of one goal. Numbers are words already; sentences are the templates' business."""

    tone: str
    """overdue, slipped, still, at risk, behind, or a notice's kind"""
    status: str
    shape: str
    team: str
    team_key: str
    metric: str
    program: Program
    because: Mapping[str, Any]
    scorecard: str
    value: str
    expected: str
    target: str
    gap: str
    as_of: date | None
    start: date | None
    due: date | None
    forecast: date | None
    crumbs: list[Crumb]
    more: int
    closing: int
    """how many items it takes to close the gap; 0 where the trail does not close it"""
    since: Since | None
    how: HowTo
    goals: int
    short: int
    severity: float
    why: str = ""
    """why a new goal is the team's, as its line says it"""
    asked_of: str = ""
    chosen: str = ""
    exempt_until: date | None = None
    """the last day on which it rests, of a goal whose exemption ends"""
    exempt_why: str = ""
    page: str = ""
    """the goal's own page"""
    hears: str = ""
    """who hears next, on `hears_on`; without a day: after a third message in a row"""
    hears_on: date | None = None
    heard: str = ""
    """which leader heard of it, on `heard_on`"""
    heard_on: date | None = None
    brief_from: date | None = None
    """from then on the sponsor's brief asks for it, for the review on `brief_review`"""
    brief_review: date | None = None
    off_for: str = ""
    """of what a leader hears: how long it is off its path, and who was told how often"""
    lead: str = ""
    times: int = 0
    took: str = ""
    """an item that the receiver took on `took_on`, and how much is to do there"""
    took_on: date | None = None
    took_size: str = ""
    answered: AnswerTold | None = None
    answer: str = ""
    """the page on which its receiver answers; empty where nothing is asked"""
    answers: Sequence[tuple[str, str]] = ()
    """the same, opened on each choice: what it is called in the mail, and its address"""
    see: int = 0
    """number of an earlier goal in the mail with the same playbook; 0: it is told here"""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """the kept facts themselves, for who reads by machine"""

    @property
    def counts_again(self) -> date | None:
        """The day from which on a goal that rests is judged as ever."""
        return self.exempt_until + timedelta(days=1) if self.exempt_until else None


def tell(facts: Mapping[str, Any], program: Program, playbook: Playbook | None, today: date, tone: str = "") -> Story:
    """The story of a goal from its kept facts. `tone` is given for notices; nudges find their own."""
    unit, aggregation = facts["unit"], facts["aggregation"]
    trail = facts.get("trail") or []
    length = facts.get("trail_length", 0)
    value, expected = wording.apart(facts.get("value"), facts.get("expected"), unit, aggregation)
    if facts.get("status") == "overdue":
        value, target = wording.apart(facts.get("value"), facts.get("target"), unit, aggregation)
    else:
        target = wording.value(facts.get("target"), unit, aggregation)
    crumbs = [_crumb(crumb, facts, playbook) for crumb in trail[:CRUMBS_TOLD]]
    closes_it = bool(trail) and length <= len(trail) and (trail[-1]["closes"] or 0) >= 1
    status = facts.get("status") or "no data"
    return Story(
        tone=tone or _tone(facts),
        status=status,
        shape=wording.status_shape(status),
        team=facts["team_name"],
        team_key=facts["team"],
        metric=facts["metric_name"],
        program=program,
        because=facts["because"],
        scorecard=scorecard(facts["team"]),
        value=value,
        expected=expected,
        target=target,
        gap=wording.gap(facts.get("gap"), unit, aggregation),
        as_of=day_of(facts.get("as_of")),
        start=day_of(facts.get("start")),
        due=day_of(facts.get("due")),
        forecast=day_of(facts.get("forecast")),
        crumbs=crumbs,
        more=max(0, length - len(crumbs)),
        closing=length if closes_it else 0,
        since=_since(facts, today),
        how=_how(playbook, crumbs, facts.get("metric", "")),
        goals=facts.get("goals", 1),
        short=facts.get("short", 1),
        why=facts.get("why", ""),
        asked_of=facts.get("asked_of", ""),
        chosen=facts.get("chosen", ""),
        exempt_until=day_of(facts.get("exempt_until")),
        exempt_why=facts.get("exempt_why", ""),
        page=goal_page(facts["team"], program.key, facts["metric"]),
        **_hears(facts),
        **_took(facts),
        answered=_answered(facts.get("answered")),
        severity=policy.severity(facts.get("gap"), facts.get("target"), facts.get("baseline")),
        facts=facts,
    )


def _hears(facts: Mapping[str, Any]) -> dict[str, Any]:
    hears, heard = facts.get("hears"), facts.get("heard")
    brief = facts.get("brief") or {}
    asked = {"brief_from": day_of(brief.get("on")), "brief_review": day_of(brief.get("review"))}
    if heard:
        return {"heard": heard["name"], "heard_on": day_of(heard["day"])} | asked
    if hears:
        return {"hears": hears["name"], "hears_on": day_of(hears["day"])}
    if "off_days" not in facts:
        return {"hears": facts.get("hears_after", "")}
    weeks, lead = facts["off_days"] // 7, facts["lead"]
    return {
        "off_for": wording.count(weeks, "week") if weeks else wording.count(facts["off_days"], "day"),
        "lead": f"its lead, {lead}," if facts["lead_own"] else lead,
        "times": facts["times"],
    } | asked


def _took(facts: Mapping[str, Any]) -> dict[str, Any]:
    took = facts.get("took")
    if not took:
        return {}
    size = "" if took["size"] is None else wording.value(took["size"], _item_unit(facts))
    return {"took": wording.item(took["item"]), "took_on": day_of(took["since"]), "took_size": size}


def _item_unit(facts: Mapping[str, Any]) -> str:
    """A ratio's item is short by a count of things; every other metric's by an amount in its unit."""
    return "to do" if facts["aggregation"] == "ratio" else str(facts["unit"])


def _answered(facts: Mapping[str, Any] | None) -> AnswerTold | None:
    if not facts:
        return None
    return AnswerTold(**{**facts, "until": day_of(facts["until"]), "day": day_of(facts["day"])})


def scorecard(team_key: str) -> str:
    """The address of a team's scorecard."""
    return f"{settings.SITE_URL}/teams/{quote(team_key)}/"


def goal_page(team_key: str, program_key: str, metric_key: str) -> str:
    """The address of a goal's own page: why it is the team's, and what may be said to it."""
    return f"{scorecard(team_key)}goals/{quote(program_key)}/{quote(metric_key)}/"


def _tone(facts: Mapping[str, Any]) -> str:
    since = facts.get("since")
    told = since is not None and since.get("status") in SHORT
    return policy.tone(facts["status"], bool(facts.get("slipped")), told=told)


def _crumb(crumb: Mapping[str, Any], facts: Mapping[str, Any], playbook: Playbook | None) -> Crumb:
    name, size = crumb["item"], crumb["contribution"]
    return Crumb(
        item=wording.item(name),
        short=wording.short_item(name),
        size="" if size is None else wording.value(size, _item_unit(facts)),
        closes=crumb["closes"],
        closes_words="" if crumb["closes"] is None else wording.share(crumb["closes"]),
        trend=crumb["trend"] or "",
        link=_link(playbook.item_link, name) if playbook and name else "",
        check=playbook.verify_for(name) if playbook and name else "",
        by=crumb.get("by", ""),
        by_since=day_of(crumb.get("by_since")),
    )


def _how(playbook: Playbook | None, crumbs: list[Crumb], metric: str) -> HowTo:
    if playbook is None:
        return HowTo([], "", "", None)
    check = next((crumb.check for crumb in crumbs if crumb.check), "")
    if not check and "{item}" not in playbook.verify:
        check = playbook.verify
    example = playbook.example if _is_web(playbook.example) else ""
    steps = [str(step) for step in playbook.steps]
    return HowTo(
        steps=steps[:STEPS_TOLD],
        example=example,
        check=check,
        expert=playbook.expert,
        hours=playbook.office_hours,
        takes=f"about {wording.hours(playbook.effort_hours)} an item" if playbook.effort_hours else "",
        whole=f"{settings.SITE_URL}/metrics/{quote(metric)}/#playbook" if len(steps) > STEPS_TOLD else "",
    )


def _since(facts: Mapping[str, Any], today: date) -> Since | None:
    since = facts.get("since")
    if not since:
        return None
    then = day_of(since["day"])
    when = wording.near_day(then, today)
    if since.get("ruler_changed"):
        return Since(when, ruler_changed=True)
    change = since.get("change")
    better = bool(change) and (change > 0) == (facts["direction"] == "up")
    words = "" if change is None else wording.change(change, facts["unit"], facts["aggregation"])
    names = {"new": since.get("new_items", []), "gone": since.get("gone_items", [])}
    measured = since.get("as_of") != facts.get("as_of")
    items = {kind: [wording.item(name) for name in found] for kind, found in names.items()}
    return Since(when, measured, change=words, better=better, new=items["new"], gone=items["gone"])


def _link(pattern: str, item: str) -> str:
    address = pattern.replace("{item}", quote(item, safe="/"))
    return address if _is_web(address) else ""


def _is_web(address: str) -> bool:
    return address.startswith(("https://", "http://"))


def day_of(iso: str | None) -> date | None:
    """A day from its kept text."""
    return date.fromisoformat(iso) if iso else None
