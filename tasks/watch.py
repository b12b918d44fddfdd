"""The pictures operations staff watch: caseload, overdue, delivery, what needs repair, and the reports."""

from datetime import UTC, datetime

from prefect import runtime, task
from prefect.client.orchestration import get_client

from models.working_days import london_date
from reports import cppp, unmet_need
from store import ask, cohort, trail
from store.ask import Table
from store.database import database, reading
from tasks.safely import safely
from tasks.show import put_table

Pictures = dict[str, tuple[Table, str]]


@task(name="draw the pictures", retries=2, retry_delay_seconds=5, timeout_seconds=300)
@safely
def draw() -> dict[str, int]:
    """Write the pictures of what is open as artifacts. Returns the number of rows of each."""
    now = datetime.now(UTC)
    with reading(database()) as connection:
        return _write(
            {
                "caseload": (ask.caseload(connection, london_date(now)), "How many wait for what, on whom, how late"),
                "overdue": (ask.overdue(connection, london_date(now)), "What is owed and late, the worst first"),
                "delivery": (ask.delivery(connection, now), "Messages by channel and state"),
                "failed-messages": (ask.outbox(connection), "Messages that failed: correct them and resend"),
                "needs-repair": (ask.failures(connection), "Pathways that could not be advanced"),
                "audit": (trail.state(connection), "How far the audit trail is sealed, and its head to compare with"),
            }
        )


@task(name="draw the reports", retries=2, retry_delay_seconds=5, timeout_seconds=1800)
@safely
def draw_reports() -> dict[str, int]:
    """Write the reports, for which all that ever was is read, as artifacts. Returns the number of rows of each."""
    today = london_date(datetime.now(UTC))
    with reading(database()) as connection:
        evaluated = cppp.evaluate(cohort.families(connection, today), cppp.Cohort(today))
        unmet = unmet_need.unmet_need(cohort.without_provider(connection))
        return _write(
            {
                "cppp-evaluation": (cppp.rows(evaluated), "\n\n".join(cppp.rules(evaluated))),
                "unmet-need": (unmet, unmet_need.RULE),
            }
        )


def _write(pictures: Pictures) -> dict[str, int]:
    with get_client(sync_client=True) as client:
        for key, (table, description) in pictures.items():
            put_table(client, key, table, description, str(runtime.flow_run.id))
    return {key: len(table) for key, (table, _) in pictures.items()}
