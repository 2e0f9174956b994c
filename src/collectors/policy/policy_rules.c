/* SPDX-License-Identifier: MPL-2.0 */
/* policy_rules - how a socket is set up: security, places, limits and options. */
#include "base/cleanup.h"
#include "collectors/policy/policy_settings.h"
#include "collectors/policy/policy_table.h"
#include "collectors/tap/tap_types.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

#define NS_PER_MS UINT64_C(1000000)

static bool is_beyond(const struct policy_socket *socket)
{
    return (socket->place.transport == POLICY_TCP || socket->place.transport == POLICY_CROWD) &&
           socket->place.reach != POLICY_WITHIN;
}

/* What a place that is bound asks. UNKNOWN where it is not known whether this one is. */
static enum policy_verdict bound_beyond(const struct policy_socket *socket)
{
    if (!is_beyond(socket) || socket->place.transport != POLICY_TCP)
        return POLICY_NOT_FOR;
    /* A wildcard is where a socket listens. */
    if (!policy_knows(socket, POLICY_BINDS))
        return socket->place.reach == POLICY_WILDCARD ? POLICY_BROKEN : POLICY_UNKNOWN;
    return policy_fact(socket, POLICY_BINDS) ? POLICY_BROKEN : POLICY_NOT_FOR;
}

enum policy_verdict policy_rule_plaintext(const struct policy_socket *socket,
                                          const struct policy_settings *settings,
                                          struct policy_detail *detail)
{
    (void)settings;
    if (!is_beyond(socket))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_MECHANISM))
        return POLICY_UNKNOWN;
    return policy_fact(socket, POLICY_MECHANISM) == ZMQ_NULL
               ? policy_broken(detail, "mechanism NULL: neither encrypted nor authenticated")
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_plain(const struct policy_socket *socket,
                                      const struct policy_settings *settings,
                                      struct policy_detail *detail)
{
    (void)settings;
    if (!is_beyond(socket))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_MECHANISM))
        return POLICY_UNKNOWN;
    return policy_fact(socket, POLICY_MECHANISM) == ZMQ_PLAIN
               ? policy_broken(detail, "mechanism PLAIN: the password crosses the network as it is")
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_curve_without_zap(const struct policy_socket *socket,
                                                  const struct policy_settings *settings,
                                                  struct policy_detail *detail)
{
    (void)settings;
    if (!policy_knows(socket, POLICY_MECHANISM) || !policy_knows(socket, POLICY_CURVE_SERVER))
        return POLICY_UNKNOWN;
    if (policy_fact(socket, POLICY_MECHANISM) != ZMQ_CURVE ||
        policy_fact(socket, POLICY_CURVE_SERVER) != 1)
        return POLICY_NOT_FOR;
    if (socket->zap == POLICY_ZAP_UNKNOWN)
        return POLICY_UNKNOWN;
    return socket->zap == POLICY_ZAP_HANDLER
               ? POLICY_KEPT
               : policy_broken(detail,
                               "no ZAP handler listens in its context: any client key may come in");
}

enum policy_verdict policy_rule_wildcard(const struct policy_socket *socket,
                                         const struct policy_settings *settings,
                                         struct policy_detail *detail)
{
    (void)settings;
    /* To connect to 0.0.0.0 is to connect to this host. */
    if (socket->place.transport != POLICY_TCP ||
        (policy_knows(socket, POLICY_BINDS) && policy_fact(socket, POLICY_BINDS) == 0))
        return POLICY_NOT_FOR;
    return socket->place.reach == POLICY_WILDCARD
               ? policy_broken(detail, "listens on every interface of the host")
               : POLICY_KEPT;
}

/* Of other types libzmq ignores ZMQ_CONFLATE (options.hpp, get_effective_conflate_option). */
static bool conflates(const struct policy_socket *socket)
{
    static const char *const types[] = {"DEALER", "PULL", "PUSH", "PUB", "SUB"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strcmp(socket->type, types[i]) == 0)
            return true;
    }
    return false;
}

