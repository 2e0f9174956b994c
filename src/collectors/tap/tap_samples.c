/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_samples.h"

#include "collectors/tap/tap_counted_table.h"
#include "collectors/tap/tap_process.h"
#include "collectors/tap/tap_types.h"
#include "collectors/tap/tap_unseen.h"

#include <errno.h>
#include <string.h>

#define MILLI       3u /* places of times and ages, which are only known to a sampling interval */
#define NANO        9u /* of durations, and of ratios in billionths */
#define NS_PER_MS   1000000u
#define PER_BILLION 1e9

/* Where a counter makes sense: types of sockets, and transports that raise events. */
enum place {
    SENDS = TAP_TYPE_SENDS,
    RECEIVES = TAP_TYPE_RECEIVES,
    HANDSHAKES = TAP_TYPE_HANDSHAKES,
    NETWORK = 256,
};

struct counter {
    enum family_id family;
    uint16_t word;
    uint16_t capability; /* the counter is known while this is on or bound */
    uint32_t places;     /* all of these */
    const char *extra;
    bool is_time; /* nanoseconds, shown in seconds */
    bool is_rare; /* shown once it is not zero */
};

#define CAN(name) SEGMENT_CAPABILITY_##name
#define ROW(name) TAP_COUNTED_ROW(name)

static const struct counter counters[] = {
    {FAMILY_SOCKET_SENT_MESSAGES, ROW(SENT_MESSAGES)},
    {FAMILY_SOCKET_SENT_BYTES, ROW(SENT_BYTES)},
    {FAMILY_SOCKET_RECEIVED_MESSAGES, ROW(RECEIVED_MESSAGES)},
    {FAMILY_SOCKET_RECEIVED_BYTES, ROW(RECEIVED_BYTES)},
    {FAMILY_SOCKET_SEND_AT_HWM, ROW(SEND_AT_HWM), NULL, true},
    {FAMILY_SOCKET_SEND_BLOCKED, ROW(SEND_BLOCKED), "cause=\"full\"", true},
    {FAMILY_SOCKET_SEND_BLOCKED, ROW(SEND_BLOCKED_NO_PEER), "cause=\"no_peer\"", true, true},
    {FAMILY_SOCKET_SEND_WOULD_BLOCK, ROW(SEND_WOULD_BLOCK), "cause=\"full\""},
    {FAMILY_SOCKET_SEND_WOULD_BLOCK, ROW(SEND_WOULD_BLOCK_NO_PEER), "cause=\"no_peer\"", false,
     true},
    {FAMILY_SOCKET_DROPPED_MESSAGES, ROW(PUBLISHER_DROPPED), "reason=\"hwm\""},
    {FAMILY_SOCKET_DROPPED_MESSAGES, ROW(ROUTER_DROPPED), "reason=\"hwm\""},
    {FAMILY_SOCKET_DROPPED_MESSAGES, ROW(DROPPED_UNROUTABLE), "reason=\"unroutable\""},
    {FAMILY_SOCKET_DROPPED_MESSAGES, ROW(DROPPED_LINGER), "reason=\"linger\""},
    {FAMILY_SOCKET_DROPPED_MESSAGES, ROW(DROPPED_DISCONNECT), "reason=\"disconnect\""},
    {FAMILY_SOCKET_OVERSIZED_MESSAGES, ROW(OVERSIZED) | NETWORK},
    {FAMILY_SOCKET_CONFLATED_MESSAGES, ROW(CONFLATED), .is_rare = true},
    {FAMILY_SOCKET_CONCURRENT_CALLS, ROW(CONCURRENT_CALLS), .is_rare = true},
#define X(i, code, name)                                                                           \
    {FAMILY_API_ERRORS,                                                                            \
     SEGMENT_API_ERRORS_BASE + (i),                                                                \
     CAN(MISUSE),                                                                                  \
     0,                                                                                            \
     "error=\"" name "\"",                                                                         \
     false,                                                                                        \
     true},
    SEGMENT_API_ERRORS(X)
#undef X
        {FAMILY_SOCKET_HANDSHAKES, ROW(HANDSHAKES) | NETWORK},
    {FAMILY_SOCKET_DISCONNECTS, ROW(DISCONNECTS) | NETWORK},
    {FAMILY_SOCKET_CONNECT_RETRIES, ROW(CONNECT_RETRIES) | NETWORK},
    {FAMILY_SOCKET_ACCEPT_FAILURES, ROW(ACCEPT_FAILURES) | NETWORK},
    {FAMILY_SOCKET_BIND_FAILURES, ROW(BIND_FAILURES) | NETWORK},
/* Of each cause one is there from the start: what else there is begins when it happens. */
#define FAILURE(base, i, cause, detail)                                                            \
    {FAMILY_SOCKET_HANDSHAKE_FAILURES,                                                             \
     (base) + (i),                                                                                 \
     CAN(HANDSHAKES),                                                                              \
     HANDSHAKES | NETWORK,                                                                         \
     "cause=\"" cause "\",detail=\"" detail "\"",                                                  \
     false,                                                                                        \
     __builtin_strcmp(detail, "other") != 0},
#define X(i, code, name) FAILURE(SEGMENT_HANDSHAKE_AUTH_BASE, i, "auth", name)
    SEGMENT_AUTH_DETAILS(X)
#undef X
#define X(i, code, name) FAILURE(SEGMENT_HANDSHAKE_PROTOCOL_BASE, i, "protocol", name)
        SEGMENT_PROTOCOL_DETAILS(X)
#undef X
#define X(i, code, name) FAILURE(SEGMENT_HANDSHAKE_TRANSPORT_BASE, i, "transport", name)
            SEGMENT_TRANSPORT_DETAILS(X)
#undef X
};

