"""POST /api/v1/feeds/<key>/runs: a report as the body, read by the feed's settings; and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any, cast

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.clock import now
from accounts.models import AccessToken
from program.feeds.batch import LONGEST, Fault, Unfit, read_day, read_text
from program.feeds.packed import inflate
from program.feeds.registry import KINDS, Kind, recognized
from program.models import Feed
from teams.ingest import KeyReused, Origin, Refused, attempt, ingest, of_feed
from teams.models import Run
from teams.receiving import receive
from teams.trials import Trial

from .bodies import AlwaysJson, Unparsed, body, idempotency_key, key_reused, refusal
from .problems import bad_request, known_name
from .questions import expect, flag
from .tokens import OBSERVATIONS, BearerToken, FeedsObservations

LARGEST, LARGEST_INFLATED = 50_000_000, 200_000_000
AT_ONCE = 5_000_000
"""Bytes that are taken with the request; a longer payload is kept, and a worker takes it."""
PUSHED = {name: kind for name, kind in KINDS.items() if name not in ("prometheus", "csv-url", "sql")}
COUNTS = ("observations", "snapshots", "new", "changed", "unchanged", "gone", "unplaced")


class FaultAnswer(serializers.Serializer):
    """One bad line; 0 is the whole file."""

    line = serializers.IntegerField()
    expected = serializers.CharField()


class RunAnswer(serializers.Serializer):
    """A run: how it stands, what it changed in observations, and its log."""

    run = serializers.IntegerField()
    state = serializers.ChoiceField(Run.State.values)
    format = serializers.CharField()
    digest = serializers.CharField(help_text="SHA-256 of the payload")
    received_at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField(allow_null=True)
    observations = serializers.IntegerField()
    snapshots = serializers.IntegerField()
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    gone = serializers.IntegerField()
    unplaced = serializers.IntegerField(help_text="stored without a team")
    notes = serializers.ListField(child=serializers.CharField())
    faults = FaultAnswer(many=True)


class TrialLineAnswer(serializers.Serializer):
    """One team on one metric; an empty team is what no rule places."""

    metric = serializers.CharField()
    team = serializers.CharField(allow_blank=True)
    as_of = serializers.DateField()
    items = serializers.IntegerField()
    numerator = serializers.FloatField()
    denominator = serializers.FloatField(allow_null=True)
    before = serializers.FloatField(allow_null=True)
    after = serializers.FloatField(allow_null=True)


class TrialAnswer(serializers.Serializer):
    """What a payload would store, beside what is held; nothing of it was kept."""

    format = serializers.CharField()
    observations = serializers.IntegerField()
    snapshots = serializers.IntegerField()
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    gone = serializers.IntegerField()
    unplaced = serializers.IntegerField()
    teams = TrialLineAnswer(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class RunsView(APIView):
    """Takes a report for a feed: one `curl --data-binary @report` in a CI job does it."""

    authentication_classes = [BearerToken]
    permission_classes = [FeedsObservations]
    parser_classes = [Unparsed]
    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="push_report",
        summary="Push a report",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter("format", enum=sorted(PUSHED), description="instead of what is recognized"),
            OpenApiParameter(
                "as_of", OpenApiTypes.DATE, description="the day it is of; else the report's own, or today"
            ),
            OpenApiParameter("source", description="where within the feed it is from, usually a repository"),
            OpenApiParameter(
                "dry_run", OpenApiTypes.BOOL, description="1: tell what it would store, and store nothing"
            ),
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER),
        ],
        responses={200: TrialAnswer, 201: RunAnswer, 202: RunAnswer},
    )
    def post(self, request: Request, key: str) -> Response:
        """Store a report whole (201), keep a long one to be taken by a worker (202), or refuse it whole."""
        expect(request, "format", "as_of", "source", "dry_run")
        dry_run = flag(request, "dry_run")
        feed = _feed(request, key)
        try:
            data = inflate(body(request, LARGEST), LARGEST_INFLATED)
            origin = _origin(request, feed, data)
        except Unfit as unfit:
            raise refusal([Fault(0, str(unfit))]) from None
        if dry_run:
            trial = attempt(data, origin, now())
            if trial.faults:
                raise refusal(trial.faults)
            return Response(_trial(trial, origin.format))
        try:
            later = len(data) > AT_ONCE
            run = receive(data, origin, now()) if later else ingest(data, origin, now()).run
        except Refused as refused:
            raise refusal(refused.faults) from None
        except KeyReused:
            raise key_reused() from None
        code = status.HTTP_202_ACCEPTED if later else status.HTTP_201_CREATED
        return Response(_answer(run), status=code, headers={"Location": reverse("api-run", args=(feed.key, run.pk))})


class RunView(APIView):
    """One run of a feed, to be polled after a 202."""

    authentication_classes = [BearerToken]
    permission_classes = [FeedsObservations]
    content_negotiation_class = AlwaysJson

    @extend_schema(operation_id="run", summary="What became of a run", responses={200: RunAnswer})
    def get(self, request: Request, key: str, pk: int) -> Response:
        """How the run stands."""
        return Response(_answer(get_object_or_404(Run, feed=_feed(request, key), pk=pk)))


def _feed(request: Request, key: str) -> Feed:
    """The feed, if the token may feed it; else there is none."""
    feed = get_object_or_404(Feed.objects.select_related("program"), key=known_name(key))
    scopes = {f"{OBSERVATIONS}feed:{feed.key}", f"{OBSERVATIONS}program:{feed.program.key}"}
    if not scopes & set(cast(AccessToken, request.auth).scopes):
        raise Http404
    return feed


def _origin(request: Request, feed: Feed, data: bytes) -> Origin:
    asked = request.query_params
    token = cast(AccessToken, request.auth)
    source = asked.get("source")
    return of_feed(
        feed,
        _kind(asked.get("format", ""), feed, data),
        came_from=token.label,
        as_of=_day(asked.get("as_of")),
        source=None if source is None else read_text(source[: LONGEST["source"] + 1], "source"),
        token=token,
        idempotency_key=idempotency_key(request),
    )


def _kind(named: str, feed: Feed, data: bytes) -> Kind:
    kind = PUSHED.get(named or feed.kind) if named or feed.kind in PUSHED else recognized(data)
    if kind is None:
        expected = f"one of {', '.join(PUSHED)}"
        detail = f"format is {expected}, not {named[:40]!a}" if named else f"a report of a known format, {expected}"
        raise bad_request(f"{detail}; say it with ?format=…")
    return kind


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else read_day(text)
    except Unfit as unfit:
        raise bad_request(str(unfit)) from None


def _answer(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "state": run.state,
        "format": run.format,
        "digest": run.digest,
        "received_at": run.received_at.isoformat(),
        "duration_ms": run.duration_ms,
        **{name: getattr(run, name) for name in COUNTS},
        "notes": run.notes,
        "faults": [{"line": line, "expected": what} for line, what in run.faults],
    }


def _trial(trial: Trial, kind: Kind) -> dict[str, Any]:
    names = ("metric", "team", "items", "numerator", "denominator", "before", "after")
    return {
        "format": kind.name,
        **asdict(trial.counts),
        "teams": [{"as_of": line.as_of.isoformat()} | {n: getattr(line, n) for n in names} for line in trial.lines],
        "notes": list(trial.notes),
    }
