"""The work on Absurd: a case is a task, what happens is an event with the case in its name, an outbox row is a step.

The tables are those that absurdctl carries. Eight workers, each a thread with a connection of its own; a step's row and
its checkpoint are written in one transaction, events are emitted and tasks spawned many in a transaction.

After a time-out, waiting again for the same event returns at once with nothing, whether it has come or not: `work` waits
until it has something in hand, `plain` is what one would write without knowing that.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from absurd_sdk import Absurd, AsyncAbsurd, TaskContext, TimeoutError
from absurdctl import BUNDLED_SCHEMA_SQL
from lines import ATTENDED, SAY, all_of, parts, serve

WORKERS, BATCH = 8, 20
CLAIM = 30  # seconds after which what a dead worker had in hand is given to another


def prepare(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regnamespace('absurd') IS NULL").fetchone()[0]:
            connection.execute(BUNDLED_SCHEMA_SQL)
            connection.execute("SELECT absurd.create_queue('default')")


def attended(ctx: TaskContext, case: str, patience: int, chase: Callable[[], None]) -> Any:
    report = None
    while report is None:
        try:
            report = ctx.await_event(f"attended:{case}", timeout=patience)
        except TimeoutError:
            chase()
            patience = None
    return report


def attended_plainly(ctx: TaskContext, case: str, patience: int, chase: Callable[[], None]) -> Any:
    try:
        return ctx.await_event(f"attended:{case}", timeout=patience)
    except TimeoutError:
        chase()
        return ctx.await_event(f"attended:{case}")


def worker(url: str, number: int) -> None:
    connection = psycopg.connect(url, autocommit=True)
    app = Absurd(connection)

    def say(ctx: TaskContext, case: str, occasion: str, report: str | None = None) -> None:
        step = ctx.begin_step(occasion)
        if not step.done:
            with connection.transaction():
                connection.execute(SAY, (case, occasion, report))
                ctx.complete_step(step, True)

    def work(wait: Callable[..., Any], params: dict[str, Any], ctx: TaskContext) -> None:
        case = params["case"]
        say(ctx, case, "tell provider")
        ctx.await_event(f"booked:{case}")
        say(ctx, case, "tell booked")
        report = wait(ctx, case, params["patience"], partial(say, ctx, case, "chase"))
        say(ctx, case, "tell adviser", report)

    app.register_task("work")(partial(work, attended))
    app.register_task("plain")(partial(work, attended_plainly))
    app.start_worker(worker_id=f"worker {number}", claim_timeout=CLAIM, batch_size=BATCH)


async def main(url: str) -> None:
    prepare(url)
    for number in range(WORKERS):
        threading.Thread(target=worker, args=(url, number), daemon=True).start()
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    client = AsyncAbsurd(connection)

    async def together(calls: list[Callable[[], Any]]) -> dict[str, int]:
        failed: dict[str, int] = {}
        for part in parts(calls):
            async with connection.transaction():
                failed |= await all_of(part, at_once=1)
        return failed

    async def start(cases: dict[str, float], plainly: bool = False) -> dict[str, int]:
        task = "plain" if plainly else "work"
        return await together([
            partial(client.spawn, task, {"case": case, "patience": patience}, queue="default", idempotency_key=case)
            for case, patience in cases.items()
        ])  # fmt: skip

    def emits(event: str, cases: list[str]) -> list[Callable[[], Any]]:
        return [partial(client.emit_event, f"{event}:{case}", ATTENDED) for case in cases]

    async def happen(event: str, cases: list[str]) -> dict[str, int]:
        return await together(emits(event, cases))

    async def happen_at_once(event: str, cases: list[str]) -> dict[str, int]:
        return await all_of(emits(event, cases), len(cases))

    await serve(start=start, happen=happen, happen_at_once=happen_at_once)


asyncio.run(main(sys.argv[1]))
