/* SPDX-License-Identifier: MPL-2.0 */
/* family_table - the rows. To add a metric, add a row; CONTRIBUTING.md has the five steps. */
#ifndef METRICS_FAMILY_TABLE_H
#define METRICS_FAMILY_TABLE_H

/* Labels of every zmq_socket family: program, type, address. */

/* clang-format off */
/*  id, name, type, unit, help */
#define FAMILY_TABLE(X) \
    X(SOCKETS, "zmq_sockets", GAUGE, "", \
      "Open sockets. As every gauge of sockets, of processes whose tap is heard: see zmq_tap_silent_processes; or that are seen from outside.") \
    X(LINGERING_SOCKETS, "zmq_lingering_sockets", GAUGE, "", \
      "Sockets that the program closed and that libzmq keeps, mostly because messages are still queued (ZMQ_LINGER). Only of processes that are seen from outside; not part of zmq_sockets.") \
    X(LINGERING_MESSAGES, "zmq_lingering_messages", GAUGE, "messages", \
      "Messages in the send queues of these sockets: sent when a peer takes them, lost when linger runs out.") \
    X(SOCKET_PEERS, "zmq_socket_peers", GAUGE, "", \
      "Peers with a finished handshake; for inproc, connected sockets. Absent where libzmq tells of neither, and for network sockets of processes that are seen from outside.") \
    X(SOCKET_SENT_MESSAGES, "zmq_socket_sent_messages_total", COUNTER, "messages", \
      "Whole messages that libzmq accepted from the program. Accepted is not delivered: see zmq_socket_dropped_messages_total. Inside zmq_proxy and its like, from the accounts of queues, ten times a second: what a connection that ends moved after the last look is missing. Absent for an XSUB that was in a proxy, as what it sends there are subscriptions, and for attached publishers.") \
    X(SOCKET_RECEIVED_MESSAGES, "zmq_socket_received_messages_total", COUNTER, "messages", \
      "Whole messages that the program received. Inside zmq_proxy and its like, as with sent messages. Absent for an XPUB that was in a proxy, as what it receives there are subscriptions.") \
    X(SOCKET_SENT_BYTES, "zmq_socket_sent_bytes_total", COUNTER, "bytes", \
      "Bytes of all frames accepted from the program, without ZMTP framing. Absent where a socket of the group was inside zmq_proxy or its like, or was attached: bytes cannot be known then.") \
    X(SOCKET_RECEIVED_BYTES, "zmq_socket_received_bytes_total", COUNTER, "bytes", \
      "Bytes of all frames received by the program, in full even where its buffer was shorter. Absent where a socket of the group was inside zmq_proxy or its like.") \
    X(SOCKET_SEND_QUEUE, "zmq_socket_send_queue_messages", GAUGE, "messages", \
      "Whole messages queued for sending, over all peers. Not counted: frames of an unfinished message, the encoder's batch and the kernel's buffers.") \
    X(SOCKET_RECEIVE_QUEUE, "zmq_socket_receive_queue_messages", GAUGE, "messages", \
      "Whole messages that wait for the program to receive them, over all peers.") \
    X(SOCKET_SEND_AGE, "zmq_socket_send_queue_oldest_message_age_seconds", GAUGE, "seconds", \
      "How long the oldest message that is queued for sending to any peer has waited in the socket's own queue; the greatest of the group's open sockets. From the queues' counts, looked at ten times a second: too small by up to the time between two looks, and where messages had waited before the tap saw them. In a queue that is seconds or hours behind and goes on being read, the next message may be dated wrong by a part of its age, either way; one that is not read at all is dated exactly. 0 where nothing waits. Absent with ZMQ_CONFLATE and where the depth is not known.") \
    X(SOCKET_RECEIVE_AGE, "zmq_socket_receive_queue_oldest_message_age_seconds", GAUGE, "seconds", \
      "How long the oldest message of any peer has waited for the program to receive it, since it came to this socket; the greatest of the group's open sockets. As exact as zmq_socket_send_queue_oldest_message_age_seconds.") \
    X(SOCKET_SEND_HWM, "zmq_socket_send_hwm_messages", GAUGE, "messages", \
      "High water mark for sending as the program set it, per peer; the smallest of the group's open sockets. 0 is unlimited.") \
    X(SOCKET_RECEIVE_HWM, "zmq_socket_receive_hwm_messages", GAUGE, "messages", \
      "High water mark for receiving as the program set it, per peer; the smallest of the group's open sockets. 0 is unlimited.") \
    X(SOCKET_SEND_HWM_PROXIMITY, "zmq_socket_send_hwm_proximity_ratio", GAUGE, "ratio", \
      "The fullest peer's send queue over its effective high water mark, 0 to 1; inproc adds both ends' marks. Absent where no peer has a limit.") \
    X(SOCKET_RECEIVE_HWM_PROXIMITY, "zmq_socket_receive_hwm_proximity_ratio", GAUGE, "ratio", \
      "The fullest peer's receive queue over its effective high water mark, 0 to 1; inproc adds both ends' marks. Absent where no peer has a limit.") \
    X(SOCKET_WORST_UNSENT, "zmq_socket_worst_connection_unsent_bytes", GAUGE, "bytes", \
      "Of the group's tcp and ipc connections the most bytes in the kernel that libzmq has written and the other host does not have yet; with ipc, that the peer has not read. Beside what waits in the send queue, and the limits of the kernel's buffers are its own: a peer that does not read fills both. Looked at four times a minute, each second while somebody looks at peers. Absent for processes that --collector.peek does not see, and in another network namespace.") \
    X(SOCKET_WORST_UNREAD, "zmq_socket_worst_connection_unread_bytes", GAUGE, "bytes", \
      "Of the group's tcp and ipc connections the most bytes that came and that libzmq has not read from the kernel: its receive queue is full, or its I/O thread does not run. As fresh, and absent, as zmq_socket_worst_connection_unsent_bytes.") \
    X(SOCKET_WORST_RETRANSMITS, "zmq_socket_worst_connection_retransmits", GAUGE, "", \
      "Of the group's tcp connections that are open the most segments that the kernel has sent again since the connection began: packets are lost on the way, or the other host is gone. As fresh, and absent, as zmq_socket_worst_connection_unsent_bytes.") \
    X(SOCKET_SEND_FILL, "zmq_socket_send_queue_fill_ratio", HISTOGRAM, "ratio", \
      "The fullest peer's send queue over its effective high water mark, sampled ten times a second, so that a burst between scrapes is seen.") \
    X(SOCKET_RECEIVE_FILL, "zmq_socket_receive_queue_fill_ratio", HISTOGRAM, "ratio", \
      "The fullest peer's receive queue over its effective high water mark, sampled ten times a second, so that a burst between scrapes is seen.") \
    X(SOCKET_SEND_AT_HWM, "zmq_socket_send_at_hwm_seconds_total", COUNTER, "seconds", \
      "Time during which the send queue to at least one peer was full, to the sampling interval.") \
    X(SOCKET_SEND_BLOCKED, "zmq_socket_send_blocked_seconds_total", COUNTER, "seconds", \
      "Time that the program's threads waited inside a send. cause: full, the queues were; no_peer, there was no queue to send to. Absent where a socket of the group was inside zmq_proxy or its like.") \
    X(SOCKET_SEND_WOULD_BLOCK, "zmq_socket_send_would_block_total", COUNTER, "", \
      "Sends that libzmq refused with EAGAIN. cause: full, the queues were; no_peer, there was no queue to send to.") \
    X(SOCKET_RECEIVE_BLOCKED, "zmq_socket_receive_blocked_seconds_total", COUNTER, "seconds", \
      "Time that the program's threads spent inside a receive, sampled ten times a second; an idle consumer waits all the time. Absent where a socket of the group was inside zmq_proxy or its like.") \
    X(SOCKET_RECEIVE_WOULD_BLOCK, "zmq_socket_receive_would_block_total", COUNTER, "", \
      "Receives that found no message and gave EAGAIN.") \
    X(SOCKET_DROPPED_MESSAGES, "zmq_socket_dropped_messages_total", COUNTER, "messages", \
      "Messages that libzmq dropped. hwm: a peer's queue was full (PUB and XPUB: one for each subscriber that missed it); unroutable: ROUTER or REP had no such peer; linger: queued at close when linger ran out; disconnect: queued to a peer that went away; of both, what was in the socket's own queue, not what libzmq or the kernel had taken from it to send. Where zmq_tap_capability says bound, hwm is an upper bound, linger and disconnect are lower bounds: an end that came too quickly to be seen is missing; XSUB, STREAM and the draft types have neither, and RADIO has no hwm. hwm and unroutable are absent where a socket of the group was inside zmq_proxy or its like: what is dropped there is not known, the time at the high water mark is.") \
    X(SOCKET_OVERSIZED_MESSAGES, "zmq_socket_oversized_messages_total", COUNTER, "messages", \
      "Messages over ZMQ_MAXMSGSIZE that came: libzmq ends the connection for each, and where this end had made it, does not connect again. The sender sees only a disconnect. Absent where zmq_tap_capability says that libzmq does not tell.") \
    X(SOCKET_CONFLATED_MESSAGES, "zmq_socket_conflated_messages_total", COUNTER, "messages", \
      "Messages that a newer one replaced in a queue before they were read, as the program asked with ZMQ_CONFLATE: no losses. Counted where the queue is: what a publisher replaced for each of its peers, what a subscriber replaced of what came. At least: the last ones of a connection that ends are missing. Absent where there is none.") \
    X(SOCKET_LARGEST_SENT, "zmq_socket_largest_sent_frame_bytes", GAUGE, "bytes", \
      "The largest frame that an open socket has sent since it was made, whether it was taken by a peer or not. Not counted: frames inside zmq_proxy.") \
    X(SOCKET_LARGEST_RECEIVED, "zmq_socket_largest_received_frame_bytes", GAUGE, "bytes", \
      "The largest frame that the program has received from an open socket since it was made. Not counted: frames inside zmq_proxy, and what is still queued.") \
    X(SOCKET_CONCURRENT_CALLS, "zmq_socket_concurrent_calls_total", COUNTER, "", \
      "Calls of a thread with a socket while another thread was in a call with it, which libzmq does not allow. At least: a sample of calls is watched, and all that come while one that is watched waits; zmq_poll and zmq_getsockopt are not seen. Not counted for types that several threads may use. Absent where there is none.") \
    X(API_ERRORS, "zmq_api_errors_total", COUNTER, "", \
      "Calls that libzmq refused, by errno name, or other. Of a socket: sends, receives, options, binds and connects; without type and address, of a program: calls with a handle that is no open socket or context, and sockets that could not be made. Not counted: EAGAIN, EINTR, and addresses that are in use, which are zmq_socket_bind_failures_total; errors of zmq_poll and zmq_getsockopt. ETERM is how a program's own end looks. Absent where there is none.") \
    X(SOCKET_LAST_SENT, "zmq_socket_last_sent_timestamp_seconds", GAUGE, "seconds", \
      "When the last message was sent by an open socket, to the sampling interval.") \
    X(SOCKET_LAST_RECEIVED, "zmq_socket_last_received_timestamp_seconds", GAUGE, "seconds", \
      "When the last message was received by an open socket, to the sampling interval.") \
    X(SOCKET_HANDSHAKES, "zmq_socket_handshakes_total", COUNTER, "", \
      "Connections whose ZMTP handshake succeeded. Absent with libzmq before 4.3.0, which does not tell.") \
    X(SOCKET_HANDSHAKE_FAILURES, "zmq_socket_handshake_failures_total", COUNTER, "", \
      "Connections whose handshake failed. cause auth: detail is the ZAP status; protocol: libzmq's code; transport: the errno. Not counted for STREAM sockets, which have no handshake.") \
    X(SOCKET_DISCONNECTS, "zmq_socket_disconnects_total", COUNTER, "", \
      "Connections that broke or that the peer closed, finished handshake or not. Not counted: connections the program itself closed.") \
    X(SOCKET_CONNECT_RETRIES, "zmq_socket_connect_retries_total", COUNTER, "", \
      "Connect attempts that were scheduled again.") \
    X(SOCKET_ACCEPT_FAILURES, "zmq_socket_accept_failures_total", COUNTER, "", \
      "Connections that could not be accepted, for example because descriptors ran out.") \
    X(SOCKET_BIND_FAILURES, "zmq_socket_bind_failures_total", COUNTER, "", \
      "Binds that failed.") \
    X(SOCKET_EVENTS, "zmq_socket_events_total", COUNTER, "", \
      "Events of zmq_socket_monitor as libzmq raised them, spurious ones included.") \
    X(SOCKET_OPTION, "zmq_socket_option", GAUGE, "", \
      "Option as the program set it, as zmq_getsockopt(3) gives it: milliseconds, bytes, or a number. The smallest of the group's open sockets; -1 is mostly without limit.") \
    X(SOCKET_SECURITY_INFO, "zmq_socket_security_info", INFO, "", \
      "Security mechanism of open sockets: NULL, PLAIN, CURVE, GSSAPI.") \
    X(CONTEXT_SOCKETS, "zmq_context_sockets", GAUGE, "", \
      "Open sockets of the context that is nearest to its limit in any of the program's processes.") \
    X(CONTEXT_MAX_SOCKETS, "zmq_context_max_sockets", GAUGE, "", \
      "ZMQ_MAX_SOCKETS of that context, as the program had set it when it made its first socket: what is set later is not in force.") \
    X(TAPPED_OPEN_FDS, "zmq_process_open_fds", GAUGE, "", \
      "Open file descriptors of the tapped process that is nearest to its limit. Absent where the exporter may not look.") \
    X(TAPPED_MAX_FDS, "zmq_process_max_fds", GAUGE, "", \
      "Limit of open file descriptors of that process.") \
    X(PROCESSES, "zmq_processes", GAUGE, "", \
      "Running processes whose sockets are seen, by a tap or from outside: see zmq_exporter_processes.") \
    X(TAPPED_START_TIME, "zmq_process_start_time_seconds", GAUGE, "seconds", \
      "When the tapped process of the program that has run longest made its first socket, in seconds since the Unix epoch.") \
    X(TAPPED_ENDS, "zmq_process_ends_total", COUNTER, "", \
      "Tapped processes that have ended. end orderly: by exit or a return from main; abrupt: killed by a signal, a crash, or _exit, which also leaves what their sockets still held.") \
    X(TAP_SILENT_PROCESSES, "zmq_tap_silent_processes", GAUGE, "", \
      "Running processes whose tap has not written for 3 seconds: stopped, out of descriptors, or where the segment directory cannot be written. Their counters stay on the page and their gauges are left out, zmq_process_open_fds and zmq_process_max_fds excepted.") \
    X(TAP_MISSING_PROCESSES, "zmq_tap_missing_processes", GAUGE, "", \
      "Running processes with sockets that were given the tap and have no segment, by the likely reason: off, set_user_id, c_library, other_directory, directory, dlsym (ZMQ_EXPORTER_TAP_DLSYM=off), deepbind (libzmq is reached past the tap). Not known of processes with pids of their own.") \
    X(UNSEEN_PROCESSES, "zmq_unseen_processes", GAUGE, "", \
      "Running processes with a ZeroMQ context that neither a tap nor the reader sees, by why the reader does not. Absent with --no-collector.peek.") \
    X(TAP_CAPABILITY, "zmq_tap_capability", GAUGE, "", \
      "Processes in which the tap can measure the capability (state on), cannot (off), or gives a bound (bound): publish_drops an upper one, endings a lower one; durable: of a program that ends without warning, what it counted in the last tenth of a second is lost.") \
    X(TAP_UNTRACKED_SOCKETS, "zmq_tap_untracked_sockets_total", COUNTER, "", \
      "Sockets beyond the tap's limits, which are not measured.") \
    X(TAP_FOLDED_GROUPS, "zmq_tap_folded_groups_total", COUNTER, "", \
      "Groups given to address (other) because a process or the agent has too many.") \
    X(TAP_FAILED_ROUNDS, "zmq_tap_failed_rounds_total", COUNTER, "", \
      "Times that a tap could not write its counters: the directory is missing, full or refuses. Nothing is lost if a later round succeeds.") \
    X(TAP_SAMPLING_ROUNDS, "zmq_tap_sampling_rounds_total", COUNTER, "", \
      "Times that the taps sampled their sockets' queues.") \
    X(TAP_CPU_SECONDS, "zmq_tap_cpu_seconds_total", COUNTER, "seconds", \
      "CPU time of the taps' own threads.") \
    X(PROBE_SUCCESS, "zmq_probe_success", GAUGE, "", \
      "1 if the endpoint is as configured: its last greeting was good and, where the probe holds a socket there, the handshake's connection still stands.") \
    X(PROBE_CONNECTED, "zmq_probe_connected", GAUGE, "", \
      "1 while a socket of the probe has a finished handshake there. Absent for endpoints that are probed by greeting.") \
    X(PROBE_PEERS, "zmq_probe_peers", GAUGE, "", \
      "Peers with a finished handshake at a probe that binds.") \
    X(PROBE_RESOLVE_DURATION, "zmq_probe_resolve_duration_seconds", GAUGE, "seconds", \
      "Time that the last attempt took to resolve the host name. Absent if it did not get that far.") \
    X(PROBE_CONNECT_DURATION, "zmq_probe_connect_duration_seconds", GAUGE, "seconds", \
      "Time that the last attempt took to connect. Absent if it did not get that far.") \
    X(PROBE_HANDSHAKE_DURATION, "zmq_probe_handshake_duration_seconds", GAUGE, "seconds", \
      "Time that the last attempt's ZMTP handshake took: of a greeting from the connection on, of a socket with its own connect. Absent if it did not get that far.") \
    X(PROBE_ATTEMPTS, "zmq_probe_attempts_total", COUNTER, "", \
      "Attempts to greet the endpoint or to connect to it.") \
    X(PROBE_FAILURES, "zmq_probe_failures_total", COUNTER, "", \
      "Attempts that failed, by the phase in which they did: resolve, connect, handshake.") \
    X(PROBE_CONNECT_FAILURES, "zmq_probe_connect_failures_total", COUNTER, "", \
      "Attempts that failed before the handshake. cause resolve: detail is the resolver's error; transport: the errno. Only details that occurred; zmq_probe_failures_total is there from the start.") \
    X(PROBE_HANDSHAKE_FAILURES, "zmq_probe_handshake_failures_total", COUNTER, "", \
      "Attempts that failed in the handshake, cause and detail as in zmq_socket_handshake_failures_total; cause policy: the probe stays away from the peer. libzmq closes without a word on a wrong server key and on ZAP status 300, which is then transport EPIPE. Only details that occurred; zmq_probe_failures_total is there from the start.") \
    X(PROBE_FAILURE_INFO, "zmq_probe_failure_info", INFO, "", \
      "Why zmq_probe_success is 0 now. Absent while it is 1.") \
    X(PROBE_DISCONNECTS, "zmq_probe_disconnects_total", COUNTER, "", \
      "Connections with a finished handshake that broke or that the peer closed.") \
    X(PROBE_PEER_INFO, "zmq_probe_peer_info", INFO, "", \
      "What the peer said of itself: mechanism, ZMTP version (3.0: libzmq before 4.3.3 or another library) and socket type, empty where its protocol does not show it.") \
    X(PROBE_RECEIVED_MESSAGES, "zmq_probe_received_messages_total", COUNTER, "messages", \
      "Whole messages that a probe with subscriptions received.") \
    X(PROBE_RECEIVED_BYTES, "zmq_probe_received_bytes_total", COUNTER, "bytes", \
      "Bytes of all frames that a probe with subscriptions received.") \
    X(PROBE_LAST_RECEIVED, "zmq_probe_last_received_timestamp_seconds", GAUGE, "seconds", \
      "When a probe with subscriptions received its last message.") \
    X(PROBE_MISSED_MESSAGES, "zmq_probe_missed_messages_total", COUNTER, "messages", \
      "Messages of a numbered stream that did not arrive, by the gaps in their numbers. Not counted: what was published while there was no connection.") \
    X(PROBE_SEQUENCE_RESTARTS, "zmq_probe_sequence_restarts_total", COUNTER, "", \
      "Times that a numbered stream went back: its publisher restarted behind a proxy, or sent a number twice.") \
    X(PROBE_UNNUMBERED_MESSAGES, "zmq_probe_unnumbered_messages_total", COUNTER, "messages", \
      "Messages of a numbered stream that have no number at the configured place.") \
    X(PROBE_UNTRACKED_MESSAGES, "zmq_probe_untracked_messages_total", COUNTER, "messages", \
      "Messages whose sequence is not followed because the probe follows as many as its limit allows.") \
    X(PROBE_DURATION, "zmq_probe_duration_seconds", GAUGE, "seconds", \
      "Time that this probe took (/probe only).") \
    X(PROBE_ENDPOINTS, "zmq_exporter_probes", GAUGE, "", \
      "Standing probes in the configuration that is in use.") \
    X(CONFIG_RELOAD_SUCCESSFUL, "zmq_exporter_config_last_reload_successful", GAUGE, "", \
      "1 if the last attempt to load the configuration succeeded. The one in use stays when it fails.") \
    X(CONFIG_RELOAD_SUCCESS_TIMESTAMP, "zmq_exporter_config_last_reload_success_timestamp_seconds", GAUGE, "seconds", \
      "When the configuration in use was loaded.") \
    X(LIBRARY_INFO, "zmq_library_info", INFO, "", \
      "A libzmq that running processes have loaded, tapped or not. version is exact under the tap, else told by the package that the file belongs to or by the file's name, which for old releases stands for a range; empty: not known.") \
    X(LIBRARY_PROCESSES, "zmq_library_processes", GAUGE, "", \
      "Running processes that have this libzmq loaded.") \
    X(LIBRARY_REPLACED_ON_DISK, "zmq_library_replaced_on_disk", GAUGE, "", \
      "Of these processes, those whose libzmq was replaced or removed on disk since: they run the old code until they are restarted.") \
    X(LIBRARY_RELEASES_BEHIND, "zmq_library_releases_behind", GAUGE, "", \
      "Upstream releases newer than the loaded one in the table of releases that is in use. Distributions fix flaws without changing the version.") \
    X(LIBRARY_RELEASE_AGE, "zmq_library_release_age_seconds", GAUGE, "seconds", \
      "Time since upstream released the loaded version; of a range, the newest.") \
    X(LIBRARY_KNOWN_VULNERABILITIES, "zmq_library_known_vulnerabilities", GAUGE, "", \
      "Security advisories that affect upstream's release of this version; of a range, the newest. Distributions fix flaws without changing the version: zmq_library_patched_vulnerabilities says how many of these.") \
    X(LIBRARY_PATCHED_VULNERABILITIES, "zmq_library_patched_vulnerabilities", GAUGE, "", \
      "Of zmq_library_known_vulnerabilities, those whose fix is in the package that the file belongs to, or that the configuration declares patched. Absent where neither says anything: the package is not known, or the file was replaced since it was loaded.") \
    X(LIBRARY_VULNERABILITY_INFO, "zmq_library_vulnerability_info", INFO, "", \
      "A security advisory that affects upstream's release of this version. patched: yes where the package or the configuration says that what runs has the fix.") \
    X(LIBRARY_PACKAGE_INFO, "zmq_library_package_info", INFO, "", \
      "The distribution's package that the library file belongs to, as the database of dpkg, apk or rpm in the process's root says. Absent where that is not known.") \
    X(LIBRARY_SCANNED_PROCESSES, "zmq_library_scanned_processes", GAUGE, "", \
      "Processes of the host that the exporter sees.") \
    X(LIBRARY_UNREADABLE_PROCESSES, "zmq_library_unreadable_processes", GAUGE, "", \
      "Of these, processes whose mappings may not be read (other users', without the reader): what they have loaded is not known.") \
    X(LIBRARY_PENDING_PROCESSES, "zmq_library_pending_processes", GAUGE, "", \
      "Of these, processes that were not looked at yet because a scrape gives it little time; the next ones do.") \
    X(LIBRARY_FOLDED_PROCESSES, "zmq_library_folded_processes", GAUGE, "", \
      "Processes with a libzmq that are left out of zmq_library_info because it would have too many series.") \
    X(LIBRARY_LATEST_INFO, "zmq_library_latest_info", INFO, "", \
      "The newest upstream release in the table of releases that is in use.") \
    X(LIBRARY_RELEASE_TABLE_TIMESTAMP, "zmq_library_release_table_timestamp_seconds", GAUGE, "seconds", \
      "When the table of releases that is in use, compiled in or of the configuration, was last brought up to date.") \
    X(LIBRARY_ADVISORY_TABLE_TIMESTAMP, "zmq_library_advisory_table_timestamp_seconds", GAUGE, "seconds", \
      "When the table of security advisories that is in use, compiled in or of the configuration, was last brought up to date.") \
    X(LIBRARY_PACKAGE_TABLE_TIMESTAMP, "zmq_library_package_table_timestamp_seconds", GAUGE, "seconds", \
      "When the table of packages that hold fixes, compiled in or of the configuration, was last brought up to date.") \
    X(POLICY_VIOLATIONS, "zmq_policy_violations", GAUGE, "", \
      "Sockets of the group, processes or loaded libraries that break the check. One series for each check that something breaks, none for those that are kept: see zmq_policy_checks. /checks/NAME says why, and how to mend or exempt it.") \
    X(POLICY_CHECKS, "zmq_policy_checks", GAUGE, "", \
      "Groups of sockets, processes or libraries for which the check could be decided. What is not known, as most of a program without the tap, and what the configuration exempts, is not counted.") \
    X(POLICY_FOLDED_VIOLATIONS, "zmq_policy_folded_violations", GAUGE, "", \
      "Violations that are left out of zmq_policy_violations because it would have too many series.") \
    X(EXPORTER_BUILD_INFO, "zmq_exporter_build_info", INFO, "", \
      "Version of the exporter and of what it was built with.") \
    X(EXPORTER_COLLECTOR_SUCCESS, "zmq_exporter_collector_success", GAUGE, "", \
      "1 if the collector gave its whole answer in this scrape, 0 if it failed or was too slow.") \
    X(EXPORTER_COLLECTOR_DURATION, "zmq_exporter_collector_duration_seconds", GAUGE, "seconds", \
      "Time that the collector took in this scrape.") \
    X(EXPORTER_PROCESSES, "zmq_exporter_processes", GAUGE, "", \
      "Running processes with a ZeroMQ context. seen_by tap: its tap tells; peek: queues are read from outside, drops, handshakes and bytes are not known; none: not seen, reason says why. Absent with --no-collector.peek.") \
    X(EXPORTER_PEEK_PASSES, "zmq_exporter_peek_passes_total", COUNTER, "", \
      "Times that the reader looked at all processes that no tap tells of, once a second as a rule.") \
    X(EXPORTER_PEEK_PASS_DURATION, "zmq_exporter_peek_pass_duration_seconds", GAUGE, "seconds", \
      "Time that the last of these passes took.") \
    X(EXPORTER_PEEK_CPU_SECONDS, "zmq_exporter_peek_cpu_seconds_total", COUNTER, "seconds", \
      "CPU time of the reader that runs now.") \
    X(EXPORTER_PEEK_INVALID, "zmq_exporter_peek_invalid_samples_total", COUNTER, "", \
      "Sockets that changed while they were read, of which no number was taken.") \
    X(EXPORTER_PEEK_STARTS, "zmq_exporter_peek_starts_total", COUNTER, "", \
      "Times that the reader was started; more than 1: it ended.") \
    X(EXPORTER_SEGMENTS, "zmq_exporter_segments", GAUGE, "", \
      "Segment files by state: live, silent (no heartbeat for 3 seconds, the process runs or cannot be seen from here; its gauges are left out), dead (about to be removed), invalid (refused, or not to be read), left_out (beyond a limit of the exporter or of one user; zmq_exporter_collector_success is 0 then).") \
    X(EXPORTER_WEB_INFO, "zmq_exporter_web_info", INFO, "", \
      "scheme https where the exporter serves TLS, else http. The alerts' links to runbooks begin with it.") \
    X(EXPORTER_WEB_CONFIG_SUCCESS, "zmq_exporter_web_config_last_reload_successful", GAUGE, "", \
      "1 if --web.config.file and its certificates are in force as they are now, 0 if the last change was bad and the former stays.") \
    X(EXPORTER_WEB_CONFIG_TIMESTAMP, "zmq_exporter_web_config_last_reload_success_timestamp_seconds", GAUGE, "seconds", \
      "When the web configuration in force was read, in seconds since the Unix epoch.") \
    X(EXPORTER_HTTP_REQUESTS, "zmq_exporter_http_requests_total", COUNTER, "", \
      "Answers of the exporter's server by status. Not counted: what is no HTTP that can be read, such as another version or a length that is no number, and heads of more than 32 KiB.") \
    X(EXPORTER_HTTP_CONNECTIONS, "zmq_exporter_http_connections", GAUGE, "", \
      "Open connections to the exporter's server.") \
    X(EXPORTER_HTTP_LIMITED, "zmq_exporter_http_limited_total", COUNTER, "", \
      "Connections shut down and requests refused by a limit of the exporter's server: too many connections, large answers or requests at once, too many TLS handshakes a second, or too much time for a request's headers, until the next request, or to take an answer.") \
    X(PROCESS_CPU_SECONDS, "process_cpu_seconds_total", COUNTER, "seconds", \
      "User and system CPU time of the exporter.") \
    X(PROCESS_OPEN_FDS, "process_open_fds", GAUGE, "", \
      "Open file descriptors of the exporter.") \
    X(PROCESS_MAX_FDS, "process_max_fds", GAUGE, "", \
      "Limit of open file descriptors of the exporter.") \
    X(PROCESS_VIRTUAL_MEMORY, "process_virtual_memory_bytes", GAUGE, "bytes", \
      "Virtual memory of the exporter.") \
    X(PROCESS_RESIDENT_MEMORY, "process_resident_memory_bytes", GAUGE, "bytes", \
      "Resident memory of the exporter.") \
    X(PROCESS_START_TIME, "process_start_time_seconds", GAUGE, "seconds", \
      "Start of the exporter in seconds since the Unix epoch.")
/* clang-format on */

#endif
