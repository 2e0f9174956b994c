# SPDX-License-Identifier: MPL-2.0
"""Which of meson's tests guard which sources: the longest prefix of a path counts.

Quick ones come first, since the first that fails ends a fault. `*` stands for any text. Unit and
fuzz tests are run a second time with sanitizers, as the check variant_address does.
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
                    "harmless_directory", "kills", "limits", "sandbox", "word_size"],
    "src/segment/segment_reader": ["segment_reader", "collectors_tap_*", "fuzz_segment",
                                   "fuzz_tap_collector"],
    "src/segment/segment_state": ["segment_state", "collectors_tap_fold", "collectors_tap_*", "fuzz_segment_state", "kills"],
    "src/config": ["config_*", "probe_*", "http_web_config*", "fuzz_config", "fuzz_web_config", "check",
                   "mistakes", "probe_matrix", "probe_stream", "probe_safe", "probe_failures",
                   "probe_peers", "probe_demand", "probe_reload"],
    "src/metrics": ["metrics_*", "fuzz_page", "fuzz_negotiate", "agent_pages", "collectors_tap_page",
                    "web_http", "web_metrics", "web_pages"],
    "src/http": ["http_*", "agent_nothing", "agent_metrics", "agent_pages", "fuzz_http_request", "fuzz_auth_header",
                 "fuzz_web_config", "web_form", "web_http", "web_metrics", "web_verdicts", "web_config",
                 "web_races", "web_pages", "web_load"],
    "src/http/web_config": ["http_web_config*", "http_*", "fuzz_web_config", "web_verdicts", "web_config"],
    "src/http/tls": ["http_tls", "http_guard", "http_web_config", "web_verdicts", "web_config"],
    "src/http/auth": ["http_auth", "http_guard", "agent_nothing", "fuzz_auth_header", "web_config"],
    "src/http/systemd": ["http_listen", "web_http", "mistakes"],
    "src/collectors": ["collectors_*", "agent_metrics", "web_metrics", "page", "web_races"],
    "src/collectors/self": ["web_metrics", "page", "prometheus"],
    "src/collectors/runner": ["collectors_runner", "agent_metrics", "agent_pages", "web_metrics",
                              "web_races"],
    "src/collectors/tap": ["collectors_tap_*", "fuzz_tap_collector", "page", "kills", "limits", "sandbox",
                           "events"],
    "src/collectors/library": ["library_*", "library"],
    "src/collectors/peek": ["peek_model", "collectors_tap_*", "peek", "peek_page", "peek_depth"],
    "src/collectors/policy": ["policy_*", "policy", "audit"],
    "src/libraries": ["library_*", "fuzz_*", "library", "peek"],
    "src/peek": ["peek_*", "peek", "peek_depth", "peek_page"],
    "src/queues": ["queues_*", "tap_pipe_*", "tap_publish_*", "peek_layout", "depth", "ages", "proxies",
                   "endings", "peek_depth", "harmless"],
    "src/collectors/probe": ["probe_*", "agent_nothing", "fuzz_zmtp", "fuzz_numbers"],
    "src/collectors/probe/zmtp": ["probe_zmtp_parser", "fuzz_zmtp", "probe_hostile", "probe_failures",
                                  "probe_safe", "probe_matrix"],
    "src/collectors/probe/stream_numbers": ["probe_stream_numbers", "fuzz_numbers", "probe_stream"],
    "src/tap": ["tap_*", "corners", "counters", "events", "depth", "ages", "drops", "losses", "endings", "proxies",
                "attach",
                "libraries", "limits", "harmless", "harmless_directory", "balance", "loss_table",
                "sandbox", "forks", "monitors", "capabilities", "kills", "page", "memcheck"],
    "src/tap/hooks": ["options", "attach", "forks", "corners", "counters", "depth", "events", "libraries", "harmless", "proxies", "drops", "limits",
                      "balance", "losses", "page"],
    "src/tap/ground": ["tap_elf_object", "libraries", "copies", "by_name", "capabilities", "harmless", "limits",
                       "sandbox", "forks"],
    "src/tap/registry": ["tap_registry_hash", "corners", "counters", "limits", "events", "depth", "forks",
                         "harmless", "harmless_directory"],
    "src/libraries/untapped": ["library_untapped", "unheard"],
    "src/collectors/library/untapped_rows": ["unheard"],
    "src/tap/hooks/symbols": ["by_name", "copies", "harmless"],
    "src/tap/events/hub": ["monitors", "limits", "harmless", "forks"],
    "src/tap/events/limits": ["limits", "monitors", "harmless"],
    "src/tap/events": ["tap_peers", "monitors", "events", "libraries", "limits", "harmless", "endings", "counters", "balance"],
    "src/tap/learned": ["tap_*", "depth", "ages", "proxies", "drops", "losses", "endings", "libraries", "limits",
                        "harmless"],
    "src/tap/sampling": ["tap_*", "depth", "ages", "proxies", "endings", "limits", "harmless"],
    "src/tap/counting": ["tap_publish_*", "corners", "counters", "depth", "drops", "losses", "loss_table",
                         "proxies", "limits", "balance", "harmless", "page"],
    "src/tap/counting/options": ["options", "corners", "counters", "limits", "proxies", "harmless", "page"],
    "src/tap/losses": ["tap_endings_queue", "corners", "losses", "endings", "loss_table", "harmless"],
    "src/tap/attach": ["attach"],
    "src/live": ["live_*", "web_pages"],
    "src/problems": ["problem_*", "problems", "top", "page", "runbooks"],
    "src/agent": ["agent_*", "web_http", "web_metrics", "mistakes", "page", "probe_demand", "probe_reload",
                  "web_form", "web_pages", "web_config", "web_races", "check"],
    "src/cli": ["check", "mistakes", "run", "demo", "web_http"],
    "src/cli/demo": ["demo"],
    "src/cli/run": ["run", "mistakes"],
    "src/cli/tap_preload": ["run", "demo", "attach", "mistakes"],
    "alerts": ["alerts", "rules", "connections", "exporter", "probes", "queues", "recorded"],
    "dashboards": ["dashboards", "dashboard_queries"],
}


def guards_of(path, tests):
    """The names of the tests for a file, in order, of those there are."""
    prefixes = [p for p in GUARDS if path == p or path.startswith((p + "/", p + "_", p + "."))]
    if not prefixes:
        raise SystemExit(f"mutants: no test is named for {path}: see tests/mutants/guards.py")
    names = []
    for pattern in GUARDS[max(prefixes, key=len)]:
        names += [n for n in tests if fnmatch.fnmatch(n, pattern) and n not in names]
    stem = path.rsplit("/", 1)[-1].split(".")[0]
    kind = {"unit": 0, "fuzz": 1, "checks": 1, "alerts": 1, "integration": 2}
    return sorted(names, key=lambda n: (kind[tests[n].suite], stem not in n))
