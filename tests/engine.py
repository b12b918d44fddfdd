"""A machine of our own for end-to-end tests: `pathways run` on free ports, with a home folder of its own."""

import csv
import email
import email.policy
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx

import intake

ROOT = Path(__file__).parents[1]
PATHWAYS = str(Path(sys.executable).with_name("pathways"))
OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
NOBODY = "http://127.0.0.1:9/api"
"""Where no Prefect is."""
COMMANDS = """
import json, sys
from cli.app import app
for words in json.loads(sys.argv[1]):
    if code := app(words, standalone_mode=False):
        sys.exit(code)
"""
"""Several commands in one process: what takes long is to start one."""
T = TypeVar("T")


def free_ports(*names: str) -> dict[str, int]:
    """A free port for each name, no two of them the same.

    They are used only seconds later. So they are none that the system gives to whoever connects to somewhere meanwhile
    (Linux: from 32768 on), and each process of the suite draws from ports of its own.
    """
    mine = 12_000 + 2_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    drawn = random.sample(range(mine, mine + 2_000), 2_000)
    return dict(zip(names, filter(_free, drawn), strict=False))


def _free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def wait_for(what: str, look: Callable[[], T], patience: float = 60, pause: float = 0.2) -> T:
    """What `look` finds, as soon as it finds something."""
    until = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < until, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(pause)
    return found


def write_file(folder: Path, kind: str, *rows: dict[str, Any]) -> Path:
    """A file to load: the columns of its template, and the rows given."""
    path = folder / f"{kind}.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, intake.template(kind)[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


