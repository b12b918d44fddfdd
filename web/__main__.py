"""The site as a process: `python -m web`."""

import logging

import uvicorn

from settings import Settings, settings
from web.app import create_app


def serve(settings: Settings) -> None:
    """Serve the site until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    site = settings.site
    uvicorn.run(
        create_app(settings), host=site.listens, port=settings.ports.site, log_level="warning",
        access_log=False,  # an address may hold a link; our own line names the page only
        proxy_headers=bool(site.proxies), forwarded_allow_ips=",".join(site.proxies) or None, server_header=False,
        ssl_certfile=site.certificate, ssl_keyfile=site.certificate_key,
    )  # fmt: skip


if __name__ == "__main__":
    serve(settings())
