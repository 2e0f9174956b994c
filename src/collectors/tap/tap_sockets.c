/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_sockets.h"

#include "base/cleanup.h"
#include "collectors/tap/tap_counted_table.h"
#include "collectors/tap/tap_groups.h"
#include "collectors/tap/tap_scan.h"
#include "collectors/tap/tap_types.h"
#include "collectors/tap/tap_unseen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SEARCHES 8u

#define ALWAYS SEGMENT_MAX_CAPABILITIES /* a gauge that is not known says so itself */

enum form { WHOLE, SIGNED, SECONDS, RATIO };

static const struct {
    const char *name;
    uint16_t word;
    uint16_t capability;
    uint8_t traits; /* of the socket's type: all of these */
    enum form form;
} fields[] = {
#define ROW(name) TAP_COUNTED_ROW(name)
#define S         TAP_TYPE_SENDS
#define R         TAP_TYPE_RECEIVES
    {"serial", SEGMENT_SERIAL, ALWAYS, 0, WHOLE},
    {"opened_timestamp_seconds", SEGMENT_OPENED_NS, ALWAYS, 0, SECONDS},
    {"peers", SEGMENT_PEERS, ALWAYS, 0, WHOLE},
    {"send_queue_messages", SEGMENT_SEND_QUEUE, ALWAYS, S, WHOLE},
    {"receive_queue_messages", SEGMENT_RECEIVE_QUEUE, ALWAYS, R, WHOLE},
    {"send_hwm_messages", SEGMENT_SEND_HWM, ALWAYS, S, WHOLE},
    {"receive_hwm_messages", SEGMENT_RECEIVE_HWM, ALWAYS, R, WHOLE},
    {"send_hwm_proximity_ratio", SEGMENT_SEND_FULLEST, ALWAYS, S, RATIO},
    {"receive_hwm_proximity_ratio", SEGMENT_RECEIVE_FULLEST, ALWAYS, R, RATIO},
    {"send_queue_oldest_message_age_seconds", SEGMENT_SEND_AGE_NS, ALWAYS, S, SECONDS},
    {"receive_queue_oldest_message_age_seconds", SEGMENT_RECEIVE_AGE_NS, ALWAYS, R, SECONDS},
    {"sent_messages", ROW(SENT_MESSAGES), WHOLE},
    {"sent_bytes", ROW(SENT_BYTES), WHOLE},
    {"received_messages", ROW(RECEIVED_MESSAGES), WHOLE},
    {"received_bytes", ROW(RECEIVED_BYTES), WHOLE},
    {"last_sent_timestamp_seconds", SEGMENT_LAST_SENT_NS, ALWAYS, S, SECONDS},
    {"last_received_timestamp_seconds", SEGMENT_LAST_RECEIVED_NS, ALWAYS, R, SECONDS},
    {"send_would_block", ROW(SEND_WOULD_BLOCK), WHOLE},
    {"send_would_block_no_peer", ROW(SEND_WOULD_BLOCK_NO_PEER), WHOLE},
    {"send_blocked_seconds", ROW(SEND_BLOCKED), SECONDS},
    {"send_blocked_no_peer_seconds", ROW(SEND_BLOCKED_NO_PEER), SECONDS},
    {"send_at_hwm_seconds", ROW(SEND_AT_HWM), SECONDS},
    {"dropped_hwm_messages", ROW(PUBLISHER_DROPPED), WHOLE},
    {"dropped_hwm_messages", ROW(ROUTER_DROPPED), WHOLE},
    {"dropped_unroutable_messages", ROW(DROPPED_UNROUTABLE), WHOLE},
    {"dropped_linger_messages", ROW(DROPPED_LINGER), WHOLE},
    {"dropped_disconnect_messages", ROW(DROPPED_DISCONNECT), WHOLE},
    {"largest_sent_frame_bytes", SEGMENT_LARGEST_SENT, ALWAYS, S, WHOLE},
    {"largest_received_frame_bytes", SEGMENT_LARGEST_RECEIVED, ALWAYS, R, WHOLE},
    {"concurrent_calls", ROW(CONCURRENT_CALLS), WHOLE},
    {"handshakes", ROW(HANDSHAKES), WHOLE},
    {"disconnects", ROW(DISCONNECTS), WHOLE},
    {"linger", SEGMENT_OPTION_LINGER, ALWAYS, 0, SIGNED},
    {"maxmsgsize", SEGMENT_OPTION_MAXMSGSIZE, ALWAYS, 0, SIGNED},
    {"heartbeat_ivl", SEGMENT_OPTION_HEARTBEAT_IVL, ALWAYS, 0, SIGNED},
    {"conflate", SEGMENT_OPTION_CONFLATE, ALWAYS, 0, SIGNED},
    {"mechanism", SEGMENT_OPTION_MECHANISM, ALWAYS, 0, SIGNED},
    {"handshake_ivl", SEGMENT_OPTION_HANDSHAKE_IVL, ALWAYS, 0, SIGNED},
    {"curve_server", SEGMENT_OPTION_CURVE_SERVER, ALWAYS, 0, SIGNED},
    {"plain_server", SEGMENT_OPTION_PLAIN_SERVER, ALWAYS, 0, SIGNED},
    {"zap_domain", SEGMENT_OPTION_ZAP_DOMAIN, ALWAYS, 0, SIGNED},
    {"ipv6", SEGMENT_OPTION_IPV6, ALWAYS, 0, SIGNED},
    {"heartbeat_timeout", SEGMENT_OPTION_HEARTBEAT_TIMEOUT, ALWAYS, 0, SIGNED},
    {"heartbeat_ttl", SEGMENT_OPTION_HEARTBEAT_TTL, ALWAYS, 0, SIGNED},
    {"sndtimeo", SEGMENT_OPTION_SNDTIMEO, ALWAYS, 0, SIGNED},
    {"rcvtimeo", SEGMENT_OPTION_RCVTIMEO, ALWAYS, 0, SIGNED},
    {"router_mandatory", SEGMENT_OPTION_ROUTER_MANDATORY, ALWAYS, 0, SIGNED},
    {"xpub_nodrop", SEGMENT_OPTION_XPUB_NODROP, ALWAYS, 0, SIGNED},
    {"binds", SEGMENT_BINDS, ALWAYS, 0, WHOLE},
    {"connects", SEGMENT_CONNECTS, ALWAYS, 0, WHOLE},
};

