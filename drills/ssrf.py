"""ssrf: URLs that want the service to knock at doors inside; resolver and connections are stubs, nothing leaves."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from drills.figures import Figure, say
from drills.ground import ground

SECONDS = 60.0
METADATA = "169.254.169.254"

# The drill's own word for what may be reached, so that the guard is not judged by itself: these, and nothing else.
PUBLIC = ("8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e")
INSIDE = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.254", "100.64.0.1", "100.100.100.200", "100.127.255.254", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.254", "192.0.0.1",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.254", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::a00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1",
    "2002:a00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254",
    "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
)  # fmt: skip


@dataclass(frozen=True)
class Vector:
    """One try: a URL, what the resolver says to its host the first time, the second and so on, what else is sent."""

    url: str
    answers: tuple[tuple[str, ...], ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    redirect: str = ""


def vectors() -> Iterator[Vector]:
    """All tries, none of which may reach anything inside or bring anything back."""
    for address in INSIDE:
        yield Vector(f"http://{f'[{address}]' if ':' in address else address}/")
        yield Vector("http://feeds.example/", ((address,),))
    for address in ("127.0.0.1", METADATA, "10.0.0.1", "::1", "fd00:ec2::254"):
        for public in ("8.8.8.8", "2606:4700:4700::1111"):
            yield Vector("http://mixed.example/", ((public, address),))
            yield Vector("http://mixed.example/", ((address, public),))
            yield Vector("http://mixed.example/", ((public, "1.1.1.1", public, address),))
    yield from map(Vector, ODD_FORMS)
    for name in ("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "a.localhost", "ip6-localhost"):
        yield Vector(f"http://{name}/", (("127.0.0.1", "::1"),))
    for name in ("metadata.google.internal", "127.0.0.1.nip.example", "kubernetes.default.svc", "redis", "postgres"):
        yield Vector(f"http://{name}/", ((METADATA,),))
    for status in ("300", "301", "302", "303", "307", "308"):
        yield Vector("http://feeds.example/", (("8.8.8.8",),), redirect=f"{status} Moved")
    for value in ("a\r\nHost: inside", "a\nX: b", "a\rb", "a\r\n\r\nGET / HTTP/1.1"):
        yield Vector("http://feeds.example/", (("8.8.8.8",),), {"headers": {"X-Key": value}})
        yield Vector("http://feeds.example/", (("8.8.8.8",),), {"headers": {value: "x"}})
    for name in ("Host", "hOST", "Transfer-Encoding", "Content-Length", "Proxy-Authorization"):
        yield Vector("http://feeds.example/", (("8.8.8.8",),), {"headers": {name: "inside"}})
    for method in ("CONNECT", "GET http://127.0.0.1/ HTTP/1.1\r\nX:"):
        yield Vector("http://feeds.example/", (("8.8.8.8",),), {"method": method})


ODD_FORMS = (
    # IPv4 in other words: decimal, octal, hexadecimal, shortened, padded, in other scripts' digits and dots
    "http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/",
    "http://127.0.1/", "http://0177.0.0.1/", "http://0x7f.0x0.0x0.0x1/", "http://127.0.0.01/", "http://0/",
    "http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/", "http://169.16689662/",
    "http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://127。0。0。1/", "http://127．0．0．1/",
    "http://127｡0｡0｡1/", "http://١٢٧.٠.٠.١/", "http://127.0.0.1./", "http://127.0.0.1../", "http://.127.0.0.1/",
    "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://127.0.0.1%2f/", "http://%31%32%37.0.0.1/",
    "http://4294967297/", "http://127.0.0.1\u200b/", "http://127.0.0.1\xad/", "http://256.0.0.1/",
    # IPv6 in other words
    "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:a9fe:a9fe]/", "http://[0000::1]/",
    "http://[::127.0.0.1]/", "http://[::1%25lo]/", "http://[fe80::1%25eth0]/", "http://[::1%lo]/", "http://[127.0.0.1]/",
    "http://[::1/", "http://::1/", "http://[v1.localhost]/", "http://x[::1]/", "http://[::1]x/",
    # who is the host here?
    "http://user:secret@127.0.0.1/", "http://8.8.8.8@127.0.0.1/", "http://@127.0.0.1/", "http://127.0.0.1@8.8.8.8/",
    "http://8.8.8.8:80@127.0.0.1/", "http://127.0.0.1#@8.8.8.8/", "http://8.8.8.8\\@127.0.0.1/",
    "http://127.0.0.1\\@8.8.8.8/", "http://8.8.8.8 @127.0.0.1/", "http://127.0.0.1\t.example/", "http:\\\\127.0.0.1/",
    "http:/127.0.0.1/", "http:127.0.0.1/", "http:///127.0.0.1/", "http:////127.0.0.1/", "//127.0.0.1/", "127.0.0.1/",
    " http://127.0.0.1/", "\x00http://127.0.0.1/", "http://127.0.0.1;8.8.8.8/", "http://127.0.0.1,8.8.8.8/",
    "http://127.0.0.1\uff03@8.8.8.8/", "http://8.8.8.8\uff0f@127.0.0.1/",
    # ports
    "http://8.8.8.8:0/", "http://8.8.8.8:65536/", "http://8.8.8.8:-80/", "http://8.8.8.8:+80/", "http://8.8.8.8:/",
    "http://8.8.8.8:80:80/", "http://8.8.8.8:８０/", "http://8.8.8.8:8_0/", "http://127.0.0.1:6379/",
    "http://127.0.0.1:25/", "http://8.8.8.8:80 127.0.0.1/", "http://[::1]:5432/",
    # schemes
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://8.8.8.8/", "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "tftp://8.8.8.8/a", "jar:http://8.8.8.8!/", "data:text/plain,a",
    "ws://8.8.8.8/", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "netdoc:///etc/passwd",
    "javascript:alert(1)", "url:http://127.0.0.1/", "hTTp+x://127.0.0.1/", "",
    # lines within lines
    "http://8.8.8.8/\r\nHost: inside", "http://8.8.8.8\r\n.example/", "http://8.8.8.8/a\nb", "http://8.8.8.8/ HTTP/1.1",
    "http://8.8.8.8/\x85\r", "http://127.0.0.1:6379/\r\nFLUSHALL\r\n", "http://8.8.8.8/\ud800",
    # names that are none
    f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/", "http://a..example/", "http://-\u200d.example/",
    "http://*/", "http://a!b.example/", "http://xn--\xfc.example/",
)  # fmt: skip


def rebinding() -> Iterator[Vector]:
    """A resolver that says something public first, and something inside to whoever asks again: this is fetched once."""
    for address in INSIDE:
        yield Vector("http://rebound.example/", (("8.8.8.8",), (address,)))
    for address in ("127.0.0.1", METADATA, "fd00:ec2::254"):
        yield Vector("http://rebound.example/", (("2606:4700:4700::1111", "8.8.8.8"), ("8.8.8.8", address), (address,)))


def controls() -> Iterator[Vector]:
    """What must be reached, or a guard that refuses everything would look good."""
    for address in PUBLIC:
        host = f"[{address}]" if ":" in address else address
        yield Vector(f"http://{host}/")
        yield Vector(f"http://{host}:8080/a?b=c")
        yield Vector("http://feeds.example/", ((address,),))
        yield Vector("http://feeds.example./", ((address, *PUBLIC),))
    yield Vector("http://Bücher.example/", (("8.8.8.8",),))
    yield Vector("http://8.8.8.8#@127.0.0.1/")
    yield Vector("http://8.8.8.8?@127.0.0.1/")
    yield Vector("http://feeds.example/", (("64:ff9b::808:808",),))


REACHABLE = {*PUBLIC, "64:ff9b::808:808"}


class Land:
    """The stubs: a resolver by script, and connections that are noted and end at a small server of this process."""

    def __init__(self) -> None:
        self.vector = Vector("")
        self.asked = 0
        self.reached: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._peers: dict[int, str] = {}
        self._resolve, self._connect, self._peer = socket.getaddrinfo, socket.socket.connect, socket.socket.getpeername
        threading.Thread(target=self._serve, daemon=True).start()

    def getaddrinfo(self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """By the vector's script; without one only literal addresses are read, in all forms that the system knows."""
        self.asked += 1
        if not self.vector.answers:
            return self._resolve(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        addresses = self.vector.answers[min(self.asked, len(self.vector.answers)) - 1]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    @contextmanager
    def stubbed(self) -> Iterator[None]:
        """In here no connection leaves the process, wherever it is meant to go."""
        land = self

        def connect(opened: socket.socket, address: Any) -> None:
            land.reached.append(str(address[0]))
            inner = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            land._connect(inner, land._listening.getsockname())
            timeout = opened.gettimeout()
            _take_over(opened, inner)
            opened.settimeout(timeout)
            land._peers[id(opened)] = str(address[0])

        def getpeername(opened: socket.socket) -> Any:
            return (land._peers.get(id(opened), ""), 0)

        stubs: dict[str, Callable[..., Any]] = {"connect": connect, "connect_ex": connect, "getpeername": getpeername}
        real = {name: getattr(socket.socket, name) for name in stubs}
        for name, stub in stubs.items():
            setattr(socket.socket, name, stub)
        socket.getaddrinfo = self.getaddrinfo
        try:
            yield
        finally:
            socket.getaddrinfo = self._resolve
            for name, was in real.items():
                setattr(socket.socket, name, was)

    def _serve(self) -> None:
        while True:
            taken, _ = self._listening.accept()
            with closing(taken), suppress(OSError):
                taken.recv(65_536)
                status = self.vector.redirect or "200 OK"
                where = f"Location: http://{METADATA}/latest/meta-data/\r\n" if self.vector.redirect else ""
                taken.sendall(f"HTTP/1.1 {status}\r\n{where}Content-Length: 6\r\n\r\nsecret".encode())


def _take_over(opened: socket.socket, inner: socket.socket) -> None:
    """Let a socket go on with another one's connection."""
    os.dup2(inner.fileno(), opened.fileno())
    inner.close()


@dataclass
class Outcome:
    """What a run of vectors came to."""

    vectors: int = 0
    inside: int = 0
    public: int = 0
    brought_back: int = 0
    most_asked: int = 0
    surprises: list[str] = field(default_factory=list)


def run(land: Land, tries: Iterator[Vector]) -> Outcome:
    """Fetch each vector; count what was reached, by the drill's own list."""
    from program.fetch import FetchFailed, fetch

    outcome = Outcome()
    for vector in tries:
        land.vector, land.asked, land.reached = vector, 0, []
        try:
            outcome.brought_back += bool(fetch(vector.url, **vector.more).body)
        except FetchFailed:
            pass
        except Exception as error:
            outcome.surprises.append(f"{vector.url!r}: {error!r}")
        outcome.vectors += 1
        outcome.inside += sum(address not in REACHABLE for address in land.reached)
        outcome.public += any(address in REACHABLE for address in land.reached)
        outcome.most_asked = max(outcome.most_asked, land.asked)
    return outcome


# -- sabotage: a guard is taken out, in this process only --


@contextmanager
def _in_place_of(name: str, other: Callable[..., Any]) -> Iterator[None]:
    from program import fetch as way_out

    real = getattr(way_out, name)
    setattr(way_out, name, other)
    try:
        yield
    finally:
        setattr(way_out, name, real)


def resolve_again(land: Land) -> Outcome:
    """The name is checked, and then resolved once more to connect to: what a rebinding resolver waits for."""
    from program import fetch as way_out

    guarded = way_out._open

    def open_again(target: Any, _addresses: list[str], until: float) -> Any:
        again = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        return guarded(target, [str(answer[4][0]) for answer in again], until)

    with _in_place_of("_open", open_again):
        return run(land, rebinding())


def check_the_first(land: Land) -> Outcome:
    """Of several addresses only the first is checked, and the last is connected to."""
    from program import fetch as way_out

    def addresses(host: str, port: int) -> list[str]:
        found = [str(answer[4][0]) for answer in socket.getaddrinfo(host, port)]
        if not way_out.is_allowed(found[0]):
            raise way_out.FetchFailed("not public")
        return found[::-1]

    with _in_place_of("checked_addresses", addresses):
        return run(land, vectors())


def check_nothing(land: Land) -> Outcome:
    """Every address is good enough."""
    with _in_place_of("is_allowed", lambda _address: True):
        return run(land, vectors())


def follow_redirects(land: Land) -> Outcome:
    """A redirect is followed, as most HTTP clients do by themselves."""
    from program import fetch as way_out

    def follow(_target: Any, answer: Any) -> None:
        where = answer.getheader("Location")
        if where:
            way_out._connect(where.split("/")[2], 80, time.monotonic() + 5).close()

    with _in_place_of("_refuse_status", follow):
        return run(land, vectors())


TWINS = (resolve_again, check_the_first, check_nothing, follow_redirects)


def main() -> None:
    """The drill, its controls and its sabotaged twins."""
    began = time.monotonic()
    with ground():
        from django.test.utils import override_settings

        with override_settings(OUTBOUND_ALLOW_NETWORKS=[]):
            land = Land()
            with land.stubbed():
                refused, rebound, reached = run(land, vectors()), run(land, rebinding()), run(land, controls())
                twins = {twin.__name__: twin(land) for twin in TWINS}
    _figures(refused, rebound, reached)
    for name, twin in twins.items():
        _say(f"sabotage.{name}.inside", twin.inside, "connections", "> 0: the drill sees it", twin.inside > 0)
    seconds = round(time.monotonic() - began, 1)
    _say("seconds", seconds, "s", f"<= {SECONDS:g}", seconds <= SECONDS)


def _figures(refused: Outcome, rebound: Outcome, reached: Outcome) -> None:
    tried = refused.vectors + rebound.vectors
    _say("vectors", tried, "URLs", ">= 80", tried >= 80)
    inside = refused.inside + rebound.inside + reached.inside
    _say("inside", inside, "connections to an address that is not public", "0", inside == 0)
    _say("brought_back", refused.brought_back, f"of {refused.vectors} vectors", "0", refused.brought_back == 0)
    pinned = rebound.brought_back
    _say("rebinding", pinned, "vectors pinned to what was checked", str(rebound.vectors), pinned == rebound.vectors)
    _say("controls", reached.brought_back, "fetched", str(reached.vectors), reached.brought_back == reached.vectors)
    asked = max(refused.most_asked, rebound.most_asked, reached.most_asked)
    _say("resolutions", asked, "of a name at most, a fetch", "1", asked == 1)
    surprises = refused.surprises + rebound.surprises + reached.surprises
    _say("surprises", len(surprises), "; ".join(surprises) or "errors other than a refusal", "0", not surprises)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"ssrf.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()
