"""What `pathways run` does before and beside the real stack: one run a home, a busy Prefect, and tables with a heading."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from local import stack
from local.alone import alone
from local.configure import asked, configured
from settings import Ports, Settings, settings
from tasks.show import put_table
from tests.engine import PATHWAYS, ROOT, free_ports, wait_for


def at(home: Path, port: int = 4200) -> Settings:
    return Settings(home=home, ports={"prefect": port, "site": port + 1})


# One run a home -------------------------------------------------------------------------------------------------------


def test_a_second_run_on_one_home_is_refused_and_told_where_the_first_is(tmp_path: Path):
    with alone(at(tmp_path / "home", 4300)):
        with pytest.raises(stack.CannotStart) as why, alone(at(tmp_path / "home", 5300)):
            pass
        said = str(why.value)
        assert str(tmp_path / "home") in said and "PATHWAYS_HOME=" in said
        assert "Prefect UI http://127.0.0.1:4300, site http://127.0.0.1:4301" in said
        with alone(at(tmp_path / "another", 5300)):
            pass
    with alone(at(tmp_path / "home", 5300)):  # and after it there may be another
        pass


def test_the_command_says_so_and_leaves_the_settings_of_the_first_alone(tmp_path: Path):
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PATHWAYS_"))}
    second = ours | {"PATHWAYS_HOME": str(tmp_path), "PATHWAYS_PORTS__PREFECT": "5399"}
    (tmp_path / "pathways.toml").write_text("# Written by `pathways run` for one machine.")
    with alone(at(tmp_path)):
        done = subprocess.run([PATHWAYS, "run"], cwd=ROOT, env=second, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Case Pathways runs already from")
    assert "5399" not in (tmp_path / "pathways.toml").read_text()


def test_the_lock_dies_with_its_process(tmp_path: Path):
    code = f"""
import sys, time
from pathlib import Path
from local.alone import alone
from settings import Settings
with alone(Settings(home=Path({str(tmp_path)!r}))):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        with pytest.raises(stack.CannotStart), alone(at(tmp_path)):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with alone(at(tmp_path)):
        pass


@pytest.mark.parametrize("before", [None, "# Written by `pathways run` for one machine.\n"])
def test_the_settings_it_writes_are_nobody_elses_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
):
    monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path))
    path = tmp_path / "pathways.toml"
    if before:
        path.write_text(before)
        path.chmod(0o644)
    settings.cache_clear()
    configured()
    settings.cache_clear()
    assert (path.stat().st_mode & 0o777, "[ports]" in path.read_text()) == (0o600, True)


@pytest.mark.parametrize("wanted", Ports.model_fields)
def test_whichever_port_is_taken_is_named_with_its_setting(wanted: str):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(stack.CannotStart, match=f"Port {port} is taken .*PATHWAYS_PORTS__{wanted.upper()}="):
            stack.check_ports(Settings(ports=free_ports(*Ports.model_fields) | {wanted: port}))


def test_two_parts_are_not_given_one_port():
    with pytest.raises(stack.CannotStart, match=r"wanted for site and for mailbox; choose .*PATHWAYS_PORTS__MAILBOX="):
        ports = free_ports(*Ports.model_fields)
        stack.check_ports(Settings(ports=ports | {"mailbox": ports["site"]}))


def test_a_port_that_cannot_be_is_refused_with_its_name():
    with pytest.raises(ValidationError, match=r"ports\.prefect"):
        Settings(ports={"prefect": 99999})


@pytest.mark.parametrize("typed", [["run"], ["run", "--no-samples"]])
def test_who_is_to_choose_another_port_types_the_same_command_again(monkeypatch: pytest.MonkeyPatch, typed: list[str]):
    monkeypatch.delenv("MAKELEVEL", raising=False)
    monkeypatch.setattr(sys, "argv", ["/somewhere/.venv/bin/pathways", *typed])
    with pytest.raises(stack.CannotStart, match=f"=9025 pathways {' '.join(typed)}$"):
        stack.check_ports(Settings(ports=dict.fromkeys(Ports.model_fields, 8025)))


def test_a_port_asked_for_once_is_known_to_every_command_and_not_to_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path))
    monkeypatch.setenv("PATHWAYS_PORTS__PREFECT", "4799")
    settings.cache_clear()
    configured()
    monkeypatch.delenv("PATHWAYS_PORTS__PREFECT")
    settings.cache_clear()
    assert settings().ports.prefect == 4799
    assert configured().ports.prefect == asked().ports.prefect == Ports().prefect
    settings.cache_clear()


