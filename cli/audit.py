"""`pathways audit`: who recorded, saw, sent and released what, and whether anything of that was changed."""

import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.say import NOT_FOUND, REFUSED, error, table

app = typer.Typer(help="The audit trail: read it, seal it, verify that nothing was changed.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Strand = Annotated[bool, typer.Option("--restricted", help="The trail of the restricted strand instead.")]


@app.command("list")
def listed(
    about: Annotated[str | None, typer.Option(help="A pathway, a case, or a code.")] = None,
    by: Annotated[str | None, typer.Option(help="The code of whoever did it.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 200,
    strand: Strand = False,
    as_json: Json = False,
) -> None:
    """List who did what, the latest first. What has no number yet is sealed with the next delivery."""
    from store import audit
    from store.database import reading

    with reading(_trail(strand).engine) as connection:
        rows = audit.listed(connection, about, by, last)
    table(rows, as_json=as_json, title=f"{len(rows)} entries", empty="Nothing is in the trail that matches.")


@app.command()
def verify(
    heads: Annotated[
        list[str] | None, typer.Option("--head", help="A head kept elsewhere, as `pathways audit head` prints it.")
    ] = None,
    strand: Strand = False,
    as_json: Json = False,
) -> None:
    """Work the whole trail out again and compare it with every fact and message. Names each place that is broken."""
    from store.verify import verify

    found = verify(_trail(strand), [_head(one) for one in heads or []])
    rows = [asdict(one) for one in found.broken]
    if as_json:
        table([{"sound": not rows, "head": str(found.head), "waiting": found.waiting, "broken": rows}], as_json=True)
    else:
        table(rows, as_json=False, title="Broken", empty="")
    sealed = f"{found.head.number} entries, the last {found.head}" if found.head.number else "nothing is sealed yet"
    said = f"{sealed}; {found.waiting} more to be sealed."
    if rows:
        error(f"Broken in {len(rows)} place{'s' if len(rows) > 1 else ''}: {said}")
        raise typer.Exit(REFUSED)
    if not as_json:
        print(f"Sound: {said}")


@app.command()
def head(strand: Strand = False) -> None:
    """Print the last entry's number and hash. Kept where the database's owner cannot change it, it proves the rest."""
    from store.database import reading
    from store.heads import head

    with reading(_trail(strand).engine) as connection:
        reached = head(connection)
    if not reached.number:
        error("Nothing is sealed yet; `pathways audit seal` does it now.")
        raise typer.Exit(NOT_FOUND)
    print(reached)


@app.command()
def seal(
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on although a head or a key is lost; the trail says that you did.")
    ] = False,
    strand: Strand = False,
) -> None:
    """Seal what is new, now. Every delivery does this by itself."""
    from store.seal import seal

    print(f"Sealed up to {seal(_trail(strand), datetime.now(UTC), anyway=anyway)}.")


def _trail(strand: bool) -> Any:
    from settings import settings
    from store.trail import strand_trail, trail

    return (strand_trail if strand else trail)(settings())


def _head(said: str) -> Any:
    from store.heads import Head

    if not re.fullmatch(r"\d+:[0-9a-f]{64}", said.strip()):
        raise typer.BadParameter(f'"{said}" is no head; it looks like 1234: and 64 letters and digits')
    number, _, hashed = said.strip().partition(":")
    return Head(int(number), hashed)
