"""A worker that is killed: what it does, done for real by a process that gets SIGKILL at whatever point it is told.

One process is kept warm, with everything imported, and forks a child for each piece of work: some milliseconds where a
start from nothing takes seconds. The child counts the points it passes: statements, both sides of every commit, and
every answer of the mail server.
"""

import json
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Engine, event, select
from sqlalchemy.engine.default import DefaultDialect

from flows.programmes import PROGRAMMES
from flows.support import support
from models import tables as t
from models.facts import KINDS
from models.restricted import Followed, HeldText
from notifications.channels import Channels
from settings import Sending, Settings, sqlite_file
from store import outbox
from store.advance import advance
from store.chase import chase
from store.database import database, reading
from store.links import holder_of
from store.receipts import send_in
from store.record import Reported, record
from store.strand import strand
from tasks.deliver import send
from tasks.support import sweep_strand
from tests.fresh import with_tables
from tests.smtp_sink import Sink
from tests.strand import Sides, to_sink
from tests.world import mailing

# What a worker does ---------------------------------------------------------------------------------------------------


def rounds(settings: Settings, now: datetime, facts: Sequence[Any], engine: Engine | None = None) -> None:
    """Record what people report, one call each; advance, chase, gather and send until nothing is left."""
    engine = engine or database(settings.database_url)
    reports(settings, now, facts)
    for programme, story in reversed(PROGRAMMES.items()):  # CPPP first, for it opens SPIPs
        advance(engine, programme, story, now, settings)
    chase(engine, now, settings)
    outbox.gather(engine, now, settings)
    with Channels(settings) as channels:
        while send(engine, channels, now, settings):
            pass


def sweep(settings: Settings, now: datetime, facts: Sequence[Any]) -> None:
    """The restricted strand listens, opens, advances, chases, delivers and takes back."""
    sweep_strand(support, now, settings)


def answers(settings: Settings, now: datetime, facts: Sequence[Any]) -> None:
    """A provider sends several answers in at once on the site."""
    engine = database(settings.database_url)
    with reading(engine) as connection:
        holder = holder_of(connection, "provider", "P1")
    assert holder
    send_in(engine, holder, as_reported(facts), "the same form", now, settings)


def reports(settings: Settings, now: datetime, facts: Sequence[Any]) -> None:
    """Somebody reports many things, one at a time. What is refused is their own business; an error is not."""
    engine = database(settings.database_url)
    for reported in as_reported(facts):
        record(engine, [reported], now, settings)


WORK: dict[str, Callable[[Settings, datetime, Sequence[Any]], None]] = {
    work.__name__: work for work in (rounds, sweep, answers, reports)
}


def as_reported(facts: Sequence[Any]) -> list[Reported]:
    """Facts as they are handed to another process: (subject, kind, fields)."""
    return [Reported(subject, KINDS[kind].model_validate(fields)) for subject, kind, fields in facts]


# The scene -----------------------------------------------------------------------------------------------------------


