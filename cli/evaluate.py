"""Commands that rebuild figures from the records: the evaluation of CPPP, and the need nobody could meet."""

from datetime import date
from typing import Annotated

import typer

from cli.look import Json, _database, _today
from cli.plan import _day, _wrong
from cli.say import table


def register(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.command()(unmet)


def evaluate(
    programme: Annotated[str, typer.Argument(help="CPPP.")],
    begins: Annotated[
        str | None, typer.Option("--from", help="Families offered it from this day on, 31/01/2022 or 2022-01-31.")
    ] = None,
    ends: Annotated[str | None, typer.Option("--to", help="Families offered it up to this day.")] = None,
    as_at: Annotated[
        str | None, typer.Option("--as-at", help="Only what was recorded by this day counts; today if left out.")
    ] = None,
    tracked: Annotated[
        str | None, typer.Option("--tracked-before", help="Returns are counted of those who completed before this day.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a programme: offered, agreed, completed, weeks, further work, returned; by route and in all."""
    from reports import cppp
    from store.cohort import families
    from store.database import reading

    cohort = cppp.Cohort(*_days(programme, as_at, begins, ends, tracked))
    with reading(_database()) as connection:
        made = cppp.evaluate(families(connection, cohort.as_at), cohort)
    _as_json(made) if as_json else _say(made)


def _days(programme: str, as_at: str | None, *others: str | None) -> tuple[date | None, ...]:
    """The days given, in the order of a cohort. Ends the command where they cannot be."""
    if programme.upper() != "CPPP":
        raise _wrong(f'"{programme}" is not evaluated; expected CPPP.')
    day = _day("--as-at", as_at) or _today()
    if day > _today():
        raise _wrong("--as-at: it is still to come; nothing is recorded by then.")
    begins, ends, tracked = map(_day, ("--from", "--to", "--tracked-before"), others)
    if begins and ends and ends < begins:
        raise _wrong("--to: it cannot be before --from.")
    return day, begins, ends, tracked


def _as_json(made) -> None:
    from reports import cppp, pilot

    paper = {"compared": pilot.compared(made), "notes": pilot.notes(), "not_rebuilt": pilot.not_rebuilt()}
    table([cppp.as_dict(made) | ({"pilot": paper} if pilot.is_pilots(made) else {})], as_json=True)


def _say(made) -> None:
    from reports import cppp, pilot

    table(cppp.rows(made), as_json=False, title="CPPP evaluated")
    print("", *cppp.rules(made), sep="\n")
    if pilot.is_pilots(made):
        print("\nThe pilot as printed (cppp2020), and as rebuilt:\n")
        table(pilot.compared(made), as_json=False)
        print("", *pilot.notes(), "", "Not rebuilt:", "", sep="\n")
        table(pilot.not_rebuilt(), as_json=False)


def unmet(as_json: Json = False) -> None:
    """Who found no provider: closed for want of one, or waiting for one now; by programme, area and month."""
    from reports.unmet_need import RULE, unmet_need
    from store.cohort import without_provider
    from store.database import reading

    with reading(_database()) as connection:
        rows = unmet_need(without_provider(connection))
    table(rows, as_json=as_json, title="Unmet need", empty="Everybody found a provider.")
    if rows and not as_json:
        print(f"\n{RULE}")