enum policy_verdict policy_rule_unlimited_hwm(const struct policy_socket *socket,
                                              const struct policy_settings *settings,
                                              struct policy_detail *detail)
{
    (void)settings;
    bool sends = (socket->traits & TAP_TYPE_SENDS) &&
                 !(socket->traits & TAP_TYPE_SENDS_SUBSCRIPTIONS);
    bool receives = (socket->traits & TAP_TYPE_RECEIVES) && !(socket->traits & TAP_TYPE_PUBLISHES);
    if ((sends && !policy_knows(socket, POLICY_SEND_HWM)) ||
        (receives && !policy_knows(socket, POLICY_RECEIVE_HWM)))
        return POLICY_UNKNOWN;
    if (policy_fact(socket, POLICY_CONFLATE) == 1 && conflates(socket))
        return POLICY_NOT_FOR;
    bool is_unlimited = (sends && policy_fact(socket, POLICY_SEND_HWM) == 0) ||
                        (receives && policy_fact(socket, POLICY_RECEIVE_HWM) == 0);
    if (is_unlimited && !policy_knows(socket, POLICY_CONFLATE) && conflates(socket))
        return POLICY_UNKNOWN;
    if (sends && policy_fact(socket, POLICY_SEND_HWM) == 0)
        return policy_broken(detail, "ZMQ_SNDHWM is 0: the send queue may take all memory");
    if (receives && policy_fact(socket, POLICY_RECEIVE_HWM) == 0)
        return policy_broken(detail, "ZMQ_RCVHWM is 0: the receive queue may take all memory");
    return POLICY_KEPT;
}

/* What is known of the messages of one direction. */
struct traffic {
    enum policy_fact hwm, messages, bytes, largest;
};

/* Bytes of the largest message seen: its frame, or the mean message where that is more, as of
 * several frames. 0: not known. */
static double largest_message(const struct policy_socket *socket, const struct traffic *traffic)
{
    double largest = policy_knows(socket, traffic->largest)
                         ? (double)policy_fact(socket, traffic->largest)
                         : 0;
    bool is_mean_known = policy_knows(socket, traffic->messages) &&
                         policy_knows(socket, traffic->bytes) &&
                         policy_fact(socket, traffic->messages) > 0;
    double mean = is_mean_known ? (double)policy_fact(socket, traffic->bytes) /
                                      (double)policy_fact(socket, traffic->messages)
                                : 0;
    return largest > mean ? largest : mean;
}

/* Bytes that its queues may hold; 0: not known. */
static double queue_bytes(const struct policy_socket *socket, const struct traffic *traffic)
{
    if (!policy_knows(socket, traffic->hwm))
        return 0;
    uint64_t peers = policy_knows(socket, POLICY_PEERS) && policy_fact(socket, POLICY_PEERS) > 0
                         ? policy_fact(socket, POLICY_PEERS)
                         : 1;
    return (double)policy_fact(socket, traffic->hwm) * (double)peers *
           largest_message(socket, traffic);
}

