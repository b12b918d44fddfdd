"""`pathways outbox`: messages that failed or are held up, to see, correct and send again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.do import OPERATOR, Who
from cli.say import NOT_FOUND, USAGE, error, table

app = typer.Typer(help="Messages that failed: see them, correct the address, send them again.", no_args_is_help=True)


@app.command("list")
def listed(
    state: Annotated[
        str | None, typer.Option(help="failed, waiting, sending or sent; those failed or held up when left out")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List messages: those that failed and those that wait after a try in vain, or all in one state."""
    from settings import settings
    from store import ask
    from store.database import database, reading

    with reading(database(settings().database_url)) as connection:
        rows = [row for each in ([state] if state else ["failed", "held up"]) for row in ask.outbox(connection, each)]
    named = state or "failed or held up"
    table(rows, as_json=as_json, title=f"{len(rows)} {named} messages", empty=f"No message is {named}.")


@app.command()
def correct(
    code: Annotated[str, typer.Argument(help="The provider or practitioner.")],
    address: Annotated[str, typer.Argument(help="Where mail reaches them.")],
    by: Who = OPERATOR,
) -> None:
    """Give a provider or practitioner the right address. Messages are sent to the address in force when they go out."""
    from intake.cells import mail_address
    from settings import settings
    from store.database import database
    from store.outbox import correct_address

    try:
        mail_address(address)
    except ValueError as bad:
        error(f"Not corrected: {bad}.")
        raise typer.Exit(USAGE) from None
    if not correct_address(database(settings().database_url), code.upper(), address, datetime.now(UTC), by):
        error(f"Nobody has the code {code.upper()}.")
        raise typer.Exit(NOT_FOUND)
    print(f"{code.upper()} is now reached at {address}.")


@app.command()
def resend(
    messages: Annotated[list[int], typer.Argument(help="Their numbers, from `pathways outbox list`.")],
    by: Who = OPERATOR,
) -> None:
    """Put failed messages back, to go out with the next delivery under the same Message-IDs."""
    from settings import settings
    from store.database import database
    from store.outbox import resend as put_back
    from tasks.nudge import run_now

    engine = database(settings().database_url)
    wanted = sorted(set(messages))
    back = [number for number in wanted if put_back(engine, number, datetime.now(UTC), by)]
    for number in back:
        print(f"Message {number} goes out with the next delivery.")
    if back:
        run_now(settings().prefect_api, "deliver/deliver")
    if missing := [number for number in wanted if number not in back]:
        error(f"There is no failed message {', '.join(map(str, missing))}.")
        raise typer.Exit(NOT_FOUND)
