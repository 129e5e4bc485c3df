"""What the machine is that was measured on."""

import os
import platform
from datetime import date
from pathlib import Path

import psutil


def machine_facts() -> dict[str, str]:
    """Date, processor, cores, memory, system and Python, each as text for people."""
    return {
        "date": date.today().isoformat(),  # noqa: DTZ011 - the day of whoever measures
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def machine_line(facts: dict[str, str]) -> str:
    """The facts as one line."""
    return (
        f"{facts['date']}: {facts['cores']} cores ({facts['processor']}), {facts['memory']}, "
        f"{facts['system']}, Python {facts['python']}"
    )


def _processor() -> str:
    """The model's name where the system says it, else the kind of processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
