"""Bytes as they came, inflated where they are gzip: never beyond a limit, and never a zip archive."""

from __future__ import annotations

import zlib

from .batch import Unfit

GZIP, ZIPS = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
PIECE = 1 << 14
"""Bytes that are inflated at a time: what follows a piece is not copied again for each."""
MOST_STREAMS = 20_000


def inflate(data: bytes, most: int) -> bytes:
    """The payload itself, at most `most` bytes of it. Raises Unfit on a bomb, a cut stream and a zip archive."""
    if data.startswith(GZIP):
        data = _inflated(memoryview(data), most)
    _within(data, most)
    if data.startswith(ZIPS):
        raise Unfit("the file itself or the file in gzip was expected, not a zip archive")
    return data


def _inflated(data: memoryview, most: int) -> bytes:
    """All streams of a gzip file; several may follow each other, and some tools pad with zeros."""
    found = bytearray()
    at, streams = 0, 0
    try:
        while at < len(data):
            streams += 1
            if streams > MOST_STREAMS:
                raise Unfit(f"at most {MOST_STREAMS:,} gzip streams were expected in one file")
            at = _stream(data, at, found, most)
            while at < len(data) and data[at] == 0:
                padded = bytes(data[at : at + PIECE])
                at += len(padded) - len(padded.lstrip(b"\0"))
    except zlib.error as fault:
        raise Unfit(f"a gzip stream was expected: {fault}") from None
    return bytes(found)


def _stream(data: memoryview, at: int, found: bytearray, most: int) -> int:
    """Inflate the stream that begins at a place; gives where it ends."""
    stream = zlib.decompressobj(wbits=31)
    while not stream.eof:
        if at >= len(data):
            raise Unfit("the gzip stream breaks off before its end")
        rest: bytes | memoryview = data[at : at + PIECE]
        at += len(rest)
        while rest and not stream.eof:
            found += stream.decompress(rest, 4 * PIECE)
            rest = stream.unconsumed_tail
            _within(found, most)
    return at - len(stream.unused_data)


def _within(data: bytes | bytearray, most: int) -> None:
    if len(data) > most:
        raise Unfit(f"at most {most:,} bytes were expected once inflated")
