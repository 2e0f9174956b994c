# SPDX-License-Identifier: MPL-2.0
"""Which of meson's tests guard which sources: the longest prefix of a path counts.

Those of the unit and fuzz suites run first, whatever the order here, since the first that fails ends
a fault; then the others as they stand, so those of whole programs that notice soonest come first, and
only those that would. `*` stands for any text. Unit and fuzz tests are run a second time with
sanitizers, as the check variant_address does. The check `guards` has every folder of src here.
"""

import fnmatch

GUARDS = {
    "src/base": ["base_*", "config_document", "config_secret", "library_*", "segment_reader",
                 "collectors_runner", "metrics_*", "agent_nothing", "fuzz_*", "mistakes", "library", "web_http", "run",
                 "check", "web_form"],
    "src/base/program_name": ["base_program_name", "run", "counters", "page"],
    "src/base/condition": ["base_cleanup", "collectors_runner", "agent_metrics", "http_auth", "probe_*", "web_http"],
    "src/base/log": ["base_log", "mistakes", "web_http", "web_config", "check"],
    "src/base/procfs": ["base_procfs", "library_*", "collectors_tap_*", "library", "kills"],

    "src/segment": ["segment_*", "collectors_tap_*", "fuzz_segment*", "fuzz_tap_collector", "counters",
                    "harmless_directory", "silence", "kills", "limits", "sandbox", "word_size"],
    "src/segment/segment_reader": ["segment_reader", "segment_mapped*", "collectors_tap_*", "fuzz_segment",
                                   "fuzz_tap_collector"],
    "src/segment/segment_state": ["segment_state", "collectors_tap_fold", "collectors_tap_*", "fuzz_segment_state", "kills"],
    "src/segment/segment_identity": ["segment_*", "fuzz_segment", "counters", "time_namespaces", "forks"],

    "src/config": ["config_*", "probe_*", "http_web_config*", "fuzz_config", "fuzz_web_config", "check",
                   "mistakes", "probe_matrix", "probe_stream", "probe_safe", "probe_failures",
                   "probe_peers", "probe_demand", "probe_reload"],
    "src/metrics": ["metrics_*", "fuzz_page", "fuzz_negotiate", "agent_pages", "collectors_tap_page",
                    "collectors_tap_created", "web_http", "web_metrics", "web_pages"],

    "src/http": ["http_*", "agent_nothing", "agent_metrics", "agent_pages", "agent_run", "fuzz_http_request", "fuzz_auth_header",
                 "fuzz_web_config", "web_form", "web_http", "web_metrics", "web_verdicts", "web_config",
                 "web_races", "web_pages", "web_load"],
    "src/http/pages": ["page_live", "page", "problems"],
    "src/http/web_config": ["http_web_config*", "http_*", "fuzz_web_config", "web_verdicts", "web_config"],
    "src/http/web_live": ["http_guard", "web_http", "web_config", "page_live", "page"],
    "src/http/tls": ["http_tls", "http_guard", "http_web_config", "web_verdicts", "web_config"],
    "src/http/auth": ["http_auth", "http_guard", "agent_nothing", "fuzz_auth_header", "web_config"],
    "src/http/systemd": ["http_listen", "web_http", "mistakes"],

    "src/libraries": ["library_*", "fuzz_library_tables", "fuzz_package*", "library", "library_tree", "peek"],
    "src/libraries/untapped": ["library_untapped", "unheard"],

    "src/collectors": ["collectors_*", "agent_metrics", "web_metrics", "page", "web_races"],
    "src/collectors/self": ["agent_run", "web_metrics", "page", "prometheus"],
    "src/collectors/runner": ["collectors_runner", "agent_metrics", "agent_pages", "web_metrics",
                              "web_races"],
    "src/collectors/tap": ["collectors_tap_*", "fuzz_tap_collector", "page", "crowded", "kills", "ends", "limits",
                           "sandbox", "events", "series", "time_namespaces"],
    "src/collectors/tap/tap_unseen": ["collectors_tap_*", "unheard"],
    "src/collectors/library": ["library_*", "fuzz_library_tables", "library", "library_tree"],
    "src/collectors/library/untapped_rows": ["library_*", "unheard"],
    "src/collectors/peek": ["host_sockets", "peek_*", "fuzz_peek_model", "collectors_tap_*", "peek", "peek_page", "peek_depth"],
    "src/collectors/peers": ["collectors_peer*", "agent_run", "collectors_kernel*", "peers", "problems"],
    "src/collectors/policy": ["policy_*", "policy", "audit", "audit_untapped", "remedies"],
    "src/collectors/probe": ["probe_*", "agent_nothing", "fuzz_zmtp", "fuzz_numbers", "probe_demand", "probe_failures",
                             "probe_reload", "probe_peers", "probe_hostile", "probe_safe", "probe_matrix", "probe_many"],
    "src/collectors/probe/zmtp": ["probe_zmtp_*", "fuzz_zmtp", "probe_hostile", "probe_failures",
                                  "probe_safe", "probe_matrix"],
    "src/collectors/probe/stream_numbers": ["probe_stream_numbers", "fuzz_numbers", "probe_stream"],
    "src/collectors/probe/link_traffic": ["probe_link_traffic", "probe_stream", "probe_peers"],

    "src/peek": ["peek_*", "fuzz_peek_*", "peek", "peek_depth", "peek_page", "peek_speed"],
    "src/queues": ["queues_*", "tap_pipe_*", "tap_publish_*", "peek_*", "depth", "ages", "proxies", "credentials",
                   "endings", "peek_depth"],
    "src/queues/queue_ages": ["queues_queue_ages", "tap_pipe_ages", "ages"],

    "src/tap": ["tap_*", "counters", "corners", "events", "depth", "forks", "limits", "harmless", "capabilities",
                "kills"],
    "src/tap/tap": ["tap_*", "counters", "tap_log", "silence", "corners", "libraries", "harmless_directory", "limits",
                    "forks", "harmless"],
    "src/tap/thread": ["tap_*", "depth", "counters", "rest", "silence", "sandbox", "forks", "limits", "monitors", "harmless"],
    "src/tap/parts": ["tap_*", "counters", "endings", "corners", "proxies", "forks", "misuse"],
    "src/tap/report": ["tap_*", "tap_log", "silence", "capabilities"],
    "src/tap/attach": ["tap_attach", "attach"],
    "src/tap/zmqtap": ["attach", "install"],
    "src/tap/hooks": ["tap_hooks_*", "counters", "options", "corners", "depth", "events", "libraries", "proxies", "misuse",
                      "losses", "forks", "limits", "harmless"],
    "src/tap/hooks/symbols": ["by_name", "copies", "harmless"],
    "src/tap/hooks/hooks_process": ["sandbox", "depth", "forks", "harmless"],
    "src/tap/hooks/hooks_random": ["harmless", "monitors", "libraries"],
    "src/tap/hooks/hooks_monitor": ["tap_hooks_*", "monitors", "events", "libraries"],
    "src/tap/ground": ["tap_*", "libraries", "copies", "by_name", "capabilities", "forks", "limits", "harmless"],
    "src/tap/ground/lock": ["tap_*", "forks", "harmless", "corners"],
    "src/tap/ground/tables": ["tap_*", "harmless_directory", "forks"],
    "src/tap/ground/sandbox": ["depth", "sandbox", "harmless"],
    "src/tap/registry": ["tap_registry*", "corners", "counters", "events", "limits", "forks", "harmless"],
    "src/tap/events": ["tap_*", "events", "monitors", "libraries", "limits", "corners", "endings", "harmless"],
    "src/tap/events/limits": ["tap_*", "limits", "events", "monitors"],
    "src/tap/events/hub": ["tap_*", "monitors", "events", "limits", "forks", "harmless"],
    "src/tap/learned": ["tap_*", "capabilities", "drops", "losses", "depth", "corners", "loss_table", "libraries"],
    "src/tap/learned/pipe": ["tap_*", "depth", "capabilities", "endings", "sandbox"],
    "src/tap/learned/mailbox": ["tap_*", "depth", "capabilities", "endings", "drops", "sandbox"],
    "src/tap/learned/route": ["tap_*", "losses", "corners", "capabilities", "loss_table"],
    "src/tap/sampling": ["tap_*", "depth", "ages", "proxies", "sandbox", "endings", "limits"],
    "src/tap/counting": ["tap_*", "counters", "corners", "losses", "drops", "proxies", "loss_table", "limits", "balance"],
    "src/tap/counting/options": ["tap_*", "options", "counters", "corners", "drops"],
    "src/tap/counting/api_errors": ["tap_*", "misuse"],
    "src/tap/counting/in_use": ["tap_*", "misuse"],
    "src/tap/counting/message_shared": ["tap_*", "counters", "copies"],
    "src/tap/losses": ["tap_*", "corners", "endings", "losses", "loss_table"],

    "src/live": ["live_*", "agent_run", "page_live", "web_pages"],
    "src/problems": ["problem_*", "problems", "top", "page", "runbooks"],
    "src/problems/problem_ends": ["problem_*", "problems", "peers"],
    "src/problems/problem_names": ["problem_*", "agent_open_sockets", "peers"],
    "src/agent": ["agent_*", "web_http", "web_metrics", "mistakes", "page", "probe_demand", "probe_reload",
                  "web_form", "web_pages", "web_config", "web_races", "check"],
    "src/agent/agent_checks": ["policy", "audit", "page"],
    "src/agent/agent_live": ["agent_*", "live_*", "page_live"],
    "src/agent/agent_open_sockets": ["agent_*", "page_live", "page", "problems"],
    "src/agent/agent_peers": ["agent_*", "peers", "page"],
    "src/agent/agent_privileges": ["agent_privileges", "sandbox", "peek_page"],
    "src/agent/agent_problems": ["agent_*", "problems", "top"],
    "src/agent/agent_runbooks": ["agent_*", "runbooks"],
    "src/agent/agent_sections": ["agent_*", "page_live", "page"],
    "src/agent/agent_sockets": ["agent_*", "page", "top", "series"],

    "src/cli": ["cli_*", "check", "mistakes", "run", "demo", "completions", "web_http"],
    "src/cli/audit": ["cli_*", "audit"],
    "src/cli/demo": ["cli_*", "demo", "oncall"],
    "src/cli/exporter": ["cli_*", "top", "audit"],
    "src/cli/flags": ["cli_flags", "mistakes", "completions", "check"],
    "src/cli/peek_reader": ["peek", "peek_page"],
    "src/cli/run": ["run", "mistakes"],
    "src/cli/serve": ["mistakes", "web_http", "completions", "sandbox", "web_config"],
    "src/cli/tap_preload": ["run", "demo", "attach", "mistakes"],
    "src/cli/terminal": ["cli_flags", "top", "audit"],
    "src/cli/top": ["cli_top*", "top"],

    "alerts": ["alerts", "rules", "connections", "exporter*", "probes*", "queues", "causes", "recorded"],
    "dashboards": ["dashboards", "dashboard_queries"],
}


def row_of(path):
    """The row that a file has; None where there is none."""
    prefixes = [p for p in GUARDS if path == p or path.startswith((p + "/", p + "_", p + "."))]
    return max(prefixes, key=len, default=None)


def guards_of(path, tests):
    """The names of the tests for a file, in order, of those there are."""
    row = row_of(path)
    if not row:
        raise SystemExit(f"mutants: no test is named for {path}: see tests/mutants/guards.py")
    names = []
    for pattern in GUARDS[row]:
        names += [n for n in tests if fnmatch.fnmatch(n, pattern) and n not in names]
    stem = path.rsplit("/", 1)[-1].split(".")[0]
    kind = {"unit": 0, "fuzz": 1, "checks": 1, "alerts": 1, "integration": 2}
    return sorted(names, key=lambda n: (kind[tests[n].suite], stem not in n))
