"""Yesterday's backup is brought back: nothing is sent until somebody has seen what went, what goes, and what is lost."""

import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from settings import Sending, restricted, settings
from store.ask import delivery
from store.database import database, reading
from store.restored import ALIKE, ALREADY, IN_PART, UNKNOWN, Before, going, held_as_of, hold, release, unfounded
from store.seal import seal
from store.sent import NotWrittenDown, file_of, mark, writing_down
from store.trail import strand_trail
from tests import faults
from tests.smtp_sink import Sink
from tests.test_command_line import Desk
from tests.test_faults_killed import caseload
from tests.world import SETTINGS, Office, at_once, empty, mailing

MONDAY = datetime(2026, 2, 2, 18, tzinfo=UTC)
"""When the backup is made."""
TUESDAY = datetime(2026, 2, 3, 10, tzinfo=UTC)
RESTORED = TUESDAY + timedelta(hours=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[faults.Scene]:
    yield from faults.scene(request, tmp_path)


class Restore:
    """A day that is lost: its mail went out, and the database then is what it was the evening before."""

    def __init__(self, scene: faults.Scene) -> None:
        self.scene, self.office = scene, Office(scene.main, scene.settings)
        caseload(self.office)
        scene.sink.says["RCPT"] = "451 come back later"
        self.office.notice("attended", ("adviser", "FCA2"), pathway="SPIP-D5")
        assert self.office.mail(MONDAY - timedelta(minutes=1)) == Counter(waiting=1)
        scene.sink.says.clear()
        scene.keep()
        self._tuesday()
        self.went = [mail.message["Message-ID"] for mail in scene.sink.received]
        scene.restore()
        scene.sink.received.clear()

    def _tuesday(self) -> None:
        """An absence and a referral are recorded, what is late is chased, and what waited goes."""
        self.office.says(
            "SPIP-D1", "attendance_reported", TUESDAY.date(), by="P1", session="S-SPIP-D1", result="absent"
        )
        self.office.says("SPIP-D2", "referral_sent", TUESDAY.date(), provider="P2")
        self.scene.sink.received.clear()
        self.round(TUESDAY)

    def round(self, now: datetime) -> Counter[str]:
        faults.rounds(self.scene.settings, now, [])
        return Counter(mail.message["Message-ID"] for mail in self.scene.sink.received)

    def before(self, *files: Path) -> Before:
        return Before(files or [file_of(self.scene.settings)], MONDAY)


def test_nothing_is_sent_after_a_restore_until_somebody_looked_and_then_only_what_never_went(scene: faults.Scene):
    lost = Restore(scene)
    assert len(lost.went) == 7
    hold(scene.main, MONDAY, RESTORED, "OPERATOR")
    lost.office.says("CASE3", "risk_raised", RESTORED.date())
    assert lost.round(RESTORED) == Counter() and lost.round(RESTORED + timedelta(hours=1)) == Counter()
    listed = {(one.to, one.says): one.before for one in going(scene.main, lost.before())}
    assert listed == {
        ("adviser FCA2", "attended"): ALREADY,  # waited when the backup was made
        ("provider P1", "chase"): ALREADY,  # made anew by the day
        ("provider lead P1", "chase"): ALREADY,
        ("adviser FCA1", "chase"): ALREADY,
        ("commissioning officer CO1", "chase"): IN_PART,  # also for the referral, of which nothing is known any more
        ("adviser FCA1", "new-risk"): UNKNOWN,  # recorded after the restore
    }
    told = {(one.code, one.pathway, one.wording) for one in unfounded(scene.main, lost.before())}
    assert told == {("FCA1", "SPIP-D1", "not-attended"), ("P2", "SPIP-D2", "referral")}
    assert release(scene.main, going(scene.main, lost.before()), [], RESTORED, "OPERATOR") == (4, 2, 0)
    sent = lost.round(RESTORED + timedelta(hours=2))
    assert len(sent) == 2 and not sent.keys() & set(lost.went)
    assert lost.round(RESTORED + timedelta(days=10)).keys() >= sent.keys()  # and the days after are as any other
    assert held_as_of(scene.main) is None


def test_what_is_recorded_anew_is_told_as_the_mail_it_was_and_a_person_may_keep_it_back(scene: faults.Scene):
    """Whoever reads their mail with any program sees one mail, for its number is the same."""
    lost = Restore(scene)
    hold(scene.main, MONDAY, RESTORED, "OPERATOR")
    lost.office.says("SPIP-D2", "referral_sent", TUESDAY.date(), provider="P2")
    lost.office.says("SPIP-D1", "attendance_reported", TUESDAY.date(), by="P1", session="S-SPIP-D1", result="absent")
    lost.round(RESTORED)
    listed = {(one.to, one.says): one for one in going(scene.main, lost.before())}
    # They have each other's numbers now, so that neither is what went; nothing counts as gone by mistake.
    assert {listed["adviser FCA1", "not-attended"].before, listed["provider P2", "referral"].before} == {ALIKE}
    kept = listed["provider P2", "referral"].message
    release(scene.main, going(scene.main, lost.before()), [kept], RESTORED, "OPERATOR")
    lost.round(RESTORED)
    assert {mail.message["Subject"] for mail in scene.sink.received} == {"SPIP-D1: not attended"}


def test_a_new_risk_is_rather_told_twice_than_taken_for_one_that_was_lost(scene: faults.Scene):
    office = Office(scene.main, scene.settings)
    caseload(office)
    scene.keep()
    office.says("CASE3", "risk_raised", TUESDAY.date(), risk="R-1")
    faults.rounds(scene.settings, TUESDAY, [])
    scene.restore()
    scene.sink.received.clear()
    hold(scene.main, MONDAY, RESTORED, "OPERATOR")
    office.says("CASE3", "risk_raised", TUESDAY.date(), risk="R-2")  # another, with the number of the one that is lost
    faults.rounds(scene.settings, RESTORED, [])
    before = Before([file_of(scene.settings)], MONDAY)
    assert [one.before for one in going(scene.main, before) if one.says == "new-risk"] == [ALIKE]
    release(scene.main, going(scene.main, before), [], RESTORED, "OPERATOR")
    faults.rounds(scene.settings, RESTORED, [])
    assert "DVPP-D3: on hold, new risk" in {mail.message["Subject"] for mail in scene.sink.received}


def test_the_strand_is_held_back_and_let_go_by_itself(scene: faults.Scene):
    sides = scene.with_strand().staffed().man().referred()
    sides.man("DVPP-D2", case="CASE2", parties=("PC", "PD")).sweep("2026-01-08").referred("DVPP-D2", "2026-02-03")
    scene.keep()
    sides.sweep(TUESDAY)  # one is late, one is new
    scene.restore()
    scene.sink.received.clear()
    hold(scene.strand, MONDAY, RESTORED, "SMG1")
    seal(strand_trail(scene.settings), RESTORED, anyway=True)  # which knows, too, that it is not what it was
    sides.sweep(RESTORED).sweep(RESTORED)
    assert scene.sink.received == [] and held_as_of(scene.main) is None
    own = file_of(restricted(scene.settings))
    assert own.name == "restricted-sent.log" and not file_of(scene.settings).exists()
    before = Before([own], MONDAY)
    listed = going(scene.strand, before)
    # Support is offered under a reference drawn anew: the one it was offered under is in no database any more.
    assert Counter((one.says, one.before) for one in listed) == {("chase", ALREADY): 2, ("support-wanted", UNKNOWN): 1}
    assert [one.wording for one in unfounded(scene.strand, before)] == ["support-wanted"]
    assert release(scene.strand, listed, [], RESTORED, "SMG1") == (2, 1, 0)
    sides.sweep(RESTORED)
    assert len(scene.sink.received) == 1


# What is written down -------------------------------------------------------------------------------------------------


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def waiting(tmp_path: Path, sink: Sink, count: int = 3, **more: object) -> Office:
    """An office with some mails to send, and a home of its own."""
    office = Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}"), mailing(sink, home=tmp_path, **more)).case()
    office.opens()
    for n in range(count):
        office.notice("attended", ("adviser", "FCA1"), f"attended:{n}")
    office.gather(TUESDAY)
    return office


