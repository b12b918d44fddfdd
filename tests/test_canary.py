"""Canaries in every personal field, a whole run of both sides, and then: where are they? (SR-11, SR-12)

Three things hold them, and are meant to: the `.rejected.csv` that is handed back to whoever loaded a file, beside it and
nowhere else; the page that shows a concern to those who may read it, after a code; and the page that shows somebody what
they have just typed themselves.
What passes through Prefect is in tests/test_engine.py, with the same canaries in the same fields.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from intake.rows import PartyColumns
from models import tables as t
from models.facts.spip import SessionBooked
from settings import settings
from store.database import database, reading, writing
from tests.canary import heard, needles, personal_tables, planted
from tests.engine import found_in, parts, write_file
from tests.site import OpenSite
from tests.smtp_sink import Sink
from tests.strand import Sides, to_sink
from tests.test_command_line import Desk
from tests.test_restricted import OF_HIS_SIDE, WRONG, typed, written, wrong
from tests.world import Office

CASE = "ZE26P90001"
TODAY = datetime.now(UTC).date()
OURS = needles(*(planted("party", number) for number in (1, 2, 3)))
"""Of the parties: 1 and 2 are in the case, and 3 is in a row that is refused."""
HERS = needles(planted("survivor"), planted("survivor", 2))
"""Of the survivor: what is known of her, and before that."""
WORDS = needles(*(planted(table) for table in ("provider_text", "held_text", "harm_concern")))
"""What providers wrote."""
CANARIES = [*OURS, *HERS, *WORDS]
TYPED = needles([planted("party", 4)["name"]])
"""What a provider types where it does not belong."""


@dataclass
class Run:
    """A whole run: what was said by whom on the way."""

    desk: Desk
    folder: Path
    """The folder of whoever loads files. Nothing of ours is kept in it."""
    sides: Sides
    out: list[str] = field(default_factory=list)
    """What commands printed."""
    pages: list[str] = field(default_factory=list)
    mail: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    logs: str = ""

    def does(self, *words: str) -> None:
        done = self.desk(*words)
        self.out.append(done.out + done.err)

    def tries(self, words: str) -> None:
        """A command of which nobody says how it ends."""
        done = wrong(self.desk, words)
        self.out.append(done.out + done.err)


@pytest.fixture(params=["sqlite", "postgresql"])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> Iterator[Run]:  # fmt: skip
    """Everything there is, once, with canaries in every personal field."""
    caplog.set_level(logging.DEBUG)
    names = []
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        for setting in ("DATABASE", "RESTRICTED_DATABASE"):
            names.append(f"canary_{setting.lower()}")
            monkeypatch.setenv(f"PATHWAYS_{setting}", postgres.create(names[-1]))
    (tmp_path / "in").mkdir()
    desk = Desk(monkeypatch, capsys, tmp_path / "home")
    desk("migrate")
    with Sink() as sink:
        for name in ("PATHWAYS_CHANNELS", "PATHWAYS_RESTRICTED_CHANNELS"):
            monkeypatch.setenv(name, json.dumps({"mail": {"url": to_sink(sink.port)["mail"].url}}))
        monkeypatch.setenv("PATHWAYS_SENDING", json.dumps({"days": "any", "opens": "00:00", "closes": "23:59:59"}))
        settings.cache_clear()
        made = Run(desk, tmp_path / "in", Sides(database(settings().database_url), settings()))
        _of_the_case(made)
        _of_the_strand(made, monkeypatch)
        _on_the_site(made)
        made.does("round")
        made.does("restricted", "round")
        _asked(made)
        _gone_wrong(made)
        made.mail = [f"{one.message} {parts(one.message)}" for one in sink.received]
    made.logs = caplog.text
    yield made
    for engine in (made.sides.main, made.sides.strand):
        engine.dispose()
    for name in names:
        postgres.drop(name)
    settings.cache_clear()
    database.cache_clear()


# What is done ---------------------------------------------------------------------------------------------------------


def _of_the_case(run: Run) -> None:
    """A case whose parties are planted, one whose line is refused, and pathways of both parties."""
    rows = [_case(CASE, 1, 2), _case("ZE26P90002", 3, 3) | {"received_on": "never"}]
    done = wrong(run.desk, f"load cases {write_file(run.folder, 'cases', *rows)}")
    assert "1 added, 0 changed, 0 unchanged, 1 rejected" in done.out
    run.out.append(done.out + done.err)
    _also_plant(run.sides.main, 1, 2)
    ordered = [("D1", "P-1", "SPIP"), ("D2", "P-1", "DVPP"), ("D3", "P-2", "SPIP")]
    run.does("load", "directions", str(write_file(run.folder, "directions", *(_direction(*one) for one in ordered))))
    request = {"request": "R1", "case": CASE, "programme": "CPPP", "requested_on": ago(20), "requested_by": "FCA1",
               "entry": "section_7"}  # fmt: skip
    run.does("load", "requests", str(write_file(run.folder, "requests", request)))
    run.does("load", "facts", str(write_file(run.folder, "facts", *_facts())))
    run.does("round")


def _case(case: str, applicant: int, respondent: int) -> dict[str, Any]:
    row = {"case": case, "court": "CT01", "adviser": "FCA1", "received_on": ago(40)}
    for role, number in (("applicant", applicant), ("respondent", respondent)):
        personal = {
            name: value for name, value in planted("party", number).items() if name in PartyColumns.model_fields
        }
        row |= {role: f"P-{number}", **{f"{role}_{name}": value for name, value in personal.items()}}
    return row


def _also_plant(engine: Engine, *numbers: int) -> None:
    """What no file says of a party, planted by hand: whatever the dictionary calls personal is there."""
    with writing(engine) as connection:
        for number in numbers:
            rows = t.Party.__table__.update().where(t.Party.reference == f"P-{number}").values(planted("party", number))
            assert connection.execute(rows).rowcount == 1


def _direction(reference: str, party: str, activity: str) -> dict[str, Any]:
    return {"direction": reference, "order": "O-1", "case": CASE, "party": party, "activity": activity, "made_on": ago(30),
            "received_on": ago(30), "monitoring_requested": "yes", "told_already": "no"}  # fmt: skip


def _facts() -> list[dict[str, Any]]:
    by, told = {"recorded_by": "FCA1"}, {"told_already": "no"}
    rows = [{"about": CASE, "fact": "safeguarding_letter_filed", "happened_on": ago(28), **by}]
    rows += [{"about": "DVPP-D2", "fact": "violence_established", "happened_on": ago(27), "basis": "admitted", **by},
             {"about": "DVPP-D2", "fact": "survivor_plan_made", "happened_on": ago(27), **by}]  # fmt: skip
    for pathway, provider in (("SPIP-D1", "P1"), ("DVPP-D2", "P1"), ("SPIP-D3", "P2")):
        rows.append({"about": pathway, "fact": "referral_sent", "happened_on": ago(25), "provider": provider, **by})
        if pathway != "DVPP-D2":
            of = {"about": pathway, "recorded_by": provider}
            rows.append({"fact": "acknowledged", "happened_on": ago(24), "provider": provider, **of})
            times = {"starts_at": f"{ago(14)} 10:00", "ends_at": f"{ago(14)} 14:00", "session": f"S-{pathway[-1]}"}
            rows.append({"fact": SessionBooked.kind, "happened_on": ago(20), **times, **of})
    return [row | told for row in rows]


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def _of_the_strand(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strand's people, the survivor with what was known before of her, and texts: one is kept, one is held."""
    people = [{"code": code, "name": f"Name {code}", "email": f"{code.lower()}@support.example", "role": role, "telling": "instant"}
              for code, role in (("SW1", "support_worker"), ("SMG1", "support_manager"))]  # fmt: skip
    area = {"code": "SA01", "label": "Area 1", "support_worker": "SW1", "support_manager": "SMG1"}
    run.does("restricted", "load", "practitioners", written(run.folder, "people", *people))
    run.does("restricted", "load", "areas", written(run.folder, "strand-areas", area))
    run.does("restricted", "round")
    for number in (2, 1):
        row = {"pathway": "DVPP-D2", **planted("survivor", number)}
        run.does("restricted", "load", "survivors", written(run.folder, "survivors", row))
    for body in (planted("provider_text")["body"], f"{planted('held_text')['body']}, of {planted('survivor')['name']}"):
        typed(run.desk, monkeypatch, body)
        run.does("text", "add", "DVPP-D2", "--by", "P1")
    assert [one.found for one in run.sides.held()] and run.sides.kept() == [planted("provider_text")["body"]]


