# SPDX-License-Identifier: MPL-2.0
"""The live page's history, its page for each socket, and that only what changed is sent and drawn."""

import json
import time
import urllib.parse

import pytest
import zmq
from selenium.webdriver.common.by import By

from support.agent import Agent
from support.browsing import complaints, open_page, requests, start_browser, wait_live
from support.fake_segments import FakeSegments
from support.process import end_all
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

HOSTILE = '<img src=x onerror="document.title=1">&"\'\n'


@pytest.fixture(scope="module")
def browser():
    with start_browser() as driver:
        yield driver


@pytest.fixture
def full_queue(start):
    """A PUSH with 9 of 10 messages queued for a peer that takes none, and the checks that it breaks."""
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": HOSTILE})
    push, pull = puppet.socket(zmq.PUSH, sndhwm=5), puppet.socket(zmq.PULL, rcvhwm=5)
    pull.bind("inproc://orders")
    push.connect("inproc://orders")
    assert push.send(9) == 9
    assert pull.poll() == zmq.POLLIN  # takes notice of its peer
    puppet.wait_gauge(9, "SEND_QUEUE", "PUSH")
    puppet.wait_gauge(9, "RECEIVE_QUEUE", "PULL")
    puppet.sockets = push, pull
    return puppet


def ask(agent, path):
    return json.loads(agent.get(f"/api/v1/{path}"))


def kinds(browser):
    return browser.execute_script("return [...document.querySelectorAll('#sockets tbody tr:not(.detail)')]"
                                  ".map((row) => row.children[1].innerText)")


def row(kind):
    return ("[...document.querySelectorAll('#sockets tbody tr:not(.detail)')]"
            f".find((row) => row.children[1].innerText === '{kind}')")


def problem_lines(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('#problems li:not(.unheard)')].map((item) => item.innerText)")


def wait_next_answer(browser):
    """The page has drawn an answer that came after this call."""
    before = len([name for name in requests(browser) if "/live" in name])
    wait_for(lambda: len([name for name in requests(browser) if "/live" in name]) > before + 1, "another answer")


def points(browser, kind):
    """How wide the area of the row's sparkline is, in points of history."""
    return browser.execute_script(
        f"const area = {row(kind)}?.querySelector('.spark .area');"
        "return area && area.getAttribute('d') ? Math.round(area.getBBox().width * 119 / 120) + 1 : 0")


def test_history__group__has_points_of_queues_and_rates(agent, full_queue):
    push, pull = full_queue.sockets
    labels = {"program": HOSTILE, "type": "PULL", "address": "inproc://orders"}
    path = f"history?{urllib.parse.urlencode(labels)}"

    def found():
        rows = ask(agent, path)["rows"]
        return rows if rows and len(rows[0].get("receive_queue_messages", [])) >= 2 else None

    first, = wait_for(found, "two points")
    assert first["receive_queue_messages"][-1] == 9
    assert abs(first["receive_hwm_proximity_ratio"][-1] - 0.9) < 0.004
    assert "send_queue_messages" not in first  # a PULL has none
    assert first["received_messages_per_second"][-1] == 0
    for _ in range(5):
        assert pull.recv()[0] == 1
    answer = wait_for(lambda: next((one for one in ask(agent, path)["rows"]
                                    if any(one.get("received_messages_per_second", []))), None), "a rate")
    assert max(filter(None, answer["received_messages_per_second"])) == pytest.approx(1, rel=0.5)
    assert push.send(1) == 1

    # By number, as the page asks, and only what is new.
    live = ask(agent, "live")
    number = next(one["id"] for one in live["sockets"] if one["labels"] == labels)
    whole = ask(agent, f"history?rows={number},999")
    assert [one["id"] for one in whole["rows"]] == [number]
    news = ask(agent, f"history?rows={number}&since={whole['tick'] - 1}")["rows"]
    assert all(one["first"] == whole["tick"] for one in news)
    assert all(len(values) <= 2 for one in news for values in one.values() if isinstance(values, list))
    assert ask(agent, "history?program=nobody&type=PULL&address=")["rows"] == []
    assert ask(agent, "history?rows=;drop")["rows"] == []


