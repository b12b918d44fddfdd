"""Prefect's server with one header more: its pages may talk to this server and to nobody else.

It listens on this machine only, or else asks for a password.

The UI's browser code calls an analytics host even when analytics are off; a Content-Security-Policy is what stops it.
"""

import sys
from argparse import ArgumentParser
from ipaddress import ip_address

import uvicorn
from prefect.server.api.server import create_app
from prefect.settings import PREFECT_SERVER_API_AUTH_STRING
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def policy(port: int) -> bytes:
    """What the pages served on a port may load, and whom they may talk to."""
    sockets = f"ws://127.0.0.1:{port} ws://localhost:{port}"
    return "; ".join(
        [
            "default-src 'self'",
            f"connect-src 'self' {sockets}",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "style-src 'self' 'unsafe-inline'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "worker-src 'self' blob:",
            "frame-ancestors 'none'",
        ]
    ).encode()


class AtHome:
    """Adds the policy to every page."""

    def __init__(self, app: ASGIApp, policy: bytes) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", self.policy)]
            await send(message)

        await self.app(scope, receive, with_policy if scope["type"] == "http" else send)


class Refused(Exception):
    """Why the server is not started, as a sentence to act on."""


def check(host: str, password: str | None) -> None:
    """Raise Refused where others than this machine could reach a server that asks nobody who they are."""
    if (password and ":" in password) or host == "localhost" or _is_loopback(host):
        return
    raise Refused(
        f"Prefect's server is not started: on {host} others than this machine could reach it, and it would ask nobody "
        "for a password. Set PREFECT_SERVER_API_AUTH_STRING=name:password here, and PREFECT_API_AUTH_STRING to the "
        "same wherever workers and commands run; or leave --host out."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # a name may be anything tomorrow


def main() -> None:
    said = ArgumentParser(prog="python -m local.prefect_server", description="Prefect's server, at home.")
    said.add_argument("port", type=int)
    said.add_argument(
        "--host", default="127.0.0.1", help="the address it listens on; only this machine's when left out"
    )
    given = said.parse_args()
    try:
        check(given.host, PREFECT_SERVER_API_AUTH_STRING.value())
    except Refused as why:
        sys.exit(str(why))
    # The keep-alive and shutdown times are those of `prefect server start`.
    uvicorn.run(AtHome(create_app(final=True), policy(given.port)), host=given.host, port=given.port,
                log_level="warning", timeout_keep_alive=5, timeout_graceful_shutdown=3)  # fmt: skip


if __name__ == "__main__":
    main()
