"""A database of many pathways for benchmarks: rows written straight into the tables, as a load would leave them."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Engine

from models import tables as t
from models.limits import limits_on
from store.database import writing

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
        for table, rows in _rows(pathways, limits.id).items():
            c.execute(table.__table__.insert(), rows)


def _rows(pathways: int, limits: str) -> dict[Any, list[dict[str, Any]]]:
    rows: dict[Any, list[dict[str, Any]]] = {t.Case: [], t.Party: [], t.PathwayRow: [], t.FactRow: []}
    for n in range(pathways):
        case, pathway = f"C{n:07}", f"SPIP-D{n:07}"
        rows[t.Case].append(
            {
                "reference": case,
                "same_as": case,
                "court": "CT01",
                "adviser": "FCA1",
                "received_on": BEGAN,
                "sample": False,
            }
        )
        rows[t.Party] += [{"reference": f"{case}-{p}", "case": case, "role": role, "name": "Robin Sample"}
                          for p, role in (("A", "applicant"), ("R", "respondent"))]  # fmt: skip
        rows[t.PathwayRow].append({
            "reference": pathway, "programme": "SPIP", "case": case, "party": f"{case}-A", "area": "SA01", "limits": limits,
            "opened_on": BEGAN, "since": BEGAN, "look_on": BEGAN, "state": "requested", "label": "Requested",
        })  # fmt: skip
        rows[t.FactRow] += [fact(case, pathway, *row) for row in LIFE]
    return rows


LIFE: list[tuple[str, int, str, dict[str, Any]]] = [
    ("pathway", 0, "requested", {"route": "court"}),
    ("case", 1, "safeguarding_letter_filed", {}),
    ("pathway", 2, "referral_sent", {"provider": "P1"}),
    ("pathway", 3, "acknowledged", {"provider": "P1"}),
    (
        "pathway",
        4,
        "session_booked",
        {"session": "S1", "starts_at": "2026-01-19T17:30:00Z", "ends_at": "2026-01-19T21:30:00Z"},
    ),
]


def fact(case: str, pathway: str, about: str, day: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    on = BEGAN + timedelta(days=day)
    return {
        "subject": case if about == "case" else pathway, "kind": kind, "identity": kind, "happened_on": on,
        "recorded_at": at(on), "recorded_by": "FCA1", "told_already": False, "payload": payload,
    }  # fmt: skip
