"""Fails unless the README's complete program is the quickstart sample, letter for letter, everything else that it and
docs/writing-a-store.md show is part of one of the sources that are named here and compiled elsewhere, and the paths that
documents link exist.

    check_readme.py <root> <source>...
"""
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(sys.argv[1])
problems = []

if f"```cpp\n{(root / 'samples/quickstart/main.cpp').read_text()}```" not in (root / "README.md").read_text():
    problems.append("README.md: the complete program is not samples/quickstart/main.cpp")

compiled = [(root / path).read_text() for path in sys.argv[2:]]
for page in ["README.md", "docs/writing-a-store.md"]:
    for block in re.findall(r"```cpp\n(.*?)```", (root / page).read_text(), re.S):
        if not any(block in source or textwrap.indent(block, "  ") in source for source in compiled):
            problems.append(f"{page}: this is in no program that is compiled:\n{block}")

folders = ["docs", "samples", "framework", "persistence", "actors", "tests"]
pages = [page for folder in folders for page in root.glob(f"{folder}/**/*.md")]
for page in [root / "README.md", root / "CONTRIBUTING.md", *pages]:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)", prose):
        if "://" not in target and not (page.parent / target).exists():
            problems.append(f"{page.relative_to(root)}: links to {target}, which does not exist")

print("\n".join(problems) or "README and links are right")
sys.exit(bool(problems))
