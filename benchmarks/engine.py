"""Prefect's share of the CPU of a sweep: the same pathways advanced by the flow on a real server, and by the store alone.

Counted are the flow's own process from its start, imports and all, and Prefect's server. What a sweep of one pathway
costs, its process has for starting; what more of them add is the work. Medians of interleaved rounds.

    python -m benchmarks.engine [--pathways 20000] [--rounds 3] [--shown 1000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from benchmarks.caseload import at, fill
from benchmarks.measure import measured
from flows.spip import spip
from local.stack import Stack, answers, create_pool, environment
from settings import HERE, Ports, Settings
from store.advance import advance
from store.database import database
from store.migrate import migrate

DAY = date(2026, 1, 9)
OURS = """
from settings import settings
from store.advance import advance
from store.database import database, reading
reading(database()).__enter__()
"""
FLOW = "from flows.spip import advance_spip; advance_spip(return_state=True)"


class Sweeps:
    """Sweeps of new databases, each of so many pathways, in the CPU seconds of all who took part."""

    def __init__(self, settings: Settings, server: int) -> None:
        self.settings, self.server, self.made = settings, server, 0

    def alone(self, count: int) -> float:
        """The store without Prefect, in this process, which runs already."""
        engine = self._filled(count)
        with measured() as cost:
            done = advance(engine, "SPIP", spip, at(DAY), self.settings)
        assert len(done.moved) == count
        return cost.cpu

    def ours(self) -> float:
        """A process that imports the store, connects and ends: what any sweep would have to start."""
        return self._process(OURS, self._filled(1))

    def flow(self, count: int, shown: int = 0) -> float:
        """The flow in a process of its own, and the server it reports to."""
        return self._process(FLOW, self._filled(count), PATHWAYS_SHOW_RUNS_UP_TO=str(shown))

    def _process(self, code: str, engine: Engine, **told: str) -> float:
        told |= {"PATHWAYS_DATABASE": str(engine.url), "PATHWAYS_PROFILE": "composite"}
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
                "a process of ours": sweeps.ours,
                "the store alone": lambda: sweeps.alone(count),
                "the flow, of one pathway": lambda: sweeps.flow(1),
                "the flow": lambda: sweeps.flow(count),
            }
            rows = [{name: kind() for name, kind in kinds.items()} for _ in range(rounds)]
            found = {name: [row[name] for row in rows] for name in kinds}
            return found | ({f"the flow, {shown:,} shown": [sweeps.flow(count, shown)]} if shown else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pathways", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shown", type=int, default=1000)
    given = parser.parse_args()
    found = run(given.pathways, given.rounds, given.shown)
    for name, some in found.items():
        print(f"{name:26} {median(some):7.2f} s of CPU   ({', '.join(f'{one:.2f}' for one in some)})")
    started, alone, one, flow = (median(some) for some in list(found.values())[:4])
    print(f"Prefect's share of the whole sweep: {1 - (started + alone) / flow:.2f}")
    print(f"Prefect's share of what more pathways add: {1 - alone / (flow - one):.2f}")


if __name__ == "__main__":
    main()
