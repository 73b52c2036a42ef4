"""How a page says that somebody has to wait: in words, and in the header that programs heed."""

from __future__ import annotations

import math
from datetime import timedelta

from django.http import HttpResponse

from program import wording


def words(wait: timedelta) -> str:
    """Too many tries, and when to come back."""
    minutes = math.ceil(wait / timedelta(minutes=1))
    span = wording.count(minutes, "minute") if minutes <= 90 else wording.count(math.ceil(minutes / 60), "hour")
    return f"That was tried too often. Try again in {span}."


def told(answer: HttpResponse, wait: timedelta) -> HttpResponse:
    """The answer with Retry-After."""
    answer["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return answer
