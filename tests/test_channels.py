"""Channels against real servers on real sockets: what is sent, how failures are told apart, and SR-12."""

import http.server
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from notifications.channels import ChannelError, Channels, Refused, Unavailable, fit_to_send, vocabulary
from notifications.letters import Letter, compose
from notifications.smtp import SmtpMail
from settings import Settings
from tests.smtp_sink import Sink, free_port

NOW = datetime(2022, 2, 7, 9, 30, tzinfo=UTC)
LINK = "http://127.0.0.1:4200/runs?name={reference}"
TO = "spip@provider.example"
LETTER = Letter(
    "SPIP-D-0001: new SPIP referral", "Sessiwn ym Môn.\n.\nFrom here on.\n", "<p>Sessiwn ym <b>Môn</b>.</p>\n"
)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def channels(url: str, **others: str) -> Channels:
    urls = {"mail": url, **others}
    return Channels(Settings(channels={name: {"url": one} for name, one in urls.items()}))


@pytest.fixture
def mail(sink: Sink) -> Iterator[Channels]:
    with channels(f"pathways-mail://127.0.0.1:{sink.port}?timeout=2") as made:
        yield made


def send(over: Channels, letter: Letter = LETTER, *, to: str = TO, number: int = 1, name: str = "mail") -> None:
    over.deliver(name, letter, to, f"<{number:024}@pathways.example>", NOW)


# What is sent --------------------------------------------------------------------------------------------------------


def test_a_mail_arrives_whole_with_its_text_its_html_and_its_headers(sink: Sink, mail: Channels) -> None:
    send(mail)
    (one,) = sink.received
    message = one.message
    assert (one.sender, one.to) == ("no-reply@pathways.example", [TO])
    assert message["Subject"] == LETTER.subject
    assert message["From"] == "Case Pathways <no-reply@pathways.example>"
    assert message["To"] == TO
    assert message["Message-ID"] == f"<{1:024}@pathways.example>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_body(("plain",)).get_content().splitlines() == LETTER.text.splitlines()
    assert message.get_body(("html",)).get_content().splitlines() == LETTER.html.splitlines()
    assert not message.defects and not any(part.defects for part in message.walk())


def test_the_same_letter_sent_again_is_the_same_to_the_byte(sink: Sink, mail: Channels) -> None:
    send(mail)
    send(mail)
    assert sink.received[0].raw == sink.received[1].raw


@pytest.mark.parametrize("subject", ["Môn: 1 newid", "SPIP-D-0001 " * 40, "é" * 300, "x" * 200])
def test_a_long_or_welsh_subject_arrives_as_it_was_written(sink: Sink, mail: Channels, subject: str) -> None:
    send(mail, Letter(subject, "text", "<p>html</p>"))
    (one,) = sink.received
    assert one.message["Subject"].strip() == subject.strip()
    assert one.raw.isascii() and max(map(len, one.raw.splitlines())) < 998


def test_who_a_mail_is_from_can_be_said_in_the_url(sink: Sink) -> None:
    with channels(f"pathways-mail://127.0.0.1:{sink.port}?from=Gwasanaeth%20%3Ccy%40pathways.example%3E") as over:
        send(over)
    assert sink.received[0].sender == "cy@pathways.example"
    assert sink.received[0].message["From"] == "Gwasanaeth <cy@pathways.example>"


# The connection ------------------------------------------------------------------------------------------------------


def test_many_mails_go_over_one_connection(sink: Sink, mail: Channels) -> None:
    for number in range(40):
        send(mail, number=number)
    assert (len(sink.received), sink.connections) == (40, 1)


def test_a_connection_the_server_dropped_meanwhile_is_made_anew_without_a_failure(sink: Sink, mail: Channels) -> None:
    send(mail, number=1)
    sink.hang_up()
    send(mail, number=2)
    assert (len(sink.received), sink.connections) == (2, 2)


def test_a_kept_connection_closed_with_421_is_made_anew_without_a_failure(sink: Sink, mail: Channels) -> None:
    send(mail, number=1)
    sink.once = {"MAIL": "421 4.4.2 enough for one session"}
    send(mail, number=2)
    assert (len(sink.received), sink.connections) == (2, 2)


