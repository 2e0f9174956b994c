# SPDX-License-Identifier: MPL-2.0
"""What is known of each loss, by type of the socket that sends and by reason: doc/losses.md.

The tests try every cell (integration/test_loss_table.py), and ./dev metrics writes the
table from it, so that what readers are told is what was tried.
"""

import collections

# How: exact; at_least: what is counted was lost; never: it cannot happen; absent: not on the page.
Cell = collections.namedtuple("Cell", "how why", defaults=[""])

# Values of `reason`, then what other metrics count.
DROPPED = ("hwm", "unroutable", "linger", "disconnect")
REASONS = (*DROPPED, "refused", "oversized")
RARE = set()  # of DROPPED those that are on the page only once a message was dropped so

EXACT, AT_LEAST, ABSENT = Cell("exact"), Cell("at_least"), Cell("absent")


def never(why):
    return Cell("never", why)


WAITS = never("it waits")
CHOOSES = never("it sends to who is there")
NOBODY = never("nobody there, nobody subscribed")
TOLD = never("EHOSTUNREACH")
DROPS = never("it drops")
RAW = never("bytes have no limit")

#            hwm     unroutable linger    disconnect refused oversized
TABLE = {
    "PAIR":   (WAITS, CHOOSES, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "PUB":    (EXACT, NOBODY, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "XPUB":   (EXACT, NOBODY, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "PUSH":   (WAITS, CHOOSES, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "DEALER": (WAITS, CHOOSES, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "ROUTER": (EXACT, EXACT, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "REQ":    (WAITS, CHOOSES, AT_LEAST, AT_LEAST, EXACT, EXACT),
    "REP":    (EXACT, EXACT, AT_LEAST, AT_LEAST, DROPS, EXACT),
    "XSUB":   (ABSENT, CHOOSES, ABSENT, ABSENT, DROPS, EXACT),
    "STREAM": (WAITS, TOLD, ABSENT, ABSENT, EXACT, RAW),
}

# A libzmq built with drafts has these; any thread may use them at any time, so nothing of theirs
# can be looked at but what libzmq answers.
DRAFTS = {
    "SERVER":  (WAITS, TOLD, ABSENT, ABSENT, EXACT, EXACT),
    "CLIENT":  (WAITS, CHOOSES, ABSENT, ABSENT, EXACT, EXACT),
    "RADIO":   (ABSENT, NOBODY, ABSENT, ABSENT, EXACT, EXACT),
    "SCATTER": (WAITS, CHOOSES, ABSENT, ABSENT, EXACT, EXACT),
    "PEER":    (WAITS, TOLD, ABSENT, ABSENT, EXACT, EXACT),
    "CHANNEL": (WAITS, CHOOSES, ABSENT, ABSENT, EXACT, EXACT),
}


def cell(name, reason):
    return (TABLE | DRAFTS)[name][REASONS.index(reason)]


def text_of(one):
    """For doc/losses.md."""
    return {"exact": "exact", "at_least": "at least", "never": f"never: {one.why}", "absent": "–"}[one.how]


def series_of(name):
    """Values of `reason` that zmq_socket_dropped_messages_total has for the type from the start."""
    return {reason for reason in DROPPED
            if reason not in RARE and cell(name, reason).how in ("exact", "at_least")}
