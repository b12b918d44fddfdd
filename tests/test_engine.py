"""The whole machine: files in, Prefect's runs and artifacts, mail out; what Prefect may know; what a crash may not lose.

The tests of this file follow one another on one machine, in this order.
"""

import csv
import json
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.working_days import LONDON
from tests.browser import Tab, chromium, code_in, link_in
from tests.canary import heard, needles, planted
from tests.engine import NOBODY, OVER, Machine, found_in, parts, wait_for

TODAY = datetime.now(LONDON).date()

# What is personal, in every field there is: it stands in our databases only, and there encrypted.
PERSONAL = needles(*(planted("party", number) for number in range(2, 20)), planted("provider_text"))
MAILBOXES = ["staff-canary", "provider-canary"]
TYPED = "Auntie Marmaduke"
"""What somebody types into the form where a reference belongs."""
CORRUPT = "KERFUFFLE"


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def case(number: int) -> dict[str, Any]:
    """A case whose parties are called like nobody else."""
    row = {"case": f"ZE26P9000{number}", "court": "ECT1", "adviser": "EADV", "received_on": ago(40)}
    for role, letter in (("applicant", "A"), ("respondent", "R")):
        personal = planted("party", 2 * number + (role == "respondent"))
        row |= {role: f"E-{number}{letter}"} | {f"{role}_{name}": value for name, value in personal.items()}
    return row


def direction(number: int) -> dict[str, Any]:
    return {
        "direction": f"E000{number}", "order": f"E-O{number}", "case": f"ZE26P9000{number}", "party": f"E-{number}A",
        "activity": "SPIP", "made_on": ago(30), "received_on": ago(30), "monitoring_requested": "no", "told_already": "no",
    }  # fmt: skip


def referred(number: int) -> list[dict[str, Any]]:
    """The gate passed, and the referral sent."""
    common = {"recorded_by": "EADV", "told_already": "no"}
    return [
        {"about": f"ZE26P9000{number}", "fact": "safeguarding_letter_filed", "happened_on": ago(28), **common},
        {"about": f"SPIP-E000{number}", "fact": "referral_sent", "happened_on": ago(25), "provider": "EPV1", **common},
    ]


DIRECTORY = {
    "practitioners": [
        {"code": code, "name": f"Jo {code}", "email": f"{code.lower()}@staff-canary.example", "role": role, "telling": "instant",
         "trained_in": "CPPP" if code == "EPRA" else ""}
        for code, role in {"EADV": "adviser", "EPRA": "adviser", "ECO": "commissioning_officer", "ECM": "commissioning_manager",
                           "ESM": "service_manager", "EAD": "assistant_director", "EBS": "business_support"}.items()
    ],
    "areas": [{"code": "EA1", "label": "Area", "commissioning_officer": "ECO", "commissioning_manager": "ECM",
               "service_manager": "ESM", "assistant_director": "EAD", "business_support": "EBS"}],
    "courts": [{"code": "ECT1", "name": "Test Family Court", "area": "EA1"}],
    "providers": [{"provider": "EPV1", "name": "Bridge House", "mailbox": "office@provider-canary.example",
                   "lead_email": "lead@provider-canary.example", "programme": programme, "areas": "EA1",
                   "contracted_from": ago(900), "open_to_referrals": "yes", "capacity": "50", "accreditation": "Respect",
                   "accredited_until": ago(-900)} for programme in ("SPIP", "DVPP")],
}  # fmt: skip


def told(about: str, *facts: tuple[str, int, dict[str, Any]], by: str = "EADV") -> list[dict[str, Any]]:
    """Rows of a file of facts: kind, how many days ago, and details."""
    common = {"about": about, "recorded_by": by, "told_already": "no"}
    return [{"fact": kind, "happened_on": ago(days), **common, **details} for kind, days, details in facts]


def late_report(number: int) -> list[dict[str, Any]]:
    """A session was held two weeks ago, and nothing is heard of it since."""
    times = {"starts_at": f"{ago(14)} 17:30", "ends_at": f"{ago(14)} 21:30"}
    taken = (("acknowledged", 24, {"provider": "EPV1"}), ("session_booked", 23, {"session": "E-S10", **times}))
    return [*referred(number), *told(f"SPIP-E000{number}", *taken, by="EPV1")]


