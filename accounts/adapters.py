"""What django-allauth asks of us: it sends no mail (all mail rides the outbox), and keeps its secrets sealed."""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter

from .secrets import seal, unseal


class NoMail(DefaultAccountAdapter):
    """Nothing leaves by any way but the outbox."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> NoReturn:  # noqa: ARG002
        raise RuntimeError(f"{template_prefix} was to be sent past the outbox")

    def send_notification_mail(self, *_args: Any, **_options: Any) -> None:
        """Not sent: what people are told is told by the outbox (nudges/sign_in_mail.py)."""


class SealedSecrets(DefaultMFAAdapter):
    """Secrets of second factors are kept encrypted, as credentials of feeds are."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def send_notification_mail(self, *_args: Any, **_options: Any) -> None:
        """Not sent, as above."""
