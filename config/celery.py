"""The queue: wakes work up and holds no fact; what is due is in the database."""

from __future__ import annotations

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["embedded"] = "config.broker:Transport"

app = Celery("quality")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