LATE = (7, 8, 9)
DVPP = direction(5) | {"activity": "DVPP", "made_on": ago(120), "received_on": ago(120)}
CPPP = {"request": "E0006", "case": "ZE26P90006", "programme": "CPPP", "requested_on": ago(60), "requested_by": "EADV",
        "entry": "section_7"}  # fmt: skip
BEFORE = DIRECTORY | {
    "cases": [case(number) for number in range(1, 10)],
    "directions": [DVPP, *(direction(number) for number in (2, 3, 4, *LATE))],
    "requests": [CPPP],
    "facts": [
        *(row for number in (2, 3, 4) for row in referred(number)), *(row for number in LATE for row in late_report(number)),
        *told("DVPP-E0005", ("violence_established", 118, {"basis": "found"}), ("survivor_plan_made", 117, {}),
              ("referral_sent", 116, {"provider": "EPV1"})),
    ],
}  # fmt: skip
"""What was loaded before Prefect was there: cases, and pathways of all but the first."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Running, with what was loaded before, and people for the strand of the survivors."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.types(("migrate",), *made.loads(**BEFORE), *strand_loads(made, **STRAND), PATHWAYS_PREFECT_API=NOBODY)
        made.start("--no-samples")
        yield made
    finally:
        made.clean_up()


STAFF = "strand-canary"
WORKER = {"code": "ESW", "name": "Pat ESW", "email": f"esw@{STAFF}.example", "role": "support_worker"}
MANAGER = {"code": "ESWM", "name": "Sal ESWM", "email": f"eswm@{STAFF}.example", "role": "support_manager"}
STRAND = {"practitioners": [WORKER, MANAGER],
          "areas": [{"code": "EA1", "label": "Area", "support_worker": "ESW", "support_manager": "ESWM"}]}  # fmt: skip


def strand_loads(machine: Machine, **kinds: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The commands that load files of the strand's, which lie in no folder of the machine's."""
    commands = []
    for kind, rows in kinds.items():
        path = machine.user.parent / f"restricted-{kind}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        commands.append(("restricted", "load", kind, str(path)))
    return commands


# From a file to the mail ----------------------------------------------------------------------------------------------


def test_a_file_makes_a_run_named_tagged_and_ended_by_its_pathway(machine: Machine):
    machine.load(directions=[direction(1)])
    run = machine.run_in("SPIP-E0001", "Awaiting safeguarding enquiries")
    assert set(run["tags"]) == {"SPIP", "EA1"}
    assert run["state"]["type"] == "COMPLETED" and run["state"]["message"].startswith("EADV, due ")
    machine.load(facts=referred(1))
    run = machine.run_in("SPIP-E0001", "Awaiting acknowledgement")
    assert set(run["tags"]) == {"SPIP", "EA1", "EPV1"}
    assert run["state"]["message"].startswith("EPV1, due ")


def test_the_referral_reaches_the_provider_with_a_reference_and_a_link_and_nothing_personal(machine: Machine):
    def referral() -> Any:
        return next((mail for mail in machine.mails() if "SPIP-E0001: new SPIP referral" in mail["Subject"]), None)

    mail = wait_for("the referral to arrive", referral)
    assert mail["To"] == "office@provider-canary.example"
    said = parts(mail)
    assert set(said) == {"text/plain", "text/html"}
    for body in said.values():
        assert "SPIP-E0001" in body and f"http://127.0.0.1:{machine.ports['site']}/l/" in body
        assert not heard(PERSONAL, body)


def test_the_states_follow_what_is_recorded_by_command_and_by_form(machine: Machine):
    machine.pathways("record", "SPIP-E0001", "acknowledged", "provider=EPV1", "--by", "EPV1", "--on", ago(20))
    machine.run_in("SPIP-E0001", "Awaiting booking")
    times = {"starts_at": f"{ago(-3)} 17:30", "ends_at": f"{ago(-3)} 21:30"}
    form = {"about": "SPIP-E0001", "fact": "session_booked", "happened_on": ago(15), "recorded_by": "EPV1"}
    run = machine.go("record", **form, details={"session": "E-S1", **times})
    assert (run["name"], run["state"]["name"]) == ("SPIP-E0001: session_booked", "Recorded")
    assert machine.run_in("SPIP-E0001", "Awaiting session")["state"]["message"].startswith("EPV1")


