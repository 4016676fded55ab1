"""The page in headless Chromium: what a person sees and does there. Ends with 77, skipped, where there is no Chromium
with its driver."""

import shutil
import sys
import tempfile
import unittest

from page_client import Place, Program, get

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    CHROMIUM = None
if not CHROMIUM or not DRIVER:
    print("there is no chromium, chromium-driver or python3-selenium here: tools/setup check installs them")
    sys.exit(77)

WAIT = 60  # seconds, for a condition that a busy machine may take long to meet


def start_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(DRIVER), options=options)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.profile = tempfile.mkdtemp(prefix="tyto_browser-")
        cls.browser = start_browser(cls.profile)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        shutil.rmtree(cls.profile, ignore_errors=True)

    def setUp(self):
        self.refused = None  # a path that answers with an error, which the console then mentions
        place = Place()
        directory = place.__enter__()
        self.addCleanup(place.__exit__)
        self.program = Program("runtime", directory, act=1)
        self.addCleanup(self.program.__exit__)
        self.program.deposit("alice", 100, 200)
        self.size(1200, 800)
        self.scheme("light")
        self.browser.get(self.program.url)
        self.until(lambda: self.feed() == "live", "the page is live")

    def tearDown(self):
        """Whatever was done, the console has nothing to complain about: no error, no violation of the policy."""
        self.browser.get("about:blank")
        complaints = [each["message"] for each in self.browser.get_log("browser") if each["level"] in ("SEVERE", "WARNING")]
        self.assertEqual([each for each in complaints if not self.refused or self.refused not in each], [])

    def until(self, condition, what):
        WebDriverWait(self.browser, WAIT, poll_frequency=0.05).until(lambda _: condition(), f"in vain: {what}")

    def size(self, width, height):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})

    def scheme(self, name):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def run_script(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """Returns what the elements say, all at once: they may be drawn anew between two looks."""
        return self.run_script("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)", selector)

    def click(self, selector):
        """Clicks on the first of these elements, which may be drawn anew at any time."""
        self.run_script("document.querySelector(arguments[0]).click()", selector)

    def is_shown(self, selector):
        return self.run_script("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector)

    def feed(self):
        return self.texts("#feed")[0]

    def press(self, *keys):
        self.browser.switch_to.active_element.send_keys(*keys)

    def leave_field(self):
        self.run_script("document.getElementById('main').focus()")

    def types(self):
        return self.texts("#event-rows tr td:nth-child(3)")

    def shown_view(self):
        return self.run_script("return [...document.querySelectorAll('[role=tabpanel]')].filter((each) => !each.hidden).map((each) => each.id)")

    def test_it_loads_and_events_come_as_they_happen(self):
        self.until(lambda: self.browser.title == "page_program – Tyto", "the title is shown")
        self.assertEqual(self.types().count("account.money_moved"), 2)
        self.program.deposit("bob", 7)
        self.until(lambda: "account|bob #1" in self.texts("#event-rows tr td:nth-child(4)"), "the new event is shown")
        positions = [int(each) for each in self.texts("#event-rows tr td:nth-child(1)")]
        self.assertEqual(positions, sorted(positions, reverse=True))
        head = get(self.program, "/api/status").json["head"]
        self.until(lambda: self.texts("#head") == [str(head)], "the head is shown")

    def test_events_are_filtered(self):
        self.press("/")
        self.press("letter.sent", Keys.ENTER)
        self.until(lambda: set(self.types()) == {"letter.sent"} and self.feed() == "live", "letters alone are shown")
        self.program.deposit("bob", 7)
        self.until(lambda: len(self.types()) == 3, "the new letter is shown")
        self.assertEqual(set(self.types()), {"letter.sent"})
        field = self.find("#filter")
        field.clear()
        field.send_keys("account|bob", Keys.ENTER)
        self.until(lambda: self.texts("#event-rows tr td:nth-child(4)") == ["account|bob #1"], "the stream alone is shown")
        field.clear()
        field.send_keys("cents=200", Keys.ENTER)
        self.until(lambda: self.types() == ["account.money_moved"], "the one with this value is shown")

    def test_the_feed_pauses_and_goes_on(self):
        self.leave_field()
        before = self.types()
        self.press(" ")
        self.assertEqual(self.feed(), "paused")
        self.program.deposit("bob", 7)
        self.until(lambda: "more" in self.feed(), "the events that came meanwhile are counted")
        self.assertEqual(self.types(), before)
        self.press(" ")
        self.until(lambda: "account|bob #1" in self.texts("#event-rows tr td:nth-child(4)"), "they are shown")

    def test_one_event_is_opened_with_the_keyboard_and_what_it_holds_is_text(self):
        self.leave_field()
        self.press("j")
        for _ in range(len(self.types())):
            if self.run_script("return document.activeElement.cells[2].textContent") == "account.money_moved":
                break
            self.press("j")
        self.press(Keys.ENTER)
        self.until(lambda: self.is_shown("#detail"), "the event is opened")
        self.assertEqual(self.texts("#detail-title"), ["account.money_moved"])
        self.assertIn('"note": "<script>alert(1)</script>"', self.texts("#detail pre")[0])
        self.assertEqual(self.run_script("return document.querySelectorAll('#detail script').length"), 0)
        self.press(Keys.ESCAPE)
        self.until(lambda: not self.is_shown("#detail"), "it is closed")
        self.assertEqual(self.run_script("return document.activeElement.tagName"), "TR")

    def test_a_stream_and_a_trace_are_shown(self):
        self.run_script("[...document.querySelectorAll('#event-rows tr')].find((each) => each.cells[2].textContent == 'letter.sent').click()")
        self.click("#detail .fields button")
        self.until(lambda: self.texts("#detail-title") == ["letter|alice"], "the stream is shown")
        self.assertEqual(self.texts("#detail tbody tr td:nth-child(3)"), ["letter.sent", "letter.sent"])
        self.run_script("document.querySelector('#detail tbody tr').click()")
        self.run_script("[...document.querySelectorAll('#detail .fields button')].find((each) => each.textContent == 'request-alice').click()")
        self.until(lambda: "events" in self.texts("#trace-state")[0], "the trace is complete")
        self.assertEqual(self.shown_view(), ["trace"])
        self.assertIn("mailing", self.texts(".tree .tree .via, .tree ul .via"))
        self.assertEqual(self.texts(".tree ul .type").count("letter.sent"), 2)

    def test_a_dead_letter_is_replayed_in_place(self):
        self.program.deposit("bob", 13)
        self.until(lambda: self.texts("#count-letters") == ["1"], "the tab counts it")
        self.leave_field()
        self.press("3")
        self.until(lambda: "are <b>unlucky</b>" in self.texts(".reason")[0] if self.texts(".reason") else False, "it is listed")
        self.refused = "/api/replay"
        self.click(".replay")
        self.until(lambda: "unlucky" in self.texts("#notice")[0], "it says why it failed again")
        self.program.tell("repair")
        self.until(lambda: self.is_shown(".replay:enabled"), "it can be tried again")
        self.click(".replay")
        self.until(lambda: self.is_shown("#no-letters"), "there are none left")
        self.until(lambda: self.texts("#notice") == ["1 handled by 'mailing'"], "it says what it has done")
        self.assertEqual(get(self.program, "/api/dead-letters").json["letters"], [])

    def test_a_dead_letter_is_discarded_when_one_is_sure(self):
        self.program.deposit("bob", 13)
        self.leave_field()
        self.press("3")
        self.until(lambda: self.texts("#letters .danger") == ["Discard"], "it is listed")
        self.click("#letters .danger")
        self.until(lambda: self.is_shown("#confirm"), "it asks")
        self.click("#confirm")
        self.until(lambda: self.is_shown("#no-letters"), "it is gone")

    def test_consumers_are_shown_paused_and_resumed(self):
        self.leave_field()
        self.press("2")
        self.until(lambda: any("balances.v1" in each for each in self.texts(".consumers .name")), "they are listed")
        self.until(lambda: self.run_script("return document.querySelectorAll('.spark .line').length") >= 1, "lines are drawn")
        self.until(lambda: self.run_script("return document.querySelectorAll('#heat-times .cell').length") > 0, "commits are drawn")
        def button(then=""):
            return self.run_script("const found = [...document.querySelectorAll('.consumers .acts button')].find((each) => "
                                   f"each.ariaLabel.endsWith(' balances.v1')); {then}; return found.textContent")
        self.assertEqual(button("found.click()"), "Pause")
        self.until(lambda: button() == "Resume", "it is paused")
        button("found.click()")
        self.until(lambda: button() == "Pause", "it goes on")

    def test_every_view_is_reached_by_its_key_and_its_tab(self):
        self.leave_field()
        for key, panel in zip("123456", ("events", "consumers", "letters", "deadlines", "trace", "health-view")):
            self.press(key)
            self.assertEqual(self.shown_view(), [panel])
        self.until(lambda: self.texts("#problems") == ["All is well."], "the health is shown")
        self.find("#tab-deadlines").click()
        self.until(lambda: self.texts("#deadline-rows td:nth-child(5)") == ["yearly"], "the deadline is shown")
        self.press(Keys.ARROW_RIGHT)
        self.assertEqual(self.shown_view(), ["trace"])
        selected = self.run_script("return [...document.querySelectorAll('[role=tab][aria-selected=true]')].map((each) => each.id)")
        self.assertEqual(selected, ["tab-trace"])

    def test_it_follows_the_colour_scheme(self):
        def darkness():
            colour = self.run_script("return getComputedStyle(document.body).backgroundColor")
            return sum(int(each) for each in colour.removeprefix("rgb(").removesuffix(")").split(","))
        self.assertGreater(darkness(), 600)
        self.scheme("dark")
        self.until(lambda: darkness() < 150, "it is dark")

    def test_it_fits_a_phone(self):
        self.program.deposit("bob", 13)
        self.size(360, 740)
        self.leave_field()
        for key in "123456":
            self.press(key)
            self.until(lambda: self.texts("#head") != ["–"], "there is something to show")
            wide = self.run_script("return [document.documentElement.scrollWidth, innerWidth]")
            self.assertLessEqual(wide[0], 360, f"view {key} is wider than the screen")

    def test_what_is_typed_in_a_field_is_no_command(self):
        self.press("/")
        self.press("2 3j")
        self.assertEqual(self.shown_view(), ["events"])
        self.assertEqual(self.find("#filter").get_property("value"), "2 3j")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
