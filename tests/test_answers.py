"""What may be answered to what is owed: nothing owed is without an answer, and each answer makes a sound fact."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models import tables as t
from models.answers import ANSWERS, answers_to, choices, in_one_word, kinds_of
from models.facts import payload_fields
from samples import load_samples
from tests.site import OpenSite
from tests.world import Office, empty

FLOWS = Path(__file__).parents[1]
STORIES = ("flows/spip.py", "flows/dvpp.py", "flows/cppp.py", "flows/steps.py", "models/decide.py", "models/pathway.py")
FILES = [FLOWS / name for name in STORIES]
OWED = {kind for f in FILES for kind in re.findall(r'(?:owe|wait_for|_owe)\(\s*"(\w+)"', f.read_text(encoding="utf-8"))}


def test_whatever_a_pathway_owes_can_be_answered() -> None:
    assert len(OWED) > 30 and not OWED - ANSWERS.keys()


@pytest.mark.parametrize("duty", sorted(ANSWERS))
def test_what_an_answer_says_and_asks_are_details_of_its_fact(duty: str) -> None:
    for answer in answers_to(duty, "service_manager"):
        assert {*answer.given, *answer.asks} <= payload_fields(answer.fact).keys()
        for name, value in answer.given.items():
            assert not choices(answer, name) or value in choices(answer, name)


def test_a_link_alone_answers_dates_and_attendance_codes_and_nothing_else() -> None:
    by_link = {kind for duty in ANSWERS for kind in {a.fact.kind for a in ANSWERS[duty] if a.by_link}}
    assert by_link == {"attendance_reported", "weekly_attendance", "session_booked", "session_cancelled"}


def test_one_choice_says_why_somebody_missed_a_session() -> None:
    offered = {value: says for value, says, _, _ in in_one_word("attendance_report", by_link=True)}
    assert offered["absent.illness"] == "Did not attend: illness"
    assert {"attended", "late", "part.left_early", "cancelled.provider"} <= offered.keys()


def test_every_kind_that_answers_a_duty_is_counted_when_two_answer_at_once() -> None:
    assert kinds_of("attendance_report") == {"attendance_reported", "session_cancelled"}


# Every duty of the samples ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def caseload(tmp_path_factory: pytest.TempPathFactory) -> OpenSite:
    """The fictional caseload, a round after it was loaded."""
    folder = tmp_path_factory.mktemp("caseload")
    engine = empty(f"sqlite:///{folder / 'pathways.db'}")
    now = datetime.now(UTC)
    site = OpenSite(Office.at(engine), folder, now.date())
    load_samples(engine, now, site.settings)
    site.office.round(now.date())
    site.at(now.replace(hour=22))
    return site


def filled_in(page: str, number: int) -> dict[str, str]:
    """A form as somebody in a hurry fills it in: the first answer, the first choice, yesterday, an evening."""
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    names = dict.fromkeys(re.findall(r'name="([a-z_]+(?:-[a-z_]+)*)"', page))
    radios: dict[str, str] = {}
    for tag in re.findall(r'<input class="govuk-radios__input"[^>]*>', page):
        name, value = re.search(r'name="([^"]+)"', tag)[1], re.search(r'value="([^"]+)"', tag)[1]
        radios.setdefault(name, value)
    day = datetime.now(UTC).date() - timedelta(days=1)
    later = datetime.now(UTC).date() + timedelta(days=20)
    for name in names:
        if name.startswith("again-") or name in form:
            continue
        on = later if "times" in name or "until" in name or "file_by" in name else day
        part = {"day": str(on.day), "month": str(on.month), "year": str(on.year), "from": "18:00", "to": "20:00"}
        form[name] = (
            radios.get(name) or part.get(name.rpartition("-")[2]) or ("26" if "weeks" in name else f"GRP-{number}")
        )
    return form


def test_every_duty_of_the_samples_is_answered_by_its_owner_or_refused_with_a_sentence(caseload: OpenSite) -> None:
    roles = {row.code: "provider" for row in caseload.office.rows(t.Provider)}
    pages = {}
    ended = {"receipt": 0, "refused": 0}
    for duty in caseload.office.rows(t.DutyRow, state="open"):
        if duty.paused:
            continue
        code = duty.on_code
        if code not in pages:
            pages[code] = caseload.enter(roles.get(code, "staff"), code, verified=True)
        browser = pages[code]
        shown = browser.get(f"/owed/{duty.id}")
        if shown.status_code == 404:  # an answer before this one has met it as well
            continue
        assert shown.status_code == 200, (duty, shown.text)
        done = browser.client.post(f"/owed/{duty.id}", data=filled_in(shown.text, duty.id))
        assert done.status_code in (200, 422), (duty, done.status_code)
        ended["receipt" if "/receipts/" in str(done.url) else "refused"] += 1
        if done.status_code == 422:
            assert 'class="govuk-error-summary"' in done.text
            print(
                duty.pathway,
                duty.kind,
                re.findall(r'error-summary__list">(.*?)</ul', done.text, re.S)[0]
                .split("</a")[0]
                .split(">")[-1]
                .strip(),
            )
    assert ended["receipt"] > 120 and ended["refused"] < ended["receipt"] / 4, ended