static_assert(sizeof(fields) / sizeof(*fields) <= TAP_SOCKET_MAX_FIELDS, "fields");

static bool is_measured(const struct tap_socket *self, unsigned capability)
{
    if (capability == ALWAYS)
        return true;
    uint32_t state = self->process->capabilities[capability].state;
    return state == SEGMENT_CAPABILITY_ON || state == SEGMENT_CAPABILITY_BOUND;
}

/* Words of a silent tap are stale, but for those that identify the socket. */
static bool is_stale(const struct tap_socket *self, unsigned word)
{
    return self->is_silent && word != SEGMENT_SERIAL && word != SEGMENT_OPENED_NS;
}

/* By its lane, which earlier sockets of the group may have had. */
static struct tap_unseen unseen_of(const struct tap_socket *self)
{
    return (struct tap_unseen){
        .type = self->group->type,
        .is_proxied = self->words[SEGMENT_PROXIED] != 0,
        .is_attached = self->words[SEGMENT_ATTACHED] != 0,
        .is_queue_depth_known = is_measured(self, SEGMENT_CAPABILITY_QUEUE_DEPTH),
    };
}

size_t tap_socket_fields(const struct tap_socket *self,
                         struct tap_socket_field ret_fields[TAP_SOCKET_MAX_FIELDS])
{
    unsigned traits = tap_type_traits(self->group->type);
    struct tap_unseen unseen = unseen_of(self);
    size_t n = 0;
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        uint64_t value = self->words[fields[i].word];
        bool is_gauge = fields[i].capability == ALWAYS;
        if ((fields[i].traits & ~traits) || !is_measured(self, fields[i].capability) ||
            (is_gauge && (value == SEGMENT_UNKNOWN || is_stale(self, fields[i].word))) ||
            (!is_gauge && tap_unseen_hides(&unseen, fields[i].word)))
            continue;
        ret_fields[n++] = (struct tap_socket_field){.name = fields[i].name,
                                                    .value = value,
                                                    .is_signed = fields[i].form == SIGNED,
                                                    .is_seconds = fields[i].form == SECONDS,
                                                    .is_ratio = fields[i].form == RATIO};
    }
    return n;
}

/* One walk over the directory. */
struct walk {
    int directory_fd;
    struct tap_host host;
    struct segment_reader reader;
    struct segment_group *groups; /* SEGMENT_MAX_GROUPS, of the current process */
    struct segment_lane lanes[16];
    unsigned n_rows;
    bool is_silent, is_contained; /* the current process */
    unsigned n_searches;
    int (*visit)(const struct tap_socket *socket, void *data);
    void *data;
};

static int visit_lane(struct walk *self, const struct segment_lane *lane)
{
    const struct segment_header *process = &self->reader.layout;
    uint64_t group = lane->words[SEGMENT_GROUP] - 1;
    uint64_t library = lane->words[SEGMENT_LIBRARY];
    if (lane->words[SEGMENT_STATE] != SEGMENT_LANE_OPEN || group >= process->n_groups ||
        self->n_rows == TAP_SOCKETS_MAX)
        return 0;
    self->n_rows++;
    const struct tap_socket socket = {
        .process = process,
        .group = &self->groups[group],
        .type = tap_type_name(self->groups[group].type),
        .library = library < process->n_libraries ? &process->libraries[library] : NULL,
        .words = lane->words,
        .is_silent = self->is_silent,
        .is_contained = self->is_contained,
    };
    return self->visit(&socket, self->data);
}

