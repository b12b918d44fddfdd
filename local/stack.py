"""`pathways run`: database, Prefect server, deployments, worker, mailbox and samples, on this machine, until Ctrl-C."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

from local.variables import variables
from settings import HERE, HIGHEST_PORT, Settings
from tasks.nudge import ask, client_of

BIN = Path(sys.executable).parent
POOL = "pathways"
PATIENCE = 180.0
"""Seconds a server may take to answer for the first time: a fresh Prefect database is migrated then."""
ANSWERS_WITHIN = 30.0
"""Seconds after which an answer that has not come is asked for again."""


class CannotStart(Exception):
    """Why the stack cannot run here, as a sentence to act on."""


@dataclass
class Child:
    """One process of the stack, in a session of its own so that it can be stopped with all it started."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Stack:
    """The processes of one machine. Use as a context: leaving it, or being killed, stops all it started."""

    def __init__(self, settings: Settings, say: Callable[[str], None] = print) -> None:
        self.settings = settings
        self.say = say
        self.children: list[Child] = []
        self.logs = settings.home / "logs"

    def __enter__(self) -> "Stack":
        self.logs.mkdir(parents=True, exist_ok=True)
        self.heir = subprocess.Popen(
            (sys.executable, "-m", "local.left_behind"), cwd=HERE, stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.children):
            stop(child.process)
        self.heir.kill()
        self.heir.communicate()

    def environment(self) -> dict[str, str]:
        return environment(self.settings)

    def start(self, name: str, *command: str) -> Child:
        log = self.logs / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                command, cwd=HERE, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        child = Child(name, process, log)
        self.children.append(child)
        with suppress(BrokenPipeError):
            os.write(self.heir.stdin.fileno(), f"{process.pid}\n".encode())
        return child

    def start_mailbox(self, name: str, smtp: int, web: int, folder: str) -> None:
        command = (sys.executable, "-m", "local.mailbox", "--smtp", str(smtp), "--web", str(web))
        child = self.start(name, *command, "--folder", str(self.settings.home / folder))
        self.wait_for(child, lambda: answers(f"http://127.0.0.1:{web}/health"))

    def wait_for(self, child: Child, answers: Callable[[], bool]) -> None:
        """Wait until a child answers. Raises CannotStart if it ends first or takes too long."""
        until = time.monotonic() + PATIENCE
        while True:
            answered = answers()
            if child.process.poll() is not None:  # then whoever answers is somebody else
                raise CannotStart(f"The {child.name} stopped while starting; its last words are in {child.log}")
            if answered:
                return
            if time.monotonic() > until:
                raise CannotStart(f"The {child.name} did not answer within {PATIENCE:.0f} seconds; see {child.log}")
            time.sleep(0.2)

    def run(self, what: str, *command: str) -> None:
        """Run a command to its end. Raises CannotStart when it fails."""
        log = self.logs / "setup.log"
        with log.open("ab") as out:
            done = subprocess.run(
                command, cwd=HERE, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        if done.returncode:
            raise CannotStart(f"{what} failed; the reason is at the end of {log}")

    def see_that_all_live(self) -> None:
        """Raise CannotStart where a child has ended by itself."""
        for child in self.children:
            if child.process.poll() is not None:
                raise CannotStart(f"The {child.name} stopped; its last words are in {child.log}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and all it started: gently first."""
    for sign, patience in ((signal.SIGTERM, 8.0), (signal.SIGKILL, 4.0)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.poll()
            return


def environment(settings: Settings) -> dict[str, str]:
    """What children are told: their own Prefect, at home in our folder; nobody else's settings, no telemetry."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    asked = dict.fromkeys(("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"), password) if password else {}
    return (
        inherited
        | asked
        | variables(HERE / "local" / "prefect.env")
        | {
            "PATHWAYS_HOME": str(settings.home),
            "PREFECT_HOME": str(settings.home / "prefect"),
            "PREFECT_API_URL": settings.prefect_api,
            "PREFECT_UI_API_URL": settings.prefect_api,
            **certificates(settings.prefect_api),
            # With leases in memory, a restart of the server can leave a sweep's one place taken for ever.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        }
    )


NOBODY = HERE / "local" / "nobody.pem"
"""A certificate nobody has the key of."""


def certificates(api: str) -> dict[str, str]:
    """What Prefect's clients are to check its server by: where that is asked in the clear, the least there can be.

    They read the certificates anew for every connection; those of the whole world took a fifth of the CPU of a round.
    """
    return {"PREFECT_API_SSL_CERT_FILE": str(NOBODY)} if api.startswith("http:") else {}


def answers(url: str) -> bool:
    """Whether something answers well at an address of this machine, which is asked in the clear."""
    try:
        return httpx.get(url, timeout=2, verify=False).is_success
    except httpx.HTTPError:
        return False


def check_ports(settings: Settings) -> None:
    """Raise CannotStart where two ports are the same or one is taken, saying which and how to choose another."""
    wanted: dict[int, str] = {}
    for name, port in settings.ports.model_dump().items():
        if port in wanted:
            raise CannotStart(f"Port {port} is wanted for {wanted[port]} and for {name}; {_another(name, port)}")
        wanted[port] = name
        _check_free(name, port)


def _check_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"Port {port} is for root only (wanted for {name}); {_another(name, port)}") from None
        except OSError:
            raise CannotStart(
                f"Port {port} is taken (wanted for {name}). If Case Pathways runs already, it is that one; "
                f"otherwise {_another(name, port)}"
            ) from None


def _another(name: str, port: int) -> str:
    other = port + 1000 if port + 1000 <= HIGHEST_PORT else port - 1000
    return f"choose another: PATHWAYS_PORTS__{name.upper()}={other} {_typed()}"


def _typed() -> str:
    """The command that was typed."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return "make run" if words == ["pathways", "run"] and "MAKELEVEL" in os.environ else shlex.join(words)


def create_pool(api: str) -> None:
    """Create the work pool, unless it is there. Prefect's own command has the server ask GitHub for a template."""
    until, pool = time.monotonic() + PATIENCE, {"name": POOL, "type": "process"}
    with client_of(api, ANSWERS_WITHIN) as client:
        try:
            patiently(client, until, "POST", "work_pools/", json=pool)
        except httpx.HTTPStatusError as answer:
            if answer.response.status_code != httpx.codes.CONFLICT:
                raise CannotStart(f"The work pool could not be created: {answer.response.status_code}") from None
        except TooBusy:
            raise CannotStart(f"Prefect did not answer within {PATIENCE:.0f} seconds; try again in a while") from None


@contextmanager
def running(settings: Settings, say: Callable[[str], None] = print) -> Iterator[Stack]:
    """The whole stack, ready: migrated, served, deployed, working and with a mailbox. Stopped on leaving."""
    check_ports(settings)
    ports = settings.ports
    with Stack(settings, say) as stack:
        say("Database: bringing it up to date ...")
        stack.run("Bringing the database up to date", str(BIN / "pathways"), "migrate")
        say("Prefect server: starting (its first start on a fresh database takes up to half a minute) ...")
        server = stack.start("prefect-server", sys.executable, "-m", "local.prefect_server", str(ports.prefect))
        stack.start_mailbox("mailbox", ports.smtp, ports.mailbox, "mail")
        stack.start_mailbox("strand-mailbox", ports.strand_smtp, ports.strand_mailbox, "strand-mail")
        stack.wait_for(server, lambda: answers(f"{settings.prefect_api}/health"))
        say("Deployments: creating those of prefect.yaml ...")
        prefect = str(BIN / "prefect")
        create_pool(settings.prefect_api)
        stack.run("Creating the deployments", prefect, "--no-prompt", "deploy", "--all")
        say("Site: starting ...")
        site = stack.start("site", str(BIN / "pathways"), "site")
        stack.wait_for(site, lambda: answers(f"http://127.0.0.1:{ports.site}/health"))
        say("Worker: starting ...")
        stack.start("worker", prefect, "worker", "start", "--pool", POOL, "--limit", "4", "--name", "local")
        yield stack


def run(settings: Settings, console: Console, *, samples: bool = True) -> None:
    """Start everything, load the samples where there is nothing yet, say where things are, and wait for Ctrl-C."""
    begun = time.monotonic()

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - begun:5.1f} s[/dim]  {line}", soft_wrap=True, highlight=False)

    # Ctrl-C, an order to stop, a closed terminal: the children live in sessions of their own and would go on.
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _interrupt)
    with running(settings, say) as stack:
        if samples:
            _load_samples(settings, say)
        say("A round: pathways advanced, late ones chased, mail sent ...")
        ended = [finish(settings.prefect_api, sweep) for sweep in ("round", "support", "reports")]
        if not all(ended):
            say("The round is taking its time; watch it in the Prefect UI.")
        stack.see_that_all_live()
        console.print(_ready(settings), soft_wrap=True, highlight=False)
        try:
            while True:
                time.sleep(1)
                stack.see_that_all_live()
        except KeyboardInterrupt:
            console.print("\nStopping ...")


def _interrupt(*_: object) -> None:
    # Once only: a second Ctrl-C must not break off the stopping and leave children behind.
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    raise KeyboardInterrupt


def _load_samples(settings: Settings, say: Callable[[str], None]) -> None:
    from samples import SamplesRefused, load_samples
    from samples.strand import load_strand
    from store.database import database

    say("Samples: loading the fictional caseload where there is none ...")
    try:
        now = datetime.now(UTC)
        loaded = load_samples(database(settings.database_url), now, settings)
    except SamplesRefused as refused:
        return say(str(refused))
    if loaded.new:
        load_strand(now, settings)
    say(loaded.said)


class TooBusy(Exception):
    """Prefect did not answer in time."""


def patiently(client: httpx.Client, until: float, method: str, path: str, **more: Any) -> Any:
    """What Prefect's API answers. Where it gives none, or fails, the machine is busy: that means not yet.

    Raises TooBusy when there is no answer by then.
    """
    while time.monotonic() < until:
        try:
            return ask(client, method, path, **more)
        except httpx.TransportError:
            time.sleep(0.5)
        except httpx.HTTPStatusError as answer:
            if not answer.response.is_server_error:
                raise
            time.sleep(0.5)
    raise TooBusy


def finish(api: str, sweep: str, patience: float = 120) -> bool:
    """Run a sweep now and wait until it has ended. False when it has not in time."""
    until, once = time.monotonic() + patience, uuid4().hex  # asked for twice, it is one run
    with client_of(api, ANSWERS_WITHIN) as client, suppress(TooBusy):
        deployment = patiently(client, until, "GET", f"deployments/name/{sweep}/{sweep}")["id"]
        asked = {"json": {"idempotency_key": once}}
        run = patiently(client, until, "POST", f"deployments/{deployment}/create_flow_run", **asked)["id"]
        while True:
            state = patiently(client, until, "GET", f"flow_runs/{run}")["state"]
            if state["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
                return True
            time.sleep(0.5)
    return False


def _ready(settings: Settings) -> str:
    from store.ask import worth_trying
    from store.database import database, reading

    ui, mail = f"http://127.0.0.1:{settings.ports.prefect}/v2", f"http://127.0.0.1:{settings.ports.mailbox}"
    with reading(database(settings.database_url)) as connection:
        late = worth_trying(connection)
    try_these = ".venv/bin/pathways overdue\n      what is late, the worst first"
    if late:
        pathway, provider, session = late
        try_these += f"""
  .venv/bin/pathways show {pathway}
      where one pathway stands, in ten lines
  .venv/bin/pathways record {pathway} attendance_reported session={session} result=attended --by {provider}
      answer for its provider, then see its run: {settings.run_link.format(reference=pathway)}"""
    return f"""
[bold]Case Pathways is running.[/bold]

  Prefect UI   {ui}/runs
               {ui}/artifacts/key/overdue and .../caseload
  Mailbox      {mail}
               most mails there hold a link to the site, where their recipients answer what is owed
  Site         {settings.site.url}
  Strand       http://127.0.0.1:{settings.ports.strand_mailbox}
               what goes to survivors' support workers; nobody reads both

Try, in another terminal:

  {try_these}

Ctrl-C stops everything. State is kept in {settings.home}
"""
