"""The life of a CPPP as tables: a day, what is recorded on it, where the pathway then stands, who is told what."""

from datetime import date, timedelta
from typing import Any

import pytest

from models.standing import Decision
from tests.life import Life, day, owed, told
from tests.lives_cppp import acceptable

CRITERIA = ("both_willing", "court_still_needed", "harmful_conflict", "safe_together")
SESSIONS = {
    "CP-1": ("2026-02-23", "parent", {"party": "PA"}),
    "CP-2": ("2026-03-09", "parent", {"party": "PB"}),
    "CP-3": ("2026-03-23", "child", {}),
    "CP-4": ("2026-04-13", "joint", {}),
}
"""The sessions of the family below: weeks 8, 10 and 12 are over on 20 April, 4 May and 18 May 2026."""


class Family(Life):
    """A CPPP in which nothing happens that the store would refuse. FCA3 runs it; FCA1 advises."""

    def __init__(self, requested: str = "2026-01-05", entry: str = "section_7", **asked: Any) -> None:
        super().__init__(requested, route="adviser", reference="CPPP-R1", entry=entry, **asked)

    def add(self, on: str | date, kind: str, recorded: str | date | None = None, **details: Any) -> "Family":
        super().add(on, kind, recorded, **details)
        fact = self.facts.pop()
        assert kind == "requested" or acceptable(self, fact), fact
        self.facts.append(fact)
        return self

    def refuses(self, on: str | date, kind: str, recorded: str | date | None = None, **details: Any) -> bool:
        super().add(on, kind, recorded, **details)
        return not acceptable(self, self.facts.pop())

    def assessed(self, **spip: str) -> "Family":
        self.add("2026-01-05", "further_work_ordered", work="section_7").add("2026-01-07", "assessment_opened")
        for criterion in CRITERIA:
            self.add("2026-01-12", "criterion_assessed", criterion=criterion, met=True)
        self.add("2026-01-12", "la_referral_considered", referred=False, ground="threshold_not_met")
        for party in ("PA", "PB"):
            if spip.get(party) != "":
                self.add("2026-01-14", "spip_considered", party=party, decision="not_refer", reason="attended_before")
        return self

    def offered(self, **spip: str) -> "Family":
        self.assessed(**spip).add("2026-01-15", "suitability_decided", suitable=True)
        return self.add("2026-01-19", "programme_offered")

    def agreed(self, **spip: str) -> "Family":
        self.offered(**spip).add("2026-01-21", "consent_given", party="PA")
        return self.add("2026-01-23", "consent_given", party="PB")

    def advised(self, **spip: str) -> "Family":
        return self.agreed(**spip).add("2026-01-27", "court_paper_signed", paper="advice", signed_by="FCA1")

    def matched(self, file_by: str = "2026-07-31") -> "Family":
        self.advised().add("2026-02-09", "court_timetabled", file_by=file_by)
        return self.add("2026-02-11", "practitioner_matched", by="SM1", practitioner="FCA3")

    def planned(self, letters: bool = False, **more: str) -> "Family":
        self.matched(**more)
        for session, (held, sitting, whose) in SESSIONS.items():
            self.set_session("2026-02-12", session, held, sitting, letters=letters, **whose)
        return self

    def held(self, *sessions: str, recorded: str | None = None) -> "Family":
        for session in sessions:
            self.add(SESSIONS[session][0], "session_held", recorded, session=session)
        return self

    def completed(self, **more: str) -> "Family":
        return self.planned(**more).held(*SESSIONS)

    def reported(self, outcome: str = "agreement") -> "Family":
        self.completed().add("2026-04-15", "outcome_recorded", outcome=outcome)
        return self.add("2026-04-20", "court_paper_signed", paper="report", signed_by="FCA3")


def stands(life: Life, on: str) -> tuple[str, str]:
    standing = life.on(on).standing
    return standing.state, standing.label


def lived(life: Family, table: list[tuple[str, list[Any], str, str, set[tuple[str, str]]]]) -> Family:
    """Live a table row by row, and hold each row to what is said on its day."""
    before: set[tuple[str, str, str]] = set()
    for today, facts, state, label, newly in table:
        for kind, details in facts:
            life.set_session(today, **details) if kind == "set" else life.add(today, kind, **details)
        decision = life.on(today)
        keys = {(n.to.code, n.wording, n.occasion) for n in decision.notices}
        assert (decision.standing.state, decision.standing.label) == (state, label), today
        assert {(code, wording) for code, wording, _ in keys - before} == newly, today
        before |= keys
    return life


# The whole way --------------------------------------------------------------------------------------------------------


def answered(kind: str, **details: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(kind, details)]


