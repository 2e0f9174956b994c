/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_process - one process's account: what its segment said when it could last be read.
 *
 * A reading is taken whole or not at all: while a file is torn, cut or gone, the account stays as
 * it was, so that no sum over processes decreases. The account of a process outlives its file.
 *
 * States, and what an account in it adds to the page:
 *   NEW       not read yet, or not to be read for now  nothing
 *   LIVE      running, with a heartbeat                counters and gauges
 *   SILENT    running or may be, without a heartbeat   counters
 *   DEAD      over, to be folded                       counters
 *   PARKED    silent for long; its file is removed     counters
 *   FOLDED    in the sums of the dead; file remains    nothing
 *   REFUSED   not a segment, or forged                 nothing
 *
 * Thread: one. Owns: the reader, the accounts; groups and program are borrowed and counted.
 */
#ifndef COLLECTORS_TAP_TAP_PROCESS_H
#define COLLECTORS_TAP_TAP_PROCESS_H

#include "collectors/peers/peer_table.h"
#include "collectors/tap/tap_folded.h"
#include "collectors/tap/tap_groups.h"
#include "collectors/tap/tap_life.h"
#include "collectors/tap/tap_quota.h"
#include "segment/segment_reader.h"

/* A tap writes ten times a second. A gauge may be as old as this, and a tap that gets no processor
 * on a busy machine is still heard. */
#define TAP_SILENT_NS          (3 * CLOCK_NS_PER_SECOND)
#define TAP_SEARCH_INTERVAL_NS (60 * CLOCK_NS_PER_SECOND)
#define TAP_PARKED_NS          (3600 * CLOCK_NS_PER_SECOND)
#define TAP_READING_ATTEMPTS   3u

/* Of a process that the reader sees from outside: as a capability, and as its pid namespace, so
 * that its id is no tapped process's. */
#define TAP_PEEKED           (UINT32_C(1) << 31)
#define TAP_PEEKED_NAMESPACE UINT64_MAX

enum tap_process_state {
    TAP_PROCESS_NEW,
    TAP_PROCESS_LIVE,
    TAP_PROCESS_SILENT,
    TAP_PROCESS_DEAD,
    TAP_PROCESS_PARKED,
    TAP_PROCESS_FOLDED,
    TAP_PROCESS_REFUSED,
    TAP_N_PROCESS_STATES
};

struct tap_process {
    char file[80]; /* name in the directory; empty: none */
    struct segment_name name;
    bool is_on_disk;
    bool has_lost_name; /* another file has it */
    enum tap_process_state state;
    struct tap_process_id id;     /* known once it was read */
    uid_t owner;                  /* of the file */
    uint64_t updated_ns;          /* last heartbeat, by its own clock */
    uint64_t heard_ns;            /* the same by the agent's */
    uint64_t seen_ns;             /* when the agent found the file */
    uint64_t searched_ns;         /* when the process was last looked for; 0: never */
    struct segment_reader reader; /* fd -1: closed */
    struct tap_life life;
    struct tap_life last_life; /* of one that was folded */
    bool is_closed;            /* the process said so */
    bool is_superseded;        /* a newer image of the process has taken over */
    bool is_of_another_boot;
    bool is_dropped;  /* its counters are in another account */
    bool is_rubbish;  /* not even the beginning of a segment */
    bool is_left_out; /* there was no place for it, or it is too large for what is left */
    bool has_reading; /* id and account are known */
    struct tap_program *program;
    struct tap_group **groups; /* by index in the segment */
    struct tap_account *accounts;
    uint32_t n_groups, groups_capacity;
    uint32_t n_lanes;
    uint64_t counters[TAP_N_PROCESS_COUNTERS];
    uint8_t capabilities[SEGMENT_N_CAPABILITIES]; /* enum segment_capability_state */
    uint32_t known;                               /* capabilities on or bound: bits */
    struct tap_usage context_sockets, descriptors;
    uint64_t descriptors_ns; /* when they were counted */
};

/* Memory for a reading, shared by all processes of one agent. */
struct tap_scratch {
    struct tap_account *accounts;
    uint32_t capacity;
    struct segment_lane lanes[32];
};

/* What a reading needs; all borrowed. */
struct tap_reading {
    int directory_fd;
    const struct tap_host *host;
    struct tap_groups *groups;
    struct tap_scratch *scratch;
    const struct tap_quota *quota;  /* without the process itself */
    const struct peer_table *peers; /* NULL: not known */
    uint64_t now_ns;
};

int tap_process_new(const char *file, const struct segment_name *name, uint64_t now_ns,
                    struct tap_process **ret_process);
void tap_process_destroy(struct tap_process **self_p, uint64_t now_ns);

/* Opens the file and reads it, or reads it again; with `is_forced` also where no round was
 * finished since. Sets REFUSED where it is no segment. A file that may not be read, or is too
 * large for what its owner may take, is tried again each time and is no error.
 * Errors: -errno of what may pass: the account is as it was. */
int tap_process_read(struct tap_process *self, const struct tap_reading *reading, bool is_forced);

/* Looks for the process by what the header says of it. */
void tap_process_search(struct tap_process *self, const struct tap_host *host, uint64_t now_ns);

/* Whether the process runs, as far as can be told, but does not write. */
static inline bool tap_process_is_silent(const struct tap_process *self)
{
    return self->state == TAP_PROCESS_SILENT && self->life.state == TAP_LIFE_ALIVE;
}

/* Sets LIVE, SILENT, DEAD or PARKED by what is known of its life. */
void tap_process_judge(struct tap_process *self, uint64_t now_ns);

/* Makes room for `n` groups, and gives the account and group places. For the state file. */
int tap_process_reserve(struct tap_process *self, uint32_t n);

/* Adds the account to the sums of the scrape. */
void tap_process_add(const struct tap_process *self, uint64_t now_ns);

/* Adds the counters to those of folded processes, and forgets the account: FOLDED. */
int tap_process_fold(struct tap_process *self, uint64_t now_ns);

/* Forgets the account, which is part of another: REFUSED. */
void tap_process_drop(struct tap_process *self, uint64_t now_ns);

/* Closes file and pidfd. */
void tap_process_close(struct tap_process *self);

static inline bool tap_process_counts(const struct tap_process *self)
{
    return self->state == TAP_PROCESS_LIVE || self->state == TAP_PROCESS_SILENT ||
           self->state == TAP_PROCESS_DEAD || self->state == TAP_PROCESS_PARKED;
}

#endif