# The other programmes -------------------------------------------------------------------------------------------------


def test_a_dvpp_pathway_runs_from_its_order_to_an_absence_that_reaches_the_adviser(machine: Machine):
    run = machine.run_in("DVPP-E0005", "Awaiting acknowledgement")
    assert set(run["tags"]) == {"DVPP", "EA1", "EPV1"} and run["state"]["message"].startswith("EPV1, due ")
    absences = (("weekly_attendance", 20 - 7 * n, {"week": str(n + 1), "result": "absent"}) for n in range(2))
    begun = told("DVPP-E0005", ("acknowledged", 115, {"provider": "EPV1"}), ("assessment_reported", 100, {"result": "accepted"}),
                 ("programme_started", 20, {"weeks": "26"}), *absences, by="EPV1")  # fmt: skip
    machine.load(facts=begun)
    run = machine.run_in("DVPP-E0005", "Awaiting absence review")
    assert set(run["tags"]) == {"DVPP", "EA1", "EPV1"}
    wait_for("the alert", lambda: [m for m in machine.mails() if m["Subject"].startswith("DVPP-E0005: absences")])


def test_a_cppp_pathway_is_for_both_parents_opens_spip_for_one_and_invites_its_practitioner(machine: Machine):
    machine.run_in("CPPP-E0006", "Awaiting assessment opening")
    criteria = ("both_willing", "court_still_needed", "harmful_conflict", "safe_together")
    assessed = [
        ("assessment_opened", 58, {}), *(("criterion_assessed", 55, {"criterion": name, "met": "yes"}) for name in criteria),
        ("la_referral_considered", 55, {"referred": "no", "ground": "threshold_not_met"}),
        ("spip_considered", 55, {"party": "E-6A", "decision": "refer"}),
        ("spip_considered", 55, {"party": "E-6R", "decision": "not_refer", "reason": "attended_before"}),
        ("suitability_decided", 54, {"suitable": "yes"}), ("programme_offered", 53, {}),
        *(("consent_given", 50, {"party": party}) for party in ("E-6A", "E-6R")),
        ("court_paper_signed", 49, {"paper": "advice", "signed_by": "EADV"}), ("court_timetabled", 40, {"file_by": ago(-90)}),
    ]  # fmt: skip
    times = {"starts_at": f"{ago(-10)} 10:00", "ends_at": f"{ago(-10)} 11:00"}
    machine.load(facts=[
        *told("ZE26P90006", ("further_work_ordered", 60, {"work": "section_7"})), *told("CPPP-E0006", *assessed),
        *told("CPPP-E0006", ("practitioner_matched", 38, {"practitioner": "EPRA"}), by="ESM"),
        *told("CPPP-E0006", ("session_set", 0, {"session": "CP-1", "sitting": "joint", **times}), by="EPRA"),
    ])  # fmt: skip
    run = machine.run_in("CPPP-E0006", "Awaiting first session")
    assert set(run["tags"]) == {"CPPP", "EA1", "EPRA"}
    assert set(machine.run_in("SPIP-E0006-1", "Awaiting safeguarding enquiries")["tags"]) == {"SPIP", "EA1"}
    mail = wait_for(
        "the invitation",
        lambda: next((m for m in machine.mails() if "CP-1" in parts(m).get("text/calendar", "")), None),
    )
    assert mail["To"] == "epra@staff-canary.example"
    calendar = parts(mail)["text/calendar"]
    assert "METHOD:REQUEST" in calendar and "SEQUENCE:0" in calendar and not heard(PERSONAL, calendar)


# The restricted strand ------------------------------------------------------------------------------------------------

SURVIVOR = {"pathway": "DVPP-E0005", **planted("survivor")}
CANARIES = needles(planted("survivor"), planted("held_text"))


