/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_counters - the words of a lane, by number.
 *
 * A number, once released, keeps its meaning for ever; new words take free numbers. A reader
 * ignores numbers it does not know, and treats as unknown those at or beyond the writer's
 * `n_lane_words`. So tap and agent of different releases work together.
 *
 * COUNTER  only grows over the life of the file, also from one socket of the lane to the next.
 *          Numbers 8 to 159. One that a release does not write is 0: its capability says so.
 * GAUGE    describes the socket that holds the lane now; SEGMENT_UNKNOWN where not measured.
 *          Numbers 0 to 7 and 160 to 255; those that are not listed are SEGMENT_UNKNOWN.
 *
 * Each word has one writer at a time: "program" words the thread that uses the socket (or holds
 * the registry's lock), "tap" words the tap's own thread. They lie on separate cache lines.
 */
#ifndef SEGMENT_SEGMENT_COUNTERS_H
#define SEGMENT_SEGMENT_COUNTERS_H

/*        number  name                    kind     writer   meaning, unit */
#define SEGMENT_LANE_WORDS(X)                                                                      \
    X(0, GROUP, GAUGE)           /* tap: index of the lane's group + 1; 0: never used */           \
    X(1, STATE, GAUGE)           /* program: enum segment_lane_state */                            \
    X(2, SERIAL, GAUGE)          /* program: number of the socket, unique in the process */        \
    X(3, OPENED_NS, GAUGE)       /* program: CLOCK_REALTIME when the socket was made */            \
    X(4, LIBRARY, GAUGE)         /* program: index in the header's libraries */                    \
    X(5, CONTEXT, GAUGE)         /* program: index in the header's contexts */                     \
    X(8, SENT_MESSAGES, COUNTER) /* program: whole messages */                                     \
    X(9, SENT_BYTES, COUNTER)    /* program: bytes of all frames */                                \
    X(10, RECEIVED_MESSAGES, COUNTER)                                                              \
    X(11, RECEIVED_BYTES, COUNTER)                                                                 \
    X(12, SEND_WOULD_BLOCK, COUNTER) /* program: sends refused with EAGAIN: queues are full */     \
    X(13, RECEIVE_WOULD_BLOCK, COUNTER)                                                            \
    X(14, SEND_BLOCKED_NS, COUNTER)    /* both, atomic: time waited in a send: queues are full */  \
    X(15, RECEIVE_BLOCKED_NS, COUNTER) /* tap: time in a receive, sampled */                       \
    X(16, DROPPED_HWM, COUNTER)        /* program: messages */                                     \
    X(17, DROPPED_UNROUTABLE, COUNTER)                                                             \
    X(18, DROPPED_LINGER, COUNTER)           /* tap */                                             \
    X(19, DROPPED_DISCONNECT, COUNTER)       /* tap */                                             \
    X(20, SEND_WOULD_BLOCK_NO_PEER, COUNTER) /* program: the same as 12: there is no queue */      \
    X(21, SEND_BLOCKED_NO_PEER_NS, COUNTER)  /* both, atomic: the same as 14 */                    \
    X(22, CONCURRENT_CALLS, COUNTER)         /* program, atomic: see below */                      \
    X(28, PROXIED, COUNTER)                  /* program: times inside zmq_proxy, see below */      \
    X(29, ATTACHED, COUNTER)                 /* program: sockets that no hook sees, see below */   \
    X(100, OVERSIZED, COUNTER)      /* tap: connections ended for a message over ZMQ_MAXMSGSIZE */ \
    X(101, CONFLATED, COUNTER)      /* tap: messages that a newer one replaced, ZMQ_CONFLATE */    \
    X(104, SEND_AT_HWM_NS, COUNTER) /* tap: time with a peer's queue full */                       \
    X(160, PEERS, GAUGE)            /* tap: peers with a finished handshake */                     \
    X(161, SEND_QUEUE, GAUGE)       /* tap: messages over all peers */                             \
    X(162, RECEIVE_QUEUE, GAUGE)                                                                   \
    X(163, SEND_HWM, GAUGE) /* program: as configured, messages; 0: unlimited */                   \
    X(164, RECEIVE_HWM, GAUGE)                                                                     \
    X(165, SEND_FULLEST, GAUGE) /* tap: fullest peer's depth over its HWM, 1e-9 */                 \
    X(166, RECEIVE_FULLEST, GAUGE)                                                                 \
    X(167, LAST_SENT_NS, GAUGE) /* tap: CLOCK_REALTIME, to the sampling interval */                \
    X(168, LAST_RECEIVED_NS, GAUGE)                                                                \
    X(169, PIPES, GAUGE)       /* tap: pipes libzmq holds for the socket */                        \
    X(170, SEND_AGE_NS, GAUGE) /* tap: how long the oldest message that is queued has waited */    \
    X(171, RECEIVE_AGE_NS, GAUGE)                                                                  \
    X(176, OPTION_LINGER, GAUGE) /* program: as zmq_getsockopt, signed */                          \
    X(177, OPTION_SNDTIMEO, GAUGE)                                                                 \
    X(178, OPTION_RCVTIMEO, GAUGE)                                                                 \
    X(179, OPTION_MAXMSGSIZE, GAUGE)                                                               \
    X(180, OPTION_HEARTBEAT_IVL, GAUGE)                                                            \
    X(181, OPTION_IMMEDIATE, GAUGE)                                                                \
    X(182, OPTION_CONFLATE, GAUGE)                                                                 \
    X(183, OPTION_MECHANISM, GAUGE) /* ZMQ_NULL, ZMQ_PLAIN, ZMQ_CURVE, ZMQ_GSSAPI */               \
    X(184, OPTION_RECONNECT_IVL, GAUGE)                                                            \
    X(185, OPTION_RECONNECT_IVL_MAX, GAUGE)                                                        \
    X(186, OPTION_TCP_KEEPALIVE, GAUGE)                                                            \
    X(187, OPTION_BACKLOG, GAUGE)                                                                  \
    X(188, OPTION_HANDSHAKE_IVL, GAUGE)                                                            \
    X(189, OPTION_CURVE_SERVER, GAUGE) /* the socket is the server of its mechanism: 0, 1 */       \
    X(190, OPTION_PLAIN_SERVER, GAUGE)                                                             \
    X(191, OPTION_ZAP_DOMAIN, GAUGE) /* whether one is set: 0, 1 */                                \
    X(192, OPTION_IPV6, GAUGE)                                                                     \
    X(193, OPTION_HEARTBEAT_TIMEOUT, GAUGE)                                                        \
    X(194, OPTION_HEARTBEAT_TTL, GAUGE)                                                            \
    X(195, OPTION_ROUTER_MANDATORY, GAUGE) /* from the calls seen */                               \
    X(196, OPTION_XPUB_NODROP, GAUGE)      /* from the calls seen */                               \
    X(197, BINDS, GAUGE)                   /* program: endpoints bound, from the calls seen */     \
    X(198, CONNECTS, GAUGE)                /* program: endpoints connected to, likewise */         \
    X(199, LARGEST_SENT, GAUGE)            /* program: bytes of the largest frame */               \
    X(200, LARGEST_RECEIVED, GAUGE)                                                                \
    X(201, API_ERROR_KINDS, GAUGE)   /* program: which it met, bits 1 << SEGMENT_API_ERRORS */     \
    X(202, RECEIVER, GAUGE)          /* program: a thread seen receiving, numbered by the tap */   \
    X(203, HANDLE, GAUGE)            /* program: socket_handle_of the handle */                    \
    X(224, CONNECTION_UNSENT, GAUGE) /* the exporter's own, which asks the kernel: no tap */       \
    X(225, CONNECTION_UNREAD, GAUGE) /* writes these three */                                      \
    X(226, CONNECTION_RETRANSMITS, GAUGE)

/* Blocks of counters, one word for each member of a bounded set, written by the tap's thread; those
 * of API errors by the program's, atomically. */
#define SEGMENT_EVENTS_BASE              32 /* 16 words: monitor event 1 << i */
#define SEGMENT_EVENTS_SIZE              16
#define SEGMENT_HANDSHAKE_AUTH_BASE      48 /* SEGMENT_AUTH_DETAILS */
#define SEGMENT_HANDSHAKE_AUTH_SIZE      4
#define SEGMENT_HANDSHAKE_TRANSPORT_BASE 52 /* SEGMENT_TRANSPORT_DETAILS */
#define SEGMENT_HANDSHAKE_TRANSPORT_SIZE 16
#define SEGMENT_HANDSHAKE_PROTOCOL_BASE  68 /* SEGMENT_PROTOCOL_DETAILS */
#define SEGMENT_HANDSHAKE_PROTOCOL_SIZE  32
#define SEGMENT_SEND_FILL_BASE           112 /* SEGMENT_FILL_BUCKETS, then the sum in 1e-9 */
#define SEGMENT_RECEIVE_FILL_BASE        128
#define SEGMENT_FILL_SIZE                16
#define SEGMENT_API_ERRORS_BASE          144 /* SEGMENT_API_ERRORS */
#define SEGMENT_API_ERRORS_SIZE          16

/* Numbers not listed above are free: counters 23-27 and 30-31 program, 102-103 and 105-111 tap;
 * gauges 204-223 program, 172-175 and 227-255 tap. */
#define SEGMENT_FIRST_COUNTER 8
#define SEGMENT_FIRST_GAUGE   160

/* Events by bit, as zmq_socket_monitor(3) has them. */
#define SEGMENT_EVENT_NAMES(X)                                                                     \
    X(0, CONNECTED, "connected")                                                                   \
    X(1, CONNECT_DELAYED, "connect_delayed")                                                       \
    X(2, CONNECT_RETRIED, "connect_retried")                                                       \
    X(3, LISTENING, "listening")                                                                   \
    X(4, BIND_FAILED, "bind_failed")                                                               \
    X(5, ACCEPTED, "accepted")                                                                     \
    X(6, ACCEPT_FAILED, "accept_failed")                                                           \
    X(7, CLOSED, "closed")                                                                         \
    X(8, CLOSE_FAILED, "close_failed")                                                             \
    X(9, DISCONNECTED, "disconnected")                                                             \
    X(10, MONITOR_STOPPED, "monitor_stopped")                                                      \
    X(11, HANDSHAKE_FAILED_NO_DETAIL, "handshake_failed_no_detail")                                \
    X(12, HANDSHAKE_SUCCEEDED, "handshake_succeeded")                                              \
    X(13, HANDSHAKE_FAILED_PROTOCOL, "handshake_failed_protocol")                                  \
    X(14, HANDSHAKE_FAILED_AUTH, "handshake_failed_auth")                                          \
    X(15, UNKNOWN, "unknown")

/* ZAP status codes of HANDSHAKE_FAILED_AUTH. */
#define SEGMENT_AUTH_DETAILS(X)                                                                    \
    X(0, 300, "300")                                                                               \
    X(1, 400, "400")                                                                               \
    X(2, 500, "500")                                                                               \
    X(3, -1, "other")

/* errno values of HANDSHAKE_FAILED_NO_DETAIL. */
#define SEGMENT_TRANSPORT_DETAILS(X)                                                               \
    X(0, 0, "none")                                                                                \
    X(1, EPIPE, "EPIPE")                                                                           \
    X(2, ECONNRESET, "ECONNRESET")                                                                 \
    X(3, ECONNREFUSED, "ECONNREFUSED")                                                             \
    X(4, ECONNABORTED, "ECONNABORTED")                                                             \
    X(5, ETIMEDOUT, "ETIMEDOUT")                                                                   \
    X(6, EHOSTUNREACH, "EHOSTUNREACH")                                                             \
    X(7, ENETUNREACH, "ENETUNREACH")                                                               \
    X(8, ENETDOWN, "ENETDOWN")                                                                     \
    X(9, ENETRESET, "ENETRESET")                                                                   \
    X(10, EAGAIN, "EAGAIN")                                                                        \
    X(11, EPROTO, "EPROTO")                                                                        \
    X(12, EINVAL, "EINVAL")                                                                        \
    X(13, -1, "other")

/* ZMQ_PROTOCOL_ERROR_* of HANDSHAKE_FAILED_PROTOCOL (zmq.h of 4.3.5), in lower case. */
#define SEGMENT_PROTOCOL_DETAILS(X)                                                                \
    X(0, 0x10000000, "zmtp_unspecified")                                                           \
    X(1, 0x10000001, "zmtp_unexpected_command")                                                    \
    X(2, 0x10000002, "zmtp_invalid_sequence")                                                      \
    X(3, 0x10000003, "zmtp_key_exchange")                                                          \
    X(4, 0x10000011, "zmtp_malformed_command_unspecified")                                         \
    X(5, 0x10000012, "zmtp_malformed_command_message")                                             \
    X(6, 0x10000013, "zmtp_malformed_command_hello")                                               \
    X(7, 0x10000014, "zmtp_malformed_command_initiate")                                            \
    X(8, 0x10000015, "zmtp_malformed_command_error")                                               \
    X(9, 0x10000016, "zmtp_malformed_command_ready")                                               \
    X(10, 0x10000017, "zmtp_malformed_command_welcome")                                            \
    X(11, 0x10000018, "zmtp_invalid_metadata")                                                     \
    X(12, 0x11000001, "zmtp_cryptographic")                                                        \
    X(13, 0x11000002, "zmtp_mechanism_mismatch")                                                   \
    X(14, 0x20000000, "zap_unspecified")                                                           \
    X(15, 0x20000001, "zap_malformed_reply")                                                       \
    X(16, 0x20000002, "zap_bad_request_id")                                                        \
    X(17, 0x20000003, "zap_bad_version")                                                           \
    X(18, 0x20000004, "zap_invalid_status_code")                                                   \
    X(19, 0x20000005, "zap_invalid_metadata")                                                      \
    X(20, 0x30000000, "ws_unspecified")                                                            \
    X(21, -1, "other")

/*
 * errno values of calls with a socket that failed. EAGAIN has words of its own, EINTR is no error,
 * and that an address is taken is an event (BIND_FAILED). Numbers over ZMQ_HAUSNUMERO are libzmq's
 * own, of zmq.h.
 */
#define SEGMENT_API_ERRORS(X)                                                                      \
    X(0, 156384763, "EFSM")                                                                        \
    X(1, 156384764, "ENOCOMPATPROTO")                                                              \
    X(2, 156384765, "ETERM")                                                                       \
    X(3, 156384766, "EMTHREAD")                                                                    \
    X(4, ENOTSOCK, "ENOTSOCK")                                                                     \
    X(5, EFAULT, "EFAULT")                                                                         \
    X(6, EHOSTUNREACH, "EHOSTUNREACH")                                                             \
    X(7, ENOTSUP, "ENOTSUP")                                                                       \
    X(8, EINVAL, "EINVAL")                                                                         \
    X(9, EPROTONOSUPPORT, "EPROTONOSUPPORT")                                                       \
    X(10, ENODEV, "ENODEV")                                                                        \
    X(11, ENOENT, "ENOENT")                                                                        \
    X(12, -1, "other")

/* The same of calls that had no socket: with a handle that is none, of a context, zmq_socket. They
 * are counted in the header. */
#define SEGMENT_PROCESS_ERRORS(X)                                                                  \
    X(0, ENOTSOCK, "ENOTSOCK")                                                                     \
    X(1, EFAULT, "EFAULT")                                                                         \
    X(2, EINVAL, "EINVAL")                                                                         \
    X(3, EMFILE, "EMFILE")                                                                         \
    X(4, 156384765, "ETERM")                                                                       \
    X(5, -1, "other")
#define SEGMENT_PROCESS_ERRORS_SIZE 8

/* Upper bounds of the fill histograms' buckets, in per cent of the HWM; the last is +Inf. */
#define SEGMENT_FILL_BUCKETS(X)                                                                    \
    X(0, 0, "0.0")                                                                                 \
    X(1, 1, "0.01")                                                                                \
    X(2, 10, "0.1")                                                                                \
    X(3, 25, "0.25")                                                                               \
    X(4, 50, "0.5")                                                                                \
    X(5, 75, "0.75")                                                                               \
    X(6, 90, "0.9")                                                                                \
    X(7, 95, "0.95")                                                                               \
    X(8, 99, "0.99")                                                                               \
    X(9, 100, "1.0")                                                                               \
    X(10, -1, "+Inf")
#define SEGMENT_FILL_SUM 15 /* word in the block: sum of the ratios, 1e-9 */

/*
 * Sockets of a lane that was PROXIED were inside zmq_proxy, where no hook sees what moves. Their
 * messages are counted from the accounts of queues, which QUEUE_DEPTH stands for; SENT_MESSAGES
 * lack what an XSUB sent there, RECEIVED_MESSAGES what an XPUB received. Bytes, time blocked and
 * DROPPED_HWM and DROPPED_UNROUTABLE have only what hooks saw: less than there was.
 *
 * Sockets of a lane that were ATTACHED (zmqtap.h) are followed so for all their life. SENT_MESSAGES
 * then lack what a PUB, XPUB or XSUB sent, RECEIVED_MESSAGES what an XPUB received; of the other
 * counters nothing is known but SEND_AT_HWM_NS and the fill blocks.
 */

/*
 * CONCURRENT_CALLS are calls of one thread while another one was in a call with the same socket,
 * which libzmq does not allow. A sample of calls is watched, and all while one that is watched
 * lasts: so it is at least. Types that several threads may use are not watched, and zmq_poll and
 * zmq_getsockopt are not seen.
 */

/*
 * What the tap can measure in this process. A reader shows a counter only while its capability is
 * ON or BOUND; a word that the tap does not write stays off the page.
 *
 * MESSAGES       SENT_*, RECEIVED_*
 * EVENTS         the events block; its members that are families of their own
 * HANDSHAKES     the handshake blocks, PEERS of network sockets (libzmq 4.3.0 and later)
 * QUEUE_DEPTH    SEND_AT_HWM_NS, CONFLATED, both fill blocks (depths themselves are gauges)
 * ROUTER_DROPS   DROPPED_HWM and DROPPED_UNROUTABLE of ROUTER and REP
 * PUBLISH_DROPS  DROPPED_HWM of PUB and XPUB
 * BLOCKING       *_WOULD_BLOCK, *_BLOCKED_NS
 * ENDINGS        DROPPED_LINGER, DROPPED_DISCONNECT: at least
 * OVERSIZED      OVERSIZED
 * MISUSE         the API errors, of sockets and in the header; CONCURRENT_CALLS
 * DURABLE        of all counters: BOUND where an end without warning (_exit, exec, a signal) costs
 *                what was counted in the last tenth of a second
 */
#define SEGMENT_CAPABILITIES(X)                                                                    \
    X(0, MESSAGES, "messages")                                                                     \
    X(1, EVENTS, "events")                                                                         \
    X(2, HANDSHAKES, "handshakes")                                                                 \
    X(3, QUEUE_DEPTH, "queue_depth")                                                               \
    X(4, ROUTER_DROPS, "router_drops")                                                             \
    X(5, PUBLISH_DROPS, "publish_drops")                                                           \
    X(6, BLOCKING, "blocking")                                                                     \
    X(7, ENDINGS, "endings")                                                                       \
    X(8, OVERSIZED, "oversized")                                                                   \
    X(9, DURABLE, "durable")                                                                       \
    X(10, MISUSE, "misuse")

#endif
