#!/usr/bin/env python3
"""Gives the order simulation what it cannot use, and looks whether it says so: exit status 2, a message that names the
thing and has no control characters, nothing on standard output, no data directory, nothing in the temporary one.

usage: bad_input.py order_simulation
"""
import os
import subprocess
import sys
import tempfile
import unicodedata

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD_ROW = "1,A,THING,1,2026-01-01 00:00:00,1.00,1.0,UK\n"

# Arguments, and what the message has to name. {csv} is a file with the third part in it.
CASES = [
    (["--colour", "blue"], ["--colour"]),
    (["extra"], ["extra"]),
    (["--orders"], ["--orders"]),
    (["--orders", "many"], ["--orders", "many"]),
    (["--orders", "-1"], ["--orders"]),
    (["--orders", "1.5"], ["--orders"]),
    (["--seed", "x"], ["--seed", "'x' is not a whole number"]),
    (["--seed", "-1"], ["--seed", "'-1' is not a whole number"]),
    (["--seed", "99999999999999999999"], ["--seed", "99999999999999999999"]),
    (["--decline-rate", "2"], ["--decline-rate", "'2' is not a number from 0 to 1"]),
    (["--decline-rate", "-0.1"], ["--decline-rate"]),
    (["--decline-rate", "nan"], ["--decline-rate"]),
    (["--decline-rate", "often"], ["--decline-rate"]),
    (["--lost-payment-rate", "-1"], ["--lost-payment-rate", "'-1' is not a number from 0 to 1"]),
    (["--slow-notification", "-1"], ["--slow-notification"]),
    (["--slow-notification", "10001"], ["--slow-notification", "10001"]),
    (["--slow-notification", "slow"], ["--slow-notification", "slow"]),
    (["--fail-notification", "1.1"], ["--fail-notification", "'1.1' is not a number from 0 to 1"]),
    (["--fail-notification", "nan"], ["--fail-notification"]),
    (["--initial-stock", "-5"], ["--initial-stock"]),
    (["--data-dir", ""], ["--data-dir"]),
    (["--data-dir", "{csv}"], ["--data-dir", "is not a directory"]),
    (["--orders", "5", "--input", "{csv}"], ["--orders", "--input"]),
    (["--input", "no/such/file.csv"], ["no/such/file.csv", "No such file"]),
    (["--input", "/"], ["directory"]),
    (["--input", "/proc/self/mem"], ["/proc/self/mem: cannot be read: Input/output error"]),
    (["--input", "no\x1b[2J\n\u202efile"], ["no\\x1b[2J\\n\\u202efile"]),
    (["\x1b]0;title\x07\u009b"], ["\\x1b]0;title\\x07\\u009b"]),
    (["--seed", "1\n2"], ["'1\\n2' is not a whole number"]),
    (["--data-dir", "{csv}", "--map-bytes", "1"], ["--map-bytes"]),
    (["--input", "{csv}"], [":1:1:", "empty"], ""),
    (["--input", "{csv}"], [":1:", "UnitPrice"], HEADER.replace("UnitPrice,", "") + GOOD_ROW),
    (["--input", "{csv}"], [":3:11:", "Quantity", '"six"'], HEADER + GOOD_ROW + GOOD_ROW.replace("THING,1", "THING,six")),
    (["--input", "{csv}"], [":2:33:", "UnitPrice", '"1,00"'], HEADER + GOOD_ROW.replace("1.00", '"1,00"')),
    (["--input", "{csv}"], [":2:11:", '"\\x1b[31m'], HEADER + GOOD_ROW.replace("THING,1", "THING,\x1b[31m")),
    (["--input", "{csv}"], [":2:5:", "quote"], HEADER + GOOD_ROW.replace("THING", '"THING')),
]


def check(program, directory, case):
    arguments, expected, *content = case
    csv = os.path.join(directory, "input.csv")
    with open(csv, "w", encoding="utf-8") as file:
        file.write(content[0] if content else HEADER + GOOD_ROW)
    command = [program] + [each.replace("{csv}", csv) for each in arguments]
    data_dir = os.path.join(directory, "data")
    if "--data-dir" not in arguments:
        command += ["--data-dir", data_dir]
    temporary = os.path.join(directory, "temporary")
    os.makedirs(temporary, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": temporary})
    problems = [f"the message does not say {each!r}" for each in expected if each not in done.stderr]
    if done.returncode != 2:
        problems.append(f"the exit status is {done.returncode}")
    if done.stdout:
        problems.append("there is something on standard output")
    if any(unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") for each in done.stderr.replace("\n", "")):
        problems.append(f"there are control characters in {done.stderr!r}")
    if len(done.stderr.splitlines()) > 2:
        problems.append("the message is longer than a line and a hint")
    if os.path.exists(data_dir) or os.listdir(temporary):
        problems.append("there is a data directory")
    return [f"{arguments}: {each}\n  {done.stderr.strip()}" for each in problems]


def main():
    with tempfile.TemporaryDirectory() as directory:
        problems = [each for case in CASES for each in check(sys.argv[1], directory, case)]
    print("\n".join(problems) if problems else f"{len(CASES)} kinds of bad input are all refused")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