def test_sr_11_the_survivors_strand_runs_beside_and_prefect_hears_only_that_it_is_done(machine: Machine):
    kept, phone = planted("provider_text")["body"], " ".join(SURVIVOR["phone"])
    texts = [kept, f"{planted('held_text')['body']} at {SURVIVOR['address']}.", f"Reach her on {phone} please."]
    paths = [machine.user / f"text-{n}.txt" for n, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    adds = (("text", "add", "DVPP-E0005", "--by", "EPV1", str(path)) for path in paths)
    machine.types(*strand_loads(machine, survivors=[SURVIVOR]), *adds)
    for path in paths:
        path.unlink()  # or it would be found where nothing of hers may be
    machine.reference = json.loads(machine.pathways("restricted", "list", "--json").stdout)[0]["pathway"]
    assert machine.pathways("text", "list", "DVPP-E0005").stdout.count(kept) == 1
    assert len(json.loads(machine.pathways("restricted", "held", "--json").stdout)) == 2
    run = machine.go("support")
    assert (run["name"], run["state"]["name"], run["state"]["message"]) == ("support", "Done", None)
    assert run["parameters"] == {}
    wait_for("the worker's mail", lambda: [m for m in machine.mails("strand-mail") if m["To"] == WORKER["email"]])


# The forms ------------------------------------------------------------------------------------------------------------


def test_the_forms_offer_choices_and_the_shape_of_references(machine: Machine):
    form = machine.deployment("record")["parameter_openapi_schema"]
    assert form["required"] == ["about", "fact", "happened_on", "recorded_by"]
    assert form["properties"]["about"]["pattern"].startswith("^[A-Z0-9]")
    assert "attendance_reported" in form["definitions"]["FactKind"]["enum"]
    details = form["definitions"]["Details"]["properties"]
    assert {"attended", "part", "absent"} <= set(details["result"]["enum"])
    # Nowhere a field that takes whatever is typed.
    for name, field in {**form["properties"], **details}.items():
        closed = {"enum", "pattern", "$ref"} & set(field) or field["type"] in {"integer", "boolean"}
        assert closed, f"{name} takes any text"
    assert machine.deployment("hold")["parameter_openapi_schema"]["properties"]["reason"]["enum"]


GOOD = {"about": "SPIP-E0001", "fact": "acknowledged", "happened_on": ago(1), "recorded_by": "EADV"}


@pytest.mark.parametrize(
    ("form", "parameters"),
    [
        ("record", GOOD | {"about": TYPED}),
        ("record", GOOD | {"recorded_by": TYPED}),
        ("record", GOOD | {"fact": TYPED}),
        ("record", GOOD | {"happened_on": TYPED}),
        ("record", GOOD | {"supersedes": TYPED}),
        ("record", GOOD | {"details": {"session": TYPED}}),
        ("record", GOOD | {"details": {"starts_at": TYPED}}),
        ("record", GOOD | {"details": {"reason": TYPED}}),
        ("record", GOOD | {"details": {"note": TYPED}}),
        ("hold", {"pathway": "SPIP-E0001", "reason": TYPED, "recorded_by": "EADV", "since": ago(0)}),
        ("hold", {"pathway": "SPIP-E0001", "reason": "other", "recorded_by": "EADV", "since": TYPED}),
        ("release", {"pathway": TYPED, "recorded_by": "EADV", "on": ago(0)}),
        ("release", {"pathway": "SPIP-E0001", "recorded_by": "EADV", "on": TYPED}),
        ("spip", {"references": [TYPED]}),
        ("dvpp", {"references": [TYPED]}),
        ("cppp", {"references": [TYPED]}),
    ],
)
def test_free_text_is_rejected_by_the_server_whatever_field_it_is_typed_into(
    machine: Machine, form: str, parameters: dict[str, Any]
):
    assert 400 <= machine.submit(form, **parameters).status_code < 500


def test_a_refused_fact_ends_in_a_failed_run_whose_reason_is_codes_and_words_of_ours(machine: Machine):
    form = GOOD | {"fact": "attendance_reported", "details": {"session": "E-S9", "result": "absent"}}
    state = machine.go("record", **form)["state"]
    assert (state["type"], state["name"]) == ("FAILED", "Refused")
    assert state["message"] == "attendance_reported needs session_booked first for session E-S9; none is recorded"


def test_hold_and_release_from_their_forms(machine: Machine):
    form = {"pathway": "SPIP-E0001", "recorded_by": "EADV"}
    assert machine.go("hold", **form, reason="court_request", since=ago(0))["state"]["name"] == "Recorded"
    machine.run_in("SPIP-E0001", "On hold: awaiting hold review")
    assert machine.go("release", **form, on=ago(0))["state"]["name"] == "Recorded"
    machine.run_in("SPIP-E0001", "Awaiting session")


# The round, the pictures, and a pathway that cannot be advanced -------------------------------------------------------


def test_a_round_advances_what_was_loaded_without_prefect_but_for_the_one_that_needs_repair(machine: Machine):
    unable_to_advance(machine, "SPIP-E0002")
    run = machine.go("round")
    assert (run["state"]["type"], run["state"]["name"]) == ("FAILED", "Round with troubles")
    state = machine.run_in("SPIP-E0002", "Needs repair")["state"]
    assert (state["type"], state["message"]) == ("FAILED", "ValidationError")
    for reference in ("SPIP-E0003", "SPIP-E0004"):
        machine.run_in(reference, "Awaiting acknowledgement")


def unable_to_advance(machine: Machine, pathway: str) -> None:
    """Corrupt what is known of a pathway: a fact that cannot be read, on a day when it is to be looked at."""
    payload = json.dumps({"session": CORRUPT, "starts_at": "never"})
    columns = "subject, kind, identity, happened_on, recorded_at, recorded_by, told_already, payload"
    values = (pathway, "session_booked", "x", ago(20), f"{ago(20)} 12:00:00", "EPV1", False, payload)
    with sqlite3.connect(machine.home / "pathways.db") as connection:
        connection.execute(f"INSERT INTO fact ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute("UPDATE pathway SET look_on = ? WHERE reference = ?", (ago(0), pathway))


def test_the_pictures_have_fixed_keys(machine: Machine):
    for key in ("caseload", "overdue", "delivery", "failed-messages", "needs-repair", "unmet-need", "cppp-evaluation",
                "steps-spip-e0003"):  # fmt: skip
        assert machine.artifact(key)["type"] == "table", key
    assert "Awaiting acknowledgement" in machine.artifact("caseload")["data"]
    assert "SPIP-E0003" in machine.artifact("overdue")["data"]
    assert re.search(r'"head": "\d+:[0-9a-f]{64}"', machine.artifact("audit")["data"])
    repair = machine.artifact("needs-repair")["data"]
    assert "SPIP-E0002" in repair and "SPIP-E0003" not in repair


# The site -------------------------------------------------------------------------------------------------------------


def test_a_provider_answers_three_reports_from_its_mail_and_everybody_concerned_hears_of_it(machine: Machine):
    references = [f"SPIP-E000{number}" for number in LATE]
    # Any mail of its will do: a link opens all that is owed.
    site, mail = f"http://127.0.0.1:{machine.ports['site']}", mail_to(machine, "office@")
    with chromium() as browser:
        tab = Tab(browser, site).go(link_in(mail))
        tab.page.wait_for_url(re.compile("/owed"))
        # One of the three on its own page, wrong at first: there is no 31 February.
        tab.follow(re.compile("Other answer for SPIP-E0009"))
        tab.choose("answer", "absent").choose("absent-reason", "illness")
        tab.on("again-times", 31, 2, TODAY.year + 1).type("again-times-from", "18:00").type("again-times-to", "22:00")
        tab.type("again-session", "E-S11").press("Send this answer")
        assert len(tab.errors) == 1 and tab.errors[0].startswith("There is no such day")
        tab.on("again-times", 2, 3, TODAY.year + 1).press("Send this answer")
        receipts = [tab.page.title().split()[1]]
        # The other two from the list at once; one of them turns out to be wrong, and is corrected.
        tab.go("/owed").answer(SPIP_E0007="Attended", SPIP_E0008="Did not attend: illness").press("Send these answers")
        receipts.append(tab.page.title().split()[1])
        tab.follow(re.compile("Correct fact .* of SPIP-E0008")).choose("answer", "late").press("Send this correction")
        receipts.append(tab.page.title().split()[1])
        machine.run_in("SPIP-E0009", "Awaiting session")
        for reference in references[:2]:
            assert machine.run_in(reference, "Awaiting next step")["state"]["message"].startswith("EPV1, due ")
            assert mail_to(machine, "eadv@", reference, "attended")
        assert all(mail_to(machine, "office@", receipt) for receipt in receipts)
        assert "Attendance report" not in tab.go("/owed").says
        # From Prefect to the pathway's page, for its adviser: the link in their mail, and the code.
        page = machine.artifact("page-spip-e0007")["data"]
        assert page == f"[SPIP-E0007]({site}/pathways/SPIP-E0007)"
        adviser = Tab(browser, site).go(link_in(mail_to(machine, "eadv@", "SPIP-E0007")))
        adviser.page.wait_for_url(re.compile("/code"))
        adviser.press("Send me a code")
        adviser.type("digits", code_in(mail_to(machine, "eadv@", "is your code"))).press("Go on")
        assert "attendance reported" in adviser.go("/pathways/SPIP-E0007").says
        assert tab.troubles + adviser.troubles == []


def mail_to(machine: Machine, mailbox: str, *words: str) -> EmailMessage:
    """The newest mail to somebody that holds all these words, when it is there."""

    def there() -> list[EmailMessage]:
        return [
            mail for mail in machine.mails()
            if mail["To"].startswith(mailbox) and all(w in mail["Subject"] + parts(mail)["text/plain"] for w in words)
        ]  # fmt: skip

    return wait_for(f"a mail to {mailbox} about {words}", there)[-1]


# The server -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sweep", "hours"), [("round", range(6, 19)), ("deliver", range(4, 24))])
def test_the_sweeps_are_scheduled_by_london_time(machine: Machine, sweep: str, hours: range):
    deployment = machine.deployment(sweep)
    assert {one["schedule"]["timezone"] for one in deployment["schedules"]} == {"Europe/London"}
    assert all(one["active"] for one in deployment["schedules"])
    query = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}}}
    runs = wait_for(f"{sweep} to be scheduled", lambda: machine.ask("POST", "flow_runs/filter", query).json())
    due = [datetime.fromisoformat(run["expected_start_time"].replace("Z", "+00:00")) for run in runs]
    assert due and all(moment.astimezone(LONDON).hour in hours for moment in due)


