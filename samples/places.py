"""The fictional staff, areas, courts and providers of the sample caseload."""

from collections.abc import Iterator
from datetime import date, timedelta

from models.standing import Days

Row = dict[str, str]

TREES = ["Alder", "Birch", "Cedar", "Damson", "Elder", "Fir", "Gean", "Hazel", "Ilex", "Juniper", "Kauri", "Larch", "Maple",
         "Nutmeg", "Oak", "Pine", "Quince", "Rowan", "Sorrel", "Teak", "Upas", "Viburnum", "Willow", "Yew"]  # fmt: skip
ADVISERS = ["FCA01", "FCA02", "FCA03", "FCA04", "FCA05", "FCA06"]
AREAS = [
    ("SA01", "Northmere"),
    ("SA02", "Eastwick Vale"),
    ("SA03", "Southholt"),
    ("SA04", "Westering"),
    ("SA05", "Farholm"),
]
COURTS = [
    ("CT01", "Alder Family Court", "SA01"), ("CT02", "Birch Family Court", "SA01"), ("CT03", "Cedar Family Court", "SA02"),
    ("CT04", "Dunmere Family Court", "SA02"), ("CT05", "Elmcote Family Court", "SA03"), ("CT06", "Fenwick Family Court", "SA04"),
    ("CT07", "Garth Family Court", "SA05"),
]  # fmt: skip
PROVIDERS = [
    # code, name, areas, capacity, latitude, longitude
    ("P001", "Ridgeway Bridge", "SA01", 20, 54.60, -1.60), ("P002", "Yarrow Project", "SA01", 20, 54.70, -1.50),
    ("P003", "Foxholt Families", "SA01", 20, 54.50, -1.40), ("P004", "Coldbrook Bridge", "SA02", 20, 52.90, 0.40),
    ("P005", "Ivybank House", "SA02", 20, 52.70, 0.30), ("P006", "Downmere House", "SA02 SA03", 20, 52.50, 0.20),
    ("P007", "Tarnside Haven", "SA03", 20, 51.10, -0.90), ("P008", "Kestrel Network", "SA03", 20, 51.00, -1.10),
    ("P009", "Marlbeck Works", "SA03", 20, 50.90, -1.30), ("P010", "Vale Works", "SA04", 20, 51.50, -2.60),
    ("P011", "Brackmoor Trust", "SA04", 20, 51.40, -2.80), ("P012", "Larkhope Link", "SA05", 10, 50.30, -4.90),
]  # fmt: skip
ACCREDITED = {"P001": 400, "P002": 400, "P005": 250, "P006": 400, "P008": 30, "P010": 400, "P011": -5, "P012": 400}
"""Providers that deliver DVPP too, and for how many days more they are accredited by Respect. P011's has lapsed."""
CLOSED_AT_CHRISTMAS = ["P006", "P010"]
OFFICES = {"CO": "commissioning_officer", "CM": "commissioning_manager", "SM": "service_manager", "AD": "assistant_director",
           "BS": "business_support", "RA": "research_analyst"}  # fmt: skip
TRAINED = {"FCA02": 15, "FCA04": 15, "FCA05": 15}
"""Advisers trained in CPPP, and how many families each has room for. One under way for two years still counts as held."""


def directory(today: date) -> dict[str, list[Row]]:
    """The files about people and places. The one provider of SA05 is suspended, so nobody there can be referred."""
    staff = [_person(code, "adviser") | _training(code) for code in ADVISERS]
    staff += [_person(f"{office}01", role) for office, role in OFFICES.items()]
    return {
        "practitioners": staff,
        "areas": [
            {"code": code, "label": label} | {role: f"{office}01" for office, role in OFFICES.items()}
            for code, label in AREAS
        ],
        "courts": [{"code": code, "name": name, "area": area} for code, name, area in COURTS],
        "providers": [line for row in PROVIDERS for line in _provider(*row, today)],
        "closures": [
            {"provider": code, "closed_from": str(begins), "closed_until": str(ends)}
            for code in CLOSED_AT_CHRISTMAS
            for begins, ends in closures(code, today)
        ],
    }


def closures(provider: str, today: date) -> list[Days]:
    """When a provider's groups do not meet: two weeks at Christmas and, with one provider, a week five weeks ago."""
    if provider not in CLOSED_AT_CHRISTMAS:
        return []
    years = (today.year - 1, today.year)
    found = [(date(year, 12, 20), date(year + 1, 1, 2)) for year in years]
    monday = today - timedelta(days=today.weekday() + 35)
    return [*found, (monday, monday + timedelta(days=6))] if provider == "P006" else found


def _training(code: str) -> Row:
    return {"trained_in": "CPPP", "capacity": str(TRAINED[code])} if code in TRAINED else {}


def _person(code: str, role: str) -> Row:
    tree = TREES[sum(map(ord, code)) % len(TREES)]
    return {
        "code": code,
        "name": f"Jo {tree}-Sample",
        "email": f"{code.lower()}@staff.example",
        "role": role,
        "telling": "daily" if code == "FCA06" else "instant",
    }


def _provider(
    code: str, name: str, areas: str, capacity: int, latitude: float, longitude: float, today: date
) -> Iterator[Row]:
    """The lines of one provider: SPIP, and DVPP where it is accredited or was."""
    row = {
        "provider": code, "name": name, "mailbox": f"office@{code.lower()}.example", "lead_email": f"lead@{code.lower()}.example",
        "programme": "SPIP", "areas": areas, "contracted_from": str(today - timedelta(days=900)), "contracted_until": "",
        "open_to_referrals": "yes", "capacity": str(capacity), "latitude": str(latitude), "longitude": str(longitude),
        "suspended_from": str(today - timedelta(days=14)) if code == "P012" else "",
    }  # fmt: skip
    yield row
    if code in ACCREDITED:
        until = str(today + timedelta(days=ACCREDITED[code]))
        yield row | {"programme": "DVPP", "capacity": "30", "accreditation": "Respect", "accredited_until": until}