def test_live__asked_again__has_only_what_changed(agent, full_queue, start):
    wait_for(lambda: len(ask(agent, "live")["sockets"]) == 2, "two groups")
    whole = ask(agent, "live")
    assert whole["is_whole"] and all(one["labels"]["program"] == HOSTILE for one in whole["sockets"])
    names = {one["labels"]["type"]: one["id"] for one in whole["sockets"]}

    other = start("c")
    socket = other.socket(zmq.PUB)
    socket.bind("tcp://127.0.0.1:*")
    told = []

    def news():
        told.append(ask(agent, f"live?since={(told or [whole])[-1]['revision']}"))
        return next((one for one in told[-1]["sockets"] if one.get("labels", {}).get("type") == "PUB"), None)

    new = wait_for(news, "the new group")
    assert new["id"] not in names.values() and not any(one["is_whole"] for one in told)
    # Once it stands still it is not told again; the two with messages that wait grow older.
    wait_for(lambda: not news() and new["id"] not in [one["id"] for one in told[-1]["sockets"]], "an answer without it")
    assert all("labels" not in one for one in told[-1]["sockets"])
    # A revision of another exporter, and one that never was, are told all.
    for since in ("1-1", "x", "", f"{whole['revision'].split('-')[0]}-999999"):
        assert ask(agent, f"live?since={since}")["is_whole"], since


def test_page__history__is_there_after_a_reload(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: points(browser, "PULL") >= 2, "two points in the sparkline")
    before = points(browser, "PULL")
    browser.refresh()
    wait_live(browser)
    wait_for(lambda: points(browser, "PULL") >= before, lambda: f"{before} points; there are {points(browser, 'PULL')}")
    title = browser.execute_script(f"return {row('PULL')}.querySelector('td.history a').title")
    assert "a queue up to 90 % full" in title
    assert not complaints(browser)


def test_page__update__keeps_nodes_order_and_selection(browser, agent, full_queue):
    push, pull = full_queue.sockets
    assert pull.recv()[0] == 1  # so that it is told how long ago that was
    assert push.send(1) == 1
    open_page(browser, agent)
    wait_equal(lambda: kinds(browser), ["PULL", "PUSH"], "two rows")
    wait_for(lambda: [words for words in problem_lines(browser) if "stopped receiving" in words], "the problem")
    browser.execute_script(f"{row('PULL')}.mark = 1; document.querySelector('#problems li').mark = 1;"
                           "getSelection().selectAllChildren(document.querySelector('#problems li div'))")
    words = browser.execute_script("return getSelection().toString()")
    wait_next_answer(browser)
    wait_next_answer(browser)
    assert browser.execute_script("return getSelection().toString()") == words
    browser.execute_script("getSelection().removeAllRanges()")
    wait_for(lambda: words not in problem_lines(browser)[0], "the words to go on")
    # The queue runs empty: the row's numbers follow, its nodes and its place stay.
    for _ in range(9):
        assert pull.recv()[0] == 1
    wait_for(lambda: browser.execute_script(f"return {row('PULL')}.children[5].innerText").split()[0] == "0", "an empty queue")
    assert browser.execute_script(f"return {row('PULL')}.mark") == 1
    assert kinds(browser) == ["PULL", "PUSH"]
    assert push.send(1) == 1
    assert not complaints(browser)


def test_page__row__leads_to_the_sockets_own_page(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: points(browser, "PULL") >= 1, "a sparkline")
    browser.execute_script(f"{row('PULL')}.querySelector('td.history a').click()")
    wait_for(lambda: "/socket?" in browser.current_url, "the socket's page")
    wait_live(browser)
    text = browser.find_element(By.TAG_NAME, "main").text
    assert str(full_queue.pid) in text and zmq.zmq_version() in text and "inproc://orders" in text
    assert "has never received; 9 messages wait" in browser.find_element(By.ID, "problems").text
    runbook = browser.find_element(By.CSS_SELECTOR, "#problems a.runbook").get_attribute("href")
    assert "inproc://orders" in agent.get(runbook.split(agent.address)[1])
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#history figure.chart"), "charts")
    assert "Linger" in browser.find_element(By.ID, "options").text
    assert "Receive queue" in browser.find_element(By.ID, "counted").text
    assert not browser.find_elements(By.CSS_SELECTOR, "h1 img")  # the name is text
    assert {urllib.parse.urlparse(name).netloc for name in requests(browser)} == {agent.address}
    assert not complaints(browser)