class Scene:
    """Both databases and a mail server, and the databases as they once stood, to be had again as often as one likes."""

    def __init__(self, home: Path, sink: Sink, postgres: Any) -> None:
        self.home, self.sink, self.postgres = home, sink, postgres
        urls = {}
        if postgres:
            urls = {"database": postgres.fresh(), "restricted_database": postgres.fresh(restricted=True)}
        mail = to_sink(sink.port)
        sending = Sending(days="any", opens="00:00", closes="23:59:59")
        self.settings = Settings(
            home=home, profile="composite", channels=mail, restricted_channels=mail, sending=sending, **urls
        )
        self.main, self.strand = database(self.settings.database_url), strand(self.settings)
        self.used = [self.main]
        if not postgres:
            with_tables(self.main)
            with_tables(self.strand, restricted=True)

    def with_strand(self) -> Sides:
        self.used.append(self.strand)
        return Sides(self.main, self.settings)

    def stored(self) -> list[str]:
        return [line for engine in self.used for line in stored(engine)]

    def keep(self) -> None:
        """Remember how the databases stand."""
        self._copy("", "_kept")

    def again(self) -> None:
        """Have them as they stood, with no memory of what was since, and an empty mailbox."""
        self.restore()
        for file in (*self.home.glob("*audit.heads"), *self.home.glob("*sent.log")):
            file.unlink()
        self.sink.received.clear()

    def restore(self) -> None:
        """Have the databases as they stood; the files beside them stay."""
        self._copy("_kept", "")

    def _copy(self, source: str, target: str) -> None:
        for engine in self.used:
            if not self.postgres:
                with engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            engine.dispose()
            if self.postgres:
                self.postgres.copy(f"{engine.url.database}{source}", f"{engine.url.database}{target}")
            else:
                file = str(sqlite_file(str(engine.url)))
                Path(f"{file}{target}").unlink(missing_ok=True)
                shutil.copy(f"{file}{source}", f"{file}{target}")

    def close(self) -> None:
        for engine in (self.main, self.strand):
            engine.dispose()
            if self.postgres:
                self.postgres.drop(str(engine.url.database))
                self.postgres.drop(f"{engine.url.database}_kept")


def scene(request: Any, folder: Path) -> Iterator[Scene]:
    """A scene on SQLite or PostgreSQL, whichever a test is run on."""
    database.cache_clear()
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with Sink() as sink:
        made = Scene(folder, sink, postgres)
        yield made
        made.close()


COMPARED = {
    t.FactRow: "subject kind identity happened_on recorded_by supersedes",
    t.PathwayRow: "reference programme party state label since on_code due_on provider closed_on look_on failure",
    t.DutyRow: "pathway key kind on_code opened_on due_on state closed_on paused chase_on step marked_on",
    t.NoticeRow: "pathway to_role to_code wording occasion withheld",
    t.Receipt: "code",
    t.ProviderText: "pathway body",
    HeldText: "pathway body state left_behind",
}


def stored(engine: Engine) -> list[str]:
    """All that matters of a database, in a form in which rows and facts may have been numbered otherwise."""
    lines: list[str] = []
    with reading(engine) as connection:
        tables = connection.dialect.get_table_names(connection)
        for model, columns in COMPARED.items():
            if model.__tablename__ not in tables:
                continue  # the other side's (SR-11)
            query = select(*(model.__table__.c[name] for name in columns.split()))
            lines += [f"{model.__name__} {' '.join(map(str, row))}" for row in connection.execute(query)]
        carried = select(t.MessageRow.to_code, t.MessageRow.state, t.NoticeRow.pathway, t.NoticeRow.occasion)
        query = carried.join(t.NoticeRow, t.NoticeRow.bundle == t.MessageRow.bundle)
        lines += [f"Message {' '.join(row)}" for row in connection.execute(query)]
        numbers = connection.execute(select(t.FactRow.id, t.FactRow.subject, t.FactRow.identity))
        names = {f":{number}": f":{subject}/{identity}" for number, subject, identity in numbers}
        followed = (
            dict(connection.execute(select(Followed.reference, Followed.man)).all()) if "followed" in tables else {}
        )
    for pattern, meant in ((r":\d+\b", names), ("SUPPORT-[0-9A-F]+", followed), ("RC-[0-9A-F]+", {})):
        lines = [re.sub(pattern, lambda found, meant=meant: meant.get(found[0], "drawn"), line) for line in lines]
    return sorted(lines)


# The fuse -------------------------------------------------------------------------------------------------------------

WRITES = ("INSERT", "UPDATE", "DELETE")


