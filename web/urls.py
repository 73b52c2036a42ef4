"""Addresses of the pages and the API."""

from __future__ import annotations

from django.urls import include, path

from web import ops
from web.pages import home, indexes, outbox, program, reviews, sign_in, team, unsubscribe

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("programs/", indexes.programs, name="programs"),
    path("programs/<str:key>/", program.program, name="program"),
    path("programs/<str:key>/table.csv", program.table, name="program-csv"),
    path("programs/<str:key>/charts/<str:metric>.json", program.chart, name="program-chart"),
    path("programs/<str:key>/nudges/", outbox.nudges, name="program-nudges"),
    path("programs/<str:key>/nudges/release", outbox.release, name="program-nudges-release"),
    path("programs/<str:key>/nudges/<int:pk>/", outbox.mail, name="program-nudge"),
    path("programs/<str:key>/nudges/<int:pk>/html", outbox.mail_html, name="program-nudge-html"),
    path("programs/<str:key>/nudges/<int:pk>/<str:action>", outbox.decide, name="program-nudge-decide"),
    path("programs/<str:key>/reviews/", reviews.reviews, name="program-reviews"),
    path("reviews/<int:pk>/", reviews.review, name="review"),
    path("teams/", indexes.teams, name="teams"),
    path("teams/<str:key>/", team.team, name="team"),
    path("teams/<str:key>/charts/<int:goal>.json", team.chart, name="team-chart"),
    path("groups/<str:key>/", indexes.group, name="group"),
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("api/v1/", include("web.api.urls")),
    path("healthz", ops.healthz, name="healthz"),
    path("readyz", ops.readyz, name="readyz"),
    path("metrics", ops.metrics, name="metrics"),
]