WHOLE_WAY = [
    # day, facts recorded that day, state, label, newly told
    ("2026-01-07", answered("assessment_opened"), "suitability", "Awaiting suitability", set()),
    ("2026-01-12", [("criterion_assessed", {"criterion": one, "met": True}) for one in CRITERIA], "suitability", "Awaiting suitability", set()),
    ("2026-01-13", answered("la_referral_considered", referred=False, ground="threshold_not_met"), "suitability", "Awaiting suitability", {("SM1", "la-considered")}),
    ("2026-01-14", [("spip_considered", {"party": party, "decision": "not_refer", "reason": "time"}) for party in ("PA", "PB")], "suitability", "Awaiting suitability", set()),
    ("2026-01-15", answered("suitability_decided", suitable=True), "consent", "Awaiting offer", set()),
    ("2026-01-19", answered("programme_offered"), "consent", "Awaiting consent", set()),
    ("2026-01-21", answered("consent_given", party="PB"), "consent", "Awaiting consent", set()),
    ("2026-01-23", answered("consent_given", party="PA"), "court_timetabling", "Awaiting advice to court", {("FCA1", "paper-to-sign")}),
    ("2026-01-27", answered("court_paper_signed", paper="advice", signed_by="FCA1"), "court_timetabling", "Awaiting court timetable", set()),
    ("2026-02-09", [("further_work_ordered", {"work": "rule_16_4"}), ("court_timetabled", {"file_by": "2026-07-31"})], "practitioner_match", "Awaiting practitioner", {("SM1", "match-wanted")}),
    ("2026-02-11", answered("practitioner_matched", by="SM1", practitioner="FCA3"), "practitioner_match", "Awaiting first session", {("FCA3", "matched")}),
    ("2026-02-12", [("set", {"session": s, "held": held, "sitting": sitting, **whose}) for s, (held, sitting, whose) in SESSIONS.items()], "practitioner_match", "Awaiting first session", {("FCA3", "session-set")}),
    ("2026-02-23", answered("session_held", session="CP-1"), "in_programme", "Awaiting session 2", set()),
    ("2026-03-09", answered("session_held", session="CP-2"), "in_programme", "Awaiting session 3", set()),
    ("2026-03-23", answered("session_held", session="CP-3"), "in_programme", "Awaiting session 4", set()),
    ("2026-03-27", answered("child_letter_shared"), "in_programme", "Awaiting session 4", set()),
    ("2026-04-13", answered("session_held", session="CP-4"), "report_due", "Awaiting court report", {("FCA3", "paper-to-sign")}),
    ("2026-04-15", answered("outcome_recorded", outcome="agreement"), "report_due", "Awaiting court report", set()),
    ("2026-04-20", answered("court_paper_signed", paper="report", signed_by="FCA3"), "tracking", "Awaiting six month review", set()),
    ("2026-10-19", answered("followed_up", by="RA1"), "tracking", "Awaiting end of tracking", set()),
    ("2028-04-20", [], "tracking", "Awaiting end of tracking", set()),
    ("2028-04-21", [], "closed_agreement", "Closed: completed", set()),
]  # fmt: skip
WORK = {
    "first_hearing": [("further_work_advised", "section_7")],
    "section_7": [("further_work_ordered", "section_7")],
    "section_7_to_16_4": [("further_work_ordered", "section_7"), ("further_work_advised", "rule_16_4")],
    "rule_16_4": [("further_work_ordered", "rule_16_4")],
}
"""What each way in rests on."""


@pytest.mark.parametrize("suggested_by", ["adviser", "judge"])
@pytest.mark.parametrize("entry", WORK)
def test_the_whole_way_from_each_of_the_four_entries(entry: str, suggested_by: str):
    life = Family(entry=entry, suggested_by=suggested_by)
    assert stands(life, "2026-01-05") == ("identified", "Awaiting assessment opening")
    for kind, work in WORK[entry]:
        assert life.refuses("2026-01-06", "assessment_opened")
        life.add("2026-01-06", kind, work=work)
    decision = lived(life, WHOLE_WAY).on("2028-04-21")
    assert {duty.state for duty in decision.duties.values()} == {"met"}


def test_a_judges_suggestion_opens_the_assessment_and_nothing_more():
    life = Family(suggested_by="judge").add("2026-01-05", "further_work_ordered", work="section_7")
    decision = life.on("2026-01-05")
    assert owed(decision) == {"assessment_opening": ("FCA1", "2026-01-12")}
    assert told(decision) == set()
    life.add("2026-01-07", "assessment_opened")
    assert life.refuses("2026-01-08", "programme_offered")
    assert life.refuses("2026-01-08", "consent_given", party="PA")


def test_what_the_assessment_consists_of_is_owed_piece_by_piece():
    life = Family().add("2026-01-05", "further_work_ordered", work="section_7").add("2026-01-07", "assessment_opened")
    due = {duty.key: duty.due_on.isoformat() for duty in life.on("2026-01-07").duties.values() if not duty.fact}
    pieces = ["criteria:3", "la_referral:3", "spip_consideration:3:PA"]
    assert due == dict.fromkeys([*pieces, "spip_consideration:3:PB", "suitability:3"], "2026-01-21")


# Suitability and consent ----------------------------------------------------------------------------------------------


def test_a_family_that_it_does_not_suit_is_not_asked():
    life = Family().assessed().add("2026-01-15", "suitability_decided", suitable=False)
    decision = life.on("2026-01-15")
    assert (decision.standing.state, decision.standing.reason) == ("closed_unsuitable", "unsuitable_risk")
    assert owed(decision) == {}


def test_one_parent_who_declines_ends_it_for_both_and_neither_is_told_by_us():
    life = Family().offered().add("2026-01-21", "consent_given", party="PA")
    life.add("2026-01-26", "consent_refused", party="PB")
    decision = life.on("2026-02-20")
    assert (decision.standing.state, decision.standing.reason) == ("closed_declined", "consent_refused")
    assert told(decision) == {("SM1", "la-considered")}
    assert decision.standing.since == day("2026-01-26")


