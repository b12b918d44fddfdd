"""How fast mail goes out: `Channels.deliver` against smtplib sending the same bytes over one kept connection.

Both send to the same SMTP server, which runs in a process of its own and throws everything away. What smtplib sends
is written beforehand, so the ratio is what our channel costs: writing each mail, Apprise, and telling failures apart.
"""

import argparse
import smtplib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from notifications.channels import Channels
from notifications.letters import Letter, compose
from settings import Settings

LINK = "http://127.0.0.1:4200/runs?name={reference}"
SENDER = "no-reply@pathways.example"
TO = "spip@provider.example"


def run(mails: int = 500, rounds: int = 5) -> dict[str, float]:
    """Mails a second of both, as medians of interleaved rounds, and the ratio of the two."""
    letters = [_letter(number) for number in range(mails)]
    ours, plain = [], []
    with _server() as port, _channels(port) as channels, smtplib.SMTP("127.0.0.1", port) as server:
        written = [_written(channels, letter, number) for number, letter in enumerate(letters)]
        for _ in range(rounds):
            plain.append(_rate(mails, lambda n: server.sendmail(SENDER, [TO], written[n])))
            ours.append(_rate(mails, lambda n: channels.deliver("mail", letters[n], TO, _id(n), datetime.now(UTC))))
    ours_rate, plain_rate = statistics.median(ours), statistics.median(plain)
    return {"ours_per_s": ours_rate, "smtplib_per_s": plain_rate, "ratio": ours_rate / plain_rate}


def _letter(number: int) -> Letter:
    notice = SimpleNamespace(pathway=f"SPIP-D-{number:04}", wording="referral", fields={"due": "2022-02-07"})
    return compose([notice], "provider", f"notice:{number}", LINK)


def _id(number: int) -> str:
    return f"<{number:024}@pathways.example>"


def _written(channels: Channels, letter: Letter, number: int) -> bytes:
    """The bytes our channel sends for this letter. Also opens the channel, which loads Apprise."""
    from notifications.smtp import Envelope, written

    if number == 0:
        channels.deliver("mail", letter, TO, _id(0), datetime.now(UTC))
    return written(letter.subject, letter.text, letter.html, Envelope(SENDER, TO, _id(number), datetime.now(UTC)))


def _channels(port: int) -> Channels:
    return Channels(Settings(channels={"mail": {"url": f"pathways-mail://127.0.0.1:{port}"}}, sender=SENDER))


def _rate(count: int, send: Callable[[int], object]) -> float:
    begun = time.perf_counter()
    for number in range(count):
        send(number)
    return count / (time.perf_counter() - begun)


@contextmanager
def _server() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    handler = ["-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{port}"]
    process = subprocess.Popen([sys.executable, "-m", "aiosmtpd", "-n", *handler])
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the SMTP server of the measurement did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    found = run(chosen.mails, chosen.rounds)
    print(f"Channels.deliver   {found['ours_per_s']:7.0f} mails/s")
    print(f"plain smtplib      {found['smtplib_per_s']:7.0f} mails/s")
    print(f"ratio              {found['ratio']:7.2f}")


if __name__ == "__main__":
    main()
