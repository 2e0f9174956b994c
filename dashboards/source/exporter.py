# SPDX-License-Identifier: MPL-2.0
"""The exporter and its taps: whether the numbers of the other dashboards can be trusted."""

from blocks import GREEN, HOST, ORANGE, PLAIN, PROGRAM, RED, Board, by, host_variables, steps, to_program
from parts import DETAILS, alerts_table, not_known


def top(how, family, *labels):
    return f"topk($top, {how} {by(HOST + labels)} ({family}{{@}}))"


def top_rate(family, *labels, rate="rate"):
    return f"topk($top, sum {by(HOST + labels)} ({rate}({family}{{@}}[$__rate_interval])) > 0)"


def now(b):
    b.row("Now")
    b.stat("Exporters", "That answer Prometheus.", "count(zmq_exporter_build_info{@})")
    b.stat("Do not answer", "Prometheus could not scrape them.", "count(up{@} == 0) or vector(0)",
           steps(GREEN, 1, RED))
    b.stat("Collectors that fail", "Or are too slow: their metrics are missing or old.",
           "count(zmq_exporter_collector_success{@} == 0) or vector(0)", steps(GREEN, 1, RED))
    b.stat("Bad configurations", "The last attempt to load the configuration or the web configuration failed.",
           "(count(zmq_exporter_config_last_reload_successful{@} == 0) or vector(0)) "
           "+ (count(zmq_exporter_web_config_last_reload_successful{@} == 0) or vector(0))", steps(GREEN, 1, RED))
    b.stat("Segments refused", "Files of taps that are damaged or that cannot be read.",
           'sum(zmq_exporter_segments{@,state="invalid"})', steps(GREEN, 1, RED))
    b.stat("Programs not seen", "By a tap or from outside.", "sum(zmq_unseen_processes{@}) or vector(0)",
           steps(GREEN, 1, ORANGE))
    info = HOST + ("version",)
    b.table(
        "Exporters", "The version of each, when it started, and what it costs. Series: as Prometheus scraped "
                     "them.",
        HOST, [
            ("Answers", f"max {by(HOST)} (up{{@}})", "bool_yes_no", steps(RED, 1, GREEN)),
            ("Running for", f"time() - max {by(HOST)} (process_start_time_seconds{{@}})", "s", None),
            ("Scrape", f"max {by(HOST)} (scrape_duration_seconds{{@}})", "s", steps(PLAIN, 5, ORANGE, 10, RED)),
            ("Series", f"max {by(HOST)} (scrape_samples_scraped{{@}})", "short", None),
            ("Memory", f"max {by(HOST)} (process_resident_memory_bytes{{@}})", "bytes", None),
            ("CPU", f"max {by(HOST)} (rate(process_cpu_seconds_total{{@}}[$__rate_interval]))", "percentunit",
             None),
            ("Probes", f"max {by(HOST)} (zmq_exporter_probes{{@}})", "short", None),
            (None, f"max {by(info)} (zmq_exporter_build_info{{@}})", "", None),
        ], sort=[("Answers", False), ("Scrape", True)],
        links=[{"title": "Live page", "url": "${scheme}://${__data.fields.instance}/", "targetBlank": True}])


def seen(b):
    b.row("What is seen, and what is not")
    b.lines("Programs by who sees them",
            "tap: its tap tells; peek: read from outside, without drops, handshakes and bytes; none: not "
            "seen, for the reason. Absent with --no-collector.peek.",
            top("max", "zmq_exporter_processes", "seen_by", "reason"), HOST + ("seen_by", "reason"))
    b.lines("Segment files", "silent: no heartbeat for 3 seconds; dead: about to be removed; invalid: "
                             "refused; left_out: beyond a "
            "limit.", top("max", "zmq_exporter_segments",
                          "state"), HOST + ("state",), alert="ZmqExporterSegmentsInvalid")
    not_known(b)
    b.lines("Beyond the limits of the taps",
            "untracked: sockets that are not measured; folded: addresses that are shown together as (other).",
            [(f"topk($top, sum {by(PROGRAM)} "
              f"(increase(zmq_tap_untracked_sockets_total{{@}}[$__rate_interval])) > 0)", "untracked"),
             (f"topk($top, sum {by(PROGRAM)} (increase(zmq_tap_folded_groups_total{{@}}[$__rate_interval])) > "
              f"0)", "folded")],
            PROGRAM, alert="ZmqTapSocketsNotMeasured")
    capability = PROGRAM + ("capability", "state")
    b.table("What the taps cannot measure",
            "off: not with this libzmq; bound: a bound is measured, not the number. Those that are on, and "
            f"which are off where it is usual, are of the collector `details`. {DETAILS}",
            capability, [("Processes", f'sum {by(capability)} (zmq_tap_capability{{@,state!="on"}}) > 0',
                          "short", None)],
            width=12, sort=[("capability", False)], links=[to_program(in_table=True)])