class Fuse:
    """Counts the points passed, and ends this process at one of them without a word, as a power cut does.

    A point is after a statement that writes, before and after a commit of any, and while an answer of the mail server
    is awaited. What lies between two of them leaves no trace, so to be killed there is to be killed at the first.
    """

    def __init__(self) -> None:
        self.burns_at: int | None = None
        self.passed: list[str] = []
        self._wrote = False

    def lit(self, burns_at: int | None) -> None:
        self.burns_at, self.passed = burns_at, []

    def laid(self) -> "Fuse":
        event.listen(Engine, "after_cursor_execute", lambda connection, cursor, sql, *_: self.statement(sql))
        smtplib.SMTP.getreply = self._before(smtplib.SMTP.getreply)
        DefaultDialect.do_commit = self._around(DefaultDialect.do_commit)
        return self

    def point(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) == self.burns_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, sql: str) -> None:
        if sql.startswith(WRITES):
            self._wrote = True
            self.point(" ".join(sql.split()[:3]))

    def _before(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        def awaited(*args: Any) -> Any:
            self.point("an answer awaited")
            return answer(*args)

        return awaited

    def _around(self, commit: Callable[..., Any]) -> Callable[..., Any]:
        def committed(*args: Any) -> None:
            wrote, self._wrote = self._wrote, False
            if wrote:
                self.point("to be committed")
            commit(*args)
            if wrote:
                self.point("committed")

        return committed


# The warm process, and who asks it ------------------------------------------------------------------------------------


def main() -> None:
    """Do each piece of work that is asked for: what is to be killed in a child, anything else here, which keeps warm."""
    warm()
    fuse = Fuse().laid()
    for line in sys.stdin:
        job = json.loads(line)
        fuse.lit(job["killed_at"])
        settings = Settings.model_validate(job["settings"])
        work = partial(WORK[job["work"]], settings, datetime.fromisoformat(job["now"]))
        if "lots" in job:
            codes = in_children([partial(work, facts) for facts in job["lots"]])
        elif job["killed_at"]:
            codes = in_children([partial(work, job["facts"])])
        else:
            codes = in_here(partial(work, job["facts"]), settings)
        print(json.dumps({"codes": codes, "passed": fuse.passed}), flush=True)


def in_here(work: Callable[[], None], settings: Settings) -> list[int]:
    """The engines stay, with the statements they have compiled; their connections do not."""
    work()
    for engine in (database(settings.database_url), strand(settings)):
        engine.dispose()
    return [0]


def in_children(works: Sequence[Callable[[], None]]) -> list[int]:
    """Do several things at once, each in a child. Returns how each ended."""
    children = [os.fork() or _child(work) for work in works]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _child(work: Callable[[], None]) -> NoReturn:
    try:
        work()
    finally:
        os._exit(traceback.print_exc() or 1 if sys.exc_info()[0] else 0)


def warm() -> None:
    """What is otherwise imported at first use: the channels' libraries."""
    with Sink() as sink, Channels(mailing(sink)) as channels:
        channels._plugin("mail", "p1@p.example")


class Worker:
    """The warm process. Use it with `with`."""

    def __enter__(self) -> "Worker":
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-m", "tests.faults"], stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)

    def does(self, work: str, settings: Settings, now: datetime, facts: Sequence[Any] = ()) -> list[str]:
        """Have a piece of work done. Returns the points it passed."""
        return self._asked(work, settings, now, facts=facts, killed_at=None)["passed"]

    def is_killed(self, at: int, work: str, settings: Settings, now: datetime, facts: Sequence[Any] = ()) -> bool:
        """Have it begun, and killed at one of those points, the first being 1. Whether it came so far."""
        return self._asked(work, settings, now, facts=facts, killed_at=at)["codes"] == [-signal.SIGKILL]

    def do(self, work: str, settings: Settings, now: datetime, lots: Sequence[Sequence[Any]]) -> None:
        """Have as many do it at once as there are lots of facts."""
        self._asked(work, settings, now, lots=lots, killed_at=None)

    def _asked(self, work: str, settings: Settings, now: datetime, **more: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        job = {"work": work, "settings": settings.model_dump(mode="json"), "now": now.isoformat(), **more}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        ended = json.loads(self.process.stdout.readline())
        assert set(ended["codes"]) <= {0, -signal.SIGKILL}, "one came to an end of its own"
        return ended


if __name__ == "__main__":
    main()
