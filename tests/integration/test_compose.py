"""docker-compose.yml keeps the rules of docs/deployment.md: nothing is open that need not be."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from infrastructure.workers.app import GRACE_SECONDS
from shared.config import load_settings, secret_settings, setting_fields

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

PUBLISHED = {"api": 8000, "lb": 8080, "grafana": 3000}
"""The services that this machine can reach, by their port in the container."""

PROFILES = {
    "tor": ["tor"],
    "api-reader": ["lb"],
    "lb": ["lb"],
    "worker": ["workers"],
    "jobs": ["workers"],
    "beat": ["workers"],
    "flower": ["workers"],
    "prometheus": ["monitoring"],
    "alertmanager": ["monitoring"],
    "pushgateway": ["monitoring"],
    "grafana": ["monitoring"],
}
_OF_ALL = {"DATABASE_URL", "OUTPUT_DIR", "REDIS_URL", "METRICS_HOST", "METRICS_PORT"}

SET_BY_COMPOSE = {
    "scraper": _OF_ALL,
    "api": _OF_ALL | {"API_HOST", "API_PORT", "API_OPEN"},
    "api-reader": _OF_ALL | {"API_HOST", "API_PORT", "API_OPEN", "API_REQUESTS_PER_MINUTE"},
    "worker": _OF_ALL,
    "jobs": _OF_ALL,
    "beat": _OF_ALL,
}
"""What has a value of its own there; all else is handed on from ``.env`` or the shell."""

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def dockerfile_of(service: dict[str, Any]) -> str:
    """Its Dockerfile, when it is built here."""
    build = service.get("build")
    return (ROOT / build / "Dockerfile").read_text("utf-8") if build else ""


def mounts_of(service: dict[str, Any]) -> list[list[str]]:
    return [volume.split(":") for volume in service.get("volumes", [])]


def test_the_services_are_those_that_the_documents_name() -> None:
    assert set(SERVICES) == {"api", "scraper", "postgres", "redis", *PROFILES}
    documented = (ROOT / "docs/deployment.md").read_text("utf-8")
    assert {name for name in SERVICES if f"| `{name}` |" in documented} == set(SERVICES)


@each_service
class TestEveryService:
    def test_publishes_no_port_but_to_this_machine(self, name: str) -> None:
        ports = SERVICES[name].get("ports", [])
        assert len(ports) == (name in PUBLISHED)
        for port in ports:
            setting = f"{name.upper()}_PUBLISHED_PORT"
            inside = PUBLISHED[name]
            assert port == f"127.0.0.1:${{{setting}:-{inside}}}:{inside}"
        assert "network_mode" not in SERVICES[name]
        assert "expose" not in SERVICES[name]

    def test_is_in_its_profile(self, name: str) -> None:
        assert SERVICES[name].get("profiles", []) == PROFILES.get(name, [])

    def test_is_no_root_and_has_no_rights_of_it(self, name: str) -> None:
        service = SERVICES[name]
        in_image = re.findall(r"^USER (\d+):\d+$", dockerfile_of(service), re.MULTILINE)
        user = str(service.get("user", in_image[-1] if in_image else "0"))
        assert int(user.partition(":")[0]) > 0
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged", False)

    def test_writes_to_its_volumes_and_to_memory_only(self, name: str) -> None:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert "/tmp" in service["tmpfs"]  # noqa: S108 - of the container
        for source, *target in mounts_of(service):
            if source.startswith("."):
                assert target[-1] == "ro", f"{source} can be written"
                assert "docker.sock" not in source
            else:
                assert source in COMPOSE["volumes"], f"{source} is no named volume"

    def test_has_limits(self, name: str) -> None:
        service = SERVICES[name]
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
        assert 0 < service["cpus"] <= 2
        assert 0 < service["pids_limit"] <= 1024

    def test_is_checked_for_its_health(self, name: str) -> None:
        service = SERVICES[name]
        check = service.get("healthcheck")
        if check is None:
            assert "\nHEALTHCHECK " in dockerfile_of(service)
            return
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "retries"} <= check.keys()

    def test_is_started_again_unless_it_is_a_job(self, name: str) -> None:
        assert SERVICES[name]["restart"] == ("no" if name == "scraper" else "unless-stopped")

    def test_has_an_image_of_a_version(self, name: str) -> None:
        repository, _, tag = SERVICES[name]["image"].rpartition(":")
        assert repository
        assert re.match(r"v?\d+", tag), f"{tag} is no version"

    def test_has_no_secret_in_its_environment(self, name: str) -> None:
        environment = SERVICES[name].get("environment", {})
        for setting, value in environment.items():
            is_file = setting.endswith("_FILE")
            if is_file:
                secret = Path(value).name
                assert value == f"/run/secrets/{secret}"
                assert secret in SERVICES[name]["secrets"]
            elif re.search("PASSWORD|KEY|TOKEN", setting):
                assert value in {None, "${TOR_CONTROL_PASSWORD:-}"}, f"{setting} is not a file"
            assert is_file or "@" not in str(value or "").replace("//imdb@", "//")

    def test_mounts_files_that_are_there(self, name: str) -> None:
        for source, *_ in mounts_of(SERVICES[name]):
            if not source.startswith("."):
                continue
            assert source.startswith("./deploy/")
            part = ROOT / "/".join(Path(source).parts[:2])
            assert not part.exists() or (ROOT / source).is_dir(), f"{source} is not there"

    def test_names_networks_volumes_and_secrets_that_are_declared(self, name: str) -> None:
        service = SERVICES[name]
        assert set(service.get("networks", [])) <= COMPOSE["networks"].keys()
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
        waited_for = service.get("depends_on", {})
        assert waited_for.keys() <= SERVICES.keys()
        assert {how["condition"] for how in waited_for.values()} <= {"service_healthy"}


@pytest.mark.parametrize("service", sorted(SET_BY_COMPOSE))
@pytest.mark.parametrize("field", setting_fields(), ids=lambda field: field.name)
def test_every_setting_reaches_the_program(service: str, field: Any) -> None:
    name = field.name.upper()
    environment = SERVICES[service]["environment"]
    if f"{name}_FILE" in environment:
        assert field.name in secret_settings()
        return
    assert name in environment
    assert environment[name] is None or name in SET_BY_COMPOSE[service]


def test_nothing_else_reaches_the_data() -> None:
    assert COMPOSE["networks"]["data"] == {"internal": True}
    joined = {name: set(service.get("networks", ["default"])) for name, service in SERVICES.items()}
    assert {name for name, nets in joined.items() if "data" in nets} == {
        "api", "api-reader", "scraper", "worker", "jobs", "beat", "flower", "postgres", "redis",
    }  # fmt: skip
    for name in ("postgres", "redis", "beat", "flower"):
        assert joined[name] == {"data"}
    for name in ("prometheus", "alertmanager", "grafana"):
        assert joined[name] == {"monitoring"}


def test_a_full_redis_forgets_answers_and_never_messages() -> None:
    """Answers and pages have an end of their own (test_redis_keys.py); messages have none."""
    redis = SERVICES["redis"]
    options = dict(zip(redis["command"][1::2], redis["command"][2::2], strict=True))
    assert options["--maxmemory-policy"] == "volatile-lru"
    assert (options["--save"], options["--appendonly"]) == ("", "no")
    most, limit = (
        int(re.fullmatch(r"(\d+)mb?", text).group(1))  # type: ignore[union-attr]
        for text in (options["--maxmemory"], redis["mem_limit"])
    )
    assert most <= 0.8 * limit  # what it needs besides its data


def test_secrets_are_files_that_are_made_and_never_committed(tmp_path: Path) -> None:
    files = {name: secret["file"] for name, secret in COMPOSE["secrets"].items()}
    assert files == {name: f"./secrets/{name}" for name in files}
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run([ROOT / "deploy/make-secrets.sh", folder], check=True, capture_output=True)
        made = {path.name: path.read_text() for path in folder.iterdir()}
        assert made.keys() == files.keys()
        (folder / "api_keys").write_text("my own key, and another")
    assert made["api_keys"] == "my own key, and another"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(set(made.values())) == len(made)
    assert len(made["postgres_password"].strip()) == 64


def test_the_program_takes_what_compose_gives_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The addresses and the files of secrets, as they are read in the container."""
    for field in setting_fields():
        monkeypatch.delenv(field.name.upper(), raising=False)
    subprocess.run([ROOT / "deploy/make-secrets.sh", tmp_path], check=True, capture_output=True)
    for name, value in SERVICES["api"]["environment"].items():
        if value is not None:
            here = str(value).replace("/run/secrets", str(tmp_path))
            monkeypatch.setenv(name, here)
    settings = load_settings(env_file=None)
    password = (tmp_path / "postgres_password").read_text().strip()
    assert settings.database_url.reveal().endswith(f"@postgres:5432/imdb?password={password}")
    assert settings.redis_url.reveal() == "redis://redis:6379/0"


