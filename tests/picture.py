# SPDX-License-Identifier: MPL-2.0
"""Makes the README's picture: the demo's live page after two minutes, in a browser without a window.

usage: picture.py ZMQ_EXPORTER OUTPUT.png [SECONDS]

As root the demo has pids of its own, so that the page shows no other program of the machine.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--window-size=1440,1180", "--force-device-scale-factor=0.8"]
ALONE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def take(address, path, profile):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        driver.get(f"http://{address}/")
        time.sleep(5)
        driver.save_screenshot(path)
    finally:
        driver.quit()


def main():
    program, path = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 120
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "demo", "--with-exporter", "--web.listen-address=127.0.0.1:0"]
        demo = subprocess.Popen([*(ALONE if os.geteuid() == 0 else []), *command], stderr=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, text=True, env={**os.environ, "TMPDIR": folder})
        try:
            address = next(found.group(1) for line in demo.stderr
                           if (found := re.search(r"msg=listening address=(\S+)", line)))
            time.sleep(seconds)
            take(address, path, folder + "/profile")
        finally:
            demo.terminate()
            demo.wait()
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
