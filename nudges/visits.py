"""Visits: links of a digest that lead into the product say from which digest, and a page tells when they are followed.

A link carries `via`, a short signed word that names its digest and its goal. It opens nothing and signs nobody in: a
page that is shown to somebody who is signed in sends it back (web/static/web/page.js), and only if that is the digest's
receiver is their first visit put down. So a scanner that follows every link, signed in or not, leaves no trace, nor
does who was forwarded the mail; and without scripts a visit is not seen. Links out of the product carry nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

from django.core import signing

from accounts.models import User

from .answer_links import LIVES
from .links import BadLink
from .models import Digest, Visit

KEPT = timedelta(days=180)
"""Twice what is ever looked back on."""
_SALT = "nudges.visit"


def write(digest: int, goal: int) -> str:
    """The word of the links about a goal in a digest: the same each time."""
    return signing.Signer(salt=_SALT).sign(f"{digest}.{goal}")


def via(address: str, word: str) -> str:
    """An address of the product that says from where it is followed; nothing stays nothing."""
    if not address:
        return ""
    parts = urlsplit(address)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}via={quote(word, safe=':')}"))


def put_down(word: str, person: User, now: datetime) -> bool:
    """Put down that a person followed a link, the first time; False if it was before. Raises BadLink where the word is
    not whole, is of another person's digest, or of one that is long over."""
    try:
        digest_id, _, goal = signing.Signer(salt=_SALT).unsign(word).partition(".")
    except signing.BadSignature:
        raise BadLink("this link is not whole") from None
    digest = Digest.objects.filter(pk=int(digest_id), person=person).first()
    if digest is None or now.date() > digest.day + LIVES:
        raise BadLink("this link is not theirs, or over")
    if digest.visits.filter(goal=int(goal)).exists():
        return False
    # No audit row: that would tell owners and administrators who looked at what.
    rows = Visit.objects.bulk_create([Visit(digest=digest, goal_id=int(goal), at=now)], ignore_conflicts=True)
    return bool(rows)


def let_go(now: datetime) -> int:
    """Let go of visits that are too old to be counted anywhere. One query where there are none."""
    return Visit.objects.filter(at__lt=now - KEPT).delete()[0]
