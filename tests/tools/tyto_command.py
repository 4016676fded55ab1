"""Runs the command `tyto` as a user does: on directories that are live, at rest, damaged, foreign, empty and read-only."""

import csv
import io
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

TYTO, LEDGER = map(os.path.realpath, sys.argv[1:3])

DONE, NO, USAGE, FAILED = 0, 1, 2, 3


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in ("TYTO_DIR", "NO_COLOR")}
    return kept | {"TZ": "UTC", "LC_ALL": "C.UTF-8"} | more


def tyto(*arguments, status=DONE, **options):
    """Runs the command and returns what it printed; the status must be the one that is expected."""
    ended = subprocess.run([TYTO, *map(str, arguments)], capture_output=True, timeout=120,
                           env=environment(**options.pop("env", {})), **options)
    if ended.returncode != status:
        raise AssertionError(f"tyto {arguments} ended with {ended.returncode}, not {status}\n"
                             f"{ended.stdout.decode(errors='replace')}\n{ended.stderr.decode(errors='replace')}")
    return ended


def lines(*arguments, **options):
    """Runs the command and returns its JSON lines."""
    printed = tyto(*arguments, "--json", **options).stdout.decode()
    return [json.loads(line) for line in printed.splitlines()]


def text(ended):
    return ended.stdout.decode()


def complaint(*arguments, status=FAILED, **options):
    """Runs a command that fails: it says so in one line, and prints nothing."""
    ended = tyto(*arguments, status=status, **options)
    said = ended.stderr.decode()
    assert ended.stdout == b"", ended.stdout
    assert said.startswith("tyto: ") and "\x1b" not in said, said
    return said


class Ledger:
    """The ledger program, running on a storage with its control socket."""

    def __init__(self, directory):
        self.process = subprocess.Popen([LEDGER, "run", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        assert self.process.stdout.readline() == "ready\n"

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "done", answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="tyto_command-")
        cls.original = os.path.join(cls.made, "original")
        subprocess.run([LEDGER, "make", cls.original], check=True, timeout=120)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made)

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="case-", dir=self.made)
        self.dir = os.path.join(self.place, "shop")
        shutil.copytree(self.original, self.dir)


