"""POST /api/v1/observations: a batch of observations, stored whole or refused whole."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.clock import now
from accounts.models import AccessToken
from program.feeds.registry import KINDS, by_media_type
from program.models import Feed, Metric
from teams.ingest import KeyReused, Origin, Received, Refused, ingest
from teams.models import Run

from .bodies import AlwaysJson, Unparsed, body, idempotency_key, key_reused, plain, refusal
from .problems import Problem
from .questions import expect
from .tokens import OBSERVATIONS, BearerToken, FeedsObservations

LARGEST = 10_000_000
TAKEN = (KINDS["csv"], KINDS["json"])


class ObservationsAnswer(serializers.Serializer):
    """What became of a batch: the run on record and what it changed, in observations."""

    run = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the body")
    received_at = serializers.DateTimeField()
    observations = serializers.IntegerField()
    snapshots = serializers.IntegerField()
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    gone = serializers.IntegerField()
    unplaced = serializers.IntegerField(help_text="stored without a team")
    judged = serializers.IntegerField(help_text="standings judged with this answer")
    due = serializers.IntegerField(help_text="goals that a worker judges next")


class ObservationsView(APIView):
    """Takes observations as JSON or CSV; a 201 means that they are stored."""

    authentication_classes = [BearerToken]
    permission_classes = [FeedsObservations]
    parser_classes = [Unparsed]
    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="push_observations",
        summary="Push observations",
        request={"application/json": OpenApiTypes.OBJECT, "text/csv": OpenApiTypes.STR},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: ObservationsAnswer},
    )
    def post(self, request: Request) -> Response:
        """Store a batch whole, or refuse it whole with each bad line (up to 100) and what was expected."""
        kind = by_media_type(request.content_type or "")
        if kind not in TAKEN:
            expected = " or ".join(media for known in TAKEN for media in known.media_types)
            raise Problem(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "Unknown media type", f"{expected} was expected")
        plain(request)
        expect(request)
        token = cast(AccessToken, request.auth)
        origin = Origin(
            kind=Run.Kind.API,
            came_from=token.label,
            format=kind,
            token=token,
            idempotency_key=idempotency_key(request),
            **_scope(token),
        )
        try:
            received = ingest(body(request, LARGEST), origin, now())
        except Refused as refused:
            raise refusal(refused.faults) from None
        except KeyReused:
            raise key_reused() from None
        return Response(_answer(received), status=status.HTTP_201_CREATED)


def _scope(token: AccessToken) -> dict[str, Any]:
    """What a token may feed: the metrics of its programs and feeds. A single feed is put on record with the run."""
    scopes = [
        scope.removeprefix(OBSERVATIONS).partition(":") for scope in token.scopes if scope.startswith(OBSERVATIONS)
    ]
    programs = [key for kind, _, key in scopes if kind == "program"]
    feeds = list(Feed.objects.filter(key__in=[key for kind, _, key in scopes if kind == "feed"])) if (
        len(programs) < len(scopes)
    ) else []  # fmt: skip
    fed = Q(program__key__in=programs) if programs else Q(pk=None)
    if feeds:
        fed |= Q(feeds__in=feeds)
    metrics = set(Metric.objects.filter(fed).order_by().values_list("key", flat=True))
    return {"metrics": frozenset(metrics), "feed": feeds[0] if len(feeds) == 1 and not programs else None}


def _answer(received: Received) -> dict[str, Any]:
    run = received.run
    counts = ("observations", "snapshots", "new", "changed", "unchanged", "gone", "unplaced")
    return {
        "run": run.pk,
        "digest": run.digest,
        "received_at": run.received_at.isoformat(),
        **{name: getattr(run, name) for name in counts},
        "judged": received.judged,
        "due": received.due,
    }
