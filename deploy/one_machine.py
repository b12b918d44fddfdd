"""The shape of many machines, on one: PostgreSQL, Redis, Prefect's server and its services, two workers, the site.

    python -m deploy.one_machine FOLDER

It runs as deploy/systemd and deploy/compose.yaml run it, told by the same files of variables: those of deploy/, with
passwords and keys drawn once and kept in FOLDER. What ends is started again. Mail goes to a local mailbox. Ctrl-C stops
everything; a second start finds all as it was. Ports are those of PATHWAYS_PORTS__... at the first start; what the
files do not name is taken from PATHWAYS_... variables.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import make_url

from deploy.debian import installed, start_postgres, start_redis
from local.alone import alone
from local.stack import BIN, POOL, CannotStart, Child, Stack, answers, certificates, check_ports, stop
from local.variables import variables
from settings import HERE, Ports, Settings, settings

FILES = ("prefect", "pathways")
PAUSE = 2.0
"""Seconds before what has ended is started again."""


class Told(Stack):
    """Processes that are told what these variables say, and nothing of Prefect or of ours besides."""

    def __init__(self, settings: Settings, say: Callable[[str], None], told: Mapping[str, str]) -> None:
        super().__init__(settings, say)
        self.told = variables(HERE / "local" / "prefect.env") | told

    def environment(self) -> dict[str, str]:
        ours = ("PREFECT_", "PATHWAYS_")
        return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | self.told

    def keep_going(self) -> None:
        """Start again what has ended."""
        for place, child in enumerate(self.children):
            if child.process.poll() is not None:
                self.say(f"The {child.name} ended and is started again; its last words are in {child.log}")
                stop(child.process)  # what it has left behind
                self.start(child.name, *child.process.args)  # type: ignore[misc]
                self.children[place] = self.children.pop()


# What they are told ---------------------------------------------------------------------------------------------------


def told(folder: Path) -> dict[str, dict[str, str]]:
    """The variables of each file; written into the folder at its first start."""
    if not (folder / "pathways.env").exists():
        ports = Settings().ports
        ours = drawn(folder, ports)
        for name in FILES:
            _write(folder / f"{name}.env", filled(name, ours) | (here_only(ports) if name == "pathways" else {}))
    passed_on = {name: value for name, value in os.environ.items() if name.startswith("PATHWAYS_")}
    found = {name: variables(folder / f"{name}.env") for name in FILES}
    return found | {"pathways": passed_on | found["pathways"]}


def filled(name: str, ours: Mapping[str, str]) -> dict[str, str]:
    """The variables that an example names, with our values."""
    example = variables(HERE / "deploy" / f"{name}.env.example")
    return {key: ours.get(key, value) for key, value in example.items()}


def here_only(ports: Ports) -> dict[str, str]:
    """Ports; and mail at any hour, for it goes to the local mailbox only."""
    hours = {
        "PATHWAYS_SENDING__DAYS": "any",
        "PATHWAYS_SENDING__OPENS": "00:00",
        "PATHWAYS_SENDING__CLOSES": "23:59:59",
    }
    return hours | {f"PATHWAYS_PORTS__{name.upper()}": str(port) for name, port in ports.model_dump().items()}


def drawn(folder: Path, ports: Ports) -> dict[str, str]:
    """Addresses on this machine, with passwords and keys drawn by lot."""
    here, api = "127.0.0.1", f"http://127.0.0.1:{ports.prefect}"
    words = {name: secrets.token_urlsafe(24) for name in ("pathways", "strand", "prefect", "redis", "api")}
    postgres, redis = free_ports(2)
    database = {r: f"{r}:{words[r]}@{here}:{postgres}/{r}" for r in ("pathways", "strand", "prefect")}
    keys = [name for name in variables(HERE / "deploy" / "pathways.env.example") if name.endswith("KEYS")]
    queues = ("PREFECT_REDIS_MESSAGING_URL", "PREFECT_SERVER_DOCKET_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL")
    auth = dict.fromkeys(("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"), f"pathways:{words['api']}")
    apis = dict.fromkeys(("PATHWAYS_PREFECT_API", "PREFECT_API_URL", "PREFECT_UI_API_URL"), f"{api}/api")
    return {
        "PATHWAYS_HOME": str(folder / "home"),
        "PATHWAYS_DATABASE": f"postgresql://{database['pathways']}",
        "PATHWAYS_RESTRICTED_DATABASE": f"postgresql://{database['strand']}",
        "PATHWAYS_SITE__URL": f"http://{here}:{ports.site}",
        "PATHWAYS_CHANNELS__MAIL__URL": f"pathways-mail://{here}:{ports.smtp}",
        "PATHWAYS_RESTRICTED_CHANNELS__MAIL__URL": f"pathways-mail://{here}:{ports.strand_smtp}",
        "PREFECT_HOME": str(folder / "home" / "prefect"),
        "PREFECT_UI_STATIC_DIRECTORY": str(folder / "home" / "ui"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{database['prefect']}",
        **{name: json.dumps([secrets.token_urlsafe(32)]) for name in keys},
        **{name: f"redis://:{words['redis']}@{here}:{redis}/{number}" for number, name in enumerate(queues)},
        **auth,
        **apis,
        **certificates(api),
    }


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _write(file: Path, values: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()), encoding="utf-8")


# Starting and going on ------------------------------------------------------------------------------------------------


def one_machine(folder: Path, say: Callable[[str], None]) -> None:
    """Start everything and keep it going, until told to stop."""
    installed()
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711)  # PostgreSQL's user passes through; what is in there is each owner's only
    said = told(folder)
    os.environ.update(said["pathways"])
    settings.cache_clear()
    now = settings()
    with alone(now), ExitStack() as all_of_it:
        check_ports(now)
        engine, ours = (all_of_it.enter_context(Told(now, say, said[name])) for name in FILES)
        server = start_engine(engine, folder, said)
        start_ours(ours, server)
        say(READY.format(now=now, ui=now.prefect_api.removesuffix("/api"), folder=folder))
        while True:
            time.sleep(PAUSE)
            engine.keep_going()
            ours.keep_going()


def start_engine(engine: Told, folder: Path, said: Mapping[str, Mapping[str, str]]) -> Child:
    """PostgreSQL, Redis, and Prefect's server in its two parts. Returns that which will answer."""
    names = ("PATHWAYS_DATABASE", "PATHWAYS_RESTRICTED_DATABASE", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
    everything = said["pathways"] | said["prefect"]
    engine.say("PostgreSQL and Redis: starting ...")
    start_redis(engine, folder / "redis", said["prefect"]["PREFECT_SERVER_DOCKET_URL"])
    start_postgres(engine, folder / "postgres", [make_url(everything[name]) for name in names])
    engine.say("Prefect's database: bringing it up to date ...")
    prefect, where = str(BIN / "prefect"), ("--host", "127.0.0.1", "--port", str(engine.settings.ports.prefect))
    engine.run("Bringing Prefect's database up to date", prefect, "server", "database", "upgrade", "--yes")
    engine.start("prefect-services", prefect, "server", "services", "start")
    return engine.start("prefect-server", prefect, "server", "start", *where, "--no-services", "--workers", "2")


def start_ours(ours: Told, server: Child) -> None:
    """The database, the mailboxes, the site, the deployments and two workers."""
    pathways, now = str(BIN / "pathways"), ours.settings
    ours.say("Database: bringing it up to date ...")
    ours.run("Bringing the database up to date", pathways, "migrate")
    ours.start("site", pathways, "site")
    ours.start_mailbox("mailbox", now.ports.smtp, now.ports.mailbox, "mail")
    ours.start_mailbox("strand-mailbox", now.ports.strand_smtp, now.ports.strand_mailbox, "strand-mail")
    ours.say("Prefect's server: starting ...")
    ours.wait_for(server, lambda: answers(f"{now.prefect_api}/health"))
    ours.say("Deployments: creating those of prefect.yaml ...")
    ours.run("Creating the deployments", pathways, "deployments")
    for name in ("worker-1", "worker-2"):
        how = ("--pool", POOL, "--type", "process", "--install-policy", "never", "--limit", "2", "--name", name)
        ours.start(name, str(BIN / "prefect"), "worker", "start", *how)


READY = """
Case Pathways is running.

  Prefect UI   {ui}
               asks for PREFECT_API_AUTH_STRING, which is in {folder}/pathways.env
  Mailbox      http://127.0.0.1:{now.ports.mailbox}
  Site         {now.site.url}
  Strand       http://127.0.0.1:{now.ports.strand_mailbox}

For commands, in another terminal:

  set -a; . {folder}/pathways.env; set +a

Ctrl-C stops everything. State is kept in {folder}
"""


def _interrupt(*_: object) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)  # once only: a second Ctrl-C must not break off the stopping
    raise KeyboardInterrupt


def main() -> None:
    said = argparse.ArgumentParser(prog="python -m deploy.one_machine", description=__doc__.splitlines()[0])
    said.add_argument("folder", type=Path, help="where all state is kept")
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _interrupt)
    try:
        one_machine(said.parse_args().folder.resolve(), lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print("Stopped.")
    except CannotStart as why:
        sys.exit(str(why))


if __name__ == "__main__":
    main()
