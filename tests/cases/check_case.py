#!/usr/bin/python3
"""Runs one of the programs that stand for a fault, and checks that it prints what is right.

usage: check_case.py NAME PROGRAM
"""

import re
import subprocess
import sys
import tempfile

# For each program: what must be found in its output, and what must not. Patterns of lines; (?m) is on.
ENDS_WITH_AN_ERROR = {"index_changed_under_a_name"}
RIGHT = {
    "paid_before_its_deadline": (
        [r"^awaited 5000$", r"^arrived 5000$", r"^missed 0$", r"^orders cancelled 0$"], []),
    "deadline_named_by_key": ([r"fired 1$"], [r"fired 0$"]),
    "deadlines_of_ended_instances": (
        [r"--- over\n(.*\n)*?   run 3: on\(deadline\) called 0, live aggregates 0, rows in deadlines 0,",
         r"--- rejects\n   run 0: on\(deadline\) called 5,.*\n   run 1: on\(deadline\) called 0,.*\n"],
        [r"rows in deadlines [1-9]"]),
    "split_event_and_dead_letters": ([r"^after: apple 15 .* pear 2 "], []),
    "event_without_upcaster": (
        [r"(?s)--- upcaster missing\nsettled.*--- upcaster throws\nsettled", r"^   relay running .* parked 1 ",
         r"^   notes running .* parked 1 ", r"^   orders running .* lag 0 failures 0 parked 0 "],
        [r"(relay|notes) running .* parked 0"]),
    "settle_after_check_clock": ([r"waited 100 times, came back early 0 times"], []),
    "many_dead_letters": ([r"^released 5000 in \d(\.\d+)?(e-\d+)? s", r"rows after [0-4](\.\d+)?(e-\d+)? s"], []),
    # It ends with the projection that halts: it waits for all consumers and does not look at what came back.
    "index_changed_under_a_name": (
        [r"consumer 'customers' halts: .*give the projection a new name, or reset it"],
        [r"^then by country FR: eve of"]),
    "truncated_stream": (
        [r"^again after restart: repeated=1$", r" total 100$", r"^schema_version 2, truncated: ok$",
         r"^field added, version not raised, truncated: ok$"], []),
    "recovery_and_the_clock": (
        [r"^repaired 2 s ago: ok$", r"^repaired 8 s ago: ok$", r"^a day later: ok$"], []),
    "export_of_a_map": ([r"^export: 4$"], []),
    "refused_command_of_a_reaction": (
        [r"^settled$", r"other\|x: the runtime has no such aggregate; register it", r"^querying 'p': .*a new name"],
        []),
}


def main():
    name, program = sys.argv[1], sys.argv[2]
    found, absent = RIGHT[name]
    with tempfile.TemporaryDirectory() as directory:
        run = subprocess.run([program], cwd=directory, capture_output=True, text=True, timeout=240, check=False)
    said = run.stdout + run.stderr
    wrong = []
    if (run.returncode != 0) != (name in ENDS_WITH_AN_ERROR):
        wrong.append(f"it ended with {run.returncode}")
    wrong += [f"not found: {each}" for each in found if not re.search("(?m)" + each, said)]
    wrong += [f"found: {each}" for each in absent if re.search("(?m)" + each, said)]
    print(said)
    if wrong:
        sys.exit(f"{name}: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
