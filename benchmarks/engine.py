"""Prefect's share of the CPU of a sweep: the same pathways advanced by the flow on a real server, and by the store alone.

Counted are the flow's own process from its start, imports and all, and Prefect's server. Showing a run for every pathway
that moved is measured by itself.

    python -m benchmarks.engine [--pathways 5000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.caseload import at, fill
from benchmarks.measure import Cost, measured
from flows.spip import spip
from local.stack import Stack, answers, create_pool, environment
from settings import HERE, Ports, Settings
from store.advance import advance
from store.database import database
from store.migrate import migrate

DAY = date(2026, 1, 9)
FLOW = "from flows.spip import advance_spip; advance_spip(return_state=True)"


def alone(count: int, settings: Settings) -> Cost:
    """The store without Prefect, in this process."""
    engine = _filled(settings, "alone.db", count)
    with measured() as cost:
        done = advance(engine, "SPIP", spip, at(DAY), settings)
    assert len(done.moved) == count
    return cost


def by_flow(count: int, settings: Settings, server: int, shown: int) -> Cost:
    """The flow in a process of its own, and the server it reports to."""
    engine = _filled(settings, f"flow-{count}-{shown}.db", count)
    told = {
        "PATHWAYS_DATABASE": str(engine.url),
        "PATHWAYS_SHOW_RUNS_UP_TO": str(shown),
        "PATHWAYS_PROFILE": "composite",
    }
    with measured(server) as cost:
        subprocess.run(
            [sys.executable, "-c", FLOW], cwd=HERE, env=environment(settings) | told, check=True, capture_output=True
        )
    return cost


def _filled(settings: Settings, name: str, count: int):
    engine = database(f"sqlite:///{settings.home / name}")
    migrate(engine)
    fill(engine, count)
    return engine


def run(count: int) -> dict[str, Cost]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATHWAYS_HOME"] = folder
        settings = Settings(home=Path(folder), profile="composite", ports=Ports(prefect=4288))
        with Stack(settings) as stack:
            server = stack.start("prefect-server", sys.executable, "-m", "local.prefect_server", "4288")
            stack.wait_for(server, lambda: answers(f"{settings.prefect_api}/health"))
            create_pool(settings.prefect_api)
            stack.run(
                "Creating the deployments",
                str(Path(sys.executable).parent / "prefect"),
                "--no-prompt",
                "deploy",
                "--all",
            )
            pid = server.process.pid
            nothing = by_flow(1, settings, pid, 0)
            return {
                "the store alone": alone(count, settings),
                "the flow, of one pathway": nothing,
                "the flow, none shown": by_flow(count, settings, pid, 0),
                "the flow, 1,000 shown": by_flow(count, settings, pid, 1000),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pathways", type=int, default=5000)
    count = parser.parse_args().pathways
    for name, cost in run(count).items():
        print(f"{name:26} {cost.cpu:7.2f} s of CPU   {cost.wall:7.2f} s")


if __name__ == "__main__":
    main()
