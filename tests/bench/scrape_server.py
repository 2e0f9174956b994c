# SPDX-License-Identifier: MPL-2.0
"""The series of a page, served by Python's client library from descriptor 3: PAGE_FILE"""

import http.server
import os
import socket
import sys

os.environ["PROMETHEUS_DISABLE_CREATED_SERIES"] = "true"  # the same series as the others'

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import MetricsHandler
from prometheus_client.parser import text_string_to_metric_families


def registry_of(path):
    registry = CollectorRegistry()
    with open(path, encoding="utf-8") as file:
        for family in text_string_to_metric_families(file.read()):
            kind = Counter if family.type == "counter" else Gauge
            metric = kind(family.name, family.documentation, list(family.samples[0].labels),
                          registry=registry)
            for sample in family.samples:
                child = metric.labels(**sample.labels)
                (child.inc if kind is Counter else child.set)(sample.value)
    return registry


def main():
    server = http.server.ThreadingHTTPServer(("", 0), MetricsHandler.factory(registry_of(sys.argv[1])),
                                             bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=3)
    server.serve_forever()


if __name__ == "__main__":
    main()
