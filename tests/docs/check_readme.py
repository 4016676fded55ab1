"""Fails unless the README's complete program is the quickstart sample, letter for letter, its example for CAF is part of
a program that is compiled, and the paths it links exist."""
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(sys.argv[1])
readme = (root / "README.md").read_text()
problems = []

blocks = re.findall(r"```cpp\n(.*?)```", readme, re.S)
if (root / "samples/quickstart/main.cpp").read_text() not in blocks:
    problems.append("README.md: the complete program is not samples/quickstart/main.cpp")

caf_actor = (root / "tests/install/consumer/caf_actor.cpp").read_text()
of_caf = [block for block in blocks if "caf::" in block]
if not of_caf or not all(block in caf_actor or textwrap.indent(block, "  ") in caf_actor for block in of_caf):
    problems.append("README.md: what it shows of CAF is not in tests/install/consumer/caf_actor.cpp")

for page in [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md"), *root.glob("samples/*/README.md")]:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)", prose):
        if "://" not in target and not (page.parent / target).exists():
            problems.append(f"{page.relative_to(root)}: links to {target}, which does not exist")

print("\n".join(problems) or "README and links are right")
sys.exit(bool(problems))
