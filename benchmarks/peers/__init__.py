"""The same work on other engines: DBOS Transact, Absurd and Temporal, each driven the way its makers advise.

The work, for each case: a start, and the outbox row "tell provider"; a wait for "booked"; "tell booked"; a wait for
"attended" with a deadline, which for one case in five passes first: "chase", and a wait without one; "tell adviser".
Durable at every step, each row once. What happens from outside (the start, the events) is counted in as well, and is
sent many at a time where an engine can take it so.
"""

import time
from collections import Counter
from pathlib import Path

from benchmarks.measure import Postgres, measured, memory
from benchmarks.peers.driver import Driver
from benchmarks.peers.environments import Missing, version

PACKAGES = {"dbos": "dbos", "absurd": "absurd-sdk", "temporal": "temporalio"}
PLAINLY = ("absurd",)  # where what one would write first does not wait twice
PATIENT, LATE = 30 * 24 * 3600, 1  # seconds until the deadline
PROBES = 10

__all__ = ["PACKAGES", "Missing", "crash", "plain", "run", "wait"]


def named(count: int) -> dict[str, int]:
    """Cases with the seconds until the deadline of each: short for one in five, the first, so that nobody waits for it."""
    return {f"C{n:06}": LATE if n < count // 5 else PATIENT for n in range(count)}


def run(peer: str, cases: int, postgres: Postgres, environments: Path | None = None) -> dict:
    """The work, from the first start to the last row."""
    with Driver(peer, postgres, environments) as driver:
        with measured(postgres.pid) as cost:
            errors = _booked(driver, named(cases)) + _attended(driver, named(cases))
        return {
            "peer": peer, "version": version(peer, PACKAGES[peer]), "cases": cases, "wall": cost.wall, "cpu": cost.cpu,
            "cases_per_second": cases / cost.wall, "cpu_ms_per_case": 1000 * cost.cpu / cases,
        } | _found(driver, cases, errors)  # fmt: skip


def _booked(driver: Driver, cases: dict[str, int]) -> Counter[str]:
    """Started, and "booked" for all: whoever reads on may find it acted on or not."""
    errors = driver.ask("start", cases=cases)
    driver.settled("tell provider", len(cases))
    return errors + driver.ask("happen", event="booked", cases=list(cases))


def _attended(driver: Driver, cases: dict[str, int]) -> Counter[str]:
    driver.settled("tell booked", len(cases))
    late, timely = ([case for case in cases if (cases[case] == LATE) is it] for it in (True, False))
    errors = driver.ask("happen", event="attended", cases=timely)
    driver.settled("tell adviser", len(timely))
    driver.settled("chase", len(late))
    errors += driver.ask("happen", event="attended", cases=late)
    driver.settled("tell adviser", len(cases))
    return errors


def _found(driver: Driver, cases: int, errors: dict[str, int]) -> dict:
    """Whether it was right. A step that ran again wrote no second row, but is counted."""
    return {
        "errors": errors,
        "lost": cases - driver.count("tell adviser"),
        "unattended": driver.one("SELECT count(*) FROM outbox WHERE occasion = 'tell adviser' AND report IS NULL"),
        "said_again": driver.one("SELECT coalesce(sum(said - 1), 0)::int FROM outbox"),
    }


def plain(peer: str, cases: int, postgres: Postgres, environments: Path | None = None) -> dict:
    """How many were completed with no attendance by what one writes first: chase, then wait again.

    Nothing where that is what `run` measures."""
    if peer not in PLAINLY:
        return {}
    with Driver(peer, postgres, environments) as driver:
        late = dict.fromkeys(named(cases), LATE)
        driver.ask("start", cases=late, plainly=True)
        driver.ask("happen", event="booked", cases=list(late))
        driver.settled("chase", cases)
        driver.settled("tell adviser", cases, still=3)
        return {"plain_unattended": _found(driver, cases, {})["unattended"]}


def crash(peer: str, cases: int, postgres: Postgres, environments: Path | None = None) -> dict:
    """kill -9 while a third of what happened has been acted on, then the rest of the work after a new start."""
    with Driver(peer, postgres, environments) as driver:
        given = named(cases)
        errors = _booked(driver, given)
        driver.settled("tell booked", cases // 3)
        driver.kill()
        driver.start()
        begun = time.monotonic()
        driver.settled("tell booked", cases)
        caught_up = time.monotonic() - begun
        errors += _attended(driver, given)
        return {"caught_up": caught_up} | {f"crash_{name}": n for name, n in _found(driver, cases, errors).items()}


def wait(peer: str, waiting: int, postgres: Postgres, idle: float = 10, environments: Path | None = None) -> dict:
    """What many that wait cost; how long after kill -9 the first is served; and all their events at once."""
    cases = dict.fromkeys(named(waiting), PATIENT)
    with Driver(peer, postgres, environments) as driver:
        empty = _resting(driver, postgres, idle)
        driver.ask("start", cases=cases)
        driver.settled("tell provider", waiting)
        full = _resting(driver, postgres, idle)
        return {
            "waiting": waiting, "memory_empty": empty["memory"], "memory": full["memory"],
            "idle_seconds": idle, "idle_cpu_empty": empty["cpu"], "idle_cpu": full["cpu"],
            "bytes_per_case": (full["bytes"] - empty["bytes"]) / waiting,
        } | _restarted(driver, list(cases)[:: max(1, waiting // PROBES)]) | _burst(driver, list(cases))  # fmt: skip


def _resting(driver: Driver, postgres: Postgres, idle: float) -> dict[str, float]:
    time.sleep(2)  # what was begun is over
    with measured(postgres.pid) as cost:
        time.sleep(idle)
    return {"cpu": cost.cpu, "memory": memory(driver.pid), "bytes": driver.bytes()}


def _restarted(driver: Driver, probes: list[str]) -> dict[str, float]:
    """Seconds from a new start until the first, and the last, of a few spread over all that wait is served."""
    driver.kill()
    begun, served = time.monotonic(), []
    driver.start()
    driver.ask("happen", event="booked", cases=probes)
    for wanted in (1, len(probes)):
        driver.settled("tell booked", wanted)
        served.append(time.monotonic() - begun)
    return {"restart_first": served[0], "restart_all": served[1]}


def _burst(driver: Driver, cases: list[str]) -> dict:
    """An event for everybody else, each by itself, none waiting for another."""
    known = driver.one("SELECT coalesce(array_agg(case_ref), '{}') FROM outbox WHERE occasion = 'tell booked'")
    begun = time.monotonic()
    errors = driver.ask("happen_at_once", event="booked", cases=[case for case in cases if case not in set(known)])
    served = driver.settled("tell booked", len(cases))
    return {"burst_seconds": time.monotonic() - begun, "burst_errors": errors, "burst_lost": len(cases) - served}
