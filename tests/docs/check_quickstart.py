"""Runs the quickstart twice in a fresh directory and compares what it prints with what the README says."""
import subprocess
import sys
import tempfile

program = sys.argv[1]
with tempfile.TemporaryDirectory() as directory:
    for cents in (500, 1000):
        done = subprocess.run([program], cwd=directory, capture_output=True, text=True)
        expected = f"rejected: the account holds {cents} cents\nalice has {cents} cents\n"
        if done.returncode != 0 or done.stdout != expected:
            sys.exit(f"expected status 0 and\n{expected}\ngot {done.returncode} and\n{done.stdout}{done.stderr}")
print("as the README says")
