"""`pathways links`: the return links in mail, for whoever runs the site."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.do import OPERATOR, Who
from cli.say import NOT_FOUND, error, table

app = typer.Typer(help="Return links: who has one, withdraw them, sign with a new key.", no_args_is_help=True)


@app.command("list")
def listed(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List whose links are worth something, and until when."""
    from models.working_days import london_date
    from settings import settings
    from store import links
    from store.database import database, reading

    with reading(database(settings().database_url)) as connection:
        rows = links.listed(connection, london_date(datetime.now(UTC)))
    table(rows, as_json=as_json, title=f"{len(rows)} links", empty="No link is worth anything now.")


@app.command()
def withdraw(
    code: Annotated[str, typer.Argument(help="A provider's or practitioner's code.")], by: Who = OPERATOR
) -> None:
    """Withdraw every link of a provider or practitioner; whoever opened one is out at once."""
    from settings import settings
    from store import audit, links
    from store.database import database, writing

    now = datetime.now(UTC)
    with writing(database(settings().database_url)) as connection:
        if count := links.withdraw(connection, code.upper(), now):
            audit.note(connection, now, by, "withdrew links", code.upper())
    if not count:
        error(f"{code.upper()} has no link that is worth anything.")
        raise typer.Exit(NOT_FOUND)
    print(f"{count} withdrawn. The next message to {code.upper()} holds a new one.")


@app.command()
def rotate() -> None:
    """Sign links with a new key from now on. Those signed with the last one stay good until they expire."""
    from cli.say import REFUSED
    from settings import settings
    from store import links

    if settings().site.keys:
        error(
            "The keys are in the settings (site.keys): put a new one at the end there, and take the oldest out later."
        )
        raise typer.Exit(REFUSED)
    links.rotate_keys(settings())
    print("Links are signed with a new key. Those signed with the last one stay good; older ones do not.")
