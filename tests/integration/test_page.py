# SPDX-License-Identifier: MPL-2.0
"""The live page in a real browser, over real programs."""

import json
import signal
import urllib.parse

import pytest
import zmq
from selenium.webdriver.common.by import By

from support.agent import Agent
from support.browsing import complaints, open_page, start_browser
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

HOSTILE = '<img src=x onerror="document.title=1">&"\'\n'


@pytest.fixture(scope="module")
def browser():
    with start_browser() as driver:
        yield driver


@pytest.fixture
def full_queue(start):
    """A PUSH with 9 of 10 messages queued for a peer that takes none, and what it is seen as."""
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": HOSTILE})
    push, pull = puppet.socket(zmq.PUSH, sndhwm=5), puppet.socket(zmq.PULL, rcvhwm=5)
    pull.bind("inproc://orders")
    push.connect("inproc://orders")
    assert push.send(9) == 9
    assert pull.poll() == zmq.POLLIN  # takes notice of its peer
    puppet.wait_gauge(9, "SEND_QUEUE", "PUSH")
    puppet.wait_gauge(9, "RECEIVE_QUEUE", "PULL")
    return puppet


def rows(browser, section="sockets"):
    """The texts of the rows, read at one moment: the page draws them anew all the time."""
    return browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
        ".map((row) => [...row.children].map((cell) => cell.innerText))", section)


def tiles(browser):
    return dict(browser.execute_script(
        "return [...document.querySelectorAll('.tile')].map((t) => "
        "[t.querySelector('span').innerText, t.querySelector('b').innerText])"))


