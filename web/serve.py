"""The site as a process: what it says of itself, and how it is reached."""

import logging

import uvicorn
from sqlalchemy import select

from models.tables import PathwayRow
from settings import Settings
from store.database import database, reading
from store.links import signing_keys
from web.app import create_app


def serve(settings: Settings) -> None:
    """Serve the site until it is stopped."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("pathways").setLevel(logging.INFO)  # ours only: others log addresses, with what is in them
    site = settings.site
    # Now, rather than when the first link is opened: another key, address or version is said at the start.
    signing_keys(settings)
    with reading(database(settings.database_url)) as connection:
        connection.execute(select(PathwayRow.reference).limit(1))
    uvicorn.run(
        create_app(settings), host=site.listens, port=settings.ports.site, log_level="warning",
        access_log=False, ws="none",  # an address may hold a link; our own line names the page only
        proxy_headers=bool(site.proxies), forwarded_allow_ips=",".join(site.proxies) or None, server_header=False,
        ssl_certfile=site.certificate, ssl_keyfile=site.certificate_key,
    )  # fmt: skip
