"""The service's own settings, with one more app: it knows a kind of message for drills."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [*APPS, "drills"]
