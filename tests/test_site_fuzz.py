"""Whatever is sent to the site, it answers with a page: no request of thousands ends in an error of ours."""

import re
from collections import Counter
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from models import tables as t
from store.strand import strand
from tests.fresh import with_tables
from tests.site import OpenSite
from tests.world import Office, empty

REQUESTS, AT_ONCE = 5200, 20
ODD = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["\0", "\ud7ff", "0", "-1", "9" * 40, "' OR 1=1 --", "%", "../../etc/passwd", "=1+1", "<script>", "//x"]),
    st.sampled_from(["SPIP-D1", "P1", "FCA1", "attended", "absent", "31", "2026", "18:00", "GRP-1", "yes"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> OpenSite:
    folder = tmp_path_factory.mktemp("fuzz")
    office = Office(empty(f"sqlite:///{folder / 'pathways.db'}")).case().case("CASE2", ("PC", "PD"))
    office.opens()
    office.opens("DVPP-D2", "PC", case="CASE2")
    office.awaiting_report().round("2026-01-26")
    made = OpenSite(office, folder, "2026-01-26")
    with_tables(strand(made.settings), restricted=True)
    return made


def names_of(site: OpenSite, pages: Any) -> list[str]:
    """The names of the fields of the forms that are there."""
    shown = [pages.get(path).text for path in ("/owed", "/link", "/code", "/upload", "/accreditation", "/concerns")]
    shown += [pages.get(f"/owed/{row.id}").text for row in site.office.rows(t.DutyRow)]
    return sorted({name for text in shown for name in re.findall(r' name="([^"]+)"', text)})


TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "text/csv",
]
NAME = st.sampled_from(["a.csv", "a.xlsx", "a.png", "\u2603.csv", "x" * 300])
PART = st.one_of(ODD, st.sampled_from(["1", "2", "3", "SPIP-D1"]))
PARAMS = st.dictionaries(st.sampled_from(["then", "about", "over", "number", "stands", "reference"]), ODD, max_size=3)
RAW = st.fixed_dictionaries({
    "content": st.binary(max_size=300), "headers": st.fixed_dictionaries({"content-type": st.sampled_from(TYPES)}),
})  # fmt: skip


def requests(routes: list[APIRoute], names: list[str]) -> SearchStrategy[dict[str, Any]]:
    """Requests of one of the routes; with fields of ours and others. Put together once: that takes longer than to ask."""
    fields = st.dictionaries(st.one_of(st.sampled_from(names), ODD), ODD, max_size=8)
    file = st.tuples(NAME, st.binary(max_size=400))
    form = st.fixed_dictionaries({"data": fields})
    named = st.dictionaries(st.sampled_from(["file", *names]), file, min_size=1, max_size=1)
    sent = st.one_of(form, form, form, st.fixed_dictionaries({"data": fields, "files": named}), RAW)
    asked = [(route, method) for route in routes for method in (*route.methods, "POST", "GET", "HEAD", "PUT")]
    return st.builds(_request, st.sampled_from(asked), st.tuples(PART, PART), PARAMS, sent)


def _request(
    asked: tuple[APIRoute, str], parts: tuple[str, str], params: dict[str, str], sent: dict[str, Any]
) -> dict[str, Any]:
    route, method = asked
    given = iter(parts)
    path = re.sub(r"{\w+}", lambda _: quote(next(given), safe="") or "x", route.path)
    return {"method": method, "url": path, "params": params, **sent}


WHO = ("none", "provider", "verified provider", "staff", "verified staff")


def test_no_request_of_thousands_ends_in_an_error_of_ours(site: OpenSite) -> None:
    routes = site.routes()
    browsers = {who: _browser(site, who) for who in WHO}
    names = names_of(site, browsers["verified provider"])
    tokens = {who: pages.token() for who, pages in browsers.items()}
    ended: Counter[int] = Counter()

    @settings(
        max_examples=REQUESTS // AT_ONCE,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(
            st.tuples(st.sampled_from(WHO), st.booleans(), requests(routes, names)), min_size=AT_ONCE, max_size=AT_ONCE
        )
    )
    def asked(some: list[tuple[str, bool, dict[str, Any]]]) -> None:
        for who, honest, request in some:
            if honest and "data" in request:
                request["data"]["token"] = tokens[who]
            if request["url"].startswith("/sign-out"):  # everybody else would be out with it
                request["data"] = {"token": "no"}
            answer = browsers[who].client.request(**request, follow_redirects=False)
            ended[answer.status_code] += 1
            no_mail = (
                answer.status_code == 503 and "The code could not be sent" in answer.text
            )  # there is no channel here
            assert answer.status_code < 500 or no_mail, (who, request)
            assert "Traceback" not in answer.text

    with ExitStack() as open_at_once:  # one loop for all requests of a browser, where each would start its own
        for pages in browsers.values():
            open_at_once.enter_context(pages.client)
        asked()
    assert sum(ended.values()) >= 5000
    assert {200, 303, 403, 404, 422} <= ended.keys(), ended


def _browser(site: OpenSite, who: str) -> Any:
    if who == "none":
        return site.browser()
    role, code = ("staff", "FCA1") if "staff" in who else ("provider", "P1")
    return site.enter(role, code, verified=who.startswith("verified"))
