"""Commands that do something: record a fact, hold and release, and run now what Prefect runs by schedule."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.say import FORBIDDEN, NOT_FOUND, REFUSED, USAGE, error

By = Annotated[str, typer.Option("--by", envvar="PATHWAYS_BY", help="Your code: a practitioner's or provider's.")]
Who = Annotated[
    str, typer.Option("--by", envvar="PATHWAYS_BY", help="Your code, for the audit trail.", parser=str.upper)
]
OPERATOR = "OPERATOR"
"""Who is written down in the audit trail where nobody said who they were."""
On = Annotated[
    str | None, typer.Option("--on", help="The day it happened, 31/01/2022 or 2022-01-31; today if left out.")
]

Supersedes = Annotated[int | None, typer.Option(help="The number of the fact this one corrects.")]


def register(app: typer.Typer) -> None:
    for command in (record, hold, release, chase, deliver):
        app.command()(command)
    app.command("round")(go_round)


def record(
    about: Annotated[str, typer.Argument(help="A pathway, or a case.")],
    fact: Annotated[str, typer.Argument(help="What happened: attendance_reported, session_booked, ...")],
    by: By,
    details: Annotated[list[str] | None, typer.Argument(help="Its details: session=S-12 result=attended")] = None,
    on: On = None,
    supersedes: Supersedes = None,
) -> None:
    """Record a fact. It is kept at once; its pathways are then advanced by Prefect, or by the next round."""
    pairs = dict(pair(detail) for detail in details or [])
    _record(about, fact, pairs, by, on, supersedes)


def hold(
    pathway: str,
    by: By,
    reason: Annotated[
        str, typer.Option(help="court_request, party_unwell, provider_request, data_query or other")
    ] = "other",
    which: Annotated[
        str | None, typer.Option("--hold", help="A code of its own, such as H-2, for a second hold of one day.")
    ] = None,
    on: On = None,
    supersedes: Supersedes = None,
) -> None:
    """Put a pathway on hold: its clocks stop and nobody is chased."""
    _record(pathway, "held", {"reason": reason} | ({"hold": which} if which else {}), by, on, supersedes)


def release(pathway: str, by: By, on: On = None) -> None:
    """Release a pathway from its hold; from each, where there are several."""
    _record(pathway, "released", {}, by, on)


def pair(detail: str) -> tuple[str, str]:
    name, equals, value = detail.partition("=")
    if not equals:
        error(f'"{detail}" is no detail; write it as name=value, for example session=S-12')
        raise typer.Exit(USAGE)
    return name, value


def as_typed(why: str) -> str:
    """Why something is refused, with what forms and files call a field as it is typed here."""
    why = why.replace("give supersedes", "add --supersedes")
    return why.replace("(hold=...)", "(hold=H-2, or --hold H-2 after `pathways hold`)")


def _record(
    about: str, kind: str, details: dict[str, str], by: str, on: str | None, supersedes: int | None = None
) -> None:
    from intake.cells import case_reference, fact_from_text
    from models.forms import BadFact
    from settings import settings
    from store.database import database
    from store.record import Reported
    from store.record import record as keep
    from tasks.nudge import nudge

    now = datetime.now(UTC)
    try:
        fact = fact_from_text(kind, details, on=on, by=by, now=now, supersedes=supersedes)
    except BadFact as bad:
        error(f"Not recorded. {bad}")
        raise typer.Exit(USAGE) from None
    reported = Reported(case_reference(about), fact, now=True)
    done = keep(database(settings().database_url), [reported], now, settings())
    outcome = done.outcomes[0]
    if outcome.result == "refused":
        error(f"Not recorded. {as_typed(outcome.why)}")
        raise typer.Exit(FORBIDDEN if outcome.rule else NOT_FOUND if outcome.field == "about" else REFUSED)
    if outcome.why:
        error(f"Not recorded anew. {as_typed(outcome.why)}")
        raise typer.Exit(REFUSED)
    if outcome.result == "unchanged":
        print(f"Known already, as fact {outcome.fact_id}.")
        return
    reached = nudge(settings().prefect_api, done.touched)
    soon = (
        "Its pathways are advanced in a few seconds."
        if reached
        else "Prefect cannot be reached; the next round sees to it."
    )
    print(f"Recorded as fact {outcome.fact_id}. {soon}")


def go_round() -> None:
    """Advance every pathway whose day has come, chase and deliver; here and now, without a Prefect server."""
    from settings import settings

    # The flows import Prefect, which otherwise makes itself a folder in the user's own.
    os.environ.setdefault("PREFECT_HOME", str(settings().home / "prefect"))
    from flows.programmes import PROGRAMMES
    from store.advance import advance
    from store.database import database

    engine = database(settings().database_url)
    failed = []
    for programme, story in PROGRAMMES.items():
        done = advance(engine, programme, story, datetime.now(UTC), settings())
        print(f"{programme}: {len(done.moved)} advanced, {len(done.changed)} moved, {done.notices} notices")
        failed += done.failed
    for one in failed:
        error(f"{one.reference} could not be advanced: {one.failure}")
    chase()
    deliver()
    if failed:
        raise typer.Exit(REFUSED)


def chase() -> None:
    """Take late duties up the ladder; here and now, without a Prefect server."""
    from settings import settings
    from store import chase
    from store.database import database

    done = chase.chase(database(settings().database_url), datetime.now(UTC), settings())
    print(
        "Chased: " + (", ".join(f"{count} {step}" for step, count in sorted(done.steps.items())) or "nothing was due")
    )


def deliver() -> None:
    """Turn notices into messages and send what may be sent at this hour; here and now, without a Prefect server."""
    from collections import Counter

    from cli.restored import refuse_if_held
    from notifications.channels import Channels
    from settings import settings
    from store.database import database
    from store.outbox import gather
    from store.seal import seal
    from store.trail import trail
    from tasks.deliver import held_up_in_words, send

    engine = database(settings().database_url)
    gather(engine, datetime.now(UTC), settings())
    done: Counter[str] = Counter()
    with Channels(settings()) as channels:
        while batch := send(engine, channels, datetime.now(UTC), settings()):
            done += batch
    seal(trail(settings()), datetime.now(UTC))
    print("Delivered: " + (", ".join(f"{count} {state}" for state, count in sorted(done.items())) or "nothing to send"))
    for sentence in held_up_in_words(engine, datetime.now(UTC), settings()):
        print(sentence)
    refuse_if_held(engine, "pathways restored")
    if not settings().channels:
        error("No channel is configured, so notices wait; see [channels] in the README.")
