"""The local mailbox: what it takes it keeps and shows, and nothing in a mail can do anything."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from local.mailbox import PER_PAGE, Post, web
from tests.smtp_sink import free_port

ROOT = Path(__file__).parents[1]
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path / "mail")


@pytest.fixture
def pages(post: Post) -> TestClient:
    return TestClient(web(post))


def mail(subject: str = "SPIP-D-0001: new SPIP referral", to: str = "spip@provider.example") -> bytes:
    message = EmailMessage()
    message["Subject"], message["To"], message["From"] = subject, to, "no-reply@pathways.example"
    message["Date"] = datetime(2022, 7, 4, 9, 30, tzinfo=UTC)
    message.set_content(f"Sessiwn ym Môn {EVIL} http://127.0.0.1:4200/runs?name=SPIP-D-0001\n")
    message.add_alternative(f"<p>Sessiwn ym <b>Môn</b> {EVIL}</p>", subtype="html")
    return message.as_bytes()


def only(pages: TestClient, post: Post) -> str:
    (one,) = post.listed()
    return f"/mail/{one.key}"


def test_the_list_says_when_to_whom_and_what_newest_first(post: Post, pages: TestClient) -> None:
    for number in range(3):
        post.add(mail(f"number {number}"), [f"p{number}@provider.example"])
        newest = max((post._new.iterdir()), key=lambda path: path.stat().st_ctime_ns)
        os.utime(newest, ns=(number, number))
    page = pages.get("/").text
    assert page.index("number 2") < page.index("number 1") < page.index("number 0")
    assert "p1@provider.example" in page and "4 July 2022, 10:30" in page
    assert '<meta http-equiv="refresh"' in page


def test_the_list_can_be_kept_to_one_recipient(post: Post, pages: TestClient) -> None:
    post.add(mail("for the first"), ["one@provider.example"])
    post.add(mail("for the second"), ["two@provider.example"])
    page = pages.get("/", params={"to": "TWO@provider.example"}).text
    assert "for the second" in page and "for the first" not in page


def test_a_long_list_comes_in_pages(post: Post, pages: TestClient) -> None:
    for number in range(PER_PAGE + 5):
        post.add(mail(f"number {number}"), ["a&b@provider.example"])
    assert pages.get("/").text.count('href="/mail/') == PER_PAGE
    assert pages.get("/?page=2&to=a%26b").text.count('href="/mail/') == 5
    assert pages.get("/?page=99").text.count('href="/mail/') == 5
    assert pages.get("/?page=x").status_code == 200


def test_one_mail_is_shown_with_its_text_its_headers_its_html_in_a_frame_and_its_source(
    post: Post, pages: TestClient
) -> None:
    content = mail()
    post.add(content, ["spip@provider.example"])
    page = pages.get(only(pages, post)).text
    assert "Sessiwn ym Môn" in page and "no-reply@pathways.example" in page and "multipart/alternative" in page
    assert f'src="{only(pages, post)}/html"' in page and "<iframe" in page and "refresh" not in page
    assert 'href="http://127.0.0.1:4200/runs?name=SPIP-D-0001"' in page
    assert "<b>Môn</b>" in pages.get(only(pages, post) + "/html").text
    assert pages.get(only(pages, post) + "/raw").content.endswith(content)


def test_nothing_in_a_mail_is_ever_run(post: Post, pages: TestClient) -> None:
    post.add(mail(f"{EVIL} subject", f"{EVIL}@provider.example"), [f'"{EVIL}"@provider.example'])
    for path in ("/", only(pages, post), f"/?to={EVIL}"):
        answer = pages.get(path)
        assert EVIL not in answer.text and "&lt;script&gt;" in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    frame = pages.get(only(pages, post) + "/html").headers["Content-Security-Policy"]
    raw = pages.get(only(pages, post) + "/raw")
    assert "sandbox" in frame and "default-src 'none'" in frame and "allow-scripts" not in frame
    assert "allow-scripts" not in pages.get(only(pages, post)).text
    assert raw.headers["Content-Type"].startswith("text/plain") and raw.headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_asks_another_host_for_anything(post: Post, pages: TestClient) -> None:
    post.add(mail(), ["spip@provider.example"])
    for path in ("/", only(pages, post)):
        wanted = [part.split('"')[0] for part in pages.get(path).text.split('src="')[1:]]
        assert all(not urlsplit(one).netloc for one in wanted)
    assert "http" not in pages.get("/style.css").text and "url(" not in pages.get("/style.css").text


@pytest.mark.parametrize("key", ["nothing", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", ".."])
def test_only_a_mail_in_the_folder_can_be_opened(post: Post, pages: TestClient, key: str) -> None:
    post.add(mail(), ["spip@provider.example"])
    for tail in ("", "/raw", "/html"):
        answer = pages.get(f"/mail/{key}{tail}")
        assert answer.status_code == 404 or "spip@provider.example" in answer.text


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no headers at all", b"\xff\xfe\x00", b"Subject: =?nosuch?q?x?=\r\nDate: never\r\n\r\nx",
        b"Subject: \xe9\r\nTo: \xff\r\nContent-Type: text/plain; charset=nosuch\r\n\r\n\xff",
        b"Content-Type: multipart/alternative\r\n\r\nx", b"Date: Mon, 31 Feb 2022 99:99:99 +9999\r\n\r\n",
    ],
)  # fmt: skip
def test_a_broken_mail_is_shown_as_well_as_it_can_be(post: Post, pages: TestClient, content: bytes) -> None:
    post.add(content, ["spip@provider.example"])
    for path in ("/", only(pages, post), only(pages, post) + "/html", only(pages, post) + "/raw"):
        assert pages.get(path).status_code == 200


def test_a_recipient_cannot_add_lines_to_a_mail(post: Post) -> None:
    post.add(mail(), ["a@provider.example\r\nSubject: other"])
    (one,) = post.listed()
    assert one.subject == "SPIP-D-0001: new SPIP referral"


def test_mail_deleted_from_the_folder_is_gone_from_the_list(post: Post, pages: TestClient) -> None:
    post.add(mail(), ["spip@provider.example"])
    path = only(pages, post)
    next(post._new.iterdir()).unlink()
    assert post.listed() == []
    assert pages.get(path).status_code == 404


# As a process --------------------------------------------------------------------------------------------------------


class Running:
    def __init__(self, folder: Path) -> None:
        self.smtp, self.web = free_port(), free_port()
        ports = ["--smtp", str(self.smtp), "--web", str(self.web), "--folder", str(folder)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.mailbox", *ports], cwd=ROOT, stderr=subprocess.PIPE
        )
        for _ in range(200):
            try:
                if httpx.get(f"{self.url}/health").text == "ok":
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the mailbox did not start")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    def stop(self, by: signal.Signals) -> tuple[int, bytes]:
        self.process.send_signal(by)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path / "home" / "mail")
    yield one
    if one.process.poll() is None:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_what_is_sent_to_it_is_shown_and_is_still_there_after_a_restart(
    running: Running, tmp_path: Path, by: signal.Signals
) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp) as server:
        server.sendmail("no-reply@pathways.example", ["spip@provider.example"], mail())
    assert "SPIP-D-0001: new SPIP referral" in httpx.get(running.url).text
    assert running.stop(by) == (0, b"")
    again = Running(tmp_path / "home" / "mail")
    try:
        assert "SPIP-D-0001: new SPIP referral" in httpx.get(again.url).text
    finally:
        again.stop(signal.SIGTERM)
