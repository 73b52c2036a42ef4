"""What a person may do by a file: what they may do on pages. Whoever runs commands on the server may do all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from accounts.models import User
from program import readiness
from program.drafts import may_start
from program.models import Feed, Metric, Program, ScoreVersion

from .feeds import FeedSpec
from .marked_yaml import Document
from .program_file import ProgramSpec
from .scores import ScoreSpec


def check(document: Document, spec: ProgramSpec, person: User) -> None:
    """Fault what this person may not change."""
    if person.is_superuser and not person.reads_only:
        return
    key = spec.charter["key"]
    held = Program.objects.filter(key=key).first()
    if held is None:
        if not may_start(person):
            document.fault(("program",), "a program is made by somebody who may change things")
        elif person.email not in {email for email, _ in spec.owners}:
            document.fault(("program", "owners"), f"a new program is made by one of its owners: {person.email}")
    elif not Program.objects.run_by(person).filter(pk=held.pk).exists():
        document.fault(("program", "key"), f"a program that you run, or another key, was expected: {key} is taken")
        return
    for place, feed in enumerate(spec.feeds):
        if feed.kind == "sql" and not _is_held(feed):
            document.fault(("feeds", place, "kind"), "a query on a warehouse is connected by an administrator")
        for metric in foreign(feed, person, {one.key for one in spec.metrics}):
            document.fault(("feeds", place), anothers(metric))
    for place, score in enumerate(spec.scores):
        if _is_anothers(score, person):
            document.fault(
                ("scores", place, "key"), f"score {score.key} is another program's: another key was expected"
            )


def foreign(spec: FeedSpec, person: User, defined: Collection[str] = ()) -> list[str]:
    """Metrics of a feed that this person may bring no numbers of: whoever feeds a metric decides how teams stand.

    `defined` are those of the same file; what the feed brings already stays as it is.
    """
    if person.is_superuser and not person.reads_only:
        return []
    held = Metric.objects.filter(feeds__key=spec.key).values_list("key", flat=True)
    may = {*defined, *held, *Metric.objects.run_by(person).values_list("key", flat=True)}
    return sorted({*spec.metrics, *spec.measures.values()} - may)


def anothers(metric: str) -> str:
    """Why a feed may not bring numbers of a metric."""
    return f"{metric} is another program's: who runs that program, or an administrator, connects a feed to it"


def lacks(program: Program, was: str, day: date) -> list[str]:
    """What a program that a file takes live still needs for it."""
    if program.state != Program.State.ACTIVE or was not in ("", Program.State.DRAFT):
        return []
    return readiness.needed(program, readiness.read([program])[program.pk], day)


def _is_held(spec: FeedSpec) -> bool:
    """Whether a feed is there and asks just that."""
    held = Feed.objects.filter(key=spec.key).first()
    return held is not None and (held.kind, held.settings) == (spec.kind, spec.settings)


def _is_anothers(spec: ScoreSpec, person: User) -> bool:
    """Whether a score would be changed that goes with a program that this person does not run."""
    newest = ScoreVersion.objects.filter(key=spec.key).order_by("-number").first()
    if newest is None or (newest.name, newest.parts) == (spec.name, spec.parts):
        return False
    metrics = [part["metric"] for part in newest.parts[:1]]
    homes = Program.objects.filter(metrics__key__in=metrics)
    return homes.exists() and not Program.objects.run_by(person).filter(metrics__key__in=metrics).exists()
