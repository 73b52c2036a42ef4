"""GET /api/v1/teams/<key>/scorecard: a team's scorecard by the contract of the domain."""

from __future__ import annotations

from datetime import date

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.clock import day_of, today
from teams.models import Team
from teams.scorecards import as_judged, facts

from . import readers
from .bodies import AlwaysJson
from .problems import bad_request, known_name
from .questions import expect, flag
from .tokens import BOTH, ReadsScorecards


class CrumbAnswer(serializers.Serializer):
    """One step of a trail."""

    item = serializers.CharField(allow_blank=True)
    source = serializers.CharField(  # type: ignore[assignment]
        allow_blank=True, help_text="where within the feed it came from"
    )
    contribution = serializers.FloatField(allow_null=True)
    closes = serializers.FloatField(allow_null=True, help_text="share of the gap closed so far, 0 to 1")
    trend = serializers.ChoiceField(["new", "grew", "shrank", "same"], allow_null=True)


class GoalAnswer(serializers.Serializer):
    """One goal of a scorecard; numbers in the metric's unit, absent ones null."""

    program = serializers.CharField()
    metric = serializers.CharField()
    status = serializers.CharField()
    held = serializers.BooleanField()
    slipped = serializers.BooleanField()
    value = serializers.FloatField(allow_null=True)
    as_of = serializers.DateField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    target = serializers.FloatField(allow_null=True)
    expected = serializers.FloatField(allow_null=True)
    gap = serializers.FloatField(allow_null=True)
    start = serializers.DateField()
    due = serializers.DateField()
    forecast = serializers.DateField(allow_null=True)
    trail = CrumbAnswer(many=True)


class ScorecardAnswer(serializers.Serializer):
    """A scorecard: goals worst first."""

    team = serializers.CharField()
    on = serializers.DateField()
    goals = GoalAnswer(many=True)


class ScorecardView(APIView):
    """A team's scorecard."""

    authentication_classes = list(BOTH)
    permission_classes = [ReadsScorecards]
    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="team_scorecard",
        summary="A team's scorecard",
        parameters=[
            OpenApiParameter("on", OpenApiTypes.DATE, description="a day; the team's today by default"),
            OpenApiParameter("as_judged", OpenApiTypes.BOOL, description="1: what was said on that day"),
        ],
        responses={200: ScorecardAnswer},
    )
    def get(self, request: Request, key: str) -> Response:
        """Judged from the observations held now, or with as_judged=1 as it was said on that day."""
        team = get_object_or_404(Team.objects.leaves(), key=known_name(key))
        expect(request, "on", "as_judged", "format")
        present = today(team.time_zone)
        on = _day(request.query_params.get("on"), present)
        goals = readers.goals(request)
        if flag(request, "as_judged"):
            return Response(as_judged(team, on, goals))
        return Response(facts(team, on, present, goals))


def _day(text: str | None, present: date) -> date:
    if text is None:
        return present
    try:
        return day_of(text)
    except ValueError:
        raise bad_request(f"on is a date as 2026-01-31, not {text[:40]!a}") from None
