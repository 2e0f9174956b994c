# SPDX-License-Identifier: MPL-2.0
"""The exporter itself: started on a port of its own, scraped, and its page parsed."""

import re
import signal
import subprocess
import threading
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from support import products
from support.process import Process
from support.waiting import DEADLINE_S, wait_equal

# Prometheus, and its operator for Kubernetes, put these on every target: ours would be renamed.
TARGET_LABELS = {"namespace", "service", "pod", "endpoint", "container", "node", "instance", "job"}
ADDRESS = re.compile(r"address\"?[=:]\"?([\[\]\w.:]+:\d+)")


class Page:
    """One scrape."""

    def __init__(self, text):
        self.text = text
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]
        taken = {label for sample in self.samples for label in sample.labels} & TARGET_LABELS
        assert not taken, f"labels that Prometheus gives to targets: {taken}"

    def find(self, name, **labels):
        """The values of every sample of that name with these labels among its labels."""
        return [
            s.value for s in self.samples
            if s.name == name and all(s.labels.get(k) == v for k, v in labels.items())
        ]

    def value(self, name, **labels):
        """The sum of these samples; None if there is none."""
        values = self.find(name, **labels)
        return sum(values) if values else None


class Agent(Process):
    def __init__(self, directory, *arguments, prefix=(), peeks=False, has_details=True, **options):
        """`prefix`: the words of a program that starts it. `peeks`: it also looks at programs
        without a tap, which here are those of all tests that run. `has_details`: events, options
        and capabilities are part of the page."""
        if has_details:
            arguments = ("--collector.details", *arguments)
        if not peeks:
            arguments = ("--no-collector.peek", *arguments)
        options.setdefault("variables", {})["ZMQ_EXPORTER_DIR"] = str(directory)
        super().__init__(
            [*prefix, products.exporter(), "--web.listen-address=127.0.0.1:0", *arguments],
            None, stderr=subprocess.PIPE, **options,
        )
        self.log = []
        self.address = self._read_address()

    def _read_address(self):
        for line in self.popen.stderr:
            self.log.append(line)
            found = ADDRESS.search(line)
            if found:
                return found.group(1)
        raise AssertionError(f"the agent ended without an address: {''.join(self.log)}")

    def keep_log(self):
        """From now on the log is read as it comes, so that the agent never waits for a reader."""
        self._reader = threading.Thread(target=self.log.extend, args=(self.popen.stderr,))
        self._reader.start()

    def end_and_read_log(self):
        """Ends it as the service manager does; the whole log. After keep_log()."""
        self.send_signal(signal.SIGTERM)
        assert self.popen.wait(DEADLINE_S) == 0
        self._reader.join(DEADLINE_S)
        return "".join(self.log)

    def get(self, path="/metrics"):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
            return answer.read().decode()

    def scrape(self):
        return Page(self.get())

    def wait_value(self, expected, name, **labels):
        return wait_equal(lambda: self.scrape().value(name, **labels), expected, f"{name} {labels}")
