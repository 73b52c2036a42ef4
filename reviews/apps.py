"""Names the reviews room to Django, and its kinds of message, with their samples, to nudges."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models can be imported only now.
        from nudges import kinds
        from nudges import samples as sent

        from . import samples, wanted

        for kind in wanted.KINDS:
            kinds.register(kind)
        sent.register(("invite", "brief"), samples.of_program)