class Looking(Case):
    def test_info(self):
        (info,) = lines("info", "-d", self.dir)
        self.assertEqual(info["directory"], self.dir)
        self.assertRegex(info["journal"], "^[0-9a-f]{32}$")
        self.assertIsNone(info["writer"])
        self.assertFalse(info["control_socket"])
        self.assertEqual(info["consumers"], 5)
        head = lines("tail", "-d", self.dir, "-n", 1)[0]
        self.assertEqual(info["head"], head["position"])
        self.assertEqual(info["last_event"], head["time"])
        self.assertIn("journal bytes", text(tyto("info", "-d", self.dir)))

    def test_the_directory_comes_from_anywhere(self):
        expected = lines("streams", "-d", self.dir)
        self.assertEqual(lines("-d", self.dir, "streams"), expected)
        self.assertEqual(lines("streams", env={"TYTO_DIR": self.dir}), expected)
        self.assertEqual(lines("streams", cwd=self.dir), expected)

    def test_streams(self):
        streams = {each["stream"]: each for each in lines("streams", "-d", self.dir)}
        self.assertEqual(streams["account|alice"]["events"], 7)
        self.assertEqual(streams["account|alice"]["state"], "open")
        self.assertIn("account|o'\"hara; drop table", streams)
        self.assertEqual(len(lines("streams", "-d", self.dir, "--category", "account")), 3)
        nothing = tyto("streams", "-d", self.dir, "--category", "none")
        self.assertEqual((nothing.stdout, nothing.stderr), (b"", b"tyto: no stream is of this category\n"))

    def test_cat(self):
        events = lines("cat", "account|alice", "-d", self.dir)
        self.assertEqual([each["payload"]["cents"] for each in events], [100 * i for i in range(1, 8)])
        self.assertEqual(len(lines("cat", "account|alice", "-d", self.dir, "--from", 6)), 2)
        shown = text(tyto("cat", "account|alice", "-d", self.dir))
        self.assertIn('account|alice #7  account.money_moved  {"cents":700,"note":"pay"}', shown)
        self.assertIn("there is no stream", tyto("cat", "account|nobody", "-d", self.dir, status=NO).stderr.decode())
        self.assertIn("category|entity", complaint("cat", "alice", "-d", self.dir, status=USAGE))

    def test_control_characters_are_escaped(self):
        shown = tyto("cat", "account|o'\"hara; drop table", "-d", self.dir).stdout
        self.assertNotIn(b"\x1b", shown)
        self.assertEqual(shown.count(b"\n"), 1)
        self.assertIn("é".encode(), shown)
        self.assertNotIn(b"\x1b", tyto("dead-letters", "list", "-d", self.dir).stdout)

    def test_tail(self):
        every = lines("tail", "-d", self.dir, "-n", 1000)
        self.assertEqual([each["position"] for each in every], list(range(1, every[-1]["position"] + 1)))
        self.assertEqual(lines("tail", "-d", self.dir, "-n", 3), every[-3:])
        self.assertEqual(len(lines("tail", "-d", self.dir)), 10)
        self.assertEqual(lines("tail", "-d", self.dir, "-n", 0), [])
        moved = [each for each in every if each["type"] == "account.money_moved"]
        self.assertEqual(lines("tail", "-d", self.dir, "--type", "account.money_moved", "-n", 2), moved[-2:])
        both = lines("tail", "-d", self.dir, "--type", "account.money_moved", "--type", "letter.sent", "-n", 1000)
        self.assertEqual(both, [e for e in every if e["type"] in ("account.money_moved", "letter.sent")])
        self.assertEqual(lines("tail", "-d", self.dir, "--where", "cents=13"),
                         [each for each in moved if each["payload"]["cents"] == 13])
        self.assertEqual(lines("tail", "-d", self.dir, "--where", "note=pay", "--where", "cents=500")[0]["payload"]["cents"], 500)
        self.assertEqual(len(lines("tail", "-d", self.dir, "--correlation", "request-1", "--type", "account.money_moved")), 7)
        self.assertEqual(len(lines("tail", "-d", self.dir, "--since", "1h", "-n", 1000)), len(every))
        self.assertEqual(lines("tail", "-d", self.dir, "--since", "2999-01-01"), [])
        self.assertEqual(lines("tail", "-d", self.dir, "--until", "2020-01-01T00:00:00Z"), [])
        middle = every[len(every) // 2]["time"]
        self.assertEqual(lines("tail", "-d", self.dir, "--since", middle, "-n", 1000),
                         [each for each in every if each["time"] >= middle])
        self.assertIn("no event fits", tyto("tail", "-d", self.dir, "--type", "misspelt").stderr.decode())

    def test_times(self):
        utc = text(tyto("tail", "-d", self.dir, "-n", 1, "--utc", env={"TZ": "Asia/Tokyo"}))
        local = text(tyto("tail", "-d", self.dir, "-n", 1, env={"TZ": "UTC-9"}))
        self.assertRegex(utc, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}Z")
        hours = [int(re.search(r" (\d\d):\d\d:\d\d\.", shown)[1]) for shown in (utc, local)]
        self.assertEqual((hours[0] + 9) % 24, hours[1])
        for wrong in ("yesterday", "2026-13-01", "2026-02-30", "10", "5x", "2026-01-01T25:00", "-3h"):
            self.assertIn("write an age", complaint("tail", "-d", self.dir, f"--since={wrong}", status=USAGE))

    def test_stats(self):
        shown = text(tyto("stats", "-d", self.dir))
        self.assertIn("account.money_moved", shown)
        self.assertIn("longest stream", shown)
        found = lines("stats", "-d", self.dir)
        types = {each["type"]: each["events"] for each in found if "type" in each}
        self.assertEqual(types["account.money_moved"], 10)
        self.assertEqual(sum(types.values()), found[0]["events"])

    def test_consumers(self):
        consumers = {each["consumer"]: each for each in lines("consumers", "-d", self.dir)}
        self.assertEqual(set(consumers), {"mailing", "balances.v1", "reminder", "reminder/commands", "reminder/deadlines"})
        self.assertEqual(consumers["balances.v1"]["kind"], "projection")
        self.assertEqual(consumers["mailing"]["kind"], "reaction")
        self.assertEqual(consumers["mailing"]["dead_letters"], 2)
        self.assertNotIn("state", consumers["mailing"])

    def test_dead_letters(self):
        letters = lines("dead-letters", "list", "-d", self.dir)
        self.assertEqual([each["attempts"] for each in letters], [1, 0])
        self.assertIn("unlucky", letters[0]["reason"])
        self.assertEqual(lines("dead-letters", "list", "mailing", "-d", self.dir), letters)
        self.assertEqual(lines("dead-letters", "list", "balances.v1", "-d", self.dir), [])
        self.assertIn("mailing", complaint("dead-letters", "list", "nobody", "-d", self.dir, status=USAGE))

    def test_deadlines(self):
        due = {each["instance"]: each for each in lines("deadlines", "-d", self.dir)}
        self.assertEqual(set(due), {"alice", "bob", "o'\"hara; drop table"})
        self.assertEqual(due["alice"]["deadline"], "yearly")
        self.assertGreater(due["alice"]["in"], 360 * 24 * 3600 * 1_000_000)

    def test_trace(self):
        tree = text(tyto("trace", "request-1", "-d", self.dir))
        self.assertEqual(tree.count("account.money_moved"), 7)
        self.assertIn("─ mailing  letter.sent  letter|alice #1", tree)
        self.assertIn("─ reminder  reminder.set  reminder|alice #1", tree)
        every = lines("trace", "request-1", "-d", self.dir)
        by_position = {each["position"]: each for each in every}
        for each in every:
            if each["type"] == "letter.sent":
                self.assertEqual(by_position[each["cause"]]["type"], "account.money_moved")
                self.assertEqual(each["consumer"], "mailing")
        chrome = json.loads(text(tyto("trace", "request-1", "-d", self.dir, "--format", "chrome")))
        bars = [each for each in chrome["traceEvents"] if each["ph"] == "X"]
        self.assertEqual(len(bars), len(every))
        self.assertEqual({each["args"]["name"] for each in chrome["traceEvents"] if each["ph"] == "M"},
                         {"callers", "mailing", "reminder"})
        self.assertIn("no event has", tyto("trace", "nothing", "-d", self.dir, status=NO).stderr.decode())

    def test_state(self):
        (state,) = lines("state", "account|alice", "-d", self.dir)
        self.assertEqual(state["snapshot"]["sequence_number"] + len(state["events_since"]), 7)
        self.assertEqual(state["snapshot"]["state"]["cents"] + sum(e["payload"]["cents"] for e in state["events_since"]), 2800)
        (early,) = lines("state", "account|alice", "-d", self.dir, "--at", 2)
        self.assertIsNone(early["snapshot"])
        self.assertEqual(len(early["events_since"]), 2)
        (before,) = lines("state", "account|alice", "-d", self.dir, "--at", "2020-01-01")
        self.assertEqual(before["events_since"], [])
        self.assertIn("only the program knows", text(tyto("state", "letter|alice", "-d", self.dir)))
        tyto("state", "account|nobody", "-d", self.dir, status=NO)

    def test_export(self):
        every = lines("tail", "-d", self.dir, "-n", 1000)
        self.assertEqual(lines("export", "-d", self.dir), every)
        self.assertEqual(lines("export", "-d", self.dir, "--from", 3, "--to", 5), every[2:5])
        clouds = [json.loads(line) for line in text(tyto("export", "-d", self.dir, "--format", "cloudevents")).splitlines()]
        (info,) = lines("info", "-d", self.dir)
        self.assertEqual(len(clouds), len(every))
        for cloud, event in zip(clouds, every):
            self.assertEqual(cloud["specversion"], "1.0")
            self.assertEqual(cloud["source"], "urn:tyto:" + info["journal"])
            self.assertEqual((cloud["id"], cloud["type"], cloud["subject"], cloud["time"], cloud["data"]),
                             (str(event["position"]), event["type"], event["stream"], event["time"], event["payload"]))
            self.assertTrue(all(re.fullmatch("[a-z0-9]+", name) for name in cloud))
        rows = list(csv.DictReader(io.StringIO(text(tyto("export", "-d", self.dir, "--format", "csv")), newline="")))
        self.assertEqual(len(rows), len(every))
        self.assertEqual([json.loads(row["payload"]) for row in rows], [event["payload"] for event in every])
        self.assertEqual([row["stream"] for row in rows], [event["stream"] for event in every])
        file = os.path.join(self.place, "out.jsonl")
        tyto("export", "-d", self.dir, "-o", file)
        self.assertEqual([json.loads(line) for line in pathlib.Path(file).read_text().splitlines()], every)
        self.assertEqual(sorted(os.listdir(self.place)), ["out.jsonl", "shop"])
        link = os.path.join(self.place, "link.jsonl")
        os.symlink(file, link)
        tyto("export", "-d", self.dir, "-o", link, "--to", 1)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(len(pathlib.Path(file).read_text().splitlines()), 1)
        self.assertIn("No space left", complaint("export", "-d", self.dir, "-o", "/dev/full"))
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))
        self.assertIn("beyond", complaint("export", "-d", self.dir, "--from", 5, "--to", 4, status=USAGE))
        self.assertIn("directory", complaint("export", "-d", self.dir, "-o", self.place))

    def test_diff(self):
        self.assertIn("the same", text(tyto("diff", self.original, "-d", self.dir)))
        with Ledger(self.dir) as ledger:
            ledger.tell("deposit carol 1")
        (differs,) = lines("diff", self.original, "-d", self.dir, status=NO)
        self.assertFalse(differs["equal"])
        self.assertEqual(differs["same_events"], differs["other_head"])
        self.assertEqual(differs["event"]["stream"], "account|carol")
        self.assertIsNone(differs["other_event"])
        other = os.path.join(self.place, "other")
        subprocess.run([LEDGER, "make", other], check=True, timeout=120)
        (differs,) = lines("diff", other, "-d", self.original, status=NO)
        self.assertEqual((differs["same_events"], differs["differs_in"]), (0, "the time"))

    def test_verify(self):
        (verified,) = lines("verify", "-d", self.dir)
        self.assertTrue(verified["sound"])
        self.assertEqual(verified["findings"], [])
        self.assertIn("sound", text(tyto("verify", "-d", self.dir)))


