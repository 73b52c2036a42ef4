"""The small world of the permission matrix: who asks, and the concrete things that the addresses name.

Everything that only some may read carries a word of its own (Sketchword, Innerword, …), so that a leak is seen wherever
it happens; matrix.txt says who may ever read which word.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import caches
from django.db import transaction
from django.test import Client

from accounts import share_links
from accounts.models import AccessToken, ShareLink, User
from accounts.secrets import seal
from accounts.tokens import issue
from nudges import answer_links, links, visits, wishes
from nudges.models import Delivery, Digest, Nudge, Restraint
from program.feeds.registry import KINDS
from program.models import Feed, GoalRule, Metric, Program, ProgramOwner, Wave
from reviews import ask_links, calendar_feeds, effects, priorities, pulse, reply_links, room
from reviews.asks import raise_ask
from reviews.brief import compose
from reviews.content import LeaderAsk
from reviews.evidence import collect
from reviews.invites import invite
from reviews.models import Brief, Cost, Pulse, Review
from reviews.schedule import schedule
from teams import answering, exempting, goal_lines, proposing, taking, trust
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest, of_feed
from teams.models import Exemption, Goal, Hold, Membership, Source, Team
from teams.reorganizing import add_pattern
from teams.roles import keep_places
from teams.standings import judge_due
from tests.people import HEADER, NOW, PASSWORD

PEOPLE = {
    "viewer": "vic", "idle": "ida", "outsider": "charlie", "member": "bob", "lead": "alice", "leader": "gina",
    "otherlead": "wanda", "owner": "tess", "otherowner": "olga", "sponsor": "sam", "admin": "root",
}  # fmt: skip
"""Each signed-in subject, and who it is: `idle` is a viewer who leads a team and owns the programs all the same."""

ORG = """
kind: Group
metadata: {name: company}
spec: {children: [engineering, product], profile: {displayName: Company}}
---
kind: Group
metadata: {name: engineering, annotations: {technical-quality/lead: gina}}
spec: {parent: company, children: [api], profile: {displayName: Engineering}}
---
kind: Group
metadata: {name: product}
spec: {parent: company, children: [web], profile: {displayName: Product}}
---
kind: Group
metadata: {name: api, annotations: {technical-quality/lead: alice}}
spec: {parent: engineering, profile: {displayName: Api}, members: [bob]}
---
kind: Group
metadata: {name: web, annotations: {technical-quality/lead: wanda}}
spec: {parent: product, profile: {displayName: Web}}
""" + "".join(
    f"""---
kind: User
metadata: {{name: {name}}}
spec: {{profile: {{email: {name}@example.com, displayName: {name.title()}}}}}
"""
    for name in ("alice", "bob", "wanda", "gina", "charlie", "vic", "ida", "olga", "root", "hana", "rita")
)

NEWCOMER = "kind: User\nmetadata: {name: nora}\nspec: {profile: {email: nora@example.com}, memberOf: [api]}\n"

PROGRAM = """
program:
  key: {key}
  name: {word} program
  state: {state}
  purpose: {word} purpose
  sponsor: {{email: sam@example.com, mandate: {word} mandate}}
  owners: [{{email: {owner}@example.com, role: technical}}]
  start: 2026-01-01
  end: 2026-12-31
  review: {{every: 6 weeks, first: 2026-01-20T10:00, duration: 30m, timezone: Europe/Riga}}
metrics:
  - key: {key}-share
    name: {word} share
    unit: "%"
    direction: up
    aggregation: ratio
    fresh_for: 45d
    definition: {word} definition
    playbook: {{steps: ["{word} step"], verify: "check {{item}}", expert: {owner}@example.com}}
goals:
  - {{metric: {key}-share, teams: all, start: 2026-01-01, due: 2026-12-31, target: 0.9}}
feeds:
  - {{key: {key}-ci, name: {word} feed, kind: csv, source: acme/{word}, metrics: [{key}-share]}}
