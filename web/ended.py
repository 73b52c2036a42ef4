"""What is sent to change a program that is over: refused, with a message on its desk, where its record stands."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from program import wording
from web.access import Ended


class EndedMiddleware:
    """Turns `Ended`, from whichever page, into a message and the way back to the desk."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """Asked by Django when a page raises."""
        if not isinstance(fault, Ended):
            return None
        over = fault.program
        since = f" since {wording.day(over.ended_on)}" if over.ended_on else ""
        messages.error(request, f"Nothing was changed: {over.name} is {over.state}{since}, and stands as it was.")
        return redirect("desk", over.key)