class Machine:
    """One machine: its home folder, its ports and what runs on it."""

    command: tuple[str, ...] = (PATHWAYS, "run")
    """What starts it."""

    def __init__(self, folder: Path) -> None:
        self.home, self.user, self.said = folder / "home", folder / "user", folder / "said.txt"
        self.user.mkdir(parents=True)
        self.ports = free_ports("prefect", "site", "mailbox", "smtp", "strand_mailbox", "strand_smtp")
        self.process: subprocess.Popen[bytes] | None = None
        self._read: dict[Path, EmailMessage] = {}

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PATHWAYS_"))}
        ports = {f"PATHWAYS_PORTS__{name.upper()}": str(port) for name, port in self.ports.items()}
        folders = {"PATHWAYS_HOME": str(self.home), "HOME": str(self.user)}
        return ours | ports | folders | {"PATHWAYS_PROFILE": "composite"}  # as `run` sets it, for what comes before it

    # Starting and stopping -------------------------------------------------------------------------------------------

    def start(self, *options: str) -> None:
        """`pathways run`, or what else starts it, until it says that it is running."""
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(
                [*self.command, *options], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        wait_for("the stack to run", self._runs_or_ended, patience=180)
        assert self.process.poll() is None, self.said.read_text()

    def _runs_or_ended(self) -> bool:
        return "Ctrl-C stops everything" in self.said.read_text() or self.process.poll() is not None

    def stop(self, sign: int = signal.SIGINT) -> int:
        """Ask it to stop, as Ctrl-C or an administrator does. Returns its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(20)

    def clean_up(self) -> None:
        """Whatever a test has left running."""
        if self.process and self.process.poll() is None:
            self.stop()
        for process in self.living():
            os.kill(process, signal.SIGKILL)

    def living(self) -> list[int]:
        """Processes that were started for this home, the flow runs of its worker among them."""
        mark = f"PATHWAYS_HOME={self.home}\0".encode()
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if mark in _environ(entry)]

    def listening(self) -> set[tuple[str, int]]:
        """The addresses and ports on which processes of this home take connections."""
        ours = {inode for process in self.living() for inode in _sockets(process)}
        found = set()
        for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == "0A" and inode in ours:  # 0A is LISTEN
                    host, port = local.split(":")
                    words = b"".join(bytes.fromhex(host[n : n + 8])[::-1] for n in range(0, len(host), 8))
                    found.add((socket.inet_ntop(family, words), int(port, 16)))
        return found

    def taken_ports(self) -> list[int]:
        return [port for port in self.ports.values() if _answers(port)]

    # Using it --------------------------------------------------------------------------------------------------------

    def pathways(self, *words: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """A command of its command line, which ends with the exit code expected."""
        done = subprocess.run(
            [PATHWAYS, *words], cwd=self.user, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip
        assert expect in (None, done.returncode), (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr + done.stdout
        return done

    def types(self, *commands: Sequence[str], **told: str) -> None:
        """Commands one after the other, in one process, that all end well. `told` are variables besides."""
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS, json.dumps(commands)], cwd=ROOT, env=self.environment | told,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (commands, done.stdout, done.stderr)

    def loads(self, **kinds: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
        """The commands that load files, in this order."""
        return [("load", kind, str(self.write(kind, *rows))) for kind, rows in kinds.items()]

    def load(self, **kinds: Sequence[dict[str, Any]]) -> None:
        self.types(*self.loads(**kinds))

    def load_before_prefect_hears(self, **kinds: Sequence[dict[str, Any]]) -> None:
        self.types(*self.loads(**kinds), PATHWAYS_PREFECT_API=NOBODY)

    def write(self, kind: str, *rows: dict[str, Any]) -> Path:
        return write_file(self.user.parent, kind, *rows)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.ports['prefect']}"

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request to Prefect's API, once more where its SQLite was busy, as Prefect's own client does it."""
        for pause in (0.2, 0.5, 1, 2):
            # To read the certificates of the whole world costs more than to ask.
            answer = httpx.request(method, f"{self.address}/api/{path}", json=body, timeout=90, verify=False)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(pause)
        return answer

    def deployment(self, name: str) -> dict[str, Any]:
        return self.ask("GET", f"deployments/name/{name}/{name}").raise_for_status().json()

    def submit(self, deployment: str, **parameters: Any) -> httpx.Response:
        """What the UI does when its form is sent."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return self.ask("POST", f"deployments/{self.deployment(deployment)['id']}/create_flow_run", body)

    def go(self, deployment: str, **parameters: Any) -> dict[str, Any]:
        """A run of a deployment, when it has ended."""
        run = self.submit(deployment, **parameters).raise_for_status().json()["id"]
        return wait_for(f"{deployment} to end", lambda: self._over(run), patience=90, pause=0.5)

    def _over(self, run: str) -> dict[str, Any] | None:
        found = self.ask("GET", f"flow_runs/{run}").raise_for_status().json()
        return found if found["state"]["type"] in OVER else None

    def runs(self, *names: str) -> list[dict[str, Any]]:
        """The runs of these names, or all of them; the newest first."""
        query = {"limit": 200, "sort": "EXPECTED_START_TIME_DESC"}
        if names:
            query["flow_runs"] = {"name": {"any_": list(names)}}
        return self.ask("POST", "flow_runs/filter", query).raise_for_status().json()

    def run_in(self, pathway: str, state: str) -> dict[str, Any]:
        """The newest run of a pathway, once it has ended in the state of this name."""

        def look() -> dict[str, Any] | None:
            runs = self.runs(pathway)
            self.seen = [run["state"]["name"] for run in runs]
            newest = next((run for run in runs if run["state"]["type"] in OVER), None)
            return newest if newest and newest["state"]["name"] == state else None

        try:
            return wait_for(f"{pathway} to be in the state {state!r}", look, patience=180, pause=0.5)
        except AssertionError as vain:
            raise AssertionError(f"{vain}; its runs, the newest first: {self.seen}") from None

    def artifact(self, key: str) -> dict[str, Any]:
        return self.ask("GET", f"artifacts/{key}/latest").raise_for_status().json()

    def mails(self, folder: str = "mail") -> list[EmailMessage]:
        """What has come to the local mailbox, or to the strand's."""
        files = sorted((self.home / folder / "new").glob("*"))
        for file in (one for one in files if one not in self._read):
            self._read[file] = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        return [self._read[file] for file in files]


def _sockets(process: int) -> Iterator[str]:
    """The inodes of the sockets a process has open."""
    for link in Path(f"/proc/{process}/fd").glob("*"):
        with suppress(OSError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
                yield found[1]


def _environ(entry: Path) -> bytes:
    try:
        return (entry / "environ").read_bytes()
    except OSError:
        return b""


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def parts(mail: EmailMessage) -> dict[str, str]:
    """The readable parts of a mail, by their type."""
    return {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}


def found_in(folder: Path, *words: str) -> dict[str, list[str]]:
    """Which of these words stand in which file of a folder, in whatever capitals; every byte is looked at."""
    hits: dict[str, list[str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes().lower()
        if here := [word for word in words if word.lower().encode() in content]:
            hits[str(file.relative_to(folder))] = here
    return hits
