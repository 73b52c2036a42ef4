"""What a pull kind asks for: requests as data. It builds them and reads the bytes; it never connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .batch import Unfit, shown


@dataclass(frozen=True, slots=True)
class Request:
    """One GET: where to, with which headers. A credential is added by who sends it, and only to its host."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def checked_url(settings: Mapping[str, Any]) -> str:
    """The feed's address. Raises Unfit."""
    url = str(settings.get("url", ""))
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and len(url) <= 2000
    except ValueError:
        fits = False
    if not fits:
        raise Unfit(f"url is an address that begins with https:// or http:// and holds no password, not {shown(url)}")
    return url
