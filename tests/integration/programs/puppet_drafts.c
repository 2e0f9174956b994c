/* SPDX-License-Identifier: MPL-2.0 */
/* What is in libzmq's drafts alone: found by name, since an ordinary zmq.h does not declare it. */
#include "puppet.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void *find(const char *name)
{
    void *function = dlsym(RTLD_DEFAULT, name);
    if (!function)
        errno = ENOSYS;
    return function;
}

void puppet_join(void *socket, const struct puppet_words *words)
{
    int (*join)(void *, const char *) = (int (*)(void *, const char *))find("zmq_join");
    if (!join || join(socket, puppet_text(words, 2)) < 0)
        puppet_answer_errno();
    else
        puppet_answer("ok 0");
}

void puppet_connect_peer(void *socket, const struct puppet_words *words)
{
    uint32_t (*connect_peer)(void *, const char *) = (uint32_t(*)(void *, const char *))find(
        "zmq_connect_peer");
    uint32_t id = connect_peer ? connect_peer(socket, puppet_text(words, 2)) : 0;
    if (id == 0)
        puppet_answer_errno();
    else
        puppet_answer("ok %08x", id);
}

void puppet_receive_id(void *socket)
{
    uint32_t (*id_of)(zmq_msg_t *) = (uint32_t(*)(zmq_msg_t *))find("zmq_msg_routing_id");
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (!id_of || zmq_msg_recv(&message, socket, 0) < 0)
        puppet_answer_errno();
    else
        puppet_answer("ok %08x", id_of(&message));
    zmq_msg_close(&message);
}

static int address(zmq_msg_t *message, const struct puppet_words *words)
{
    int (*to_group)(zmq_msg_t *,
                    const char *) = (int (*)(zmq_msg_t *, const char *))find("zmq_msg_set_group");
    int (*to_id)(zmq_msg_t *,
                 uint32_t) = (int (*)(zmq_msg_t *, uint32_t))find("zmq_msg_set_routing_id");
    unsigned int id = 0;
    if (!to_group || !to_id)
        return -1;
    if (strcmp(puppet_text(words, 6), "to_group") == 0)
        return to_group(message, puppet_text(words, 7));
    sscanf(puppet_text(words, 7), "%x", &id);
    return to_id(message, id);
}

int puppet_send_addressed(void *socket, const void *data, const struct puppet_words *words)
{
    size_t size = (size_t)puppet_number(words, 3, 1);
    zmq_msg_t message;
    zmq_msg_init_size(&message, size);
    memcpy(zmq_msg_data(&message), data, size);
    int rc = address(&message, words);
    if (rc >= 0)
        rc = zmq_msg_send(&message, socket, (int)puppet_number(words, 5, 0));
    int error = errno;
    zmq_msg_close(&message);
    errno = error;
    return rc;
}
