# SPDX-License-Identifier: MPL-2.0
"""Prometheus, Alertmanager and the like: servers that tell the address they took."""

import json
import re
import subprocess
import threading
import urllib.error
import urllib.request

from support.process import Process
from support.waiting import wait_for

LISTENING = re.compile(r'msg="Listening on" address=(127\.0\.0\.1:\d+)')


class Server(Process):
    """A server that tells the address it took, on standard error."""

    def __init__(self, *command):
        super().__init__(command, stderr=subprocess.PIPE)
        log = []
        for line in self.popen.stderr:
            log.append(line)
            found = LISTENING.search(line)
            if found:
                self.address = found.group(1)
                threading.Thread(target=self.popen.stderr.read, daemon=True).start()
                wait_for(self.is_ready, f"{command[0]} to be ready")
                return
        raise AssertionError(f"{command[0]} ended: {''.join(log)}")

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=30):
                return True
        except urllib.error.HTTPError:
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
            return json.loads(answer.read())
