/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_groups - the label sets that the agent has seen, each interned once.
 *
 * Programs, and groups of sockets: (program, type, endpoint, name). Their label texts are
 * rendered when they appear. Both are bounded: beyond the limit a group is the one with endpoint
 * (other) of its program and type, and a program is the program (other).
 *
 * A group that no process has had for TAP_GROUP_IDLE_NS is not shown any more, so that a page is
 * of what is there; its counters are kept, and go on from where they were if it is back. Only if
 * the limit is met it gives up its place to a new one and is forgotten: added to (other) its
 * past would look like events of now. One that was taken in with a file that then turned out to
 * be no segment gives up its place at once, and is never shown.
 *
 * Also holds what folded processes counted (base_*), and the sums of the scrape being made.
 *
 * Thread: one. Owns: texts and groups; a label text that a page may still be using lives on for
 * TAP_LABELS_LINGER_NS. Errors: NULL means -ENOMEM.
 */
#ifndef COLLECTORS_TAP_TAP_GROUPS_H
#define COLLECTORS_TAP_TAP_GROUPS_H

#include "base/clock.h"
#include "collectors/tap/tap_account.h"
#include "metrics/samples.h"

#define TAP_MAX_PROGRAMS        256u
#define TAP_GROUP_IDLE_NS       (3600 * CLOCK_NS_PER_SECOND)
#define TAP_LABELS_LINGER_NS    (600 * CLOCK_NS_PER_SECOND)
#define TAP_N_CAPABILITY_STATES 4u

/* Counters of a process that are not of its sockets. */
#define TAP_PROCESS_COUNTERS(X)                                                                    \
    X(UNTRACKED_SOCKETS, untracked_sockets)                                                        \
    X(FOLDED_GROUPS, folded_groups)                                                                \
    X(ROUNDS_FAILED, rounds_failed)                                                                \
    X(SAMPLES, samples)                                                                            \
    X(CPU_NS, tap_cpu_ns)

enum tap_process_counter {
#define X(id, field) TAP_PROCESS_##id,
    TAP_PROCESS_COUNTERS(X)
#undef X
    /* Counted when the process has ended, by how it did. */
    TAP_PROCESS_ORDERLY_ENDS,
    TAP_PROCESS_ABRUPT_ENDS,
    TAP_PROCESS_API_ERRORS, /* the first of SEGMENT_PROCESS_ERRORS_SIZE */
    TAP_N_PROCESS_COUNTERS = TAP_PROCESS_API_ERRORS + SEGMENT_PROCESS_ERRORS_SIZE
};

/* Something used of something limited, where the nearest to its limit is what counts. */
struct tap_usage {
    uint64_t used, limit;
    bool is_known;
};

struct tap_program {
    char *name;
    struct label_text labels;
    uint64_t base[TAP_N_PROCESS_COUNTERS];
    bool has_base;            /* processes were folded into it */
    uint64_t base_created_ns; /* when the first of them began to count; 0: not known */
    uint32_t n_groups;        /* that belong to it */
    uint32_t n_users;         /* processes */
    uint64_t last_used_ns;
    /* Of the scrape. */
    uint64_t created_ns; /* of all that is in counters; 0: not known */
    uint64_t counters[TAP_N_PROCESS_COUNTERS];
    uint32_t n_accounts;        /* that were added */
    uint32_t n_processes;       /* running */
    uint32_t n_heard, n_silent; /* of these, with a heartbeat, and without */
    uint32_t n_tapped;          /* accounts of taps, ended or not */
    uint64_t started_ns;        /* when the oldest that is heard began; UINT64_MAX: none */
    struct tap_usage context_sockets, descriptors;
    uint32_t capabilities[SEGMENT_N_CAPABILITIES][TAP_N_CAPABILITY_STATES];
};

struct tap_group {
    struct tap_program *program;
    uint32_t type; /* SEGMENT_N_TYPES: one that this agent does not know */
    char *endpoint;
    char *name;
    uint32_t hash;
    struct label_text labels;
    uint32_t n_users; /* processes */
    uint64_t last_used_ns;
    uint64_t *base;           /* counters of folded processes; NULL: none */
    uint64_t base_created_ns; /* when the first of them began to count; 0: not known */
    uint32_t base_known;      /* capabilities that one of them had: bit 1 << SEGMENT_CAPABILITY_* */
    /* Of the scrape. */
    struct tap_account sum;
    uint64_t created_ns;  /* of all that is in its counters; 0: not known */
    uint32_t n_accounts;  /* that were added */
    uint32_t known;       /* capabilities of its running processes */
    uint32_t known_once;  /* of those that are not, folded or not yet */
    uint32_t n_processes; /* with a heartbeat */
    uint32_t n_silent;    /* running without one, with open sockets when they were heard last */
    /* Of processes that are seen from outside: sockets that libzmq keeps though they are closed. */
    uint64_t n_lingering, lingering_messages;
};

struct tap_groups {
    uint32_t max_groups;
    struct tap_group **groups; /* in the order of their appearance */
    size_t n_groups, groups_capacity;
    size_t n_ordinary; /* those that count against the limit */
    uint32_t *slots;   /* open addressing: index in groups + 1 */
    size_t n_slots;    /* a power of two */
    struct tap_program **programs;
    size_t n_programs, programs_capacity;
    struct tap_text *retired; /* label texts, newest first */
    /* At the limit: the order is to be saved, so that the next agent keeps the same groups. */
    bool has_new_order;
};

void tap_groups_init(struct tap_groups *self, uint32_t max_groups);
void tap_groups_finish(struct tap_groups *self);

/* The program of that name; the caller counts itself in n_users while it uses it. */
struct tap_program *tap_groups_program(struct tap_groups *self, const char *name, uint64_t now_ns);

/* The group, made if it is new; the caller counts itself in n_users while it uses it. A refusal
 * by the limit is counted in the program's base. */
struct tap_group *tap_groups_intern(struct tap_groups *self, struct tap_program *program,
                                    const struct segment_group *group, uint64_t now_ns);

/* Counters of folded processes. */
struct tap_past {
    const uint64_t *counters;
    uint64_t created_ns;
    uint32_t known; /* capabilities */
};

/* Adds them to a group's, after the memory for it was prepared (-ENOMEM). */
int tap_group_prepare_base(struct tap_group *self);
void tap_group_add_base(struct tap_group *self, const struct tap_past *past);
void tap_program_add_base(struct tap_program *self, const struct tap_past *past);

/* What was before both: of unknown age if one is. */
static inline uint64_t tap_earlier(uint64_t one_ns, uint64_t other_ns)
{
    return one_ns < other_ns ? one_ns : other_ns;
}

void tap_usage_add(struct tap_usage *self, const struct tap_usage *other);

/* After the sums of the scrape were made. */
static inline bool tap_group_is_shown(const struct tap_group *self, uint64_t now_ns)
{
    return (self->base || self->n_accounts) && now_ns - self->last_used_ns <= TAP_GROUP_IDLE_NS;
}

static inline bool tap_program_is_shown(const struct tap_program *self)
{
    return self->has_base || self->n_accounts;
}

static inline bool tap_groups_is_full(const struct tap_groups *self)
{
    return self->n_ordinary >= self->max_groups;
}

/* Sets the sums of the scrape to what folded processes left. */
void tap_groups_start(struct tap_groups *self);

/* Frees label texts that no page can be using any more. */
void tap_groups_clean(struct tap_groups *self, uint64_t now_ns);

#endif
