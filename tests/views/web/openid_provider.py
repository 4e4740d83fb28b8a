"""A small provider of OpenID Connect: the code flow with PKCE, RS256."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import unquote, urlencode

import attrs
from joserfc import jwt
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

__all__ = ["CLIENT", "SECRET", "SmallProvider"]

CLIENT, SECRET = "coresnap", "s3cr3t/with:signs"


@attrs.define
class SmallProvider:
    """Lets one person in, whoever asks."""

    server: HTTPServer
    name: str = "ada"
    claims: dict[str, Any] = attrs.field(factory=dict)
    """What is said instead of the truth."""
    signer: RSAKey | None = None
    """Signs instead of the provider's own key."""
    key: RSAKey = attrs.field(
        factory=lambda: RSAKey.generate_key(2048, parameters={"kid": "one"})
    )
    codes: dict[str, dict[str, str]] = attrs.field(factory=dict)
    refusals: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        expect = self.server.expect_request
        expect("/.well-known/openid-configuration").respond_with_handler(self._about)
        expect("/authorize", method="GET").respond_with_handler(self._authorize)
        expect("/token", method="POST").respond_with_handler(self._token)
        expect("/jwks").respond_with_handler(self._keys)

    @property
    def issuer(self) -> str:
        return self.server.url_for("").rstrip("/")

    def _about(self, request: Request) -> Response:
        return _json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
        )

    def _authorize(self, request: Request) -> Response:
        asked = request.args.to_dict()
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return Response("", 302, {"location": f"{asked['redirect_uri']}?{query}"})

    def _token(self, request: Request) -> Response:
        form = request.form.to_dict()
        asked = self.codes.pop(form["code"], None)  # each counts once
        refusal = self._refusal(request, form, asked)
        if refusal or asked is None:
            self.refusals.append(refusal)
            return _json({"error": refusal}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "1",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "preferred_username": self.name,
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(
            {"alg": "RS256", "kid": "one"}, said, self.signer or self.key
        )
        return _json({"id_token": token, "access_token": "x", "token_type": "Bearer"})

    def _refusal(
        self, request: Request, form: dict[str, str], asked: dict[str, str] | None
    ) -> str:
        said = request.authorization
        pair = (said.username, said.password) if said is not None else ("", "")
        if [unquote(text or "") for text in pair] != [CLIENT, SECRET]:
            return "invalid_client"
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return "invalid_grant"
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        shown = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return "" if shown == asked["code_challenge"] else "invalid_grant"

    def _keys(self, request: Request) -> Response:
        return _json({"keys": [self.key.as_dict(private=False)]})


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
