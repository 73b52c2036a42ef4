"""Addresses of the pages and the API."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("web.api.urls"))]
