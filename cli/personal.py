"""`pathways personal`: what is personal here, what it is encrypted with, who is told what is held, and erasing it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.do import By
from cli.look import Json, _database
from cli.say import NOT_FOUND, REFUSED, USAGE, as_text, error, table

app = typer.Typer(help="What is personal: the data dictionary, keys, subject access, erasure.", no_args_is_help=True)
To = Annotated[Path | None, typer.Option("--to", help="A new file, that only you can read; else it is printed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and erase nothing.")]


@app.command()
def dictionary(as_json: Json = False) -> None:
    """Print what each column of each table is, and each field of each fact."""
    from models.personal import entries

    rows = [{"where": e.where, "field": e.field, "what": str(e.what), "encrypted": e.encrypted} for e in entries()]
    table(rows, as_json=as_json, title="The data dictionary")


# Keys -----------------------------------------------------------------------------------------------------------------


@app.command()
def key() -> None:
    """Draw a key, to be put into the settings of every machine. It is printed and kept nowhere."""
    from store.keys import new_key

    print(new_key())


@app.command()
def keys(as_json: Json = False) -> None:
    """List the keys by their numbers, and how many values each has encrypted."""
    from store.database import reading
    from store.rotation import used

    rows = []
    for name, engine in _databases():
        with reading(engine) as connection:
            counts, here = used(connection), engine.dialect.personal_keys.numbers
        rows += [{"database": name, "key": n, "values": counts[n], "newest": n == here[-1]} for n in {*here, *counts}]
    table(sorted(rows, key=lambda row: (row["database"], row["newest"])), as_json=as_json, title="Keys")


@app.command()
def rotate() -> None:
    """Encrypt everything with the newest key. Safe to interrupt, and to run again; old keys are named when unused."""
    from store.rotation import rotate

    for name, engine in _databases():
        done = rotate(engine)
        print(f"The {name} database: {done.written} values were encrypted anew, with the key {done.newest}.")
        for number in done.out_of_use:
            print(f"  Nothing in it is encrypted with {number} any more: it is needed only for backups made until now.")


def _databases() -> Iterator[tuple[str, Any]]:
    """The databases in reach of this machine. Connecting has each of them checked against its keys."""
    from settings import OFF, settings
    from store.database import database
    from store.strand import strand

    yield "main", database(settings().database_url)
    if settings().restricted_database != OFF:
        yield "restricted", strand(settings())


# Subject access -------------------------------------------------------------------------------------------------------


@app.command()
def export(
    whose: Annotated[str, typer.Argument(help="A party; or a case, where it has only one.")],
    by: By,
    to: To = None,
    as_json: Json = False,
) -> None:
    """Write down all that is held of one person, without what is another's. That you did so is in the audit trail."""
    from store.audit import note
    from store.database import writing
    from store.personal import Held, NobodyKnown, person

    _of_staff(by)
    with writing(_database()) as connection:
        try:
            reference = person(connection, whose.upper())
        except NobodyKnown as why:
            error(str(why))
            raise typer.Exit(NOT_FOUND) from None
        report = Held(connection, reference).report()
        note(connection, _now(), by.upper(), "exported what is held", reference)
    hand_over(report, to, as_json=as_json)


def hand_over(report: dict[str, Any], to: Path | None, *, as_json: bool) -> None:
    """Print a report, or write it into a new file that only its owner can read."""
    from store.personal import readable

    said = json.dumps(report, default=as_text, indent=2) if as_json else readable(report)
    if to is None:
        print(said)
        return
    try:
        to.touch(mode=0o600, exist_ok=False)
        to.write_text(f"{said}\n", encoding="utf-8")
    except OSError as why:
        error(f"It cannot be written there: {why.strerror}.")
        raise typer.Exit(USAGE) from None
    print(f"Written to {to}. Read it before it is handed over; `left out` counts what is not in it.")


# Erasure --------------------------------------------------------------------------------------------------------------


@app.command()
def erase(
    by: By,
    whose: Annotated[str | None, typer.Argument(help="A case with all its people, or one party.")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="All that is past its retention period.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Erase what is personal; pathways, facts and dates stay under their references, and so do all counts."""
    from store.erasure import Erasure, NobodyKnown, NotErased, asked
    from store.erasure import erase as erase_one

    if (whose is None) != expired:
        error("Name a case or a party, or give --expired.")
        raise typer.Exit(USAGE)
    _of_staff(by)
    done: list[Erasure] = []
    for reference in _expired() if expired else [whose.upper()]:
        try:
            done.append(_look(asked, reference) if dry_run else erase_one(_database(), reference, by.upper(), _now()))
        except NotErased as why:
            error(str(why))
            raise typer.Exit(NOT_FOUND if isinstance(why, NobodyKnown) else REFUSED) from None
    rows = [
        {"case": one.case, "people": " ".join(one.people), "pathways": " ".join(one.pathways), "texts": one.texts}
        for one in done
    ]
    table(rows, as_json=as_json, title="Would be erased" if dry_run else "Erased", empty="Nothing is past its period.")
    if done and not dry_run:
        say_wiped(_database())


def _look(asked: Any, reference: str) -> Any:
    from store.database import reading

    with reading(_database()) as connection:
        return asked(connection, reference)


def _expired() -> list[str]:
    from models.working_days import london_date
    from settings import settings
    from store.database import reading
    from store.erasure import expired

    if not settings().retention:
        error("No retention period is set, so nothing ever is past it. See `retention` in docs/privacy.md.")
        raise typer.Exit(REFUSED)
    with reading(_database()) as connection:
        return list(expired(connection, settings().retention, london_date(_now())))


def say_wiped(engine: Any) -> None:
    """SQLite keeps what was written last in a file beside; say so where somebody keeps that from being emptied."""
    from store.database import wiped

    if not wiped(engine):
        print("Somebody reads the database just now, so SQLite's log still holds it: run this again when nobody does.")


def _of_staff(by: str) -> None:
    """Who asks is one of the staff. Ends the command where they are not."""
    from sqlalchemy import select

    from models.tables import Practitioner
    from store.database import reading

    with reading(_database()) as connection:
        if connection.execute(select(Practitioner.code).where(Practitioner.code == by.upper())).first() is None:
            error(f"{by.upper()} is nobody of the staff.")
            raise typer.Exit(REFUSED)


def _now() -> datetime:
    return datetime.now(UTC)
