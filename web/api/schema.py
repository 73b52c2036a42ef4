"""What the schema says of every operation beside its own answers: the refusals, as RFC 9457 problems."""

from __future__ import annotations

from typing import Any

from .problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "description": "RFC 9457: what was wrong, and what was expected",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": ["about:blank"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "each bad line and what was expected there, up to 100; line 0 is the whole body",
            "items": {
                "type": "object",
                "required": ["line", "expected"],
                "properties": {"line": {"type": "integer", "minimum": 0}, "expected": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
ALWAYS = {
    "401": "a token or a sign-in was expected",
    "403": "a token of another scope was expected",
    "429": "later was expected",
}
ASKING = {"400": "the request is not as expected"}
NAMED = {"404": "nothing of this name, or it is not yours to see"}
SENDING = {
    "413": "a shorter body was expected",
    "415": "another media type was expected",
    "422": "the Idempotency-Key came before with another body",
}


def document_problems(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:  # noqa: ARG001 - theirs
    """Add to every operation the problems that it may answer with."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for path, methods in result["paths"].items():
        for operation in methods.values():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            may = ALWAYS | ASKING | (NAMED if "{" in path else {}) | (SENDING if "requestBody" in operation else {})
            for code, description in sorted(may.items()):
                operation["responses"].setdefault(code, _answer(description))
    return result


def _answer(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
