"""Where the time of the work goes (`benchmarks.work`): every millisecond of CPU one looks at what the process is doing.

What the database server does is counted by itself; SQLite works in this process, and counts where it is called.

    python -m benchmarks.profile [--cases 2000] [--one] [--database postgresql]
"""

import argparse
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType

from benchmarks.caseload import fill_cases
from benchmarks.measure import measured, postgres, processor
from benchmarks.work import Ours, on_postgres, on_sqlite
from models.decide import decide
from store import advance, chase, database, pathways, record

EVERY = 0.001
PARTS: dict[str, list[object]] = {
    "reading facts": [pathways.record_of],
    "reading all else": [
        pathways.load, advance._claim, advance._stored_duties, advance._stored_notices, record._Book.__init__,
    ],
    "telling the story": [decide],
    "judging facts": [record._Book.enter],
    "comparing with what is stored": [advance._Changes.consider],
    "writing": [database.insert, database.insert_new, database.change, advance._Changes.write, record._Book.write],
    "committing": [database.writing],
    "chasing": [chase.chase],
}  # fmt: skip
_PART_OF: dict[CodeType, str] = {
    getattr(one, "__wrapped__", one).__code__: name for name, some in PARTS.items() for one in some
}


@contextmanager
def watched() -> Iterator[Counter[str]]:
    """How often each part was being done."""
    seen: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        while frame and frame.f_code not in _PART_OF:
            frame = frame.f_back
        seen[_PART_OF[frame.f_code] if frame else "the rest"] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield seen
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run(cases: int, which: str, *, one_by_one: bool) -> dict[str, float]:
    """The milliseconds of CPU a case of each part."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres()) if which == "postgresql" else None
        engine = stack.enter_context(on_postgres(server) if server else on_sqlite())
        pids = (server.pid,) if server else ()
        fill_cases(engine, cases)
        theirs = processor(*pids)
        with measured() as ours, watched() as seen:
            for step in Ours(engine, cases, one_by_one=one_by_one).steps():
                step()
        theirs = processor(*pids) - theirs
    each = 1000 * ours.cpu / cases / seen.total()
    found = {name: count * each for name, count in seen.most_common()}
    return found | ({"PostgreSQL": 1000 * theirs / cases} if pids else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--one", action="store_true", help="every fact recorded in a call of its own")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    given = parser.parse_args()
    found = run(given.cases, given.database, one_by_one=given.one)
    whole = sum(found.values())
    print(f"{given.cases} cases on {given.database}: {whole:.2f} ms of CPU a case")
    for name, cost in found.items():
        print(f"  {name:30} {cost:6.2f} ms   {cost / whole:4.0%}")


if __name__ == "__main__":
    main()
