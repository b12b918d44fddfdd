"""What the drivers of all peers share: the outbox row, and commands in and answers out as lines of JSON.

A driver runs with the Python of an environment of its own, where nothing of this project is installed: no more than
the standard library is used here.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

# A step that runs twice says the same thing again: that does no harm, and is counted.
SAY = (
    "INSERT INTO outbox (case_ref, occasion, report) VALUES (%s, %s, %s) "
    "ON CONFLICT (case_ref, occasion) DO UPDATE SET said = outbox.said + 1"
)
TOGETHER = 500  # calls in one transaction where a peer can do that: as many as the batches it is compared with
ATTENDED = "yes"


async def serve(**commands: Callable[..., Awaitable[Any]]) -> None:
    """Carry out the commands that come in, one after the other, until there are no more."""
    _print({"ready": True})
    while line := await asyncio.to_thread(sys.stdin.readline):
        given = json.loads(line)
        _print(await commands[given.pop("do")](**given))


def _print(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def parts(things: Iterable[Any]) -> list[list[Any]]:
    found = list(things)
    return [found[n : n + TOGETHER] for n in range(0, len(found), TOGETHER)]


async def all_of(calls: Iterable[Callable[[], Awaitable[Any]]], at_once: int) -> dict[str, int]:
    """Make the calls, so many at a time. Those that failed, counted by the beginning of the error."""
    failed: Counter[str] = Counter()
    free = asyncio.Semaphore(at_once)

    async def one(call: Callable[[], Awaitable[Any]]) -> None:
        async with free:
            try:
                await call()
            except Exception as problem:
                failed[f"{type(problem).__name__}: {problem}"[:80]] += 1

    await asyncio.gather(*map(one, calls))
    return dict(failed)