enum policy_verdict policy_rule_hwm_memory(const struct policy_socket *socket,
                                           const struct policy_settings *settings,
                                           struct policy_detail *detail)
{
    static const struct traffic sent = {POLICY_SEND_HWM, POLICY_SENT_MESSAGES, POLICY_SENT_BYTES,
                                        POLICY_LARGEST_SENT};
    static const struct traffic received = {POLICY_RECEIVE_HWM, POLICY_RECEIVED_MESSAGES,
                                            POLICY_RECEIVED_BYTES, POLICY_LARGEST_RECEIVED};
    double out = queue_bytes(socket, &sent), in = queue_bytes(socket, &received);
    double most = out > in ? out : in;
    if (most <= 0)
        return POLICY_UNKNOWN;
    return most > (double)settings->memory_limit_bytes
               ? policy_broken(detail,
                               "its full %s queues would hold %.0f MiB of messages as large as the "
                               "largest seen, of %.0f bytes",
                               out > in ? "send" : "receive", most / (double)(1 << 20) + 0.5,
                               largest_message(socket, out > in ? &sent : &received))
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_unequal_hwm(const struct policy_socket *socket,
                                            const struct policy_settings *settings,
                                            struct policy_detail *detail)
{
    if (socket->peer_hwm == SEGMENT_UNKNOWN || !policy_knows(socket, POLICY_SEND_HWM))
        return socket->traits & TAP_TYPE_SENDS ? POLICY_UNKNOWN : POLICY_NOT_FOR;
    uint64_t own = policy_fact(socket, POLICY_SEND_HWM), other = socket->peer_hwm;
    uint64_t low = own < other ? own : other, high = own < other ? other : own;
    if (own == other || (low && high / low < (uint64_t)settings->unequal_factor))
        return POLICY_KEPT;
    return policy_broken(detail,
                         "ZMQ_SNDHWM is %" PRIu64 " here, ZMQ_RCVHWM %" PRIu64 " at its receiver",
                         own, other);
}

enum policy_verdict policy_rule_max_message_size(const struct policy_socket *socket,
                                                 const struct policy_settings *settings,
                                                 struct policy_detail *detail)
{
    (void)settings;
    enum policy_verdict bound = bound_beyond(socket);
    if (bound != POLICY_BROKEN)
        return bound;
    if (!(socket->traits & TAP_TYPE_RECEIVES))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_MAXMSGSIZE))
        return POLICY_UNKNOWN;
    return policy_signed(socket, POLICY_MAXMSGSIZE) < 0
               ? policy_broken(detail, "ZMQ_MAXMSGSIZE is -1: one message may take all memory")
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_heartbeat(const struct policy_socket *socket,
                                          const struct policy_settings *settings,
                                          struct policy_detail *detail)
{
    if (!is_beyond(socket) || socket->place.transport != POLICY_TCP)
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_HEARTBEAT_IVL) || !policy_knows(socket, POLICY_OPENED_NS))
        return POLICY_UNKNOWN;
    if (policy_signed(socket, POLICY_HEARTBEAT_IVL) > 0 ||
        policy_signed(socket, POLICY_TCP_KEEPALIVE) == 1)
        return POLICY_KEPT;
    uint64_t opened_ns = policy_fact(socket, POLICY_OPENED_NS);
    if (socket->now_ns < opened_ns ||
        socket->now_ns - opened_ns < (uint64_t)settings->long_lived_ms * NS_PER_MS)
        return POLICY_NOT_FOR;
    return policy_broken(detail,
                         "ZMQ_HEARTBEAT_IVL is 0 and TCP keepalive off: a peer that vanished is "
                         "noticed by nobody");
}

enum policy_verdict policy_rule_handshake_timeout(const struct policy_socket *socket,
                                                  const struct policy_settings *settings,
                                                  struct policy_detail *detail)
{
    (void)settings;
    enum policy_verdict bound = bound_beyond(socket);
    if (bound != POLICY_BROKEN)
        return bound;
    if (!policy_knows(socket, POLICY_HANDSHAKE_IVL))
        return POLICY_UNKNOWN;
    return policy_signed(socket, POLICY_HANDSHAKE_IVL) == 0
               ? policy_broken(detail, "ZMQ_HANDSHAKE_IVL is 0: silent connections stay for ever")
               : POLICY_KEPT;
}

static bool lingers(const struct policy_socket *socket)
{
    return (socket->traits & TAP_TYPE_SENDS) && !(socket->traits & TAP_TYPE_SENDS_SUBSCRIPTIONS) &&
           socket->place.transport != POLICY_INPROC && socket->place.transport != POLICY_NOWHERE;
}

