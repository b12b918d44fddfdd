"""The made-up country: staff, areas, courts and providers, and the cases people are referred in."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from models import tables as t
from models.facts.case import FurtherWorkAdvised, FurtherWorkOrdered
from simulate.referrals import PROGRAMMES, Caseload, Referral
from simulate.shares import Shares, chance
from store.directory import NEEDS_ACCREDITATION
from store.open import Opening, keep
from store.record import Reported

OFFICES = {"CO": "commissioning_officer", "CM": "commissioning_manager", "SM": "service_manager",
           "AD": "assistant_director", "BS": "business_support", "RA": "research_analyst"}  # fmt: skip
Row = dict[str, Any]


def furnish(connection: Connection, load: Caseload, shares: Shares) -> None:
    """Put in all there is before anybody is referred."""
    areas = sorted(set(shares.list_of("country", "courts")))
    lines = {name: _led(shares, name) for name in ("SPIP", "DVPP")}
    staff = [row for area in areas for row in _staff(area, load, shares)]
    providers = sorted({code for line in lines.values() for code in line})
    for table, rows in (
        (t.Practitioner, staff),
        (t.Area, [_area(area) for area in areas]),
        (t.Court, [_court(n, area) for n, area in enumerate(shares.list_of("country", "courts"), 1)]),
        (t.Provider, [_provider(code, load, shares) for code in providers]),
        (t.ServiceLine, [_line(name, code, led[code], load, shares) for name, led in lines.items() for code in led]),
        (t.Closure, [row for code in lines["DVPP"] for row in _christmas(code, load)]),
    ):
        if rows:
            keep(connection, table.__table__, rows)


def _led(shares: Shares, programme: str) -> dict[str, str]:
    """The area that each provider of a programme leads in."""
    return dict(line.split() for line in shares.list_of("country", programme))


def _staff(area: str, load: Caseload, shares: Shares) -> Iterator[Row]:
    number = area.removeprefix("SA")
    for code, role in OFFICES.items():
        yield _person(f"{code}{number}", role, load, shares)
    for n in range(int(shares.number("country", "advisers"))):
        trained = "CPPP" if n < shares.number("country", "trained") else ""
        yield _person(f"FCA{number}{n + 1:02}", "adviser", load, shares) | {"trained_in": trained}


def _person(code: str, role: str, load: Caseload, shares: Shares) -> Row:
    daily = shares.happens(chance(load.seed, "daily", code), "country", "daily")
    return {
        "code": code,
        "name": f"Member of staff {code}",
        "email": f"{code.lower()}@staff.example",
        "role": role,
        "telling": "daily" if daily else "instant",
        "trained_in": "",
    }


def _area(code: str) -> Row:
    number = code.removeprefix("SA")
    return {"code": code, "label": f"Area {number}"} | {role: f"{office}{number}" for office, role in OFFICES.items()}


def _court(number: int, area: str) -> Row:
    return {"code": f"CT{number:02}", "name": f"Family Court {number}", "area": area}


def _provider(code: str, load: Caseload, shares: Shares) -> Row:
    address = f"{code.lower()}@provider.example"
    return {"code": code, "name": f"Provider {code}", "mailbox": address} | {
        "suspended_from": _meanwhile(code, "suspended", load, shares)
    }


def _line(programme: str, provider: str, area: str, load: Caseload, shares: Shares) -> Row:
    line = {"provider": provider, "programme": programme, "areas": area, "contracted_from": date(2010, 4, 1)}
    lapses = _meanwhile(provider, "lapses", load, shares) or load.first + timedelta(days=365 * 30)
    accredited = (NEEDS_ACCREDITATION[programme], lapses) if programme in NEEDS_ACCREDITATION else (None, None)
    return line | {
        "open_to_referrals": True,
        "capacity": int(shares.number("country", "capacity")) or None,
        **dict(zip(("accreditation", "accredited_until"), accredited, strict=True)),
    }


def _meanwhile(provider: str, what: str, load: Caseload, shares: Shares) -> date | None:
    """A day in the time simulated, for the few to whom this happens."""
    of_provider = chance(load.seed, what, provider)
    if not shares.happens(of_provider, "country", what):
        return None
    return load.first + timedelta(days=of_provider.randrange(7 * load.weeks))


def _christmas(provider: str, load: Caseload) -> Iterator[Row]:
    """Groups do not meet from 22 December to 2 January [assumption]."""
    for year in range(load.first.year - 1, (load.first + timedelta(weeks=load.weeks + 52)).year + 1):
        yield {"provider": provider, "closed_from": date(year, 12, 22), "closed_until": date(year + 1, 1, 2)}


# Cases ----------------------------------------------------------------------------------------------------------------


def add_cases(
    connection: Connection, referrals: Sequence[Referral], now: datetime, load: Caseload, shares: Shares
) -> list[Opening]:
    """Put in the cases, parties and directions of those referred, and say what is to be opened for them."""
    directions = [_direction(one, load, shares) for one in referrals if _by_court(one, load, shares)]
    for table, rows in (
        (t.Case, [_case(one) for one in referrals]),
        (t.Party, [row for one in referrals for row in _parties(one)]),
        (t.Direction, directions),
    ):
        if rows:
            keep(connection, table.__table__, list({next(iter(row.values())): row for row in rows}.values()))
    return [_opening(one, now, load, shares) for one in referrals]


def _case(one: Referral) -> Row:
    return {"reference": one.case, "same_as": one.case, "court": one.court, "adviser": one.adviser} | {
        "received_on": one.on,
        "sample": False,
    }


def _parties(one: Referral) -> Iterator[Row]:
    for side, role in (("A", "applicant"), ("B", "respondent")):
        yield {"reference": f"{one.case}-{side}", "case": one.case, "role": role, "name": f"Nobody {one.case}-{side}"}


def _by_court(one: Referral, load: Caseload, shares: Shares) -> bool:
    if one.programme != "SPIP":
        return one.programme == "DVPP"
    return shares.happens(chance(load.seed, "route", one.case), "spip", "numbers", "court_route")


def _direction(one: Referral, load: Caseload, shares: Shares) -> Row:
    drawn, of = chance(load.seed, "direction", one.programme, one.number), (one.programme.lower(), "numbers")
    dvpp = one.programme == "DVPP"
    return {
        "reference": _number("D", one),
        "order": f"O-{one.case}",
        "case": one.case,
        "party": one.party,
        "activity": one.programme,
        "made_on": one.on,
        "monitoring_requested": shares.happens(drawn, *of, "monitoring"),
        "in_final_order": dvpp and shares.happens(drawn, *of, "final_order"),
        "assessment_only": dvpp and shares.happens(drawn, *of, "assessment_only"),
    }


def _number(letter: str, one: Referral) -> str:
    """Of a direction or a request: two programmes have no number in common."""
    return f"{letter}{1 + PROGRAMMES.index(one.programme)}-{one.number:05}"


def _opening(one: Referral, now: datetime, load: Caseload, shares: Shares) -> Opening:
    by_court = _by_court(one, load, shares)
    number = _number("D" if by_court else "R", one)
    more: Row = {"direction": number} if by_court else {}
    if one.programme == "CPPP":
        drawn = chance(load.seed, "entry", one.number)
        suggested = shares.happens(drawn, "cppp", "numbers", "suggested")
        more = {"entry": shares.drawn(drawn, "cppp", "entry"), "suggested_by": "judge" if suggested else "adviser"}
    return Opening(
        f"{one.programme}-{number}", one.programme, "court" if by_court else "adviser", one.case, one.party, one.area,
        one.on, one.adviser, recorded_at=now, **more,
    )  # fmt: skip


_RESTS_ON = {
    "first_hearing": [(FurtherWorkAdvised, "section_7")],
    "section_7": [(FurtherWorkOrdered, "section_7")],
    "section_7_to_16_4": [(FurtherWorkOrdered, "section_7"), (FurtherWorkAdvised, "rule_16_4")],
    "rule_16_4": [(FurtherWorkOrdered, "rule_16_4")],
}


def rests_on(openings: Iterable[Opening], now: datetime) -> list[Reported]:
    """What is on record of a case when CPPP is considered: without it no assessment is opened (SR-07)."""
    return [
        Reported(one.case, kind(happened_on=one.requested_on, recorded_at=now, recorded_by=one.recorded_by, work=work))
        for one in openings
        if one.entry
        for kind, work in _RESTS_ON[one.entry]
    ]
