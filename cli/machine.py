"""Commands about the machine: run everything, bring the database up to date, load the samples."""

from datetime import UTC, datetime
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(run)
    app.command()(site)
    app.command()(migrate)
    app.command()(deployments)
    app.command()(samples)


def run(
    samples: Annotated[bool, typer.Option(help="Load the fictional caseload where there are no cases yet.")] = True,
) -> None:
    """Start everything on this machine: database, Prefect, worker, mailbox and samples. Ctrl-C stops it."""
    from rich.console import Console

    from local.alone import alone
    from local.configure import asked, configured
    from local.stack import run

    with alone(asked()):
        run(configured(), Console(), samples=samples)


def site() -> None:
    """Serve the pages that return links lead to, until it is stopped. `pathways run` starts this too."""
    from settings import settings
    from web.serve import serve

    site, port = settings().site, settings().ports.site
    print(f"The site is at {site.url} and listens on {site.listens}, port {port}. Ctrl-C stops it.", flush=True)
    serve(settings())


def migrate() -> None:
    """Bring the database up to date, and the restricted one; from empty, or from an earlier version."""
    from settings import OFF, settings
    from store.database import database
    from store.migrate import migrate
    from store.strand import strand

    migrate(database(settings().database_url))
    if settings().restricted_database != OFF:
        migrate(strand(settings()), restricted=True)
    print("The database is up to date.")


def deployments() -> None:
    """Create or renew what Prefect runs: the work pool, and every deployment of prefect.yaml with its schedules."""
    import os
    import subprocess

    from cli.say import REFUSED, error
    from local.stack import BIN, create_pool
    from settings import HERE, settings

    if _is_away(settings().prefect_api):
        error(
            f"Prefect does not answer at {settings().prefect_api}. Start its server, or set prefect_api to where it is."
            " Over https, PREFECT_API_SSL_CERT_FILE names a file with the certificate that its own was signed with."
        )
        raise typer.Exit(REFUSED)
    create_pool(settings().prefect_api)
    said = {"PREFECT_API_URL": settings().prefect_api} | os.environ
    command = [BIN / "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=HERE, env=said, capture_output=True, text=True)
    if done.returncode:
        error(f"Prefect did not take the deployments: {_why(done.stdout + done.stderr)}")
        raise typer.Exit(REFUSED)
    print("Prefect has the work pool and every deployment of prefect.yaml.")


def _is_away(api: str) -> bool:
    """Whether nothing is at an address. One that is only slow to answer is there."""
    import httpx

    from tasks.nudge import client_of

    try:
        with client_of(api, 2) as client:
            client.get("health")
    except httpx.TimeoutException:
        return False
    except (httpx.TransportError, httpx.InvalidURL, OSError):
        return True
    return False


def _why(printed: str) -> str:
    """What Prefect's command said last: before that it may have printed a whole traceback."""
    said = [line.strip(" │╰╯─") for line in printed.splitlines()]
    return next((line for line in reversed(said) if line), "it said nothing") + " (all of it: `prefect deploy --all`)"


def samples() -> None:
    """Load the fictional sample caseload. Refused where there are real cases."""
    from cli.say import REFUSED, error
    from samples import load_samples
    from samples.strand import load_strand
    from settings import settings
    from store.database import database

    if settings().profile != "composite":
        error('The samples need profile = "composite", as `pathways run` sets it: SPIP itself has closed.')
        raise typer.Exit(REFUSED)
    now = datetime.now(UTC)
    loaded = load_samples(database(settings().database_url), now, settings())
    if loaded.new:
        load_strand(now, settings())
    print(loaded.said)
