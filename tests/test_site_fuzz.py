"""Whatever is sent to the site, it answers with a page: no request of thousands ends in an error of ours."""

import re
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from models import tables as t
from store.migrate import migrate
from store.strand import strand
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
    migrate(strand(made.settings), restricted=True)
    return made


def names_of(site: OpenSite, pages: Any) -> list[str]:
    """The names of the fields of the forms that are there."""
    shown = [pages.get(path).text for path in ("/owed", "/link", "/code", "/upload", "/accreditation", "/concerns")]
    shown += [pages.get(f"/owed/{row.id}").text for row in site.office.rows(t.DutyRow)]
    return sorted({name for text in shown for name in re.findall(r' name="([^"]+)"', text)})


@st.composite
def requests(draw: DrawFn, routes: list[APIRoute], names: list[str]) -> dict[str, Any]:
    """A request of one of the routes, or of anywhere; with fields of ours and others."""
    route = draw(st.sampled_from(routes))
    part = st.one_of(ODD, st.sampled_from(["1", "2", "3", "SPIP-D1"]))
    path = re.sub(r"{\w+}", lambda _: quote(draw(part), safe="") or "x", route.path)
    fields = draw(st.dictionaries(st.one_of(st.sampled_from(names), ODD), ODD, max_size=8))
    made: dict[str, Any] = {
        "method": draw(st.sampled_from([*route.methods, "POST", "GET", "HEAD", "PUT"])),
        "url": path,
        "params": draw(
            st.dictionaries(
                st.sampled_from(["then", "about", "over", "number", "stands", "reference"]), ODD, max_size=3
            )
        ),
    }
    kind = draw(st.sampled_from(["form", "form", "form", "file", "raw"]))
    if kind == "raw":
        made |= {"content": draw(st.binary(max_size=300)), "headers": {"content-type": draw(st.sampled_from(TYPES))}}
    elif kind == "file":
        made |= {
            "data": fields,
            "files": {draw(st.sampled_from(["file", *names])): (draw(NAME), draw(st.binary(max_size=400)))},
        }
    else:
        made["data"] = fields
    return made


TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "text/csv",
]
NAME = st.sampled_from(["a.csv", "a.xlsx", "a.png", "\u2603.csv", "x" * 300])
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

    asked()
    assert sum(ended.values()) >= 5000
    assert {200, 303, 403, 404, 422} <= ended.keys(), ended


def _browser(site: OpenSite, who: str) -> Any:
    if who == "none":
        return site.browser()
    role, code = ("staff", "FCA1") if "staff" in who else ("provider", "P1")
    return site.enter(role, code, verified=who.startswith("verified"))
