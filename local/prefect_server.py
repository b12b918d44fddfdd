"""Prefect's server with one header more: its pages may talk to this server and to nobody else.

The UI's browser code calls an analytics host even when analytics are off; a Content-Security-Policy is what stops it.
"""

import sys

import uvicorn
from prefect.server.api.server import create_app
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


if __name__ == "__main__":
    port = int(sys.argv[1])
    # The keep-alive and shutdown times are those of `prefect server start`.
    uvicorn.run(AtHome(create_app(final=True), policy(port)), host="127.0.0.1", port=port, log_level="warning",
                timeout_keep_alive=5, timeout_graceful_shutdown=3)  # fmt: skip
