#!/usr/bin/env python3
"""Runs a sample without a standard output, with and without a standard error: it must end with status 1.

usage: closed_outputs.py PROGRAM [ARGUMENT...]
"""
import os
import subprocess
import sys
import tempfile


def run(command, closed):
    def close():
        for each in closed:
            os.close(each)

    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                              preexec_fn=close, env={**os.environ, "TMPDIR": directory})
    if done.returncode != 1:
        sys.exit(f"{command} without the descriptors {closed} ended with status {done.returncode}: {done.stderr!r}")
    if 2 not in closed and not done.stderr:
        sys.exit(f"{command} did not say why it failed")


def main():
    run(sys.argv[1:], [1])
    run(sys.argv[1:], [1, 2])
    print("status 1")


if __name__ == "__main__":
    main()