static int visit_lanes(struct walk *self)
{
    const uint32_t chunk = sizeof(self->lanes) / sizeof(*self->lanes);
    const struct segment_header *process = &self->reader.layout;
    int r = segment_reader_groups(&self->reader, 0, process->n_groups, self->groups);
    for (uint32_t first = 0; r == 0 && first < process->n_lanes; first += chunk) {
        uint32_t n = process->n_lanes - first < chunk ? process->n_lanes - first : chunk;
        r = segment_reader_lanes(&self->reader, first, n, self->lanes);
        for (uint32_t i = 0; r == 0 && i < n; i++)
            r = visit_lane(self, &self->lanes[i]);
    }
    return r > 0 ? 0 : r; /* a file that is cut meanwhile ends its process's rows */
}

static bool is_fresh(const struct segment_header *process, const struct tap_clock *clock)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t heard_ns = tap_clock_to_ours(clock, process->updated_ns);
    return now_ns < heard_ns || now_ns - heard_ns < TAP_SILENT_NS;
}

/* To find a process of another namespace takes a walk over all of /proc: not for those that are
 * heard, and for a few of the others. */
static bool is_worth_a_search(struct walk *self)
{
    static const struct tap_clock same = {.is_sure = true};
    if (!self->is_contained)
        return true;
    return !is_fresh(&self->reader.layout, &same) && self->n_searches++ < MAX_SEARCHES;
}

/* Running, as far as can be told, and known to be the one that the file's name says. */
static bool is_live(struct walk *self, const struct segment_name *name)
{
    const struct segment_header *process = &self->reader.layout;
    const struct tap_life_name wanted = {process->pid, process->start_ticks,
                                         process->pid_namespace};
    struct tap_life life = TAP_LIFE_NONE;
    self->is_contained = process->pid_namespace != self->host.pid_namespace;
    if (process->state != SEGMENT_LIVE || process->pid != name->pid ||
        process->start_ticks != name->start_ticks)
        return false;
    /* A container may have a boot id of its own. */
    if (!self->is_contained && *process->boot_id &&
        strcmp(process->boot_id, self->host.boot_id) != 0)
        return false;
    if (is_worth_a_search(self))
        tap_life_begin(&life, &self->host, &wanted, self->reader.owner);
    self->is_silent = !is_fresh(process, &life.clock);
    bool is_alive = life.state == TAP_LIFE_ALIVE ||
                    (life.state == TAP_LIFE_UNSURE && !self->is_silent);
    tap_life_end(&life);
    return is_alive;
}

static int visit_file(struct walk *self, const char *file)
{
    struct segment_name name;
    if (!segment_name_parse(file, &name) ||
        segment_reader_open(self->directory_fd, file, &self->reader) != 0)
        return 0;
    int r = segment_reader_begin(&self->reader, true);
    if (r == 0 && is_live(self, &name))
        r = visit_lanes(self);
    segment_reader_close(&self->reader);
    return r > 0 ? 0 : r;
}

/* By number, so that the order on a page does not depend on the file system. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static bool is_newer(const struct segment_header *a, const struct segment_header *b)
{
    return a->created_ns != b->created_ns ? a->created_ns > b->created_ns
                                          : a->updated_ns > b->updated_ns;
}

/* A process may have several files, of which the newest image's last is the one that counts. */
static const char *choose_file(struct walk *self, struct dirent *const *entries, int n)
{
    struct segment_header best = {0};
    const char *chosen = entries[0]->d_name;
    for (int i = 0; n > 1 && i < n; i++) {
        if (segment_reader_open(self->directory_fd, entries[i]->d_name, &self->reader) != 0)
            continue;
        if (segment_reader_begin(&self->reader, true) == 0 &&
            is_newer(&self->reader.layout, &best)) {
            best = self->reader.layout;
            chosen = entries[i]->d_name;
        }
        segment_reader_close(&self->reader);
    }
    return chosen;
}

static bool is_same_process(const char *a, const char *b)
{
    struct segment_name one, other;
    return segment_name_parse(a, &one) && segment_name_parse(b, &other) && one.pid == other.pid &&
           one.start_ticks == other.start_ticks;
}

static int visit_files(struct walk *self)
{
    struct dirent **entries;
    int n = scandirat(self->directory_fd, ".", &entries, NULL, compare_names);
    if (n < 0)
        return -errno;
    int r = 0;
    for (int i = 0, next; r == 0 && i < n; i = next) {
        for (next = i + 1; next < n; next++) {
            if (!is_same_process(entries[i]->d_name, entries[next]->d_name))
                break;
        }
        r = visit_file(self, choose_file(self, &entries[i], next - i));
    }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    return r;
}

int tap_sockets_each(const char *directory,
                     int (*visit)(const struct tap_socket *socket, void *data), void *data)
{
    cleanup_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    cleanup_free struct walk *walk = calloc(1, sizeof(*walk));
    cleanup_free struct segment_group *groups = calloc(SEGMENT_MAX_GROUPS, sizeof(*groups));
    if (!walk || !groups)
        return -ENOMEM;
    *walk = (struct walk){.directory_fd = fd, .groups = groups, .visit = visit, .data = data};
    int r = tap_host_init(&walk->host, "/proc");
    if (r == 0)
        r = visit_files(walk);
    tap_host_finish(&walk->host);
    return r;
}
