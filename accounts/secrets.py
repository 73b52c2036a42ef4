"""Secrets at rest: credentials are kept encrypted, under keys that may be changed one after the other."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """A secret that none of the keys opens; it has to be given again."""


def seal(secret: str) -> str:
    """The secret encrypted under the newest key."""
    return _keys().encrypt(secret.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """The secret itself. Raises Unreadable."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("no key of SECRETS_KEYS opens it: give the credential again") from None


def _keys() -> MultiFernet:
    """The keys of SECRETS_KEYS, newest first; without any, one made of SECRET_KEY."""
    given = [*settings.SECRETS_KEYS] or [settings.SECRET_KEY]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in given])
