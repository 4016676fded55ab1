"""Kills the agent at each moment of its errand and starts it again: each letter is sent once, and no call is repeated whose
receipt was on record.

    killed_agent.py <agent_log>
"""
import pathlib
import signal
import subprocess
import sys
import tempfile

AGENT = pathlib.Path(sys.argv[1]).resolve()
LETTERS = ["E1/0\tto Ann", "E1/1\tto Ben", "E1/2\tto Carol"]


def lines_of(place, file):
    path = pathlib.Path(place, file)
    return path.read_text().splitlines() if path.exists() else []


def run(place, *arguments):
    return subprocess.run([AGENT, "errand", *map(str, arguments)], cwd=place, capture_output=True, text=True, timeout=120)


moment = 0
while True:
    moment += 1
    with tempfile.TemporaryDirectory() as place:
        killed = run(place, moment)
        if killed.returncode == 0:
            break  # there is no such moment any more
        assert killed.returncode == -signal.SIGKILL, killed
        before = lines_of(place, "calls.txt")
        known = sum("receipt" in line for line in killed.stdout.splitlines())
        ended = run(place)
        assert ended.returncode == 0, ended
        assert sum("as the journal has it" in line for line in ended.stdout.splitlines()) == known, ended.stdout
        assert lines_of(place, "letters.txt") == LETTERS, lines_of(place, "letters.txt")
        calls = lines_of(place, "calls.txt")
        again = [call for call in set(calls) if calls.count(call) > 1]
        assert again == ([f"E1/{known}"] if len(before) > known else []), (moment, calls)
        assert all(int(call.split("/")[1]) >= known for call in calls[len(before):]), (moment, calls)
if moment != 16:
    sys.exit(f"there are {moment - 1} moments, not 15")
