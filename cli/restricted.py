"""`pathways restricted`: the strand that supports survivors, for its own people only (SR-11)."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import backup, restored
from cli.do import OPERATOR, By, On, Who, as_typed, pair
from cli.personal import DryRun, To, hand_over, say_wiped
from cli.say import NOT_FOUND, REFUSED, USAGE, error, table
from cli.text import read_text, refused, show_texts

app = typer.Typer(help="The restricted strand: support of survivors, and texts held.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Number = Annotated[int, typer.Argument(help="Its number, from `pathways restricted held`.")]


@app.command("round")
def go_round() -> None:
    """Listen, advance, chase and deliver in the strand; here and now, without a Prefect server."""
    from settings import settings

    os.environ.setdefault("PREFECT_HOME", str(settings().home / "prefect"))
    from flows.support import support
    from tasks.support import sweep_strand

    sweep_strand(support, datetime.now(UTC), settings())
    print("Done.")
    restored.refuse_if_held(_strand(), "pathways restricted restored")


@app.command("list")
def listed(as_json: Json = False) -> None:
    """List the support pathways that are not over, those that nobody has taken among them."""
    from store import strand
    from store.database import reading

    with reading(_strand()) as connection:
        rows = strand.listed(connection)
    table(rows, as_json=as_json, title=f"{len(rows)} pathways", empty="No support pathway is open.")


@app.command()
def show(
    pathway: Annotated[str, typer.Argument(help="A support pathway, or the DVPP it follows.")], by: Who = OPERATOR
) -> None:
    """Where one stands, what is owed, what was heard, and how she is reached safely. That you saw it is noted."""
    from cli.look import ten_lines
    from store.audit import saw
    from store.database import reading
    from store.strand import contact

    story = _story(pathway)
    saw(_strand(), datetime.now(UTC), by, story.loaded.row.reference)
    with reading(_strand()) as connection:
        reached = contact(connection, story.loaded.row.reference)
    facts = [f"  {f.id:>6}  {f.happened_on:%d/%m/%Y}  {f.label}, by {f.recorded_by}" for f in story.facts]
    lines = [f"{name.replace('_', ' ').capitalize():<10} {value}" for name, value in reached.items() if value]
    print("\n".join([*ten_lines(story), *lines, "Facts", *facts]))


@app.command()
def record(
    pathway: Annotated[str, typer.Argument(help="A support pathway, or the DVPP it follows.")],
    fact: Annotated[str, typer.Argument(help="What happened: survivor_contact_tried, support_accepted, ...")],
    by: By,
    details: Annotated[list[str] | None, typer.Argument(help="Its details: reason=her_wish")] = None,
    on: On = None,
    supersedes: Annotated[int | None, typer.Option(help="The number of the fact this one corrects.")] = None,
) -> None:
    """Record a fact. The next sweep sees to what follows."""
    from intake.cells import fact_from_text
    from models.forms import BadFact
    from settings import restricted, settings
    from store.record import Reported
    from store.record import record as keep
    from store.strand import recordable

    _of_strand(by)
    story, now = _story(pathway), datetime.now(UTC)
    pairs = dict(pair(detail) for detail in details or [])
    if not (kinds := recordable(story.facts, supersedes)):
        error(f"Not recorded. Fact {supersedes} was heard; it is corrected where it was said.")
        raise typer.Exit(REFUSED)
    try:
        made = fact_from_text(fact, pairs, on=on, by=by, now=now, supersedes=supersedes, kinds=kinds)
    except BadFact as bad:
        error(f"Not recorded. {bad}")
        raise typer.Exit(USAGE) from None
    subject = story.loaded.row.reference
    outcome = keep(_strand(), [Reported(subject, made)], now, restricted(settings())).outcomes[0]
    if outcome.result == "refused":
        error(f"Not recorded. {as_typed(outcome.why)}")
        raise typer.Exit(REFUSED)
    print(f"Recorded as fact {outcome.fact_id}." if outcome.result == "recorded" else "Known already.")


@app.command()
def load(
    kind: Annotated[str, typer.Argument(help="practitioners, areas or survivors")],
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file.")],
) -> None:
    """Load a file of the strand. Texts that say what is now known of a survivor are taken back at once."""
    import intake
    from cli.files import say_report
    from intake.restricted_files import FILES
    from settings import restricted, settings

    done = intake.load(_strand(), kind, file, datetime.now(UTC), restricted(settings()), kinds=FILES)
    _take_back()
    say_report(done)
    if done.problems:
        raise typer.Exit(REFUSED)


@app.command()
def survivor(pathway: Annotated[str, typer.Argument(help="A support pathway, or the DVPP it follows.")]) -> None:
    """Write down how a survivor is reached safely. Asks for each detail, so that none stays in the shell's history.

    What is not answered stays as it is; "-" takes it away.
    """
    from pydantic import ValidationError

    from intake.restricted_files import SurvivorRow
    from intake.understand import expected
    from store.database import writing
    from store.strand import keep_survivors

    reference = _story(pathway).loaded.row.reference
    fields = {name: field for name, field in SurvivorRow.model_fields.items() if name != "pathway"}
    given = {name: typer.prompt(field.description, default="", show_default=False) for name, field in fields.items()}
    try:
        said = {name: None if value.strip() == "-" else value for name, value in given.items() if value.strip()}
        row = SurvivorRow(pathway=reference, **said)
    except ValidationError as wrong:
        for one in wrong.errors(include_url=False, include_input=False):
            error(f"Not kept. {one['loc'][0]}: {expected(one)}.")
        raise typer.Exit(USAGE) from None
    with writing(_strand()) as connection:
        keep_survivors(connection, [row.model_dump(exclude_unset=True)])
    _take_back()
    print("Kept.")


@app.command()
def held(as_json: Json = False) -> None:
    """List the texts that wait for somebody of the strand to look at them."""
    from store import texts
    from store.database import reading

    with reading(_strand()) as connection:
        rows = texts.waiting(connection)
    show_texts(rows, as_json=as_json, empty="No text is held.")


@app.command()
def release(
    number: Number,
    by: By,
    text: Annotated[Path | None, typer.Option(help="A file with a corrected text, to pass in its place.")] = None,
    as_it_is: Annotated[bool, typer.Option("--as-it-is", help="It may pass with what looks like an address.")] = False,
) -> None:
    """Let a held text pass. A survivor's details never pass."""
    from settings import settings
    from store import texts
    from store.database import database

    _of_strand(by)
    main, corrected = database(settings().database_url), read_text(text) if text else None
    try:
        texts.release(main, _strand(), number, by.upper(), datetime.now(UTC), corrected=corrected, as_it_is=as_it_is)
    except texts.NotTaken as why:
        raise refused(why) from None
    print("Released.")