struct gauge {
    enum family_id family;
    enum tap_gauge gauge;
    uint32_t places;
    const char *extra;
    unsigned places_after; /* the point */
};

static const struct gauge gauges[] = {
    {FAMILY_SOCKET_PEERS, TAP_GAUGE_PEERS},
    {FAMILY_SOCKET_SEND_QUEUE, TAP_GAUGE_SEND_QUEUE, SENDS},
    {FAMILY_SOCKET_RECEIVE_QUEUE, TAP_GAUGE_RECEIVE_QUEUE, RECEIVES},
    {FAMILY_SOCKET_SEND_HWM, TAP_GAUGE_SEND_HWM, SENDS},
    {FAMILY_SOCKET_RECEIVE_HWM, TAP_GAUGE_RECEIVE_HWM, RECEIVES},
    {FAMILY_SOCKET_SEND_HWM_PROXIMITY, TAP_GAUGE_SEND_FULLEST, SENDS, NULL, NANO},
    {FAMILY_SOCKET_RECEIVE_HWM_PROXIMITY, TAP_GAUGE_RECEIVE_FULLEST, RECEIVES, NULL, NANO},
    {FAMILY_SOCKET_SEND_AGE, TAP_GAUGE_SEND_AGE_NS, SENDS, NULL, MILLI},
    {FAMILY_SOCKET_RECEIVE_AGE, TAP_GAUGE_RECEIVE_AGE_NS, RECEIVES, NULL, MILLI},
    {FAMILY_SOCKET_LAST_SENT, TAP_GAUGE_LAST_SENT_NS, SENDS, NULL, MILLI},
    {FAMILY_SOCKET_LAST_RECEIVED, TAP_GAUGE_LAST_RECEIVED_NS, RECEIVES, NULL, MILLI},
    {FAMILY_SOCKET_WORST_UNSENT, TAP_GAUGE_CONNECTION_UNSENT},
    {FAMILY_SOCKET_WORST_UNREAD, TAP_GAUGE_CONNECTION_UNREAD},
    {FAMILY_SOCKET_WORST_RETRANSMITS, TAP_GAUGE_CONNECTION_RETRANSMITS},
};