def test_of_two_refusals_it_is_the_first_one_known_that_ends_it():
    life = Family().offered().add("2026-01-21", "consent_refused", party="PA")
    assert life.on("2026-01-22").standing.since == day("2026-01-21")
    Life.add(life, "2026-01-20", "consent_refused", recorded="2026-01-28", party="PB")
    decision = life.on("2026-01-28")
    assert decision.standing.since == day("2026-01-21")
    assert decision.duties["consent:12:PB"].closed_on == day("2026-01-21")


def test_consent_is_asked_within_ten_working_days_but_on_the_way_to_a_first_hearing_there():
    for entry, due in (("section_7", "2026-02-02"), ("first_hearing", "2026-02-11")):
        life = Family(entry=entry).offered().add("2026-01-19", "hearing_listed", hearing_on="2026-02-11")
        assert owed(life.on("2026-01-19"))["consent"] == ("FCA1", due)
    assert owed(life.on("2026-02-12"))["consent"] == ("FCA1", "2026-02-11")
    life.add("2026-02-12", "hearing_listed", hearing_on="2026-03-04")
    assert owed(life.on("2026-02-12"))["consent"] == ("FCA1", "2026-02-11")


def test_without_a_hearing_listed_the_parents_are_asked_as_anywhere():
    assert owed(Family(entry="first_hearing").offered().on("2026-01-19"))["consent"] == ("FCA1", "2026-02-02")


def test_consent_withdrawn_before_the_court_was_advised_closes_it_at_once():
    life = Family().agreed().add("2026-01-26", "consent_withdrawn", party="PA")
    standing = life.on("2026-01-26").standing
    assert (standing.state, standing.reason) == ("closed_declined", "consent_withdrawn")


def test_consent_withdrawn_before_the_other_parent_answered_closes_it():
    life = Family().offered().add("2026-01-21", "consent_given", party="PA")
    life.add("2026-01-22", "consent_withdrawn", party="PA")
    assert life.on("2026-01-22").standing.state == "closed_declined"
    assert life.refuses("2026-01-23", "consent_given", party="PB")


def test_of_a_consent_recorded_late_the_court_is_advised_from_when_it_was_known():
    life = Family().offered().add("2026-01-26", "consent_given", party="PA")
    life.add("2026-01-22", "consent_given", recorded="2026-01-29", party="PB")
    duty = next(duty for duty in life.on("2026-01-29").duties.values() if duty.kind == "advice_to_court")
    assert (duty.opened_on, duty.due_on) == (day("2026-01-29"), day("2026-02-05"))


def test_the_court_is_advised_by_its_next_hearing_if_that_is_earlier():
    life = Family().agreed().add("2026-01-23", "hearing_listed", hearing_on="2026-01-28")
    assert owed(life.on("2026-01-23"))["advice_to_court"] == ("FCA1", "2026-01-28")


# The court and the practitioner ---------------------------------------------------------------------------------------


def test_the_court_declines():
    decision = Family().advised().add("2026-02-09", "court_declined", programme="CPPP").on("2026-02-09")
    assert (decision.standing.state, decision.standing.reason) == ("closed_stopped", "court_declined")
    assert owed(decision) == {}


def test_spip_in_addition_is_considered_for_each_parent_before_a_practitioner_is_wanted():
    life = Family().advised(PB="").add("2026-02-09", "court_timetabled", file_by="2026-07-31")
    assert stands(life, "2026-02-09") == ("court_timetabling", "Awaiting spip consideration")
    assert ("SM1", "match-wanted") not in told(life.on("2026-02-09"))
    life.add("2026-02-10", "spip_considered", party="PB", decision="refer")
    decision = life.on("2026-02-10")
    assert decision.standing.state == "practitioner_match"
    assert [(spawn.reference, spawn.party) for spawn in decision.spawned] == [("SPIP-R1-2", "PB")]


def test_a_family_given_to_a_practitioner_all_the_same_goes_on_while_spip_is_still_to_be_considered():
    life = Family().advised(PA="").add("2026-02-09", "court_timetabled", file_by="2026-07-31")
    life.add("2026-02-10", "practitioner_matched", by="SM1", practitioner="FCA3")
    decision = life.on("2026-02-10")
    assert decision.standing.label == "Awaiting first session"
    assert {"spip_consideration", "first_session"} <= set(owed(decision))


def test_both_parents_may_do_spip_as_well_each_on_a_pathway_of_their_own():
    life = Family().assessed(PA="", PB="")
    for party in ("PB", "PA"):
        life.add("2026-01-14", "spip_considered", party=party, decision="refer")
    spawned = {(spawn.reference, spawn.programme, spawn.party) for spawn in life.on("2026-01-14").spawned}
    assert spawned == {("SPIP-R1-1", "SPIP", "PA"), ("SPIP-R1-2", "SPIP", "PB")}


def test_the_manager_hears_who_has_room_best_first():
    life = Family(proposed=("FCA7", "FCA3", "FCA9", "FCA4")).advised()
    life.add("2026-02-09", "court_timetabled", file_by="2026-07-31")
    notice = next(n for n in life.on("2026-02-09").notices if n.wording == "match-wanted")
    assert (notice.fields["proposed"], notice.fields["due"]) == (["FCA7", "FCA3", "FCA9"], day("2026-02-16"))