def test_a_connection_idle_for_too_long_is_not_trusted(sink: Sink) -> None:
    plugin = plugin_of(f"pathwaysmail://127.0.0.1:{sink.port}")
    plugin.idle_seconds = 0
    for number in (1, 2):
        envelope = {"to": TO, "message_id": f"<{number}@pathways.example>", "now": NOW, "sender": "a@pathways.example"}
        plugin.notify("text", "subject", html="<p>html</p>", **envelope)
    plugin.close()
    assert (len(sink.received), sink.connections) == (2, 2)


def test_two_threads_share_one_connection_without_mixing_their_mails(sink: Sink, mail: Channels) -> None:
    def some(first: int) -> None:
        for number in range(first, first + 20):
            send(mail, number=number, to=f"p{number}@provider.example")

    threads = [threading.Thread(target=some, args=(first,)) for first in (0, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sink.connections == 1
    assert sorted(one.to[0] for one in sink.received) == sorted(f"p{n}@provider.example" for n in range(40))
    assert all(one.message["To"] == one.to[0] for one in sink.received)


# Failures ------------------------------------------------------------------------------------------------------------


def test_a_refused_recipient_is_permanent_and_the_next_mail_goes_over_the_same_connection(
    sink: Sink, mail: Channels
) -> None:
    sink.refuses = {"gone@provider.example"}
    with pytest.raises(Refused) as refused:
        send(mail, to="gone@provider.example")
    send(mail)
    assert str(refused.value) == "550 recipient refused"
    assert (len(sink.received), sink.connections) == (1, 1)


@pytest.mark.parametrize(
    ("command", "answer", "kind", "code"),
    [
        ("RCPT", "451 4.3.0 try <spip@provider.example> later", Unavailable, "451 try later"),
        ("RCPT", "421 4.3.2 going down", Unavailable, "421 try later"),
        ("RCPT", "553 5.1.3 bad address", Refused, "553 recipient refused"),
        ("RCPT", "530 5.7.0 log in first", Unavailable, "530 recipient refused"),
        ("MAIL", "550 5.7.1 who are you", Unavailable, "550 sender refused"),
        ("MAIL", "452 4.3.1 disk full", Unavailable, "452 try later"),
        ("DATA", "554 5.7.1 not to <spip@provider.example>", Refused, "554 message refused"),
        ("DATA", "451 4.7.1 later", Unavailable, "451 try later"),
        ("RCPT", "what? spip@provider.example", Unavailable, "unreadable reply"),
    ],
)
def test_each_answer_is_permanent_or_passing_and_never_repeats_the_server_s_words(
    sink: Sink, mail: Channels, command: str, answer: str, kind: type, code: str
) -> None:
    sink.says = {command: answer}
    with pytest.raises((Refused, Unavailable)) as failed:
        send(mail)
    assert (type(failed.value), str(failed.value)) == (kind, code)
    sink.says = {}
    send(mail, number=2)
    assert sink.received[-1].message["Message-ID"] == f"<{2:024}@pathways.example>"


def test_a_greylisted_mail_goes_the_second_time(sink: Sink, mail: Channels) -> None:
    sink.greylists = True
    with pytest.raises(Unavailable, match="451 try later"):
        send(mail)
    send(mail)
    assert len(sink.received) == 1


def test_a_connection_dropped_after_the_text_is_passing_and_the_second_copy_has_the_same_message_id(
    sink: Sink, mail: Channels
) -> None:
    sink.drops_in_data = True
    with pytest.raises(Unavailable, match="connection dropped"):
        send(mail)
    sink.drops_in_data = False
    send(mail)
    first, second = sink.received
    assert first.message["Message-ID"] == second.message["Message-ID"]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_is_passing_within_the_time_allowed(sink: Sink, command: str) -> None:
    sink.hangs_at = command
    with channels(f"pathways-mail://127.0.0.1:{sink.port}?timeout=0.3") as over:
        begun = datetime.now(UTC)
        with pytest.raises(Unavailable, match="timed out"):
            send(over)
        assert datetime.now(UTC) - begun < timedelta(seconds=2)
        sink.hangs_at = None
        send(over, number=2)


def test_a_kept_connection_that_hangs_is_passing_and_not_tried_twice(sink: Sink) -> None:
    with channels(f"pathways-mail://127.0.0.1:{sink.port}?timeout=0.3") as over:
        send(over)
        sink.hangs_at = "MAIL"
        with pytest.raises(Unavailable, match="timed out"):
            send(over)
    assert sink.connections == 1


def test_a_server_that_is_not_there_is_passing() -> None:
    with (
        channels(f"pathways-mail://127.0.0.1:{free_port()}") as over,
        pytest.raises(Unavailable, match="connection refused"),
    ):
        send(over)


def test_a_server_that_accepts_and_says_nothing_is_passing_within_the_time_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        over = channels(f"pathways-mail://127.0.0.1:{silent.getsockname()[1]}?timeout=0.3")
        with pytest.raises(Unavailable, match="timed out"):
            send(over)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b@c.example",
        "a b@c.example",
        "<a@c.example>",
        "a@c.example,d@e.example",
        "\U0001f600@c.example",
    ],
)
def test_a_malformed_address_is_refused_before_anything_is_sent(sink: Sink, mail: Channels, to: str) -> None:
    with pytest.raises(Refused, match="malformed address"):
        send(mail, to=to)
    assert sink.commands == []


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x00"])
def test_nothing_can_be_injected_through_a_header(sink: Sink, mail: Channels, end: str) -> None:
    with pytest.raises(Refused, match="line break"):
        send(mail, Letter(f"subject{end}Bcc: other@evil.example", "text", "<p>html</p>"))
    with pytest.raises(Refused, match="line break"):
        send(mail, to=f"{TO}{end}RCPT TO:<other@evil.example>")
    with pytest.raises(Refused, match="line break"):
        mail.deliver("mail", LETTER, TO, f"<a@pathways.example>{end}Bcc: other@evil.example", NOW)
    assert sink.commands == []


