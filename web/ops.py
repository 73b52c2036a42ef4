"""What an operator's probes ask: is the process up, can it serve, and its figures."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from accounts.clock import now
from nudges.models import Delivery
from teams.models import Goal, Run


@login_not_required
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers and every migration is applied, else 503 with the reason."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return HttpResponse("the database does not answer\n", status=503, content_type="text/plain")
    if missing:
        text = f"{len(missing)} migrations are not applied: manage.py migrate\n"
        return HttpResponse(text, status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")


@login_not_required
@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: what waits, and how fresh the data are. Counts only, no names."""
    registry = CollectorRegistry()
    due = Gauge("quality_goals_judge_due", "Goals that wait to be judged", registry=registry)
    due.set(Goal.objects.filter(judge_due_at__isnull=False).count())
    states = Gauge("quality_deliveries", "Messages of the outbox by state", ["state"], registry=registry)
    for state in Delivery.State.values:
        states.labels(state).set(Delivery.objects.filter(state=state).count())
    newest = Run.objects.order_by("-received_at").values_list("received_at", flat=True).first()
    age = Gauge("quality_newest_run_age_seconds", "Seconds since observations last arrived", registry=registry)
    age.set((now() - newest).total_seconds() if newest else float("nan"))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
