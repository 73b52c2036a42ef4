"""What teams have measured, kept by this process while nothing new arrives: a dragged number asks again and again.

Kept in memory for a minute at most, a few metrics at a time; a new run or a change on record makes it be read anew.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from threading import Lock
from time import monotonic

from django.core.cache import caches

from program.models import MetricVersion
from teams.statements import fetch
from teams.tracks import Ground, ground

MOST, SECONDS = 4, 60.0
NEWEST = "SELECT (SELECT max(id) FROM teams_run), (SELECT max(id) FROM accounts_auditrow)"

_kept: OrderedDict[tuple[object, ...], tuple[float, Ground]] = OrderedDict()
_lock = Lock()


def ground_of(version: MetricVersion) -> Ground:
    """What the teams have measured by a version of a metric. One query, two where it has to be read."""
    # Whoever empties the cache of pages means this too.
    epoch = caches["pages"].get_or_set("grounds", lambda: uuid.uuid4().hex, None)
    name = (epoch, version.pk, *fetch(NEWEST, [])[0])
    with _lock:
        found = _kept.get(name)
        if found is not None and monotonic() - found[0] < SECONDS:
            _kept.move_to_end(name)
            return found[1]
    read = ground(version)
    with _lock:
        _kept[name] = monotonic(), read
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return read
