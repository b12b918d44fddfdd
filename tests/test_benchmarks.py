"""What the benchmarks count, and what they say of a peer that cannot be had."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from benchmarks.measure import measured, memory
from benchmarks.peers.environments import HERE, Missing, python

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_work_of_a_process_that_was_started_and_has_ended_is_counted() -> None:
    with measured() as cost:
        subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert 0.25 < cost.cpu < 1.5
    assert cost.wall > 0


def test_the_work_of_a_database_is_counted_though_its_connection_is_gone(postgres) -> None:
    with measured(postgres.server.get_pid()) as cost, psycopg.connect(postgres.server.get_uri("postgres")) as c:
        c.execute("SELECT count(*) FROM generate_series(1, 3000000)")
    assert cost.cpu > 0.1


def test_sleeping_costs_no_processor() -> None:
    with measured() as cost:
        subprocess.run(["sleep", "0.3"], check=True)
    assert cost.cpu < 0.15
    assert cost.wall >= 0.3


def test_memory_is_that_of_the_children_too() -> None:
    program = "held = b'x' * 50_000_000; print('ready', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    held = memory(os.getpid())
    child.communicate()
    assert held - memory(os.getpid()) > 45_000_000


@pytest.mark.parametrize("pins", sorted(HERE.glob("requirements-*.txt")), ids=lambda pins: pins.stem)
def test_every_package_of_a_peer_is_pinned(pins: Path) -> None:
    lines = [line for line in pins.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines
    assert all(line.count("==") == 1 for line in lines)


def test_a_peer_that_cannot_be_installed_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(Missing, match=r"absurd could not be installed from requirements-absurd\.txt: .+"):
        python("absurd", tmp_path)
