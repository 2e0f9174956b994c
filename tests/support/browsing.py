# SPDX-License-Identifier: MPL-2.0
"""A headless Chromium, and what its page is asked."""

import contextlib
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from support.waiting import wait_for

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--window-size=1500,1000"]


@contextlib.contextmanager
def start_browser():
    with tempfile.TemporaryDirectory(prefix="zt-") as profile:
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        driver.set_script_timeout(600)
        try:
            yield driver
        finally:
            driver.quit()


def wait_live(browser):
    wait_for(lambda: browser.find_element(By.TAG_NAME, "body").get_attribute("data-state") == "live",
             "the page's answer")


def open_page(browser, agent, path="/"):
    browser.get(f"http://{agent.address}{path}")
    wait_live(browser)


def complaints(browser):
    """Of the page that is open; one of a test before may have asked an agent that had ended."""
    return [entry for entry in browser.get_log("browser")
            if entry["level"] == "SEVERE" and browser.current_url.split("?")[0].rsplit("/", 1)[0] in entry["message"]]


def requests(browser):
    """The addresses that the page has loaded and asked."""
    return browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
