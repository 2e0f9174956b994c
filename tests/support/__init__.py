# SPDX-License-Identifier: MPL-2.0
"""What the integration tests share. PYTHONPATH is the tests folder; README.md there has more."""
