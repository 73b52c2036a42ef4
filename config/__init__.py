"""Wiring: settings, addresses, queue and web server; nobody imports it."""

from .celery import app as celery_app

__all__ = ["celery_app"]
