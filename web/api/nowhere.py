"""Addresses of the API at which nothing is: a problem, as everywhere in it, and no page."""

from __future__ import annotations

from typing import Any, NoReturn

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from .bodies import AlwaysJson
from .tokens import BOTH


@extend_schema(exclude=True)
class NowhereView(APIView):
    """Answers 404, whatever the method and whoever asks."""

    authentication_classes = list(BOTH)
    permission_classes = []
    content_negotiation_class = AlwaysJson

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002 - the signature is DRF's
        """Before anything else is looked at."""
        raise NotFound
