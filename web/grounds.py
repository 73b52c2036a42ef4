"""What teams have measured and who leads them, kept by this process while nothing new arrives.

A number that is dragged asks again and again. Kept in memory for a minute at most, a few metrics at a time; a new run
or a change on record makes it be read anew.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TypeVar, cast

from django.core.cache import caches

from nudges.people import Org
from program.models import MetricVersion
from teams.statements import fetch
from teams.tracks import Ground, ground

MOST, SECONDS = 5, 60.0
NEWEST = "SELECT (SELECT max(id) FROM teams_run), (SELECT max(id) FROM accounts_auditrow)"

Kept = TypeVar("Kept")

_kept: OrderedDict[tuple[object, ...], tuple[float, object]] = OrderedDict()
_lock = Lock()


def ground_of(version: MetricVersion) -> Ground:
    """What the teams have measured by a version of a metric. One query, two where it has to be read."""
    return _keep(f"version {version.pk}", lambda: ground(version))


def org() -> Org:
    """The tree with its leads. One query, three where it has to be read."""
    return _keep("org", Org.read)


def _keep(what: str, read: Callable[[], Kept]) -> Kept:
    # Whoever empties the cache of pages means this too.
    epoch = caches["pages"].get_or_set("grounds", lambda: uuid.uuid4().hex, None)
    name = (epoch, what, *fetch(NEWEST, [])[0])
    with _lock:
        found = _kept.get(name)
        if found is not None and monotonic() - found[0] < SECONDS:
            _kept.move_to_end(name)
            return cast(Kept, found[1])
    made = read()
    with _lock:
        _kept[name] = monotonic(), made
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return made
