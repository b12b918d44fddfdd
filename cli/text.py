"""`pathways text`: what a provider writes freely about a man on DVPP. Screened before anything is stored (SR-11)."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.do import By
from cli.say import FORBIDDEN, NOT_FOUND, REFUSED, USAGE, error, table

app = typer.Typer(help="What providers write freely: screened before it is stored.", no_args_is_help=True)
UNCHECKED = "The text was not taken, for it cannot be checked on this machine now. Nothing of it was stored."


@app.command()
def add(
    pathway: Annotated[str, typer.Argument(help="The DVPP it is about.")],
    by: By,
    file: Annotated[Path | None, typer.Argument(help="A text file; what is typed or piped in, without it.")] = None,
) -> None:
    """Take a provider's text. One with anything in it that a person should look at first is held."""
    from settings import settings
    from store import texts
    from store.database import database
    from store.strand import OUT_OF_REACH, strand

    body = read_text(file)
    main = database(settings().database_url)
    try:
        taken = texts.add(main, strand(settings()), pathway.upper(), by.upper(), body, datetime.now(UTC))
    except texts.NotTaken as why:
        raise refused(why) from None
    except OUT_OF_REACH:
        error(UNCHECKED)
        raise typer.Exit(REFUSED) from None
    held = f"It is held as number {taken.number} until somebody has looked at it."
    print(held if taken.held else f"Kept as text {taken.number}.")


@app.command("list")
def listed(
    pathway: Annotated[str, typer.Argument(help="The DVPP they are about.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show the texts kept about a pathway."""
    from settings import settings
    from store import texts
    from store.database import database, reading

    with reading(database(settings().database_url)) as connection:
        rows = texts.listed(connection, pathway.upper())
    show_texts(rows, as_json=as_json, empty="No text is kept about it.")


def show_texts(rows: list[dict[str, Any]], *, as_json: bool, empty: str) -> None:
    """Each text below a line that says what it is: its lines are its own, so it has no place in a table."""
    if as_json:
        return table(rows, as_json=True)
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items() if name != "says"))
        print("\n".join(f"    {line}" for line in row["says"].splitlines()))
    if not rows:
        print(empty)


def read_text(file: Path | None) -> str:
    """What a file holds, or what is piped in. Ends the command where it cannot be read."""
    try:
        return (sys.stdin.buffer.read() if file is None or str(file) == "-" else file.read_bytes()).decode("utf-8-sig")
    except OSError as why:
        error(f"The text cannot be read: {why.strerror}.")
    except UnicodeDecodeError:
        error("The text is not in UTF-8; save it so and give it again.")
    raise typer.Exit(USAGE)


def refused(why: Exception) -> typer.Exit:
    """Say why, and with which code the command ends."""
    error(str(why))
    codes = {"NotKnown": NOT_FOUND, "Unsafe": FORBIDDEN}
    return typer.Exit(codes.get(type(why).__name__, REFUSED))
