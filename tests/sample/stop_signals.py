#!/usr/bin/env python3
"""Sends signals to a program that keeps its data in a temporary directory while it runs, and looks whether the directory
is gone when the program has ended, and whether it has ended by the signal.

usage: stop_signals.py PROGRAM ARGUMENT...
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

FAR_TOO_LONG_S = 300


def check(command, sent):
    with tempfile.TemporaryDirectory(dir=".") as directory:
        directory = os.path.abspath(directory)
        program = subprocess.Popen(command, cwd=directory, env={**os.environ, "TMPDIR": directory},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        given_up_at = time.monotonic() + FAR_TOO_LONG_S
        while not any(files for _, _, files in os.walk(directory)):
            if program.poll() is not None or time.monotonic() > given_up_at:
                sys.exit(f"{command} makes no directory: {program.communicate()}")
            time.sleep(0.01)
        for each in sent:
            program.send_signal(each)
        output, errors = program.communicate(timeout=FAR_TOO_LONG_S)
        if program.returncode != -sent[0]:
            sys.exit(f"after {sent} the status is {program.returncode}\n{output}{errors}")
        if len(sent) == 1 and os.listdir(directory):
            sys.exit(f"after {sent} there is {os.listdir(directory)}\n{output}{errors}")


def main():
    command = [os.path.abspath(sys.argv[1]), *sys.argv[2:]]
    for sent in ([signal.SIGTERM], [signal.SIGINT], [signal.SIGHUP], [signal.SIGINT, signal.SIGINT]):
        check(command, sent)
    print("every signal ends the program, and its directory goes with it")


if __name__ == "__main__":
    main()