def test_the_pages_may_talk_to_this_server_and_to_nobody_else(machine: Machine):
    page = httpx.get(f"{machine.address}/v2/runs", headers={"Accept": "text/html"})
    assert page.is_success and "<!DOCTYPE html>" in page.text
    policy = dict(rule.strip().split(" ", 1) for rule in page.headers["content-security-policy"].split(";"))
    port = machine.ports["prefect"]
    assert set(policy["connect-src"].split()) <= {"'self'", f"ws://127.0.0.1:{port}", f"ws://localhost:{port}"}
    assert policy["default-src"] == "'self'"


def test_everything_listens_on_this_machine_only(machine: Machine):
    """Every socket on which a process of the stack takes connections, IPv4 and IPv6, and by no other way in."""
    heard = machine.listening()
    assert {port for _, port in heard} >= set(machine.ports.values())
    assert {host for host, _ in heard} == {"127.0.0.1"}


# Stopping, and starting again -----------------------------------------------------------------------------------------


def test_ctrl_c_stops_everything_it_started(machine: Machine):
    machine.before = (_ended(machine), _message_ids(machine))
    assert len(machine.living()) >= 4
    begun = time.monotonic()
    assert machine.stop(signal.SIGINT) == 0
    assert time.monotonic() - begun < 15
    assert "Traceback" not in machine.said.read_text()
    assert (machine.living(), machine.taken_ports()) == ([], [])


