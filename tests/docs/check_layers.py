"""Prints which folder of the sources includes which, and fails where an arrow points the wrong way.

    check_layers.py <checkout>
"""

import pathlib
import re
import sys

MODULES = {
    "framework": ["framework/include", "framework/src"],
    "persistence": ["persistence/include", "persistence/src"],
    "actors": ["actors/include", "actors/src"],
    "caf": ["actors/caf/include", "actors/caf/src"],
    "testing": ["actors/testing/include", "actors/testing/src"],
    "survey": ["actors/survey"],
    "metrics": ["actors/metrics/include", "actors/metrics/src"],
    "serve": ["actors/serve/include", "actors/serve/src"],
}
# What the modules may include of each other. The face of the runtime stands on top: only what implements it and what
# stands beside it, the bridge to CAF, simulated worlds, metrics and the page, include it.
BELOW = {"framework": {"framework"}, "persistence": {"framework", "persistence"}, "actors": {"framework", "actors"},
         "caf": {"framework", "actors", "caf"}, "testing": {"framework", "persistence", "actors", "testing"},
         "survey": {"framework", "survey"}, "metrics": {"framework", "actors", "metrics"},
         "serve": {"framework", "persistence", "actors", "survey", "metrics", "serve"}}
HOMES = {"caf": "actors/caf", "testing": "actors/testing", "metrics": "actors/metrics", "serve": "actors/serve"}  # where the README of a whole module is
FACE = "actors/include/tyto/runtime.hpp"
MAY_SEE_FACE = ("actors/src/runtime.cpp", "actors/src/runtime_access.hpp", "actors/caf/", "actors/testing/", "actors/metrics/",
                "actors/serve/")
MAY_SEE_CAF = ("actors/src/actor/caf_host.cpp", "actors/caf/")
LMDB = "persistence/src/lmdb/"


def main():
    root = pathlib.Path(sys.argv[1])
    roots = [(module, root / directory) for module, directories in MODULES.items() for directory in directories]
    files = {path: module for module, directory in roots for path in directory.rglob("*.[ch]pp")}
    problems, arrows = [], {}
    for path, module in sorted(files.items()):
        name = str(path.relative_to(root))
        text = path.read_text(encoding="utf-8")
        for quoted, included in re.findall(r'^#include ("|<)([^">]+)', text, re.M):
            if included.startswith("caf/") and not name.startswith(MAY_SEE_CAF):
                problems.append(f"{name} includes <{included}>")
            if included == "lmdb.h" and not name.startswith(LMDB):
                problems.append(f"{name} includes <{included}>")
            found = next((d / included for _, d in roots if (d / included).is_file()), None)
            if found is None:
                if quoted == '"':
                    problems.append(f'{name} includes "{included}", which is nowhere')
                continue
            target = str(found.relative_to(root))
            if files[found] not in BELOW[module]:
                problems.append(f"{name} includes {target}, of a module that is not below it")
            if target.startswith(LMDB) and not name.startswith(LMDB):
                problems.append(f"{name} includes {target}, which is for the store in LMDB alone")
            if module == "caf" and target.startswith("actors/src/"):
                problems.append(f"{name} includes {target}, which is private to the runtime")
            if module == "testing" and target.startswith("persistence/src/"):
                problems.append(f"{name} includes {target}, which is private to the stores")
            if target == FACE and not name.startswith(MAY_SEE_FACE):
                problems.append(f"{name} includes {FACE}, which stands above it")
            here, there = str(pathlib.PurePath(name).parent), str(pathlib.PurePath(target).parent)
            if here != there:
                arrows.setdefault(here, {}).setdefault(there, 0)
                arrows[here][there] += 1
        if re.match(r"actors/src/\w+/", name) and re.search(r"\bengine\b", text):
            problems.append(f"{name} names the engine, which owns it")
        home = root / HOMES[module] if module in HOMES else path.parent
        if not (home / "README.md").exists():
            problems.append(f"{home.relative_to(root)} has no README.md that says what it is")

    for here in sorted(arrows):
        print(here, "->", ", ".join(f"{there} ({count})" for there, count in sorted(arrows[here].items())))
    if not any(str(path).endswith("tyto/runtime.hpp") for path in files):
        problems.append("the face is not where this test looks for it")
    for problem in sorted(set(problems)):
        print("PROBLEM:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