"""
PROGRAMS = {
    "typing": ("Openword", "active", "tess"),
    "other": ("Otherword", "active", "olga"),
    "sketch": ("Sketchword", "draft", "tess"),
    "inner": ("Innerword", "active", "tess"),
}
"""By key: its word, its state, its owner. `inner` is shown to the group engineering only."""

MORE = {
    "typing": """scores:
  - {key: quality, name: Quality score, parts: [{metric: typing-share, weight: 1, zero: 0, full: 1}]}
""",
    "inner": """  - {key: inner-second, name: Innerword second, kind: csv, source: acme/second, metrics: [typing-share]}
scores:
  - key: inner-score
    name: Innerword score
    parts: [{metric: inner-share, weight: 1, zero: 0, full: 1}, {metric: typing-share, weight: 1, zero: 0, full: 1}]
""",
}
"""What a program's file says beside: inner feeds a metric of typing too, and a score is made of both."""


@dataclass
class World:
    """Who asks, and what the addresses and forms of matrix.txt name in braces."""

    now: datetime
    people: dict[str, User] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)


@contextmanager
def built() -> Iterator[World]:
    """The world, in a transaction that is rolled back, at a moment that does not pass."""
    with time_machine.travel(NOW, tick=False), transaction.atomic():
        caches["pages"].clear()
        world = World(NOW)
        _programs(world)
        _things(world)
        _tokens(world)
        _links(world)
        _clients(world)
        yield world
        transaction.set_rollback(True)
        caches["pages"].clear()


def _programs(world: World) -> None:
    apply_text(ORG, now=NOW, via="test")
    for key, (word, state, owner) in PROGRAMS.items():
        text = PROGRAM.format(key=key, word=word, state=state, owner=owner) + MORE.get(key, "")
        apply_text(text, now=NOW, via="test")
    Program.objects.filter(key="inner").update(audience="engineering")
    world.people = {subject: User.objects.named(f"{name}@example.com") for subject, name in PEOPLE.items()}
    User.objects.filter(email="root@example.com").update(is_staff=True, is_superuser=True)
    ida = world.people["idle"]
    User.objects.filter(email__in=["ida@example.com", "vic@example.com"]).update(reads_only=True)
    Membership.objects.create(team=Team.objects.get(key="web"), user=ida, role=Membership.Role.LEAD)
    keep_places()
    gone = User.objects.named("gone@example.com")
    world.people["gone"] = gone
    for person in (*world.people.values(), User.objects.named("hana@example.com")):
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    Authenticator.objects.create(user=gone, type=Authenticator.Type.TOTP, data={"secret": seal("a secret")})
    world.names["gone"] = gone.pk
    for person in (ida, gone):
        for key in ("typing", "sketch", "inner"):
            ProgramOwner.objects.create(program=Program.objects.get(key=key), user=person, role="manager")


