"""The service's own settings, with passwords hashed fast: nothing else differs in tests."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
