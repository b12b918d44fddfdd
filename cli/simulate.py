"""`pathways simulate`: a year in minutes. The real store and pathways, with a made-up country, calendar and people."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.look import Json
from cli.plan import _day, _wrong
from cli.say import REFUSED, error, table


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    pathways: Annotated[int, typer.Option(min=1, help="How many are referred.")] = 24000,
    weeks: Annotated[int, typer.Option(min=1, max=520, help="In how many weeks.")] = 52,
    programme: Annotated[list[str] | None, typer.Option(help="SPIP, DVPP or CPPP only; may be given twice.")] = None,
    first: Annotated[str, typer.Option("--from", help="Its first day, 01/04/2025 or 2025-04-01.")] = "2025-04-01",
    seed: Annotated[int, typer.Option(help="The random start: the same one gives the same year.")] = 1,
    shares: Annotated[
        Path | None, typer.Option(help="A file of figures that differ from simulate/shares.toml.")
    ] = None,
    referrals: Annotated[
        str | None, typer.Option(help="A forecast: so many more or fewer referrals, such as +20%, -5% or 1.2.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A new folder that keeps it: PATHWAYS_HOME=FOLDER pathways overdue looks at it.")
    ] = None,
    database: Annotated[str | None, typer.Option(help="Another database than SQLite in that folder, empty.")] = None,
    as_json: Json = False,
) -> None:
    """Simulate a year: people answer, are late or never answer; see what is sent, late, held and spent."""
    from simulate.referrals import PROGRAMMES, Caseload

    wanted = tuple(dict.fromkeys(name.upper() for name in programme or PROGRAMMES))
    if unknown := [name for name in wanted if name not in PROGRAMMES]:
        raise _wrong(f"--programme: {unknown[0]} is not simulated; expected {', '.join(PROGRAMMES)}.")
    factor = _factor(referrals) if referrals else None
    if factor is not None and (keep or database):
        raise _wrong("--referrals simulates two years, so neither --keep nor --database goes with it.")
    load = Caseload(pathways, weeks, seed, _begins(first, weeks), tuple(n for n in PROGRAMMES if n in wanted))
    drawn = _read(shares)
    figures = _simulated(load, drawn, keep, database)
    if factor is None:
        return _show(load, figures, as_json)
    raised = Caseload(max(1, round(pathways * factor)), weeks, seed, load.first, load.programmes)
    _show_forecast(load, raised, figures, _simulated(raised, drawn, None, None), as_json)


def _read(file: Path | None) -> Any:
    from simulate.shares import SharesError, read

    try:
        return read(file)
    except SharesError as why:
        raise _wrong(str(why)) from None


def _begins(first: str, weeks: int) -> date:
    """The first day. Ends the command where not all programmes are open on it, or the calendar ends."""
    day = _day("--from", first)
    if day is None or not 2018 <= day.year <= 2090:
        raise _wrong("--from: it is a day from 2018, when all three programmes are there, to 2090.")
    return day


def _factor(referrals: str) -> float:
    """How many times as many referrals: +20% is 1.2. Ends the command where it is no such thing."""
    if found := re.fullmatch(r"([+-]\d{1,3}(?:\.\d+)?)\s*%", referrals.strip()):
        factor = 1 + float(found[1]) / 100
    elif re.fullmatch(r"\d{1,2}(?:\.\d+)?", referrals.strip()):
        factor = float(referrals)
    else:
        raise _wrong(f'--referrals: "{referrals}" is not understood; write it as +20%, -5% or 1.2.')
    if factor <= 0:
        raise _wrong("--referrals: nobody would be referred.")
    return factor


def _simulated(load: Any, shares: Any, keep: Path | None, database: str | None) -> Any:
    """One year, with a line that says how far it is. Ends the command where there is no place for it."""
    from simulate.home import NotSimulated, home_of_its_own

    try:
        with home_of_its_own(keep, database) as (engine, settings):
            # The pathways import Prefect, which makes itself a folder in the home there is by now.
            from simulate.figures import figures
            from simulate.year import Year

            year = Year(engine, load, shares, settings)
            with _progress(load) as progress:
                year.run(progress)
            return figures(year)
    except NotSimulated as why:
        error(str(why))
        raise typer.Exit(REFUSED) from None


@contextmanager
def _progress(load: Any) -> Iterator[Any]:
    """A line on a terminal's standard error; nothing anywhere else."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(f"{load.pathways:,} referrals", total=len(load.days))
        yield lambda day: shown.update(task, advance=1, description=f"{load.pathways:,} referrals, {day:%d/%m/%Y}")


def _said(load: Any) -> dict[str, Any]:
    return {
        "pathways": load.pathways,
        "weeks": load.weeks,
        "from": load.first,
        "to": load.days[-1],
        "seed": load.seed,
        "programmes": list(load.programmes),
    }


def _sentence(load: Any) -> str:
    programmes = ", ".join(load.programmes)
    days = f"from {load.first:%d/%m/%Y} to {load.days[-1]:%d/%m/%Y}"
    return f"{load.pathways} referrals to {programmes} in {load.weeks} weeks {days}, random start {load.seed}."


def _show(load: Any, figures: Any, as_json: bool) -> None:
    from simulate.figures import TITLES

    if as_json:
        return table([{"simulated": _said(load), **figures}], as_json=True)
    print(f"Simulated: {_sentence(load)} Nobody in it exists, and nothing was sent to anybody.")
    for name, title in TITLES.items():
        if figures[name]:
            _section(title, figures[name])


def _section(title: str, rows: Any) -> None:
    """A table with its title, on a terminal and in a pipe."""
    print("" if sys.stdout.isatty() else f"\n{title}")
    table(rows, as_json=False, title=title)


def _show_forecast(load: Any, raised: Any, figures: Any, more: Any, as_json: bool) -> None:
    from simulate.figures import compared

    differences = compared(figures, more)
    if as_json:
        years = {"now": {"simulated": _said(load), **figures}, "then": {"simulated": _said(raised), **more}}
        return table([{**years, "differences": differences}], as_json=True)
    print(f"Now: {_sentence(load)}\nThen: {_sentence(raised)}")
    _section("Now, and with the other number of referrals", differences)
