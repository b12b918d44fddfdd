"""The shape of many machines, run for real: facts reach mail through any worker, and nothing is lost when parts die.

The tests of this file follow one another on what `python -m deploy.one_machine` has started, in this order.
"""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml

from deploy.debian import installed
from local.stack import CannotStart, answers
from local.variables import variables
from tests.cluster import Cluster, words_of
from tests.engine import PATHWAYS, ROOT, wait_for
from tests.test_engine import DIRECTORY, ago, case, direction, referred

PREFECT = str(Path(PATHWAYS).with_name("prefect"))
REFERRED = "Awaiting acknowledgement"
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
SWEEPS = {one["name"]: one["schedules"] for one in DEPLOYMENTS if "schedules" in one}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Running, with the directory and nine directions, of which Prefect has heard nothing; no schedule fires."""
    try:
        installed()
    except CannotStart as why:
        pytest.skip(str(why))
    made = Cluster()
    try:
        made.start()
        for sweep in SWEEPS:
            made.ask("POST", f"deployments/{made.deployment(sweep)['id']}/pause_deployment")
        numbers = range(1, 10)
        cases = {"cases": [case(number) for number in numbers], "directions": [direction(number) for number in numbers]}
        made.load_before_prefect_hears(**DIRECTORY, **cases)
        yield made
    finally:
        made.clean_up()


def standing(cluster: Cluster) -> dict[str, str]:
    return dict(cluster.rows("SELECT reference, label FROM pathway"))


def refer(cluster: Cluster, *numbers: int) -> list[str]:
    """Record referrals while Prefect cannot be told; their pathways wait for whoever looks next."""
    cluster.load_before_prefect_hears(facts=[row for number in numbers for row in referred(number)])
    return [f"SPIP-E000{number}" for number in numbers]


def told(cluster: Cluster) -> Counter[str]:
    return Counter(mail["Message-ID"] for mail in cluster.mails())


def sent(cluster: Cluster) -> set[str]:
    return {number for (number,) in cluster.rows("SELECT message_id FROM message WHERE state = 'sent'")}


def test_a_fact_recorded_reaches_mail_through_a_worker(cluster: Cluster):
    gate, referral = referred(1)
    cluster.load_before_prefect_hears(facts=[gate])
    cluster.pathways("record", referral["about"], "referral_sent", "provider=EPV1", "--by", "EADV", "--on", ago(25))
    cluster.run_in("SPIP-E0001", REFERRED)
    wait_for("the mail", lambda: [m for m in cluster.mails() if "SPIP-E0001: new SPIP referral" in m["Subject"]])


def test_two_workers_and_two_rounds_at_the_same_moment_advance_each_pathway_once_and_tell_each_thing_once(
    cluster: Cluster,
):
    references = refer(cluster, 2, 3, 4, 5, 6)
    before = dict(cluster.rows("SELECT reference, version FROM pathway"))
    runs = [cluster.start_run(name) for name in ("round", "spip")]
    rounds = [
        subprocess.Popen([PATHWAYS, "round"], env=cluster.environment, stdout=subprocess.PIPE, text=True) for _ in runs
    ]
    assert [one.wait(120) for one in rounds] == [0, 0]
    assert {cluster.ended(run)["state"]["type"] for run in runs} == {"COMPLETED"}
    assert {standing(cluster)[reference] for reference in references} == {REFERRED}
    after = dict(cluster.rows("SELECT reference, version FROM pathway"))
    assert {after[reference] - before[reference] for reference in references} == {1}
    assert told(cluster) == Counter(sent(cluster)), "each message arrives once"


def test_a_worker_killed_in_mid_run_loses_nothing_and_the_other_goes_on(cluster: Cluster):
    (reference,) = refer(cluster, 7)
    with left_alone(cluster):
        with psycopg.connect(cluster.environment["PATHWAYS_DATABASE"]) as holding:
            holding.execute("LOCK TABLE notice IN EXCLUSIVE MODE")  # the run is stopped short of its commit
            run = cluster.start_run("spip")
            wait_for("the run to be in its transaction", lambda: cluster.rows(WAITING))
            killed, processes = cluster.worker_of(run)
            for process in processes:
                os.kill(process, signal.SIGKILL)
        assert standing(cluster)[reference] != REFERRED, "nothing of it was committed"
        again = cluster.start_run("spip")
        assert {cluster.worker_of(again)[0], killed} == {"worker-1", "worker-2"}
        assert cluster.ended(again)["state"]["type"] == "COMPLETED"
    assert standing(cluster)[reference] == REFERRED
    wait_for("the killed worker to be started again", lambda: cluster.child("--name", killed))


WAITING = "SELECT 1 FROM pg_stat_activity WHERE usename = 'pathways' AND wait_event_type = 'Lock'"


@contextmanager
def left_alone(cluster: Cluster) -> Iterator[None]:
    """Nothing that ends meanwhile is started again."""
    cluster.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        cluster.process.send_signal(signal.SIGCONT)


def test_with_prefects_server_gone_recording_goes_on_and_the_next_run_catches_up(cluster: Cluster):
    gate, referral = referred(8)
    cluster.load_before_prefect_hears(facts=[gate])
    with left_alone(cluster):
        os.killpg(cluster.child("prefect server start"), signal.SIGKILL)
        said = cluster.pathways(
            "record", referral["about"], "referral_sent", "provider=EPV1", "--by", "EADV", "--on", ago(25)
        )
    assert "cannot be reached" in said.stdout + said.stderr
    server_is_back(cluster)
    assert cluster.ended(cluster.start_run("spip"))["state"]["type"] == "COMPLETED"
    assert standing(cluster)["SPIP-E0008"] == REFERRED


def server_is_back(cluster: Cluster) -> None:
    wait_for("the server to be back", lambda: answers(f"{cluster.address}/api/health"), patience=120)


def test_prefects_database_lost_altogether_is_rebuilt_by_commands_and_nothing_of_ours_is_missing(cluster: Cluster):
    refer(cluster, 9)
    with left_alone(cluster):
        for part in ("prefect server start", "services start", "--name worker-1", "--name worker-2"):
            os.killpg(cluster.child(part), signal.SIGKILL)
        before = cluster.everything()
        cluster.as_postgres("DROP DATABASE prefect WITH (FORCE)", "CREATE DATABASE prefect OWNER prefect")
        theirs = os.environ | variables(cluster.folder / "prefect.env")
        subprocess.run([PREFECT, "server", "database", "upgrade", "--yes"], env=theirs, check=True, capture_output=True)
    server_is_back(cluster)
    assert cluster.ask("POST", "deployments/filter", {}).json() == []
    cluster.pathways("deployments")
    assert cluster.everything() == before
    assert cluster.ended(cluster.start_run("spip"))["state"]["name"] == "Advanced"
    assert standing(cluster)["SPIP-E0009"] == REFERRED


def test_every_sweep_has_its_schedule_and_its_next_runs(cluster: Cluster):
    assert {"round", "support", "deliver"} <= SWEEPS.keys()
    for name, schedules in SWEEPS.items():
        there = cluster.deployment(name)
        crons = {(one["schedule"]["cron"], one["schedule"]["timezone"]) for one in there["schedules"] if one["active"]}
        assert crons == {(one["cron"], one["timezone"]) for one in schedules}
        query = {"flow_runs": {"deployment_id": {"any_": [there["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}}}
        wait_for(f"{name} to be scheduled", lambda query=query: cluster.ask("POST", "flow_runs/filter", query).json())


def test_what_runs_here_is_what_the_units_start(cluster: Cluster):
    running = [" ".join(words_of(process)) for process in cluster.living()]
    for unit in sorted((ROOT / "deploy" / "systemd").glob("*.service")):
        (command,) = re.findall(r"^ExecStart=/srv/pathways/.venv/bin/(.*)$", unit.read_text(), re.MULTILINE)
        options = re.split(r" (?=--)", re.sub(r" --(port|limit|name) \S+", "", command))
        if "Type=oneshot" not in unit.read_text():
            assert [one for one in running if all(option in one for option in options)], command


@pytest.mark.parametrize("password", [None, ("pathways", "guess"), ("", "")])
def test_nobody_gets_anything_from_prefect_without_the_password(cluster: Cluster, password: tuple[str, str] | None):
    for method, path in (
        ("GET", "deployments/name/round/round"),
        ("POST", "flow_runs/filter"),
        ("GET", "csrf-token?client=x"),
    ):
        answer = httpx.request(
            method, f"{cluster.address}/api/{path}", auth=password, json={} if method == "POST" else None
        )
        assert answer.status_code in (401, 403)
        assert "round" not in answer.text


def test_a_page_elsewhere_cannot_have_a_browser_that_knows_the_password_change_anything(cluster: Cluster):
    pool = {"name": "theirs", "type": "process"}
    answer = httpx.post(f"{cluster.address}/api/work_pools/", auth=cluster.password, json=pool)
    assert answer.status_code == 403


def test_a_second_start_by_mistake_says_what_runs_already_and_where(cluster: Cluster):
    again = subprocess.run(
        cluster.command, cwd=ROOT, env=cluster.environment, capture_output=True, text=True, timeout=60
    )
    assert again.returncode == 1 and f"runs already from {cluster.home}" in again.stderr
    elsewhere = (*cluster.command[:-1], str(cluster.above / "other"))
    ports = {name: value for name, value in cluster.environment.items() if "DATABASE" not in name}
    second = subprocess.run(elsewhere, cwd=ROOT, env=ports, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and f"Port {cluster.ports['prefect']} is taken" in second.stderr


def test_ctrl_c_stops_all_of_it(cluster: Cluster):
    assert len(cluster.living()) > 8
    assert cluster.stop() == 0
    assert cluster.living() == [] and cluster.taken_ports() == []
