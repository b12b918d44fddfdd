"""What an operator is handed: files of variables, units and containers that say what the code understands."""

import json
import re
from pathlib import Path
from typing import Any

import prefect.settings
import pytest
import yaml
from prefect import Flow
from prefect.settings import Settings as PrefectSettings
from prefect.utilities.importtools import import_object

from deploy.footprint import sweeps
from deploy.one_machine import FILES, drawn, filled
from local.variables import variables
from settings import Ports, Settings
from tests.engine import ROOT

EXAMPLES = {name: variables(ROOT / "deploy" / f"{name}.env.example") for name in FILES}
EVERYWHERE = variables(ROOT / "local" / "prefect.env")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())
NOT_PREFECTS = {"DO_NOT_TRACK", "PREFECT_REDIS_MESSAGING_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL"}
"""Of the first every tool takes note; the others are those of prefect-redis."""


def test_prefect_knows_every_variable_it_is_told(monkeypatch: pytest.MonkeyPatch):
    told = EVERYWHERE | EXAMPLES["prefect"] | EXAMPLES["pathways"]
    names = {name for name in told if not name.startswith("PATHWAYS_")}
    assert not [name for name in names - NOT_PREFECTS if not hasattr(prefect.settings, name)]
    for name in names:
        monkeypatch.setenv(name, told[name])
    understood = PrefectSettings().server
    assert understood.api.csrf_protection_enabled and understood.api.auth_string
    assert not understood.analytics_enabled


def test_prefect_is_told_everywhere_to_forget(monkeypatch: pytest.MonkeyPatch):
    for name, value in EVERYWHERE.items():
        monkeypatch.setenv(name, value)
    understood = PrefectSettings().server
    assert understood.services.db_vacuum.enabled_vacuum_types == {"events", "flow_runs", "orphans"}
    assert (understood.services.db_vacuum.retention_period.days, understood.events.retention_period.days) == (90, 7)


def test_every_variable_of_ours_arrives_in_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    ours = drawn(tmp_path, Ports())
    told = {name: value for name, value in filled("pathways", ours).items() if name.startswith("PATHWAYS_")}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings = Settings().model_dump(mode="json")
    for name, value in told.items():
        assert _found(settings, name.removeprefix("PATHWAYS_").lower().split("__")) in (value, _listed(value)), name


def _found(settings: Any, path: list[str]) -> Any:
    return _found(settings[path[0]], path[1:]) if path else settings


def _listed(value: str) -> Any:
    return json.loads(value) if value.startswith("[") else None


@pytest.mark.parametrize("name", FILES)
def test_what_is_to_be_replaced_is_replaced_where_the_script_fills_it_in(name: str, tmp_path: Path):
    left = re.compile(r"PASSWORD|\"KEY\"|\.internal")
    assert any(left.search(value) for value in EXAMPLES[name].values())
    assert not [value for value in filled(name, drawn(tmp_path, Ports())).values() if left.search(value)]


def test_a_file_of_variables_is_read_as_a_shell_and_systemd_read_it(tmp_path: Path):
    file = tmp_path / "a.env"
    file.write_text("# a note\n\nONE='[\"a b\", \"c#d\"]'\nTWO=plain\nTHREE='postgresql://a:b@c/d?e=f'\n")
    assert variables(file) == {"ONE": '["a b", "c#d"]', "TWO": "plain", "THREE": "postgresql://a:b@c/d?e=f"}


# Units and containers -------------------------------------------------------------------------------------------------


def said(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_is_hardened_and_no_roots(unit: Path):
    assert unit.name.startswith("pathways-"), "the drop-in pathways-.service.d holds for such names only"
    (user,) = said(unit, "User")
    assert said(unit, "EnvironmentFile") == [f"/etc/pathways/{'pathways' if user == 'pathways' else 'prefect'}.env"]
    hardened = (unit.parent / "pathways-.service.d" / "hardened.conf").read_text()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "CapabilityBoundingSet=\n"):
        assert line in hardened


def test_containers_run_what_the_units_run():
    units = {_words(*said(unit, "ExecStart")) for unit in UNITS if "@" not in unit.name or "worker" in unit.name}
    ours = {
        _words(" ".join(service["command"]))
        for name, service in COMPOSE.items()
        if name != "redis" and "command" in service
    }
    once = {"pathways migrate", "pathways deployments"}  # one unit for any command: pathways-once@
    assert units | once == ours


def _words(command: str) -> str:
    """A command without where it lies, and without what differs from machine to machine."""
    return re.sub(r"(/srv/pathways/.venv/bin/| --(host|port|limit|name) \S+)", "", command)


# What Prefect runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deployment", DEPLOYMENTS["deployments"], ids=lambda one: one["name"])
def test_every_deployment_is_found_by_its_module_wherever_a_worker_has_it(deployment: dict[str, Any]):
    assert DEPLOYMENTS["pull"] == [] and "pull" not in deployment
    assert isinstance(import_object(deployment["entrypoint"]), Flow)


def test_a_year_of_schedules_is_no_more_runs_than_were_measured():
    assert sum(sweeps().values()) <= 13_560
