"""``make bench``: run every benchmark in a process of its own and print one table."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    "benchmarks.decisions",
    "benchmarks.matching",
    "benchmarks.governance",
    "benchmarks.verification",
    "benchmarks.controls",
    "benchmarks.wakeups",
    "benchmarks.inbox",
    "benchmarks.nights",
    "benchmarks.airflow_nights",
    "benchmarks.airflow_wakeups",
)


def main() -> int:
    """Run them one after the other, so that each has the machine to itself."""
    print("| what | measured | baseline | ratio | remarks |\n|---|---|---|---|---|", flush=True)
    return max(subprocess.run([sys.executable, "-m", name], check=False).returncode for name in BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main())
