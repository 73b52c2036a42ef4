"""The way out against a real server on this machine: what is sent, what is taken, and every way it says no."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from program import fetch as way_out
from program.fetch import Fetched, FetchFailed, checked_addresses, fetch, is_allowed

pytestmark = pytest.mark.once
Speak = Callable[[socket.socket], None]


class Server:
    """Answers each request with the same bytes, or by a script, and remembers what it was sent."""

    def __init__(self, answer: bytes | Speak, context: ssl.SSLContext | None = None) -> None:
        self.answer, self.context = answer, context
        self.requests: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self.listening.accept()
            except OSError:
                return
            with suppress(OSError), closing(taken):
                self._converse(taken)

    def _converse(self, plain: socket.socket) -> None:
        with self.context.wrap_socket(plain, server_side=True) if self.context else plain as taken:
            said = taken.recv(65_536)
            if not said:
                return
            head, _, body = said.partition(b"\r\n\r\n")
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length: "):
                    while len(body) < int(line[16:]):
                        more = taken.recv(65_536)
                        body, said = body + more, said + more
            self.requests.append(said)
            if callable(self.answer):
                self.answer(taken)
            else:
                taken.sendall(self.answer)

    def stop(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join(timeout=5)


@contextmanager
def serving(answer: bytes | Speak, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(answer, context)
    try:
        yield server
    finally:
        server.stop()


def http_answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    named = {"content-length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def failure(url: str, **more: object) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetch(url, **more)
    assert str(caught.value) == caught.value.reason
    return caught.value


def said_no(failed: FetchFailed) -> tuple[str, bool, int | None]:
    return failed.reason, failed.permanent, failed.retry_after


@pytest.fixture(autouse=True)
def _loopback_is_ours(settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]


# -- what is sent and what is taken --


def test_a_body_its_status_headers_and_address():
    with serving(http_answer(b'{"a": 1}', content_type="application/json", ETag='"7"')) as server:
        found = fetch(f"{server.url}data?at=1#part")
    headers = {"content-length": "8", "content-type": "application/json", "etag": '"7"'}
    assert found == Fetched(200, headers, b'{"a": 1}', "127.0.0.1")
    assert server.requests == [
        b"GET /data?at=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: technical-quality\r\n"
        b"Accept-Encoding: gzip, deflate\r\nConnection: close\r\n\r\n" % server.port
    ]


def test_a_post_with_headers_of_its_own():
    with serving(http_answer(status="202 Accepted")) as server:
        body = b"x" * 200_000
        found = fetch(server.url, method="POST", headers={"User-Agent": "me", "Authorization": "Bearer é"}, body=body)
    assert (found.status, found.body) == (202, b"")
    assert server.requests == [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: me\r\nAuthorization: Bearer \xe9\r\n"
        b"Accept-Encoding: gzip, deflate\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n" % server.port + body
    ]


def test_head_and_no_content_and_chunks_and_until_closed():
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n") as server:
        assert fetch(server.url, method="HEAD").body == b""
    with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        assert fetch(server.url).body == b""
    with serving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") as server:
        assert fetch(server.url).body == b"abcde"
    with serving(b"HTTP/1.0 200 OK\r\nA: 1\r\na: 2\r\n\r\nabc") as server:
        assert (fetch(server.url).body, fetch(server.url).headers) == (b"abc", {"a": "1, 2"})


def test_paths_beyond_ascii_are_escaped_and_escapes_are_kept():
    with serving(http_answer()) as server:
        fetch(f'{server.url}é/%2Fa"b?q=ü&r=[1]&s=%20')
    assert server.requests[0].split(b"\r\n")[0] == b"GET /%C3%A9/%2Fa%22b?q=%C3%BC&r=[1]&s=%20 HTTP/1.1"


def bare_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(data) + squeezer.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"abc" * 90_000)),
        ("X-GZip", gzip.compress(b"abc" * 30_000) + gzip.compress(b"abc" * 60_000)),
        ("deflate", zlib.compress(b"abc" * 90_000)),
        ("deflate", bare_deflate(b"abc" * 90_000)),
        ("identity", b"abc" * 90_000),
    ],
)
def test_a_packed_body_is_inflated_and_may_be_as_large_as_the_limit(encoding, packed):
    with serving(http_answer(packed, content_encoding=encoding)) as server:
        assert fetch(server.url, most=270_000).body == b"abc" * 90_000
        too_large = "The answer of 127.0.0.1 is too large; at most 269999 bytes were expected."
        assert said_no(failure(server.url, most=269_999)) == (too_large, True, None)


def test_an_empty_packed_body_is_empty():
    with serving(http_answer(b"", content_encoding="gzip")) as server:
        assert fetch(server.url).body == b""


def test_a_bomb_is_not_read_to_its_end():
    block = gzip.compress(bytes(10_000_000))
    sent: list[int] = []

    def bomb(taken: socket.socket) -> None:
        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        for _ in range(10_000):  # 100 GB, inflated
            taken.sendall(block)
            sent.append(len(block))

    began = time.monotonic()
    with serving(bomb) as server:
        too_large = "The answer of 127.0.0.1 is too large; at most 5000000 bytes were expected."
        assert said_no(failure(server.url)) == (too_large, True, None)
    assert time.monotonic() - began < 5
    assert len(sent) < 2_000


def test_an_endless_body_of_nothing_ends():
    nothing = gzip.compress(b"") * 1_000

    def drone(taken: socket.socket) -> None:
        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        while True:
            taken.sendall(nothing)

    with serving(drone) as server:
        too_large = "The answer of 127.0.0.1 is too large; at most 1000 bytes were expected."
        assert failure(server.url, most=1_000).reason == too_large


def test_a_chunk_that_says_it_is_all_there_is_is_not_kept():
    block = bytes(1_000_000)
    sent: list[int] = []

    def flood(taken: socket.socket) -> None:
        taken.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
        for _ in range(300):
            taken.sendall(block)
            sent.append(len(block))

    with serving(flood) as server:
        broke_off = "127.0.0.1 broke off or did not speak HTTP; a whole HTTP answer was expected."
        assert said_no(failure(server.url, most=65_536)) == (broke_off, False, None)
    assert len(sent) < 20


@pytest.mark.parametrize(
    ("answer", "reason", "permanent"),
    [
        (http_answer(b"abc", content_encoding="br"),
         "127.0.0.1 answered in an encoding that was not asked for; gzip or deflate was expected.", True),
        (http_answer(b"abc", content_encoding="gzip, gzip"),
         "127.0.0.1 answered in an encoding that was not asked for; gzip or deflate was expected.", True),
        (http_answer(b"abc", content_encoding="gzip"),
         "The answer of 127.0.0.1 cannot be inflated; gzip was expected.", False),
        (http_answer(gzip.compress(b"abc", mtime=0)[:-4], content_encoding="gzip"),
         "The answer of 127.0.0.1 broke off; gzip to its end was expected.", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
         "127.0.0.1 broke off or did not speak HTTP; a whole HTTP answer was expected.", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
         "127.0.0.1 broke off or did not speak HTTP; a whole HTTP answer was expected.", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
         "127.0.0.1 broke off or did not speak HTTP; a whole HTTP answer was expected.", False),
        (b"220 mail.example ESMTP\r\n",
         "127.0.0.1 broke off or did not speak HTTP; a whole HTTP answer was expected.", False),
        (b"", "127.0.0.1 broke off or did not speak HTTP; a whole HTTP answer was expected.", False),
    ],
)  # fmt: skip
def test_what_is_no_whole_answer_is_none(answer, reason, permanent):
    with serving(answer) as server:
        assert said_no(failure(server.url)) == (reason, permanent, None)


# -- statuses --


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
def test_redirects_are_not_followed(status):
    with serving(http_answer(b"", f"{status} Over there")) as other:
        with serving(http_answer(b"", f"{status} Over there", location=other.url)) as server:
            reason = (
                f"127.0.0.1 answered {status}, a redirect; redirects are not followed, "
                "the address of the data themselves was expected."
            )
            assert said_no(failure(server.url)) == (reason, True, None)
        assert other.requests == []


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (400, 401, 403, 404, 410)),
        (304, False),
        (408, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
        (101, False),
    ],
)
def test_other_statuses_fail_and_say_whether_to_try_again(status, permanent):
    with serving(http_answer(b"no", f"{status} No")) as server:
        assert said_no(failure(server.url)) == (f"127.0.0.1 answered {status}; 200 was expected.", permanent, None)


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        (429, {"retry_after": "120"}, 120),
        (503, {"retry_after": " 0 "}, 0),
        (503, {"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        (503, {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0),
        (503, {"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        (503, {"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 -0000"}, None),
        (429, {"retry_after": "9" * 5000}, None),
        (
            429,
            {"retry_after": "Wed, 21 Oct 99999999999999 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            None,
        ),
        (
            429,
            {"retry_after": "Wed, 21 Oct 2026 07:28:30 +99999999999999", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            None,
        ),
        (429, {"retry_after": "-5"}, None),
        (429, {"retry_after": "soon"}, None),
        (500, {"retry_after": "120"}, None),
        (404, {"retry_after": "120"}, None),
    ],
)
def test_how_long_to_wait_is_taken_from_the_answer(status, said, seconds):
    with serving(http_answer(b"", f"{status} No", **said)) as server:
        assert failure(server.url).retry_after == seconds


# -- time --


def drip(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        taken.sendall(b"x")
        time.sleep(0.05)


def drip_headers(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\nA: ")
    for _ in range(1000):
        taken.sendall(b"x")
        time.sleep(0.05)


def drip_header_lines(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 100 Continue\r\n")
    for _ in range(1000):
        taken.sendall(b"A: b\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("speak", [drip, drip_headers, drip_header_lines])
def test_a_slow_drip_ends_after_the_time_in_all(monkeypatch, speak):
    monkeypatch.setattr(way_out, "TOTAL_SECONDS", 0.5)
    with serving(speak) as server:
        began = time.monotonic()
        reason = "127.0.0.1 took too long to answer; at most 0.5 s in all were expected."
        assert said_no(failure(server.url)) == (reason, False, None)
        assert 0.4 < time.monotonic() - began < 2


def test_silence_ends_after_the_time_for_a_read(monkeypatch):
    monkeypatch.setattr(way_out, "READ_SECONDS", 0.3)
    with serving(lambda taken: time.sleep(1)) as server:
        reason = "127.0.0.1 took too long to answer; at most 0.3 s of silence were expected."
        assert said_no(failure(server.url)) == (reason, False, None)


def test_silence_in_place_of_tls_ends_too(monkeypatch):
    monkeypatch.setattr(way_out, "READ_SECONDS", 0.3)
    with serving(lambda taken: time.sleep(1)) as server:
        reason = "127.0.0.1 took too long to answer; at most 0.3 s of silence were expected."
        assert failure(server.url.replace("http:", "https:")).reason == reason


def test_a_port_where_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reason = f"127.0.0.1 took no connection on port {port}; one was expected within 3 s."
    assert said_no(failure(f"http://127.0.0.1:{port}/")) == (reason, False, None)


def test_a_connection_cut_off_in_mid_answer():
    def cut(taken: socket.socket) -> None:
        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with serving(cut) as server:
        assert failure(server.url).permanent is False


# -- what is not asked at all --


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ftp://feeds.example/", "http or https was expected"),
        ("file:///etc/passwd", "http or https was expected"),
        ("feeds.example/data", "http or https was expected"),
        ("//feeds.example/data", "http or https was expected"),
        ("", "http or https was expected"),
        ("http:///data", "a host name and perhaps a port were expected"),
        ("http://me:secret@feeds.example/", "no user name or password was expected in it"),
        ("http://@feeds.example/", "no user name or password was expected in it"),
        ("http://feeds.example\\@other.example/", "no spaces, control characters or backslashes were expected"),
        ("http://feeds.example/a\r\nHost: x", "no spaces, control characters or backslashes were expected"),
        (" http://feeds.example/", "no spaces, control characters or backslashes were expected"),
        ("http://feeds.example:/", "a host name and perhaps a port were expected"),
        ("http://feeds.example:0/", "a port from 1 to 65535 was expected"),
        ("http://feeds.example:65536/", "a port from 1 to 65535 was expected"),
        ("http://feeds.example:-1/", "a host name and perhaps a port were expected"),
        ("http://feeds.example:８０/", "a host name and perhaps a port were expected"),
        ("http://feeds%2eexample/", "a host name and perhaps a port were expected"),
        ("http://[::1%25lo]/", "a host name and perhaps a port were expected"),
        ("http://[::1/", "an http or https address was expected"),
        ("http://2130706433/", "an IPv4 address was expected as four decimal numbers"),
        ("http://0x7f.1/", "an IPv4 address was expected as four decimal numbers"),
        ("http://127.1/", "an IPv4 address was expected as four decimal numbers"),
        ("http://0177.0.0.1/", "an IPv4 address was expected as four decimal numbers"),
        ("http://127.0.0.1./", "an IPv4 address was expected as four decimal numbers"),
        ("http://feeds..example/", "a host name as the DNS has them was expected"),
        ("http://feeds.example../", "a host name as the DNS has them was expected"),
        (f"http://{'a' * 64}.example/", "a host name as the DNS has them was expected"),
        ("http://feeds.exam!ple/", "a host name as the DNS has them was expected"),
        ("http://\u2603\ufe0f\u200d.example/", "a host name as the DNS has them was expected"),
        ("http://feeds.example/\ud800", "an http or https address was expected"),
    ],
)
def test_urls_that_are_refused_unasked(monkeypatch, url, expected):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("no name was to be asked for"))
    assert said_no(failure(url)) == (f"The URL cannot be fetched: {expected}.", True, None)


def test_headers_and_methods_that_are_refused():
    taken = "A header cannot be sent; a name that is free to be set was expected."
    for name in (
        "Host",
        "host",
        "Content-Length",
        "Transfer-Encoding",
        "Proxy-Authorization",
        "A B",
        "A:",
        "A\r\nB",
        "",
    ):
        assert said_no(failure("http://127.0.0.1/", headers={name: "x"})) == (taken, True, None)
    for value in ("a\r\nHost: b", "a\nb", "a\rb", "a\0b", "snow ☃", "a\x7f"):
        reason = "The header X-Key cannot be sent; one line of text was expected."
        assert said_no(failure("http://127.0.0.1/", headers={"X-Key": value})) == (reason, True, None)
    methods = "The method cannot be sent; one of GET, HEAD, POST, PUT, PATCH, DELETE was expected."
    for method in ("CONNECT", "get", "GET / HTTP/1.1\r\nX:", ""):
        assert said_no(failure("http://127.0.0.1/", method=method)) == (methods, True, None)


# -- addresses --

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
OTHER = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.0.1", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "100.100.100.200", "::", "::1", "::8.8.8.8", "::127.0.0.1", "::ffff:8.8.8.8", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:53aa:64c:0:0:80ff:fffe",
    "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%lo", "2606:4700::1111%lo", "fec0::1", "ff02::1", "4000::1",
    "", "localhost", "127.1", "2130706433", "8.8.8.8 ", "8.8.8.8/32", "08.8.8.8",
]  # fmt: skip


def test_public_addresses_and_no_others(settings):
    settings.OUTBOUND_ALLOW_NETWORKS = []
    assert [address for address in PUBLIC if not is_allowed(address)] == []
    assert [address for address in [*OTHER, "127.0.0.1"] if is_allowed(address)] == []
    del settings.OUTBOUND_ALLOW_NETWORKS
    assert (is_allowed("8.8.8.8"), is_allowed("127.0.0.1")) == (True, False)


def test_a_network_of_ones_own_opens_itself_and_nothing_else(settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["10.0.0.0/8", " fd12::/16 ", "::1/128"]
    assert [address for address in OTHER if is_allowed(address)] == ["10.0.0.1", "::1"]
    assert is_allowed("fd12::5")
    settings.OUTBOUND_ALLOW_NETWORKS = ["0.0.0.0/0", "::/0"]
    never = ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "0.0.0.0", "224.0.0.1", "fe80::1"]
    never += ["fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::a9fe:a9fe"]
    assert [address for address in never if is_allowed(address)] == []


def test_a_network_that_is_none_is_named(settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["10.0.0.5/8"]
    reason = "OUTBOUND_ALLOW_NETWORKS holds 10.0.0.5/8 has host bits set; networks such as 10.0.0.0/8 were expected."
    assert said_no(failure("http://10.0.0.5/")) == (reason, True, None)


@pytest.fixture
def names(monkeypatch):
    """Names and the addresses they resolve to; what was asked for is counted."""
    known: dict[str, list[str]] = {}
    asked: list[str] = []

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        asked.append(host)
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, type, proto, "", (a, port)) for a in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    known["asked"] = asked
    return known


def test_every_address_is_checked(names):
    names |= {"two.example": ["8.8.8.8", "10.0.0.1"], "good.example": ["8.8.8.8", "1.1.1.1", "8.8.8.8"], "none": []}
    assert checked_addresses("good.example", 443) == ["8.8.8.8", "1.1.1.1"]
    for call in (lambda: checked_addresses("two.example", 5432), lambda: fetch("https://two.example/")):
        with pytest.raises(FetchFailed) as caught:
            call()
        assert said_no(caught.value) == (
            "The host two.example resolves to 10.0.0.1, which is not public; "
            "a public address or one of OUTBOUND_ALLOW_NETWORKS was expected.",
            True,
            None,
        )
    assert names["asked"] == ["good.example", "two.example", "two.example"]
    missing = "The host missing.example was not found; a name that resolves to an address was expected."
    assert said_no(failure("https://missing.example/")) == (missing, False, None)
    assert failure("http://none/").reason == "The host none has no address; at least one was expected."


def test_a_name_is_asked_for_once_and_sent_as_the_host(names):
    names |= {"feeds.example": ["127.0.0.1"], "xn--bcher-kva.example.": ["127.0.0.1"]}
    with serving(http_answer(b"abc")) as server:
        assert fetch(f"http://FEEDS.example:{server.port}/").address == "127.0.0.1"
        assert fetch(f"http://Bücher.example.:{server.port}/").body == b"abc"
    assert names["asked"] == ["feeds.example", "xn--bcher-kva.example."]
    assert [request.split(b"\r\n")[1] for request in server.requests] == [
        b"Host: feeds.example:%d" % server.port,
        b"Host: xn--bcher-kva.example:%d" % server.port,
    ]


def test_the_next_address_is_tried_when_one_takes_no_connection(names):
    names |= {"feeds.example": ["127.0.0.2", "127.0.0.1"]}
    with serving(http_answer(b"abc")) as server:  # it listens on 127.0.0.1 alone
        real = socket.socket.connect

        def connect(self, address):
            if address[0] == "127.0.0.2":
                raise ConnectionRefusedError(111, "refused")
            real(self, address)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket.socket, "connect", connect)
            assert fetch(f"http://feeds.example:{server.port}/").address == "127.0.0.1"


def test_a_connection_that_reached_another_address_is_dropped(monkeypatch):
    monkeypatch.setattr(socket.socket, "getpeername", lambda self: ("10.0.0.7", 80))
    with serving(http_answer(b"abc")) as server:
        reason = "The connection reached 10.0.0.7; 127.0.0.1, which was checked, was expected."
        assert failure(server.url).reason == reason
    assert server.requests == []


def test_proxies_and_netrc_of_the_environment_are_not_heeded(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(http_answer(b"proxy")) as proxy, serving(http_answer(b"abc")) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert fetch(server.url).body == b"abc"
    assert proxy.requests == []
    assert b"Authorization" not in server.requests[0]


# -- TLS --


def certificate(folder: Path, name: str, days: int = 1) -> tuple[Path, ssl.SSLContext]:
    """A certificate that signs itself, for one name; its file, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=3))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context


