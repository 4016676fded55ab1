"""What the page's server answers over HTTP: every path, and everything that a client should not send."""

import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import unittest

from page_client import Place, Program, Stream, connect, get, post, read_answer, request, send_raw


class Served(unittest.TestCase):
    """Cases on one program that may act. They leave no dead letters and nothing paused."""

    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.directory = cls.place.__enter__()
        cls.program = Program("runtime", cls.directory, act=1)
        cls.program.deposit("alice", 100, 200, 300)

    @classmethod
    def tearDownClass(cls):
        cls.program.__exit__()
        cls.place.__exit__()

    def head(self):
        return get(self.program, "/api/status").json["head"]


class Looking(Served):
    def test_the_page_is_there_with_its_files(self):
        for path, kind in (("/", "text/html"), ("/style.css", "text/css"), ("/page.js", "text/javascript")):
            answer = get(self.program, path)
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.headers["content-type"].startswith(kind))
            self.assertGreater(len(answer.body), 1000)

    def test_every_answer_is_told_to_stay_at_home(self):
        for path in ("/", "/api/status", "/nothing", "/api/events?limit=x"):
            headers = get(self.program, path).headers
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertIn("frame-ancestors 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["cache-control"], "no-store")
            self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")
            self.assertNotIn("access-control-allow-origin", headers)

    def test_figures_for_prometheus(self):
        answer = get(self.program, "/metrics")
        if answer.status == 404:
            self.assertIn("prometheus-cpp", answer.json["message"])  # it was built without
            return
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        figures = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))
        self.assertEqual(float(figures["tyto_up"]), 1)
        self.assertEqual(float(figures["tyto_events_total"]), self.head())
        self.assertIn('tyto_commit_seconds_bucket{le="+Inf"}', figures)
        self.assertEqual(post(self.program, "/metrics", {}).status, 405)

    def test_nothing_is_compressed(self):
        """The library would take seconds for a long answer."""
        for path in ("/", "/page.js", "/api/events", "/nothing"):
            answer = get(self.program, path, Accept_Encoding="gzip, br")
            self.assertNotIn("content-encoding", answer.headers)
            self.assertEqual(len(answer.body), int(answer.headers["content-length"]))

    def test_events_from_a_position_and_from_the_end(self):
        first = get(self.program, "/api/events?from=1&limit=2").json
        self.assertEqual([each["position"] for each in first["events"]], [1, 2])
        self.assertEqual(first["next"], 3)
        last = get(self.program, "/api/events?limit=2").json
        self.assertEqual([each["position"] for each in last["events"]], [last["head"] - 1, last["head"]])
        self.assertEqual(last["before"], last["head"] - 1)
        before = get(self.program, f"/api/events?limit=1000&before={last['before']}").json
        self.assertEqual([each["position"] for each in before["events"]], list(range(1, last["head"] - 1)))
        self.assertIsNone(before["before"])
        self.assertIsNone(get(self.program, f"/api/events?from={last['head'] + 1}").json["next"])

    def test_events_are_filtered(self):
        def found(query):
            return get(self.program, f"/api/events?{query}").json["events"]
        self.assertEqual({each["type"] for each in found("type=account.money_moved&type=letter.sent")},
                         {"account.money_moved", "letter.sent"})
        self.assertEqual({each["stream"] for each in found("category=letter")}, {"letter|alice"})
        self.assertEqual(len(found("stream=account%7Calice")), 3)
        self.assertEqual(len(found("stream=account%7Cnobody")), 0)
        self.assertEqual([each["payload"]["cents"] for each in found("where=cents%3D200")], [200])
        self.assertTrue(all(each["correlation_id"] == "request-alice" for each in found("correlation=request-alice")))
        self.assertEqual(len(found("type=account.money_moved&from=1&limit=1000")), 3)

    def test_a_stream(self):
        found = get(self.program, "/api/stream?name=account%7Calice").json
        self.assertEqual((found["version"], found["first"], found["state"], found["next"]), (3, 1, "open", None))
        self.assertEqual([each["payload"]["cents"] for each in found["events"]], [100, 200, 300])
        self.assertEqual(len(get(self.program, "/api/stream?name=account%7Calice&limit=1").json["events"]), 1)
        part = get(self.program, "/api/stream?name=account%7Calice&from=1&limit=2").json
        self.assertEqual((len(part["events"]), part["next"]), (2, 3))
        refused = get(self.program, "/api/stream?name=alice")
        self.assertEqual((refused.status, refused.json["code"]), (400, "invalid_argument"))

    def test_a_trace_names_causes(self):
        found = get(self.program, "/api/trace?id=request-alice").json
        by_position = {each["position"]: each for each in found["events"]}
        letters = [each for each in found["events"] if each["type"] == "letter.sent"]
        self.assertEqual(len(letters), 3)
        for each in letters:
            self.assertEqual(each["consumer"], "mailing")
            self.assertEqual(by_position[each["caused_by"]]["type"], "account.money_moved")
        self.assertIsNone(found["events"][0]["caused_by"])
        self.assertEqual(get(self.program, "/api/trace?id=").status, 400)

    def test_the_status(self):
        told = get(self.program, "/api/status").json
        self.assertTrue(told["live"] and told["may_act"] and told["running"])
        self.assertEqual(told["title"], "page_program")
        kinds = {each["name"]: each["kind"] for each in told["consumers"]}
        self.assertEqual(kinds["balances.v1"], "projection")
        self.assertEqual(kinds["mailing"], "reaction")
        self.assertEqual(sum(told["commit_events"]), told["commits"])
        self.assertEqual(sum(told["commit_times_us"]), told["commits"])

    def test_health_deadlines_and_history(self):
        self.assertEqual(get(self.program, "/api/health").json["healthy"], True)
        (due,) = get(self.program, "/api/deadlines").json["deadlines"]
        self.assertEqual((due["process_manager"], due["instance"], due["name"]), ("reminder", "alice", "yearly"))
        samples = []
        while len(samples) < 2:  # one is taken every quarter of a second
            samples = get(self.program, "/api/history").json["samples"]
        self.assertEqual(get(self.program, f"/api/history?after={samples[-1]['number'] + 100}").json["samples"], [])
        self.assertEqual(len(samples[0]["consumers"]["mailing"]), 3)

    def test_head_has_no_body(self):
        for path in ("/", "/api/status", "/events"):
            answer = request(self.program, "HEAD", path)
            self.assertEqual((answer.status, answer.body), (200, b""), path)


