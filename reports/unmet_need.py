"""Unmet need: who was ordered or meant to attend, and nobody was there to take them.

The board of 2010 could say only that some courts' need was unmet (board2010); here it is counted.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

NO_PROVIDER_OPEN = "No provider open"
"""Where a pathway stands that is ready and has nobody to be referred to (flows/steps.py)."""
CLOSED_FOR_IT = "no_provider"
"""The reason of m05 with which a pathway closes for the same want."""

RULE = (
    "Pathways, one person each. Closed: closed with the reason no_provider, in the month it closed. Waiting: open now, "
    'and either at "No provider open" or found to have no provider in reach; in the month since which it stands so.'
)


def unmet_need(found: Iterable[Any]) -> list[dict[str, Any]]:
    """How many pathways found no provider, by programme, area and month, and which."""
    ordered = sorted(found, key=lambda row: (*_place(row), row.reference))
    return [_counted(place, list(some)) for place, some in groupby(ordered, key=_place)]


def _place(row: Any) -> tuple[str, str, str]:
    return row.programme, row.area, f"{row.since:%Y-%m}"


def _counted(place: tuple[str, str, str], some: list[Any]) -> dict[str, Any]:
    closed = sum(row.closed_on is not None for row in some)
    counts = {"closed": closed, "waiting": len(some) - closed}
    return (
        dict(zip(("programme", "area", "month"), place, strict=True))
        | counts
        | {"pathways": ", ".join(row.reference for row in some)}
    )
