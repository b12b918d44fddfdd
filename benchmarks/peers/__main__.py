"""Measure the peers and print what was found, as a table and as JSON.

    python -m benchmarks.peers [--peer NAME] [--cases 500] [--waiting 1000] [--idle 10] [--environments FOLDER]

The environment of a peer is made when it is first needed, from the package registry (about a minute). A peer that
cannot be had is said in a sentence, and the others are measured.
"""

import argparse
import json
from pathlib import Path

from benchmarks.measure import postgres
from benchmarks.peers import PACKAGES, Missing, crash, plain, run, wait


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--peer", choices=list(PACKAGES), action="append")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--waiting", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=10)
    parser.add_argument("--environments", type=Path)
    given = parser.parse_args()
    found = []
    with postgres() as server:
        for peer in given.peer or PACKAGES:
            try:
                found.append(
                    run(peer, given.cases, server, given.environments)
                    | plain(peer, 50, server, given.environments)
                    | crash(peer, 100, server, given.environments)
                    | wait(peer, given.waiting, server, given.idle, given.environments)
                )
            except Missing as problem:
                print(problem)
    table(found)
    print(json.dumps(found))


def table(found: list[dict]) -> None:
    for name in dict.fromkeys(name for one in found for name in one):
        print(f"{name:20}", *(f"{shown(one.get(name, '-')):>18}" for one in found))


def shown(value: object) -> str:
    if isinstance(value, dict):
        return str(sum(value.values()))
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
