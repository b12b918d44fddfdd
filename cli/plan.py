"""`pathways plan`: lays the sessions of a CPPP inside its window, or says what moves when one of them slips."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

import typer

from cli.look import Json, _story, _today
from cli.say import FORBIDDEN, REFUSED, USAGE, error, table

By = Annotated[str | None, typer.Option("--by", envvar="PATHWAYS_BY", help="Your code, to record what is planned.")]
SLACK = "Any one of those to come may slip, and all can still be held in time."
NO_SLACK = "There is no slack: should one slip, all can be held in time only with other days or an extension."


def register(app: typer.Typer) -> None:
    app.command()(plan)


def plan(
    pathway: str,
    first: Annotated[str | None, typer.Option(help="The day of the first session, 31/01/2022 or 2022-01-31.")] = None,
    slipped: Annotated[str | None, typer.Option(help="The session that needs another day.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="The first day it can be set for; tomorrow if left out.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="The last day, where a hold has made the window longer.")] = None,
    at: Annotated[str | None, typer.Option(help="The time in London; if left out, 10:00, or what it was.")] = None,
    minutes: Annotated[int | None, typer.Option(min=10, max=600, help="If left out, 60, or what it was.")] = None,
    letters: Annotated[bool, typer.Option("--letters", help="Staff write to the parents about each session.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Record the sessions, or the moves, as shown.")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Propose the sessions of a CPPP (--first), or what moves when one slips (--slipped)."""
    from models.sessions import at_times, facts_of

    if bool(first) == bool(slipped) or (record and not by):
        raise _wrong("Say either --first DAY or --slipped SESSION; and to record, who you are (--by).")
    begin, last = _day("--first", first) or _day("--from", since), _day("--until", until)
    clock, lasting = _time(at), timedelta(minutes=minutes) if minutes else None
    story = _story(pathway)
    known = story.loaded.known
    changed, was, slack = _made(known, story.case, begin, last, slipped and slipped.upper())
    timed = list(at_times(known, changed, clock, lasting))
    recorded = ""
    if record and by:
        recorded = _keep(known.reference, facts_of(known, timed, by.upper(), datetime.now(UTC), letters=letters))
    _show(timed, was, slack, as_json)
    if recorded and not as_json:
        print(recorded)


def _made(known: Any, child: str, begin: date | None, last: date | None, slipped: str | None) -> tuple[Any, Any, bool]:
    """The sessions that are new or moved, the days they had, and whether one may slip. Ends the command without any."""
    from models.schedule import NoPlan, moved
    from models.sessions import proposed, rearranged, sessions_of

    try:
        if not slipped:
            made = proposed(known, child, begin or _today(), last)
            return made.sessions, {}, made.slack
        made = rearranged(known, child, slipped, begin or _today() + timedelta(days=1), last)
    except NoPlan as why:
        error(str(why))
        raise typer.Exit(REFUSED) from None
    before = sessions_of(known, child)
    return moved(before, made), {session.code: session.day for session in before}, made.slack


def _wrong(sentence: str) -> typer.Exit:
    error(sentence)
    return typer.Exit(USAGE)


def _day(option: str, given: str | None) -> date | None:
    from intake.cells import day

    try:
        return day(given) if given else None
    except ValueError as why:
        raise _wrong(f"{option}: {why}.") from None


def _time(given: str | None) -> time | None:
    try:
        return time(*map(int, given.split(":"))) if given else None
    except (ValueError, TypeError):
        raise _wrong(f'--at: "{given}" is no time of day; write it as 10:00.') from None


def _keep(reference: str, facts: list[Any]) -> str:
    """Record what is planned, and say so. Ends the command where something was refused."""
    from settings import settings
    from store.database import database
    from store.record import Reported, record
    from tasks.nudge import nudge

    reported = [Reported(reference, fact) for fact in facts]
    done = record(database(settings().database_url), reported, datetime.now(UTC), settings())
    reached = nudge(settings().prefect_api, done.touched)
    refused = [outcome for outcome in done.outcomes if outcome.result == "refused"]
    for outcome in refused:
        error(f"{outcome.reported.fact.session} is not recorded. {outcome.why}")
    if refused:
        raise typer.Exit(FORBIDDEN if refused[0].rule else REFUSED)
    facts = ", ".join(str(outcome.fact_id) for outcome in done.outcomes)
    numbered = f"fact{'s' if len(done.outcomes) > 1 else ''} {facts}"
    soon = "in a few seconds" if reached else "with the next round, for Prefect cannot be reached"
    return f"Recorded as {numbered}; invitations go out {soon}."


def _show(timed: list[Any], was: dict[str, date], slack: bool, as_json: bool) -> None:
    rows = [
        {
            "session": one.session.code,
            "sitting": one.session.sitting,
            **({"was": was[one.session.code]} if was else {}),
            "starts": one.starts,
            "ends": one.ends,
            "who": ", ".join(sorted(one.session.who)),
        }
        for one in timed
    ]
    if as_json:
        table([{"slack": slack, "sessions": rows}], as_json=True)
    else:
        table(rows, as_json=False, title=f"{len(rows)} sessions")
        print(SLACK if slack else NO_SLACK)