def problems(browser):
    """Without programs that are not heard: other tests' on this host are among these."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#problems li:not(.unheard)')].map((item) => item.innerText)")


def row_of(browser, kind):
    return next((row for row in rows(browser) if row[1] == kind), None)


def test_page__full_queue__shows_depth_bar_and_warning(browser, agent, full_queue):
    open_page(browser, agent)
    row = wait_for(lambda: row_of(browser, "PUSH"), "the row of the PUSH socket")
    assert row[2] == "inproc://orders"
    assert row[4].split() == ["9", "90", "%"]
    bar = browser.execute_script(
        "const i = document.querySelector('#sockets tbody .fill.warn i');"
        "return i.getBoundingClientRect().width / i.parentElement.getBoundingClientRect().width")
    assert abs(bar - 0.9) < 0.02
    assert tiles(browser)["Queues near HWM"] == "2"  # inproc: one queue, seen from both ends
    # The cause alone: the full queue of the sender is its doing.
    wait_for(lambda: ["has never received; 9 messages wait; " in words for words in problems(browser)] == [True],
             lambda: f"the problem; there are {problems(browser)}")
    words, = problems(browser)
    assert words.count("is blocked by it") == 1
    assert f"pid {full_queue.pid}" in words and words.startswith("<img src=x onerror")
    wait_for(lambda: browser.execute_script(
        "return document.querySelector('#sockets tbody .fill.warn').title").count("the oldest has waited for") == 1,
        "the age of the oldest message")
    assert not complaints(browser)


def test_page__text_from_programs__is_text(browser, agent, full_queue):
    open_page(browser, agent)
    row = wait_for(lambda: row_of(browser, "PUSH"), "the row of the PUSH socket")
    assert row[0].replace("\u25b8", "").split() == HOSTILE.replace("\n", "\u27e8U+000A\u27e9").split()
    assert browser.title == "zmq_exporter"
    assert not browser.find_elements(By.CSS_SELECTOR, "#sockets img")


def test_page__program_goes_on__numbers_follow_by_themselves(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: row_of(browser, "PUSH"), "the row of the PUSH socket")
    more = Puppet("c", full_queue.directory)
    with more:
        socket = more.socket(zmq.PUB)
        socket.bind("tcp://127.0.0.1:*")
        wait_for(lambda: row_of(browser, "PUB"), "a socket that was opened later")
        wait_equal(lambda: tiles(browser)["Tapped processes"], "2", "processes")
    wait_for(lambda: row_of(browser, "PUB") is None, "the end of its row")
    wait_equal(lambda: tiles(browser)["Tapped processes"], "1", "processes")


def test_page__filter_and_sort__order_the_rows(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: len(rows(browser)) == 2, "two sockets")
    browser.find_element(By.ID, "filter").send_keys("pull orders")
    assert [row[1] for row in rows(browser)] == ["PULL"]
    browser.find_element(By.ID, "filter").send_keys("x")
    assert rows(browser) == []
    assert "No socket fits" in browser.find_element(By.CSS_SELECTOR, "#sockets .empty").text
    for _ in range(len("pull ordersx")):
        browser.find_element(By.ID, "filter").send_keys("\b")
    header = browser.find_element(By.CSS_SELECTOR, 'th[data-sort="type"]')
    header.find_element(By.TAG_NAME, "button").click()
    assert [row[1] for row in rows(browser)] == ["PULL", "PUSH"]
    header.find_element(By.TAG_NAME, "button").click()
    assert [row[1] for row in rows(browser)] == ["PUSH", "PULL"]
    assert header.get_attribute("aria-sort") == "descending"


def test_page__filter_and_sort__are_in_the_address(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: len(rows(browser)) == 2, "two sockets")
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    browser.switch_to.active_element.send_keys("orders")
    button = browser.find_element(By.CSS_SELECTOR, 'th[data-sort="type"] button')
    button.click()
    button.click()
    assert browser.current_url.endswith("/?filter=orders&sort=-type")
    browser.refresh()
    wait_for(lambda: [row[1] for row in rows(browser)] == ["PUSH", "PULL"], "the same order")
    assert browser.find_element(By.ID, "filter").get_attribute("value") == "orders"
    assert not complaints(browser)


def test_page__name_that_turns_text_around__shows_how(browser, agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "a\u202eb"})
    puppet.socket(zmq.PUB).bind("tcp://127.0.0.1:*")
    open_page(browser, agent)
    row = wait_for(lambda: row_of(browser, "PUB"), "the row")
    assert row[0].split()[-1] == "a\u27e8U+202E\u27e9b"


def test_page__text_selected__stays(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: row_of(browser, "PUSH"), "the row of the PUSH socket")
    browser.execute_script("getSelection().selectAllChildren(document.querySelector('#sockets tbody td.address'))")
    state = browser.find_element(By.ID, "state").text
    wait_for(lambda: browser.find_element(By.ID, "state").text != state, "another answer")
    assert browser.execute_script("return getSelection().toString()").strip() == "inproc://orders"
    browser.execute_script("getSelection().removeAllRanges()")


def test_page__row_opened__shows_its_single_sockets(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: row_of(browser, "PUSH"), "the row of the PUSH socket")
    browser.execute_script(
        "[...document.querySelectorAll('#sockets tbody tr')]"
        ".find((row) => row.children[1].innerText === 'PUSH').querySelector('button').click()")
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "tr.detail table"), "its sockets")
    words = browser.find_element(By.CSS_SELECTOR, "tr.detail").text
    assert str(full_queue.pid) in words and zmq.zmq_version() in words
    assert "Oldest to send" in words
    browser.execute_script("document.querySelector('#sockets button[aria-expanded=true]').click()")
    assert not browser.find_elements(By.CSS_SELECTOR, "tr.detail")
    assert not complaints(browser)


def test_page__program_silent__says_so_and_shows_dashes(browser, agent, full_queue):
    open_page(browser, agent)
    wait_for(lambda: row_of(browser, "PUSH"), "the row of the PUSH socket")
    full_queue.popen.send_signal(signal.SIGSTOP)
    wait_for(lambda: ["its tap does not write" in words for words in problems(browser)] == [True],
             "a word on it")
    assert "out of descriptors" in problems(browser)[0]
    row = row_of(browser, "PUSH")
    assert [row[i].strip() for i in (3, 4)] == ["\u2013", "\u2013"]
    assert tiles(browser)["Tapped processes"] == "1"
    browser.execute_script("document.querySelector('#sockets tbody button').click()")
    wait_for(lambda: f"{full_queue.pid}, silent" in browser.find_element(By.ID, "sockets").text,
             "its sockets")
    browser.execute_script("document.querySelector('#sockets button[aria-expanded=true]').click()")
    full_queue.popen.send_signal(signal.SIGCONT)
    wait_for(lambda: row_of(browser, "PUSH")[4].split() == ["9", "90", "%"], "the numbers")
    wait_for(lambda: ["has never received" in words for words in problems(browser)] == [True],
             "the problem that is left")
    assert not complaints(browser)


def test_page__probes__are_shown_with_what_they_found(browser, folder, directory, start):
    endpoint = start("c").socket(zmq.ROUTER).bind("tcp://127.0.0.1:*")
    (folder / "probes.yml").write_text(
        "probes:\n"
        f"  - {{name: good, address: '{endpoint}', peer: ROUTER}}\n"
        f"  - {{name: bad, address: 'ipc://{folder}/nobody', peer: ROUTER, interval: 1s}}\n")
    with Agent(directory, f"--config.file={folder}/probes.yml") as agent:
        open_page(browser, agent)
        wait_for(lambda: [row[2].split(":")[0] for row in rows(browser, "probes")] == ["fails", "connected"],
                 lambda: f"both states; seen {rows(browser, 'probes')}")
        assert [row[0] for row in rows(browser, "probes")] == ["bad", "good"]
        assert "ROUTER" in rows(browser, "probes")[1][3]
        assert not complaints(browser)


def test_page__libraries__show_version_and_age(browser, agent, full_queue):
    open_page(browser, agent)
    version = zmq.zmq_version()
    wait_for(lambda: [row for row in rows(browser, "libraries") if row[0] == version],
             f"a row of libzmq {version}")
    row = next(row for row in rows(browser, "libraries") if row[0] == version)
    assert row[1] == "the newest" or "behind" in row[1]


def test_page__exporter_gone__says_that_the_numbers_are_old(browser, directory, full_queue):
    with Agent(directory) as agent:
        open_page(browser, agent)
    wait_for(lambda: browser.find_element(By.TAG_NAME, "body").get_attribute("data-state") == "lost",
             "the page to notice")
    assert "no answer from the exporter" in browser.find_element(By.ID, "state").text


def test_page__no_javascript__says_where_the_numbers_are(agent):
    page = agent.get("/")
    note = page[page.index("<noscript>"):page.index("</noscript>")]
    assert 'href="/metrics"' in note and 'href="api/v1/sockets"' in note
    assert "<script>" not in page and "style=" not in page and "http:" not in page


def test_sockets__json__has_the_numbers_of_the_metrics_page(agent, full_queue):
    wait_equal(lambda: agent.scrape().value("zmq_socket_send_queue_messages", type="PUSH"), 9, "depth")
    answer, page = json.loads(agent.get("/api/v1/sockets")), agent.scrape()
    assert {g["labels"]["program"] for g in answer["sockets"]} == {HOSTILE}
    n = 0
    for group in answer["sockets"]:
        for name, value in group["values"].items():
            if name.endswith("_age_seconds"):  # goes on between the two
                assert page.find(name, **group["labels"])
            elif isinstance(value, list):
                assert sum(member["value"] for member in value) == page.value(name, **group["labels"])
            else:
                assert [value] == page.find(name, **group["labels"])
            n += 1
    assert n > 15


def test_open_sockets__json__has_single_sockets_and_filters(agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": HOSTILE})
    endpoints = [puppet.socket(zmq.PUB).bind("tcp://127.0.0.1:*") for _ in range(3)]
    wait_equal(lambda: len(json.loads(agent.get("/api/v1/sockets/open"))["open"]), 3, "open sockets")
    everything = json.loads(agent.get("/api/v1/sockets/open"))
    assert everything["is_complete"] is True
    assert {s["program"] for s in everything["open"]} == {HOSTILE}
    assert {s["pid"] for s in everything["open"]} == {puppet.pid}
    assert {s["library"] for s in everything["open"]} == {zmq.zmq_version()}
    assert all(s["fields"]["linger"] == -1 for s in everything["open"])
    query = urllib.parse.urlencode({"program": HOSTILE, "type": "PUB", "address": "tcp://127.0.0.1:*"})
    assert len(json.loads(agent.get(f"/api/v1/sockets/open?{query}"))["open"]) == len(endpoints)
    assert json.loads(agent.get("/api/v1/sockets/open?type=SUB"))["open"] == []


def test_open_sockets__what_cannot_be_measured__is_told_with_its_reason(agent, start):
    puppet = start("c")
    puppet.socket(zmq.PUB).bind("tcp://127.0.0.1:*")
    puppet.wait_next_rounds()
    row, = wait_for(lambda: json.loads(agent.get("/api/v1/sockets/open"))["open"], "the socket")
    assert row["not_measured"] == [
        {"capability": name, "state": state, "reason": reason}
        for name, (state, reason) in puppet.segment().capabilities.items() if state in ("off", "bound")]
    assert all(gap["reason"] for gap in row["not_measured"])


def test_open_sockets__no_directory__is_an_empty_list(folder):
    with Agent(folder / "none") as agent:
        assert json.loads(agent.get("/api/v1/sockets/open"))["open"] == []