def test_what_went_out_is_written_down_in_references_and_codes_for_the_owner_alone(tmp_path: Path, sink: Sink):
    office = waiting(tmp_path, sink)
    sink.once["RCPT"] = "550 no such user"
    assert office.send(TUESDAY) == Counter(sent=2, failed=1)
    file = file_of(office.settings)
    lines = [json.loads(line) for line in file.read_text().splitlines() if line]
    assert [line[1] for line in lines] == [mail.message["Message-ID"] for mail in sink.received]
    assert [line[2:5] for line in lines] == [["mail", "adviser", "FCA1"]] * 2
    assert "@staff.example" not in file.read_text() and "Name" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_down_does_not_go(tmp_path: Path, sink: Sink):
    (tmp_path / "file").touch()
    office = waiting(tmp_path, sink, sent_log="file/sent.log")
    with pytest.raises(NotWrittenDown, match="nothing more is"):
        office.send(TUESDAY)
    assert sink.received == [] and {row.attempts for row in office.rows(t.MessageRow)} == {0}


def test_where_the_disk_is_full_one_mail_goes_and_none_goes_twice(tmp_path: Path, sink: Sink):
    office = waiting(tmp_path, sink, sent_log="/dev/full")
    for _ in range(3):
        with pytest.raises(NotWrittenDown):
            office.send(TUESDAY)
    assert office.send(TUESDAY) == Counter()
    assert set(Counter(mail.message["Message-ID"] for mail in sink.received).values()) == {1}
    assert {row.state for row in office.rows(t.MessageRow)} == {"sent"} and len(sink.received) == 3


