"""The two arrows that every message goes through while the mail server waits: claimed ─► handing ─► sent.

Each is one conditional UPDATE that names the lease, committed by itself. They are written out, because building the
same two statements anew for each message costs more than sending it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from .models import Delivery

State = Delivery.State
TABLE = Delivery._meta.db_table
# The only name in them is the model's own; values are parameters.
HANDING = (
    f"UPDATE {TABLE} SET state = %s, handed_at = %s, lease_until = %s "  # noqa: S608
    "WHERE id = %s AND lease = %s AND state = %s"
)
SENT = (
    f"UPDATE {TABLE} SET state = %s, sent_at = %s, reason = '', lease = '', lease_until = NULL, "  # noqa: S608
    "attempts = attempts + 1{erased} WHERE id = %s AND lease = %s AND state IN (%s, %s)"
)

ERASED = ", text = '', html = '', card = '{}', attachments = '[]'"


def to_handing(pk: int, token: str, now: datetime, until: datetime) -> bool:
    """Right before the text is handed over: whether the message is still this sender's."""
    return _changes_one(HANDING, State.HANDING, _moment(now), _moment(until), pk, token, State.CLAIMED)


def to_sent(pk: int, token: str, now: datetime, *, erase: bool = False) -> bool:
    """Right after the server's 250: whether the message was still this sender's. `erase`: its words go with it."""
    statement = SENT.format(erased=ERASED if erase else "")
    return _changes_one(statement, State.SENT, _moment(now), pk, token, State.HANDING, State.IN_DOUBT)


def _changes_one(statement: str, *values: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [str(value) if isinstance(value, State) else value for value in values])
        return bool(cursor.rowcount)


def _moment(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)
