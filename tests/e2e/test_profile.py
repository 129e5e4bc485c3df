"""``--profile``: what is measured, and where it is written."""

import json
import os

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.cli import profiling
from shared.stages import measured_stages, stage
from tests.e2e.program import run

TITLES = 40
SETTINGS = {"repositories": "csv", "requests_per_second": 0, "limit": TITLES}


@pytest.fixture(scope="module")
def site():
    with DemoSite(load_facts(), delay_seconds=0.05) as demo_site:
        yield demo_site


def test_every_stage_of_a_run_is_measured(site, tmp_path):
    result = run(tmp_path, "--profile", base_url=site.url, **SETTINGS)
    assert result.status == 0, result.err
    written = json.loads((tmp_path / "output/profile/stages.json").read_text("utf-8"))
    stages = written["stages"]
    calls = {name: stages[name]["calls"] for name in ("network", "unpack", "decode", "build")}
    # The chart and robots.txt are fetched and unpacked too.
    assert calls == {"network": TITLES + 2, "unpack": TITLES + 2, "decode": TITLES, "build": TITLES}
    assert stages["save csv"]["calls"] >= 1
    assert written["titles"] == TITLES
    staged = sum(cost["cpu_seconds"] for cost in stages.values())
    assert 0 < staged + written["startup_cpu_seconds"] < written["process_cpu_seconds"]
    # Each title's thread waited for the site.
    assert stages["network"]["wall_seconds"] > TITLES * 0.05
    for name in stages:
        assert name in result.out


def test_the_samples_are_a_picture_or_the_reason_is_told(site, tmp_path):
    result = run(tmp_path, "titles", "tt0111161", "--profile", base_url=site.url, **SETTINGS)
    picture = tmp_path / "output/profile/samples.svg"
    if not picture.exists():
        assert "no samples: " in result.err
        pytest.skip(f"this machine does not let py-spy look: {result.err}")
    assert "<svg" in picture.read_text("utf-8")
    assert str(picture) in result.out


@pytest.mark.parametrize("arguments", [("--profile", "psql"), ("--profile", "parse", "page.html")])
def test_what_is_no_run_cannot_be_profiled(tmp_path, arguments):
    result = run(tmp_path, *arguments)
    assert result.status == 2
    assert "--profile measures runs" in result.err


def test_a_sampler_that_may_not_look_costs_the_samples_only(tmp_path, monkeypatch, caplog):
    sampler, gave_up = tmp_path / "py-spy", tmp_path / "gave-up"
    os.mkfifo(gave_up)
    refusal = "Permission denied: try again as root"
    sampler.write_text(f"#!/bin/sh\necho '{refusal}' >&2\necho > '{gave_up}'\nexit 1\n")
    sampler.chmod(0o755)
    monkeypatch.setattr(profiling.shutil, "which", lambda *names, **path: str(sampler))
    with profiling.profiled(tmp_path / "profile") as profile, stage("work"):
        gave_up.read_text("utf-8")  # waits for the writer
    assert refusal in caplog.text
    assert profile.stages["work"].calls == 1
    assert not (tmp_path / "profile/samples.svg").exists()


def test_without_the_sampler_a_warning_says_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(profiling.shutil, "which", lambda *names, **path: None)
    with profiling.profiled(tmp_path / "profile"):
        pass
    assert "py-spy is not installed" in caplog.text


def test_a_stage_does_not_count_what_is_inside_it_twice():
    with measured_stages() as clock:
        with stage("outer"), stage("inner"):
            sum(range(3_000_000))
        with stage("outer"):
            pass
    times = clock.times()
    assert (times["outer"].calls, times["inner"].calls) == (2, 1)
    assert times["outer"].cpu_seconds < times["inner"].cpu_seconds
    assert times["outer"].wall_seconds < times["inner"].wall_seconds


def test_stages_are_measured_only_while_somebody_asks():
    with measured_stages() as clock:
        pass
    with stage("later"):
        pass
    assert clock.times() == {}