class Terminal(Case):
    def on_terminal(self, *arguments, columns=60, **more):
        """Runs the command on a terminal of so many columns and returns what it shows."""
        try:
            pid, end = pty.fork()
        except OSError as why:
            self.skipTest(f"there are no terminals to be had: {why}")
        if pid == 0:
            os.environ.update(environment(TERM="xterm", **more))
            os.execv("/bin/sh", ["sh", "-c", f'stty cols {columns}; exec "$@"', "sh", TYTO, *map(str, arguments)])
        shown = b""
        while True:
            try:
                part = os.read(end, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(end)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        return shown.decode()

    def test_colours_are_for_terminals(self):
        self.assertIn("\x1b[", self.on_terminal("tail", "-d", self.dir))
        self.assertNotIn("\x1b[", self.on_terminal("tail", "-d", self.dir, NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.on_terminal("tail", "-d", self.dir, "--color", "never"))
        self.assertIn(b"\x1b[", tyto("tail", "-d", self.dir, "--color", "always").stdout)
        self.assertNotIn(b"\x1b[", tyto("tail", "-d", self.dir).stdout)

    def test_lines_fit(self):
        long = "x" * 300
        for arguments in (["tail", "-d", self.dir], ["consumers", "-d", self.dir], ["streams", "-d", self.dir]):
            shown = self.on_terminal(*arguments, columns=140, NO_COLOR="1")
            self.assertLessEqual(max(len(line) for line in shown.split("\r\n")), 140)
        self.assertNotIn(long, self.on_terminal("tail", "-d", self.dir))


class Live(Case):
    def test_everything_reads_beside_a_writer(self):
        with Ledger(self.dir) as ledger:
            ledger.tell("deposit dave 40")
            for command in (["info"], ["streams"], ["stats"], ["consumers"], ["deadlines"], ["verify"], ["tail"],
                            ["cat", "account|dave"], ["state", "account|dave"], ["dead-letters", "list"], ["export"]):
                tyto(*command, "-d", self.dir)
            (info,) = lines("info", "-d", self.dir)
            self.assertEqual(info["writer"], ledger.process.pid)
            self.assertTrue(info["control_socket"])
            self.assertEqual(lines("cat", "account|dave", "-d", self.dir)[0]["payload"]["cents"], 40)
        (info,) = lines("info", "-d", self.dir)
        self.assertIsNone(info["writer"])

    def test_tail_follows(self):
        with Ledger(self.dir) as ledger:
            follower = subprocess.Popen([TYTO, "tail", "-f", "-n", "1", "--json", "--type", "account.money_moved", "-d", self.dir],
                                        stdout=subprocess.PIPE, text=True, env=environment())
            self.assertEqual(json.loads(follower.stdout.readline())["payload"]["cents"], 5)
            for cents in (1, 2, 3):
                ledger.tell(f"deposit erin {cents}")
                self.assertEqual(json.loads(follower.stdout.readline())["payload"]["cents"], cents)
            follower.send_signal(signal.SIGINT)
            self.assertEqual(follower.wait(timeout=60), -signal.SIGINT)
            self.assertEqual(follower.stdout.read(), "")
            follower.stdout.close()

    def test_acting_on_the_runtime(self):
        with Ledger(self.dir) as ledger:
            ledger.tell("deposit alice 1")
            health = tyto("health", "-d", self.dir, status=NO)
            self.assertIn(b"dead letters of 'mailing'", health.stdout)
            first = lines("dead-letters", "list", "-d", self.dir)[0]
            self.assertIn("unlucky", complaint("dead-letters", "replay", "mailing", "-d", self.dir))
            tyto("dead-letters", "discard", "mailing", first["position"], "-d", self.dir)
            tyto("dead-letters", "discard", "mailing", first["position"], "-d", self.dir, status=NO)
            self.assertEqual(len(lines("dead-letters", "list", "-d", self.dir)), 1)
            self.assertIn(b"1 dead letters were handled", tyto("dead-letters", "replay", "mailing", "-d", self.dir).stderr)
            self.assertEqual(lines("dead-letters", "list", "-d", self.dir), [])
            self.assertEqual(tyto("health", "-d", self.dir).stdout, b"healthy\n")

            def state(name):
                return {each["consumer"]: each["state"] for each in lines("consumers", "-d", self.dir)}[name]
            tyto("pause", "mailing", "-d", self.dir)
            self.assertEqual(state("mailing"), "paused")
            tyto("resume", "mailing", "-d", self.dir)
            ledger.tell("settle")
            self.assertEqual(state("mailing"), "running")
            tyto("reset", "balances.v1", "-d", self.dir)
            ledger.tell("settle")
            self.assertIn("reaction", complaint("reset", "mailing", "-d", self.dir, status=USAGE))
            self.assertIn("nobody", complaint("pause", "nobody", "-d", self.dir, status=USAGE))

    def test_a_program_that_does_not_answer(self):
        with Ledger(self.dir) as ledger:
            ledger.process.send_signal(signal.SIGSTOP)
            try:
                info = tyto("info", "-d", self.dir)
                self.assertIn(b"head", info.stdout)
                self.assertIn(b"does not say how it is doing", info.stderr)
                self.assertIn(b"mailing", tyto("consumers", "-d", self.dir).stdout)
            finally:
                ledger.process.send_signal(signal.SIGCONT)

    def test_the_socket_may_lie_elsewhere(self):
        with Ledger(self.dir):
            socket = os.path.join(self.place, "elsewhere.sock")
            os.rename(os.path.join(self.dir, "control.sock"), socket)
            self.assertIn("control_socket", complaint("resume", "mailing", "-d", self.dir))
            tyto("resume", "mailing", "-d", self.dir, "--socket", socket)
            os.rename(socket, os.path.join(self.dir, "control.sock"))

    def test_what_needs_the_writer_lock_is_refused(self):
        with Ledger(self.dir) as ledger:
            said = complaint("compact", "-d", self.dir)
            self.assertIn(f"process {ledger.process.pid} writes there", said)

    def test_streams_are_changed_by_the_runtime(self):
        with Ledger(self.dir) as ledger:
            tyto("close", "account|bob", "--yes", "-d", self.dir)
            streams = {each["stream"]: each["state"] for each in lines("streams", "-d", self.dir)}
            self.assertEqual(streams["account|bob"], "closed")
            tyto("truncate", "account|alice", "--before", 7, "--yes", "-d", self.dir)
            self.assertEqual([each["sequence_number"] for each in lines("cat", "account|alice", "-d", self.dir)], [7])
            ledger.tell("deposit alice 1")
            tyto("delete", "account|alice", "--yes", "-d", self.dir)
            self.assertIn("deleted", tyto("cat", "account|alice", "-d", self.dir).stderr.decode())

    def test_backup_while_it_runs(self):
        copy = os.path.join(self.place, "copy")
        with Ledger(self.dir) as ledger:
            ledger.tell("deposit frank 7")
            tyto("backup", copy, "-d", self.dir)
        self.assertEqual(lines("cat", "account|frank", "-d", copy)[0]["payload"]["cents"], 7)
        self.assertIn("not empty", complaint("backup", copy, "-d", self.dir, status=USAGE))


class AtRest(Case):
    def test_a_letter_is_given_up(self):
        first, second = lines("dead-letters", "list", "-d", self.dir)
        tyto("dead-letters", "discard", "mailing", first["position"], "-d", self.dir)
        self.assertEqual(lines("dead-letters", "list", "-d", self.dir), [second])
        tyto("dead-letters", "discard", "mailing", first["position"], "-d", self.dir, status=NO)
        with Ledger(self.dir) as ledger:
            self.assertIn(b"1 dead letters", tyto("dead-letters", "replay", "mailing", "-d", self.dir).stderr)

    def test_letters_of_nobody(self):
        self.assertIn("mailing", complaint("dead-letters", "discard", "nobody", 5, "-d", self.dir, status=USAGE))

    def test_a_projection_is_reset(self):
        tyto("reset", "balances.v1", "-d", self.dir)
        self.assertNotIn("balances.v1", [each["consumer"] for each in lines("consumers", "-d", self.dir)])
        with Ledger(self.dir) as ledger:
            ledger.tell("settle")
        found = {each["consumer"]: each for each in lines("consumers", "-d", self.dir)}
        self.assertEqual(found["balances.v1"]["lag"], 0)
        self.assertIn("reaction", complaint("reset", "mailing", "-d", self.dir, status=USAGE))
        self.assertIn("mailing", complaint("reset", "nobody", "-d", self.dir, status=USAGE))

    def test_only_a_runtime_can(self):
        for command in (["pause", "mailing"], ["resume", "mailing"], ["dead-letters", "replay", "mailing"], ["health"],
                        ["truncate", "account|alice", "--before", "3", "--yes"]):
            self.assertIn("control_socket", complaint(*command, "-d", self.dir))

    def test_streams_are_changed(self):
        self.assertIn("--yes", complaint("close", "account|bob", "-d", self.dir, status=USAGE))
        tyto("close", "account|bob", "--yes", "-d", self.dir)
        tyto("delete", "account|alice", "--yes", "-d", self.dir)
        self.assertNotIn("account|alice", [each["stream"] for each in lines("streams", "-d", self.dir)])
        tyto("close", "account|nobody", "--yes", "-d", self.dir, status=NO)
        self.assertIn("runtime's own", complaint("delete", "tyto.consumer|mailing", "--yes", "-d", self.dir, status=USAGE))
        before = lines("info", "-d", self.dir)[0]["head"]
        tyto("compact", "-d", self.dir)
        self.assertEqual(lines("info", "-d", self.dir)[0]["head"], before)
        self.assertTrue(lines("verify", "-d", self.dir)[0]["sound"])

    def test_restore(self):
        copy = os.path.join(self.place, "copy")
        tyto("backup", copy, "-d", self.dir)
        every = lines("tail", "-d", self.dir, "-n", 1000)
        with Ledger(self.dir) as ledger:
            ledger.tell("deposit grace 1")
            self.assertIn("writes there", complaint("restore", copy, "--replace", "-d", self.dir))
        self.assertIn("--replace", complaint("restore", copy, "-d", self.dir, status=USAGE))
        self.assertEqual(lines("cat", "account|grace", "-d", self.dir)[0]["payload"]["cents"], 1)
        tyto("restore", copy, "--replace", "-d", self.dir)
        self.assertEqual(lines("tail", "-d", self.dir, "-n", 1000), every)
        kept = self.dir + ".before-restore"
        self.assertEqual(lines("cat", "account|grace", "-d", kept)[0]["payload"]["cents"], 1)
        with Ledger(self.dir) as ledger:
            ledger.tell("deposit heidi 2")
            ledger.tell("settle")
        home = os.path.join(self.place, "home")
        os.mkdir(home)
        pathlib.Path(home, "letters.txt").write_text("dear")
        self.assertIn("no storage", complaint("restore", copy, "--replace", "-d", home, status=USAGE))
        self.assertEqual(os.listdir(home), ["letters.txt"])
        shutil.rmtree(home)
        link = os.path.join(self.place, "link")
        os.symlink(self.dir, link)
        tyto("restore", copy, "--replace", "-d", link)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(lines("tail", "-d", self.dir, "-n", 1000), every)
        self.assertIn("lies in", complaint("restore", self.dir, "--replace", "-d", link, status=USAGE))
        self.assertIn("own directory", complaint("backup", os.path.join(self.dir, "backup"), "-d", self.dir, status=USAGE))
        os.remove(link)
        shutil.rmtree(self.dir + ".before-restore-2")
        shutil.rmtree(os.path.join(self.dir, "journal"))
        os.makedirs(os.path.join(self.dir, "read_models"), exist_ok=True)
        tyto("restore", copy, "--replace", "-d", self.dir)
        shutil.rmtree(self.dir + ".before-restore-2")
        elsewhere = os.path.join(self.place, "elsewhere")
        tyto("restore", copy, "-d", elsewhere)
        self.assertEqual(lines("tail", "-d", elsewhere, "-n", 1000), every)
        self.assertEqual(sorted(os.listdir(self.place)), ["copy", "elsewhere", "shop", "shop.before-restore"])

    def test_a_damaged_backup_is_not_restored(self):
        copy = os.path.join(self.place, "copy")
        tyto("backup", copy, "-d", self.dir)
        damage(copy)
        self.assertIn("checksum", complaint("restore", copy, "--replace", "-d", self.dir))
        self.assertEqual(sorted(os.listdir(self.place)), ["copy", "shop"])
        self.assertTrue(lines("verify", "-d", self.dir)[0]["sound"])


def damage(directory):
    """Changes the payload of an event in the journal, on pages that are free, too."""
    file = pathlib.Path(directory, "journal", "data.mdb")
    content = file.read_bytes()
    payload = b"\xa5cents\xcd\x02\xbc\xa4note\xa3pay"
    assert payload in content
    file.write_bytes(content.replace(payload, payload[:-1] + b"q"))


class Bad(Case):
    READING = (["info"], ["streams"], ["stats"], ["consumers"], ["deadlines"], ["tail"], ["tail", "-f"], ["cat", "a|b"],
               ["state", "a|b"], ["trace", "x"], ["export"], ["dead-letters", "list"], ["sql", "select 1"], ["mcp"],
               ["backup", "x"], ["diff", "."])
    WRITING = (["compact"], ["reset", "x"], ["dead-letters", "discard", "x", "1"], ["close", "a|b", "--yes"])

    def test_nothing_there(self):
        missing = os.path.join(self.place, "missing")
        for command in (*self.READING, *self.WRITING, ["verify"]):
            said = complaint(*command, "-d", missing, status=USAGE, cwd=self.place)
            self.assertIn("missing", said)
        self.assertEqual(os.listdir(self.place), ["shop"])

    def test_empty(self):
        empty = os.path.join(self.place, "empty")
        os.mkdir(empty)
        for command in (*self.READING, *self.WRITING, ["verify"]):
            complaint(*command, "-d", empty, status=USAGE, cwd=self.place)
        self.assertEqual(os.listdir(empty), [])

    def test_foreign(self):
        foreign = os.path.join(self.place, "foreign")
        os.makedirs(foreign + "/journal")
        pathlib.Path(foreign, "journal", "data.mdb").write_bytes(b"no database " * 5000)
        for command in (*self.READING, *self.WRITING):
            complaint(*command, "-d", foreign, cwd=self.place)
        self.assertIn("not a directory", complaint("info", "-d", TYTO, status=USAGE))

    def test_damaged(self):
        damage(self.dir)
        (verified,) = lines("verify", "-d", self.dir, status=NO)
        self.assertFalse(verified["sound"])
        self.assertIn("position", verified["findings"][0]["where"])
        ended = tyto("tail", "-n", 1000, "-d", self.dir, status=FAILED)
        self.assertIn("checksum", ended.stderr.decode())
        before = tyto("export", "-d", self.dir, status=FAILED)
        for line in text(before).splitlines():
            json.loads(line)
        file = os.path.join(self.place, "out")
        tyto("export", "-d", self.dir, "-o", file, status=FAILED)
        self.assertFalse(os.path.exists(file))
        self.assertFalse(os.path.exists(file + ".unfinished"))
        self.assertEqual(len(lines("cat", "account|bob", "-d", self.dir)), 2)  # others can still be read

    def test_pages_that_end_a_reader(self):
        """LMDB may end the process where a page is damaged: then the command says what to do, and restore works."""
        copy = os.path.join(self.place, "copy")
        tyto("backup", copy, "-d", self.dir)
        file = pathlib.Path(self.dir, "journal", "data.mdb")
        content = bytearray(file.read_bytes())
        for page in range(2, len(content) // 4096):  # all but the two with which the file begins
            content[page * 4096 + 18:page * 4096 + 48] = b"\xbf" * 30
        file.write_bytes(content)
        self.assertIn("verify", complaint("info", "-d", self.dir))
        tyto("verify", "-d", self.dir, status=NO)
        tyto("restore", copy, "--replace", "-d", self.dir)
        self.assertTrue(lines("verify", "-d", self.dir)[0]["sound"])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "needs the right to mount")
    def test_read_only_file_system(self):
        place = os.path.join(self.place, "mounted")
        os.mkdir(place)
        mount = subprocess.run(["mount", "--bind", "-o", "ro", self.dir, place], capture_output=True)
        if mount.returncode == 0:
            mount = subprocess.run(["mount", "-o", "remount,bind,ro", place], capture_output=True)
        if mount.returncode != 0:
            self.skipTest(mount.stderr.decode())
        try:
            self.assertEqual(lines("tail", "-d", place), lines("tail", "-d", self.dir))
            self.assertTrue(lines("verify", "-d", place)[0]["sound"])
            self.assertIn("read-only", complaint("compact", "-d", place).lower())
        finally:
            subprocess.run(["umount", place], check=True)

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_another_user(self):
        os.chmod(self.made, 0o755)
        os.chmod(self.place, 0o755)
        for base, _, files in os.walk(self.dir):
            os.chmod(base, 0o755)
            for name in files:
                os.chmod(os.path.join(base, name), 0o644)

        def as_nobody():
            os.setgid(65534)
            os.setuid(65534)
        said = complaint("info", "-d", self.dir, preexec_fn=as_nobody)
        self.assertIn("lock.mdb", said)
        with Ledger(self.dir):
            os.chmod(os.path.join(self.dir, "journal", "lock.mdb"), 0o666)
            os.chmod(os.path.join(self.dir, "read_models", "lock.mdb"), 0o666)
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.dir, "control.sock")).st_mode), 0o600)
            complaint("pause", "mailing", "-d", self.dir, preexec_fn=as_nobody)

    def test_wrong_command_lines(self):
        for arguments in ([], ["misspelt"], ["cat"], ["tail", "-n", "many"], ["tail", "--where", "cents"],
                          ["export", "--format", "xml"], ["dead-letters"], ["info", "--misspelt"], ["-d", "", "info"],
                          ["tail", "--color", "sometimes"], ["trace", ""], ["tail", "-n", "-1"]):
            self.assertTrue(complaint(*arguments, status=USAGE, cwd=self.dir))
        for number in ("010", "0x10", "-1", "", " 1", "1 ", "18446744073709551616", "99999999999999999999999"):
            for arguments in (["dead-letters", "discard", "mailing", number], ["export", "--to", number], ["export", "--from", number],
                              ["cat", "account|alice", "--from", number], ["tail", "-n", number],
                              ["truncate", "account|alice", "--yes", "--before", number], ["sql", "select 1", "--max-rows", number]):
                complaint(*arguments, status=USAGE, cwd=self.dir)
        for arguments in (["stats", "--correlation", ""], ["stats", "--type", ""], ["dead-letters", "list", ""],
                          ["state", "account|alice", "--at", ""], ["backup", ""], ["cat", ""]):
            complaint(*arguments, status=USAGE, cwd=self.dir)
        self.assertEqual(len(lines("dead-letters", "list", "-d", self.dir)), 2)
        self.assertIn("Usage", text(tyto("--help")))
        self.assertRegex(text(tyto("--version")), r"^tyto \d+\.\d+\.\d+\n$")
        self.assertIn("--where", text(tyto("tail", "--help")))

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            ended = subprocess.run([TYTO, "export", "-d", self.dir], stdout=full, stderr=subprocess.PIPE, env=environment())
        self.assertEqual(ended.returncode, FAILED)
        self.assertIn(b"No space left", ended.stderr)

    def test_a_reader_that_leaves(self):
        pipe = subprocess.run(f"'{TYTO}' export -d '{self.dir}' | head -n 1", shell=True, capture_output=True,
                              env=environment())
        self.assertEqual(pipe.stdout.count(b"\n"), 1)
        self.assertEqual(pipe.stderr, b"")


