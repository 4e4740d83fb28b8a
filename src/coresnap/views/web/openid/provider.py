"""The provider: where it is, a code for a token, and who the token names."""

from __future__ import annotations

import base64
import ipaddress
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import attrs
import httpx2
import msgspec

from coresnap.config.server import ServerConfig
from coresnap.errors import ConfigError, DeniedError, NetworkError
from coresnap.integrations.answer import Answer, get, post
from coresnap.integrations.reach import Reach
from coresnap.views.web.openid.flow import Flow

__all__ = ["Provider", "provider_of"]

_EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
_SILENCE, _PATIENCE = 8.0, 16.0
"""Seconds; somebody looks at the page meanwhile."""
_ALGORITHMS = ["RS256", "PS256", "ES256"]
"""Never none, nor one whose key is the client's secret."""
_LEEWAY = 60
_LOCAL = ("localhost", "127.0.0.1", "::1")
_Document = TypeVar("_Document")


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


@attrs.frozen
class Provider:
    """One provider, as the settings name it. Methods raise NetworkError."""

    issuer: str
    client: str
    secret: str = attrs.field(repr=False)
    claim: str
    back: str
    """Where it sends people back to."""
    reach: Reach

    def begin(self, flow: Flow, path: str) -> str:
        """Return the address where somebody logs in, to go to ``path`` afterwards."""
        with self.reach.client() as http:
            end = self._discovered(http).authorization_endpoint
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.client,
                "redirect_uri": self.back,
                "scope": "openid profile email",
                "state": flow.state(path),
                "nonce": flow.nonce,
                "code_challenge": flow.challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{end}{'&' if '?' in end else '?'}{query}"

    def user(self, flow: Flow, code: str) -> str:
        """Return the name of whom a code stands for; raise DeniedError for a code or a
        token that is not for us."""
        with self.reach.client() as http:
            found = self._discovered(http)
            token = self._token(http, found, flow, code)
            keys = self._document(get(http, found.jwks_uri, self.issuer), dict)
        return self._named(self._claims(token, keys, flow.nonce))

    def _discovered(self, http: httpx2.Client) -> _Discovery:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = self._document(get(http, url, self.issuer), _Discovery)
        if found.issuer != self.issuer:
            raise ConfigError(
                f"[openid] issuer: the provider calls itself {found.issuer[:200]}",
                remedy="Set issuer= to that, to the letter.",
            )
        for end in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            _check_address(end)
        return found

    def _token(
        self, http: httpx2.Client, found: _Discovery, flow: Flow, code: str
    ) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": flow.verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            pair = f"{quote(self.client, safe='')}:{quote(self.secret, safe='')}"
            basic = base64.b64encode(pair.encode()).decode()
            headers["authorization"] = f"Basic {basic}"
        else:
            form |= {"client_id": self.client, "client_secret": self.secret}
        body = urlencode(form).encode()
        answer = post(http, found.token_endpoint, body, headers, self.issuer)
        if 400 <= answer.status < 500:
            raise DeniedError(
                "the provider does not take this login any more, or not from us",
                remedy="Begin it again; if it stays, check client= and secret= in "
                "[openid] of coronerd.conf.",
            )
        return self._document(answer, _Tokens).id_token

    def _claims(self, token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": self.client},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            known = KeySet.import_key_set(keys)  # type: ignore[arg-type]
            claims = jwt.decode(token, known, algorithms=_ALGORITHMS).claims
            registry.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise DeniedError(
                f"the provider's token is not for this login: {type(error).__name__}",
                remedy="Begin it again at /login.",
            ) from error
        audience = claims["aud"]
        is_ours = isinstance(audience, str) or len(audience) == 1
        if not is_ours and claims.get("azp") != self.client:
            raise DeniedError("the provider's token is for somebody else as well")
        return claims

    def _named(self, claims: dict[str, Any]) -> str:
        name = claims.get(self.claim)
        if not isinstance(name, str) or not name:
            raise DeniedError(
                f"the provider says no {self.claim}",
                remedy="Set claim= in [openid] of coronerd.conf to one that it says.",
            )
        if self.claim == "email" and claims.get("email_verified") is not True:
            raise DeniedError("the provider has not verified this e-mail address")
        return name

    def _document(self, answer: Answer, kind: type[_Document]) -> _Document:
        failure = NetworkError(
            f"{self.issuer} answers as no provider of OpenID Connect: {answer.status}",
            remedy="Check issuer= in [openid] of coronerd.conf.",
        )
        if not answer.is_success:
            raise failure
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            raise failure from error


def provider_of(config: ServerConfig) -> Provider | None:
    """Return the provider that the settings name; None if they name none.

    Raises ConfigError if they make no sense or a library is missing.
    """
    if not config.openid_issuer:
        return None
    _check_address(config.openid_issuer)
    if not (config.openid_client and config.openid_secret and config.url):
        raise ConfigError(
            "[openid] needs client and secret, and [server] url",
            remedy="Register this server at the provider and set what it says.",
        )
    try:
        import joserfc  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "logging in with OpenID Connect needs joserfc, which is not installed",
            remedy="Run pip install 'coresnap[oidc]'.",
        ) from error
    address = config.url if "://" in config.url else f"https://{config.url}"
    return Provider(
        issuer=config.openid_issuer,
        client=config.openid_client,
        secret=config.openid_secret,
        claim=config.openid_claim,
        back=f"{address.rstrip('/')}/login/openid/back",
        # The operator names it, who may call everything.
        reach=Reach(_EVERYWHERE, config.integrations_ca, _SILENCE, _PATIENCE),
    )


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    is_local = parts.scheme == "http" and parts.hostname in _LOCAL
    if not (parts.scheme == "https" and parts.hostname) and not is_local:
        raise ConfigError(
            f"[openid] issuer: {address[:200]} is no https address",
            remedy="Passwords and tokens go there: only https will do.",
        )