class Refused(Served):
    def assert_refused(self, answer, status, text=""):
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(text, answer.json["message"])

    def test_a_foreign_name_is_refused(self):
        port = self.program.port
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1:{port + 1}", "127.0.0.1", "", f"localhost.:{port}",
                     f"127.0.0.1:{port}@evil.example"):
            self.assert_refused(get(self.program, "/api/status", host=host), 421, "serve_options::names")
        self.assert_refused(send_raw(self.program, b"GET / HTTP/1.1\r\n\r\n"), 421)
        twice = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n".encode()
        self.assert_refused(send_raw(self.program, twice), 421)
        for host in (f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
            self.assertEqual(get(self.program, "/api/status", host=host).status, 200)

    def test_foreign_pages_are_refused(self):
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
                        {"Sec_Fetch_Site": "same-site"}, {"Origin": f"https://127.0.0.1:{self.program.port}"}):
            self.assert_refused(get(self.program, "/api/status", **headers), 403, "another site")
            self.assert_refused(get(self.program, "/events", **headers), 403, "another site")
            self.assert_refused(post(self.program, "/api/resume", {"consumer": "mailing"}, **headers), 403, "another site")
        own = {"Origin": f"http://127.0.0.1:{self.program.port}", "Sec_Fetch_Site": "same-origin"}
        self.assertEqual(post(self.program, "/api/resume", {"consumer": "mailing"}, **own).status, 200)
        self.assertEqual(get(self.program, "/", Sec_Fetch_Site="cross-site").status, 200)  # a link from elsewhere

    def test_what_a_form_could_post_is_refused(self):
        body = {"consumer": "mailing"}
        self.assert_refused(post(self.program, "/api/pause", body, X_Tyto=None), 403, "X-Tyto")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
            self.assert_refused(post(self.program, "/api/pause", body, Content_Type=kind), 415, "application/json")
        self.assertEqual(post(self.program, "/api/resume", body, Content_Type="application/json; charset=utf-8").status, 200)

    def test_broken_bodies_are_refused(self):
        for body in (b"", b"{", b"[]", b"7", b'{"consumer":"mailing","do":"reset"}', b"\xff\xfe", b"[" * 60000):
            answer = request(self.program, "POST", "/api/resume", body)
            self.assertIn(answer.status, (400, 411), body[:20])
        for fields in ({}, {"consumer": 7}, {"consumer": "nobody"}, {"consumer": "mailing", "more": 1}):
            self.assert_refused(post(self.program, "/api/resume", fields), 400)
        self.assert_refused(request(self.program, "POST", "/api/resume", b" " * 70000), 413)
        self.assert_refused(request(self.program, "POST", "/api/resume", b"", Content_Length="999999999999999999999"), 413)
        chunked = (f"POST /api/resume HTTP/1.1\r\nHost: 127.0.0.1:{self.program.port}\r\nX-Tyto: 1\r\n"
                   "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
        self.assert_refused(send_raw(self.program, chunked + b"2\r\n{}\r\n0\r\n\r\n"), 411)

    def test_wrong_paths_methods_and_parameters_are_refused(self):
        for path in ("/nothing", "/api", "/api/", "/api/nothing", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                     "//etc/passwd", "/page.js/../../etc/passwd", "/page.js%00", "/index.html"):
            self.assertEqual(get(self.program, path).status, 404, path)
        self.assertEqual(get(self.program, "/api/pause").status, 405)
        self.assertEqual(post(self.program, "/api/status", {}).status, 405)
        self.assertEqual(post(self.program, "/", {}).status, 405)
        for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"):
            self.assertIn(request(self.program, method, "/api/status").status, (400, 405), method)
        for path in ("/api/events?limit=x", "/api/events?from=-1", "/api/events?from=1&before=2", "/api/events?typ=x",
                     "/api/events?where=x", "/api/status?x=1", "/api/trace", "/events?from=x", "/events?limit=1",
                     "/api/events?from=18446744073709551616"):
            self.assert_refused(get(self.program, path), 400)
        self.assertEqual(get(self.program, "/", Range="bytes=0-1").status, 416)

    def test_requests_that_are_none_do_no_harm(self):
        hosts = f"Host: 127.0.0.1:{self.program.port}\r\n".encode()
        for data in (b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n" + hosts + b"\r\n",
                     b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + hosts + b"\r\n",
                     b"GET / HTTP/1.1\r\n" + hosts + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + hosts + b"".join(b"X%d: y\r\n" % i for i in range(5000)) + b"\r\n"):
            with connect(self.program) as connection:
                try:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                read_answer(connection)
        self.assertEqual(get(self.program, "/api/status").status, 200)

    def test_a_hundred_connections_that_say_nothing_keep_nobody_out(self):
        idle = [connect(self.program) for _ in range(100)]
        self.assertEqual(get(self.program, "/api/status").status, 200)
        for each in idle:
            each.close()

    def test_a_hundred_requests_at_once_are_answered(self):
        waiting = [connect(self.program) for _ in range(100)]
        for each in waiting:
            each.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{self.program.port}\r\n\r\n".encode())
        self.assertEqual({read_answer(each).status for each in waiting}, {200})
        for each in waiting:
            each.close()


class Following(Served):
    def test_a_stream_begins_where_it_is_told_and_says_when_it_has_caught_up(self):
        with Stream(self.program, "?from=2") as stream:
            self.assertEqual(stream.status, 200)
            self.assertTrue(stream.headers["content-type"].startswith("text/event-stream"))
            caught_up, before = stream.until("caught-up")
            events = [each for each in before if "data" in each]
            self.assertEqual([int(each["id"]) for each in events], list(range(2, self.head() + 1)))
            self.assertEqual(json.loads(caught_up["data"])["position"], self.head())
            self.program.deposit("bob", 1)
            self.assertEqual(stream.events(1)[0][1]["stream"], "account|bob")

    def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(self):
        with Stream(self.program, "?from=1") as stream:
            seen = stream.events(3)
        with Stream(self.program, "?from=1", Last_Event_ID=seen[-1][0]) as stream:
            after, before = stream.until("caught-up")
        self.assertEqual([int(each["id"]) for each in before if "data" in each], list(range(4, int(after["id"]) + 1)))
        with Stream(self.program, "", Last_Event_ID=after["id"]) as stream:
            self.program.deposit("carol", 1)
            self.assertEqual(stream.events(1)[0][0], int(after["id"]) + 1)

    def test_a_stream_is_filtered_and_its_heartbeat_moves_on(self):
        with Stream(self.program, "?type=letter.sent&from=1") as stream:
            stream.until("caught-up")
            self.program.deposit("dora", 5)
            ((position, event),) = stream.events(1)
            self.assertEqual((event["type"], event["payload"]["text"]), ("letter.sent", "5 cents"))
            while (message := stream.message()) and "comment" not in message:
                pass
            self.assertGreaterEqual(int(message["id"]), position)

    def test_who_begins_beyond_the_end_gets_what_comes_next(self):
        with Stream(self.program, "?from=999999999") as stream:
            stream.until("caught-up")
            head = self.head()
            self.program.deposit("erna", 1)
            self.assertEqual(stream.events(1)[0][0], head + 1)

    def test_sixteen_may_follow_and_places_become_free(self):
        open_ones = [Stream(self.program) for _ in range(16)]
        one_more = get(self.program, "/events")
        self.assertEqual((one_more.status, one_more.json["code"]), (503, "overloaded"))
        self.assertEqual(get(self.program, "/api/status").status, 200)
        for each in open_ones:
            each.close()
        Stream(self.program).close()

    def test_a_client_that_takes_nothing_queues_nothing_and_delays_nobody(self):
        slow = Stream(self.program, "?from=1")
        self.program.deposit("fred", *([7] * 20))
        with Stream(self.program, f"?from={self.head() + 1}") as quick:
            quick.until("caught-up")
            self.program.deposit("fred", 8)
            self.assertEqual(quick.events(1)[0][1]["payload"]["cents"], 8)
        slow.close()


class Acting(Served):
    def test_dead_letters_are_listed_replayed_and_discarded(self):
        self.program.tell("break")
        self.program.deposit("gina", 13, 14)
        letters = get(self.program, "/api/dead-letters").json["letters"]
        self.assertEqual([each["reason"] != "" for each in letters], [True, False])
        self.assertIn("<b>unlucky</b>", letters[0]["reason"])
        self.assertEqual(get(self.program, "/api/dead-letters?consumer=mailing").json["letters"], letters)
        failed = post(self.program, "/api/replay", {"consumer": "mailing"})
        self.assertEqual((failed.status, failed.json["code"]), (409, "handler_failed"))
        self.program.tell("repair")
        self.assertEqual(post(self.program, "/api/replay", {"consumer": "mailing", "key": "account|gina"}).json, {"handled": 2})
        self.program.tell("break")
        self.program.deposit("hans", 13)
        (letter,) = get(self.program, "/api/dead-letters").json["letters"]
        gone = post(self.program, "/api/discard", {"consumer": "mailing", "position": letter["position"]})
        self.assertEqual(gone.json, {"discarded": 1})
        self.assertEqual(get(self.program, "/api/dead-letters").json["letters"], [])

    def test_consumers_are_paused_resumed_and_reset(self):
        def state():
            return {each["name"]: each["state"] for each in get(self.program, "/api/status").json["consumers"]}["balances.v1"]
        self.assertEqual(post(self.program, "/api/pause", {"consumer": "balances.v1"}).status, 200)
        self.assertEqual(state(), "paused")
        self.assertEqual(post(self.program, "/api/resume", {"consumer": "balances.v1"}).status, 200)
        while state() != "running":
            pass
        self.assertEqual(post(self.program, "/api/reset", {"consumer": "balances.v1"}).status, 200)
        self.assertEqual(post(self.program, "/api/reset", {"consumer": "mailing"}).status, 400)
        self.program.tell("settle")


class Starting(unittest.TestCase):
    def test_without_leave_the_page_only_shows(self):
        with Place() as directory, Program("runtime", directory) as program:
            answer = post(program, "/api/pause", {"consumer": "mailing"})
            self.assertEqual((answer.status, answer.json["code"]), (403, "permission"))
            self.assertFalse(get(program, "/api/status").json["may_act"])

    def test_a_stopped_runtime_is_still_shown(self):
        with Place() as directory, Program("runtime", directory, act=1) as program:
            program.deposit("alice", 1)
            program.tell("stop")
            self.assertFalse(get(program, "/api/status").json["running"])
            self.assertEqual(post(program, "/api/pause", {"consumer": "mailing"}).status, 503)
            self.assertEqual(get(program, "/api/events").json["events"][0]["payload"]["cents"], 1)

    def test_streams_end_with_the_server(self):
        with Place() as directory:
            program = Program("runtime", directory)
            stream = Stream(program)
            stream.until("caught-up")
            program.__exit__()
            while stream.message() is not None:
                pass
            stream.close()

    def test_a_directory_is_served_live_and_at_rest(self):
        with Place() as directory:
            with Program("runtime", directory) as program:
                program.deposit("alice", 13, 2)
                with Program("directory", directory, act=1) as beside:
                    told = get(beside, "/api/status").json
                    self.assertTrue(told["live"] and told["running"])
                    self.assertEqual(told["title"], os.path.realpath(directory))
                    with Stream(beside, f"?from={told['head'] + 1}") as stream:
                        stream.until("caught-up")
                        program.deposit("bob", 3)
                        self.assertEqual(stream.events(1)[0][1]["payload"]["cents"], 3)
                    program.tell("repair")
                    self.assertEqual(post(beside, "/api/replay", {"consumer": "mailing"}).json, {"handled": 2})
            with Program("directory", directory, act=1) as alone:
                told = get(alone, "/api/status").json
                self.assertFalse(told["live"])
                self.assertIn("no runtime listens", told["why_not_live"])
                self.assertIn("mailing", {each["name"] for each in told["consumers"]})
                self.assertEqual(get(alone, "/api/health").status, 503)
                self.assertEqual(post(alone, "/api/replay", {"consumer": "mailing"}).status, 503)
                self.assertEqual(get(alone, "/api/deadlines").json["deadlines"][0]["name"], "yearly")

    def assert_not_served(self, text, **options):
        with Place() as directory, Program("runtime", directory, **options) as program:
            self.assertIsNone(program.url)
            self.assertIn(text, program.said)

    def test_options_that_cannot_be_are_refused(self):
        self.assert_not_served("give it a token, a certificate and a private_key", address="0.0.0.0")
        self.assert_not_served("give it a token", address="0.0.0.0", token="0123456789abcdef")
        self.assert_not_served("fewer than 16 characters", token="short")
        self.assert_not_served("none in figures", address="localhost.example")
        self.assert_not_served("belong together", certificate="/nowhere")
        self.assert_not_served("no certificate", certificate="/nowhere", private_key="/nowhere")
        self.assert_not_served("does not have this address", address="192.0.2.1", token="0123456789abcdef",
                               **tls_files(self))
        self.assert_not_served("without a port", name="a:80")
        with Place() as directory, Program("directory", directory) as program:
            self.assertIsNone(program.url)

    def test_a_port_that_is_taken_is_named(self):
        with Place() as directory, Program("runtime", directory) as program:
            self.assert_not_served("another program has this port", port=program.port)

    def test_a_token_is_asked_for(self):
        token = "correct-horse-battery"
        with Place() as directory, Program("runtime", directory, token=token) as program:
            basic = base64.b64encode(b"anyone:" + token.encode()).decode()
            for given in (f"Bearer {token}", f"Basic {basic}", f"basic {basic}"):
                self.assertEqual(get(program, "/api/status", Authorization=given).status, 200)
            wrong = base64.b64encode(b"anyone:wrong").decode()
            for given in (None, "", token, "Bearer", "Bearer ", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Basic {wrong}",
                          "Basic !", "Basic " + base64.b64encode(token.encode()).decode(), f"Digest {token}"):
                for path in ("/", "/api/status", "/events"):
                    answer = get(program, path, Authorization=given)
                    self.assertEqual(answer.status, 401, given)
                    self.assertTrue(answer.headers["www-authenticate"].startswith("Basic"))

    def test_tls(self):
        with Place() as directory, Program("runtime", directory, token="0123456789abcdef", name="shop.example",
                                           address="0.0.0.0", **tls_files(self)) as program:
            self.assertTrue(program.url.startswith("https://127.0.0.1:"))
            context = ssl.create_default_context(cafile=self.certificate)
            context.check_hostname = False
            for host in ("127.0.0.1", "shop.example"):
                with context.wrap_socket(connect(program)) as secure:
                    secure.sendall(f"GET /api/status HTTP/1.1\r\nHost: {host}:{program.port}\r\n"
                                   "Authorization: Bearer 0123456789abcdef\r\n\r\n".encode())
                    self.assertEqual(read_answer(secure).status, 200)
            self.assertEqual(send_raw(program, b"GET / HTTP/1.1\r\n\r\n").status, 0)  # plain HTTP gets nothing


def tls_files(case):
    place = Place()
    directory = place.__enter__()
    case.addCleanup(place.__exit__)
    os.mkdir(directory)
    case.certificate, key = os.path.join(directory, "certificate.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", case.certificate, "-days", "2", "-subj", "/CN=shop.example"],
                   check=True, capture_output=True)
    return {"certificate": case.certificate, "private_key": key}


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
