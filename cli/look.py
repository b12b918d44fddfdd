"""Commands that answer a question."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.do import OPERATOR, Who
from cli.say import NOT_FOUND, error, table

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def register(app: typer.Typer) -> None:
    app.command("list")(listed)
    app.command()(show)
    app.command()(overdue)
    app.command()(note)


def listed(
    waits_for: Annotated[
        str | None, typer.Option(help='Only those whose standing has these words, e.g. "report".')
    ] = None,
    provider: Annotated[str | None, typer.Option()] = None,
    area: Annotated[str | None, typer.Option()] = None,
    case: Annotated[str | None, typer.Option()] = None,
    programme: Annotated[str | None, typer.Option()] = None,
    as_json: Json = False,
) -> None:
    """List pathways and where they stand."""
    from settings import settings
    from store import ask
    from store.database import reading

    named = {"programme": programme, "provider": provider, "area": area, "case": case}
    named = {column: code.upper() for column, code in named.items() if code}
    with reading(_database()) as connection:
        rows = ask.listed(connection, label=waits_for, **named)
        unknown = [] if rows else ask.unknown(connection, settings().limits, **named)
    for column, code in unknown:
        error(f"There is no {column} {code}.")
    if unknown:
        raise typer.Exit(NOT_FOUND)
    table(rows, as_json=as_json, title=f"{len(rows)} pathways", empty="No pathway matches.")


def overdue(as_json: Json = False) -> None:
    """What is owed and late, the worst first; what is on hold comes last.

    "marked" is the day on which the lateness was marked on the provider's contract, where the ladder had come so far.
    """
    from store import ask
    from store.database import reading

    with reading(_database()) as connection:
        rows = ask.overdue(connection, _today())
    table(rows, as_json=as_json, title=f"{len(rows)} duties are late", empty="Nothing is late.")


def show(pathway: str, as_json: Json = False) -> None:
    """Where one pathway stands, on whom it waits, what is due, what comes next, and what was said to whom."""
    story = _story(pathway)
    table([_as_dict(story)], as_json=True) if as_json else print("\n".join(ten_lines(story)))


def note(pathway: str, by: Who = OPERATOR, as_json: Json = False) -> None:
    """Print the draft of the paper the court waits for: facts, dates, chases. Nothing goes unsigned (SR-13)."""
    from notifications.papers import court_paper
    from store.audit import saw

    story = _story(pathway)
    drafted = court_paper(story, _today())
    if drafted is None:
        error(f"{story.loaded.row.reference}: no paper; nothing calls for one to the court now.")
        raise typer.Exit(NOT_FOUND)
    rows = [{"pathway": story.loaded.row.reference, "draft": drafted}]
    saw(_database(), datetime.now(UTC), by, story.loaded.row.reference)
    table(rows, as_json=True) if as_json else print(drafted)


def _database():
    from settings import settings
    from store.database import database

    return database(settings().database_url)


def _today():
    from models.working_days import london_date

    return london_date(datetime.now(UTC))


def _story(pathway: str):
    from settings import settings
    from store import ask
    from store.database import reading

    with reading(_database()) as connection:
        story = ask.story(connection, pathway.upper(), _today(), settings())
    if story is None:
        error(f"There is no pathway {pathway.upper()}. `pathways list` shows those there are.")
        raise typer.Exit(NOT_FOUND)
    return story


def ten_lines(story: Any) -> list[str]:
    from models.working_days import say
    from store import ask

    row, last = story.loaded.row, max(story.facts, key=lambda fact: fact.id)
    details = "".join(f", {name} {value}" for name, value in ask.details(last).items())
    fresh = " (something new is about to be looked at)" if row.look_on and row.look_on <= _today() else ""
    provider = f", held by {row.provider}" if row.provider else ""
    monitored = ", monitoring asked for" if row.monitoring_requested else ""
    return [
        f"{row.reference}  {row.programme}, case {row.case}, area {row.area}{provider}",
        f"Stands     {row.label}, since {say(row.since)}{fresh}",
        f"Waits on   {row.on_role.replace('_', ' ')} {row.on_code}" if row.on_code else "Waits on   nobody",
        f"Due        {_due(row.due_on)}",
        f"Owed       {_owed(story)}",
        f"Last fact  {last.label} on {say(last.happened_on)}{details}; fact {last.id} by {last.recorded_by}",
        f"Next       {story.next}",
        f"Told       {_all_told(story)}",
        f"Requested  {say(row.opened_on)} by the {'court' if _route(story) == 'court' else 'adviser'}{monitored}",
        f"Repair     {row.failure}: it could not be advanced" if row.failure else "Repair     none needed",
    ]


def _due(due: Any) -> str:
    from models.working_days import say, working_days_after

    late = working_days_after(due, _today()) if due and due < _today() else 0
    days = "working day" if late == 1 else "working days"
    return f"{say(due)}{f', {late} {days} late' if late else ''}" if due else "no date"


def _owed(story: Any) -> str:
    from models.working_days import say

    owed = (f"{d.kind.replace('_', ' ')} by {say(d.due_on)} ({d.on_code})" for d in story.duties if d.state == "open")
    return "; ".join(owed) or "nothing"


def _all_told(story: Any) -> str:
    told = [f"{n.to_role.replace('_', ' ')} {n.to_code}: {n.wording} ({_told(n)})" for n in story.notices]
    more = f"; and {len(told) - 4} before" if len(told) > 4 else ""
    return "; ".join(told[-4:]) + more or "nobody yet"


def _route(story: Any) -> str:
    return next((fact.route for fact in story.facts if fact.kind == "requested"), "")


def _told(notice: Any) -> str:
    if notice.withheld:
        return notice.withheld
    if notice.sent == "sent":
        from cli.say import _cell

        return f"sent {_cell(notice.sent_at)}"
    return {"failed": "failed", "waiting": "waiting", "sending": "being sent"}.get(notice.sent, "to be sent")


def _as_dict(story: Any) -> dict[str, Any]:
    row = story.loaded.row
    standing = ("reference", "programme", "case", "area", "provider", "state", "label", "since", "on_role", "on_code",
                "due_on", "reason", "failure")  # fmt: skip
    return {
        **{name: getattr(row, name) for name in standing},
        "next": story.next,
        "facts": [
            {"id": f.id, "fact": f.kind, "on": f.happened_on, "by": f.recorded_by, **f.payload} for f in story.facts
        ],
        "duties": [
            {"owed": d.kind, "by": d.on_code, "due": d.due_on, "state": d.state, "step": d.step, "closed": d.closed_on}
            for d in story.duties
        ],
        "told": [{"to": n.to_code, "role": n.to_role, "what": n.wording, "state": _told(n)} for n in story.notices],
    }
