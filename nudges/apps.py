"""Names the nudges room to Django, and its kinds of message to the outbox."""

from django.apps import AppConfig


class NudgesConfig(AppConfig):
    name = "nudges"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models can be imported only now.
        from . import digest, kinds, places, restraint_mail, samples, sign_in_mail, trouble

        kinds.register(digest.KIND)
        kinds.register(trouble.KIND)
        kinds.register(restraint_mail.KIND)
        kinds.register(samples.KIND)
        kinds.register(places.KIND)
        for kind in sign_in_mail.KINDS:
            kinds.register(kind)
