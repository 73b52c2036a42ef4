"""What stands after the question mark: only what is known, so that a misspelt dry_run stores nothing."""

from __future__ import annotations

from rest_framework.request import Request

from .problems import bad_request

YES, NO = ("1", "true"), ("0", "false")


def expect(request: Request, *names: str) -> None:
    """Refuse a question of another name, or one asked twice. Raises Problem."""
    for name, values in request.query_params.lists():
        if name not in names:
            known = f"one of {', '.join(names)}" if names else "nothing"
            raise bad_request(f"after the question mark {known} was expected, not {name[:40]!a}")
        if len(values) > 1:
            raise bad_request(f"{name} was expected once")


def flag(request: Request, name: str) -> bool:
    """Whether a question is answered with yes; left out, it is no. Raises Problem."""
    said = request.query_params.get(name)
    if said is None or said in NO:
        return False
    if said not in YES:
        raise bad_request(f"{name} is 1 or 0, not {said[:40]!a}")
    return True
