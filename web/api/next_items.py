"""GET /api/v1/teams/<key>/next: what a team does next, for a build or a terminal without the database."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.clock import now
from teams.models import Team
from teams.next_items import FORMATS, ITEMS, MOST_ITEMS, NoSuchGoal, build, write

from . import readers
from .bodies import AlwaysJson
from .problems import bad_request, known_name
from .questions import expect
from .tokens import BOTH, ReadsScorecards

MEDIA = {"text": "text/plain", "markdown": "text/markdown", "github": "text/plain", "json": "application/json"}


class StepAnswer(serializers.Serializer):
    """One item to do, and who is on it."""

    item = serializers.CharField(allow_blank=True)
    contribution = serializers.FloatField(allow_null=True)
    closes = serializers.FloatField(allow_null=True, help_text="share of the gap closed so far, 0 to 1")
    trend = serializers.ChoiceField(["new", "grew", "shrank", "same"], allow_null=True)
    verify = serializers.CharField(allow_blank=True, help_text="the command that checks it, the item filled in")
    issue = serializers.CharField(allow_blank=True, help_text="the link that opens an issue for it, filled in")
    taken_by = serializers.CharField(allow_null=True)
    taken_since = serializers.DateField(allow_null=True)


class PlaybookAnswer(serializers.Serializer):
    """How to go about it."""

    steps = serializers.ListField(child=serializers.CharField())
    example = serializers.CharField(allow_blank=True)
    verify = serializers.CharField(allow_blank=True)
    expert = serializers.CharField(allow_null=True)
    office_hours = serializers.CharField(allow_blank=True)
    effort_hours = serializers.FloatField(allow_null=True)


class NextGoalAnswer(serializers.Serializer):
    """One goal with its next items; `more` are on its trail and not among them."""

    program = serializers.CharField()
    metric = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    held = serializers.BooleanField()
    said = serializers.CharField(allow_blank=True)
    value = serializers.FloatField(allow_null=True)
    expected = serializers.FloatField(allow_null=True)
    target = serializers.FloatField(allow_null=True)
    due = serializers.DateField()
    page = serializers.CharField()
    playbook = PlaybookAnswer(allow_null=True)
    more = serializers.IntegerField()
    trail = StepAnswer(many=True)


class ShortAnswer(serializers.Serializer):
    """How many goals are short."""

    overdue = serializers.IntegerField()
    behind = serializers.IntegerField()
    at_risk = serializers.IntegerField()


class NextAnswer(serializers.Serializer):
    """What a team does next; `said` is the whole story in one line."""

    team = serializers.CharField()
    on = serializers.DateField()
    said = serializers.CharField()
    scorecard = serializers.CharField()
    short = ShortAnswer()
    goals = NextGoalAnswer(many=True)


class NextView(APIView):
    """What a team does next."""

    authentication_classes = list(BOTH)
    permission_classes = [ReadsScorecards]
    content_negotiation_class = AlwaysJson

    @extend_schema(
        operation_id="team_next",
        summary="What a team does next",
        parameters=[
            OpenApiParameter(
                "format", OpenApiTypes.STR, enum=FORMATS, default="text",
                description="markdown is for a job's summary, github for annotations in the log of a GitHub action",
            ),
            OpenApiParameter("program", OpenApiTypes.STR, description="only goals of this program"),
            OpenApiParameter("metric", OpenApiTypes.STR, description="only this metric, however it stands"),
            OpenApiParameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": ITEMS},
                description="items a goal",
            ),
        ],
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "text/markdown"): OpenApiTypes.STR,
            (200, "application/json"): NextAnswer,
        },
    )  # fmt: skip
    def get(self, request: Request, key: str) -> HttpResponse:
        """The items of its trails with their playbooks, worst goal first, as text, Markdown, JSON or annotations."""
        team = get_object_or_404(Team.objects.leaves(), key=known_name(key))
        expect(request, "format", "program", "metric", "limit")
        asked = {name: request.query_params.get(name, "") for name in ("format", "program", "metric")}
        form = asked["format"] or "text"
        if form not in FORMATS:
            raise bad_request(f"format is one of {', '.join(FORMATS)}, not {form[:40]!a}")
        try:
            found = build(
                team,
                now(),
                readers.goals(request),
                program=asked["program"],
                metric=asked["metric"],
                limit=_limit(request),
            )
        except NoSuchGoal as fault:
            raise bad_request(str(fault)) from None
        return HttpResponse(write(found, form), content_type=f"{MEDIA[form]}; charset=utf-8")


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(ITEMS))
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_ITEMS):
        raise bad_request(f"limit is a number from 1 to {MOST_ITEMS}, not {text[:40]!a}")
    return int(text)