def _things(world: World) -> None:
    """Observations, runs, disputes, holds, mails, reviews: one of each kind for each program that has any."""
    names, tess = world.names, world.people["owner"]
    for key in PROGRAMS:
        rows = HEADER + "".join(
            f"{key}-share,{team},{PROGRAMS[key][0]}/{team}.py,{day},{number},20\n"
            for team in ("api", "web")
            for day, number in (("2026-01-01", 4), ("2026-03-01", 8))
        )
        feed = Feed.objects.get(key=f"{key}-ci")
        origin = of_feed(feed, KINDS["csv"], came_from=f"{PROGRAMS[key][0]} report", by=tess)
        names[f"{key}.run"] = ingest(rows.encode(), origin, NOW).run.pk
        if key == "inner":
            second = of_feed(Feed.objects.get(key="inner-second"), KINDS["csv"], came_from="Innerword second")
            rows = HEADER + "typing-share,web,Openword/web.py,2026-02-01,5,20\n"
            names["second.run"] = ingest(rows.encode(), second, NOW).run.pk
    unplaced = HEADER + "typing-share,,lost/item.py,2026-03-01,1,2\n"
    ingest(unplaced.encode(), Origin("file", "lost.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    effects.keep_due(NOW)
    for key, (word, _, _) in PROGRAMS.items():
        metric, program = Metric.objects.get(key=f"{key}-share"), Program.objects.get(key=key)
        for team in ("api", "web"):
            names[f"{key}.{team}.goal"] = Goal.objects.get(program=program, team__key=team).pk
        api = Team.objects.get(key="api")
        made = trust.dispute(metric, api, text=f"{word} dispute", by=world.people["owner"], now=NOW)
        names[f"{key}.dispute"] = made.pk
        names[f"{key}.line"] = goal_lines.seen(GoalRule.objects.get(program=program, position=0))
        hold = Hold.objects.create(metric=metric, team=api, why="sudden", reason=f"{word} moved", since=NOW)
        names[f"{key}.hold"] = hold.pk
        source = Source.objects.get(metric_version__metric=metric, team__key="web", name=f"acme/{PROGRAMS[key][0]}")
        names[f"{key}.source"] = source.pk
        names[f"{key}.item"] = taking.digest_of(f"acme/{word}", f"{word}/api.py")
        bob = world.people["member"]
        names[f"{key}.taken"] = taking.take(api, metric, f"acme/{word}", f"{word}/taken.py", by=bob, now=NOW).pk
        _said(world, program, word)
    _answered_back(world)
    _both(world)
    _sent(world)
    schedule(NOW)
    for key, (word, *_) in PROGRAMS.items():
        review = Review.objects.filter(program__key=key).order_by("starts_at").first()
        if review is None:
            continue
        names[f"{key}.review"] = review.pk
        content = compose(collect(review, NOW)).facts() | {"headline": f"{word[:-4]}brief"}
        gina, goal = world.people["leader"], names[f"{key}.api.goal"]
        proposed = LeaderAsk(
            "Gina", "", "", f"{word[:-4]}proposal", [], 0, proposal="p", person=gina.pk, goal_ids=[goal]
        )
        content["leaders"] = [asdict(proposed)]
        Brief.objects.create(review=review, frozen_at=NOW - timedelta(days=1), content=content)
        asked = raise_ask(review, f"{word[:-4]}ask", NOW, of=world.people["sponsor"])
        names[f"{key}.ask"] = asked.pk
        cost = Cost.objects.create(program=review.program, kind="owners", hours=3, day=NOW.date(), at=NOW)
        names[f"{key}.cost"] = cost.pk
        Review.objects.filter(pk=review.pk).update(notes=f"{word[:-4]}notes", notes_version=1)
        names[f"{key}.decision"] = room.decide(review, f"{word[:-4]}decision", NOW, by=world.people["sponsor"]).pk
        names[f"{key}.reply"] = ask_links.write(asked.pk, world.people["sponsor"].pk, NOW.date())
        if key == "typing":
            review.refresh_from_db()
            invite(review, NOW)
            names["invited"] = reply_links.write(review, world.people["sponsor"])
    mine = raise_ask(Review.objects.get(pk=names["typing.review"]), "Leadask", NOW, of=world.people["lead"])
    names["lead.ask"] = mine.pk
    names["calendar"] = calendar_feeds.make(world.people["sponsor"], NOW).rpartition("/")[2].removesuffix(".ics")
    _asked_before_a_review(world)
    ours = Team.objects.get(key="web")
    add_pattern("docs/*", ours, source="", since=NOW.date(), now=NOW, by=tess, via="test")
    names["pattern"] = ours.ownership_patterns.get().pk
    typing = Program.objects.get(key="typing")
    Wave.objects.create(program=typing, key="begun", start=NOW.date(), state="open", opened_on=NOW.date())
    Wave.objects.create(program=typing, key="first", start=NOW.date() + timedelta(days=30))
    names |= {"password": PASSWORD, "outsider": world.people["outsider"].pk, "tess": tess.pk, "people": NEWCOMER}
    names["unsubscribe"] = links.write(links.Intent(world.people["lead"], Program.objects.get(key="typing")))


def _asked_before_a_review(world: World) -> None:
    """A later review of typing, before which the lead was asked and the other lead answered; priorities of two."""
    typing, at = Program.objects.get(key="typing"), NOW + timedelta(days=40)
    later = Review.objects.create(
        program=typing, period=at.date().isoformat(), starts_at=at, minutes=30, zone="UTC", uid="later", created_at=NOW
    )
    world.names["typing.later"] = later.pk
    asked = Pulse.objects.create(review=later, person=world.people["lead"], asked_at=NOW)
    world.names["pulse"] = pulse.write(asked)
    Pulse.objects.create(
        review=later,
        person=world.people["otherlead"],
        asked_at=NOW,
        answered_at=NOW,
        helps="no",
        in_the_way="Openpulse",
    )
    for key in ("typing", "other"):
        program = Program.objects.get(key=key)
        made = priorities.note(program, f"{PROGRAMS[key][0][:-4]}change", NOW, by=world.people["sponsor"])
        world.names[f"{key}.priority"] = made.pk


def _answered_back(world: World) -> None:
    """What teams asked of owners: web a proposal and a request in typing, api a request in inner and a rest in other."""
    until = (NOW + timedelta(days=30)).date()

    def goal(program: str, team: str) -> Goal:
        return Goal.objects.get(pk=world.names[f"{program}.{team}.goal"])

    def ask(program: str, team: str, who: str) -> Exemption:
        return exempting.ask(
            goal(program, team), reason="unfit", text=f"{PROGRAMS[program][0]} request", until=until, from_day=None,
            by=world.people[who], now=NOW,
        )  # fmt: skip

    mine = answering.answer(
        goal("typing", "web"), "not mine", by=world.people["otherlead"], now=NOW, via="page", words="Openanswer"
    )
    world.names["typing.answer"] = mine.pk
    lead, day = world.people["lead"], NOW.date()
    world.names["answer"] = answer_links.write(goal("typing", "api").pk, lead.pk, day)
    told = Digest.objects.get(person=lead, day=day).pk
    world.names["vote"] = answer_links.write_vote(told, lead.pk)
    world.names["via"] = visits.write(told, goal("typing", "api").pk)

    made = proposing.propose(
        goal("typing", "web"), target=0.5, due=None, reason="less", by=world.people["otherlead"], now=NOW
    )
    world.names["typing.proposal"] = made.pk
    world.names["typing.asked"] = ask("typing", "web", "otherlead").pk
    world.names["inner.asked"] = ask("inner", "api", "member").pk
    rests = ask("other", "api", "member")
    exempting.approve(rests, until=None, text="", by=world.people["otherowner"], now=NOW)
    world.names["other.exemption"] = rests.pk


def _said(world: World, program: Program, word: str) -> None:
    """A mail to the lead that a brake holds, and the nudge it carries."""
    lead = world.people["lead"]
    mail = Delivery.objects.create(
        kind="digest", key=f"{program.key}-1", address=lead.email, person=lead, program=program, state="held",
        message_id=f"<{program.key}@x>", next_at=NOW, not_after=NOW + timedelta(days=2), created_at=NOW,
        subject=f"{word[:-4]}mail", text=f"{word[:-4]}mail text", html=f"<p>{word[:-4]}mail</p>",
    )  # fmt: skip
    world.names[f"{program.key}.mail"] = mail.pk
    digest, _ = Digest.objects.get_or_create(
        person=lead, day=NOW.date(), defaults={"time_zone": "UTC", "planned_at": NOW, "plan": "x"}
    )
    seen = {"found": "of little use", "votes": 12, "useful": 3, "said": 12, "people": 5, "followed": 9}
    slow = Restraint.objects.create(
        program=program, tone="still", state="slowed", since=NOW.date(), evidence=seen, decided_at=NOW
    )
    world.names[f"{program.key}.slow"] = slow.pk
    Nudge.objects.create(
        person=lead, goal=program.goals.get(team__key="api"), day=NOW.date(), due_day=NOW.date(), digest=digest,
        state="said", facts={"status": "behind"}, decided_at=NOW,
    )  # fmt: skip


def _both(world: World) -> None:
    """One digest that speaks of two programs, of which the owner of the one may not see the other."""
    bob = world.people["member"]
    mail = Delivery.objects.create(
        kind="digest", key="both", address=bob.email, person=bob, state="held", message_id="<both@x>", next_at=NOW,
        not_after=NOW + timedelta(days=2), created_at=NOW, subject="Bothmail", text="Bothmail", html="<p>Bothmail</p>",
    )  # fmt: skip
    digest = Digest.objects.create(person=bob, day=NOW.date(), time_zone="UTC", planned_at=NOW, plan="y", delivery=mail)
    for key in ("other", "inner"):
        Nudge.objects.create(
            person=bob, goal=Goal.objects.get(program__key=key, team__key="api"), day=NOW.date(), due_day=NOW.date(),
            digest=digest, state="said", facts={"status": "behind"}, decided_at=NOW,
        )  # fmt: skip
    world.names["both.mail"] = mail.pk


def _sent(world: World) -> None:
    """A message in the inbox of the lead, and one of a viewer's; a muted goal; and a lead who cannot be reached."""
    for subject in ("lead", "idle"):
        person = world.people[subject]
        mail = Delivery.objects.create(
            kind="trouble", key="sent", address=person.email, person=person, state="sent", sent_at=NOW,
            message_id=f"<{subject}-sent@x>", next_at=NOW, not_after=NOW, created_at=NOW, subject="Sent", text="Sent",
            html="<p>Sent</p>",
        )  # fmt: skip
        world.names[f"{subject}.mail"] = mail.pk
    muted = Goal.objects.get(pk=world.names["typing.api.goal"])
    wishes.mute(muted, world.people["lead"], NOW, "page")
    world.names["muted"] = muted.pk
    rita = User.objects.get(email="rita@example.com")
    User.objects.filter(pk=rita.pk).update(address_suspended_reason="550 no such user")
    Membership.objects.create(team=Team.objects.get(key="web"), user=rita, role=Membership.Role.LEAD)
    world.names["refused"] = rita.pk


TOKENS = {
    "t-program": ["observations:program:typing"],
    "t-feed": ["observations:feed:typing-ci"],
    "t-other": ["observations:program:other"],
    "t-read": ["scorecards:read"],
}


def _tokens(world: World) -> None:
    """A token of each scope; one of every scope that expired, one that was revoked."""
    every = [scope for scopes in TOKENS.values() for scope in scopes]
    later, owner = NOW + timedelta(days=365), world.people["owner"]
    makers = {"t-read": world.people["outsider"]}
    made = {
        name: issue(name, scopes, created_by=makers.get(name, owner), expires_at=later)
        for name, scopes in TOKENS.items()
    }
    made["t-expired"] = issue("t-expired", every, created_by=owner, expires_at=NOW - timedelta(seconds=1))
    made["t-revoked"] = issue("t-revoked", every, created_by=owner, expires_at=later)
    AccessToken.objects.filter(label="t-revoked").update(revoked_at=NOW)
    world.secrets = {name: secret for name, (_, secret) in made.items()}
    world.names |= {f"{name}.pk": token.pk for name, (token, _) in made.items()}


LINKS = {
    "link-typing": "program:typing", "link-inner": "program:inner", "link-api": "team:api", "link-dead": "team:api",
    "badge-web": "badge:team:web", "badge-goal": "badge:goal:typing/typing-share/web",
    "badge-inner": "badge:goal:inner/inner-share/web",
}  # fmt: skip
"""Share links by name: what each shows. The last one is of a goal that not everybody may see, the dead one is revoked."""


def _links(world: World) -> None:
    for name, scope in LINKS.items():
        by = world.people["lead" if name == "link-api" else "otherlead" if name == "badge-web" else "owner"]
        link, world.names[name] = share_links.make(name, scope, by=by, now=NOW)
        world.names[f"{name}.pk"] = link.pk


def _clients(world: World) -> None:
    """One that sends what each subject would send: a session, a bearer token, or nothing."""
    world.clients["nobody"] = Client()
    for subject, person in world.people.items():
        person.refresh_from_db()
        world.clients[subject] = Client()
        world.clients[subject].force_login(person)
    User.objects.filter(email="gone@example.com").update(is_active=False)
    for name in ("api", "typing", "inner", "dead"):
        world.clients[f"c-{name}"] = Client()
        world.clients[f"c-{name}"].get(f"/shared/{world.names[f'link-{name}']}/")
    share_links.revoke(ShareLink.objects.get(label="link-dead"), by=None, now=NOW)
    for name, secret in world.secrets.items():
        world.clients[name] = Client(headers={"Authorization": f"Bearer {secret}"})