# TLS and logging in --------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    begin = datetime.now(UTC) - timedelta(hours=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = (
        made.not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(*form))
    return cert_file, key_file


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    cert_file, key_file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return context, cert_file


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_mail_goes_over_tls_only_to_a_server_whose_certificate_is_trusted(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    context, trusted = tls
    options = {"tls_context": context, "require_starttls": True} if kind == "starttls" else {"ssl_context": context}
    scheme = "pathways-mails" if kind == "tls" else "pathways-mail"
    with Sink(options=options) as sink, channels(f"{scheme}://127.0.0.1:{sink.port}?security={kind}&timeout=2") as over:
        with pytest.raises(Unavailable, match="certificate not trusted"):
            send(over)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        send(over, number=1)
        send(over, number=2)
        assert [one.message["Message-ID"] for one in sink.received] == [
            f"<{number:024}@pathways.example>" for number in (1, 2)
        ]


def test_a_server_without_starttls_is_not_spoken_to_in_the_clear(sink: Sink) -> None:
    with channels(f"pathways-mail://127.0.0.1:{sink.port}?security=starttls") as over, pytest.raises(Unavailable):
        send(over)
    assert sink.commands == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize(("password", "goes"), [("right", True), ("wr%C3%B6ng", False), ("wrong", False)])
def test_a_wrong_password_is_our_fault_and_passing(password: str, goes: bool) -> None:
    def authenticator(_server: object, _session: object, _envelope: object, _way: str, data: object) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    options = {"authenticator": authenticator, "auth_require_tls": False, "auth_required": True}
    with Sink(options=options) as locked, channels(f"pathways-mail://me:{password}@127.0.0.1:{locked.port}") as over:
        if goes:
            send(over)
            assert len(locked.received) == 1
        else:
            with pytest.raises(Unavailable, match=r"535 our user name or password was refused|not ASCII"):
                send(over)


# Channels of the settings --------------------------------------------------------------------------------------------


def plugin_of(url: str) -> SmtpMail:
    from notifications.channels import _apprise

    return _apprise().instantiate(url)


def test_an_unknown_channel_is_named(mail: Channels) -> None:
    with pytest.raises(ChannelError, match="'pigeon'"):
        send(mail, name="pigeon")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "nosuchthing://user:s3cret@host",
        "pathways-mail://user:s3cret@relay.example?security=none",
        "pathways-mails://user:s3cret@relay.example?verify=no",
        "pathways-mail://user:s3cret@relay.example?timeout=soon",
        "pathways-mail://user:s3cret@relay.example?security=ssl",
    ],
)
def test_a_bad_url_is_a_sentence_that_names_the_channel_and_not_the_password(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ChannelError) as bad:
        send(channels(url))
    assert "'mail'" in str(bad.value)
    assert "s3cret" not in str(bad.value) + caplog.text and "relay" not in caplog.text