static const char *const mechanisms[] = {"mechanism=\"NULL\"", "mechanism=\"PLAIN\"",
                                         "mechanism=\"CURVE\"", "mechanism=\"GSSAPI\""};

/* Of the buckets of a segment those that a question is asked of: was it under pressure, when it
 * swings between half of its mark and the mark, and was it near the mark? */
static const char *const fill_bounds[] = {"0.5", "0.9", "+Inf"};
#define N_FILL_BOUNDS (sizeof(fill_bounds) / sizeof(*fill_bounds))

static const bool is_fill_bound[] = {
#define X(i, percent, text) [i] = (percent) == 50 || (percent) == 90 || (percent) == -1,
    SEGMENT_FILL_BUCKETS(X)
#undef X
};

struct fill {
    enum family_id family;
    unsigned places;
    unsigned base; /* its first word */
};

static const struct fill fills[] = {
    {FAMILY_SOCKET_SEND_FILL, SENDS, SEGMENT_SEND_FILL_BASE},
    {FAMILY_SOCKET_RECEIVE_FILL, RECEIVES, SEGMENT_RECEIVE_FILL_BASE},
};

static unsigned group_places(const struct tap_group *group)
{
    unsigned places = tap_type_traits(group->type);
    if (*group->endpoint && strncmp(group->endpoint, "inproc://", 9) != 0)
        places |= NETWORK;
    return places;
}

/* A capability of the running processes; of the dead only where nothing runs any more, because
 * a counter that stands still would say that nothing happens to those that run. */
static uint32_t group_capabilities(const struct tap_group *group)
{
    return group->n_processes ? group->known : group->known_once;
}

static struct tap_unseen unseen_of(const struct tap_group *group)
{
    return (struct tap_unseen){
        .type = group->type,
        .is_proxied = tap_account_counter(&group->sum, SEGMENT_PROXIED) != 0,
        .is_attached = tap_account_counter(&group->sum, SEGMENT_ATTACHED) != 0 ||
                       (group_capabilities(group) & TAP_PEEKED),
        .is_queue_depth_known = group_capabilities(group) & (1u << CAN(QUEUE_DEPTH)),
    };
}

/* A socket has no endpoint between zmq_socket and its first bind or connect, and all that
 * happens to it then may be a bind that fails. So this group shows what was counted in it, and
 * no zeros: it is no place where something could be expected. */
static bool is_placeless(const struct tap_group *group)
{
    return !*group->endpoint;
}

/* Since when something counts, as its _created lines have it; none where it is not known. */
struct created {
    struct text_number seconds;
    bool is_known;
};

static struct created created_at(uint64_t created_ns, uint64_t epoch_ns)
{
    struct created created = {.is_known = created_ns != 0 && created_ns != UINT64_MAX};
    if (created.is_known)
        created.seconds = text_number_of_scaled((created_ns + epoch_ns) / NS_PER_MS, MILLI);
    return created;
}

static void add_created(struct samples *out, enum family_id family, const struct created *created)
{
    if (created->is_known)
        samples_add_created(out, family, created->seconds);
}

static void add_counters_of(const struct counter *table, size_t n_counters, struct samples *out,
                            const struct tap_group *group, const struct created *created)
{
    unsigned places = group_places(group);
    uint32_t known = group_capabilities(group);
    struct tap_unseen unseen = unseen_of(group);
    if (is_placeless(group))
        places |= NETWORK;
    for (const struct counter *counter = table; counter < table + n_counters; counter++) {
        uint64_t value = tap_account_counter(&group->sum, counter->word);
        if (!(known & (1u << counter->capability)) || (counter->places & ~places) ||
            (value == 0 && (is_placeless(group) || counter->is_rare)) ||
            tap_unseen_hides(&unseen, counter->word))
            continue;
        if (counter->is_time)
            samples_add_scaled(out, counter->family, group->labels, counter->extra,
                               (struct samples_scaled){value, NANO});
        else
            samples_add_u64(out, counter->family, group->labels, counter->extra, value);
        add_created(out, counter->family, created);
    }
}

