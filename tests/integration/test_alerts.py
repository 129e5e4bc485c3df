"""What is deployed beside the program: alerts, dashboards, and the documentation of both."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infrastructure.monitoring import Metrics

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
ALERTS = (PROMETHEUS / "alerts.yml").read_text("utf-8")
ALERT_TESTS = (PROMETHEUS / "alerts_test.yml").read_text("utf-8")
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/imdb.json").read_text("utf-8"))
GUIDE = (ROOT / "docs/monitoring.md").read_text("utf-8")

NAMED = re.compile(r"\b(?:imdb|process)_[a-z_]+\b")
ALERT_NAMES = re.findall(r"- alert: (\w+)", ALERTS)
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    metrics = Metrics(tmp_path_factory.mktemp("metrics"))
    return {family.name: family for family in metrics.registry.collect()}


@pytest.fixture(scope="module")
def exported(families):
    """The names of all samples that the program can give."""
    return {
        family.name + suffix for family in families.values() for suffix in SUFFIXES[family.type]
    }


def promtool(*arguments):
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    return subprocess.run(
        [program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )


def expressions_of_alerts():
    """The lines of all ``expr``, without those of annotations."""
    return re.findall(r"expr: (.*?)\n        (?:for|labels):", ALERTS, re.DOTALL)


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions_of_panels():
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def test_the_configuration_and_its_rules_are_valid():
    checked = promtool("check", "config", "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERT_NAMES)} rules found" in checked.stdout


def test_every_alert_fires_and_does_not():
    tested = promtool("test", "rules", "alerts_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_an_alert_is_tested_both_ways_and_says_what_to_do(name):
    expected = re.findall(rf"alertname: {name}\n +exp_alerts:( \[\])?", ALERT_TESTS)
    assert "" in expected, f"{name} is never expected to fire"
    assert " []" in expected, f"{name} is never expected not to fire"
    (alert,) = re.findall(rf"- alert: {name}\n(.*?)(?=\n      - alert|\n  - name|\Z)", ALERTS, re.S)
    for part in ("severity:", "summary:", "description:", "action:"):
        assert part in alert
    assert f"### {name}\n" in GUIDE


@pytest.mark.parametrize("expression", expressions_of_alerts())
def test_an_alert_names_metrics_that_the_program_exports(expression, exported):
    named = set(NAMED.findall(expression))
    assert named
    assert named <= exported


def test_all_expressions_of_alerts_were_looked_at():
    assert len(expressions_of_alerts()) == len(ALERT_NAMES)


@pytest.mark.parametrize("expression", expressions_of_panels())
def test_a_panel_names_metrics_that_the_program_exports(expression, exported):
    named = set(NAMED.findall(expression))
    assert named
    assert named <= exported


def test_the_tests_of_alerts_name_metrics_that_the_program_exports(exported):
    named = set(re.findall(r"series: (\w+)\{", ALERT_TESTS))
    assert named
    assert named <= exported


def test_panels_are_told_apart_and_do_not_overlap():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_the_dashboard_asks_the_data_source_that_is_provisioned():
    provisioned = (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    (uid,) = re.findall(r"uid: (\w+)", provisioned)
    assert {panel["datasource"]["uid"] for panel in panels()} == {uid}


def test_panels_are_valid_queries(tmp_path):
    """As rules, with what Grafana puts in for its variables."""
    filled = [
        expression.replace("$__rate_interval", "1m").replace("$__range", "6h").replace("$job", ".*")
        for expression in expressions_of_panels()
    ]
    rules = [{"record": f"panel:{n}", "expr": e} for n, e in enumerate(filled)]
    path = tmp_path / "panels.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    checked = promtool("check", "rules", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def test_the_guide_describes_every_metric_with_its_type_and_labels(families):
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*)\| (.+) \|$", GUIDE, re.MULTILINE)
    described = {name: (kind, labels) for name, kind, labels, _ in rows}
    named = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in families.values()
    }
    assert {name: kind for name, (kind, _) in described.items()} == named
    for name, (_, labels) in described.items():
        for sample in families[name.removesuffix("_total")].samples:
            assert set(sample.labels) - {"le"} == set(re.findall(r"\w+", labels)), name


def test_the_example_for_alertmanager_routes_to_receivers_that_are_there_and_has_no_secret():
    example = (ROOT / "deploy/alertmanager/alertmanager.yml").read_text("utf-8")
    receivers = set(re.findall(r"- name: ([\w-]+)", example))
    assert set(re.findall(r"receiver: ([\w-]+)", example)) == receivers
    assert not re.findall(r"(?:password|api_url|api_key|token): \S", example)
    alerts = set(re.findall(r'alertname = "(\w+)"', example))
    assert alerts
    assert alerts <= set(ALERT_NAMES)
