"""What no cache keeps: every answer of which its page said nothing else, for a browser is used by others afterwards."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control


class KeptByNoCache:
    """Adds `private, no-store`: also to tables and files to download, to the API, and to what is not found."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if "Cache-Control" not in answer:
            patch_cache_control(answer, private=True, no_store=True)
        return answer
