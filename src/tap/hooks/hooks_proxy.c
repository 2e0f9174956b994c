/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a proxy's messages pass no hook; while it runs, its sockets are followed by the accounts
 * of their pipes.
 */
#include "tap/hooks/hooks.h"
#include "tap/sampling/proxies.h"

static struct registry_socket *socket_of(const void *handle)
{
    const struct registry_slot *slot = handle ? registry_find(handle) : NULL;
    return slot ? slot->socket : NULL;
}

struct members {
    struct registry_socket *sockets[PROXY_N_ROLES];
};

static struct members members_of(const void *frontend, const void *backend, const void *capture,
                                 const void *control)
{
    return (struct members){
        {socket_of(frontend), socket_of(backend), socket_of(capture), socket_of(control)}};
}

/* What libzmq refuses at once is no proxy. */
static void begin_following(const struct members *members, const void *frontend,
                            const void *backend)
{
    if (frontend && backend)
        proxies_begin(members->sockets);
}

/* NULL where the tap tracks none of them. */
static const struct library *library_of(const struct members *members)
{
    for (int i = 0; i < PROXY_N_ROLES; i++) {
        if (members->sockets[i])
            return members->sockets[i]->library;
    }
    return NULL;
}

int zmq_proxy(void *frontend, void *backend, void *capture)
{
    struct members members = members_of(frontend, backend, capture, NULL);
    const struct library *library = library_of(&members);
    if (!library)
        return HOOK_PASS_SOCKET(frontend ? frontend : backend, HOOK_CALLER, proxy, -1, frontend,
                                backend, capture);
    begin_following(&members, frontend, backend);
    int rc = library->proxy(frontend, backend, capture);
    proxies_end();
    return rc;
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control)
{
    struct members members = members_of(frontend, backend, capture, control);
    const struct library *library = library_of(&members);
    if (!library)
        return HOOK_PASS_SOCKET(frontend ? frontend : backend, HOOK_CALLER, proxy_steerable, -1,
                                frontend, backend, capture, control);
    begin_following(&members, frontend, backend);
    int rc = library->proxy_steerable(frontend, backend, capture, control);
    proxies_end();
    return rc;
}

int zmq_device(int type, void *frontend, void *backend)
{
    struct members members = members_of(frontend, backend, NULL, NULL);
    const struct library *library = library_of(&members);
    if (!library)
        return HOOK_PASS_SOCKET(frontend ? frontend : backend, HOOK_CALLER, device, -1, type,
                                frontend, backend);
    begin_following(&members, frontend, backend);
    int rc = library->device(type, frontend, backend);
    proxies_end();
    return rc;
}
