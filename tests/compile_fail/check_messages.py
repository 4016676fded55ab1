"""Checks that each message of a static_assert in the given headers has a case here: a mark that it begins with.

    check_messages.py <header or directory>...
"""

import pathlib
import re
import sys

MARK = "// expect error: "
LITERAL = r'"(?:[^"\\]|\\.)*"'


def main():
    cases = pathlib.Path(__file__).parent.glob("*.cpp")
    marks = [
        line.split(MARK)[1].strip() for case in cases for line in case.read_text("utf-8").splitlines() if MARK in line
    ]
    missing = [
        f"{header}: {message}"
        for header in headers(sys.argv[1:])
        for message in messages(header.read_text("utf-8"))
        if not any(message.startswith(mark) or mark.startswith(message) for mark in marks)
    ]
    print("\n".join(f"no case for the message of {each}" for each in missing))
    return 1 if missing else 0


def headers(places):
    for place in map(pathlib.Path, places):
        yield from sorted(place.rglob("*.hpp")) if place.is_dir() else [place]


def messages(text):
    """Yields what begins a message: its literals up to the first argument of a macro that is put in between."""
    text = text.replace("\\\n", " ")
    for found in re.finditer(rf'{LITERAL}(?:\s*{LITERAL})*', text):
        message = "".join(part[1:-1].replace('\\"', '"') for part in re.findall(LITERAL, found[0]))
        before = text[: found.start()]
        is_macro = re.search(r"#define TYTO_DETAIL_NO\w+\s*$", before)
        statement = before[before.rfind(";") + 1 :]
        if message.startswith("tyto: ") and (is_macro or "static_assert(" in statement):
            yield message


if __name__ == "__main__":
    sys.exit(main())
