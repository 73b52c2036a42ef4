"""One that fails stops no other: of programs, reviews and steps each is done, and the faults are told at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

One = TypeVar("One")
logger = logging.getLogger(__name__)


def apart(things: Iterable[One], do: Callable[[One], int]) -> int:
    """Do something to each; returns the sum of what was done. Raises ExceptionGroup at the end, if any failed."""
    done, faults = 0, []
    for one in things:
        try:
            done += do(one)
        except Exception as fault:  # whatever it is, the others wait for theirs
            logger.exception("failed: %s", one)
            faults.append(fault)
    if faults:
        raise ExceptionGroup(f"{len(faults)} failed; the others are done", faults)
    return done
