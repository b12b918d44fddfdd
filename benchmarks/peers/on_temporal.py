"""The work on Temporal: a case is a workflow, what happens is a signal to it, an outbox row is a local activity.

The server is Temporal's development server, the only one that a package registry has: one program, its history in a
file of SQLite, here with the write-ahead log and a flush at every commit. In production several programs keep it in
PostgreSQL or Cassandra. Local activities, and workflows outside the sandbox, because both cost less.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from lines import ATTENDED, SAY, all_of, serve
from psycopg_pool import AsyncConnectionPool
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "work"
CONNECTIONS = 4
AT_ONCE = 50
SERVER = "server start-dev --headless --ip 127.0.0.1 --log-level error"
FILE = "--sqlite-pragma journal_mode=WAL --sqlite-pragma synchronous=FULL"
pools: list[AsyncConnectionPool] = []


@activity.defn
async def say(case: str, occasion: str, report: str | None) -> None:
    async with pools[0].connection() as connection:
        await connection.execute(SAY, (case, occasion, report))


@workflow.defn
class Work:
    def __init__(self) -> None:
        self.happened: dict[str, str] = {}

    @workflow.signal
    def happen(self, event: str, report: str) -> None:
        self.happened[event] = report

    @workflow.run
    async def run(self, case: str, patience: float) -> None:
        await self.say(case, "tell provider")
        await workflow.wait_condition(lambda: "booked" in self.happened)
        await self.say(case, "tell booked")
        try:
            await workflow.wait_condition(lambda: "attended" in self.happened, timeout=timedelta(seconds=patience))
        except TimeoutError:
            await self.say(case, "chase")
            await workflow.wait_condition(lambda: "attended" in self.happened)
        await self.say(case, "tell adviser", self.happened["attended"])

    async def say(self, case: str, occasion: str, report: str | None = None) -> None:
        await workflow.execute_local_activity(
            say, args=[case, occasion, report], start_to_close_timeout=timedelta(seconds=60)
        )


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Client]:
    """A client of a server started here; in the folder is what an earlier one left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("temporal")
    place = ["--port", str(port), "--db-filename", str(folder / "temporal.db")]
    server = subprocess.Popen(
        [program, *SERVER.split(), *FILE.split(), *place], stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    try:
        yield await reached(f"127.0.0.1:{port}")
    finally:
        server.terminate()


async def reached(address: str) -> Client:
    for _ in range(1200):
        try:
            return await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.05)
    raise TimeoutError("Temporal's server did not answer within a minute")


async def main(url: str, folder: Path) -> None:
    pool = AsyncConnectionPool(url, min_size=CONNECTIONS, timeout=300, kwargs={"autocommit": True}, open=False)
    async with pool, served(folder) as client:
        pools.append(pool)
        await work(client)


async def work(client: Client) -> None:
    async def begin(case: str, patience: float) -> None:
        await client.start_workflow(Work.run, args=[case, patience], id=case, task_queue=QUEUE)

    async def start(cases: dict[str, float]) -> dict[str, int]:
        return await all_of([partial(begin, *case) for case in cases.items()], AT_ONCE)

    async def happen(event: str, cases: list[str], at_once: int = AT_ONCE) -> dict[str, int]:
        handles = [client.get_workflow_handle(case) for case in cases]
        return await all_of([partial(one.signal, Work.happen, args=[event, ATTENDED]) for one in handles], at_once)

    async def happen_at_once(event: str, cases: list[str]) -> dict[str, int]:
        return await happen(event, cases, len(cases))

    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=QUEUE, workflows=[Work], activities=[say], workflow_runner=runner):
        await serve(start=start, happen=happen, happen_at_once=happen_at_once)


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
