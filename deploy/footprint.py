"""What a year of schedules leaves behind in Prefect's database, measured on what `deploy.one_machine` has started.

    python -m deploy.footprint FOLDER --runs 60 --clear

It has each sweep run so often with nothing to do, and looks at the tables before and after. With --clear all that has
ended is then made a hundred days older and Prefect's own clearing is done, to see what stays: for a folder to try only.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import yaml

from local.variables import variables
from settings import HERE
from tasks.nudge import ask

EVENTS = ("events", "event_resources")
SIZES = """SELECT relname, pg_total_relation_size(oid) FROM pg_class
           WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""
OLDER = (
    "UPDATE flow_run SET end_time = end_time - interval '100 days'",
    "UPDATE events SET occurred = occurred - interval '100 days'",
    "UPDATE event_resources SET occurred = occurred - interval '100 days'",
)


@contextmanager
def database(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+asyncpg", ""), autocommit=True) as connection:
        yield connection


def bytes_of(url: str) -> tuple[int, int]:
    """How large Prefect's tables are, those of events and all others, with nothing in them that is not in use."""
    with database(url) as connection:
        names = [name for name, _ in connection.execute(SIZES)]
        for name in names:
            connection.execute(f'VACUUM FULL "{name}"')
        sizes = dict(connection.execute(SIZES).fetchall())
    events = sum(size for name, size in sizes.items() if name in EVENTS)
    return events, sum(sizes.values()) - events


def sweeps() -> dict[str, int]:
    """How often each sweep runs in a year, by its schedules."""
    listed = yaml.safe_load((HERE / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return {one["name"]: sum(_times(s["cron"]) for s in one["schedules"]) for one in listed if "schedules" in one}


def _times(cron: str) -> int:
    from prefect._vendor.croniter import croniter

    begins = datetime(2027, 1, 1) - timedelta(seconds=1)  # noqa: DTZ001 - a year of days, wherever
    moments = croniter(cron, begins)
    count = 0
    while moments.get_next(datetime).year == 2027:
        count += 1
    return count


def go(client: httpx.Client, sweep: str, runs: int) -> float:
    """Have it run one time after another. Returns the seconds each took."""
    deployment, begun = ask(client, "GET", f"deployments/name/{sweep}/{sweep}")["id"], time.monotonic()
    for _ in range(runs):
        run = ask(client, "POST", f"deployments/{deployment}/create_flow_run", json={})["id"]
        while ask(client, "GET", f"flow_runs/{run}")["state"]["type"] not in ("COMPLETED", "FAILED", "CANCELLED"):
            time.sleep(0.5)
    return (time.monotonic() - begun) / runs


def measure(folder: Path, runs: int) -> None:
    """Print what a run of each sweep leaves behind, and a year of them."""
    ours, url = variables(folder / "pathways.env"), _url(folder)
    password = tuple(ours["PREFECT_API_AUTH_STRING"].split(":", 1))
    print(f"{'':10} {'KB of events':>12} {'KB of others':>12} {'seconds':>8} {'a year':>8} {'MB a year':>10}")
    with httpx.Client(base_url=ours["PREFECT_API_URL"], auth=password, timeout=60) as client:
        for sweep, yearly in sweeps().items():
            go(client, sweep, 1)  # what is made once is not counted
            before = bytes_of(url)
            took = go(client, sweep, runs)
            time.sleep(5)  # events are written a little later
            events, others = ((after - b) / runs / 1e3 for b, after in zip(before, bytes_of(url), strict=True))
            year = (events + others) * yearly / 1e3
            print(f"{sweep:10} {events:12.1f} {others:12.1f} {took:8.1f} {yearly:8} {year:10.0f}", flush=True)


def clear(folder: Path) -> None:
    """Make all that has ended old, clear as Prefect's services do, and print what is left."""
    url = _url(folder)
    before = sum(bytes_of(url))
    with database(url) as connection:
        for statement in OLDER:
            connection.execute(statement)
    asyncio.run(_cleared())
    with database(url) as connection:
        names = ("flow_run", "task_run", "log", "artifact", "artifact_collection", "events")
        left = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in names}
    print(f"{before / 1e6:.1f} MB became {sum(bytes_of(url)) / 1e6:.1f} MB; rows left:", end=" ")
    print(", ".join(f"{name} {count[0]}" for name, count in left.items() if count))


async def _cleared() -> None:
    from prefect.server.database import provide_database_interface
    from prefect.server.services import db_vacuum as clearing

    db = provide_database_interface()
    await clearing.vacuum_old_flow_runs(db=db)
    await clearing.vacuum_old_flow_runs(db=db)  # runs within runs
    await clearing.vacuum_old_events(db=db)
    await clearing.vacuum_orphaned_artifacts(db=db)
    await clearing.vacuum_stale_artifact_collections(db=db)


def _url(folder: Path) -> str:
    return variables(folder / "prefect.env")["PREFECT_SERVER_DATABASE_CONNECTION_URL"]


def main() -> None:
    said = argparse.ArgumentParser(prog="python -m deploy.footprint", description=__doc__.splitlines()[0])
    said.add_argument("folder", type=Path)
    said.add_argument("--runs", type=int, default=60, help="how often each sweep runs")
    said.add_argument("--clear", action="store_true", help="then clear all of it, as Prefect does after 90 days")
    given = said.parse_args()
    # Before anything of Prefect is imported: this is then what it is told.
    os.environ.update(variables(HERE / "local" / "prefect.env") | variables(given.folder / "prefect.env"))
    measure(given.folder, given.runs)
    if given.clear:
        clear(given.folder)


if __name__ == "__main__":
    main()
