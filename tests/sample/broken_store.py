#!/usr/bin/env python3
"""Gives the order simulation a storage that no further attempt mends, and looks whether it gives up: exit status 1, a
message that says what is wrong and what to do, and nothing lost.

usage: broken_store.py order_simulation
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

# It must not try for ever; how long it takes is the machine's matter.
FAR_TOO_LONG_S = 300


def run(program, data_dir, *arguments, **options):
    return subprocess.run([program, "--data-dir", data_dir, "--json", *arguments], capture_output=True, text=True,
                          errors="replace", check=False, timeout=FAR_TOO_LONG_S, **options)


def report_of(done):
    if done.returncode != 0:
        sys.exit(f"{done.args} ended with status {done.returncode}: {done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    del report["seconds"]
    return report


def expect_failure(done, *words):
    end = "\n".join(done.stderr.splitlines()[-2:])
    missing = [each for each in words if each not in end]
    if done.returncode != 1 or missing or done.stdout:
        sys.exit(f"{done.args} ended with status {done.returncode}; the end of its message lacks {missing}:\n{end}\n"
                 f"{done.stdout}")


def check_full_map(program, directory):
    data_dir = os.path.join(directory, "small")
    orders = ("--orders", "2000")
    expect_failure(run(program, data_dir, *orders, "--map-bytes", "1048576"), "the map is full", "--map-bytes")
    finished = report_of(run(program, data_dir, *orders))
    undisturbed = report_of(run(program, os.path.join(directory, "undisturbed"), *orders))
    if finished != undisturbed:
        sys.exit(f"undisturbed: {undisturbed}\nafter a full map: {finished}")


def check_full_disk(program, directory):
    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    data_dir = os.path.join(directory, "limited")
    expect_failure(run(program, data_dir, "--orders", "2000", preexec_fn=limit_files), "RLIMIT_FSIZE", "Make room")
    report_of(run(program, data_dir, "--orders", "2000"))


def check_damaged_record(program, directory):
    data_dir = os.path.join(directory, "damaged")
    report_of(run(program, data_dir, "--orders", "200"))
    path = os.path.join(data_dir, "journal", "data.mdb")
    with open(path, "r+b") as file:
        content = file.read().replace(b"order.created", b"order.cheated")  # all: some lie in pages that are free
        file.seek(0)
        file.write(content)
    expect_failure(run(program, data_dir, "--orders", "300"), "checksum")


def check_older_journal(program, directory):
    data_dir, older = (os.path.join(directory, name) for name in ("restored", "older"))
    report_of(run(program, data_dir, "--orders", "50"))
    shutil.copytree(os.path.join(data_dir, "journal"), older)
    report_of(run(program, data_dir, "--orders", "100"))
    shutil.rmtree(os.path.join(data_dir, "journal"))
    shutil.move(older, os.path.join(data_dir, "journal"))
    expect_failure(run(program, data_dir, "--orders", "50"), "the journal ends at", "read_models",
                   "--data-dir")
    os.remove(os.path.join(data_dir, "journal.head"))
    shutil.rmtree(os.path.join(data_dir, "read_models"))
    report_of(run(program, data_dir, "--orders", "50"))


def main():
    for check in (check_full_map, check_full_disk, check_damaged_record, check_older_journal):
        with tempfile.TemporaryDirectory() as directory:
            check(sys.argv[1], directory)
            print(check.__name__)


if __name__ == "__main__":
    main()
