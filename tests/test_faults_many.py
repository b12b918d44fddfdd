"""Ten thousand facts at once, facts too early and facts twice: each is recorded once, and nobody meets an error."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from benchmarks.caseload import BEGAN, at, fill
from flows.spip import spip
from models import tables as t
from settings import Settings
from store.advance import advance
from store.database import reading
from tests import faults
from tests.life import day, moment
from tests.smtp_sink import Sink
from tests.test_outbox import ANY_HOUR
from tests.world import Office, empty, mailing

PROCESSES = 8
EACH = int(os.environ.get("FAULTS_EACH", "100"))
"""How many facts each of them reports. FAULTS_EACH=1250 makes ten thousand of it, which takes a minute."""
NOW = at(BEGAN + timedelta(days=20))


@pytest.fixture(scope="module")
def worker() -> Iterator[faults.Worker]:
    with faults.Worker() as warm:
        yield warm


def reported(number: int, kind: str, day: int, **details: str) -> tuple[str, str, dict[str, str]]:
    on = (BEGAN + timedelta(days=day)).isoformat()
    return (
        f"SPIP-D{number:07}",
        kind,
        {"happened_on": on, "recorded_at": NOW.isoformat(), "recorded_by": "P1"} | details,
    )


def attended(number: int, session: str = "S1") -> tuple[str, str, dict[str, str]]:
    return reported(number, "attendance_reported", 15, session=session, result="attended")


def of(engine: Engine, home: Path) -> Settings:
    engine.dispose()
    return Settings(home=home, profile="composite", database=engine.url.render_as_string(hide_password=False))


def times_recorded(engine: Engine, kind: str) -> dict[str, int]:
    query = select(t.FactRow.subject, func.count()).where(t.FactRow.kind == kind).group_by(t.FactRow.subject)
    with reading(engine) as connection:
        return dict(connection.execute(query).all())


def test_thousands_of_facts_at_once_by_eight_who_also_repeat_each_other(
    engine: Engine, worker: faults.Worker, tmp_path: Path
):
    total = EACH * PROCESSES
    fill(engine, total)
    own = [[attended(n) for n in range(lot * EACH, (lot + 1) * EACH)] for lot in range(PROCESSES)]
    # And what another reports at this moment, or did, or will.
    lots = [lot + another[::20] for lot, another in zip(own, own[1:] + own[:1], strict=True)]
    settings = of(engine, tmp_path)
    worker.do("reports", settings, NOW, lots)
    times = times_recorded(engine, "attendance_reported")
    assert len(times) == total and set(times.values()) == {1}
    done = advance(engine, "SPIP", spip, NOW, settings)
    assert not done.failed and Counter(one.label for one in done.moved) == {"Awaiting next step": total}


def test_facts_that_come_before_what_they_rest_on_are_safe_to_report_again(
    engine: Engine, worker: faults.Worker, tmp_path: Path
):
    """One reports that people attended while another still books them: an early one is refused, and comes again."""
    fill(engine, 60)
    times = {"starts_at": "2026-01-20T17:30:00Z", "ends_at": "2026-01-20T21:30:00Z"}
    booked = [reported(n, "session_booked", 5, session="S2", **times) for n in range(60)]
    settings, early = of(engine, tmp_path), [attended(n, "S2") for n in reversed(range(60))]
    worker.do("reports", settings, NOW, [booked, early, early])
    worker.do("reports", settings, NOW, [early, early])
    assert set(times_recorded(engine, "attendance_reported").values()) == {1}
    assert len(times_recorded(engine, "attendance_reported")) == 60


def test_however_often_it_is_killed_and_started_again_all_is_said_once(tmp_path: Path, worker: faults.Worker):
    with Sink() as sink:
        office = Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}"), mailing(sink, home=tmp_path, sending=ANY_HOUR))
        office.settings.database = f"sqlite:///{tmp_path / 'pathways.db'}"
        office.case().opens()
        office.awaiting_report()
        office.engine.dispose()
        starts = [moment(day("2026-01-27"), 9) + timedelta(minutes=6 * n) for n in range(20)]
        deaths = [worker.is_killed(1 + n % 10, "rounds", office.settings, now) for n, now in enumerate(starts)]
        assert sum(deaths) >= 10
        faults.rounds(office.settings, starts[-1] + timedelta(hours=1), [])
        assert {row.state for row in office.rows(t.MessageRow)} == {"sent"}
        sent = {row.message_id for row in office.rows(t.MessageRow)}
        assert {mail.message["Message-ID"] for mail in sink.received} == sent


# Chased, and still waited for -----------------------------------------------------------------------------------------


def test_a_report_that_was_chased_is_still_waited_for_until_it_comes(engine: Engine):
    """To chase is not to give up waiting, and a wait after a chase is as long as one before it (SR-21)."""
    office = Office(engine).case()
    office.opens()
    office.awaiting_report(held="2026-01-16")
    for n in range(60):
        office.round(day("2026-01-19") + timedelta(days=n))
        assert (office.pathway().label, office.duty("attendance_report").state) == (
            "Awaiting attendance report",
            "open",
        )
    assert [step for step, _, code in office.chases() if code == "P1"] == ["E1", "R0", "R1", "R2", "R2"]
    office.says("SPIP-D1", "attendance_reported", "2026-03-20", by="P1", session="S-SPIP-D1", result="attended")
    office.round("2026-03-20").round("2026-03-21")
    assert office.duty("attendance_report").state == "met" and office.pathway().label == "Awaiting next step"