def test_the_api_listens_where_its_port_is_published() -> None:
    environment = SERVICES["api"]["environment"]
    assert (environment["API_HOST"], environment["API_PORT"]) == ("0.0.0.0", PUBLISHED["api"])  # noqa: S104
    assert f":{PUBLISHED['api']}/readyz" in SERVICES["api"]["healthcheck"]["test"][-1]
    assert SERVICES["api"]["command"] == ["serve"]


@pytest.mark.parametrize(
    ("service", "command"),
    [("worker", ["worker"]), ("jobs", ["worker", "--jobs"]), ("beat", ["schedule"])],
)
def test_workers_are_asked_whether_they_work(service: str, command: list[str]) -> None:
    assert SERVICES[service]["command"] == command
    check = SERVICES[service]["healthcheck"]["test"]
    assert check == ["CMD", "python", "main.py", command[0], "--check"]


def test_a_worker_has_time_to_finish_its_batch() -> None:
    defaults = load_settings(env_file=None)
    [minutes] = re.findall(r"^(\d+)m$", SERVICES["worker"]["stop_grace_period"])
    longest = defaults.batch_time_limit_seconds + defaults.request_timeout_seconds + GRACE_SECONDS
    assert 60 * int(minutes) >= longest


def test_a_job_worker_has_time_to_leave_its_job_to_another() -> None:
    """It hears of its end when it prolongs the lease, and lets go of what is in flight then."""
    defaults = load_settings(env_file=None)
    seconds = int(SERVICES["jobs"]["stop_grace_period"].removesuffix("s"))
    assert seconds >= 2 * (defaults.batch_lease_seconds / 6 + defaults.request_timeout_seconds)


def test_flower_asks_for_a_password_that_nobody_sees(tmp_path: Path) -> None:
    flower = SERVICES["flower"]
    shell, option, script = flower["command"]
    assert (shell, option) == ("sh", "-c")
    (tmp_path / "flower_password").write_text("s3cret\n")
    (tmp_path / "celery").write_text("#!/bin/sh\necho $FLOWER_BASIC_AUTH $*\n")
    (tmp_path / "celery").chmod(0o755)
    here = script.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    said = subprocess.run(
        ["sh", "-c", here], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said == "flower:s3cret flower\n"
