"""A webhook of the receiver's own: the digest as JSON, signed as Standard Webhooks asks; at least once, one id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from accounts.secrets import Unreadable, unseal
from nudges import cards
from nudges.models import Delivery, Route
from program.fetch import FetchFailed

from .errors import ChannelError
from .posting import Handing, PostSession, opened


class WebhookChannel:
    """Posts to an address of the person's own, again and again until it is taken, for as long as the outbox tries."""

    def seal(self, row: Delivery, now: datetime) -> bytes:
        """The body; its id and moment are those of the headers."""
        return json.dumps(
            {
                "id": message_id(row),
                "type": row.kind,
                "timestamp": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                "data": cards.read(row.card).kept(),
            },
            ensure_ascii=False,
        ).encode()

    def open(self) -> AbstractContextManager[PostSession]:
        """Nothing is connected yet."""
        return opened(self)

    def post(self, session: PostSession, route: Route, sealed: bytes, handing: Handing) -> None:
        """Any 2xx is taken, 410 ends the route, all else is tried again: the id says that it is the same message."""
        try:
            url, secret = unseal(route.url), unseal(route.secret)
        except Unreadable as fault:
            raise ChannelError(str(fault), permanent=True, address=True) from None
        try:
            session.request(url, headers(sealed, secret), sealed, handing)
        except FetchFailed as fault:
            session.waited_for(route, fault)
            ended = fault.sent and fault.status == 410
            raise ChannelError(
                fault.reason, permanent=ended, address=ended, retry_after=fault.retry_after if fault.sent else None
            ) from None


CHANNEL = WebhookChannel()


def message_id(row: Delivery) -> str:
    """The stable id of a message, however often it is sent."""
    return f"msg_{row.message_id.strip('<>').partition('@')[0]}"


def headers(sealed: bytes, secret: str) -> dict[str, str]:
    """Id, moment and signature of a body, as Standard Webhooks has them."""
    said = json.loads(sealed)
    moment = str(int(datetime.fromisoformat(said["timestamp"]).timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{said['id']}.{moment}.".encode() + sealed
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
    return {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": said["id"],
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }
