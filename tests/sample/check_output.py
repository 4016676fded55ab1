#!/usr/bin/env python3
"""Runs a sample twice in a fresh directory and compares what it prints with the ```text block of its README. The lines
of the README's ```json blocks must be in the files that the sample has written, the first block's in the first file;
every line of these must be a JSON object.

usage: check_output.py PROGRAM README.md [FILE.jsonl...]
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(readme, language, count):
    found = re.findall(rf"```{language}\n(.*?)```", readme, re.S)
    if len(found) != count:
        sys.exit(f"the README has {len(found)} {language} blocks instead of {count}")
    return found


def check_file(path, shown):
    lines = path.read_text(encoding="utf-8").splitlines()
    objects = [json.loads(line) for line in lines]
    positions = [each["position"] for each in objects if "position" in each]
    if positions and positions != list(range(1, len(lines) + 1)):
        sys.exit(f"{path.name} has the positions {positions}")
    for line in shown.splitlines():
        if line not in lines:
            sys.exit(f"{path.name} lacks the README's line\n{line}\nit has\n" + "\n".join(lines))


def main():
    program, readme_path, *files = sys.argv[1:]
    readme = pathlib.Path(readme_path).read_text(encoding="utf-8")
    (printed,) = blocks(readme, "text", 1)
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(2):
            done = subprocess.run([program], cwd=directory, capture_output=True, text=True, check=False)
            if done.returncode != 0 or done.stdout != printed:
                sys.exit(f"{readme_path} says\n{printed}\nstatus {done.returncode}, and it prints\n"
                         f"{done.stdout}{done.stderr}")
            for name, shown in zip(files, blocks(readme, "json", len(files))):
                check_file(pathlib.Path(directory, name), shown)
    print("as the README says")


if __name__ == "__main__":
    main()