def test_a_practitioner_is_asked_for_once_spip_was_considered_although_the_courts_time_was_known_before():
    life = Family().advised(PB="").add("2026-02-09", "court_timetabled", file_by="2026-07-31", told_already=True)
    life.add("2026-02-10", "spip_considered", party="PB", decision="not_refer", reason="time")
    [notice] = [n for n in life.on("2026-02-10").notices if n.wording == "match-wanted"]
    assert (notice.withheld, notice.occasion) == (None, f"match-wanted:{life.facts[-2].id}")


def test_a_manager_hears_of_another_answer_about_the_local_authority():
    life = Family().assessed()
    number = next(fact.id for fact in life.facts if fact.kind == "la_referral_considered")
    life.correct(number, "2026-01-19", referred=True, ground="section_47")
    [notice] = [n for n in life.on("2026-01-19").notices if n.wording == "la-considered"]
    assert notice.fields == {"answer": "referred", "ground": "section_47", "corrects": number}
    assert notice.occasion == f"la-considered:{number}:{life.facts[-1].id}"


# Sessions: the window and its alarms ----------------------------------------------------------------------------------


def alarms(decision: Decision) -> set[tuple[int, str, int]]:
    """The alarms that go out: of which week, to whom, and how many sessions it says are held."""
    said = [n for n in decision.notices if n.wording == "week-alarm" and not n.withheld]
    return {(n.fields["week"], n.to.code, n.fields["held"]) for n in said}


def test_at_weeks_eight_ten_and_twelve_the_practitioner_hears_and_at_twelve_the_manager_too():
    life, heard = Family().planned().held("CP-1", "CP-2", "CP-3"), {}
    for n in range(90):
        today = day("2026-03-24") + timedelta(days=n)
        if newly := alarms(life.on(today)):
            heard[today.isoformat()] = heard.get(today.isoformat(), set()) | newly
    first = {
        alarm: min(today for today, some in heard.items() if alarm in some) for some in heard.values() for alarm in some
    }
    assert first == {
        (8, "FCA3", 3): "2026-04-21", (10, "FCA3", 3): "2026-05-05", (12, "FCA3", 3): "2026-05-19", (12, "SM1", 3): "2026-05-19",
    }  # fmt: skip


def test_after_an_outage_only_the_current_alarm_goes_out():
    life = Family().planned().held("CP-1")
    assert alarms(life.on("2026-05-08")) == {(10, "FCA3", 1)}
    assert alarms(life.on("2026-06-08")) == {(12, "FCA3", 1), (12, "SM1", 1)}
    said = {n.fields["week"]: n.withheld for n in life.on("2026-05-08").notices if n.wording == "week-alarm"}
    assert said == {8: "overtaken", 10: None}


def test_an_alarm_counts_the_sessions_known_on_its_day():
    life = Family().planned().held("CP-1").held("CP-2", recorded="2026-04-22")
    assert alarms(life.on("2026-04-22")) == {(8, "FCA3", 1)}


def test_with_all_sessions_held_no_alarm_is_raised():
    assert alarms(Family().completed().on("2026-06-30")) == set()


def test_a_first_session_recorded_late_takes_back_no_alarm():
    life = Family().planned().held("CP-2", recorded="2026-03-09")
    life.add("2026-05-02", "practitioner_matched", by="SM1", practitioner="FCA2")
    before = {(n.to.code, n.occasion) for n in life.on("2026-05-05").notices}
    assert ("FCA2", "week-alarm:17:8") in before
    life.held("CP-1", recorded="2026-05-06")
    assert before <= {(n.to.code, n.occasion) for n in life.on("2026-05-06").notices}


def test_days_on_hold_are_not_counted_in_weeks():
    life = Family().planned().held("CP-1").add("2026-03-02", "held", reason="party_unwell")
    life.add("2026-03-16", "released")
    assert owed(life.on("2026-03-16"))["sessions"] == ("FCA3", "2026-06-01")
    assert alarms(life.on("2026-05-04")) == set()
    assert alarms(life.on("2026-05-05")) == {(8, "FCA3", 1)}


def test_the_joint_meeting_is_due_by_week_ten():
    life = Family().planned().held("CP-1", "CP-2", "CP-3")
    assert owed(life.on("2026-05-04"))["joint_meeting"] == ("FCA3", "2026-05-04")
    assert stands(life, "2026-05-04") == ("in_programme", "Awaiting session 4")
    assert stands(life, "2026-05-05") == ("joint_meeting_due", "Awaiting joint meeting")


def test_a_joint_meeting_held_late_or_waived_goes_back_to_the_programme():
    waived = Family().planned().held("CP-1", "CP-2", "CP-3").add("2026-05-06", "joint_meeting_waived", reason="unsafe")
    assert stands(waived, "2026-05-06") == ("in_programme", "Awaiting session 4")
    held = Family().planned().held("CP-1").moved("2026-05-01", "CP-4", "2026-05-07")
    held.add("2026-05-07", "session_held", session="CP-4")
    assert stands(held, "2026-05-07") == ("in_programme", "Awaiting session 3")


