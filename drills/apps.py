"""Names the drills to Django, with their own kind of message: always wanted, at any hour."""

from django.apps import AppConfig


class DrillsConfig(AppConfig):
    name = "drills"

    def ready(self) -> None:
        from nudges import kinds

        kinds.register(kinds.Kind("drill"))