def _on_the_site(run: Run) -> None:
    """P1 writes a concern and answers; then every page that P2 and the adviser can open."""
    site = OpenSite(Office.at(run.sides.main), run.desk.home, TODAY)
    first = site.enter("provider", "P1", verified=True)
    concern = {"about": "child", "words": planted("harm_concern")["body"], "submission": "a-form"}
    kept = first.post("/concerns/SPIP-D1", concern)
    assert kept.status_code == 200 and "RC-" in kept.text
    run.pages.append(kept.text)
    other, adviser = site.enter("provider", "P2", verified=True), site.enter("staff", "FCA1", verified=True)
    with reading(run.sides.main) as connection:
        duties = list(connection.execute(select(t.DutyRow.id)).scalars())
        receipts = list(connection.execute(select(t.Receipt.reference)).scalars())
        references = list(connection.execute(select(t.PathwayRow.reference)).scalars())
    paths = ["/", "/owed", "/concerns", "/accreditation", "/upload", "/upload/attendance.csv", "/pathways", "/nowhere"]
    paths += [f"/owed/{number}" for number in duties] + [f"/receipts/{number}" for number in receipts]
    paths += [f"/pathways/{reference}" for reference in references] + [f"/concerns/{one}" for one in references]
    for visitor in (other, adviser, first, site.browser()):
        run.pages += [visitor.get(path).text for path in paths]
    sent = {"file": ("month.csv", f"reference,result\nSPIP-D3,{planted('party', 4)['name']}\n".encode())}
    run.pages.append(other.client.post("/upload", data={"token": other.token()}, files=sent).text)


