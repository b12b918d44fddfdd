"""PostgreSQL and Redis of Debian's packages, as processes and files of ours; the system's own are not touched."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from sqlalchemy import URL

from local.stack import CannotStart, Stack

PACKAGES = {"postgres": "postgresql", "redis-server": "redis-server"}
LONGEST_SOCKET = 90
"""Characters of a folder's path with which the name of PostgreSQL's socket in it still fits."""


def program(name: str) -> str | None:
    """Where a program is: PostgreSQL's are in a folder for each version, of which the newest is taken."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


def installed() -> None:
    """Install what is missing. Raises CannotStart where we may not, and says what to do."""
    if not (missing := [package for name, package in PACKAGES.items() if not program(name)]):
        return
    wanted = " ".join(missing)
    if os.geteuid() or not shutil.which("apt-get"):
        raise CannotStart(f"This needs packages of Debian that are not here: sudo apt-get install {wanted}")
    said = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--no-install-recommends", "--yes", *missing]):
        if subprocess.run(["apt-get", "-qq", *command], env=said, stdout=subprocess.DEVNULL).returncode:
            raise CannotStart(f"Packages could not be installed; try it by hand: apt-get install {wanted}")


def start_postgres(stack: Stack, data: Path, urls: Sequence[URL]) -> None:
    """A PostgreSQL that listens where these URLs say, with the databases, owners and passwords they name."""
    if len(str(data)) > LONGEST_SOCKET:
        raise CannotStart(f"The path {data} is too long for PostgreSQL's socket; choose a folder with a shorter one.")
    as_postgres = _owned_by_postgres(data)
    if not (data / "PG_VERSION").exists():
        whom = ("--auth-local=trust", "--auth-host=scram-sha-256", "--username=postgres")  # the socket is its owner's
        how = (*whom, "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", str(data))
        stack.run("Making PostgreSQL's files", *as_postgres, str(program("initdb")), *how)
    port = str(urls[0].port)
    options = ("-D", str(data), "-h", "127.0.0.1", "-p", port, "-k", str(data))
    child = stack.start("postgres", *as_postgres, str(program("postgres")), *options)
    admin = {"host": str(data), "port": port, "user": "postgres", "dbname": "postgres", "autocommit": True}
    stack.wait_for(child, lambda: _answers(admin))
    with psycopg.connect(**admin) as connection:
        for url in urls:
            _give(connection, url)


def _owned_by_postgres(data: Path) -> tuple[str, ...]:
    """Make the folder, and say how a command is run as its owner: PostgreSQL refuses to be run by root."""
    data.mkdir(exist_ok=True, mode=0o700)
    if os.geteuid():
        return ()
    shutil.chown(data, "postgres", "postgres")
    return ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")


def _answers(admin: dict[str, object]) -> bool:
    try:
        psycopg.connect(**admin).close()  # type: ignore[arg-type]
    except psycopg.OperationalError:
        return False
    return True


def _give(connection: psycopg.Connection, url: URL) -> None:
    """A role with this password, and a database of its own that no other role may enter."""
    role, name = sql.Identifier(url.username or ""), sql.Identifier(url.database or "")
    for catalogue, column, known, make in (
        ("pg_roles", "rolname", url.username, sql.SQL("CREATE ROLE {}").format(role)),
        ("pg_database", "datname", url.database, sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role)),
    ):
        if not connection.execute(f"SELECT 1 FROM {catalogue} WHERE {column} = %s", [known]).fetchone():
            connection.execute(make)
    connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(url.password)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))


def start_redis(stack: Stack, data: Path, url: str) -> None:
    """A Redis that listens where this URL says, and wants its password."""
    data.mkdir(exist_ok=True, mode=0o700)
    at, conf = urlsplit(url), data / "redis.conf"
    conf.touch(mode=0o600)
    conf.write_text(f"bind 127.0.0.1\nport {at.port}\nrequirepass {at.password}\ndir {data}\n", encoding="ascii")
    stack.start("redis", str(program("redis-server")), str(conf))
