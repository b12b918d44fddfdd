"""Prefect's share of the CPU of a sweep: the same pathways advanced by the flow on a real server, and by the store alone.

Each sweep is a process of its own, counted from its start, imports and all, with what Prefect's server does meanwhile.
What one of a single pathway costs, it costs to start; what more of them add is the work. Medians of interleaved rounds.

    python -m benchmarks.engine [--pathways 20000] [--rounds 5] [--shown 1000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from benchmarks.caseload import fill
from benchmarks.measure import measured
from local.stack import Stack, answers, create_pool, environment
from settings import HERE, Ports, Settings
from store.database import database
from store.migrate import migrate

OURS = """
from settings import settings
from store.advance import advance
from store.database import database, reading
reading(database()).__enter__()
"""
STORE = """
from datetime import UTC, datetime
from flows.spip import spip
from settings import settings
from store.advance import advance
from store.database import database
advance(database(), "SPIP", spip, datetime.now(UTC), settings())
"""
FLOW = "from flows.spip import advance_spip; advance_spip(return_state=True)"


class Sweeps:
    """Sweeps of new databases, each of so many pathways, in the CPU seconds of all who took part."""

    def __init__(self, settings: Settings, server: int) -> None:
        self.settings, self.server, self.made = settings, server, 0

    def of(self, code: str, count: int, shown: int = 0) -> float:
        engine = self._filled(count)
        told = {
            "PATHWAYS_DATABASE": str(engine.url), "PATHWAYS_PROFILE": "composite",
            "PATHWAYS_SHOW_RUNS_UP_TO": str(shown),
        }  # fmt: skip
        with measured(self.server) as cost:
            subprocess.run(
                [sys.executable, "-c", code], cwd=HERE, env=environment(self.settings) | told, check=True,
                capture_output=True,
            )  # fmt: skip
        return cost.cpu

    def _filled(self, count: int) -> Engine:
        self.made += 1
        engine = database(f"sqlite:///{self.settings.home / f'{self.made}.db'}")
        migrate(engine)
        fill(engine, count)
        return engine


def run(count: int, rounds: int, shown: int) -> dict[str, list[float]]:
    """The CPU seconds of each kind of sweep, round by round."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATHWAYS_HOME"] = folder
        settings = Settings(home=Path(folder), profile="composite", ports=Ports(prefect=4288))
        with Stack(settings) as stack:
            server = stack.start("prefect-server", sys.executable, "-m", "local.prefect_server", "4288")
            stack.wait_for(server, lambda: answers(f"{settings.prefect_api}/health"))
            create_pool(settings.prefect_api)
            prefect = str(Path(sys.executable).parent / "prefect")
            stack.run("Creating the deployments", prefect, "--no-prompt", "deploy", "--all")
            sweeps = Sweeps(settings, server.process.pid)
            kinds: dict[str, Callable[[], float]] = {
                "imports of ours, no Prefect": lambda: sweeps.of(OURS, 1),
                "the store, one pathway": lambda: sweeps.of(STORE, 1),
                "the flow, one pathway": lambda: sweeps.of(FLOW, 1),
                f"the store, {count:,}": lambda: sweeps.of(STORE, count),
                f"the flow, {count:,}": lambda: sweeps.of(FLOW, count),
            }
            rows = [{name: kind() for name, kind in kinds.items()} for _ in range(rounds)]
            found = {name: [row[name] for row in rows] for name in kinds}
            return found | ({f"the flow, {shown:,} shown": [sweeps.of(FLOW, count, shown)]} if shown else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pathways", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shown", type=int, default=1000)
    given = parser.parse_args()
    found = run(given.pathways, given.rounds, given.shown)
    for name, some in found.items():
        print(f"{name:27} {median(some):7.2f} s of CPU   ({', '.join(f'{one:.2f}' for one in some)})")
    ours, store_of_one, flow_of_one, store, flow = (median(some) for some in list(found.values())[:5])
    work = store - store_of_one
    print(f"Prefect's share of the whole sweep: {1 - (ours + work) / flow:.2f}")
    print(f"Prefect's share of what more pathways add: {1 - work / (flow - flow_of_one):.2f}")


if __name__ == "__main__":
    main()
