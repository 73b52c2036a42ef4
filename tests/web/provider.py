"""A small OpenID Connect provider on loopback, with signed tokens; it can be told to misbehave in many ways."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "quality", "a secret: of the client & more"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Claims = dict[str, Any]


@dataclass
class Provider:
    """What the provider knows of, and how it answers. Each of the changes gets what would be said and gives what is."""

    issuer: str = ""
    email: str = "alice@example.com"
    person: Claims = field(default_factory=lambda: {"sub": "alice-1", "email_verified": True, "name": "Alice of SSO"})
    change_token: Callable[[Claims], Claims] = lambda claims: claims
    change_about: Callable[[Claims], Claims] = lambda claims: claims
    change_config: Callable[[Claims], Claims] = lambda config: config
    change_answer: Callable[[Claims], Any] = lambda answer: answer
    sign: Callable[[Claims], str] = lambda claims: jwt.encode(claims, KEY, "RS256", headers={"kid": "k1"})
    keys: Callable[[], list[Claims]] = lambda: [public(KEY, "k1")]
    refuse: str = ""
    codes: dict[str, Claims] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def about(self) -> Claims:
        """What userinfo says."""
        return self.change_about({"email": self.email, **self.person})

    def code_for(self, query: Claims) -> str:
        """A code as /authorize would give it to the browser."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return code

    def config(self) -> Claims:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        return self.change_config(found)

    def token(self, sent: Claims) -> tuple[int, Any]:
        """The answer of the token endpoint: to this client, for this code, by whoever began with it."""
        began = self.codes.pop(sent.get("code", ""), None)
        verifier = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        fits = (
            began is not None
            and (sent.get("client_id"), sent.get("client_secret")) == (CLIENT, SECRET)
            and sent.get("redirect_uri") == began["redirect_uri"]
            and base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() == began.get("code_challenge")
            and began.get("code_challenge_method") == "S256"
        )
        if not fits:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": began["nonce"],
            "email": self.email, **self.person,
        }  # fmt: skip
        signed = self.sign(self.change_token(claims))
        return 200, self.change_answer({"access_token": "at", "token_type": "Bearer", "id_token": signed})


def public(key: rsa.RSAPrivateKey, kid: str) -> Claims:
    """A key as a provider publishes it."""
    return json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256", "use": "sig"}


@contextmanager
def provider() -> Iterator[Provider]:
    """The provider, answering."""
    held = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            held.asked.append(where.path)
            if where.path == "/.well-known/openid-configuration":
                self.say(200, held.config())
            elif where.path == "/keys":
                self.say(200, {"keys": held.keys()})
            elif where.path == "/userinfo":
                self.say(200, held.about() if self.headers["Authorization"] == "Bearer at" else {})
            elif where.path == "/authorize":
                query = dict(parse_qsl(where.query))
                back = {"state": query["state"]}
                back |= {"error": held.refuse} if held.refuse else {"code": held.code_for(query)}
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
                self.end_headers()
            else:
                self.say(404, {})

        def do_POST(self) -> None:
            held.asked.append(self.path)
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = held.token({name: values[0] for name, values in parse_qs(sent).items()})
            self.say(status, answer)

        def say(self, status: int, answer: Any) -> None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    held.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
