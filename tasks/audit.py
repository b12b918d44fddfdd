"""Sealing the audit trail."""

from datetime import UTC, datetime

from prefect import task

from settings import settings
from store.seal import seal
from store.trail import trail
from tasks.safely import safely


@task(name="seal the audit trail", retries=2, retry_delay_seconds=[2, 10], timeout_seconds=600)
@safely
def seal_trail() -> str:
    """Seal what was recorded, sent and seen since. Returns the head, which Prefect keeps too: it is nobody's secret."""
    return str(seal(trail(settings()), datetime.now(UTC)))
