"""`pathways restored`, and the strand's own: after a backup was brought back, see what would go out, then let it go."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.do import OPERATOR, Who
from cli.say import NOT_FOUND, REFUSED, USAGE, as_text, error, table

At = Annotated[
    str | None, typer.Option("--at", help='When the backup was made, by the clocks in London: "2026-02-03 18:00".')
]
Files = Annotated[
    list[Path] | None, typer.Option("--sent", help="The sent.log of another machine that sends; as often as needed.")
]
Send = Annotated[bool, typer.Option("--send", help="Let mail go again, but what went already.")]
Not = Annotated[list[int] | None, typer.Option("--not", help="A message that went too, by number; as often as needed.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def command(place: Callable[[], tuple[Any, Any]], named: str) -> Callable[..., None]:
    """The command of this name for one of the databases, which `place` gives with its settings."""

    def restored(
        at: At = None,
        sent: Files = None,
        send: Send = False,
        never: Not = None,
        by: Who = OPERATOR,
        as_json: Json = False,
    ) -> None:
        """After a backup was brought back: hold mail back (--at), see what would go out, then let it go (--send)."""
        from store import restored as store
        from store.sent import file_of

        engine, settings = place()
        now = datetime.now(UTC)
        if at:
            store.hold(engine, _moment(at, now), now, by)
        if (as_of := store.held_as_of(engine)) is None:
            raise store.NotRestored
        before = store.Before(_there(file_of(settings), sent or []), as_of)
        going = store.going(engine, before)
        if unknown := set(never or []) - {one.message for one in going}:
            error(f"There is no message {min(unknown)} among what would go out.")
            raise typer.Exit(NOT_FOUND)
        if send:
            print(_released(*store.release(engine, going, never or [], now, by)))
        else:
            _show(before, [_row(one) for one in going], store.unfounded(engine, before), as_json)
            if not as_json:
                print(f"No mail goes from here until it is let go: `{named} --send`.")

    return restored


def register(app: typer.Typer) -> None:
    app.command("restored")(command(_place, "pathways restored"))


def _place() -> tuple[Any, Any]:
    from settings import settings
    from store.database import database

    return database(settings().database_url), settings()


def refuse_if_held(engine: Any, named: str) -> None:
    """Say to whoever delivers that nothing goes."""
    from store.restored import held_as_of

    if held_as_of(engine):
        error(f"All mail is held back, for a backup was brought back. `{named}` shows what would go out.")
        raise typer.Exit(REFUSED)


def _moment(text: str, now: datetime) -> datetime:
    from intake.cells import moment

    try:
        at = moment(text)
    except ValueError as bad:
        error(f"--at: {bad}.")
        raise typer.Exit(USAGE) from None
    if at > now:
        error("--at: that moment is still to come; say when the backup was made, by the clocks in London.")
        raise typer.Exit(USAGE)
    return at


def _released(kept: int, go: int, failed: int) -> str:
    resent = f" {failed} had failed, and go when they are resent (`outbox resend`);" if failed else ""
    return f"Mail goes again: {go} when their hours come;{resent} {kept} went before the restore and do not go twice."


def _there(own: Path, others: Sequence[Path]) -> list[Path]:
    """The files to read. This machine may have sent nothing; another's was named, and must be there."""
    if missing := next((file for file in others if not file.is_file()), None):
        error(f"There is no file {missing}.")
        raise typer.Exit(NOT_FOUND)
    return [file for file in (own, *others) if file.is_file()]


def _row(one: Any) -> dict[str, Any]:
    return {
        "message": one.message,
        "to": one.to,
        "channel": one.channel,
        "about": one.about,
        "says": one.says,
        "before": one.before,
        "at": one.at,
    }


def _told(one: Any) -> dict[str, Any]:
    to = f"{one.role.replace('_', ' ')} {one.code}"
    return {"at": one.at, "to": to, "about": one.pathway, "says": one.wording, "message-id": one.message_id}


def _show(before: Any, going: Sequence[Any], unfounded: Sequence[Any], as_json: bool) -> None:
    told = [_told(one) for one in unfounded]
    if as_json:
        return print(json.dumps({"would go": going, "told, and not known": told}, default=as_text, indent=2))
    table(going, as_json=False, title=f"{len(going)} would go", empty="Nothing would go out.")
    print()
    title = f"{len(told)} were told since, and what caused it is not known here: ask these people, and record it anew"
    table(told, as_json=False, title=title, empty="Nobody was told anything that is not known here.")
    if not before.since:
        print("No record of what was sent is later than the backup. Name the sent.log of every machine: --sent FILE.")
