"""Compiles one C++ file and checks what the compiler says.

A file with a line `// expect error: <text>` must fail to compile: the first error is to hold that text, and the
compiler's messages are to lead to the line below the mark. A file without a mark must compile.

    check_compile.py <file> <compiler> [<flag>...]
"""

import os
import re
import subprocess
import sys


def main():
    file, compiler = sys.argv[1], sys.argv[2:]
    mark = "// expect error: "
    with open(file, encoding="utf-8") as source:
        marked = [(number + 1, line.split(mark)[1].strip()) for number, line in enumerate(source, 1) if mark in line]

    compiled = subprocess.run(
        [*compiler, "-fsyntax-only", file],
        env={**os.environ, "LC_ALL": "C"},  # gcc translates its messages
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    said = compiled.stderr
    if not marked:
        return report("it must compile", said) if compiled.returncode != 0 else 0
    if len(marked) > 1:
        return report("a case has one mistake, so one mark", said)
    number, expected = marked[0]
    if compiled.returncode == 0:
        return report("it must not compile", said)
    first_error = next((line for line in said.splitlines() if re.search(r"\berror: ", line)), "")
    if expected not in first_error:
        return report(f"the first error must be: {expected}", said)
    if not re.search(rf"{re.escape(os.path.basename(file))}:{number}:", said):
        return report(f"the error must lead to line {number}", said)
    return 0


def report(why, said):
    print(f"{sys.argv[1]}: {why}. The compiler said:\n{said}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