def test_without_a_server_a_fact_is_recorded_all_the_same_and_a_round_catches_up(machine: Machine):
    said = machine.pathways("record", "SPIP-E0003", "acknowledged", "provider=EPV1", "--by", "EPV1", "--on", ago(1))
    assert "Recorded as fact" in said.stdout and "Prefect cannot be reached; the next round sees to it" in said.stdout
    assert "Awaiting acknowledgement" in machine.pathways("show", "SPIP-E0003").stdout
    machine.pathways("round")
    assert "Awaiting booking" in machine.pathways("show", "SPIP-E0003").stdout


def test_a_taken_port_is_said_in_one_sentence_with_the_setting(machine: Machine, tmp_path: Path):
    other = Machine(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other.ports["smtp"] = taken.getsockname()[1]
        said = other.pathways("run", expect=1)
    assert f"Port {other.ports['smtp']} is taken" in said.stderr and "PATHWAYS_PORTS__SMTP=" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


def test_a_second_start_finds_everything_as_it_was(machine: Machine):
    runs, mails = machine.before
    # With the samples, as people start it: where there are real cases they are left out, and it starts all the same.
    machine.start()
    assert "SPIP-D0001" not in machine.pathways("list").stdout
    assert _ended(machine) == runs
    assert machine.artifact("needs-repair")["data"].count("SPIP-E0002") == 1
    now = _message_ids(machine)
    assert len(now) == len(set(now)) and set(now) >= set(mails)


def _ended(machine: Machine) -> set[str]:
    """The runs of pathways, when all have ended."""

    def look() -> list[dict[str, Any]]:
        runs = machine.runs(*(f"SPIP-E000{number}" for number in range(1, 5)))
        return runs if all(run["state"]["type"] in OVER for run in runs) else []

    return {run["id"] for run in wait_for("all runs to end", look)}


def _message_ids(machine: Machine) -> list[str]:
    return [mail["Message-ID"] for mail in machine.mails()]


def test_an_order_to_stop_stops_everything_too(machine: Machine):
    assert machine.stop(signal.SIGTERM) == 0
    assert (machine.living(), machine.taken_ports()) == ([], [])


# After everything -----------------------------------------------------------------------------------------------------


def test_the_canaries_are_in_our_databases_encrypted(machine: Machine):
    for name in ("pathways.db", "restricted.db"):
        with sqlite3.connect(machine.home / name) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert found_in(machine.home, *PERSONAL, *CANARIES) == {}
    assert {*MAILBOXES, CORRUPT} <= set(found_in(machine.home, *MAILBOXES, CORRUPT)["pathways.db"])
    shown = machine.pathways("personal", "export", "E-1A", "--by", "EADV").stdout
    assert planted("party", 2)["name"] in shown and machine.reference not in shown
    shown = machine.pathways("restricted", "export", "DVPP-E0005", "--by", "ESW").stdout
    assert not {SURVIVOR["name"], SURVIVOR["school"]} - set(re.findall(r": (.*)", shown))


def test_nothing_personal_is_in_prefect_the_logs_or_the_mail(machine: Machine):
    assert (machine.home / "prefect" / "prefect.db").stat().st_size > 1_000_000
    assert found_in(machine.home / "prefect", *PERSONAL) == {}
    assert found_in(machine.home / "logs", *PERSONAL) == {}
    mails = machine.mails()
    assert len(mails) > 5
    bodies = "\n".join(f"{mail['Subject']}\n{body}" for mail in mails for body in parts(mail).values()).lower()
    assert not heard(PERSONAL, bodies, machine.said.read_text())


def test_prefect_and_the_logs_know_no_mailbox_no_typed_text_and_no_text_of_an_error(machine: Machine):
    for folder in ("prefect", "logs"):
        assert found_in(machine.home / folder, *MAILBOXES, TYPED, CORRUPT) == {}


def test_sr_11_what_is_known_of_a_survivor_is_in_the_restricted_database_and_nowhere_else(machine: Machine):
    of_the_strand = found_in(machine.home, machine.reference, STAFF)
    assert [name for name in of_the_strand if not name.startswith(("restricted", "strand-mail/"))] == []
    assert not heard([*CANARIES, machine.reference], machine.said.read_text())


def test_the_server_is_able_to_write_its_schedules(machine: Machine):
    log = (machine.home / "logs" / "prefect-server.log").read_text()
    # Under load its SQLite says "database is locked", and it tries again; what it may not say is that it cannot schedule.
    assert "InvalidRequestError" not in log


def test_nothing_was_put_into_the_users_own_folder(machine: Machine):
    assert [str(path.relative_to(machine.user)) for path in machine.user.rglob("*")] == []