def test_a_certificate_that_nobody_vouches_for_is_refused(names, tmp_path):
    names |= {"feeds.example": ["127.0.0.1"]}
    _, context = certificate(tmp_path, "feeds.example")
    with serving(http_answer(b"abc"), context) as server:
        reason = (
            "The certificate of feeds.example was not accepted (self-signed certificate); "
            "a valid one for this name was expected."
        )
        assert said_no(failure(f"https://feeds.example:{server.port}/")) == (reason, True, None)
    assert server.requests == []


def test_a_certificate_vouched_for_is_checked_against_the_name(names, tmp_path, monkeypatch):
    names |= {"feeds.example": ["127.0.0.1"], "feeds.example.": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    pem, context = certificate(tmp_path, "feeds.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))  # as a company names its own authority
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with serving(http_answer(b"abc"), context) as server:
        assert fetch(f"https://feeds.example:{server.port}/").body == b"abc"
        assert fetch(f"https://feeds.example.:{server.port}/").address == "127.0.0.1"
        for host, doubt in (
            ("other.example", "Hostname mismatch, certificate is not valid for 'other.example'"),
            ("127.0.0.1", "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ):
            names["127.0.0.1"] = ["127.0.0.1"]
            reason = f"The certificate of {host} was not accepted ({doubt}); a valid one for this name was expected."
            assert failure(f"https://{host}:{server.port}/").reason == reason
    assert asked_for == ["feeds.example", "feeds.example", "other.example", None]
    assert len(server.requests) == 2
    assert server.requests[0].split(b"\r\n")[1] == b"Host: feeds.example:%d" % server.port


def test_a_certificate_past_its_time_is_refused(names, tmp_path, monkeypatch):
    names |= {"feeds.example": ["127.0.0.1"]}
    pem, context = certificate(tmp_path, "feeds.example", days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with serving(http_answer(b"abc"), context) as server:
        assert "(certificate has expired)" in failure(f"https://feeds.example:{server.port}/").reason


def test_a_server_that_speaks_no_tls():
    with serving(http_answer(b"abc")) as server:
        failed = failure(server.url.replace("http:", "https:"))
    assert failed.reason.startswith("The connection to 127.0.0.1 failed (")
    assert failed.permanent is False


def test_handing_is_called_once_the_connection_stands_and_may_call_it_off():
    with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        asked: list[int] = []
        fetch(server.url, method="POST", body=b"x", handing=lambda: not asked.append(len(server.requests)))
        assert (asked, len(server.requests)) == ([0], 1)
        with pytest.raises(FetchFailed, match="called off") as called_off:
            fetch(server.url, method="POST", body=b"x", handing=lambda: False)
        assert (called_off.value.sent, called_off.value.status, len(server.requests)) == (False, None, 1)
    with pytest.raises(FetchFailed, match="took no connection") as refused:
        fetch(server.url, method="POST", body=b"x", handing=lambda: bool(asked.append(9)))
    assert (refused.value.sent, asked) == (False, [0])


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", 302),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", 200),
        (b"", None),
        (b"nonsense", None),
    ],
)
def test_a_failure_says_whether_the_request_was_on_its_way_and_how_the_answer_began(answer, status):
    with serving(answer) as server, pytest.raises(FetchFailed) as failed:
        fetch(server.url, method="POST", body=b"x")
    assert (failed.value.sent, failed.value.status) == (True, status)