def test_four_sessions_without_a_joint_one_are_not_yet_the_programme():
    life = Family().planned().held("CP-1", "CP-2", "CP-3")
    life.add("2026-04-10", "session_called_off", session="CP-4")
    life.set_session("2026-04-10", "CP-5", "2026-04-13", "parent").add("2026-04-13", "session_held", session="CP-5")
    assert stands(life, "2026-04-13") == ("in_programme", "Awaiting the session due")
    assert life.refuses("2026-04-14", "outcome_recorded", outcome="agreement")
    life.add("2026-04-15", "joint_meeting_waived", reason="not_helpful")
    assert stands(life, "2026-04-15") == ("report_due", "Awaiting court report")


def test_nor_are_four_without_the_child():
    life = Family().planned().held("CP-1", "CP-2").add("2026-03-20", "session_called_off", session="CP-3")
    life.set_session("2026-03-24", "CP-5", "2026-03-30", "joint").add("2026-03-30", "session_held", session="CP-5")
    assert stands(life.held("CP-4"), "2026-04-13") == ("in_programme", "Awaiting the session due")
    assert "child_letter" not in owed(life.on("2026-04-13"))
    assert life.refuses("2026-04-14", "child_letter_shared")
    life.set_session("2026-04-14", "CP-6", "2026-04-20", "child").add("2026-04-20", "session_held", session="CP-6")
    assert stands(life, "2026-04-20") == ("report_due", "Awaiting court report")
    assert owed(life.on("2026-04-20"))["child_letter"] == ("FCA3", "2026-05-05")


def test_when_the_window_is_over_it_is_extended_or_stops():
    life = Family().planned().held("CP-1", "CP-2", "CP-3")
    assert "extension_or_stop" not in owed(life.on("2026-05-18"))
    assert owed(life.on("2026-05-19"))["extension_or_stop"] == ("FCA3", "2026-05-26")
    life.add("2026-05-21", "extension_granted", until="2026-06-15")
    decision = life.on("2026-05-21")
    assert "extension_or_stop" not in owed(decision)
    assert owed(decision)["sessions"] == ("FCA3", "2026-06-15")


def test_a_second_extension_runs_from_the_first():
    life = Family().planned().held("CP-1").add("2026-05-11", "extension_granted", until="2026-06-15")
    assert "extension_or_stop" not in owed(life.on("2026-06-15"))
    assert owed(life.on("2026-06-16"))["extension_or_stop"] == ("FCA3", "2026-06-22")
    life.add("2026-06-18", "extension_granted", until="2026-07-20")
    assert owed(life.on("2026-06-18"))["sessions"] == ("FCA3", "2026-07-20")
    assert owed(life.on("2026-07-21"))["extension_or_stop"][0] == "FCA3"


def test_an_extension_that_gives_less_time_takes_none_away():
    life = Family().planned().held("CP-1").add("2026-05-11", "extension_granted", until="2026-05-15")
    assert owed(life.on("2026-05-11"))["sessions"] == ("FCA3", "2026-05-18")


def test_sessions_completed_after_the_window_answer_it_too():
    life = Family().planned().held("CP-1", "CP-2", "CP-3").moved("2026-04-13", "CP-4", "2026-05-20")
    life.add("2026-05-20", "session_held", session="CP-4")
    asked = next(d for d in life.on("2026-05-20").duties.values() if d.kind == "extension_or_stop")
    assert (asked.state, asked.closed_on) == ("met", day("2026-05-20"))


# Sessions: each one ---------------------------------------------------------------------------------------------------


def calendar(decision: Decision) -> list[tuple[str, str, str, int]]:
    """What is said of sessions: to whom, how, of which, and in which place of its order."""
    said = [n for n in decision.notices if n.wording.startswith("session-")]
    return sorted((n.fields["session"], n.fields["sequence"], n.to.code, n.wording) for n in said)


def test_a_session_that_slipped_is_moved_with_its_invitation():
    life = Family().planned().held("CP-1")
    assert owed(life.on("2026-03-10"))["session_result"] == ("FCA3", "2026-03-11")
    life.moved("2026-03-11", "CP-2", "2026-03-16")
    decision = life.on("2026-03-11")
    assert "session_result" not in owed(decision)
    assert ("CP-2", 1, "FCA3", "session-moved") in calendar(decision)
    moved = next(n for n in decision.notices if n.wording == "session-moved")
    assert (moved.fields["starts"], moved.withheld) == ("2026-03-16T12:00:00+00:00", None)
    assert owed(life.on("2026-03-17"))["session_result"] == ("FCA3", "2026-03-18")


def test_a_session_moved_in_time_owes_nothing_on_its_old_day():
    life = Family().planned().held("CP-1").moved("2026-03-05", "CP-2", "2026-03-16")
    assert "session_result" not in {duty.kind for duty in life.on("2026-03-12").duties.values()}


def test_an_older_move_is_not_put_after_a_newer_one():
    life = Family().planned().moved("2026-03-05", "CP-2", "2026-03-16")
    times = {"starts_at": "2026-03-20T12:00:00Z", "ends_at": "2026-03-20T13:00:00Z"}
    assert life.refuses("2026-03-04", "session_moved", recorded="2026-03-06", session="CP-2", **times)


def test_a_session_called_off_leaves_the_calendar_and_may_be_set_anew_under_another_code():
    life = Family().planned().add("2026-02-20", "session_called_off", session="CP-1")
    decision = life.on("2026-02-20")
    assert [said for said in calendar(decision) if said[0] == "CP-1"] == [
        ("CP-1", 0, "FCA3", "session-set"), ("CP-1", 1, "FCA3", "session-called-off"),
    ]  # fmt: skip
    assert life.refuses("2026-02-23", "session_held", session="CP-1")
    life.set_session("2026-02-20", "CP-5", "2026-02-25").add("2026-02-25", "session_held", session="CP-5")
    assert stands(life, "2026-02-25") == ("in_programme", "Awaiting session 2")