/* Of processes that are seen from outside, handshakes are not known. */
static bool are_peers_known(const struct tap_group *group, unsigned places)
{
    return !(group->known & TAP_PEEKED) || !(places & NETWORK);
}

static void add_gauges_of(const struct gauge *table, size_t n_gauges, struct samples *out,
                          const struct tap_group *group)
{
    unsigned places = group_places(group);
    for (const struct gauge *gauge = table; gauge < table + n_gauges; gauge++) {
        uint64_t value = group->sum.gauges[gauge->gauge];
        if (value == SEGMENT_UNKNOWN || (gauge->places & ~places) ||
            (gauge->gauge == TAP_GAUGE_PEERS && !are_peers_known(group, places)))
            continue;
        if (gauge->places_after == MILLI)
            value /= NS_PER_MS;
        if (gauge->places_after)
            samples_add_scaled(out, gauge->family, group->labels, gauge->extra,
                               (struct samples_scaled){value, gauge->places_after});
        else if ((int64_t)value < 0)
            samples_add_real(out, gauge->family, group->labels, gauge->extra,
                             (double)(int64_t)value);
        else
            samples_add_u64(out, gauge->family, group->labels, gauge->extra, value);
    }
}

static void add_mechanisms(struct samples *out, const struct tap_group *group, unsigned places)
{
    for (unsigned i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++) {
        if ((places & NETWORK) && (group->sum.mechanisms & (1u << i)))
            samples_add_u64(out, FAMILY_SOCKET_SECURITY_INFO, group->labels, mechanisms[i], 1);
    }
}

/* Closed sockets are seen from outside alone. */
static void add_lingering(struct samples *out, const struct tap_group *group)
{
    if (!(group->known & TAP_PEEKED))
        return;
    samples_add_u64(out, FAMILY_LINGERING_SOCKETS, group->labels, NULL, group->n_lingering);
    samples_add_u64(out, FAMILY_LINGERING_MESSAGES, group->labels, NULL, group->lingering_messages);
}

/* The tap counts each sample in one bucket; here each bucket holds those below it too. Nothing
 * was sampled where no peer has a limit. */
static void add_fill(struct samples *out, const struct tap_group *group, const struct fill *fill,
                     const struct created *created)
{
    uint64_t cumulative[N_FILL_BOUNDS];
    uint64_t n = 0;
    size_t n_bounds = 0;
    for (unsigned i = 0; i < sizeof(is_fill_bound); i++) {
        n += tap_account_counter(&group->sum, fill->base + i);
        if (is_fill_bound[i])
            cumulative[n_bounds++] = n;
    }
    if (n == 0 || !(group_capabilities(group) & (1u << CAN(QUEUE_DEPTH))))
        return;
    uint64_t sum = tap_account_counter(&group->sum, fill->base + SEGMENT_FILL_SUM);
    samples_add_histogram(out, fill->family, group->labels,
                          &(struct sample_histogram){.n_buckets = N_FILL_BOUNDS,
                                                     .bounds = fill_bounds,
                                                     .counts = cumulative,
                                                     .sum = (double)sum / PER_BILLION});
    add_created(out, fill->family, created);
}

