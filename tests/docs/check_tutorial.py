"""Does with the tutorial's program what the tutorial says, and starts it again.

    check_tutorial.py <program>
"""
import pathlib
import subprocess
import sys
import tempfile


def talk(place, said, expected):
    ended = subprocess.run([pathlib.Path(sys.argv[1]).resolve()], input=said, capture_output=True, text=True, cwd=place,
                           timeout=120)
    if (ended.returncode, ended.stdout) != (0, expected):
        sys.exit(f"the program ended with {ended.returncode}, {ended.stderr}, and printed\n{ended.stdout}not\n{expected}")


with tempfile.TemporaryDirectory() as place:
    talk(place, "lend ulysses ann\nlend ulysses ben\n", "ann has 1 books\nrejected: ann has it\n")
    talk(place, "lend ulysses ben\nreturn ulysses ann\nlend ulysses ben\n",
         "rejected: ann has it\nann has 0 books\nben has 1 books\n")