def _asked(run: Run) -> None:
    """What commands print, papers that are drafted and reports among it."""
    for words in OF_HIS_SIDE:
        if not words.startswith("text list"):  # whoever may type commands reads the words of providers there
            run.does(*words.replace("DVPP-D1", "DVPP-D2").split())
    for words in ("evaluate CPPP", "evaluate CPPP --json", "unmet --json", "links list", "audit list", "personal keys",
                  "audit list --restricted", "restricted list", "restricted concerns", "personal dictionary"):  # fmt: skip
        run.does(*words.split())
    for reference in ("SPIP-D1", "DVPP-D2", "CPPP-R1"):
        run.tries(f"note {reference}")


def _gone_wrong(run: Run) -> None:
    """Errors provoked on purpose: of commands, of the database, of a pathway that cannot be advanced."""
    file = run.folder / "wrong.csv"
    file.write_text(f"name\n{planted('survivor')['name']}\n", encoding="utf-8")
    for words in WRONG:
        if "Zephyrine" not in words:
            words = words.replace("DVPP-D1", "DVPP-D2").format(
                support=run.sides.support("DVPP-D2").reference, file=file
            )
            run.tries(words)
    with pytest.raises(IntegrityError) as twice, writing(run.sides.main) as connection:
        row = {"reference": "P-1", "case": CASE, "role": "applicant", **planted("party")}
        connection.execute(t.Party.__table__.insert(), row)
    run.errors.append(f"{twice.value!r} {twice.value}")
    with writing(run.sides.main) as connection:
        row = {"subject": "SPIP-D3", "kind": "session_booked", "identity": "x", "happened_on": TODAY, "recorded_by": "P2",
               "recorded_at": datetime.now(UTC), "told_already": False, "payload": {"session": "S-9"}}  # fmt: skip
        connection.execute(t.FactRow.__table__.insert(), row)
        connection.execute(t.PathwayRow.__table__.update().values(look_on=TODAY))
    run.tries("round")
    assert "SPIP-D3 could not be advanced" in run.out[-1]


# Where they are -------------------------------------------------------------------------------------------------------


def test_after_a_whole_run_a_canary_is_nowhere_but_where_it_was_put(run: Run) -> None:
    assert len(CANARIES) > 60 and {"party", "survivor", "provider_text", "held_text", "harm_concern"} <= set(
        personal_tables()
    )
    _they_are_there(run)
    said = {"commands": run.out, "pages": run.pages, "mail": run.mail, "errors": run.errors, "logs": [run.logs]}
    assert {where for where, some in said.items() if len("".join(some)) < 100} == set()
    assert len(run.mail) > 10 and len(run.pages) > 60
    assert {where: heard(CANARIES, *some) for where, some in said.items()} == {key: [] for key in said}
    assert heard(TYPED, *run.pages[-1:]) == TYPED and heard(TYPED, *run.out, *run.mail, *run.errors, run.logs) == []
    assert found_in(run.desk.home, *CANARIES, *TYPED) == {}  # databases, their logs and whatever else is kept there
    assert _in_tables(run.sides.main) == _in_tables(run.sides.strand) == []
    _they_are_with_whom_they_belong(run)


def _they_are_there(run: Run) -> None:
    """Read with the key, every field of every table holds what was planted; else this test would find nothing anywhere."""
    for name, table in personal_tables().items():
        source, number = ("survivor", 2) if name == "survivor_before" else (name, 1)
        with reading(run.sides.main if name in ("party", "provider_text") else run.sides.strand) as connection:
            rows = connection.execute(select(table)).mappings().all()
        wanted = planted(source, number).items()
        assert any(all(_same(row[column], value) for column, value in wanted) for row in rows), name


def _same(stored: Any, value: Any) -> bool:
    return stored == value or (isinstance(value, str) and str(stored).startswith(value))


def _in_tables(engine: Engine) -> list[str]:
    """The canaries in what a database holds, every column of every table as text."""
    with engine.connect() as connection:
        names = engine.dialect.get_table_names(connection)
        whole = [str(row) for name in names for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"')]
    assert len(whole) > 20
    return heard([*CANARIES, *TYPED], *whole)


def _they_are_with_whom_they_belong(run: Run) -> None:
    refused = (run.folder / "cases.rejected.csv").read_text(encoding="utf-8-sig")
    assert planted("party", 3)["name"] in refused and (run.folder / "cases.rejected.csv").stat().st_mode & 0o077 == 0
    assert heard(needles(planted("party", 1), planted("party", 2)), refused) == []
    site = OpenSite(Office.at(run.sides.main), run.desk.home, TODAY)
    risk = run.sides.rows(run.sides.main, t.FactRow, kind="risk_raised")[0].payload["risk"]
    page = f"/pathways/SPIP-D1/concerns/{risk}"
    words = planted("harm_concern")["body"]
    assert words in site.enter("staff", "FCA1", verified=True).get(page).text
    assert words not in site.enter("provider", "P1", verified=True).get(page).text