def test_silence_is_not_attendance():
    life = Family().planned().held("CP-1")
    decision = life.on("2027-02-23")
    assert decision.standing.state == "joint_meeting_due"
    open_results = [duty for duty in decision.duties.values() if duty.kind == "session_result"]
    assert [(duty.opened_on.isoformat(), duty.state) for duty in open_results] == [
        ("2026-03-09", "open"), ("2026-03-23", "open"), ("2026-04-13", "open"),
    ]  # fmt: skip


def test_a_session_is_held_on_the_day_it_is_set_for():
    life = Family().planned()
    assert life.refuses("2026-02-24", "session_held", session="CP-1")
    life.moved("2026-02-24", "CP-1", "2026-02-24").add("2026-02-24", "session_held", session="CP-1")
    assert stands(life, "2026-02-24") == ("in_programme", "Awaiting session 2")


def test_a_session_known_only_after_it_was_held_is_no_news_to_a_calendar():
    life = Family().matched().set_session("2026-02-12", "CP-1", "2026-02-23", recorded="2026-03-02")
    notice = next(n for n in life.on("2026-03-02").notices if n.wording == "session-set")
    assert notice.withheld == "overtaken"


def test_a_new_practitioner_takes_over_the_sessions_still_to_come():
    life = Family().planned().held("CP-1").add("2026-03-10", "practitioner_matched", by="SM1", practitioner="FCA2")
    decision = life.on("2026-03-10")
    assert {("FCA2", "matched"), ("FCA3", "referral-withdrawn")} <= told(decision)
    ours = calendar(decision)
    for session in ("CP-3", "CP-4"):
        assert [said[1:] for said in ours if said[0] == session] == [
            (0, "FCA3", "session-set"), (1, "FCA3", "session-called-off"), (2, "FCA2", "session-set"),
        ]  # fmt: skip
    assert [said[1:] for said in ours if said[0] == "CP-2"] == [(0, "FCA3", "session-set")]  # 9 March is over
    assert owed(decision)["sessions"][0] == owed(decision)["session_result"][0] == "FCA2"


def test_a_session_that_slipped_before_the_change_reaches_the_new_practitioner_when_it_is_moved():
    life = Family().planned().held("CP-1").add("2026-03-10", "practitioner_matched", by="SM1", practitioner="FCA2")
    said = calendar(life.moved("2026-03-11", "CP-2", "2026-03-16").on("2026-03-11"))
    assert ("CP-2", 1, "FCA2", "session-moved") in said


def test_a_change_of_practitioner_recorded_late_takes_over_what_was_set_meanwhile():
    life = Family().matched().set_session("2026-02-20", "CP-9", "2026-03-02")
    life.add("2026-02-18", "practitioner_matched", recorded="2026-02-24", by="SM1", practitioner="FCA2")
    assert [said[1:] for said in calendar(life.on("2026-02-24"))] == [
        (0, "FCA3", "session-set"), (1, "FCA3", "session-called-off"), (2, "FCA2", "session-set"),
    ]  # fmt: skip


def test_it_is_given_on_in_turn_and_to_somebody_else():
    life = Family().matched()
    assert life.refuses("2026-02-12", "practitioner_matched", by="SM1", practitioner="FCA3")
    assert life.refuses("2026-02-10", "practitioner_matched", recorded="2026-02-12", by="SM1", practitioner="FCA2")


def test_after_an_outage_a_calendar_hears_only_how_things_stand():
    life = Family().planned().moved("2026-02-16", "CP-1", "2026-02-24").moved("2026-02-17", "CP-1", "2026-02-25")
    said = [n for n in life.on("2026-02-18").notices if n.fields.get("session") == "CP-1"]
    assert [(n.fields["sequence"], n.withheld) for n in said] == [(0, "overtaken"), (1, "overtaken"), (2, None)]


def letters(decision: Decision) -> dict[str, tuple[str, str, str]]:
    return {
        d.key.removeprefix("letter_session:"): (d.owed_by.code, d.due_on.isoformat(), d.state)
        for d in decision.duties.values()
        if d.kind == "letter_session"
    }


def test_parents_are_told_of_sessions_by_letter_where_that_was_chosen():
    assert letters(Family().planned().on("2026-02-12")) == {}
    life = Family().matched().set_session("2026-02-12", "CP-1", "2026-02-23", letters=True)
    assert letters(life.on("2026-02-12")) == {"18:CP-1": ("BS1", "2026-02-16", "open")}
    life.add("2026-02-13", "session_letter_sent", session="CP-1").moved("2026-02-17", "CP-1", "2026-02-26")
    assert letters(life.on("2026-02-17")) == {
        "18:CP-1": ("BS1", "2026-02-16", "met"), "20:CP-1": ("BS1", "2026-02-19", "open"),
    }  # fmt: skip


