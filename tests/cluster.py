"""Many machines on one, for tests: PostgreSQL, Redis, Prefect's server in two parts, two workers, started for real."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local.variables import variables
from tasks.nudge import ask
from tests.engine import Machine, wait_for


class Cluster(Machine):
    """What `python -m deploy.one_machine` runs, in a folder that PostgreSQL's user may pass through."""

    def __init__(self) -> None:
        self.above = Path(tempfile.mkdtemp(prefix="pathways-", dir="/tmp"))
        self.above.chmod(0o711)
        super().__init__(self.above)
        self.folder = self.above / "all"
        self.home = self.folder / "home"
        self.command = (sys.executable, "-m", "deploy.one_machine", str(self.folder))

    @property
    def environment(self) -> dict[str, str]:
        """As an operator has it, who reads the file that the first start has written."""
        file = self.folder / "pathways.env"
        return super().environment | {"PATHWAYS_BATCH": "2"} | (variables(file) if file.exists() else {})

    def clean_up(self) -> None:
        super().clean_up()
        shutil.rmtree(self.above, ignore_errors=True)

    def living(self) -> list[int]:
        """All that runs for this folder, PostgreSQL and Prefect's server too."""
        return processes_with(f"{self.folder}/")

    def child(self, *words: str) -> int:
        """The process that was started with these words."""
        return next(one for one in self.living() if " ".join(words) in " ".join(words_of(one)))

    # Prefect ----------------------------------------------------------------------------------------------------------

    @property
    def password(self) -> tuple[str, ...]:
        return tuple(self.environment["PREFECT_API_AUTH_STRING"].split(":", 1))

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        with httpx.Client(base_url=f"{self.address}/api", auth=self.password, timeout=90, verify=False) as client:
            said = ask(client, method, path, json=body)
        return httpx.Response(200, json=said, request=httpx.Request(method, self.address))

    def start_run(self, deployment: str, **parameters: Any) -> str:
        return self.submit(deployment, **parameters).json()["id"]

    def ended(self, run: str) -> dict[str, Any]:
        return wait_for("a run to end", lambda: self._over(run), patience=120, pause=0.5)

    def worker_of(self, run: str) -> tuple[str, list[int]]:
        """The name of the worker that has a run, and its processes: its own, and that of the run."""
        mine = wait_for("the run's process", lambda: processes_with(f"PREFECT__FLOW_RUN_ID={run}\0"))
        above = mine[0]
        while "--name" not in (words := words_of(above)):
            above = int(Path(f"/proc/{above}/stat").read_text().rsplit(")", 1)[1].split()[1])
        return words[words.index("--name") + 1], [above, *mine]

    # The databases ----------------------------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.environment["PATHWAYS_DATABASE"]) as connection:
            return connection.execute(query, values).fetchall()

    def everything(self) -> dict[str, tuple[Any, ...]]:
        """How many rows each table of ours has, and a sum over all that is in them."""
        tables = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        total = "SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{}\" t"
        return {name: self.rows(total.format(name))[0] for (name,) in tables}

    def as_postgres(self, *statements: str) -> None:
        """What only PostgreSQL's superuser may do, by the socket in the folder."""
        port = self.environment["PATHWAYS_DATABASE"].rsplit(":", 1)[1].split("/")[0]
        where = f"host={self.folder}/postgres port={port} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def processes_with(mark: str) -> list[int]:
    """The processes whose environment holds this."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def words_of(process: int) -> list[str]:
    """The command line of a process."""
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")
