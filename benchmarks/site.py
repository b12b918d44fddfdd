"""Requests per second of the page of 500 open duties, beside a bare FastAPI page that renders the same template.

Ours looks up the session and its link, and reads what is owed, on SQLite; the bare page has the rows in memory and
renders them. Both are asked over HTTP, in turns, each served by a process of its own.

    python -m benchmarks.site [--duties 500] [--requests 40] [--rounds 5]
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request

from benchmarks.caseload import at, fill
from flows.spip import spip
from settings import Settings, Site
from store import links
from store.advance import advance
from store.database import database, reading, writing
from store.migrate import migrate
from store.owed import owed
from tests.engine import free_ports
from web.app import create_app
from web.owed import list_of
from web.page import page

TODAY = date(2026, 1, 20)


def prepare(settings: Settings, duties: int) -> dict[str, str]:
    """A database in which P1 owes so many attendance reports. Returns the cookie of somebody who opened P1's link."""
    engine = database(settings.database_url)
    migrate(engine)
    fill(engine, duties)
    advance(engine, "SPIP", spip, at(TODAY), settings)
    with writing(engine) as connection:
        holder, now = links.holder_of(connection, links.PROVIDER, "P1"), datetime.now(UTC)
        token = links.issue(connection, holder, now, settings).partition("/l/")[2].partition("?")[0]
        number, _ = links.found(connection, token, now, settings)
        return {"__Host-session": links.open_session(connection, number, now, settings)}


def bare(settings: Settings, cookie: dict[str, str]) -> FastAPI:
    """The same page with everything it shows in memory."""
    with reading(database(settings.database_url)) as connection:
        visitor = links.visitor(connection, cookie["__Host-session"], datetime.now(UTC))
        rows = owed(connection, visitor.holder, TODAY)
    app = FastAPI()

    @app.get("/owed")
    def listed(request: Request):
        return page(request, "owed.html", visitor, **list_of(visitor, rows))

    return app


def serve(which: str, settings: Settings, cookie: dict[str, str], port: int) -> None:
    app = create_app(settings) if which == "ours" else bare(settings, cookie)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


@contextmanager
def served(which: str, *given: Any):
    port = free_ports("one")["one"]
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(which, *given, port), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port}/owed"
    finally:
        process.terminate()
        process.join()


def per_second(client: httpx.Client, address: str, requests: int) -> float:
    begun = time.perf_counter()
    for _ in range(requests):
        assert client.get(address).raise_for_status().text.count("<select") > 0
    return requests / (time.perf_counter() - begun)


def run(duties: int = 500, requests: int = 40, rounds: int = 5) -> dict[str, float]:
    """Medians of requests per second of both pages."""
    measured: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), profile="composite", site=Site(requests="100000000/minute"))
        cookie = prepare(settings, duties)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookie.items())}
        mine, theirs = (served(which, settings, cookie) for which in ("ours", "bare"))
        retrying = httpx.Client(headers=headers, transport=httpx.HTTPTransport(retries=8), timeout=60)
        with mine as ours, theirs as bare, retrying as client:
            for _ in range(rounds):
                for name, address in (("ours", ours), ("bare", bare)):
                    per_second(client, address, 2)
                    measured[name].append(per_second(client, address, requests))
    return {name: statistics.median(found) for name, found in measured.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--duties", type=int, default=500)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    found = run(**vars(parser.parse_args()))
    for name, rate in found.items():
        print(f"{name:5} {rate:7.1f} requests/s")
    print(f"bare / ours {found['bare'] / found['ours']:.2f}")


if __name__ == "__main__":
    main()
