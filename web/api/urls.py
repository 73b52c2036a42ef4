"""Addresses of the API, version 1."""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from .next_items import NextView
from .nowhere import NowhereView
from .observations import ObservationsView
from .runs import RunsView, RunView
from .scorecards import ScorecardView

urlpatterns = [
    path("observations", ObservationsView.as_view(), name="api-observations"),
    path("feeds/<str:key>/runs", RunsView.as_view(), name="api-runs"),
    path("feeds/<str:key>/runs/<int:pk>", RunView.as_view(), name="api-run"),
    path("teams/<str:key>/scorecard", ScorecardView.as_view(), name="api-scorecard"),
    path("teams/<str:key>/next", NextView.as_view(), name="api-next"),
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    re_path("", NowhereView.as_view(), name="api-nowhere"),
]
