"""What compose.yaml promises: pinned images, health checks, nothing reachable from another machine."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from engine.settings import Settings
from web.cli import main

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
each = pytest.mark.parametrize("name", SERVICES)


def pinned(image: str) -> bool:
    tag = image.partition(":")[2]
    return bool(re.match(r"v?\d+\.\d+", tag))


def settings() -> dict[str, str]:
    """What the program is told, with the defaults that the file gives."""
    told = SERVICES["tollhouse"]["environment"]
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in told.items()}


def test_it_has_a_database_a_mailbox_and_us() -> None:
    assert set(SERVICES) == {"clickhouse", "mail", "tollhouse"}


@each
def test_every_service_says_whether_it_is_well(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= set(check)


@each
def test_every_port_is_for_this_machine_only(name: str) -> None:
    ports = SERVICES[name]["ports"]
    assert ports
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    assert SERVICES[name].get("network_mode") is None


@each
def test_every_image_is_pinned(name: str) -> None:
    if "image" in SERVICES[name]:
        assert pinned(SERVICES[name]["image"])
    else:
        assert SERVICES[name]["build"] == "."
        images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
        assert images
        assert all(pinned(image) for image in images)


def test_the_server_is_of_the_release_the_tests_run_on() -> None:
    engine = re.search(r"^chdb-core==(\d+\.\d+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert engine
    assert SERVICES["clickhouse"]["image"].partition(":")[2].startswith(f"{engine[1]}.")


def test_the_calls_outlive_the_container() -> None:
    (volume,) = SERVICES["clickhouse"]["volumes"]
    name, _, place = volume.partition(":")
    assert place == "/var/lib/clickhouse"
    assert name in COMPOSE["volumes"]


def test_the_program_finds_the_database_with_the_password_it_was_given() -> None:
    database, server = urlsplit(settings()["TOLLHOUSE_DATABASE"]), SERVICES["clickhouse"]["environment"]
    assert database.hostname == "clickhouse"
    assert database.port == 8123
    assert database.path == f"/{server['CLICKHOUSE_DB']}"
    assert database.username == server["CLICKHOUSE_USER"]
    assert server["CLICKHOUSE_PASSWORD"] == "${CLICKHOUSE_PASSWORD:-only-for-development}"
    assert server["CLICKHOUSE_PASSWORD"] in SERVICES["tollhouse"]["environment"]["TOLLHOUSE_DATABASE"]
    assert SERVICES["tollhouse"]["depends_on"]["clickhouse"]["condition"] == "service_healthy"


def test_whom_the_program_trusts_is_the_networks_own_subnet_and_itself() -> None:
    trusted = {ip_network(text) for text in settings()["TOLLHOUSE_TRUSTED_NETWORKS"].split(",")}
    (subnet,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert trusted == {ip_network("127.0.0.0/8"), ip_network(subnet["subnet"])}
    assert all(network.is_private for network in trusted)


def test_every_setting_is_one_the_program_has() -> None:
    for name in settings():
        assert name.removeprefix("TOLLHOUSE_").lower() in Settings.__struct_fields__


def test_the_image_is_built_from_the_lock_and_runs_without_rights() -> None:
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    user = DOCKERFILE.index("\nUSER tollhouse")
    command = DOCKERFILE.index("\nCMD ")
    assert user < command
    words = re.findall(r'"([^"]+)"', DOCKERFILE[command:])
    assert words[:4] == ["tollhouse", "serve", "--host", "0.0.0.0"]  # noqa: S104
    options = {option for parameter in main.commands["serve"].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert f"127.0.0.1:{words[-1]}:{words[-1]}" in SERVICES["tollhouse"]["ports"]


def test_everything_the_program_needs_is_in_the_image() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    packages = re.search(r'^packages = \[("engine".*)\]', project, re.MULTILINE)
    assert packages
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for package in re.findall(r'"(\w+)"', packages[1]):
        assert f"\nCOPY {package} {package}\n" in DOCKERFILE
        assert f"!{package}" in kept
