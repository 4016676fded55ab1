"""Compiles one C++ file and checks what the compiler says.

Each line `// expect error: <text>` in a file is a mark: the file must fail to compile, an error must hold that text, and
the compiler's messages must lead to the line below the mark. The errors are all Tyto's own sentences, and no more kinds
of them than there are marks. A file without a mark must compile.

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
        marks = [(number + 1, line.split(MARK)[1].strip()) for number, line in enumerate(source, 1) if MARK in line]

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


def report(why, said):
    print(f"{sys.argv[1]}: {why}. The compiler said:\n{said}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