def test_socket_page__one_of_several__says_which_and_what_it_counts(browser, agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "server"})
    routers = [puppet.socket(zmq.ROUTER, router_mandatory=1) for _ in range(2)]
    for router in routers:
        router.bind("tcp://127.0.0.1:*")
    found = wait_for(lambda: (lambda rows: rows if len(rows) == 2 else None)(ask(agent, "sockets/open")["open"]), "two sockets")
    assert all(one["events"] == {"listening": 1} for one in found)
    assert all(one["handshake_failures"] == {"auth": 0, "protocol": 0, "transport": 0} for one in found)
    serials = sorted(one["fields"]["serial"] for one in found)
    one = ask(agent, f"sockets/open?pid={puppet.pid}&serial={serials[1]}")["open"]
    assert [one["fields"]["serial"] for one in one] == serials[1:]
    assert ask(agent, f"sockets/open?pid={puppet.pid}1")["open"] == []

    open_page(browser, agent, f"/socket?pid={puppet.pid}")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#several tbody tr")) == 2
    browser.find_elements(By.CSS_SELECTOR, "#several tbody a")[0].click()
    wait_for(lambda: "serial=" in browser.current_url, "one socket's page")
    wait_live(browser)
    assert "listening" in browser.find_element(By.ID, "events").text
    assert "No such peer" in browser.find_element(By.ID, "lost").text
    wait_for(lambda: "Of its group, 2 sockets." in browser.find_element(By.CSS_SELECTOR, "#history .of").text,
             "whose history it is")
    assert not browser.find_elements(By.CSS_SELECTOR, "#several tbody tr")
    puppet.end()
    wait_for(lambda: "no such socket is open" in browser.find_element(By.ID, "state").text, "its end")
    assert not complaints(browser)


def test_socket_page__misuse__says_what_libzmq_refused(browser, agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "careless"})
    pull = puppet.socket(zmq.PULL)
    pull.bind("inproc://orders")
    found = wait_for(lambda: ask(agent, "sockets/open")["open"], "the socket")
    assert [one["api_errors"] for one in found] == [{}]
    open_page(browser, agent, f"/socket?pid={puppet.pid}")
    section = browser.find_element(By.ID, "misuse")
    assert not section.is_displayed()
    assert pull.send(3) == 0
    wait_for(lambda: section.is_displayed(), "the section")
    assert section.text.split("\n")[1] == "ENOTSUP: a call that the type does not have 1"
    assert ask(agent, "sockets/open")["open"][0]["api_errors"] == {"ENOTSUP": 1}
    assert not complaints(browser)


def test_violations__row_problem_and_socket__lead_to_the_check(browser, agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "careless"})
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL, rcvhwm=0)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    assert push.send(9) == 9
    puppet.wait_gauge(9, "RECEIVE_QUEUE", "PULL")
    broken = wait_for(lambda: [one["check"] for one in ask(agent, "audit?format=json")["violations"]
                               if one["type"] == "PULL"], "a violation")
    assert "unlimited_hwm" in broken

    open_page(browser, agent)
    links = "return [...{}.querySelectorAll('a.check')].map((link) => link.href)"
    of_row = wait_for(lambda: len(kinds(browser)) == 2 and browser.execute_script(links.format(row("PULL"))), "the row's link")
    assert of_row == [f"http://{agent.address}/checks/{broken[0]}"]
    of_problem = wait_for(lambda: browser.execute_script(links.format("document.querySelector('#problems ul')")),
                          "the problem's links")
    assert sorted(link.rsplit("/", 1)[1] for link in of_problem) == sorted(broken)
    assert broken[0] in agent.get(f"/checks/{broken[0]}")

    query = urllib.parse.urlencode({"program": "careless", "type": "PULL"})
    open_page(browser, agent, f"/socket?{query}")
    of_socket = wait_for(lambda: browser.execute_script(links.format("document.querySelector('#policy')")), "its checks")
    assert [link.rsplit("/", 1)[1] for link in of_socket] == broken
    assert not complaints(browser)


