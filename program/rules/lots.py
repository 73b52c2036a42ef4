"""Lots of a holdout: which places of a stratum are left alone, from a recorded seed, so that anybody can draw again.

Permuted blocks: of each block of places in a stratum the same number is held out, at places that the seed decides.
So the share holds in every stratum from the first block on, and nobody can tell the next lot from those before.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

LONGEST_BLOCK = 20
CLOSE = 1e-9


def block(share: float) -> tuple[int, int]:
    """Places of a block and how many of them are held out, for a share above 0 and below 1.

    The shortest block that holds the share exactly; where none of 20 places or fewer does, the nearest of 20.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"a share above 0 and below 1 was expected, not {share!r}")
    for size in range(2, LONGEST_BLOCK + 1):
        held = round(share * size)
        if 0 < held < size and abs(held - share * size) <= CLOSE:
            return size, held
    return LONGEST_BLOCK, min(LONGEST_BLOCK - 1, max(1, round(share * LONGEST_BLOCK)))


def is_held_out(seed: int, stratum: str, place: int, share: float) -> bool:
    """Whether the goal that took this place (from 0) in its stratum is left alone."""
    size, _ = block(share)
    number, turn = divmod(place, size)
    return turn in _held_turns(seed, stratum, number, share)


@lru_cache(maxsize=4096)
def _held_turns(seed: int, stratum: str, number: int, share: float) -> frozenset[int]:
    """The turns of one block that are held out: those whose digests of seed, stratum, block and turn come first."""
    size, held = block(share)
    order = sorted(range(size), key=lambda turn: sha256(f"{seed}/{stratum}/{number}/{turn}".encode()).digest())
    return frozenset(order[:held])
