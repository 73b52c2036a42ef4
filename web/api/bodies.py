"""What doors that take a payload share: its bytes within a limit, the key of a repeat, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from program.feeds.batch import Fault

from .problems import Problem


class AlwaysJson(BaseContentNegotiation):
    """Answers are JSON; `?format=` is the report's own, where DRF by itself looks for an answer's format (404)."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002 - the signature is DRF's
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:  # noqa: ARG002
        return renderers[0], renderers[0].media_type


class Unparsed(BaseParser):
    """Leaves the body as it came: the kind of report reads it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return {}


def body(request: Request, most: int) -> bytes:
    """The body, unless it is longer than taken at once; read no further than that."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    stream = request._request
    data = stream.read(most + 1) if not declared.isdecimal() or int(declared) <= most else b""
    if (declared.isdecimal() and int(declared) > most) or len(data) > most:
        detail = f"a body of at most {most:,} bytes was expected: send it in parts of whole snapshots"
        raise Problem(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "Too large", detail)
    return data


def plain(request: Request) -> None:
    """Refuse a body in an encoding; where reports are taken, gzip is known by its first bytes. Raises Problem."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        detail = "a body as it is was expected, without a Content-Encoding"
        raise Problem(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "Unknown encoding", detail)


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key, or nothing. Raises Problem."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not (key.isascii() and (key.isprintable() or not key)):
        raise Problem(status.HTTP_400_BAD_REQUEST, "Nothing was stored", "an Idempotency-Key of at most 200 characters")
    return key


def refusal(faults: Sequence[Fault]) -> Problem:
    """A refused payload with each bad line and what was expected."""
    errors = [{"line": fault.line, "expected": fault.what} for fault in faults]
    return Problem(status.HTTP_400_BAD_REQUEST, "Nothing was stored", f"{len(errors)} faults", errors)


def key_reused() -> Problem:
    """An idempotency key that came before with another payload."""
    detail = "this Idempotency-Key came before with another body; a new key was expected"
    return Problem(status.HTTP_422_UNPROCESSABLE_ENTITY, "Nothing was stored", detail)