def test_page__rows_out_of_sight__are_drawn_when_they_come_into_sight(browser, directory):
    """All of 300 sockets work; a number that is drawn is one that can be seen."""
    with FakeSegments(directory, 3, 100, "busy:100"), Agent(directory, has_details=False) as agent:
        open_page(browser, agent)
        wait_for(lambda: len(kinds(browser)) == 300, "all rows")
        browser.execute_script("""
            window.written = new Set();
            new MutationObserver((list) => list.forEach(({ target }) => written.add(target.parentElement.closest("tr"))))
                .observe(document.querySelector("#sockets tbody"), { subtree: true, characterData: true });
            window.line = (i) => document.querySelectorAll("#sockets tbody tr").item(i);""")
        wait_for(lambda: browser.execute_script("return written.has(line(0))"), "another number in the first row")
        wait_next_answer(browser)
        assert not browser.execute_script("return written.has(line(299))")
        assert browser.execute_script("return written.size") < 150
        browser.execute_script("line(299).scrollIntoView()")
        wait_for(lambda: browser.execute_script("return written.has(line(299))"), "another number in the last row")
        browser.execute_script("scrollTo(0, 0)")
        wait_next_answer(browser)
        browser.execute_script("written.clear(); document.dispatchEvent(new Event('selectstart'))")
        assert browser.execute_async_script("setTimeout(arguments[0], 0, 1)") == 1  # the observer's turn
        assert browser.execute_script("return written.has(line(299))")
        assert not complaints(browser)


def test_page__phone__shows_cards(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: len(kinds(browser)) == 2, "two rows")
    try:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
        wide = "return [document.documentElement.scrollWidth, innerWidth]"
        wait_for(lambda: browser.execute_script(wide)[1] == 390, "the width of a phone")
        assert browser.execute_script(wide)[0] <= 390
        boxes = browser.execute_script(
            f"return [...{row('PULL')}.children].map((cell) => cell.getBoundingClientRect())"
            ".map((box) => [box.top, box.left, box.right, box.height])")
        shown = [box for box in boxes if box[3] > 0]
        assert len({box[0] for box in shown}) > 4  # below each other, not beside
        assert all(0 <= box[1] < box[2] <= 390 for box in shown)
        label = f"return getComputedStyle({row('PULL')}.children[5], '::before').content"
        assert browser.execute_script(label) == '"Receive queue"'
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert not complaints(browser)


@pytest.fixture
def stuck_link(directory, folder):
    """A receiver that stands still and a sender that is full, in two processes; an exporter that sees who
    is at the other ends."""
    ledger, orders = [Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": name}) for name in ("ledger", "orders")]
    try:
        pull, push = ledger.socket(zmq.PULL, rcvhwm=10), orders.socket(zmq.PUSH, sndhwm=10)
        pull.bind(f"ipc://{folder}/orders")
        push.connect(f"ipc://{folder}/orders")
        with Agent(directory, peeks=True) as agent:
            agent.keep_log()
            yield agent, ledger, orders, lambda: push.fill(size=20000)
    finally:
        end_all([ledger, orders])


def test_page__receiver_stuck__leads_to_who_sends_to_it_and_back(browser, stuck_link):
    agent, ledger, orders, fill = stuck_link
    open_page(browser, agent)
    links = "return [...document.querySelectorAll('#problems li .peers a')].map((a) => [a.innerText, a.href])"

    def are_named():
        fill()
        return [a for text, a in browser.execute_script(links) if text == f"orders, pid {orders.pid}"]
    address, = wait_for(are_named, "who sends to it")  # the reader sees what other tests run, too
    browser.get(address)
    wait_live(browser)
    rows = "return [...document.querySelectorAll('#peers tbody tr')].map((row) => row.innerText)"

    def is_there():
        fill()
        return [row for row in browser.execute_script(rows) if "PULL" in row and str(ledger.pid) in row]
    wait_for(is_there, lambda: f"the peer: {browser.find_element(By.ID, 'peers').text}")
    assert "blocked by ledger" in browser.find_element(By.ID, "problems").text
    assert {urllib.parse.urlparse(name).netloc for name in requests(browser)} == {agent.address}
    assert not complaints(browser)


def test_page__consumer_becomes_stuck__first_line_names_it(browser, agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "ledger"})
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    pull.bind("inproc://orders")
    push.connect("inproc://orders")
    open_page(browser, agent)
    wait_for(lambda: len(kinds(browser)) == 2, "two rows")
    for _ in range(10):  # it works
        assert push.send(1) == 1
        assert pull.recv()[0] == 1
    assert problem_lines(browser) == []
    assert push.send(5) == 5  # and takes none of these
    stuck = time.monotonic()
    first = wait_for(lambda: problem_lines(browser), "a problem")[0]
    print(f"the first line named the stuck consumer {time.monotonic() - stuck:.2f} s after its last message")
    assert first.startswith("ledger") and "PULL inproc://orders" in first and f"pid {puppet.pid}" in first
    assert "5 messages wait" in first
    assert not complaints(browser)
