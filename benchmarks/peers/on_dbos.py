"""The work on DBOS Transact: a case is a workflow, what happens is a message to it, an outbox row is a step.

Workflows are coroutines, which is how DBOS holds many that wait; messages are sent in bulk where the measurement allows
it. Few connections and threads, because more get into each other's way: with DBOS's default of 20 connections the same
work took half as much CPU again. So did a row written in a datasource's transaction, which DBOS itself writes exactly
once, against a plain step whose row has a key: the cheaper is measured.
"""

import asyncio
import sys
from functools import partial

from dbos import DBOS, SendMessage, SetWorkflowID
from lines import ATTENDED, SAY, all_of, parts, serve
from sqlalchemy.ext.asyncio import create_async_engine

LONG = 30 * 24 * 3600.0
CONNECTIONS = 5


async def main(url: str) -> None:
    DBOS(config={
        "name": "peer", "system_database_url": url, "application_version": "1", "log_level": "ERROR",
        "sys_db_pool_size": CONNECTIONS, "max_executor_threads": CONNECTIONS,
    })  # fmt: skip
    engine = url.replace("postgresql:", "postgresql+psycopg:", 1)
    outbox = create_async_engine(engine, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=600)

    @DBOS.step()
    async def say(case: str, occasion: str, report: str | None = None) -> None:
        async with outbox.begin() as connection:
            await connection.exec_driver_sql(SAY, (case, occasion, report))

    @DBOS.workflow()
    async def work(case: str, patience: float) -> None:
        await say(case, "tell provider")
        await DBOS.recv_async("booked", LONG)
        await say(case, "tell booked")
        report = await DBOS.recv_async("attended", patience)
        if report is None:
            await say(case, "chase")
            report = await DBOS.recv_async("attended", LONG)
        await say(case, "tell adviser", report)

    async def begin(case: str, patience: float) -> None:
        with SetWorkflowID(case):
            await DBOS.start_workflow_async(work, case, patience)

    async def start(cases: dict[str, float]) -> dict[str, int]:
        return await all_of([partial(begin, *case) for case in cases.items()], at_once=20)

    async def happen(event: str, cases: list[str]) -> dict[str, int]:
        some = [[SendMessage(case, ATTENDED, event) for case in part] for part in parts(cases)]
        return await all_of([partial(DBOS.send_bulk_async, part) for part in some], at_once=1)

    async def happen_at_once(event: str, cases: list[str]) -> dict[str, int]:
        return await all_of([partial(DBOS.send_async, case, ATTENDED, event) for case in cases], len(cases))

    DBOS.launch()
    await serve(start=start, happen=happen, happen_at_once=happen_at_once)


asyncio.run(main(sys.argv[1]))
