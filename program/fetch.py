"""The one way out: a URL that a person typed is fetched from a public address that was checked, or not at all."""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import certifi
import idna
from django.conf import settings

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
TOTAL_SECONDS = 30.0
CHUNK = 65_536
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PORTS = {"http": 80, "https": 443}
SHORT = 4096
OVERHEAD = 1_000_000
"""What headers and the marks of chunks may take beside a body."""
PERMANENT = (400, 401, 403, 404, 410)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# No setting opens these: link-local with the clouds' metadata services in it and beside it, "this" network, multicast.
NEVER = _networks(
    "0.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "224.0.0.0/4",
    "255.255.255.255/32", "::/128", "fe80::/10", "fec0::/10", "fd00:ec2::/32", "fd20:ce::254/128", "ff00::/8",
)  # fmt: skip
# Special purpose registries (RFC 6890 and what came after it); `is_global` of older Pythons does not know all of them.
SPECIAL = _networks(
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
    "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)  # fmt: skip
UNICAST = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

# Host and port as they may stand in a URL; a user name, a zone and an escape have no place here.
AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|([^\[\]:@%]+))(?::([0-9]{1,5}))?")
NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
OURS = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade", "expect")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 2xx answer: header names in lower case, the body inflated, the address it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str


class FetchFailed(Exception):
    """Nothing was fetched. `permanent`: a setting is wrong and trying again soon is of no use.

    `sent`: at least a part of the request was on its way, so that it may have been taken. `status`: what the answer
    began with, if there was one; a 2xx here says that it was taken and only the rest of the answer was lost.
    """

    sent = False
    status: int | None = None

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        retry_after: int | None = None,
        body: bytes = b"",
    ) -> None:
        """`body` is the beginning of an answer that was no success: some sources say in it what they expected."""
        super().__init__(reason)
        self.reason = reason
        self.body = body
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a URL points to."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        name = f"[{self.host}]" if ":" in self.host else self.host.rstrip(".")
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


def is_allowed(address: str) -> bool:
    """Whether a literal address may be connected to: a public one, or one of OUTBOUND_ALLOW_NETWORKS."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    inner = _embedded(ip)
    if "%" in address or _within(ip, NEVER) or (inner is not None and _within(inner, NEVER)):
        return False
    return _within(ip, _allow_networks(tuple(getattr(settings, "OUTBOUND_ALLOW_NETWORKS", [])))) or _is_public(ip)


def checked_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, asked for once; raises FetchFailed if any one of them may not be connected to.

    Connect to one of these, never to the name: a second answer may be another one.
    """
    name = _ascii(host)
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise FetchFailed(f"The host {name} was not found; a name that resolves to an address was expected.") from None
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in found))
    if not addresses:
        raise FetchFailed(f"The host {name} has no address; at least one was expected.")
    for address in addresses:
        if not is_allowed(address):
            raise FetchFailed(
                f"The host {name} resolves to {address}, which is not public; "
                "a public address or one of OUTBOUND_ALLOW_NETWORKS was expected.",
                permanent=True,
            )
    return addresses


def check(url: str) -> str:
    """The host of a URL that may be fetched, as far as the URL alone tells. Raises FetchFailed."""
    host = _target(url).host
    literal = host if re.fullmatch(r"[0-9.]+|.*:.*", host) else ""
    if literal and not is_allowed(literal):
        raise FetchFailed(f"{literal} is not a public address.", permanent=True)
    return host


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = {},
    body: bytes | None = None,
    most: int = 5_000_000,
    handing: Callable[[], bool] | None = None,
) -> Fetched:
    """Fetch a URL, or raise FetchFailed: no redirects, no proxies, limited in time and, once inflated, in size.

    The reasons given name the host alone: paths, queries and headers may hold secrets. `handing` is called once the
    connection stands, right before the first byte of the request; if it answers False, nothing is sent.
    """
    target = _target(url)
    request = _request(target, method, headers, body)
    until = time.monotonic() + TOTAL_SECONDS
    way = _Way()
    try:
        with _reasons(target, until):
            address, opened = _open(target, checked_addresses(target.host, target.port), until)
            with closing(opened):
                if handing is not None and not handing():
                    raise FetchFailed(f"Nothing was sent to {target.host}: it was called off.")
                opened.settimeout(_left(until, READ_SECONDS))
                way.sent = True
                opened.sendall(request)
                timed = _Timed(opened, until, 4 * most + OVERHEAD)
                answer = http.client.HTTPResponse(timed, method=method)  # type: ignore[arg-type]
                with closing(answer):
                    answer.begin()
                    way.status = answer.status
                    _refuse_status(target, answer)
                    return Fetched(answer.status, _headers(answer), _body(target, answer, most), address)
    except FetchFailed as fault:
        fault.sent, fault.status = way.sent, way.status
        raise