@app.command()
def refuse(number: Number, by: By) -> None:
    """Let a held text never pass."""
    from settings import settings
    from store import texts
    from store.database import database

    _of_strand(by)
    try:
        texts.refuse(database(settings().database_url), _strand(), number, by.upper(), datetime.now(UTC))
    except texts.NotTaken as why:
        raise refused(why) from None
    print("Refused.")


@app.command()
def concerns(as_json: Json = False) -> None:
    """List what providers wrote of harm, the latest first, and who has read it; without their words."""
    from store.concerns import listed
    from store.database import reading

    with reading(_strand()) as connection:
        rows = listed(connection)
    table(rows, as_json=as_json, title=f"{len(rows)} concerns", empty="No concern was written down.")


@app.command()
def concern(
    number: Annotated[int, typer.Argument(help="Its number, from `pathways restricted concerns`.")], by: By
) -> None:
    """Read what a provider wrote of harm. That you read it is written down."""
    from store import concerns
    from store.database import reading

    _of_strand(by)
    row = concerns.read_by_strand(_strand(), number, by.upper(), datetime.now(UTC))
    if row is None:
        error(f"There is no concern {number}. `pathways restricted concerns` shows those there are.")
        raise typer.Exit(NOT_FOUND)
    with reading(_strand()) as connection:
        readings = concerns.readings(connection, number)
    said = {"concern": row.number, "pathway": row.pathway, "at risk": row.about, "by": row.recorded_by}
    show_texts([said | {"recorded": row.recorded_at, "says": row.body}], as_json=False, empty="")
    table(readings, as_json=False, title="Read")


@app.command()
def export(
    pathway: Annotated[str, typer.Argument(help="A support pathway, or the DVPP it follows.")],
    by: By,
    to: To = None,
    as_json: Json = False,
) -> None:
    """Write down all that the strand holds of a survivor. That you did so is in its audit trail."""
    from store.audit import note
    from store.database import writing
    from store.personal import of_survivor

    _of_strand(by)
    reference = _story(pathway).loaded.row.reference
    with writing(_strand()) as connection:
        report = of_survivor(connection, reference)
        note(connection, datetime.now(UTC), by.upper(), "exported what is held", reference)
    hand_over(report, to, as_json=as_json)


@app.command()
def erase(
    pathway: Annotated[str, typer.Argument(help="A support pathway, or the DVPP it follows.")],
    by: By,
    words: Annotated[
        bool, typer.Option("--concerns", help="What was written of harm under his pathway goes too.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Erase what is known of a survivor whose support is over, and the texts held for her."""
    from dataclasses import asdict

    from settings import settings
    from store.database import database, reading
    from store.erasure import NotErased, asked_of_survivor, erase_survivor

    _of_strand(by)
    reference, main = _story(pathway).loaded.row.reference, database(settings().database_url)
    try:
        if dry_run:
            with reading(_strand()) as connection:
                done = asked_of_survivor(main, connection, reference)
        else:
            done = erase_survivor(main, _strand(), reference, by.upper(), datetime.now(UTC), words=words)
    except NotErased as why:
        error(str(why))
        raise typer.Exit(REFUSED) from None
    table([asdict(done)], as_json=as_json, title="Would be erased" if dry_run else "Erased")
    if not dry_run:
        say_wiped(_strand())


def _place() -> tuple[Any, Any]:
    from settings import restricted, settings

    return _strand(), restricted(settings())


app.command("backup")(
    backup.command(
        _place, "restricted_personal_keys of the settings (or restricted.keys)", "pathways restricted restored"
    )
)
app.command("restored")(restored.command(_place, "pathways restricted restored"))


def _strand():
    from settings import settings
    from store.strand import strand

    return strand(settings())


def _of_strand(by: str) -> None:
    from store.database import reading
    from store.strand import workers

    with reading(_strand()) as connection:
        if by.upper() not in workers(connection):
            error(f"{by.upper()} is no code of this strand.")
            raise typer.Exit(REFUSED)


def _story(pathway: str) -> Any:
    from models.working_days import london_date
    from settings import restricted, settings
    from store import ask
    from store.database import reading
    from store.strand import support_of

    with reading(_strand()) as connection:
        reference = support_of(connection, pathway.upper())
        if reference is None:
            error(f"There is no support pathway {pathway.upper()}. `pathways restricted list` shows those there are.")
            raise typer.Exit(NOT_FOUND)
        return ask.story(connection, reference, london_date(datetime.now(UTC)), restricted(settings()))


def _take_back() -> None:
    from settings import settings
    from store.database import database
    from store.texts import take_back

    take_back(database(settings().database_url), _strand(), datetime.now(UTC))
