"""Runs the benchmark program's shortest useful workloads, and makes a table and a plot of what they print.

    check_bench.py <tyto_bench> <plot_benchmarks>
"""

import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from pathlib import Path

KEYS = {"workload", "figure", "unit", "reference", "reference_is", "ratio", "reach", "durability"}


def run(*command, directory, **options):
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True, **options).stdout


def main():
    bench, plot = (str(Path(program).resolve()) for program in sys.argv[1:])
    with tempfile.TemporaryDirectory(dir=".") as directory:
        measured = []
        for workload, lines in {"commands": ["commands"], "peers": ["peers_rocksdb", "peers_sqlite"]}.items():
            printed = json.loads(run(bench, workload, "--seconds", "0.2", "--json", directory=directory))
            printed = printed if isinstance(printed, list) else [printed]
            assert [one["workload"] for one in printed] == lines, printed
            measured += printed
        for one in measured:
            assert KEYS <= one.keys(), one
            assert one["figure"] > 0 and one["reference"] > 0 and one["durability"] == "synced", one
            assert abs(one["ratio"] - one["figure"] / one["reference"]) < 1e-6, one

        table = run(plot, "-", "--svg", "plot.svg", "--markdown", directory=directory, input=json.dumps(measured))
        assert len(table.splitlines()) == 2 + len(measured), table
        drawn = xml.etree.ElementTree.parse(Path(directory) / "plot.svg")
        bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
        assert len(bars) == len(measured), bars

        refused = subprocess.run([bench, "peers", "--relaxed"], cwd=directory, capture_output=True, text=True)
        assert refused.returncode == 1 and "--relaxed" in refused.stderr, refused


main()