def test_a_letter_that_a_session_is_off_is_owed_after_the_end_and_can_be_recorded():
    life = Family().matched().set_session("2026-02-12", "CP-1", "2026-02-23", letters=True)
    life.add("2026-02-13", "session_letter_sent", session="CP-1").add("2026-02-17", "withdrawn", reason="transferred")
    decision = life.on("2026-02-18")
    assert ("CP-1", 1, "FCA3", "session-called-off") in calendar(decision)
    assert letters(decision)["20:CP-1"] == ("BS1", "2026-02-19", "open")
    life.add("2026-02-18", "session_letter_sent", session="CP-1")
    assert letters(life.on("2026-02-18"))["20:CP-1"][2] == "met"


# Risks, withdrawal, stop ----------------------------------------------------------------------------------------------


def test_a_risk_before_the_court_was_advised_that_makes_it_unsuitable_closes_it():
    life = Family().agreed().add("2026-01-24", "risk_raised")
    assert stands(life, "2026-01-24") == ("safeguarding_hold", "On hold: awaiting risk review")
    life.add("2026-01-26", "risk_reviewed", decision="unsuitable")
    standing = life.on("2026-01-26").standing
    assert (standing.state, standing.reason) == ("closed_unsuitable", "unsuitable_risk")


STOPS = [
    ("consent_withdrawn", {"party": "PB"}, "consent_withdrawn"),
    ("programme_stopped", {"reason": "no_time_left"}, "no_time_left"),
    ("risk_reviewed", {"decision": "unsuitable"}, "safety_stop"),
]


@pytest.mark.parametrize(("kind", "details", "reason"), STOPS)
def test_what_stops_it_once_the_court_waits_is_told_to_the_court_and_only_then_is_it_closed(
    kind: str, details: dict[str, str], reason: str
):
    life = Family().planned().held("CP-1")
    if kind == "risk_reviewed":
        life.add("2026-03-01", "risk_raised")
    life.add("2026-03-02", kind, **details)
    decision = life.on("2026-03-02")
    assert (decision.standing.state, decision.standing.label) == ("in_programme", "Awaiting court note")
    assert owed(decision) == {"court_note": ("FCA1", "2026-03-09"), "letter_referral_ended": ("BS1", "2026-03-04")}
    assert {("FCA1", "paper-to-sign"), ("FCA3", "referral-withdrawn")} <= told(decision)
    off = {session for session, _, to, wording in calendar(decision) if (to, wording) == ("FCA3", "session-called-off")}
    assert off == {"CP-2", "CP-3", "CP-4"}
    life.add("2026-03-05", "court_paper_signed", paper="note", signed_by="FCA1")
    standing = life.on("2026-03-05").standing
    assert (standing.state, standing.reason, standing.since) == ("closed_stopped", reason, day("2026-03-05"))


def test_where_proceedings_end_first_no_note_is_owed_any_more():
    life = Family().planned().add("2026-03-02", "consent_withdrawn", party="PA")
    assert life.add("2026-03-04", "proceedings_ended").on("2026-03-04").standing.state == "closed_stopped"


def test_a_risk_that_lets_it_go_on_gives_back_the_time_there_was():
    life = Family().planned().held("CP-1").add("2026-03-02", "risk_raised")
    held = life.on("2026-03-03")
    assert {("FCA1", "new-risk"), ("FCA3", "referral-paused")} <= told(held)
    assert life.refuses(
        "2026-03-03",
        "session_set",
        session="CP-7",
        sitting="child",
        starts_at="2026-03-30T12:00:00Z",
        ends_at="2026-03-30T13:00:00Z",
    )
    life.add("2026-03-09", "risk_reviewed", decision="continue")
    decision = life.on("2026-03-09")
    assert ("FCA3", "referral-resumed") in told(decision)
    assert owed(decision)["sessions"] == ("FCA3", "2026-05-25")


def test_no_advice_or_report_goes_to_the_court_under_a_new_risk():
    life = Family().agreed().add("2026-01-26", "risk_raised")
    assert life.refuses("2026-01-27", "court_paper_signed", paper="advice", signed_by="FCA1")
    life = (
        Family().completed().add("2026-04-15", "outcome_recorded", outcome="agreement").add("2026-04-16", "risk_raised")
    )
    assert life.refuses("2026-04-17", "court_paper_signed", paper="report", signed_by="FCA3")
    life.add("2026-04-17", "risk_reviewed", decision="continue")
    assert not life.refuses("2026-04-17", "court_paper_signed", paper="report", signed_by="FCA3")


def test_an_alarm_that_was_raised_during_an_outage_after_the_end_is_not_said():
    life = Family().planned().held("CP-1").add("2026-04-20", "consent_withdrawn", party="PA")
    life.add("2026-04-21", "court_paper_signed", paper="note", signed_by="FCA1")
    assert not {n for n in life.on("2026-06-01").notices if n.wording == "week-alarm"}


# Report and tracking --------------------------------------------------------------------------------------------------


def test_the_report_is_due_ten_working_days_after_the_last_session_or_by_the_courts_date():
    assert owed(Family().completed().on("2026-04-13"))["court_report"] == ("FCA3", "2026-04-27")
    by_the_court = Family().completed(file_by="2026-04-17").on("2026-04-13")
    assert owed(by_the_court)["court_report"] == owed(by_the_court)["outcome"] == ("FCA3", "2026-04-17")
    late = Family().completed(file_by="2026-04-01").on("2026-04-13")
    assert owed(late)["court_report"] == ("FCA3", "2026-04-13")