def test_several_who_send_from_one_machine_write_whole_lines(postgres_engine: Engine, tmp_path: Path, sink: Sink):
    office = Office(postgres_engine, mailing(sink, home=tmp_path, sending=Sending(batch=2))).case()
    office.opens()
    for n in range(20):
        office.notice("attended", ("adviser", "FCA1"), f"attended:{n}")
    office.gather(TUESDAY)

    def deliver() -> None:
        while office.send(TUESDAY):
            pass

    assert at_once(*[deliver] * 4) == [None] * 4
    assert len(Before([file_of(office.settings)], TUESDAY).all) == 20


@pytest.mark.parametrize(
    "cut_off",
    ["half a line", '["2026-01-06T09:00:00+00', "null\n", "7\n", '["2026-01-06T09:00:00", 1]\n', "\udcff\udcfe"],
)
def test_what_was_cut_off_or_is_no_line_costs_no_other_line(tmp_path: Path, sink: Sink, cut_off: str):
    office = waiting(tmp_path, sink)
    file = file_of(office.settings)
    file.write_bytes(cut_off.encode(errors="surrogateescape"))
    office.send(TUESDAY)
    assert len(Before([file], TUESDAY).all) == 3


def test_a_line_that_went_in_half_is_not_taken_for_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk that is nearly full takes a part of it, and says so by a number and no error."""
    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, line: whole(file, line[:20]))
    message = SimpleNamespace(
        notices=[], row=SimpleNamespace(message_id="<1@x>", channel="mail", to_role="adviser", to_code="FCA1")
    )
    with writing_down(SETTINGS.model_copy(update={"home": tmp_path})) as add, pytest.raises(NotWrittenDown):
        add(message, TUESDAY)


def test_a_chase_made_anew_on_a_later_day_is_the_one_that_went():
    def chase(day: str, late: int, step: str = "R0") -> Any:
        fields = {"duty": "booking", "due": "2026-01-13", "day": day, "late": late, "step": step}
        return SimpleNamespace(
            pathway="SPIP-D1", to_role="provider", to_code="P1", wording="chase", occasion=f"chase:{step}:b:4",
            fields=fields,
        )  # fmt: skip

    assert mark(chase("2026-01-22", 7)) == mark(chase("2026-01-23", 8)) != mark(chase("2026-01-23", 8, "R1"))


def test_the_files_of_all_machines_count_and_a_line_cut_off_does_not(tmp_path: Path, sink: Sink):
    office = waiting(tmp_path, sink, sending=Sending(batch=1))
    files = [tmp_path / name for name in ("one.log", "other.log")]
    with sqlite3.connect(tmp_path / "pathways.db") as source, sqlite3.connect(tmp_path / "kept.db") as backup:
        source.backup(backup)
    for file in files:
        office.settings = office.settings.model_copy(update={"sent_log": str(file)})
        office.send(TUESDAY)
    with files[1].open("a") as cut_off:
        cut_off.write(files[0].read_text()[:40])
    restored = database(f"sqlite:///{tmp_path / 'kept.db'}")

    def known(*files: Path) -> Counter[str]:
        return Counter(one.before for one in going(restored, Before(files, MONDAY)))

    assert known() == {UNKNOWN: 3}
    assert known(files[0]) == {ALREADY: 1, ALIKE: 2}
    assert known(*files) == {ALREADY: 2, ALIKE: 1}


def test_a_message_is_numbered_by_what_it_says_and_not_by_the_number_of_a_row(tmp_path: Path, sink: Sink):
    """After a restore another notice has the number of one that is lost; mail programs would drop it as known."""
    numbers = []
    for said in ("attended:1", "attended:2", "attended:1"):
        database.cache_clear()
        (tmp_path / "pathways.db").unlink(missing_ok=True)
        office = waiting(tmp_path, sink, count=0)
        office.notice("attended", ("adviser", "FCA1"), said)
        office.gather(TUESDAY)
        [row] = office.rows(t.MessageRow)
        numbers.append((row.bundle, row.message_id))
    assert {bundle for bundle, _ in numbers} == {"notice:1"}
    assert numbers[0] == numbers[2] != numbers[1]


# At the command line ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    yield Desk(monkeypatch, capsys, tmp_path)
    settings.cache_clear()
    database.cache_clear()


def test_the_command_holds_back_lists_and_lets_go(desk: Desk, tmp_path: Path, sink: Sink):
    desk.migrated()
    office = Office(database(settings().database_url), mailing(sink, home=tmp_path)).case()
    office.opens()
    for n in (1, 2):
        office.notice("attended", ("adviser", "FCA1"), f"attended:{n}")
    office.gather(TUESDAY)
    not_held = desk("restored")
    assert not_held.code == 1 and "--at" in not_held.err
    assert desk("restored", "--at", "yesterday").code == 2
    assert "still to come" in desk("restored", "--at", "2099-01-01 18:00").err
    assert desk("restored").code == 1  # and nothing is held back by it
    listed = json.loads(desk("restored", "--at", "2026-02-02 18:00", "--json").out)
    assert [(row["message"], row["before"]) for row in listed["would go"]] == [(1, UNKNOWN), (2, UNKNOWN)]
    for command in ("deliver", "round"):
        refused = desk(command)
        assert refused.code == 1 and "held back" in refused.err
    assert sink.received == []
    printed = desk("restored").out
    assert "SPIP-D1" in printed and "sent.log of every machine" in printed
    assert printed.endswith("No mail goes from here until it is let go: `pathways restored --send`.\n")
    assert desk("restored", "--sent", str(tmp_path / "nowhere.log")).code == 3
    assert desk("restored", "--send", "--not", "7").code == 3
    sent = desk("restored", "--send", "--not", "2").out
    assert re.match(r"Mail goes again: \d+ when their hours come; 1 went before the restore", sent)
    assert {row.id: row.state for row in office.rows(t.MessageRow)} == {1: "waiting", 2: "sent"}
    assert "let mail go again" in desk("audit", "list").out


def test_what_had_failed_before_the_restore_is_not_said_to_go(desk: Desk, tmp_path: Path, sink: Sink):
    desk.migrated()
    office = Office(database(settings().database_url), mailing(sink, home=tmp_path)).case()
    office.opens()
    for n in (1, 2):
        office.notice("attended", ("adviser", "FCA1"), f"attended:{n}")
    office.gather(TUESDAY)
    office.put(t.MessageRow, {"id": 1}, state="failed")
    desk("restored", "--at", "2026-02-02 18:00")
    assert "again: 1 when their hours come; 1 had failed, and go when they are resent" in desk("restored", "--send").out


def test_the_strand_has_the_command_too(desk: Desk):
    desk.migrated()
    held = desk("restricted", "restored", "--at", "2026-02-02 18:00")
    assert held.code == 0 and "`pathways restricted restored --send`" in held.out
    assert desk("restored").code == 1
    assert desk("restricted", "restored", "--send").code == 0


def test_the_pictures_of_operations_staff_show_that_mail_is_held_back(tmp_path: Path, sink: Sink):
    office = waiting(tmp_path, sink)
    held = "all held back since a restore"
    with reading(office.engine) as connection:
        assert held not in {row["state"] for row in delivery(connection, TUESDAY)}
    hold(office.engine, MONDAY, TUESDAY, "OPERATOR")
    with reading(office.engine) as connection:
        assert held in {row["state"] for row in delivery(connection, TUESDAY)}
