"""Compiles one C++ file and checks what the compiler says.

Each line `// expect error: <text>` in a file is a mark: the file must fail to compile, with an error of its own for
each mark. That error holds the text and leads to the line below the marks. There is no other error. A file without a
mark must compile.

    check_compile.py <file> <compiler> [<flag>...]
"""

import os
import re
import subprocess
import sys

MARK = "// expect error: "
# What GCC and Clang say before an error: where its line is included from, and GCC also what is instantiated. Several
# errors may share it.
LEADING = re.compile(r"In file included from |\s+from |\S+: (In|At) |\S+:\s+((recursively )?required|\[ skipping) ")


def main():
    file, compiler = sys.argv[1], sys.argv[2:]
    with open(file, encoding="utf-8") as source:
        marks = marks_of(source.readlines())

    compiled = subprocess.run(
        [*compiler, "-fsyntax-only", file],
        env={**os.environ, "LC_ALL": "C"},  # gcc translates its messages
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    said = compiled.stderr
    if not marks:
        return report("it must compile", said) if compiled.returncode != 0 else 0
    if compiled.returncode == 0:
        return report("it must not compile", said)
    errors = errors_in(said.splitlines())
    for number, expected in marks:
        place = re.compile(rf"{re.escape(os.path.basename(file))}:{number}:")
        found = next((each for each in errors if expected in each[0] and place.search(each[1])), None)
        if found is None:
            return report(f"an error that leads to line {number} must be: {expected}", said)
        errors.remove(found)
    if errors:
        return report(f"no mark expects the error: {errors[0][0]}", said)
    return 0


def marks_of(lines):
    """Returns each mark's line and text: the line is the first one below that is no mark."""
    marks = []
    for index, line in enumerate(lines):
        if MARK in line:
            below = next(number for number in range(index, len(lines)) if MARK not in lines[number])
            marks.append((below + 1, line.split(MARK)[1].strip()))
    return marks


def errors_in(lines):
    """Returns each error's line, and with it all that is said about it: what leads to it, itself and what follows."""
    errors = []
    leading, leads = [], False
    for line in lines:
        if LEADING.match(line):
            leading = [*leading, line] if leads else [line]
            leads = True
            continue
        leads = False
        if re.search(r"\berror: ", line):
            errors.append((line, [*leading, line]))
        elif errors:
            errors[-1][1].append(line)
    return [(error, "\n".join(about)) for error, about in errors]


def report(why, said):
    print(f"{sys.argv[1]}: {why}. The compiler said:\n{said}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
