# SPDX-License-Identifier: MPL-2.0
"""Which libzmq runs, what is known of it, and what the policy checks found."""

from blocks import GREEN, HOST, LIBRARY, LIMIT, ORANGE, RED, SOCKET, Board, by, host_variables, \
    program_variable, runbook, steps, to_program
from parts import DETAILS, handshake_failures

CHECK = HOST + ("severity", "check", "program", "type", "address")
AUTH, PROTOCOL = ',cause="auth"', ',cause="protocol"'
SEVERE = 'severity=~"high|critical"'


def open_advisories(matchers, more=""):
    """Of upstream's version, less those that the package or the configuration says are fixed."""
    known = f"sum {by(LIBRARY)} (zmq_library_known_vulnerabilities{{{matchers}{more}}})"
    return (f"({known} - (sum {by(LIBRARY)} (zmq_library_patched_vulnerabilities{{{matchers}{more}}}) or 0 * "
            f"{known}))")


def at_a_glance(b):
    b.row("At a glance")
    b.stat("Libraries", "libzmq files that running processes have loaded, by host and program.",
           f"count(sum {by(LIBRARY)} (zmq_library_processes{{@}}))")
    b.stat("Open advisories",
           "Security advisories that no package and no configuration says are fixed, of all severities.",
           f"sum({open_advisories('@')}) or vector(0)", steps(GREEN, 1, RED))
    b.stat("Outdated libraries", "With as many newer releases as the alert's limit, or more.",
           f"count(max {by(LIBRARY)} (zmq_library_releases_behind{{@}}) >= {LIMIT('releases_behind'):g}) or "
           "vector(0)",
           steps(GREEN, 1, ORANGE))
    b.stat("Replaced on disk", "Processes that still run a libzmq that was replaced: an update has no effect "
                               "until they are restarted.",
           "sum(zmq_library_replaced_on_disk{@})", steps(GREEN, 1, ORANGE))
    b.stat("Severe violations", "Of policy checks, high or critical.",
           f"sum(zmq_policy_violations{{@,{SEVERE}}}) or vector(0)", steps(GREEN, 1, RED))
    b.stat("Refused by ZAP",
           "Handshakes that failed because the peer was not let in, in the time that is shown.",
           f"sum({handshake_failures('$__range', AUTH)}) or vector(0)",
           steps(GREEN, 1, ORANGE))


def libraries(b):
    b.row("libzmq in running processes")
    behind = f"max {by(LIBRARY)} (zmq_library_releases_behind{{@}})"
    b.table(
        "Libraries, the oldest first",
        "Advisories: those that affect upstream's version, and of these those that are open. Distributions "
        "fix flaws without changing the version. Without a number: it is not known which version it is.",
        LIBRARY, [
            ("Age", f"max {by(LIBRARY)} (zmq_library_release_age_seconds{{@}})", "s", None),
            ("Releases behind", behind, "short", steps(GREEN, 1, ORANGE, LIMIT("releases_behind"), RED)),
            ("Processes", f"sum {by(LIBRARY)} (zmq_library_processes{{@}})", "short", None),
            ("Advisories", f"sum {by(LIBRARY)} (zmq_library_known_vulnerabilities{{@}})", "short", None),
            ("Open", open_advisories("@"), "short", steps(GREEN, 1, ORANGE)),
            ("Open, severe", open_advisories("@", "," + SEVERE), "short", steps(GREEN, 1, RED)),
            ("Replaced on disk", f"sum {by(LIBRARY)} (zmq_library_replaced_on_disk{{@}})", "short",
             steps(GREEN, 1, ORANGE)),
        ], rank=f"max {by(LIBRARY)} (zmq_library_release_age_seconds{{@}})",
        links=[runbook("ZeroMQLibraryOutdated", LIBRARY, in_table=True),
               runbook("ZeroMQLibraryVulnerable", LIBRARY, in_table=True),
               runbook("ZeroMQLibraryReplacedOnDisk", LIBRARY, in_table=True)])
    advisory = LIBRARY + ("id", "severity", "fixed_in")
    b.table("Advisories that are open",
            "That affect upstream's version, and that no package and no configuration says are fixed.",
            advisory, [(None, f'max {by(advisory)} (zmq_library_vulnerability_info{{@,patched!="yes"}})', "",
                        None)],
            sort=[("severity", False), ("id", False)], width=12,
            links=[runbook("ZeroMQLibraryVulnerable", LIBRARY, in_table=True)])
    package = LIBRARY + ("manager", "package", "package_version")
    b.table("Packages",
            "That the library files belong to, by the databases of dpkg and apk; not known of others.",
            package, [(None, f"max {by(package)} (zmq_library_package_info{{@}})", "", None)],
            sort=[("package", False), ("package_version", False)], width=12)
    b.lines("Processes by version", "Of libzmq. Empty: not known.",
            f"topk($top, sum {by(HOST + ('version',))} (zmq_library_processes{{@}}))", HOST + ("version",),
            alert="ZeroMQLibraryOutdated")
    b.lines("Open advisories", "By library.", f"topk($top, {open_advisories('@')} > 0)", LIBRARY,
            alert="ZeroMQLibraryVulnerable")


