"""Compiles one C++ file and checks what the compiler says.

Each line `// expect error: <text>` in a file is a mark: the file must fail to compile, an error must hold that text, and
the compiler's messages must lead to the line below the marks. There is no other error. A file without a mark must
compile.

    check_compile.py <file> <compiler> [<flag>...]
"""

import os
import re
import subprocess
import sys

MARK = "// expect error: "


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
    errors = [line for line in said.splitlines() if re.search(r"\berror: ", line)]
    for number, expected in marks:
        if not any(expected in error for error in errors):
            return report(f"an error must be: {expected}", said)
        if not re.search(rf"{re.escape(os.path.basename(file))}:{number}:", said):
            return report(f"an error must lead to line {number}", said)
    for error in errors:
        if not any(expected in error for _, expected in marks):
            return report(f"no mark expects the error: {error}", said)
    return 0


def marks_of(lines):
    """Returns each mark's line and text: the line is the first one below that is no mark."""
    marks = []
    for index, line in enumerate(lines):
        if MARK in line:
            below = next(number for number in range(index, len(lines)) if MARK not in lines[number])
            marks.append((below + 1, line.split(MARK)[1].strip()))
    return marks


def report(why, said):
    print(f"{sys.argv[1]}: {why}. The compiler said:\n{said}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
