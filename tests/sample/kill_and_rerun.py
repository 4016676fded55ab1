#!/usr/bin/env python3
"""Kills the order simulation at random moments, again and again, lets it finish, and compares what it reports with what
an undisturbed run in another directory reports: nothing may be missing, nothing doubled.

usage: kill_and_rerun.py order_simulation [--rounds N] [--seed S] [-- ARGUMENT...]   (for the program)
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time


def start(program, data_dir, arguments):
    return subprocess.Popen([program, "--data-dir", data_dir, "--json", *arguments], stdout=subprocess.PIPE, text=True)


def finish(process, what):
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{what}: the program ended with status {process.returncode}: {output}")
    report = json.loads(output)
    del report["seconds"]
    return report


def kill_after(process, seconds):
    """Returns whether the program was still at work when the time was over."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    if process.returncode != 0:
        sys.exit(f"a run after a kill ended with status {process.returncode}")
    return False


def check(program, rounds, seed, arguments):
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        began = time.monotonic()
        undisturbed = finish(start(program, os.path.join(directory, "undisturbed"), arguments), "undisturbed run")
        whole = time.monotonic() - began

        # Each kill comes after a part of a whole run's time, so that all of them together hit its beginning, its middle
        # and its end. Done early, the program has only repetitions to answer, and those may be killed as well.
        data_dir = os.path.join(directory, "killed")
        killed = 0
        for number in range(1, rounds + 1):
            delay = draw.uniform(0, 2 * whole / rounds if number % 2 else 0.9 * whole)
            hit = kill_after(start(program, data_dir, arguments), delay)
            killed += hit
            print(f"round {number}: {'killed' if hit else 'done before it was killed'} after {delay * 1000:.0f} ms")
        finished = finish(start(program, data_dir, arguments), "the last run")
        again = finish(start(program, data_dir, arguments), "one more run")
        if killed == 0:
            sys.exit("not one run was killed: give it more orders")
        return undisturbed, finished, again


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    own, arguments = sys.argv[1:], []
    if "--" in own:
        own, arguments = own[:own.index("--")], own[own.index("--") + 1:]
    given = parser.parse_args(own)
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"--rounds {given.rounds} --seed {seed}", flush=True)

    undisturbed, finished, again = check(given.program, given.rounds, seed, arguments or ["--orders", "3000"])
    if not undisturbed == finished == again:
        sys.exit(f"undisturbed: {undisturbed}\nafter kills: {finished}\nonce more:   {again}")
    print("the same report as undisturbed:", finished)


if __name__ == "__main__":
    main()