def policy(b):
    b.row("Policy checks")
    violations = f"sum {by(CHECK)} (zmq_policy_violations{{@}})"
    b.table(
        "Violations, critical and high first",
        "Sockets, processes and libraries that break a check. The page of a check says why, and how to mend "
        "or exempt it.",
        CHECK, [("Sockets", violations, "short", None)],
        sort=[("severity", False), ("check", False)], height=12, links=[
            {"title": "Why, and the fix", "targetBlank": True,
             "url": "${scheme}://${__data.fields.instance}/checks/${__data.fields.check}"},
            runbook("ZeroMQPolicyViolation", CHECK, in_table=True), to_program(in_table=True)])
    b.lines("Violations", "By check.",
            f"topk($top, sum {by(HOST + ('check', 'severity'))} (zmq_policy_violations{{@}}))",
            HOST + ("check", "severity"), links=[
                {"title": "Why, and the fix", "targetBlank": True,
                 "url": "${scheme}://${__field.labels.instance}/checks/${__field.labels.check}"}])
    b.table("What the checks could decide",
            "Groups of sockets, processes or libraries. 0: the facts are not known, or nothing is there that "
            "the check concerns, and so it says nothing.",
            HOST + ("check",
                    ), [("Decided", f"max {by(HOST + ('check',))} (zmq_policy_checks{{@host}})", "short",
                         None)],
            width=12, sort=[("Decided", False)])


def connections(b):
    b.row("Who is let in")
    failure = SOCKET + ("detail",)
    b.lines("Refused by ZAP",
            "By status: 400 is a wrong key or password, 300 a temporary failure, 500 an error of the handler.",
            f"topk($top, sum {by(failure)} ({handshake_failures(more=AUTH)}) > 0)",
            failure, alert="ZeroMQHandshakeFailures")
    b.lines("Other protocol, mechanism or keys", "By libzmq's code.",
            f"topk($top, sum {by(failure)} ({handshake_failures(more=PROTOCOL)}) > 0)",
            failure, alert="ZeroMQHandshakeFailures")
    b.table("Security mechanisms", f"Of open sockets. {DETAILS}", SOCKET + ("mechanism",),
            [(None, f"max {by(SOCKET + ('mechanism',))} (zmq_socket_security_info{{@}})", "", None)],
            sort=[("mechanism", False)], links=[to_program(in_table=True)])


def tables(b):
    b.row("How far this can be trusted", collapsed=True)
    b.lines("Processes that were not looked at",
            "unreadable: other users', without the reader; pending: the next scrapes do; folded: too many "
            "series.",
            [(f"topk($top, max {by(HOST)} (zmq_library_{state}_processes{{@host}}))", state)
             for state in ("unreadable", "pending", "folded")], HOST, width=8)
    b.lines("Violations that are not shown", "Because they would be too many series.",
            f"topk($top, max {by(HOST)} (zmq_policy_folded_violations{{@host}}))", HOST, width=8)
    b.lines("Age of the tables",
            "Of releases, advisories and fixed packages, which are compiled in or named in the configuration.",
            [(f"topk($top, time() - max {by(HOST)} (zmq_library_{table}_table_timestamp_seconds{{@host}}))",
              table)
             for table in ("release", "advisory", "package")], HOST, "s", 8,
            thresholds=steps(GREEN, 86400 * LIMIT("table_age_days"),
                             ORANGE), alert="ZmqExporterAdvisoryTableOld")


def board():
    b = Board("zeromq-security", "ZeroMQ: security and versions",
              "Which libzmq runs where, its advisories, and what the policy checks found.",
              [*host_variables("zmq_exporter_build_info"), program_variable()], ['program=~"$program"'])
    for section in (at_a_glance, libraries, policy, connections, tables):
        section(b)
    return b.json
