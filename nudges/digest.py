"""The digest, a person's one mail of the day: checked again before it goes, and told from the facts that were kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Q

from accounts.models import User
from program.models import Playbook, Program, ProgramOwner
from program.rules.status import SHORT, Status
from teams import answering, taking
from teams.answering import Said
from teams.models import Answer, Membership, Standing

from . import answer_links, answered, cards, handovers, hours, links, notices, policy, routes, stories, visits, words
from .kinds import Kind, Later, Words
from .models import Delivery, Digest, Mute, Notice, Nudge
from .outbox import sender_domain

NAME = "digest"
TOO_OLD = timedelta(days=7)
TOLD_IN_FULL = 5
ANSWERS = {
    "on-it": "on it", "blocked": "blocked", "done": "done", "not-mine": "not mine", "wrong": "wrong number",
    "mute": "mute",
}  # fmt: skip
"""What the page of choices may be opened on, as a mail calls it."""


@dataclass
class Loaded:
    """A digest with everything its checks and its words need."""

    digest: Digest
    person: User
    zone: str
    nudges: list[Nudge]
    notices: list[Notice]
    playbooks: dict[int, Playbook] = field(default_factory=dict)
    owners: dict[int, User] = field(default_factory=dict)
    """by program: whom to ask, the technical owner first"""
    newest: dict[int, Standing] = field(default_factory=dict)
    mutes: set[int | None] = field(default_factory=set)
    muted_goals: set[int] = field(default_factory=set)
    answers: Mapping[int, Sequence[Said]] = field(default_factory=dict)
    """by goal: what was answered and stands"""
    leads: set[str] = field(default_factory=set)
    """keys of the teams that the person leads"""
    open_items: set[str] = field(default_factory=set)
    """keys of the items that people are asked about and are still on"""
    other_days: list[date] = field(default_factory=list)
    """local days on which other digests went out to the person, of late"""
    dropped: list[tuple[Nudge, str]] = field(default_factory=list)


def prefetch(rows: Sequence[Delivery], now: datetime) -> None:
    """Load the digests of these deliveries onto them, in eleven queries."""
    mine = Digest.objects.filter(delivery__in=rows).select_related("person__route")
    digests = {d.delivery_id: d for d in mine}
    people = {d.person_id for d in digests.values()}
    nudges: dict[int, list[Nudge]] = defaultdict(list)
    with_goal = ("goal__program__sponsor", "goal__metric", "goal__team")
    for nudge in Nudge.objects.said().filter(digest__in=digests.values()).select_related(*with_goal):
        nudges[nudge.digest_id or 0].append(nudge)
    told: dict[int, list[Notice]] = defaultdict(list)
    for notice in Notice.objects.filter(digest__in=digests.values()).select_related(*with_goal):
        told[notice.digest_id].append(notice)
    spoken = [nudge.goal for of_one in nudges.values() for nudge in of_one]
    spoken += [notice.goal for of_one in told.values() for notice in of_one if notice.goal]
    playbooks = {
        p.metric_id: p
        for p in Playbook.objects.filter(metric__in={goal.metric_id for goal in spoken}).select_related("expert")
    }
    newest = _newest_standings({goal.pk for goal in spoken})
    mutes: dict[int, set[int | None]] = defaultdict(set)
    muted_goals: dict[int, set[int]] = defaultdict(set)
    for person, program, goal in Mute.objects.filter(person__in=people).values_list("person", "program", "goal"):
        if goal is None:
            mutes[person].add(program)
        else:
            muted_goals[person].add(goal)
    answers = answering.standing(Answer.objects.filter(goal__in={goal.pk for goal in spoken}))
    leads: dict[int, set[str]] = defaultdict(set)
    led = Membership.objects.filter(user__in=people, role=Membership.Role.LEAD)
    for person, team in led.order_by().values_list("user_id", "team__key"):
        leads[person].add(team)
    owners: dict[int, User] = {}
    for owner in ProgramOwner.objects.filter(program__in={g.program_id for g in spoken}).select_related("user"):
        owners.setdefault(owner.program_id, owner.user)
    taken = [n.key for of_one in told.values() for n in of_one if n.kind == notices.TAKEN]
    others = _other_days(people, digests.values(), now)
    for row in rows:
        digest = digests.get(row.pk)
        if digest is None:
            row.loaded = None  # type: ignore[attr-defined]
            continue
        row.loaded = Loaded(  # type: ignore[attr-defined]
            digest=digest,
            person=digest.person,
            zone=digest.time_zone,
            nudges=nudges[digest.pk],
            notices=told[digest.pk],
            playbooks=playbooks,
            owners=owners,
            newest=newest,
            mutes=mutes[digest.person_id],
            muted_goals=muted_goals[digest.person_id],
            answers=answers,
            leads=leads[digest.person_id],
            open_items=taking.still_open(taken),
            other_days=others[digest.person_id],
        )


def still_wanted(row: Delivery, now: datetime) -> str | Later | None:
    """Ask everything again: the person, the hour, the day's one mail, and whether anything is left to say."""
    loaded: Loaded | None = row.loaded  # type: ignore[attr-defined]
    if loaded is None:
        return "its digest is gone"
    local, country = now.astimezone(hours.zone(loaded.zone)).date(), loaded.person.country
    if loaded.person.is_away(local):
        return policy.name_of(policy.away)
    if None in loaded.mutes:
        return policy.name_of(policy.muted)
    if local - loaded.digest.day >= TOO_OLD:
        return "a newer week has begun"
    if local in loaded.other_days:
        return Later(hours.next_working(now, loaded.zone, country, not_today=True), "another digest went out today")
    if not hours.is_working(now.astimezone(hours.zone(loaded.zone)), country):
        return Later(hours.next_working(now, loaded.zone, country), "outside working hours")
    loaded.dropped = [(nudge, why) for nudge in loaded.nudges if (why := _dropped(nudge, loaded, local))]
    gone = {nudge.pk for nudge, _why in loaded.dropped}
    loaded.nudges = [nudge for nudge in loaded.nudges if nudge.pk not in gone]
    loaded.notices = [n for n in loaded.notices if _is_news(n, loaded, local)]
    return None if loaded.nudges or loaded.notices else "nothing is left to say"