enum policy_verdict policy_rule_infinite_linger(const struct policy_socket *socket,
                                                const struct policy_settings *settings,
                                                struct policy_detail *detail)
{
    (void)settings;
    if (!lingers(socket))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_LINGER))
        return POLICY_UNKNOWN;
    return policy_signed(socket, POLICY_LINGER) < 0
               ? policy_broken(
                     detail, "ZMQ_LINGER is -1: the program cannot end while a peer does not take "
                             "what is queued")
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_zero_linger(const struct policy_socket *socket,
                                            const struct policy_settings *settings,
                                            struct policy_detail *detail)
{
    (void)settings;
    static const char *const types[] = {"PUSH", "DEALER", "REP", "ROUTER", "PAIR"};
    bool is_concerned = false;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        is_concerned |= strcmp(socket->type, types[i]) == 0;
    if (!is_concerned || !lingers(socket))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_LINGER) || !policy_knows(socket, POLICY_SENT_MESSAGES))
        return POLICY_UNKNOWN;
    return policy_signed(socket, POLICY_LINGER) == 0 && policy_fact(socket, POLICY_SENT_MESSAGES)
               ? policy_broken(detail, "ZMQ_LINGER is 0: what is queued when it is closed is lost")
               : POLICY_KEPT;
}

/* As the process sees it: links are followed within its own root. `size` bytes of the path. */
static bool stat_in(int folder, const char *path, size_t size, struct stat *ret_status)
{
    char text[sizeof(((struct policy_socket *)0)->endpoint)];
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    (void)snprintf(text, sizeof(text), "%.*s", (int)size, path);
    cleanup_fd int fd = (int)syscall(SYS_openat2, folder, *text ? text : ".", &how, sizeof(how));
    return fd >= 0 && fstat(fd, ret_status) == 0;
}

static bool is_open_folder(const struct stat *status)
{
    return (status->st_mode & S_IWOTH) && !(status->st_mode & S_ISVTX);
}

/* A path that does not begin with '/' is from the process's working directory. */
static int open_base(const struct policy_socket *socket, const char *path)
{
    char base[64];
    (void)snprintf(base, sizeof(base), "/proc/%" PRIu64 "/%s", socket->process->pid,
                   *path == '/' ? "root" : "cwd");
    return open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

enum policy_verdict policy_rule_ipc_open(const struct policy_socket *socket,
                                         const struct policy_settings *settings,
                                         struct policy_detail *detail)
{
    struct stat status, folder;
    (void)settings;
    const char *path = socket->endpoint + strlen("ipc://");
    if (socket->place.transport != POLICY_IPC || *path == '@')
        return POLICY_NOT_FOR;
    if (policy_knows(socket, POLICY_BINDS) && policy_fact(socket, POLICY_BINDS) == 0)
        return POLICY_NOT_FOR;
    const char *slash = strrchr(path, '/');
    cleanup_fd int base = socket->process->is_reachable ? open_base(socket, path) : -1;
    if (base < 0 || !stat_in(base, path, strlen(path), &status) ||
        !stat_in(base, path, slash ? (size_t)(slash - path) : 0, &folder))
        return POLICY_UNKNOWN;
    if (status.st_mode & S_IWOTH)
        return policy_broken(detail, "mode %03o, owner %u: every user of the host may connect",
                             status.st_mode & 0777, status.st_uid);
    if (is_open_folder(&folder))
        return policy_broken(
            detail, "its folder has mode %04o: every user may put a socket of his own there",
            folder.st_mode & 07777);
    return POLICY_KEPT;
}

enum policy_verdict policy_rule_ipc_abstract(const struct policy_socket *socket,
                                             const struct policy_settings *settings,
                                             struct policy_detail *detail)
{
    (void)settings;
    if (socket->place.transport != POLICY_IPC)
        return POLICY_NOT_FOR;
    return socket->endpoint[strlen("ipc://")] == '@'
               ? policy_broken(detail,
                               "an abstract name has no permissions: every user of the host may "
                               "connect, or take the name first")
               : POLICY_KEPT;
}