@contextmanager
def http_server(status: int = 200) -> Iterator[tuple[int, list[tuple[str, dict]]]]:
    posted: list[tuple[str, dict]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_port, posted
        server.shutdown()


def test_any_apprise_url_is_a_channel_and_gets_the_subject_and_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), http_server() as (port, posted):
        over = channels("pathways-mail://127.0.0.1", hook=f"json://me:s3cret@127.0.0.1:{port}/to/{{address}}")
        send(over, name="hook")
        send(over, name="hook", to="o'neill+x@other.example")
    (path, first), (second_path, _) = posted
    assert (first["title"], first["message"].splitlines()) == (LETTER.subject, LETTER.text.splitlines())
    assert path.endswith("/to/spip%40provider.example") or path.endswith("/to/spip@provider.example")
    assert "other.example" in second_path
    assert TO not in caplog.text and "s3cret" not in caplog.text


def test_an_address_cannot_change_the_url_it_is_put_into() -> None:
    with http_server() as (port, posted):
        over = channels(f"json://127.0.0.1:{port}/to/{{address}}/end")
        send(over, to="a?:x=y&method=get#@evil.example")
    ((path, content),) = posted
    assert path.endswith("/end") and "x" not in content


def test_a_channel_that_refuses_is_passing() -> None:
    with http_server(status=500) as (port, _):
        over = channels(f"json://127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="channel refused"):
            send(over)


def test_channels_of_many_recipients_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.channels.KEPT", 3)
    with http_server() as (port, posted):
        over = channels(f"json://127.0.0.1:{port}/{{address}}")
        for number in range(8):
            send(over, to=f"p{number}@provider.example")
        assert (len(posted), len(over._open)) == (8, 3)


def test_sending_logs_neither_an_address_nor_a_password(
    sink: Sink, mail: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    sink.refuses = {"gone@provider.example"}
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("mail").setLevel(logging.CRITICAL)  # the sink's own
        send(mail)
        with pytest.raises(Refused):
            send(mail, to="gone@provider.example")
    assert "provider.example" not in caplog.text


# SR-12 ---------------------------------------------------------------------------------------------------------------


def letter(name: str = "referral", reference: str = "SPIP-D-0001", **fields: object) -> Letter:
    notice = SimpleNamespace(pathway=reference, wording=name, fields={"due": "2022-03-07", "paper": "note", **fields})
    return compose([notice], "provider", "notice:1", LINK)


def saying(words: str, where: Callable[[Letter, str], Letter]) -> Letter:
    return where(letter(), words)


WHERE = {
    "subject": lambda one, words: Letter(f"{one.subject} {words}", one.text, one.html),
    "text": lambda one, words: Letter(one.subject, f"{one.text}\n{words}.\n", one.html),
    "html": lambda one, words: Letter(one.subject, one.text, one.html.replace("<br>", f"<br>{words}<br>")),
    "attribute": lambda one, words: Letter(one.subject, one.text, one.html.replace("<br>", f'<br title="{words}">')),
}
SOMEBODY = frozenset(
    {"Siân Okafor-O'Neill", "Flat 3, 12 Rosehill Terrace, Llanfair, LL61 5AB", "07700 900123", "sian@home.example"}
)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "words",
    [
        "Siân Okafor-O'Neill", "SIAN", "okafor", "O’Neill", "Neill", "12 rosehill terrace", "Rosehill Terrace",
        "Llanfair", "LL61 5AB", "ll615ab", "07700900123", "+44 7700 900 123", "(07700) 900-123", "sian@home.example",
    ],
)  # fmt: skip
def test_sr_12_anything_of_a_party_anywhere_in_a_letter_stops_it(where: str, words: str) -> None:
    why = fit_to_send(saying(words, WHERE[where]), LINK, SOMEBODY)
    assert why and words.casefold() not in why.casefold()


@pytest.mark.parametrize("number", ["7700900123", "ref7700900123x", "0044 (0) 7700 900123"])
def test_sr_12_a_telephone_number_is_known_by_its_digits(number: str) -> None:
    assert fit_to_send(saying(number, WHERE["text"]), LINK, frozenset({"+44 7700 900123"}))


@pytest.mark.parametrize(
    "words", ["SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "ec1a1bb", "020 7946 0018", "0113 496 0000",
              "01632960001", "+44 20 7946 0018", "+353 20 912 0000", "a.b@c.example", "a.b%40c.example"],
)  # fmt: skip
@pytest.mark.parametrize("where", WHERE)
def test_sr_12_what_looks_like_an_address_or_a_number_stops_a_letter_whoever_it_is_of(words: str, where: str) -> None:
    assert fit_to_send(saying(words, WHERE[where]), LINK, frozenset())


@pytest.mark.parametrize("name", sorted({"referral", "referral-withdrawn", "attended", "new-risk", "paper-to-sign"}))
def test_sr_12_an_ordinary_letter_is_fit_to_send(name: str) -> None:
    assert fit_to_send(letter(name), LINK, SOMEBODY) is None


def test_sr_12_no_reference_is_taken_for_a_postcode_or_a_number() -> None:
    letters, courts = "ABCDEFGHJKLMNPRSTUVWXYZ", ("ZE", "LE", "SW", "B", "M", "CR", "W1")
    references = [f"SPIP-{kind}{gap}{n:04}" for kind in letters for gap in ("", "-") for n in (0, 1, 21, 999, 9999)]
    references += [
        f"{court}{year}{kind}{n:05}" for court in courts for year in (19, 21) for kind in "CPFD" for n in (1, 50001)
    ]
    references += ["PROV-01", "MIAM-R-0107", "WT4C-2-A", "SPIP-D-0001-R2", "HN-12", "P1", "AB12", "SW1A"]
    for reference in references:
        assert fit_to_send(letter(reference=reference), LINK, SOMEBODY) is None, reference


def test_sr_12_a_digest_of_many_references_is_fit_to_send() -> None:
    fields = {"due": "2022-03-07", "late": 7, "step": "H", "duty": "next_step", "hearing": "2022-05-16"}
    notices = [SimpleNamespace(pathway=f"SPIP-D-{n:04}", wording="chase", fields=fields) for n in range(0, 9999, 97)]
    assert fit_to_send(compose(notices, "provider", "digest:x", LINK), LINK, SOMEBODY) is None


@pytest.mark.parametrize("name", ["Grant Court", "April Day", "May Case", "June March", "Mark Provider"])
def test_sr_12_a_party_named_like_our_own_words_stops_no_letter_until_the_whole_name_is_said(name: str) -> None:
    ours = [word for word in name.split() if word.casefold() in vocabulary()]
    theirs = [word for word in name.split() if word not in ours]
    assert fit_to_send(letter(), LINK, frozenset({name})) is None
    assert fit_to_send(saying(name.upper(), WHERE["text"]), LINK, frozenset({name}))
    assert all(fit_to_send(saying(word, WHERE["text"]), LINK, frozenset({name})) for word in theirs)
    assert not any(fit_to_send(saying(word, WHERE["text"]), LINK, frozenset({name})) for word in ours)


def test_sr_12_a_name_parted_by_tags_is_still_a_name() -> None:
    words = "<b>April</b> <i>Court</i>"
    assert fit_to_send(saying(words, WHERE["html"]), LINK, frozenset({"April Court"}))


def test_sr_12_the_postcode_of_a_party_is_found_even_inside_a_reference() -> None:
    inside = saying("SPIP-LL615AB", WHERE["text"])
    assert fit_to_send(inside, LINK, frozenset()) is None
    assert fit_to_send(inside, LINK, SOMEBODY)


@pytest.mark.parametrize("value", ["Li Wu", "Ng"])
def test_sr_12_a_short_name_counts_as_a_whole_and_not_by_its_letters(value: str) -> None:
    assert fit_to_send(saying(value, WHERE["text"]), LINK, frozenset({value}))
    assert fit_to_send(saying("Wubbo, English", WHERE["text"]), LINK, frozenset({value})) is None


def test_sr_12_the_address_of_a_town_called_march_does_not_stop_what_is_due_in_march() -> None:
    assert fit_to_send(letter(), LINK, frozenset({"7 Station Road, March, PE15 8QJ"})) is None
    assert fit_to_send(saying("Station Road", WHERE["html"]), LINK, frozenset({"7 Station Road, March, PE15 8QJ"}))


def test_sr_12_the_link_of_the_settings_is_not_looked_into_but_what_stands_beside_it_is() -> None:
    link = "https://0113-496-0000.smith.example/SW1A1AA?who=us@smith.example&name={reference}&x=1"
    made = compose([SimpleNamespace(pathway="SPIP-D-0001", wording="attended", fields={})], "adviser", "n", link)
    assert fit_to_send(made, link, frozenset({"Jo Smith"})) is None
    assert fit_to_send(WHERE["text"](made, "smith"), link, frozenset({"Jo Smith"}))
    assert fit_to_send(made, LINK, frozenset({"Jo Smith"}))
    assert fit_to_send(WHERE["text"](made, link.format(reference="SMITH")), link, frozenset({"Jo Smith"}))
