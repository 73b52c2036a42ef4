"""Names the demo to Django; it is installed only where the environment says DEMO=1."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "demo"