class Sql(Case):
    def test_questions(self):
        rows = lines("sql", "select type, count(*) as n from events group by type order by n desc, type", "-d", self.dir)
        stats = {each["type"]: each["events"] for each in lines("stats", "-d", self.dir) if "type" in each}
        self.assertEqual({row["type"]: row["n"] for row in rows}, stats)
        cents = lines("sql", "select sum(json_extract(payload, '$.cents')) as cents from events "
                             "where stream = 'account|alice'", "-d", self.dir)
        self.assertEqual(cents, [{"cents": 2800}])
        balances = lines("sql", 'select key, value from "balances.v1" order by key', "-d", self.dir)
        self.assertEqual([row["key"] for row in balances], ["alice", "bob", "o'\"hara; drop table"])
        table = text(tyto("sql", "select stream, events from streams where stream = 'account|alice'", "-d", self.dir))
        self.assertRegex(table, r"stream +events\naccount\|alice +7\n")
        self.assertEqual(len(lines("sql", "select * from events", "--max-rows", 3, "-d", self.dir)), 3)

    def test_it_only_reads(self):
        for query in ("delete from events", "attach 'x' as y", "create table t(a)", "select load_extension('x')",
                      "insert into events default values", "pragma journal_mode = wal"):
            complaint("sql", query, "-d", self.dir, status=USAGE, cwd=self.place)
        complaint("sql", "vacuum into 'x'", "-d", self.dir, cwd=self.place)
        self.assertEqual(os.listdir(self.place), ["shop"])

    def test_wrong_sql(self):
        self.assertIn("nonsense", complaint("sql", "select nonsense from events", "-d", self.dir, status=USAGE))
        self.assertIn("syntax", complaint("sql", "selec 1", "-d", self.dir, status=USAGE))
        self.assertIn("more than one", complaint("sql", "select 1; select 2", "-d", self.dir, status=USAGE))