@dataclass(slots=True)
class _Way:
    """How far a request came."""

    sent: bool = False
    status: int | None = None


@contextmanager
def _reasons(target: _Target, until: float) -> Iterator[None]:
    """Every fault of the network as FetchFailed, in words."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise FetchFailed(
            f"The certificate of {target.host} was not accepted ({error.verify_message.rstrip('.')}); "
            "a valid one for this name was expected.",
            permanent=True,
        ) from None
    except TimeoutError:
        late = time.monotonic() >= until
        limit = f"{TOTAL_SECONDS:g} s in all were expected" if late else f"{READ_SECONDS:g} s of silence were expected"
        raise FetchFailed(f"{target.host} took too long to answer; at most {limit}.") from None
    except http.client.HTTPException:
        raise FetchFailed(f"{target.host} broke off or did not speak HTTP; a whole HTTP answer was expected.") from None
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise FetchFailed(f"The connection to {target.host} failed ({what}); an answer was expected.") from None


# -- addresses --


def _within(ip: Address, networks: tuple[Network, ...]) -> bool:
    return any(ip in network for network in networks)


def _embedded(ip: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address carries: mapped, compatible, translated (NAT64), 6to4 or Teredo."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in NAT64 or 1 < int(ip) < 1 << 32:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _is_public(ip: Address) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and ip in NAT64:
        inner = _embedded(ip)
        return inner is not None and _is_public(inner) and not _within(inner, NEVER)
    if isinstance(ip, ipaddress.IPv6Address) and ip not in UNICAST:
        return False
    odd = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved or ip.is_unspecified
    return ip.is_global and not odd and not _within(ip, SPECIAL)


@lru_cache(maxsize=8)
def _allow_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return _networks(*(text.strip() for text in texts))
    except ValueError as error:
        raise FetchFailed(
            f"OUTBOUND_ALLOW_NETWORKS holds {error}; networks such as 10.0.0.0/8 were expected.", permanent=True
        ) from None


def _ascii(host: str) -> str:
    """A host as it is asked for: a literal address, or a name in ASCII and lower case."""
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        if "%" not in host:
            return str(literal)
    try:
        name = (host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")).lower()
    except UnicodeError:
        raise _unfit("a host name as the DNS has them was expected") from None
    dotless = name.removesuffix(".")
    if not NAME.fullmatch(dotless):
        raise _unfit("a host name as the DNS has them was expected")
    if NUMERIC.fullmatch(dotless.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise _unfit("an IPv4 address was expected as four decimal numbers") from None
    return name


# -- the request --


def _unfit(expected: str) -> FetchFailed:
    return FetchFailed(f"The URL cannot be fetched: {expected}.", permanent=True)


def _target(url: str) -> _Target:
    """What a URL says, read strictly: what two readers could read differently is refused."""
    if UNFIT.search(url):
        raise _unfit("no spaces, control characters or backslashes were expected")
    try:
        parts = urlsplit(url)
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~[]")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~[]?")
    except ValueError:
        raise _unfit("an http or https address was expected") from None
    if parts.scheme not in PORTS:
        raise _unfit("http or https was expected")
    if "@" in parts.netloc:
        raise _unfit("no user name or password was expected in it")
    found = AUTHORITY.fullmatch(parts.netloc)
    if found is None:
        raise _unfit("a host name and perhaps a port were expected")
    literal, name, port = found.groups()
    if port is not None and not 0 < int(port) < 65_536:
        raise _unfit("a port from 1 to 65535 was expected")
    host = _ascii(literal or name)
    return _Target(parts.scheme, host, int(port or PORTS[parts.scheme]), f"{path}?{query}" if query else path)


def _request(target: _Target, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    if method not in METHODS:
        raise FetchFailed(f"The method cannot be sent; one of {', '.join(METHODS)} was expected.", permanent=True)
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.authority}"]
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or name.lower() in OURS or name.lower().startswith("proxy-"):
            raise FetchFailed("A header cannot be sent; a name that is free to be set was expected.", permanent=True)
        if not VALUE.fullmatch(value):
            raise FetchFailed(f"The header {name} cannot be sent; one line of text was expected.", permanent=True)
        lines.append(f"{name}: {value}")
    if not any(name.lower() == "user-agent" for name in headers):
        lines.append("User-Agent: technical-quality")
    lines += ["Accept-Encoding: gzip, deflate", "Connection: close"]
    if body is not None or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body or b'')}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


# -- the connection --


def _left(until: float, most: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, most)


def _open(target: _Target, addresses: list[str], until: float) -> tuple[str, socket.socket]:
    """A connection to the first address that takes one; over TLS the certificate is checked against the name."""
    for address in addresses:
        try:
            plain = _connect(address, target.port, until)
        except OSError:
            continue
        try:
            plain.settimeout(_left(until, READ_SECONDS))
            return address, plain if target.scheme == "http" else _secured(plain, target.host)
        except BaseException:
            plain.close()
            raise
    limit = f"{CONNECT_SECONDS:g} s"
    raise FetchFailed(f"{target.host} took no connection on port {target.port}; one was expected within {limit}.")


def _connect(address: str, port: int, until: float) -> socket.socket:
    """A connection to a literal address; nothing is resolved here."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(_left(until, CONNECT_SECONDS))
        plain.connect((address, port))
        peer = str(plain.getpeername()[0])
        if ipaddress.ip_address(peer) != ipaddress.ip_address(address):
            raise FetchFailed(f"The connection reached {peer}; {address}, which was checked, was expected.")
    except BaseException:
        plain.close()
        raise
    return plain