def _dropped(nudge: Nudge, loaded: Loaded, day: date) -> str:
    """Why a planned nudge is not said after all; empty if it is."""
    standing = loaded.newest.get(nudge.goal_id)
    if why := _not_allowed(nudge.goal.program, loaded):
        return why
    if nudge.goal.ended_on is not None:
        return "goal ended"
    if standing is not None and standing.held:
        return policy.name_of(policy.held)
    if standing is not None and not policy.worth_saying(standing.status, standing.slipped):
        return "not short any more"
    return _silenced(nudge.goal_id, loaded, day)


def _silenced(goal: int, loaded: Loaded, day: date) -> str:
    """The rule by which an answer that came since the planning silences a goal; empty if none does."""
    standing = loaded.newest.get(goal)
    said = answered.silences(
        loaded.answers.get(goal, ()), loaded.person.pk, day, standing.as_of if standing else None,
        muted=goal in loaded.muted_goals,
    )  # fmt: skip
    return policy.withheld_by(policy.Case(None, day, answered=said), policy.OF_ANSWERS)


def _is_news(notice: Notice, loaded: Loaded, day: date) -> bool:
    """Whether a planned notice is still true."""
    if notice.kind == notices.HANDOVER:
        return notice.facts["team"] in loaded.leads
    if notice.goal is None or _not_allowed(notice.goal.program, loaded):
        return False
    silenced = _silenced(notice.goal.pk, loaded, day)
    if silenced in (policy.name_of(policy.goal_muted), policy.name_of(policy.not_mine)):
        return False
    standing = loaded.newest.get(notice.goal.pk)
    if notice.kind == notices.TAKEN and notice.key not in loaded.open_items:
        return False
    if notice.kind in (notices.ESCALATED, notices.TAKEN):
        return not silenced and (standing is None or (not standing.held and standing.status in SHORT))
    if notice.kind == notices.ANSWER_DUE:
        stands = notice.key in {str(one.pk) for one in loaded.answers.get(notice.goal.pk, ())}
        short = standing is None or policy.worth_saying(standing.status, standing.slipped)
        return stands and short and not silenced
    return notice.kind != notices.EXEMPTION_ENDING or standing is None or standing.status == Status.EXEMPT


def _not_allowed(program: Program, loaded: Loaded) -> str:
    if program.state != Program.State.ACTIVE:
        return "program not active"
    return policy.name_of(policy.program_muted) if program.pk in loaded.mutes else ""


