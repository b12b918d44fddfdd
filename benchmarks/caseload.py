"""A database of many pathways for benchmarks: rows written straight into the tables, as a load would leave them."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Engine

from models import tables as t
from models.limits import limits_on
from store.database import in_batches, writing

BEGAN = date(2026, 1, 5)
OFFICES = (
    "commissioning_officer",
    "commissioning_manager",
    "service_manager",
    "assistant_director",
    "business_support",
)


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def fill(engine: Engine, pathways: int) -> None:
    """That many court-ordered SPIP pathways, each booked into a session and none advanced yet."""
    fill_cases(engine, pathways)
    with writing(engine) as c:
        for numbers in in_batches(range(pathways), 10_000):
            for table, rows in _rows(numbers).items():
                c.execute(table.__table__.insert(), rows)


def fill_cases(engine: Engine, cases: int) -> None:
    """A directory of one provider, and that many cases of two parents whose safeguarding enquiries are finished."""
    limits = limits_on("SPIP", BEGAN)
    with writing(engine) as c:
        c.execute(t.Practitioner.__table__.insert(), [
            {"code": code, "name": code, "email": f"{code.lower()}@staff.example", "role": "adviser", "telling": "instant"}
            for code in ("FCA1", "STAFF")
        ])  # fmt: skip
        c.execute(t.Area.__table__.insert(), {"code": "SA01", "label": "Area"} | dict.fromkeys(OFFICES, "STAFF"))
        c.execute(t.Court.__table__.insert(), {"code": "CT01", "name": "Court", "area": "SA01"})
        c.execute(t.Provider.__table__.insert(), {"code": "P1", "name": "Provider", "mailbox": "p1@p.example"})
        c.execute(t.ServiceLine.__table__.insert(), {
            "provider": "P1", "programme": "SPIP", "areas": "SA01", "contracted_from": BEGAN, "open_to_referrals": True,
        })  # fmt: skip
        c.execute(
            t.LimitSet.__table__.insert(), {"id": limits.id, "content": json.dumps(limits.content, sort_keys=True)}
        )
        for numbers in in_batches(range(cases), 10_000):
            for table, rows in _cases(numbers).items():
                c.execute(table.__table__.insert(), rows)


def _cases(numbers: Sequence[int]) -> dict[Any, list[dict[str, Any]]]:
    names = [f"C{n:07}" for n in numbers]
    alike = {"court": "CT01", "adviser": "FCA1", "received_on": BEGAN, "sample": False}
    return {
        t.Case: [{"reference": case, "same_as": case} | alike for case in names],
        t.Party: [
            {"reference": f"{case}-{p}", "case": case, "role": role, "name": "Robin Sample"}
            for case in names
            for p, role in (("A", "applicant"), ("R", "respondent"))
        ],
        t.FactRow: [fact(case, 0, "safeguarding_letter_filed", {}) for case in names],
    }


def _rows(numbers: Sequence[int]) -> dict[Any, list[dict[str, Any]]]:
    rows: dict[Any, list[dict[str, Any]]] = {t.PathwayRow: [], t.FactRow: []}
    for n in numbers:
        case, pathway = f"C{n:07}", f"SPIP-D{n:07}"
        rows[t.PathwayRow].append({
            "reference": pathway, "programme": "SPIP", "case": case, "party": f"{case}-A", "area": "SA01",
            "limits": limits_on("SPIP", BEGAN).id, "opened_on": BEGAN, "since": BEGAN, "look_on": BEGAN,
            "state": "requested", "label": "Requested",
        })  # fmt: skip
        rows[t.FactRow] += [fact(pathway, *row) for row in LIFE]
    return rows


LIFE: list[tuple[int, str, dict[str, Any]]] = [
    (0, "requested", {"route": "court"}),
    (2, "referral_sent", {"provider": "P1"}),
    (3, "acknowledged", {"provider": "P1"}),
    (4, "session_booked", {"session": "S1", "starts_at": "2026-01-19T17:30:00Z", "ends_at": "2026-01-19T21:30:00Z"}),
]


def fact(subject: str, day: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    on = BEGAN + timedelta(days=day)
    return {
        "subject": subject, "kind": kind, "identity": kind, "happened_on": on,
        "recorded_at": at(on), "recorded_by": "FCA1", "told_already": False, "payload": payload,
    }  # fmt: skip