def _secured(plain: socket.socket, host: str) -> socket.socket:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context.wrap_socket(plain, server_hostname=host.rstrip("."))


class _Timed(io.RawIOBase):
    """What http.client reads an answer from; every read heeds the time left in all, so a slow drip ends too.

    And the bytes left in all: http.client takes a chunk of size -1 for "all there is", and would keep it in memory.
    """

    def __init__(self, opened: socket.socket, until: float, most: int) -> None:
        self._opened = opened
        self._until = until
        self._left = most

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As a socket has it."""
        return io.BufferedReader(self, CHUNK)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._opened.settimeout(_left(self._until, READ_SECONDS))
        received = self._opened.recv_into(buffer)
        self._left -= received
        if self._left < 0:
            raise http.client.HTTPException("more than any answer takes")
        return received


# -- the answer --


def _beginning(target: _Target, answer: http.client.HTTPResponse) -> bytes:
    """The body of an answer that was no success, if it is a short one."""
    try:
        return _body(target, answer, SHORT)
    except FetchFailed:
        return b""


def _refuse_status(target: _Target, answer: http.client.HTTPResponse) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400 and status != 304:
        raise FetchFailed(
            f"{target.host} answered {status}, a redirect; redirects are not followed, "
            "the address of the data themselves was expected.",
            permanent=True,
        )
    raise FetchFailed(
        f"{target.host} answered {status}; 200 was expected.",
        permanent=status in PERMANENT,
        body=_beginning(target, answer),
        retry_after=_retry_after(answer) if status in (429, 503) else None,
    )


def _retry_after(answer: http.client.HTTPResponse) -> int | None:
    """Seconds to wait; a moment is measured against the answer's own Date, so no clocks are compared."""
    said = (answer.getheader("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said, re.ASCII):
        return int(said)
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(answer.getheader("Date") or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, int(wait.total_seconds()))


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in answer.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := _chunk(answer):
        yield chunk
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def _chunk(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(CHUNK)
    except ValueError:
        raise http.client.IncompleteRead(b"") from None  # a chunk of a size below zero


def _body(target: _Target, answer: http.client.HTTPResponse, most: int) -> bytes:
    """The body, inflated as it comes; over the limit nothing more is read."""
    encoding = (answer.getheader("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise FetchFailed(
            f"{target.host} answered in an encoding that was not asked for; gzip or deflate was expected.",
            permanent=True,
        )
    body, received, inflater = bytearray(), 0, None
    for chunk in _chunks(answer):
        received += len(chunk)
        if encoding == "identity":
            body += chunk
        while chunk and encoding != "identity":
            inflater = inflater or zlib.decompressobj(_window(encoding, chunk))
            try:
                body += inflater.decompress(chunk, most + 1 - len(body))
            except zlib.error:
                raise FetchFailed(f"The answer of {target.host} cannot be inflated; {encoding} was expected.") from None
            chunk = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if len(body) > most:
                break
            inflater = None if inflater.eof and chunk else inflater
        if len(body) > most or received > most + CHUNK:
            raise FetchFailed(
                f"The answer of {target.host} is too large; at most {most} bytes were expected.", permanent=True
            )
    if inflater is not None and not inflater.eof:
        raise FetchFailed(f"The answer of {target.host} broke off; {encoding} to its end was expected.")
    return bytes(body)


def _window(encoding: str, chunk: bytes) -> int:
    """How zlib is told what comes: gzip, or deflate in its wrapper or, as some send it, bare."""
    if encoding != "deflate":
        return 16 + zlib.MAX_WBITS
    return zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS
