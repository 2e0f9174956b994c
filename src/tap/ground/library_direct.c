/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/library_entries.h"

struct library_direct library_direct;
static bool has_ended;

/* As the copy has it, or as a caller of it is bound. */
static library_any_function find(const struct loaded *loaded, library_any_function known,
                                 const char *name)
{
    uint32_t place = library_entries[0].place;
    return known ? known : (library_any_function)loaded_find_function(loaded, place, name);
}

#define FIND(name)                                                                                 \
    ((__typeof__(library_direct.name))find(loaded, (library_any_function)library_list[0].name,     \
                                           "zmq_" #name))

static bool find_functions(const struct loaded *loaded)
{
    library_direct.send = FIND(send);
    library_direct.recv = FIND(recv);
    library_direct.msg_send = FIND(msg_send);
    library_direct.msg_recv = FIND(msg_recv);
    return library_direct.send && library_direct.recv && library_direct.msg_send &&
           library_direct.msg_recv;
}

/* Whoever sees a size that is not 0 sees what belongs to it; and whoever made a socket of the copy
 * that was here before cannot call any more. */
void library_set_direct(const struct loaded *loaded)
{
    const struct library *first = &library_list[0];
    __atomic_store_n(&library_direct.size, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&has_ended, __ATOMIC_RELAXED) || first->end == 0 || !find_functions(loaded))
        return;
    __atomic_store_n(&library_direct.begin, first->begin, __ATOMIC_SEQ_CST);
    __atomic_store_n(&library_direct.size, first->end - first->begin, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&has_ended, __ATOMIC_SEQ_CST))
        __atomic_store_n(&library_direct.size, 0, __ATOMIC_SEQ_CST);
}

void library_end_direct(void)
{
    if (__atomic_load_n(&has_ended, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&has_ended, true, __ATOMIC_SEQ_CST);
    __atomic_store_n(&library_direct.size, 0, __ATOMIC_SEQ_CST);
}