def render(row: Delivery, now: datetime) -> Words:
    """The digest's words; nudges that were dropped since the planning are put on record as withheld."""
    loaded: Loaded = row.loaded  # type: ignore[attr-defined]
    for nudge, why in loaded.dropped:
        Nudge.objects.filter(pk=nudge.pk).update(state=Nudge.State.WITHHELD, reason=why, streak=0)
    return compose(loaded, now, laid_out=row.channel not in routes.AS_MAIL)


def preview(row: Delivery, now: datetime) -> Words | None:
    """How a digest that has not gone out yet would read now; changes nothing."""
    prefetch([row], now)
    loaded: Loaded | None = row.loaded  # type: ignore[attr-defined]
    return compose(loaded, now) if loaded is not None and (loaded.nudges or loaded.notices) else None


def compose(loaded: Loaded, now: datetime, *, laid_out: bool = False) -> Words:
    """Fill the templates from what was loaded; `laid_out`: also as a card, for places that are no mailbox."""
    today = now.astimezone(hours.zone(loaded.zone)).date()
    told = [_story(nudge, loaded, today) for nudge in loaded.nudges]
    told.sort(key=_worst_first)
    told = _without_repeats(told)
    news = {
        kind: [_story(n, loaded, today, kind) for n in loaded.notices if n.kind == kind] for kind in notices.OF_A_GOAL
    }
    # Of a goal that is told anyway, its line says what was answered.
    told_goals = {nudge.goal_id for nudge in loaded.nudges}
    due = [n for n in loaded.notices if n.kind == notices.ANSWER_DUE and n.goal_id not in told_goals]
    news[notices.ANSWER_DUE] = [_story(n, loaded, today, n.kind) for n in due]
    handed = [handovers.tell(n.facts) for n in loaded.notices if n.kind == notices.HANDOVER]
    every = [*told, *(story for stories_ in news.values() for story in stories_)]
    spoken: list[stories.Story | handovers.HandoverStory] = [*handed, *every]
    programs = list({story.program.pk: story.program for story in every}.values())
    context: dict[str, Any] = {
        "today": today,
        "person": loaded.person,
        "told": told[:TOLD_IN_FULL],
        "told_briefly": told[TOLD_IN_FULL:],
        "asked_again": news[notices.ANSWER_DUE],
        "taken": sorted(news[notices.TAKEN], key=lambda s: (s.took_on or today, s.team, s.took)),
        "new_goals": news[notices.NEW_GOAL],
        "new_by_metric": _by_metric(news[notices.NEW_GOAL]),
        "ending": news[notices.EXEMPTION_ENDING],
        "heard": sorted(news[notices.ESCALATED], key=_worst_first),
        "thanks": news[notices.BACK_ON_THE_PATH],
        "handed": handed,
        "teams": sorted({story.team for story in spoken}),
        "because": _once(story.because for story in spoken),
        "scorecards": dict(sorted((story.team, story.scorecard) for story in spoken)),
        "next_day": loaded.digest.next_day,
        "sponsors": [p for p in programs if p.sponsor is not None and p.review_every],
        "notes": [p for p in programs if p.nudge_note],
        "stop_program": [(p, links.address(links.Intent(loaded.person, p))) for p in programs],
        "stop_all": links.address(links.Intent(loaded.person)),
        "useful": _useful(loaded),
        "instead": routes.refused(loaded.person),
        "goals": sum({s.team_key: s.goals for s in every}.values()),
        "short": sum({s.team_key: s.short for s in every}.values()),
    }
    subject, text, html = words.fill(NAME, context)
    card = cards.of_digest(subject, context).kept() if laid_out else {}
    return Words(subject, text, html, headers=_headers(context["stop_all"], told or every, loaded), card=card)


def _worst_first(story: stories.Story) -> tuple[Any, ...]:
    return policy.worst_first(story.status, story.severity, story.program.key, story.metric, story.team)


def _by_metric(new: Iterable[stories.Story]) -> list[list[stories.Story]]:
    """New goals on one metric of one program are one piece of news, with a line for each team."""
    found: dict[tuple[str, str], list[stories.Story]] = defaultdict(list)
    for story in sorted(new, key=lambda s: (s.program.key, s.metric, s.team)):
        found[story.program.key, story.metric].append(story)
    return list(found.values())


