"""Bytes as they came, inflated where they are gzip: never beyond a limit, and never a zip archive."""

from __future__ import annotations

import zlib

from .batch import Unfit

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
PIECE = 1 << 16


def inflate(data: bytes, most: int) -> bytes:
    """The payload itself, at most `most` bytes of it. Raises Unfit on a bomb, a cut stream and a zip archive."""
    if data.startswith(ZIP):
        raise Unfit("the file itself or the file in gzip was expected, not a zip archive")
    if not data.startswith(GZIP):
        _within(data, most)
        return data
    found = bytearray()
    rest = data
    while rest:
        stream = zlib.decompressobj(wbits=31)
        try:
            while not stream.eof:
                piece = stream.decompress(rest, PIECE)
                rest = stream.unconsumed_tail
                found += piece
                _within(found, most)
                if not piece and not rest and not stream.eof:
                    raise Unfit("the gzip stream breaks off before its end")
        except zlib.error as fault:
            raise Unfit(f"a gzip stream was expected: {fault}") from None
        rest = stream.unused_data.lstrip(b"\0")  # several streams may follow each other; some tools pad with zeros
    return bytes(found)


def _within(data: bytes | bytearray, most: int) -> None:
    if len(data) > most:
        raise Unfit(f"at most {most:,} bytes were expected once inflated")