class Agent:
    """Speaks the Model Context Protocol with `tyto mcp`."""

    def __init__(self, directory):
        self.process = subprocess.Popen([TYTO, "mcp", "-d", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment())
        self.count = 0

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, method, **parameters):
        self.count += 1
        self.send(json.dumps({"jsonrpc": "2.0", "id": self.count, "method": method, "params": parameters}))
        answer = json.loads(self.process.stdout.readline())
        assert answer["jsonrpc"] == "2.0" and answer["id"] == self.count, answer
        return answer

    def call(self, name, **arguments):
        result = self.ask("tools/call", name=name, arguments=arguments)["result"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"] if not result["isError"] else True
        return result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0
        self.process.stdout.close()


class Mcp(Case):
    def test_conversation(self):
        with Agent(self.dir) as agent:
            hello = agent.ask("initialize", protocolVersion="2025-03-26", capabilities={},
                              clientInfo={"name": "test", "version": "1"})["result"]
            self.assertEqual(hello["protocolVersion"], "2025-03-26")
            self.assertEqual(hello["serverInfo"]["name"], "tyto")
            agent.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
            self.assertEqual(agent.ask("ping")["result"], {})
            tools = {each["name"]: each for each in agent.ask("tools/list")["result"]["tools"]}
            self.assertTrue(all(each["inputSchema"]["type"] == "object" and each["annotations"]["readOnlyHint"]
                                for each in tools.values()))
            info = agent.call("journal_info")["structuredContent"]
            self.assertEqual(info["types"]["account.money_moved"], 10)
            streams = agent.call("list_streams", category="account", limit=2)["structuredContent"]
            self.assertEqual([each["stream"] for each in streams["streams"]], ["account|alice", "account|bob"])
            self.assertTrue(streams["more"])
            rest = agent.call("list_streams", category="account", after="account|bob")["structuredContent"]
            self.assertEqual(len(rest["streams"]), 1)
            self.assertFalse(rest["more"])
            history = agent.call("read_stream", stream="account|alice", limit=3)["structuredContent"]
            self.assertEqual([each["payload"]["cents"] for each in history["events"]], [100, 200, 300])
            self.assertEqual((history["version"], history["more"]), (7, True))
            found = agent.call("search_events", where=["cents=13"])["structuredContent"]["events"]
            self.assertEqual(len(found), 1)
            self.assertEqual(len(agent.call("search_events", text="1300")["structuredContent"]["events"]), 0)
            caused = agent.call("trace", correlation_id="request-1")["structuredContent"]["events"]
            self.assertTrue(any(each["consumer"] == "mailing" for each in caused))
            rows = agent.call("sql", query="select count(*) as n from events where type = 'account.money_moved'")
            self.assertEqual(rows["structuredContent"]["rows"], [{"n": 10}])
            self.assertEqual(len(agent.call("dead_letters")["structuredContent"]["dead_letters"]), 2)
            self.assertEqual(len(agent.call("list_consumers")["structuredContent"]["consumers"]), 5)

    def test_resources(self):
        with Agent(self.dir) as agent:
            for each in agent.ask("resources/list")["result"]["resources"]:
                (content,) = agent.ask("resources/read", uri=each["uri"])["result"]["contents"]
                json.loads(content["text"])
            (template,) = agent.ask("resources/templates/list")["result"]["resourceTemplates"]
            self.assertEqual(template["uriTemplate"], "tyto://stream/{stream}")
            (content,) = agent.ask("resources/read", uri="tyto://stream/account%7Calice")["result"]["contents"]
            self.assertEqual(len(json.loads(content["text"])["events"]), 7)
            for wrong in ("tyto://nothing", "tyto://stream/account%7Cnobody", "tyto://stream/%zz", "file:///etc/passwd"):
                self.assertEqual(agent.ask("resources/read", uri=wrong)["error"]["code"], -32002)

    def test_it_sees_what_is_written_meanwhile(self):
        with Ledger(self.dir) as ledger, Agent(self.dir) as agent:
            ledger.tell("deposit ivan 3")
            found = agent.call("read_stream", stream="account|ivan")["structuredContent"]["events"]
            self.assertEqual(len(found), 1)

    def test_nonsense(self):
        with Agent(self.dir) as agent:
            for line, code in (("{", -32700), ("[]", -32600), ("1", -32600), ('{"id":1}', -32600),
                               ('{"jsonrpc":"2.0","id":1}', -32600), ('{"jsonrpc":"2.0","id":[],"method":"ping"}', -32600),
                               ('{"jsonrpc":"2.0","id":1,"method":"no/such"}', -32601),
                               ('{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
                               ('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + "[" * 100000 + "]" * 100000 + "}}", -32700),
                               ("x" * (5 << 20), -32600)):
                agent.send(line)
                self.assertEqual(json.loads(agent.process.stdout.readline())["error"]["code"], code, line[:80])
            self.assertEqual(agent.ask("tools/call", name="no_such")["error"]["code"], -32602)
            for name, arguments in (("read_stream", {}), ("read_stream", {"stream": 5}), ("read_stream", {"stream": "a"}),
                                    ("read_stream", {"stream": "a|b"}), ("list_streams", {"misspelt": 1}),
                                    ("list_streams", {"limit": -1}), ("search_events", {"where": "x"}),
                                    ("search_events", {"since": "soon"}), ("sql", {"query": "delete from events"}),
                                    ("sql", {"query": "select load_extension('x')"}), ("dead_letters", {"consumer": "x"})):
                self.assertTrue(agent.call(name, **arguments)["isError"], (name, arguments))
            self.assertEqual(agent.ask("ping")["result"], {})

    def test_endless_sql_is_cut(self):
        with Agent(self.dir) as agent:
            endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
            found = agent.call("sql", query=endless, limit=1000)["structuredContent"]
            self.assertEqual((len(found["rows"]), found["more"]), (1000, True))


class Page(Case):
    def get(self, url, token=None):
        asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.read()

    def serve(self, *arguments):
        """Starts it; returns the process and the page's address."""
        process = subprocess.Popen([TYTO, "serve", "-d", self.dir, "-p", "0", *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment())
        return process, process.stdout.readline().strip()

    def end(self, process):
        """A signal ends it; returns what it has said."""
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, printed), (-signal.SIGINT, ""))
        return said

    def test_a_directory_is_shown_until_a_signal_comes(self):
        process, url = self.serve()
        self.assertIn(b"<title>Tyto</title>", self.get(url))
        status = json.loads(self.get(url + "api/status"))
        self.assertEqual((status["live"], status["may_act"]), (False, False))
        with Ledger(self.dir):
            self.assertTrue(json.loads(self.get(url + "api/status"))["live"])
        self.assertEqual(self.end(process), "tyto: serving until Ctrl-C; the page only shows\n")

    def test_a_token_comes_from_a_file(self):
        file = os.path.join(self.place, "token")
        pathlib.Path(file).write_text("a-token-of-a-file\n")
        process, url = self.serve("--token-file", file, "--act")
        with self.assertRaises(urllib.error.HTTPError):
            self.get(url)
        self.assertTrue(json.loads(self.get(url + "api/status", "a-token-of-a-file"))["may_act"])
        self.assertIn("the page may act", self.end(process))

    def test_what_cannot_be_served(self):
        self.assertIn("put the token there", complaint("serve", "-d", self.dir, "--token-file", "/nowhere", status=USAGE))
        self.assertIn("give it a token", complaint("serve", "-d", self.dir, "--address", "0.0.0.0", status=USAGE))
        self.assertIn(self.place, complaint("serve", "-d", self.place + "/nothing", status=USAGE))
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.assertIn("another program has this port", complaint("serve", "-d", self.dir, "-p", port))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