void tap_samples_add_group(struct samples *out, const struct tap_group *group, uint64_t epoch_ns)
{
    const struct created created = created_at(group->created_ns, epoch_ns);
    unsigned places = group_places(group);
    /* How many are open in processes that are silent is not known. */
    bool is_known = group->n_processes || !group->n_silent;
    if (is_known && (group->sum.n_sockets || !is_placeless(group)))
        samples_add_u64(out, FAMILY_SOCKETS, group->labels, NULL, group->sum.n_sockets);
    add_counters_of(counters, sizeof(counters) / sizeof(*counters), out, group, &created);
    add_gauges_of(gauges, sizeof(gauges) / sizeof(*gauges), out, group);
    add_lingering(out, group);
    for (size_t i = 0; i < sizeof(fills) / sizeof(*fills); i++) {
        if (places & fills[i].places)
            add_fill(out, group, &fills[i], &created);
    }
}

static const struct counter detail_counters[] = {
    {FAMILY_SOCKET_RECEIVE_BLOCKED, ROW(RECEIVE_BLOCKED), NULL, true},
    {FAMILY_SOCKET_RECEIVE_WOULD_BLOCK, ROW(RECEIVE_WOULD_BLOCK)},
#define X(i, event, name)                                                                          \
    {FAMILY_SOCKET_EVENTS, SEGMENT_EVENT_##event, CAN(EVENTS), NETWORK, "event=\"" name "\""},
    SEGMENT_EVENT_NAMES(X)
#undef X
};

#define OPTION(name, text)                                                                         \
    {                                                                                              \
        FAMILY_SOCKET_OPTION, TAP_GAUGE_OPTION_##name, 0, "option=\"" text "\"", 0                 \
    }

static const struct gauge detail_gauges[] = {
    OPTION(LINGER, "linger"),
    OPTION(SNDTIMEO, "sndtimeo"),
    OPTION(RCVTIMEO, "rcvtimeo"),
    OPTION(MAXMSGSIZE, "maxmsgsize"),
    OPTION(HEARTBEAT_IVL, "heartbeat_ivl"),
    OPTION(IMMEDIATE, "immediate"),
    OPTION(CONFLATE, "conflate"),
    OPTION(RECONNECT_IVL, "reconnect_ivl"),
    OPTION(RECONNECT_IVL_MAX, "reconnect_ivl_max"),
    OPTION(TCP_KEEPALIVE, "tcp_keepalive"),
    OPTION(BACKLOG, "backlog"),
    {FAMILY_SOCKET_LARGEST_SENT, TAP_GAUGE_LARGEST_SENT, SENDS},
    {FAMILY_SOCKET_LARGEST_RECEIVED, TAP_GAUGE_LARGEST_RECEIVED, RECEIVES},
};

void tap_samples_add_group_details(struct samples *out, const struct tap_group *group,
                                   uint64_t epoch_ns)
{
    const struct created created = created_at(group->created_ns, epoch_ns);
    add_counters_of(detail_counters, sizeof(detail_counters) / sizeof(*detail_counters), out, group,
                    &created);
    add_gauges_of(detail_gauges, sizeof(detail_gauges) / sizeof(*detail_gauges), out, group);
    add_mechanisms(out, group, group_places(group));
}

#define CAPABILITY(text)                                                                           \
    {                                                                                              \
        NULL, "capability=\"" text "\",state=\"on\"", "capability=\"" text "\",state=\"off\"",     \
            "capability=\"" text "\",state=\"bound\""                                              \
    }

static const char *const capability_labels[][TAP_N_CAPABILITY_STATES] = {
#define X(i, name, text) [i] = CAPABILITY(text),
    SEGMENT_CAPABILITIES(X)
#undef X
};

static void add_usage(struct samples *out, const struct tap_program *program,
                      const struct tap_usage *usage, const enum family_id families[2])
{
    if (!usage->is_known)
        return;
    samples_add_u64(out, families[0], program->labels, NULL, usage->used);
    samples_add_u64(out, families[1], program->labels, NULL, usage->limit);
}

static const struct {
    enum family_id family;
    unsigned counter; /* enum tap_process_counter */
    bool is_time;     /* nanoseconds, shown in seconds */
    const char *extra;
    bool is_rare; /* shown once it is not zero */
} process_counters[] = {{FAMILY_TAPPED_ENDS, TAP_PROCESS_ORDERLY_ENDS, false, "end=\"orderly\""},
                        {FAMILY_TAPPED_ENDS, TAP_PROCESS_ABRUPT_ENDS, false, "end=\"abrupt\""},
                        {FAMILY_TAP_UNTRACKED_SOCKETS, TAP_PROCESS_UNTRACKED_SOCKETS, false},
                        {FAMILY_TAP_FOLDED_GROUPS, TAP_PROCESS_FOLDED_GROUPS, false},
                        {FAMILY_TAP_FAILED_ROUNDS, TAP_PROCESS_ROUNDS_FAILED, false},
                        {FAMILY_TAP_SAMPLING_ROUNDS, TAP_PROCESS_SAMPLES, false},
                        {FAMILY_TAP_CPU_SECONDS, TAP_PROCESS_CPU_NS, true},
#define X(i, code, name)                                                                           \
    {FAMILY_API_ERRORS, TAP_PROCESS_API_ERRORS + (i), false, "error=\"" name "\"", true},
                        SEGMENT_PROCESS_ERRORS(X)
#undef X
};

static void add_process_counters(struct samples *out, const struct tap_program *program,
                                 const struct created *created)
{
    for (size_t i = 0; i < sizeof(process_counters) / sizeof(*process_counters); i++) {
        enum family_id family = process_counters[i].family;
        const char *extra = process_counters[i].extra;
        uint64_t value = program->counters[process_counters[i].counter];
        if (value == 0 && process_counters[i].is_rare)
            continue;
        if (process_counters[i].is_time)
            samples_add_scaled(out, family, program->labels, extra,
                               (struct samples_scaled){value, NANO});
        else
            samples_add_u64(out, family, program->labels, extra, value);
        add_created(out, family, created);
    }
}

void tap_samples_add_program(struct samples *out, const struct tap_program *program,
                             uint64_t epoch_ns)
{
    const struct created created = created_at(program->created_ns, epoch_ns);
    samples_add_u64(out, FAMILY_PROCESSES, program->labels, NULL, program->n_processes);
    const struct created started = created_at(program->started_ns, epoch_ns);
    if (started.is_known && program->n_heard)
        samples_add(out, FAMILY_TAPPED_START_TIME, program->labels, NULL, started.seconds);
    samples_add_u64(out, FAMILY_TAP_SILENT_PROCESSES, program->labels, NULL, program->n_silent);
    add_usage(out, program, &program->context_sockets,
              (const enum family_id[2]){FAMILY_CONTEXT_SOCKETS, FAMILY_CONTEXT_MAX_SOCKETS});
    add_usage(out, program, &program->descriptors,
              (const enum family_id[2]){FAMILY_TAPPED_OPEN_FDS, FAMILY_TAPPED_MAX_FDS});
    for (unsigned i = 0; program->n_heard && i < SEGMENT_N_CAPABILITIES; i++) {
        for (unsigned state = SEGMENT_CAPABILITY_ON; state < TAP_N_CAPABILITY_STATES; state++) {
            if (program->capabilities[i][state] && state != SEGMENT_CAPABILITY_ON)
                samples_add_u64(out, FAMILY_TAP_CAPABILITY, program->labels,
                                capability_labels[i][state], program->capabilities[i][state]);
        }
    }
    if (program->n_tapped || program->has_base)
        add_process_counters(out, program, &created);
}

void tap_samples_add_program_details(struct samples *out, const struct tap_program *program)
{
    for (unsigned i = 0; program->n_heard && i < SEGMENT_N_CAPABILITIES; i++)
        samples_add_u64(out, FAMILY_TAP_CAPABILITY, program->labels,
                        capability_labels[i][SEGMENT_CAPABILITY_ON],
                        program->capabilities[i][SEGMENT_CAPABILITY_ON]);
}
