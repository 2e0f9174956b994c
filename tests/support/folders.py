# SPDX-License-Identifier: MPL-2.0
"""Folders of the tests' own."""

import shutil

from support.waiting import wait_for


def remove_folder(path):
    """What was killed may write into it for a moment more."""
    def is_gone():
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()

    wait_for(is_gone, f"{path} to be removed")
