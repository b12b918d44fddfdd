"""The threat model: what it says protects is there, and the test it names for it is one. And access to Prefect."""

import ast
import re
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.prefect_server import Refused, check
from local.stack import NOBODY, certificates
from settings import Settings
from tasks.nudge import nudge, run_now
from tests.test_channels import certificate

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| T\d+", line)]
NAMED = sorted(set(re.findall(r"`(tests/\w+\.py)::(\w+)`", PAGE)))


@cache
def _tests_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_test_that_the_threat_model_names_is_there(file: str, name: str):
    assert name in _tests_of(file)


def test_each_threat_has_an_answer_a_place_and_a_test():
    numbers = [int(re.match(r"T(\d+)", row[0])[1]) for row in ROWS]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 20
    for row in ROWS:
        assert len(row) == 4, row
        threat, _, where, shown = row
        assert "`" in where, threat
        assert "::" in shown, f"nothing shows the answer to {threat}"
        for path in re.findall(r"`([\w./-]+)`", where):
            assert (ROOT / path).exists(), f"{path} of {threat}"


def test_what_is_not_answered_is_said():
    left = PAGE.partition("## What is left")[2].lower()
    for risk in ("--by", "half an hour", "mailbox", "loopback", "shell"):
        assert risk in left


def test_every_dependency_is_pinned_with_its_hash():
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = re.sub(r"^\s*#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        wanted = re.split(r"\n(?=\S)", text.strip())
        assert len(wanted) > 10
        for one in wanted:
            assert re.match(r"[\w.\[\]-]+==\S+", one) and "--hash=sha256:" in one, one
    assert (ROOT / "Makefile").read_text(encoding="utf-8").count("--require-hashes") >= 2


# Prefect's server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.4", "prefect.internal", ""])
@pytest.mark.parametrize("password", [None, "", "nocolon"])
def test_prefects_server_is_not_started_where_others_reach_it_without_a_password(host: str, password: str | None):
    with pytest.raises(Refused, match="PREFECT_SERVER_API_AUTH_STRING=name:password"):
        check(host, password)
    check(host, "ops:a long word")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_alone_it_needs_none(host: str):
    check(host, None)


class Guarded(BaseHTTPRequestHandler):
    """An API that asks for a password, as Prefect's does, and gives what it is asked for."""

    wanted = f"Basic {b64encode(b'ops:secret').decode()}"
    seen: list[int]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status = 200 if self.headers.get("Authorization") == self.wanted else 401
        self.seen.append(status)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b'{"id": "1"}')

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded() -> Iterator[str]:
    Guarded.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}/api/"
        server.shutdown()


def test_who_records_says_the_password_to_prefect(guarded: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    assert not nudge(f"http://{guarded}", [("SPIP", "SPIP-D1")])
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "ops:secret")
    assert nudge(f"http://{guarded}", [("SPIP", "SPIP-D1")])
    assert run_now(f"http://{guarded}", "deliver/deliver")
    assert nudge(f"http://ops:secret@{guarded}", [("SPIP", "SPIP-D1")]), "in the address it is said as well"
    assert Guarded.seen == [401, *[200] * 6]


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The same API behind TLS, and its certificate, which no authority has signed."""
    Guarded.seen = []
    shown, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(shown, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/api", shown
        server.shutdown()


def test_who_records_speaks_over_tls_only_to_the_prefect_whose_certificate_it_was_given(
    signed: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
):
    api, shown = signed
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "ops:secret")
    for given, reached in ((None, False), (NOBODY, False), (shown.with_name("none.pem"), False), (shown, True)):
        monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", str(given or ""))
        Guarded.seen.clear()
        assert nudge(api, [("SPIP", "SPIP-D1")]) is reached
        assert bool(Guarded.seen) is reached, "nothing is said to a server that shows another"


def test_prefects_clients_are_given_no_authorities_only_where_they_ask_in_the_clear():
    assert certificates("https://prefect.internal/api") == {}
    [file] = certificates("http://127.0.0.1:4200/api").values()
    assert len(ssl.create_default_context(cafile=file).get_ca_certs()) == 1


def test_what_make_run_starts_is_told_no_password_but_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from local.stack import environment

    monkeypatch.setenv("PREFECT_API_KEY", "of somebody's own")
    monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
    told = environment(Settings(home=tmp_path))
    assert not any("AUTH" in name or "API_KEY" in name for name in told)
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "ops:secret")
    told = environment(Settings(home=tmp_path))
    assert told["PREFECT_SERVER_API_AUTH_STRING"] == told["PREFECT_API_AUTH_STRING"] == "ops:secret"


def test_the_site_listens_on_this_machine_only_unless_it_is_told_otherwise(tmp_path: Path):
    assert Settings(home=tmp_path).site.listens == "127.0.0.1"
