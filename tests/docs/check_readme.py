"""Fails unless the README's complete program is the quickstart sample, letter for letter, everything else that it and
the pages below show is part of one of the sources that are named here and compiled elsewhere, and all pages link to paths
that exist.

    check_readme.py <root> <source>...
"""
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(sys.argv[1])
problems = []


def blocks_in(page):
    """Returns the code that a page shows, and what it prints."""
    return re.findall(r"```(?:cpp|text)\n(.*?)```", (root / page).read_text(), re.S)


if (root / "samples/quickstart/main.cpp").read_text() not in blocks_in("README.md"):
    problems.append("README.md: the complete program is not samples/quickstart/main.cpp")

compiled = [(root / path).read_text() for path in sys.argv[2:]]
for page in ("README.md", "docs/patterns.md", "docs/rehearsal.md", "docs/testing.md", "docs/tutorial.md",
             "docs/writing-a-store.md"):
    for block in blocks_in(page):
        if not any(block in source or textwrap.indent(block, "  ") in source for source in compiled):
            problems.append(f"{page}: this is in no program that is compiled:\n{block}")

folders = ["docs", "samples", "framework", "persistence", "actors", "tests", "tools"]
pages = [page for folder in folders for page in root.glob(f"{folder}/**/*.md")]
for page in [root / "README.md", root / "CONTRIBUTING.md", *pages]:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)", prose):
        if "://" not in target and not (page.parent / target).exists():
            problems.append(f"{page.relative_to(root)}: links to {target}, which does not exist")

print("\n".join(problems) or "README and links are right")
sys.exit(bool(problems))
