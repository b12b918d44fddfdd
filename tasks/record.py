"""Recording one fact from Prefect's own form."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from prefect import task

from intake.cells import details_from_text
from models.forms import BadFact, fact
from settings import settings
from store.database import database
from store.record import Reported, record
from tasks.nudge import nudge
from tasks.safely import safely


@task(name="record a fact", timeout_seconds=60)
@safely
def record_one(
    subject: str,
    kind: str,
    happened_on: date,
    recorded_by: str,
    details: Mapping[str, str],
    supersedes: int | None = None,
) -> tuple[str, str]:
    """Record a fact and nudge its pathways. Returns "recorded", "unchanged" or "refused", and why or which fact."""
    now = datetime.now(UTC)
    try:
        typed = details_from_text(kind, details)
        made = fact(
            kind, typed, happened_on=happened_on, recorded_at=now, recorded_by=recorded_by, supersedes=supersedes
        )
    except BadFact as bad:
        return "refused", str(bad)
    done = record(database(), [Reported(subject, made, now=True)], now, settings())
    nudge(settings().prefect_api, done.touched)
    outcome = done.outcomes[0]
    return outcome.result, outcome.why or f"fact {outcome.fact_id}"
