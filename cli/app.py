"""The commands, gathered, and what holds for all of them."""

import typer

from cli import (
    audit,
    backup,
    do,
    evaluate,
    files,
    links,
    look,
    machine,
    outbox,
    personal,
    plan,
    restored,
    restricted,
    simulate,
    text,
)

app = typer.Typer(
    name="pathways",
    help="Runs, chases and tells: commissioned programmes of the family courts as pathways that cannot get lost.",
    epilog="Exit codes: 0 done; 1 refused, or rows rejected; 2 wrong use; 3 not found; 4 a safety rule forbids it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for commands in (machine, files, do, look, plan, evaluate, backup, restored, simulate):
    commands.register(app)
_GROUPS = {
    "audit": audit, "links": links, "outbox": outbox, "personal": personal, "text": text, "restricted": restricted
}  # fmt: skip
for name, group in _GROUPS.items():
    app.add_typer(group.app, name=name)


def main() -> None:
    """Run a command; whatever goes wrong is a sentence, never a traceback."""
    from cli.say import complain

    try:
        app()
    except Exception as problem:
        raise SystemExit(complain(problem)) from None
