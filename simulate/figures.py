"""What a simulated year comes to: counts of what was sent, late, chased, held and spent. No reference is in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from models.working_days import working_days_after
from simulate.shares import Shares
from simulate.year import Year
from store import simulated
from store.database import reading

Rows = list[dict[str, Any]]
Figures = dict[str, Rows]

TITLES = {
    "referrals": "Referred",
    "told": "What people were told",
    "messages": "Messages",
    "late": "What was owed, and late",
    "chases": "Chases, by step of the ladder",
    "stages": "How long each stage took, in working days",
    "outcomes": "Outcomes",
    "sessions": "Sessions, a place of one person (in CPPP of a family) each",
    "spend": "Spend",
    "refused": "What was said and refused",
    "failed": "What could not be advanced",
}


def figures(year: Year) -> Figures:
    """All the figures of a year that is over, by the names of TITLES."""
    with reading(year.engine) as connection:
        return {
            "referrals": [
                {"programme": row.programme, "pathways": row.count} for row in simulated.requested(connection)
            ],
            "told": list(_told(connection)),
            "messages": list(_messages(connection)),
            "late": list(_late(connection, year.load.days[-1])),
            "chases": [{"step": step, "duties": number} for step, number in sorted(year.chases.items())],
            "stages": list(_stages(year.stages)),
            "outcomes": list(_outcomes(connection)),
            "sessions": list(_sessions(connection)),
            "spend": list(_spend(connection, year.load.programmes, year.shares)),
            "refused": [{"fact": k, "because of": why, "times": n} for (k, why), n in sorted(year.refused.items())],
            "failed": [{"programme": p, "error": kind, "times": n} for (p, kind), n in sorted(year.failed.items())],
        }


def _told(connection: Connection) -> Iterator[dict[str, Any]]:
    """Each occasion, by channel: how often it was sent, failed, waits, and was withheld because it was overtaken."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for wording, channel, state, number in simulated.told(connection):
        kind = state if state in ("sent", "failed", "overtaken") else "waiting"
        found[wording, channel or ""][kind] += number
    for (wording, channel), counts in sorted(found.items()):
        yield {"occasion": wording, "channel": channel} | {
            kind: counts[kind] for kind in ("sent", "failed", "waiting", "overtaken")
        }


def _messages(connection: Connection) -> Iterator[dict[str, Any]]:
    for channel, digest, state, number in simulated.sent(connection):
        yield {"channel": channel, "kind": "digest" if digest else "single", "state": state, "messages": number}


def _late(connection: Connection, today: date) -> Iterator[dict[str, Any]]:
    """Of each kind of duty, how many were or are late, and by how much. What was dropped is left out."""
    asked, open_still = Counter[str](), Counter[str]()
    days: dict[str, Counter[int]] = defaultdict(Counter)
    for kind, state, due, closed, number in simulated.owed(connection):
        if state == "dropped":
            continue
        asked[kind] += number
        open_still[kind] += number if state == "open" else 0
        if (late := working_days_after(due, closed or today)) > 0:
            days[kind][late] += number
    for kind in sorted(asked):
        number = days[kind].total()
        yield {
            "owed": kind,
            "duties": asked[kind],
            "open": open_still[kind],
            "were late": number,
            "percent late": percent(number, asked[kind]),
            "median days late": at_share(days[kind], 50),
            "nine in ten by": at_share(days[kind], 90),
        }


def _stages(stages: Mapping[tuple[str, str], Counter[int]]) -> Iterator[dict[str, Any]]:
    for (programme, label), days in sorted(stages.items()):
        yield {
            "programme": programme,
            "stage": label,
            "pathways": days.total(),
            "median": at_share(days, 50),
            "nine in ten by": at_share(days, 90),
            "longest": max(days),
        }


def _outcomes(connection: Connection) -> Iterator[dict[str, Any]]:
    found = simulated.outcomes(connection)
    closed: Counter[str] = Counter()
    for programme, reason, number in found:
        closed[programme] += number if reason else 0
    for programme, reason, number in sorted(found, key=lambda row: (row[0], row[1] or "")):
        share = percent(number, closed[programme]) if reason else None
        yield {"programme": programme, "outcome": reason or "open", "pathways": number, "percent of closed": share}


def _sessions(connection: Connection) -> Iterator[dict[str, Any]]:
    for programme, kind, result, number in simulated.sessions(connection):
        said = result or {"session_held": "held"}.get(kind, "cancelled")
        yield {"programme": programme, "session": said, "places": number}


_COUNTED = {
    "SPIP": ("attendance_reported", ("attended", "late")),
    "DVPP": ("programme_started", ()),
    "CPPP": ("session_held", ()),
}
"""Of whom the spend of a programme is counted: who has such a fact on record."""


def _spend(connection: Connection, programmes: Iterable[str], shares: Shares) -> Iterator[dict[str, Any]]:
    for programme in sorted(programmes):
        pounds, per, source = shares.spend(programme)
        number = simulated.people_who(connection, *_COUNTED[programme])
        yield {
            "programme": programme, "count": number, "per": per, "each": pounds, "pounds": round(number * pounds),
            "source": source,
        }  # fmt: skip


def percent(number: int, of: int) -> float | None:
    return round(100 * number / of, 1) if of else None


def at_share(days: Counter[int], share: int) -> int | None:
    """The least number of days within which so many in a hundred were done."""
    reached = 0
    for day in sorted(days):
        reached += days[day]
        if reached * 100 >= days.total() * share:
            return day
    return None


# Beside each other ----------------------------------------------------------------------------------------------------


def compared(base: Figures, raised: Figures) -> Rows:
    """The figures of two years beside each other, and how they differ."""
    before, after = _summed(base), _summed(raised)
    rows = []
    for name in [*after, *(name for name in before if name not in after)]:
        now, then = after.get(name, 0), before.get(name, 0)
        change = percent(now - then, then)
        rows.append({"figure": name, "now": then, "then": now, "more": now - then, "percent": change})
    return rows


def _summed(of: Figures) -> dict[str, int]:
    """The figures a forecast is asked for."""
    counts: Counter[str] = Counter()
    for row in of["referrals"]:
        counts[f"referred to {row['programme']}"] += row["pathways"]
    for row in of["messages"]:
        counts["messages"] += row["messages"]
    for row in of["chases"]:
        counts["chases"] += row["duties"]
    for row in of["chases"]:
        counts[f"chases, step {row['step']}"] += row["duties"]
    for row in of["late"]:
        counts["duties"] += row["duties"]
        counts["duties late"] += row["were late"]
    for row in of["sessions"]:
        counts[f"{row['programme']} sessions {row['session']}"] += row["places"]
    for row in of["outcomes"]:
        counts[f"{row['programme']} {row['outcome'].replace('_', ' ')}"] += row["pathways"]
    for row in of["spend"]:
        counts[f"pounds for {row['programme']}"] += row["pounds"]
        counts["pounds in all"] += row["pounds"]
    return dict(counts)
