"""Fictional people of the restricted strand, and survivors beside some of the men in the samples (SR-11)."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from intake.cells import in_london
from intake.restricted_files import FILES
from models.facts import RESTRICTED
from models.working_days import add_working_days, london_date, working_days_after
from samples import load_files
from samples.places import AREAS, TREES
from samples.sample import Files
from settings import RestrictedOff, Settings, restricted
from store.database import database, reading
from store.listen import listen
from store.record import Reported, record
from store.strand import listed, strand, workers

PEOPLE = {"SW01": "support_worker", "SW02": "support_worker", "SMG1": "support_manager"}
WORKERS = {"SA01": "SW01", "SA02": "SW01", "SA03": "SW02"}
"""Who offers support where. SA04 has nobody yet, so that this shows."""

Told = list[tuple[str, int, dict[str, str]]]
NAMED: dict[str, Told] = {
    "DVPP-D0112": [],
    "DVPP-D0114": [],
    "DVPP-D0116": [("survivor_contact_tried", 15, {})],
    "DVPP-D0126": [("survivor_contact_tried", 30, {}), ("support_declined", 24, {})],
    "DVPP-D0127": [("survivor_contact_tried", 30, {}), ("no_contact_made", 8, {})],
    "DVPP-D0151": [("support_accepted", 120, {}), ("support_ended", 3, {"reason": "his_programme_over"})],
}
"""What her worker recorded, so many working days ago, beside some men. Beside the others she took the support early."""


def load_strand(now: datetime, settings: Settings) -> None:
    """Load them beside the samples. Does nothing where the strand is out of reach, or has people of its own."""
    try:
        own = strand(settings)
    except RestrictedOff:
        return
    with reading(own) as connection:
        if workers(connection):
            return
    of_its_own = restricted(settings)
    load_files(own, _people(), now, of_its_own, FILES)
    listen(database(settings.database_url), own, now, settings)
    with reading(own) as connection:
        followed = [row for row in listed(connection) if row["area"] in WORKERS]
    load_files(own, {"survivors": [_survivor(row["follows"]) for row in followed]}, now, of_its_own, FILES)
    reported = [one for row in followed for one in _reported(row, london_date(now))]
    for outcome in record(own, reported, now, of_its_own).outcomes:
        if outcome.result == "refused":
            raise RuntimeError(f"samples: {outcome.reported.fact.kind}: {outcome.why}")


def _people() -> Files:
    people = [
        {"code": code, "name": f"Jo {TREES[n]}-Sample", "email": f"{code.lower()}@support.example", "role": role}
        for n, (code, role) in enumerate(PEOPLE.items())
    ]
    areas = [
        {"code": code, "label": label, "support_worker": WORKERS[code], "support_manager": "SMG1"}
        for code, label in AREAS
        if code in WORKERS
    ]
    return {"practitioners": people, "areas": areas}


def _survivor(man: str) -> dict[str, str]:
    """How she is reached: the applicant of the man's case."""
    tree = TREES[2 * int(man[-4:]) % len(TREES)]
    return {
        "pathway": man, "name": f"Robin {tree}-Sample", "workplace": f"{tree} Street Library",
        "school": f"{tree} Lane Primary School", "safe_times": "weekdays until 3 pm",
    }  # fmt: skip


def _reported(followed: dict[str, Any], today: date) -> Iterator[Reported]:
    """What her worker recorded: what is named, or that she took the support on the third day."""
    early = working_days_after(followed["since"], today) - 3
    for kind, ago, details in NAMED.get(followed["follows"], [("support_accepted", early, {})] if early > 0 else []):
        day = add_working_days(today, -ago)
        common = {"recorded_at": in_london(datetime.combine(day, time(12))), "recorded_by": WORKERS[followed["area"]]}
        yield Reported(followed["pathway"], RESTRICTED[kind](happened_on=day, told_already=True, **common, **details))
