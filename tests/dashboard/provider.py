"""An identity provider that lets everybody in as Grace: as much of OpenID Connect as a log-in needs."""

from __future__ import annotations

import threading
import time
import uuid
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from segue.local.process import free_port

CLIENT = "segue"


class Provider:
    """Serves from a thread, between entering and leaving."""

    def __init__(self) -> None:
        port = free_port(8860)
        self.address = f"http://127.0.0.1:{port}"
        self._key = RSAKey.generate_key(2048, {"kid": "1"})
        self._nonces: dict[str, str] = {}
        routes = [
            Route("/.well-known/openid-configuration", self._configuration),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=port, log_level="critical", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Provider:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def secrets(self, dashboard: str) -> str:
        """Streamlit's secrets.toml for a dashboard at an address."""
        return (
            f'[auth]\nredirect_uri = "{dashboard}/oauth2callback"\ncookie_secret = "{uuid.uuid4().hex}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "s"\n'
            f'server_metadata_url = "{self.address}/.well-known/openid-configuration"\n'
        )

    async def _configuration(self, request: Request) -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse(
            {
                "issuer": self.address,
                "id_token_signing_alg_values_supported": ["RS256"],
                **{name: f"{self.address}/{place}" for name, place in places.items()},
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked, code = request.query_params, uuid.uuid4().hex
        self._nonces[code] = asked.get("nonce", "")
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", status_code=302
        )

    async def _token(self, request: Request) -> Response:
        form = dict(pair.split("=", 1) for pair in (await request.body()).decode().split("&"))
        now = int(time.time())
        claims = {"iss": self.address, "sub": "g1", "aud": CLIENT, "iat": now, "exp": now + 600}
        claims |= {"name": "Grace", "nonce": self._nonces.pop(form["code"])}
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        return JSONResponse(
            {"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token}
        )

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})
