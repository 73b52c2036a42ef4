"""Who asks, by address: behind so many trusted proxies, the one that the outermost of them saw."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str:
    """The client's address; of an IPv6 one the /64, as a single household has that many.

    Each trusted proxy adds the address it saw at the end of X-Forwarded-For; what stands before was only claimed.
    """
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES > 0:
        said = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if part.strip()]
        if len(said) >= settings.TRUSTED_PROXIES:
            seen = said[-settings.TRUSTED_PROXIES]
    try:
        ip = ipaddress.ip_address(seen)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
