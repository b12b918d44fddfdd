"""Commands about files in: load one, or see what one looks like."""

import csv
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.do import OPERATOR, Who
from cli.say import REFUSED, USAGE, error, table


def register(app: typer.Typer) -> None:
    app.command()(load)
    app.command()(template)


def load(
    kind: Annotated[str, typer.Argument(help="What the file holds; see `pathways template`.")],
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file.")],
    by: Who = OPERATOR,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Load a file. Good rows go in; bad ones are said, and handed back beside it to correct and load again."""
    import intake
    from settings import settings
    from store.audit import note
    from store.database import database, writing
    from tasks.nudge import nudge

    _known(kind)
    if kind in _OF_A_HOME and file.exists():
        _not_among_samples()
    engine, now = database(settings().database_url), datetime.now(UTC)
    with _progress() as progress:
        done = intake.load(engine, kind, file, now, settings(), progress)
    if done.added or done.changed:
        with writing(engine) as connection:
            note(connection, now, by, f"loaded a file: {done.added} added, {done.changed} changed", kind)
    reached = nudge(settings().prefect_api, done.touched)
    if as_json:
        table([done.as_dict()], as_json=True)
    else:
        say_report(done)
        if done.touched and not reached:
            print("Prefect cannot be reached; the next round will advance these pathways.")
    if done.problems:
        raise typer.Exit(REFUSED)


def _known(kind: str) -> None:
    import intake

    if kind not in intake.KINDS:
        error(f'"{kind}" is no kind of file; expected one of {", ".join(intake.KINDS)}')
        raise typer.Exit(USAGE)


_OF_A_HOME = {"practitioners", "areas", "courts", "providers", "closures", "cases"}
"""What is real or fictional in itself. The other files are about cases that are there."""


def _not_among_samples() -> None:
    """Real people, places and cases do not go in among the fictional ones."""
    from settings import settings
    from store.ask import has_samples
    from store.database import database, reading

    with reading(database(settings().database_url)) as connection:
        if has_samples(connection):
            error(f"{settings().home} holds the sample caseload. Set PATHWAYS_HOME to a folder of your own.")
            raise typer.Exit(REFUSED)


def _progress():
    """A progress bar on a terminal, silence in a pipe."""
    from contextlib import contextmanager, nullcontext

    if not sys.stderr.isatty():
        return nullcontext(lambda done, total: None)

    @contextmanager
    def bar():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("rows", total=None)
            yield lambda done, total: shown.update(task, completed=done, total=total)

    return bar()


def say_report(done) -> None:
    rejected = len({problem.line for problem in done.problems})
    print(f"{done.added} added, {done.changed} changed, {done.unchanged} unchanged, {rejected} rejected")
    for note in done.notes:
        print(f"Note: {note}")
    rows = [{"line": p.line, "column": p.column, "value": p.value, "expected": p.expected} for p in done.problems[:50]]
    if rows:
        table(rows, as_json=False, title="Rejected rows")
    if len(done.problems) > 50:
        print(f"... and {len(done.problems) - 50} more.")
    if done.rejected_file:
        print(f"The rejected rows are in {done.rejected_file}: correct them there and load that file.")


def template(
    kind: Annotated[str | None, typer.Argument(help="Which kind; all of them are listed without it.")] = None,
) -> None:
    """Print the header of a kind of file with an example row; without a kind, list the kinds in loading order."""
    import intake

    if kind is None:
        table([{"kind": name, "holds": what} for name, what in intake.KINDS.items()], as_json=False)
        return
    _known(kind)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(intake.template(kind))
    print(out.getvalue(), end="")
