"""kill -9 between any two statements that commit, and while any answer of the mail server is awaited; then a normal run.

Nothing is lost, and nothing goes twice but what was under way, and that as the same mail.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models import tables as t
from models.screen import looks_like
from store.strand import drawn_reference
from tests import faults
from tests.test_cppp_life import CRITERIA
from tests.world import Office

NOW = datetime(2026, 2, 3, 10, tzinfo=UTC)
AFTER = NOW + timedelta(minutes=6)
"""When the claims of whoever was killed are over."""


@pytest.fixture(scope="module")
def worker() -> Iterator[faults.Worker]:
    with faults.Worker() as warm:
        yield warm


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[faults.Scene]:
    yield from faults.scene(request, tmp_path)


# What there is ----------------------------------------------------------------------------------------------------------


def reported(subject: str, kind: str, by: str = "FCA1", **fields: Any) -> tuple[str, str, dict[str, Any]]:
    common = {"happened_on": "2026-02-03", "recorded_at": NOW.isoformat(), "recorded_by": by}
    return subject, kind, common | fields


def caseload(office: Office) -> None:
    """A few pathways up to the evening before: late ones, one on its way, one of each programme. Their mail has gone."""
    office.put(t.Provider, {"code": "P1"}, lead_email="lead@p.example")
    for n in range(1, 5):
        office.case(f"CASE{n}", (f"Q{2 * n - 1}", f"Q{2 * n}"))
    office.opens("SPIP-D1", "Q1", case="CASE1")
    office.awaiting_report("SPIP-D1", held="2026-01-16")
    office.opens("SPIP-D2", "Q3", case="CASE2")
    office.says("SPIP-D2", "safeguarding_letter_filed", "2026-01-06")
    office.opens("SPIP-D5", "Q4", case="CASE2")
    office.awaiting_report("SPIP-D5", held="2026-01-20")
    office.opens("DVPP-D3", "Q5", case="CASE3")
    office.opens("CPPP-R4", None, case="CASE4", route="adviser", entry="section_7")
    office.says("CASE4", "further_work_ordered", "2026-01-06", work="section_7")
    office.says("CPPP-R4", "assessment_opened", "2026-01-07")
    for criterion in CRITERIA:
        office.says("CPPP-R4", "criterion_assessed", "2026-01-12", criterion=criterion, met=True)
    office.rounds("2026-01-30", "2026-02-02")
    office.mail(NOW - timedelta(hours=12))


class Trial:
    """One piece of work, done undisturbed, then killed at each of its points; each time a normal run follows."""

    def __init__(self, scene: faults.Scene, worker: faults.Worker, work: str, facts: Sequence[Any] = ()) -> None:
        self.scene, self.worker = scene, worker
        self.work = (work, scene.settings, NOW, facts)
        # Whoever was not told that a fact is recorded reports it again.
        self.normal_run = partial(faults.WORK[work], scene.settings, AFTER, facts)
        scene.keep()
        scene.again()
        self.points = worker.does(*self.work)
        self.normal_run()
        self.undisturbed, self.mail = scene.stored(), Counter(map(_what, scene.sink.received))
        assert set(self.mail.values()) <= {1}, "undisturbed, nothing goes twice"

    def killed_at_each(self) -> Counter[str]:
        """Returns the points at which mail was under way, so that it went twice.

        To spare time, of the answers at every third, which is at each of the four that a mail has, for one mail or
        another; and on PostgreSQL, where a transaction is as well all or nothing, of its points at the end alone.
        """
        twice: Counter[str] = Counter()
        for number, point in enumerate(self.points, 1):
            if number % 3 if point == "an answer awaited" else self.scene.postgres and point != "committed":
                continue
            self.scene.again()
            assert self.worker.is_killed(number, *self.work), (number, point)
            self.normal_run()
            self._nothing_is_lost(f"killed at {number} of {len(self.points)}, {point}")
            twice[point] += len(self.scene.sink.received) > len(self.mail)
        return +twice

    def _nothing_is_lost(self, where: str) -> None:
        received = self.scene.sink.received
        times = Counter(map(_what, received))
        assert self.scene.stored() == self.undisturbed, where
        assert times.keys() == self.mail.keys() and set(times.values()) <= {1, 2}, where
        numbers = {(_what(mail), mail.message["Message-ID"]) for mail in received}
        assert len(numbers) == len(times), f"{where}: the same mail under another number"


def _what(mail: Any) -> tuple[str, str]:
    return mail.to[0], re.sub("SUPPORT-[0-9A-F]+", "SUPPORT", mail.message["Subject"])  # drawn by lot


# Killed ---------------------------------------------------------------------------------------------------------------

UNDER_WAY = {"an answer awaited", "UPDATE message SET", "INSERT INTO audit", "to be committed"}
"""From the first mail sent until it is written down."""


def test_a_worker_killed_anywhere_loses_nothing_and_repeats_only_mail_under_way(
    scene: faults.Scene, worker: faults.Worker
):
    caseload(Office(scene.main, scene.settings))
    facts = [
        reported("SPIP-D1", "attendance_reported", "P1", session="S-SPIP-D1", result="absent"),
        reported("SPIP-D2", "referral_sent", provider="P2"),
        reported("CPPP-R4", "spip_considered", party="Q7", decision="refer"),
        reported("CASE3", "risk_raised", "P1"),
    ]
    trial = Trial(scene, worker, "rounds", facts)
    assert len(trial.mail) == 8 and len(trial.points) > 60
    twice = trial.killed_at_each()
    assert twice["an answer awaited"] and twice.keys() <= UNDER_WAY


def test_a_sweep_of_the_strand_killed_anywhere_opens_tells_and_takes_back_all_the_same(
    scene: faults.Scene, worker: faults.Worker
):
    """Two databases, and so no one commit: what was heard, held or taken back is never half of it."""
    sides = scene.with_strand().staffed().man().referred()
    sides.man("DVPP-D2", case="CASE2", parties=("PC", "PD")).sweep("2026-01-08")
    sides.reached(name="Sam Sample")
    assert not sides.writes("He spoke of Zephyrine.").held
    sides.reached(name="Zephyrine Quorlswick")
    sides.referred("DVPP-D2", "2026-02-03").happens("CASE1", "risk_raised", "2026-02-03")
    trial = Trial(scene, worker, "sweep")
    assert len(trial.mail) >= 3 and len(trial.points) > 30
    assert trial.killed_at_each().keys() <= UNDER_WAY
    assert sides.kept() == [] and len(sides.held()) == 1


def test_answers_sent_in_together_are_recorded_with_their_receipt_or_not_at_all(
    scene: faults.Scene, worker: faults.Worker
):
    office = Office(scene.main, scene.settings)
    for n in (1, 2, 3):
        office.case(f"CASE{n}", (f"Q{2 * n}", f"Q{2 * n + 1}")).opens(f"SPIP-D{n}", f"Q{2 * n}", case=f"CASE{n}")
        office.awaiting_report(f"SPIP-D{n}")
    details = {"kind": "attendance_reported", "by": "P1", "result": "attended"}
    facts = [reported(f"SPIP-D{n}", session=f"S-SPIP-D{n}", **details) for n in (1, 2, 3)]
    trial = Trial(scene, worker, "answers", facts)
    before, after = Counter(), Counter()
    for number, point in enumerate(trial.points, 1):
        scene.again()
        assert worker.is_killed(number, *trial.work)
        there = {len(office.rows(t.Receipt)), len(office.rows(t.FactRow, kind="attendance_reported")) / 3}
        assert there in ({0}, {1}), point
        (after if there == {1} else before)[point] += 1
        trial.normal_run()
        assert scene.stored() == trial.undisturbed, point
    assert after == {"committed": 1} and before["to be committed"] == 1 and len(before) > 3


def test_sr_12_no_drawn_reference_is_taken_for_a_telephone_number_or_a_postcode():
    """One in five hundred was: its worker was never told of her."""
    drawn = [drawn_reference() for _ in range(5_000)]
    assert len(set(drawn)) == 5_000 and looks_like("\n".join(f"{one}: please offer support" for one in drawn)) is None