def scrapes(b):
    b.row("Scrapes")
    b.lines("Time of each collector", "In the scrape. A collector that is too slow is left out of it.",
            top("max", "zmq_exporter_collector_duration_seconds", "collector"), HOST + ("collector",), "s",
            alert="ZmqExporterCollectorFailed")
    b.states("Collectors", "Whether a collector gave its whole answer.",
             top("min", "zmq_exporter_collector_success", "collector"), HOST + ("collector",),
             [("1", "whole", GREEN), ("0", "failed", RED)], width=12)
    b.lines("Time of a scrape", "As Prometheus measured it.", top("max", "scrape_duration_seconds"), HOST, "s",
            8)
    b.lines("Series", "That Prometheus scraped.", top("max", "scrape_samples_scraped"), HOST, width=8)
    b.lines("Answers", "Of the exporter's server, a second, by status.",
            top_rate("zmq_exporter_http_requests_total", "code"),
            HOST + ("code",), "ops", 8)
    b.lines("Refused by a limit",
            "Connections shut down and requests refused by a limit of the exporter's server.",
            top_rate("zmq_exporter_http_limited_total", "limit", rate="increase"), HOST + ("limit",), width=8)
    b.lines("Open connections", "To the exporter's server.", top("max", "zmq_exporter_http_connections"), HOST,
            width=8)
    b.lines("Configuration", "Time since the configuration in use was loaded: exporter and web.",
            [(f"topk($top, time() - max {by(HOST)} "
              f"(zmq_exporter_{which}_last_reload_success_timestamp_seconds{{@}}))", which)
             for which in ("config", "web_config")], HOST, "s", 8, alert="ZmqExporterReloadFailed")


def cost(b):
    b.row("What it costs")
    b.lines("CPU of the exporter", "Seconds a second.", top_rate("process_cpu_seconds_total"), HOST,
            "percentunit", 8)
    b.lines("Memory of the exporter", "Resident and virtual.",
            [(top("max", "process_resident_memory_bytes"), "resident"),
             (top("max", "process_virtual_memory_bytes"), "virtual")],
            HOST, "bytes", 8)
    b.lines("Open files of the exporter", "Against its limit.",
            f"topk($top, max {by(HOST)} (process_open_fds{{@}} / process_max_fds{{@}}))", HOST, "percentunit", 8)
    b.lines("CPU of the taps", "Of their own threads in the programs, seconds a second.",
            f"topk($top, sum {by(PROGRAM)} (rate(zmq_tap_cpu_seconds_total{{@}}[$__rate_interval])))",
            PROGRAM, "percentunit", 8)
    b.lines("Rounds of the taps",
            "How often they sampled queues, a second: 10 for each process, or fewer when it is at rest.",
            f"topk($top, sum {by(PROGRAM)} (rate(zmq_tap_sampling_rounds_total{{@}}[$__rate_interval])))",
            PROGRAM, "ops", 8)
    b.lines("Rounds that could not be written", "The segment directory is missing, full, or refuses.",
            f"topk($top, sum {by(PROGRAM)} (increase(zmq_tap_failed_rounds_total{{@}}[$__rate_interval])) > 0)",
            PROGRAM,
            width=8, alert="ZmqTapSilent")


def reader(b):
    b.row("The reader, which sees programs without a tap", collapsed=True)
    b.lines("Time of a pass", "Over all programs that no tap tells of, once a second as a rule.",
            top("max", "zmq_exporter_peek_pass_duration_seconds"), HOST, "s", 8)
    b.lines("CPU of the reader", "Seconds a second.", top_rate("zmq_exporter_peek_cpu_seconds_total"), HOST,
            "percentunit", 8)
    b.lines("Passes", "A second.", top_rate("zmq_exporter_peek_passes_total"), HOST, "ops", 8)
    b.lines("Sockets that changed while they were read", "No number was taken of them, in the time of a point.",
            f"topk($top, sum {by(HOST)} (increase(zmq_exporter_peek_invalid_samples_total{{@}}[$__rate_interval])))",
            HOST)
    b.lines("Starts of the reader", "It ended and was started again, in the time of a point.",
            top_rate("zmq_exporter_peek_starts_total", rate="increase"), HOST)


def board():
    b = Board("zeromq-exporter", "ZeroMQ: exporter",
              "zmq_exporter and its taps: what is seen, what is not, and what it costs.",
              host_variables("zmq_exporter_build_info"), [])
    now(b)
    alerts_table(b, "@host", ',alertname=~"Zmq.+"')
    for section in (seen, scrapes, cost, reader):
        section(b)
    return b.json
