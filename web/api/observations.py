"""POST /api/v1/observations: a batch of observations, stored whole or refused whole."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.clock import now
from accounts.models import AccessToken
from program.feeds.registry import KINDS, by_media_type
from program.models import Feed, Metric
from teams.ingest import KeyReused, Origin, Received, Refused, ingest
from teams.models import Run

from .problems import Problem
from .tokens import OBSERVATIONS, BearerToken, FeedsObservations

LARGEST = 10_000_000


class Unparsed(BaseParser):
    """Leaves the body as it came: the kind of report reads it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return {}


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
        if kind is None:
            expected = " or ".join(media for known in KINDS.values() for media in known.media_types)
            raise Problem(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "Unknown media type", f"{expected} was expected")
        token = cast(AccessToken, request.auth)
        origin = Origin(
            kind=Run.Kind.API,
            came_from=token.label,
            format=kind,
            token=token,
            idempotency_key=_idempotency_key(request),
            **_scope(token),
        )
        try:
            received = ingest(_body(request), origin, now())
        except Refused as refused:
            faults = [{"line": fault.line, "expected": fault.what} for fault in refused.faults]
            title = "Nothing was stored"
            raise Problem(status.HTTP_400_BAD_REQUEST, title, f"{len(faults)} faults", faults) from None
        except KeyReused:
            detail = "this Idempotency-Key came before with another body; a new key was expected"
            raise Problem(status.HTTP_422_UNPROCESSABLE_ENTITY, "Nothing was stored", detail) from None
        return Response(_answer(received), status=status.HTTP_201_CREATED)


def _body(request: Request) -> bytes:
    """The body, unless it is longer than taken at once; read no further than that."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    stream = request._request
    data = stream.read(LARGEST + 1) if not declared.isdecimal() or int(declared) <= LARGEST else b""
    if (declared.isdecimal() and int(declared) > LARGEST) or len(data) > LARGEST:
        detail = f"a body of at most {LARGEST:,} bytes was expected: send it in parts of whole snapshots"
        raise Problem(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "Too large", detail)
    return data


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not (key.isascii() and (key.isprintable() or not key)):
        raise Problem(status.HTTP_400_BAD_REQUEST, "Nothing was stored", "an Idempotency-Key of at most 200 characters")
    return key


def _scope(token: AccessToken) -> dict[str, Any]:
    """What a token may feed: the metrics of its programs and feeds. A single feed is put on record with the run."""
    scopes = [
        scope.removeprefix(OBSERVATIONS).partition(":") for scope in token.scopes if scope.startswith(OBSERVATIONS)
    ]
    programs = [key for kind, _, key in scopes if kind == "program"]
    feeds = list(Feed.objects.filter(key__in=[key for kind, _, key in scopes if kind == "feed"]))
    metrics = set(Metric.objects.filter(program__key__in=programs).values_list("key", flat=True)) if programs else set()
    if feeds:
        metrics |= set(Metric.objects.filter(feeds__in=feeds).values_list("key", flat=True))
    return {"metrics": frozenset(metrics), "feed": feeds[0] if len(feeds) == 1 and not programs else None}


def _answer(received: Received) -> dict[str, Any]:
    run = received.run
    counts = ("observations", "snapshots", "new", "changed", "unchanged", "gone", "unplaced")
    return {
        "run": run.pk,
        "digest": run.payload_id,
        "received_at": run.received_at.isoformat(),
        **{name: getattr(run, name) for name in counts},
        "judged": received.judged,
        "due": received.due,
    }