def _once(reasons: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    once = {tuple(sorted(reason.items())): reason for reason in reasons}.values()
    return [
        {**reason, "away_until": stories.day_of(reason["away_until"])} if "away_until" in reason else reason
        for reason in once
    ]


def _without_repeats(told: Sequence[stories.Story]) -> list[stories.Story]:
    """A playbook is told once: another goal on the same metric says where."""
    first: dict[str, int] = {}
    return [
        replace(story, see=0 if (seen := first.setdefault(story.metric, n)) == n else seen)
        for n, story in enumerate(told, start=1)
    ]


def _headers(stop_all: str, told: Sequence[stories.Story], loaded: Loaded) -> dict[str, str]:
    headers = {
        "List-Id": f"Nudges <nudges.{sender_domain()}>",
        "List-Unsubscribe": f"<{stop_all}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    # An answer goes to a person: the one who runs the program of what comes first.
    owner = loaded.owners.get(told[0].program.pk) if told else None
    if owner is not None and owner.is_active:
        headers["Reply-To"] = owner.email
    return headers


def _story(row: Nudge | Notice, loaded: Loaded, today: date, tone: str = "") -> stories.Story:
    goal = row.goal
    assert goal is not None
    story = stories.tell(row.facts, goal.program, loaded.playbooks.get(goal.metric_id), today, tone)
    story = _followed(story, visits.write(loaded.digest.pk, goal.pk)) if loaded.digest.pk else story
    if isinstance(row, Notice) and row.kind != notices.ANSWER_DUE:
        return story
    token = answer_links.write(goal.pk, loaded.person.pk, loaded.digest.day)
    answers = [(words, answer_links.address(token, choice)) for choice, words in ANSWERS.items()]
    return replace(story, answer=answer_links.address(token), answers=answers)


def _followed(story: stories.Story, word: str) -> stories.Story:
    """The story with links into the product that say from which digest they are followed; those out of it stay."""
    how = replace(story.how, whole=visits.via(story.how.whole, word))
    page, scorecard = visits.via(story.page, word), visits.via(story.scorecard, word)
    return replace(story, page=page, scorecard=scorecard, how=how)


def _useful(loaded: Loaded) -> dict[str, str]:
    token = answer_links.write_vote(loaded.digest.pk or 0, loaded.person.pk)
    return {choice: answer_links.vote_address(token, choice) for choice in ("yes", "no")}


def never_arrived(rows: Sequence[Delivery], _now: datetime) -> None:
    """Nothing in a mail that nobody got was said: its nudges are withheld, its notices told another time."""
    for row in rows:
        reason = row.reason[:60] if row.state == Delivery.State.SUPPRESSED else str(row.state)
        said = Nudge.objects.said().filter(digest__delivery=row)
        said.update(state=Nudge.State.WITHHELD, reason=reason or str(row.state), streak=0)
        Notice.objects.filter(digest__delivery=row).delete()


def _newest_standings(goals: Iterable[int]) -> dict[int, Standing]:
    days = Standing.objects.filter(goal__in=goals).order_by().values("goal").annotate(newest=Max("day"))
    wanted = Q(pk__in=[])
    by_day: dict[date, list[int]] = defaultdict(list)
    for goal, day in days.values_list("goal", "newest"):
        by_day[day].append(goal)
    for day, of_day in by_day.items():
        wanted |= Q(day=day, goal__in=of_day)
    return {standing.goal_id: standing for standing in Standing.objects.filter(wanted).defer("trail")}


def _other_days(people: Iterable[int], digests: Iterable[Digest], now: datetime) -> dict[int, list[date]]:
    """The local days on which other digests left for these people since yesterday."""
    found: dict[int, list[date]] = defaultdict(list)
    recent = Delivery.objects.filter(kind=NAME, person__in=people, handed_at__gt=now - timedelta(days=2)).exclude(
        digest__in=[d.pk for d in digests]
    )
    for person, handed_at, zone in recent.reached().values_list("person", "handed_at", "digest__time_zone"):
        if handed_at is not None:
            found[person].append(handed_at.astimezone(hours.zone(zone or "UTC")).date())
    return found


KIND = Kind(
    NAME, still_wanted=still_wanted, render=render, prefetch=prefetch, never_arrived=never_arrived, follows_route=True
)
