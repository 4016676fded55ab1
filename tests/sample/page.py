"""The order simulation with its page: it is there while the shop runs and after the report, until a signal ends it."""

import json
import signal
import subprocess
import sys
import urllib.request

PROGRAM = sys.argv[1]


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def run(*arguments):
    process = subprocess.Popen([PROGRAM, "--serve", "0", "--orders", "20", *arguments], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    url = process.stderr.readline().split("the page is at ")[1].strip()
    assert b"<title>Tyto</title>" in get(url)
    last = process.stderr.readline()
    assert f"the page is at {url}; Ctrl-C ends" in last, last
    status = json.loads(get(url + "api/status"))
    assert status["title"] == "order simulation" and status["may_act"] and status["running"], status
    process.send_signal(signal.SIGINT)
    report, complaints = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGINT, process.returncode
    assert complaints == "", complaints
    return report, status


report, status = run()
assert "Audit of the journal: passed" in report, report
report, status = run("--json")
assert json.loads(report)["events_total"] == status["head"], (report, status)

taken = subprocess.run([PROGRAM, "--serve", "99999"], capture_output=True, text=True)
assert taken.returncode == 2 and "--serve" in taken.stderr, taken
