# SPDX-License-Identifier: MPL-2.0
"""What an update of the live page costs with 2,000 sockets: the browser, and the exporter.

usage: page.py [UPDATES [PERCENT ...]]

PERCENT of the sockets work all the time. The browser's CPU time is that of the page's main thread,
painting included, a mean over the updates that it drew meanwhile, the page's own too; its clock is from the answer's arrival to the end of
layout, the median and the least: what other work on the machine takes is in it, less in the least.
The exporter's is the CPU time of all its threads for an answer. Beside it stands what everything anew
costs, as /api/v1/sockets and /api/v1/problems.
"""

import contextlib
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.request

from support.agent import Agent
from support.browsing import requests, start_browser
from support.fake_segments import FakeSegments
from support.waiting import wait_for

PROCESSES, GROUPS = 20, 100
# The page's own modules: an import of the same address is the same instance.
UPDATE = """
const [n, done] = arguments;
(async () => {
    const page = await import("/page.js"), store = await import("/store.js"), words = await import("/words.js");
    const times = [];
    for (let i = 0; i < n; i++) {
        const answer = await words.get(store.liveAddress());
        const began = performance.now();
        page.draw(answer);
        document.body.offsetHeight;
        times.push(performance.now() - began);
        await words.until(150);
    }
    done(times);
})();
"""


def cpu_ms(pid):
    """Of all threads that run, by the kernel's scheduler, in nanoseconds there."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def main_thread_ms(driver):
    """CPU time of the page's main thread: of the busiest renderer among chromedriver's children."""
    parents, renderers = {}, []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[folder.name] = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if "--type=renderer" in (folder / "cmdline").read_text():
                renderers.append(folder.name)

    def is_ours(pid):
        while pid in parents and pid != str(driver.service.process.pid):
            pid = parents[pid]
        return pid in parents

    return max(int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])
               for pid in renderers if is_ours(pid)) / 1e6


def ask(agent, path):
    with urllib.request.urlopen(f"http://{agent.address}/api/v1/{path}") as answer:
        return answer.read().decode()


def serve(agent, n):
    """CPU time of each answer, and its size."""
    times, sizes, since = [], [], ""
    for _ in range(n):
        before = cpu_ms(agent.popen.pid)
        text = ask(agent, f"live{since}")
        times.append(cpu_ms(agent.popen.pid) - before)
        sizes.append(len(text))
        since = "?since=" + text.split('"revision":"')[1].split('"')[0]
        time.sleep(0.15)
    return times[1:], sizes[-1]


def serve_all(agent, n):
    times, size = [], 0
    for _ in range(n):
        before = cpu_ms(agent.popen.pid)
        size = sum(len(ask(agent, path)) for path in ("sockets", "problems"))
        times.append(cpu_ms(agent.popen.pid) - before)
    return times, size


def n_answers(driver):
    return len([name for name in requests(driver) if "/live" in name])


def both(times):
    return f"{statistics.median(times):.1f} ({min(times):.1f})"


def run(driver, agent, n):
    times, size = serve(agent, n)
    all_times, all_size = serve_all(agent, 10)
    driver.get(f"http://{agent.address}/")
    wait_for(lambda: len(driver.find_elements("css selector", "#sockets tbody tr")) == PROCESSES * GROUPS,
             "all rows")
    driver.execute_async_script(UPDATE, 5)
    driver.execute_script("performance.setResourceTimingBufferSize(100000)")
    before, n_before = main_thread_ms(driver), n_answers(driver)
    drawn = driver.execute_async_script(UPDATE, n)
    browser = (main_thread_ms(driver) - before) / (n_answers(driver) - n_before)
    return f"{browser:.1f} | {both(drawn)} | {both(times)} | {size / 1000:.0f} | {both(all_times)} | {all_size / 1000:.0f}"


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    shares = [int(text) for text in sys.argv[2:]] or [0, 10, 100]
    print(f"{PROCESSES * GROUPS} sockets of {PROCESSES} processes, all of them rows of the page; median (least), ms")
    print("| sockets that work | browser, CPU | by its clock | exporter, CPU | sent, kB | everything anew | kB |")
    print("|---|---|---|---|---|---|---|")
    with start_browser() as driver:
        for share in shares:
            with tempfile.TemporaryDirectory(prefix="zt-") as folder, \
                    FakeSegments(folder, PROCESSES, GROUPS, f"busy:{share}"), \
                    Agent(folder, has_details=False) as agent:
                print(f"| {share} % | {run(driver, agent, n)} |", flush=True)


if __name__ == "__main__":
    main()
