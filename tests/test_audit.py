"""The audit trail: everything that was recorded, sent, seen or released is in it, and nothing of it changes unnoticed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from models import tables as t
from models.chain import START, digest, link, mark
from models.restricted import ConcernRead, HarmConcern
from settings import Settings, settings
from store import audit, outbox, seal
from store.audit import note, note_messages, saw
from store.database import database, reading, writing
from store.heads import Head, heads_in
from store.record import fact_numbers
from store.trail import FACTS, SENT, Trail
from store.verify import verify
from tests.site import OpenSite
from tests.smtp_sink import Sink
from tests.test_command_line import Desk
from tests.test_restricted import on_duty
from tests.world import Office, at_once, behind_its_back, mailing

NOW = datetime(2026, 1, 12, 9, tzinfo=UTC)
KEY, NEWER = "k" * 32, "n" * 32
entries = audit.audit


class Watched(Office):
    """An office whose trail is looked at."""

    trail: Trail

    def seal(self, **more: Any) -> Head:
        return seal.seal(self.trail, NOW, **more)

    def broken(self, *known: Head) -> dict[str, str]:
        """Every place that is broken, and why."""
        return {one.where: one.why for one in verify(self.trail, known).broken}

    def entries(self, **matching: Any) -> list[Any]:
        return sorted(self.rows(t.AuditEntry, **matching), key=lambda row: (row.number is None, row.number))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def office(engine: Engine, tmp_path: Path, sink: Sink) -> Watched:
    """A referral was sent, acknowledged and booked, in nine facts or so; nothing is sealed yet."""
    made = Watched(engine, mailing(sink)).case()
    made.opens()
    made.awaiting_report()
    made.trail = Trail(engine, (FACTS,), (), tmp_path / "audit.heads")
    return made


@pytest.fixture
def keyed(office: Watched) -> Watched:
    office.trail = replace(office.trail, keys=(KEY,))
    return office


# What is in it ----------------------------------------------------------------------------------------------------------


def test_every_fact_is_sealed_in_order_with_the_hash_of_the_one_before(office: Watched):
    office.seal()
    sealed, facts = office.entries(), office.rows(t.FactRow)
    assert [(e.row_id, e.who, e.about, e.at) for e in sealed] == [
        (f.id, f.recorded_by, f.subject, f.recorded_at) for f in facts
    ]
    before = START
    for number, one in enumerate(sealed, 1):
        assert one.number == number
        assert one.hash == link(before, one._mapping, None)
        before = one.hash
    assert office.broken() == {}


def test_a_message_is_in_it_with_what_became_of_it_and_what_it_carried(office: Watched, sink: Sink):
    office.round("2026-01-12").mail(NOW)
    assert sink.received
    office.seal()
    rows = {row.id: row for row in office.rows(t.MessageRow)}
    sent = {e.row_id: (e.did, e.about, e.at) for e in office.entries(kind="message")}
    assert sent == {number: (row.state, row.to_code, NOW) for number, row in rows.items() if row.state in audit.OVER}
    [first, *_] = sent
    told = {n.pathway for n in office.rows(t.NoticeRow, bundle=rows[first].bundle)}
    with reading(office.engine) as connection:
        listed = audit.listed(connection, about=told.pop())
    assert f"message {first}" in {row["row"] for row in listed}
    assert office.broken() == {}


def test_what_fails_and_is_sent_again_is_in_it_each_time(office: Watched, sink: Sink):
    office.notice("referral", ("provider", "P1"), due="2026-01-12")
    office.gather(NOW)
    [row] = office.rows(t.MessageRow)
    outbox.settle(office.engine, [outbox.Result(row.id, "failed", error="550")], NOW, office.settings)
    office.seal()
    outbox.correct_address(office.engine, "P1", "right@p.example", NOW, "BS1")
    outbox.resend(office.engine, row.id, NOW, "BS1")
    assert office.broken() == {}, "a message on its way again is not yet what it will be"
    office.mail(NOW)
    office.seal()
    did = [(e.who, e.did) for e in office.entries() if e.kind == "message" or e.about == "P1"]
    assert did == [("PATHWAYS", "failed"), ("BS1", "changed the address"), ("BS1", "sent again"), ("PATHWAYS", "sent")]
    assert office.broken() == {}


def test_what_somebody_says_of_a_message_that_is_over_holds_too(office: Watched):
    """That it went before a restore, for one."""
    office.notice("referral", ("provider", "P1"), due="2026-01-12")
    office.gather(NOW)
    [row] = office.rows(t.MessageRow)
    with writing(office.engine) as c:
        c.execute(update(t.MessageRow).values(state="sent", sent_at=NOW))
        note_messages(c, NOW, [row.id], "BS1", "sent before the restore")
    office.seal()
    assert office.broken() == {}
    with writing(office.engine) as c:
        c.execute(update(t.MessageRow).values(to_code="P2"))
    assert set(office.broken()) == {f"message {row.id}"}


def test_holds_and_releases_are_called_what_they_are(office: Watched):
    office.says("SPIP-D1", "held", "2026-01-10", reason="court_request")
    office.says("SPIP-D1", "released", "2026-01-12")
    office.seal()
    assert [(e.who, e.did) for e in office.entries()][-2:] == [("FCA1", "put on hold"), ("FCA1", "released from hold")]


def test_what_leaves_no_row_is_noted_in_the_transaction_in_which_it_is_done(office: Watched):
    with writing(office.engine) as connection:
        note(connection, NOW, "SM1", "exported", "PA")
    with pytest.raises(ZeroDivisionError), writing(office.engine) as connection:
        note(connection, NOW, "SM1", "exported", "PB")
        raise ZeroDivisionError
    office.seal()
    assert [(e.who, e.did, e.about) for e in office.entries(did="exported")] == [("SM1", "exported", "PA")]


def test_what_somebody_saw_is_noted_once_a_day(office: Watched):
    for hours in (0, 1, 14, 16):  # the last is after midnight in London
        saw(office.engine, NOW + timedelta(hours=hours), "FCA1", "SPIP-D1")
    saw(office.engine, NOW, "FCA2", "SPIP-D1")
    assert sorted(e.who for e in office.entries(did="saw")) == ["FCA1", "FCA1", "FCA2"]


def test_every_column_of_a_fact_and_of_a_message_is_covered_or_left_out_with_a_reason():
    assert set(FACTS.covers) == set(t.FactRow.__table__.c.keys())
    # Where it went may be erased; the rest changes while it is on its way, or says nothing of who was told what.
    assert set(t.MessageRow.__table__.c.keys()) - set(SENT) == {"sent_to", "error", "urgent", "try_at", "attempts"}


def test_it_holds_nothing_personal(office: Watched, sink: Sink):
    office.put(t.Party, {}, name="Zebedee Quux", address="1 Nowhere", phone="01632 960001", email="z@home.example")
    office.round("2026-01-12").mail(NOW)
    office.seal()
    content = repr(office.entries()) + office.trail.heads.read_text()
    mailboxes = [row.sent_to for row in office.rows(t.MessageRow) if row.sent_to]
    assert mailboxes
    for word in ("Quux", "Nowhere", "960001", "z@home.example", *mailboxes):
        assert word not in content


# What it costs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def statements(engine: Engine) -> list[tuple[str, Any]]:
    """What is said to the database, and with what."""
    said: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda c, cursor, what, values, *_: said.append((what, values)))
    return said


def test_to_record_a_fact_costs_no_statement(office: Watched, statements: list[Any]):
    statements.clear()
    assert office.says("SPIP-D1", "held", "2026-01-10", reason="court_request").result == "recorded"
    assert any("INSERT INTO fact" in statement for statement, _ in statements)
    assert not [statement for statement, _ in statements if "audit" in statement]


def test_to_seal_costs_what_is_new_and_not_what_is_there(keyed: Watched, statements: list[Any]):
    """As many questions whatever there is, and each finds its rows by an index."""
    office = keyed

    def asked() -> list[Any]:
        statements.clear()
        office.seal()
        return [(what, values) for what, values in statements if what.startswith("SELECT") and "pg_" not in what]

    office.seal()
    idle = asked()
    _many(office, 3000)
    office.seal()
    if office.engine.dialect.name == "postgresql":
        with writing(office.engine) as c:
            c.exec_driver_sql("ANALYZE")  # as the server does by itself, in its own time
    again = asked()
    assert len(again) == len(idle) > 5
    with reading(office.engine) as connection:
        for what, values in again:
            plan = _plan(connection, what, values)
            read_for_nothing = ("SCAN fact", "SCAN audit", "SCAN message", "Seq Scan", "Rows Removed by Filter")
            assert not any(sign in plan for sign in read_for_nothing), (what, plan)


def _many(office: Watched, count: int) -> None:
    """More facts, put in at once."""
    row = dict(office.rows(t.FactRow)[0]._mapping)
    with writing(office.engine) as c:
        if office.engine.dialect.name == "postgresql":
            c.exec_driver_sql("SELECT setval('fact_id_seq', 100000)")
        numbers = fact_numbers(c)
        c.execute(insert(t.FactRow), [row | {"id": next(numbers), "identity": f"{n}"} for n in range(count)])


def _plan(connection: Connection, statement: str, values: Any) -> str:
    """How the database goes about a question."""
    if connection.dialect.name == "sqlite":
        return " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
    said = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", values)
    return " ".join(row[0] for row in said)


# What shows -------------------------------------------------------------------------------------------------------------


def _fact(office: Watched, kind: str = "acknowledged") -> int:
    return office.rows(t.FactRow, kind=kind)[0].id


def _changed(c: Connection, office: Watched) -> str:
    number = _fact(office)
    c.execute(update(t.FactRow).where(t.FactRow.id == number).values(recorded_by="P2"))
    return f"fact {number}"


def _reworded(c: Connection, office: Watched) -> str:
    number = _fact(office, "session_booked")
    payload = {**office.rows(t.FactRow, id=number)[0].payload, "session": "S-OTHER"}
    c.execute(update(t.FactRow).where(t.FactRow.id == number).values(payload=payload))
    return f"fact {number}"


def _deleted(c: Connection, office: Watched) -> str:
    number = _fact(office)
    c.execute(t.FactRow.__table__.delete().where(t.FactRow.id == number))
    return f"fact {number}"


def _put_in(c: Connection, office: Watched) -> str:
    old = dict(office.rows(t.FactRow, id=_fact(office))[0]._mapping)
    c.execute(insert(t.FactRow), old | {"id": -1, "identity": "another"})
    return "fact -1"


def _another_sender(c: Connection, office: Watched) -> str:
    c.execute(update(entries).where(entries.c.number == 3).values(who="P2"))
    return "entry 3"


def _taken_out(c: Connection, office: Watched) -> str:
    c.execute(entries.delete().where(entries.c.number.in_([3, 4])))
    return "entries 3 to 4"


def _swapped(c: Connection, office: Watched) -> str:
    for old, new in ((3, -1), (4, 3), (-1, 4)):
        c.execute(update(entries).where(entries.c.number == old).values(number=new))
    return "entries 3 to 5"


def _to_somebody_else(c: Connection, office: Watched) -> str:
    number = c.execute(select(func.min(t.MessageRow.id)).where(t.MessageRow.state == "sent")).scalar_one()
    c.execute(update(t.MessageRow).where(t.MessageRow.id == number).values(to_code="P2"))
    return f"message {number}"


def _said_otherwise(c: Connection, office: Watched) -> str:
    row = c.execute(select(t.MessageRow).where(t.MessageRow.state == "sent").order_by(t.MessageRow.id)).first()
    c.execute(update(t.NoticeRow).where(t.NoticeRow.bundle == row.bundle).values(wording="nothing"))
    return f"message {row.id}"


def _never_sent(c: Connection, office: Watched) -> str:
    old = dict(office.rows(t.MessageRow, state="sent")[0]._mapping)
    c.execute(insert(t.MessageRow), old | {"id": 999, "bundle": "x", "message_id": "x"})
    return "message 999"


def _noted_over(c: Connection, office: Watched) -> str:
    """A change that is covered up by a note that something was done to it since."""
    named = _to_somebody_else(c, office)
    note_messages(c, NOW, [int(named.partition(" ")[2])], "BS1", "sent again")
    return named


def _no_part_of_it(c: Connection, office: Watched) -> str:
    row = dict(c.execute(select(entries).where(entries.c.number == 2)).one()._mapping)
    c.execute(insert(entries), row | {"id": 99_999, "number": -1, "kind": None, "row_id": None})
    return "entry -1"


TAMPERING = (_changed, _reworded, _deleted, _put_in, _another_sender, _taken_out, _swapped, _to_somebody_else,
             _said_otherwise, _never_sent, _noted_over, _no_part_of_it)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERING)
def test_what_is_changed_behind_its_back_is_named(office: Watched, tamper: Callable[[Connection, Watched], str]):
    office.round("2026-01-12").mail(NOW)
    office.seal()
    assert office.broken() == {}
    with behind_its_back(office.engine) as c:
        named = tamper(c, office)
    assert named in office.broken()
    assert len(office.broken()) <= 3


def test_what_is_in_it_cannot_be_changed_without_taking_its_guards_off(office: Watched):
    office.seal()
    with writing(office.engine) as c:
        note(c, NOW, "SM1", "exported", "PA")
    number = _fact(office)
    refused = [
        update(t.FactRow).where(t.FactRow.id == number).values(recorded_by="P2"),
        t.FactRow.__table__.delete().where(t.FactRow.id == number),
        update(entries).where(entries.c.number == 1).values(who="P2"),
        update(entries).where(entries.c.number == 1).values(number=None),
        update(entries).where(entries.c.number.is_(None)).values(who="P2"),
        entries.delete().where(entries.c.number.is_(None)),
        entries.delete(),
    ]
    if office.engine.dialect.name == "postgresql":
        refused += [text("TRUNCATE fact CASCADE"), text("TRUNCATE audit")]
    else:
        refused += [text(f"REPLACE INTO fact SELECT * FROM fact WHERE id = {number}")]
    for statement in refused:
        with pytest.raises(IntegrityError, match="only added to"), writing(office.engine) as c:
            c.execute(statement)
    office.seal()
    assert office.broken() == {}


def test_a_guard_that_was_taken_off_is_named(office: Watched):
    on = " ON fact" if office.engine.dialect.name == "postgresql" else ""
    with writing(office.engine) as c:
        c.exec_driver_sql(f"DROP TRIGGER fact_kept{on}")
    assert set(office.broken()) == {"trigger fact_kept"}


def test_a_guard_that_refuses_nothing_any_more_is_named(office: Watched):
    with writing(office.engine) as c:
        if office.engine.dialect.name == "postgresql":
            c.exec_driver_sql(
                "CREATE OR REPLACE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$"
            )
        else:
            c.exec_driver_sql("DROP TRIGGER fact_kept")
            c.exec_driver_sql("CREATE TRIGGER fact_kept BEFORE DELETE ON fact BEGIN SELECT 1; END")
    assert "trigger fact_kept" in office.broken()


# Who holds the head -----------------------------------------------------------------------------------------------------


def _make_anew(office: Watched, key: str | None) -> None:
    """What somebody does who owns the database and knows how the trail is made: a fact is changed, and all that follows."""
    with behind_its_back(office.engine) as c:
        number = _fact(office)
        c.execute(update(t.FactRow).where(t.FactRow.id == number).values(recorded_by="P2"))
        before = START
        for row in c.execute(select(entries).order_by(entries.c.number)).all():
            said = dict(row._mapping)
            if said["kind"] == "fact":
                fact = c.execute(select(t.FactRow.__table__).where(t.FactRow.id == said["row_id"])).one()
                said |= {"who": fact.recorded_by, "digest": digest(dict(fact._mapping))}
            said["hash"] = before = link(before, said, key)
            c.execute(update(entries).where(entries.c.id == row.id).values(said))


def test_a_trail_made_anew_does_not_hold_the_heads_that_were_written_down(office: Watched):
    kept = office.seal()
    _make_anew(office, None)
    assert office.broken() == {f"head {kept.number}": office.broken()[f"head {kept.number}"]}
    office.trail.heads.unlink()
    assert office.broken() == {}, "without a key, a head kept elsewhere is all there is"
    assert set(office.broken(kept)) == {f"head {kept.number}"}


def test_without_the_key_nobody_makes_it_anew(keyed: Watched):
    keyed.seal()
    keyed.trail.heads.unlink()
    for key in (None, "another" * 8):
        _make_anew(keyed, key)
        assert any(where.startswith("entries 1 to") for where in keyed.broken())


def test_a_trail_made_anew_without_its_key_altogether_is_noticed(keyed: Watched):
    keyed.seal()
    keyed.trail.heads.unlink()
    with behind_its_back(keyed.engine) as c:
        c.execute(entries.delete())
    seal.seal(replace(keyed.trail, keys=()), NOW)
    keyed.trail.heads.unlink()
    assert set(keyed.broken()) == {"the trail"}


def test_a_trail_that_was_cut_off_is_not_continued_as_if_nothing_were(office: Watched):
    cut = office.seal()
    with behind_its_back(office.engine) as c:
        c.execute(entries.delete().where(entries.c.number > 3))
    assert f"head {cut.number}" in office.broken()
    with pytest.raises(seal.CannotSeal, match=f"head {cut}"):
        office.seal()
    assert len(office.entries()) == 3
    office.seal(anyway=True)
    assert [(e.number, e.about) for e in office.entries(did="went on without a head")] == [(4, str(cut))]
    assert office.broken() == {}, "the facts are sealed again, and the trail says what happened"
    [aside] = office.trail.heads.parent.glob("audit.heads.until-*")
    assert heads_in(aside) == [cut]
    assert set(office.broken(cut)) == {f"head {cut.number}"}, "whoever kept it elsewhere is still told"


def test_heads_are_written_down_where_only_their_owner_reads_them(office: Watched):
    first = office.seal()
    assert office.seal() == first
    office.says("SPIP-D1", "held", "2026-01-10", reason="court_request")
    second = office.seal()
    assert heads_in(office.trail.heads) == [first, second]
    assert office.trail.heads.stat().st_mode & 0o777 == 0o600


# Keys -------------------------------------------------------------------------------------------------------------------


def test_a_new_key_is_taken_up_and_the_old_one_still_proves_what_it_sealed(keyed: Watched):
    keyed.seal()
    old, keyed.trail = keyed.trail, replace(keyed.trail, keys=(KEY, NEWER))
    keyed.seal()
    assert [e.about for e in keyed.entries(kind="key")] == [mark(KEY), mark(NEWER)]
    assert keyed.broken() == {}
    keyed.trail = old
    assert "it" not in keyed.broken() and len(keyed.broken()) == 1, "the new key is not here"


def test_a_trail_may_get_its_first_key_later(office: Watched):
    office.seal()
    office.trail = replace(office.trail, keys=(KEY,))
    assert set(office.broken()) == {"the trail"}
    office.seal()
    assert office.broken() == {}


@pytest.mark.parametrize("keys", [(), (NEWER,)])
def test_who_does_not_have_the_key_does_not_seal(keyed: Watched, keys: tuple[str, ...]):
    keyed.seal()
    keyed.says("SPIP-D1", "held", "2026-01-10", reason="court_request")
    there = keyed.entries()
    keyed.trail = replace(keyed.trail, keys=keys)
    with pytest.raises(seal.CannotSeal, match=f"key {mark(KEY)}, which is not in `audit_keys`"):
        keyed.seal()
    assert keyed.entries() == there


def test_where_the_key_is_lost_it_goes_on_with_another_and_says_so(keyed: Watched):
    keyed.seal()
    keyed.trail = replace(keyed.trail, keys=(NEWER,))
    keyed.says("SPIP-D1", "held", "2026-01-10", reason="court_request")
    keyed.seal(anyway=True)
    assert [e.about for e in keyed.entries(kind="key")] == [mark(KEY), mark(NEWER)]
    assert set(keyed.broken()) == {"entry 1"}, "what the lost key sealed cannot be checked; the rest can"


def test_a_key_is_long():
    with pytest.raises(ValueError, match="at least 32 characters"):
        Settings(audit_keys=["short"])


# Several at once --------------------------------------------------------------------------------------------------------


def test_two_who_seal_at_once_seal_everything_once(office: Watched, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seal, "BATCH", 2)
    for raised in at_once(office.seal, office.seal, office.seal):
        assert isinstance(raised, Head), raised
    office.seal()
    facts = [row.id for row in office.rows(t.FactRow)]
    assert [e.row_id for e in office.entries()] == facts
    assert office.broken() == {}


@pytest.fixture
def busy(postgres_engine: Engine, tmp_path: Path) -> Watched:
    """On PostgreSQL, where facts are numbered before they are committed."""
    made = Watched(postgres_engine).case()
    made.opens()
    made.trail = Trail(postgres_engine, (FACTS,), (), tmp_path / "audit.heads")
    return made


def _late(connection: Connection) -> dict[str, Any]:
    """A fact whose number is drawn, and which is not yet put in."""
    row = connection.execute(select(t.FactRow.__table__).limit(1)).mappings().one()
    return {**row, "id": next(fact_numbers(connection)), "identity": "late"}


def test_nothing_is_passed_by_that_was_numbered_and_is_not_committed_yet(busy: Watched, monkeypatch):
    """Not even where it is put in long after its number was drawn, and later numbers are committed by then."""
    monkeypatch.setattr(seal, "_PATIENCE", 0.2)
    with busy.engine.connect() as slow, slow.begin():
        row = _late(slow)
        busy.says("SPIP-D1", "held", "2026-01-10", reason="court_request")  # nobody waits for the sweep, nor for `slow`
        assert max(fact.id for fact in busy.rows(t.FactRow)) > row["id"]
        assert busy.seal() == Head(0, START)
        slow.execute(insert(t.FactRow), row)
        assert busy.seal() == Head(0, START)
    busy.seal()
    assert [e.row_id for e in busy.entries()] == [fact.id for fact in busy.rows(t.FactRow)]
    assert row["id"] in {e.row_id for e in busy.entries()}
    assert busy.broken() == {}


def test_it_waits_a_moment_for_who_is_recording(busy: Watched):
    with busy.engine.connect() as slow:
        begun = slow.begin()
        row = _late(slow)
        slow.execute(insert(t.FactRow), row)
        threading.Timer(0.3, begun.commit).start()
        busy.seal()
    assert row["id"] in {e.row_id for e in busy.entries()}


def test_recording_does_not_wait_while_it_waits(busy: Watched):
    """Whoever records while the sweep waits for somebody slower is done at once."""
    with busy.engine.connect() as slow, slow.begin():
        _late(slow)
        waits = threading.Thread(target=busy.seal)
        waits.start()
        begun = time.monotonic()
        assert busy.says("SPIP-D1", "held", "2026-01-10", reason="court_request").result == "recorded"
        took = time.monotonic() - begun
        assert waits.is_alive()
    waits.join()
    assert took < seal._PATIENCE / 2


def test_whoever_only_reads_holds_nothing_up(busy: Watched):
    """A report or a backup may take hours."""
    with busy.engine.connect() as reader, reader.begin():
        reader.execute(select(t.FactRow.__table__)).all()
        reader.exec_driver_sql("SELECT last_value FROM fact_id_seq")
        assert busy.seal().number == 1


# On the site, on the command line, in the strand ------------------------------------------------------------------------


def test_who_opens_a_pathway_or_a_receipt_on_the_site_is_written_down(office: Watched, tmp_path: Path):
    office.round("2026-01-20")
    site = OpenSite(office, tmp_path, "2026-01-20")
    provider, adviser, other = site.enter("provider", "P1"), site.enter("staff", "FCA1", verified=True), "FCA3"
    report = office.duty("attendance_report").id
    assert "SPIP-D1" in provider.get(f"/owed/{report}").text
    for _ in range(3):
        assert adviser.get("/pathways/SPIP-D1").status_code == 200
    assert site.enter("staff", other, verified=True).get("/pathways/SPIP-D1").status_code == 404
    found = site.enter("provider", "P2").get(f"/owed/{report}")
    assert found.status_code == 404
    assert {(e.who, e.about) for e in office.entries(did="saw")} == {("P1", "SPIP-D1"), ("FCA1", "SPIP-D1")}
    assert len(office.entries(did="saw")) == 2


def test_what_cannot_be_written_down_is_not_shown(office: Watched, tmp_path: Path):
    site = OpenSite(office, tmp_path, "2026-01-20")
    adviser = site.enter("staff", "FCA1", verified=True)
    with office.engine.begin() as c:
        c.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere")
    answer = adviser.get("/pathways/SPIP-D1")
    assert answer.status_code >= 500
    assert "Referral" not in answer.text


@pytest.fixture
def empty_desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    """Somebody who types commands."""
    yield Desk(monkeypatch, capsys, tmp_path / "home").migrated()
    settings.cache_clear()
    database.cache_clear()


@pytest.fixture
def desk(empty_desk: Desk) -> Desk:
    """One pathway is open, and five facts are known of it."""
    office = Watched(database(settings().database_url)).case()
    office.opens()
    office.awaiting_report()
    return empty_desk


def test_the_trail_is_sealed_with_every_delivery_listed_and_verified(desk: Desk):
    assert desk("audit", "head").code == 3, "nothing is sealed yet"
    assert desk("audit", "verify").out == "Sound: nothing is sealed yet; 5 more to be sealed.\n"
    desk("audit", "seal")
    said = desk("audit", "verify")
    kept = desk("audit", "head").out.strip()
    assert said.out == f"Sound: 5 entries, the last {kept}; 0 more to be sealed.\n"
    rows = json.loads(desk("audit", "list", "--about", "spip-d1", "--by", "p1", "--json").out)
    assert {(row["who"], row["about"]) for row in rows} == {("P1", "SPIP-D1")}
    assert [row["did"] for row in rows] == ["recorded acknowledged"]
    desk("record", "SPIP-D1", "held", "--by", "FCA1")
    desk("audit", "seal")
    assert desk("audit", "verify", "--head", kept).code == 0
    assert json.loads(desk("audit", "verify", "--json").out)[0] | {"head": ""} == {
        "sound": True, "head": "", "waiting": 0, "broken": [],
    }  # fmt: skip


def test_a_broken_trail_is_said_with_each_place_and_an_exit_code_of_one(desk: Desk):
    desk("audit", "seal")
    with behind_its_back(database(settings().database_url)) as c:
        c.execute(update(t.FactRow).where(t.FactRow.kind == "acknowledged").values(recorded_by="P2"))
        [number] = c.execute(select(t.FactRow.id).where(t.FactRow.kind == "acknowledged")).scalars()
    said = desk("audit", "verify")
    assert said.code == 1 and f"fact {number}\tchanged since it was sealed, in entry" in said.out
    assert "Broken in 1 place: 5 entries" in said.err
    said = desk("audit", "verify", "--json", "--head", f"1:{'0' * 64}")
    assert {one["where"] for one in json.loads(said.out)[0]["broken"]} == {f"fact {number}", "head 1"}
    assert said.code == 1
    assert desk("audit", "verify", "--head", "soon").code == 2


def test_what_is_done_on_the_command_line_is_in_it_with_who_did_it(desk: Desk, tmp_path: Path):
    desk("outbox", "correct", "P1", "new@p1.example", "--by", "bs1")
    desk("note", "SPIP-D1")
    (tmp_path / "closures.csv").write_text("provider,closed_from,closed_until\nP1,21/12/2026,01/01/2027\n")
    assert desk("load", "closures", str(tmp_path / "closures.csv"), "--by", "BS1").code == 0
    assert desk("links", "withdraw", "P1").code == 3, "none were in force, so nothing was done"
    rows = [(row["who"], row["did"], row["about"]) for row in json.loads(desk("audit", "list", "--json").out)]
    assert ("BS1", "changed the address", "P1") in rows
    assert ("BS1", "loaded a file: 1 added, 0 changed", "closures") in rows
    assert not [row for row in rows if "new@" in "".join(row)]


def test_who_cuts_the_trail_off_stops_the_sealing_and_not_the_mail(desk: Desk):
    desk("audit", "seal")
    with behind_its_back(database(settings().database_url)) as c:
        c.execute(entries.delete().where(entries.c.number > 2))
    said = desk("audit", "seal")
    assert said.code == 1 and "does not hold the head 5:" in said.err and "audit.heads" in said.err
    assert desk("audit", "seal", "--anyway").code == 0
    assert desk("audit", "verify").code == 0


def test_the_strand_has_a_trail_of_its_own_and_the_other_knows_nothing_of_it(empty_desk: Desk, tmp_path: Path):
    desk = empty_desk
    sides = on_duty(desk, tmp_path)
    support = sides.support().reference
    desk("restricted", "show", "DVPP-D1", "--by", "SW1")
    (tmp_path / "words.txt").write_text("He rang Zephyrine.")
    desk("text", "add", "DVPP-D1", str(tmp_path / "words.txt"), "--by", "P1")
    desk("restricted", "refuse", "1", "--by", "SMG1")
    with writing(sides.strand) as c:
        c.execute(insert(HarmConcern), {"pathway": "DVPP-D1", "risk": "R1", "recorded_by": "P1", "recorded_at": NOW,
                                        "about": "child", "body": "words"})  # fmt: skip
    desk("restricted", "concern", "1", "--by", "SW1")
    desk("restricted", "round")
    rows = json.loads(desk("audit", "list", "--restricted", "--json").out)
    did = {(row["who"], row["did"], row["about"]) for row in rows if row["entry"]}
    assert did >= {
        ("SW1", "saw", support), ("SMG1", "refused text 1", "DVPP-D1"), ("P1", "wrote of harm", "DVPP-D1"),
        ("SW1", "read a concern", "concern 1"), ("HEARD", "recorded requested", support),
    }  # fmt: skip
    assert desk("audit", "verify", "--restricted").code == 0
    desk("audit", "seal")
    his = desk("audit", "list", "--json").out
    assert support not in his and "SW1" not in his and "concern" not in his
    with behind_its_back(sides.strand) as c:
        c.exec_driver_sql("DROP TRIGGER IF EXISTS concern_read_kept")
        c.execute(ConcernRead.__table__.delete())
    assert "concern_read 1\tdeleted since it was sealed" in desk("audit", "verify", "--restricted").out