def test_the_outcome_is_that_of_all_the_sessions():
    life = Family().planned().held("CP-1", "CP-2", "CP-3")
    assert life.refuses("2026-04-01", "outcome_recorded", outcome="agreement")
    life.held("CP-4")
    assert life.refuses("2026-04-12", "outcome_recorded", recorded="2026-04-14", outcome="agreement")
    life.add("2026-04-13", "outcome_recorded", recorded="2026-04-14", outcome="agreement")
    assert "outcome" not in owed(life.on("2026-04-14"))


def test_sessions_recorded_out_of_order_complete_it_when_the_last_becomes_known():
    life = Family().planned().held("CP-1", "CP-3", "CP-4").held("CP-2", recorded="2026-04-16")
    decision = life.on("2026-04-16")
    report = next(duty for duty in decision.duties.values() if duty.kind == "court_report")
    assert (report.opened_on, report.due_on) == (day("2026-04-16"), day("2026-04-30"))
    keys = set(decision.duties)
    life.set_session("2026-04-16", "CP-9", "2026-04-16", "child").add("2026-04-16", "session_held", session="CP-9")
    assert keys <= set(life.on("2026-04-16").duties)


def test_no_report_without_its_outcome_and_only_one():
    life = Family().completed()
    assert life.refuses("2026-04-14", "court_paper_signed", paper="report", signed_by="FCA3")
    life = Family().reported()
    assert life.refuses("2026-04-22", "court_paper_signed", paper="report", signed_by="FCA3")
    assert life.refuses("2026-04-22", "practitioner_matched", by="SM1", practitioner="FCA2")


def test_a_practitioner_who_takes_over_the_report_owes_it():
    life = Family().completed().add("2026-04-15", "practitioner_matched", by="SM1", practitioner="FCA2")
    decision = life.on("2026-04-15")
    assert owed(decision)["court_report"][0] == "FCA2"
    assert ("FCA3", "paper-to-sign") in told(decision)


@pytest.mark.parametrize(
    ("outcome", "state"), [("agreement", "closed_agreement"), ("recommendations", "closed_no_agreement")]
)
def test_for_two_years_it_is_watched_what_followed(outcome: str, state: str):
    life = Family().reported(outcome)
    assert life.on("2026-04-20").standing.on.code == "RA1"
    assert owed(life.on("2026-04-20")) == {
        "six_month_review": ("RA1", "2026-10-20"),
        "child_letter": ("FCA3", "2026-04-08"),
    }
    assert stands(life, "2028-04-20") == ("tracking", "Awaiting six month review")
    standing = life.on("2028-12-01").standing
    assert (standing.state, standing.reason, standing.since) == (state, "completed", day("2028-04-21"))


def test_a_report_of_which_is_heard_only_after_two_years_closes_it_on_that_day_and_not_before():
    life = Family().completed().add("2026-04-15", "outcome_recorded", outcome="agreement")
    life.add("2026-04-20", "court_paper_signed", "2028-09-01", paper="report", signed_by="FCA3")
    standing = life.on("2028-09-01").standing
    assert (standing.state, standing.since) == ("closed_agreement", day("2028-09-01"))


def test_proceedings_that_end_before_the_report_stop_it():
    standing = Family().completed().add("2026-04-15", "proceedings_ended").on("2026-04-15").standing
    assert (standing.state, standing.reason) == ("closed_stopped", "proceedings_ended")


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("proceedings_ended", {}),
        ("risk_raised", {}),
        ("held", {"reason": "other"}),
        ("withdrawn", {"reason": "data_error"}),
    ],
)
def test_after_the_report_nothing_stops_the_tracking(kind: str, details: dict[str, str]):
    life = Family().reported().add("2026-05-04", kind, **details)
    assert stands(life, "2026-05-04") == ("tracking", "Awaiting six month review")
    assert stands(life, "2028-04-21")[0] == "closed_agreement"


def test_what_was_known_elsewhere_is_not_said_again_but_a_running_alarm_is():
    life = Family(told_already=True)
    for kind, details in (
        ("further_work_ordered", {"work": "section_7"}), ("assessment_opened", {}),
        *[("criterion_assessed", {"criterion": one, "met": True}) for one in CRITERIA],
        ("la_referral_considered", {"referred": False, "ground": "threshold_not_met"}), ("suitability_decided", {"suitable": True}),
        *[("spip_considered", {"party": p, "decision": "not_refer", "reason": "time"}) for p in ("PA", "PB")],
        ("programme_offered", {}), ("consent_given", {"party": "PA"}), ("consent_given", {"party": "PB"}),
        ("court_paper_signed", {"paper": "advice", "signed_by": "FCA1"}), ("court_timetabled", {"file_by": "2026-07-31"}),
        ("practitioner_matched", {"practitioner": "FCA3", "by": "SM1"}),
    ):  # fmt: skip
        life.add("2026-01-05", kind, recorded="2026-04-27", told_already=True, **details)
    life.set_session("2026-01-06", "CP-1", "2026-01-12", recorded="2026-04-27", told_already=True)
    life.add("2026-01-12", "session_held", recorded="2026-04-27", session="CP-1", told_already=True)
    said = {n.wording: n.withheld for n in life.on("2026-04-27").notices}
    assert said.pop("week-alarm") is None
    assert set(said.values()) == {"told already"}


# The promise ----------------------------------------------------------------------------------------------------------