def test_ports_in_a_file_of_ones_own_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path))
    (tmp_path / "pathways.toml").write_text("[ports]\nprefect = 4799\n")
    settings.cache_clear()
    assert configured().ports.prefect == asked().ports.prefect == 4799
    settings.cache_clear()


# What it starts -------------------------------------------------------------------------------------------------------

STARTS = """
import sys, time
from pathlib import Path
from local.stack import Stack
from settings import Settings
with Stack(Settings(home=Path({home!r}))) as stack:
    child = stack.start("child", "sh", "-c", "sleep 60 & echo $!; wait")
    time.sleep(0.5)
    print(child.process.pid, child.log.read_text(), flush=True)
    {then}
"""


def lives(process: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return state != "" and not state.startswith("Z")


@pytest.mark.parametrize("then", ["time.sleep(60)", "pass"])
def test_what_a_run_started_ends_with_it_even_when_it_is_killed_outright(tmp_path: Path, then: str):
    code = STARTS.format(home=str(tmp_path), then=then)
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout
    started = [int(word) for word in run.stdout.readline().split()]
    if then != "pass":
        assert len(started) == 2 and all(map(lives, started))
        run.send_signal(signal.SIGKILL)
    run.communicate(timeout=20)
    wait_for("what it started to end", lambda: not any(map(lives, started)), patience=10)


def test_an_answer_from_somebody_else_is_not_taken_for_that_of_a_child_that_ended(tmp_path: Path):
    with stack.Stack(Settings(home=tmp_path)) as started:
        child = started.start("site", "false")
        child.process.wait()
        with pytest.raises(stack.CannotStart, match="The site stopped while starting"):
            started.wait_for(child, lambda: True)


# A busy Prefect -------------------------------------------------------------------------------------------------------


class Prefect(ThreadingHTTPServer):
    """An API that is too slow for the first request to each of its addresses, though it does what it is asked."""

    def __init__(self, slow: float) -> None:
        self.slow, self.asked, self.runs = slow, Counter[str](), {}
        super().__init__(("127.0.0.1", 0), _Answers)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api"


class _Answers(BaseHTTPRequestHandler):
    server: Prefect

    def do_GET(self) -> None:
        self._answer({"id": "D1"} if "deployments" in self.path else {"state": {"type": "COMPLETED"}})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = said.get("idempotency_key") or len(self.server.runs)
        self._answer({"id": self.server.runs.setdefault(key, f"R{len(self.server.runs)}")})

    def _answer(self, body: dict[str, Any]) -> None:
        self.server.asked[self.path] += 1
        if self.server.asked[self.path] == 1:
            time.sleep(self.server.slow)
        try:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())
        except BrokenPipeError:
            pass  # whoever asked has given up

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def prefect(slow: float) -> Iterator[Prefect]:
    with Prefect(slow) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_round_on_a_busy_machine_is_waited_for_and_asked_for_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stack, "ANSWERS_WITHIN", 0.2)
    with prefect(slow=0.6) as server:
        assert stack.finish(server.api, "round", patience=20)
        assert min(server.asked.values()) > 1, "each was asked for again"
        assert len(server.runs) == 1


def test_a_work_pool_on_a_busy_machine_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stack, "ANSWERS_WITHIN", 0.2)
    with prefect(slow=0.6) as server:
        stack.create_pool(server.api)
        assert server.asked["/api/work_pools/"] == 2


def test_a_prefect_that_never_answers_is_given_up_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stack, "PATIENCE", 0.3)
    nobody = "http://127.0.0.1:9/api"
    assert stack.finish(nobody, "round", patience=0.3) is False
    with pytest.raises(stack.CannotStart, match="did not answer"):
        stack.create_pool(nobody)


# Tables in the Prefect UI ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [[], [{"pathway": "SPIP-D1", "due": date(2026, 1, 5), "late": None}]])
def test_a_table_has_a_heading_for_each_of_its_columns_even_when_it_is_empty(rows: list[dict[str, Any]]):
    """The UI's page of an artifact breaks on a column without a name."""
    sent: list[dict[str, Any]] = []

    def takes(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(201)

    with httpx.Client(base_url="http://prefect.example/api", transport=httpx.MockTransport(takes)) as client:
        put_table(client, "needs-repair", rows, "what needs repair", None)
    [drawn] = json.loads(sent[0]["data"])
    assert all(drawn) and drawn == (
        {"pathway": "SPIP-D1", "due": "2026-01-05", "late": ""} if rows else {"rows": "none"}
    )
