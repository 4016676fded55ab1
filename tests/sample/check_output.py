#!/usr/bin/env python3
"""Runs a sample twice in a fresh directory and compares what it prints with the ```text block of its README. The lines
of the README's ```json block must be in a file that the sample has written, every line of which must be a JSON object.

usage: check_output.py PROGRAM README.md [FILE.jsonl]
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def block(readme, language):
    found = re.findall(rf"```{language}\n(.*?)```", readme, re.S)
    if len(found) != 1:
        sys.exit(f"the README has {len(found)} {language} blocks instead of one")
    return found[0]


def check_file(path, shown):
    lines = path.read_text(encoding="utf-8").splitlines()
    positions = [json.loads(line)["position"] for line in lines]
    if positions != list(range(1, len(lines) + 1)):
        sys.exit(f"{path.name} has the positions {positions}")
    for line in shown.splitlines():
        if line not in lines:
            sys.exit(f"{path.name} lacks the README's line\n{line}\nit has\n" + "\n".join(lines))


def main():
    program, readme_path, *file = sys.argv[1:]
    readme = pathlib.Path(readme_path).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(2):
            done = subprocess.run([program], cwd=directory, capture_output=True, text=True, check=False)
            if done.returncode != 0 or done.stdout != block(readme, "text"):
                sys.exit(f"{readme_path} says\n{block(readme, 'text')}\nstatus {done.returncode}, and it prints\n"
                         f"{done.stdout}{done.stderr}")
            for name in file:
                check_file(pathlib.Path(directory, name), block(readme, "json"))
    print("as the README says")


if __name__ == "__main__":
    main()
