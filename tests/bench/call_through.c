/* SPDX-License-Identifier: MPL-2.0 */
/*
 * call_through - preloaded, it stands before the functions that send and receive, and does nothing
 * but call them: what any preloaded library costs.
 *
 * Compiled with CALL_PADDED as well (`call_padded`), zmq_send and zmq_recv do as many instructions
 * as the tap's, loads and stores among them, which say nothing of the socket: what is slower with
 * the tap and not with it would be more than instructions.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <zmq.h>

static int (*real_send)(void *, const void *, size_t, int);
static int (*real_recv)(void *, void *, size_t, int);
static int (*real_sendmsg)(void *, zmq_msg_t *, int);
static int (*real_recvmsg)(void *, zmq_msg_t *, int);

__attribute__((constructor)) static void find(void)
{
    *(void **)&real_send = dlsym(RTLD_NEXT, "zmq_send");
    *(void **)&real_recv = dlsym(RTLD_NEXT, "zmq_recv");
    *(void **)&real_sendmsg = dlsym(RTLD_NEXT, "zmq_sendmsg");
    *(void **)&real_recvmsg = dlsym(RTLD_NEXT, "zmq_recvmsg");
}

#ifdef CALL_PADDED
/* Of each side alone, as the tap's slots and words are. */
static struct side {
    uint64_t calls __attribute__((aligned(256)));
    uint64_t kept[3];
    uint64_t sums[2] __attribute__((aligned(256)));
} sender, receiver;

/* With those of the call 26, as a send has with the tap; a receive has 23. */
#define PAD(side)                                                                                  \
    __asm__ volatile("imul $0x11655fbd, %k1, %k0\n\tshr $18, %k0\n\tshl $8, %0\n\tadd %1, %0\n\t"  \
                     "lea 1(%1), %0\n\tcmp %0, %2\n\tje 1f\n1:\tjmp 2f\n2:\tcmp %k0, %2\n\t"       \
                     "mov %0, %3\n\tmov %0, %4\n\tmov %k0, %5\n\tje 3f\n3:\tor %2, %0"             \
                     : "=&r"(scratch)                                                              \
                     : "r"(&(side)), "m"((side).calls), "m"((side).kept[0]), "m"((side).kept[1]),  \
                       "m"((side).kept[2])                                                         \
                     : "memory", "cc")
#define COUNT(side)                                                                                \
    __asm__ volatile("cmp %k0, %1\n\tje 1f\n1:\tmov %1, %0\n\tmov %2, %0\n\tadd %0, %3\n\t"        \
                     "addq $1, %4"                                                                 \
                     : "=&r"(scratch)                                                              \
                     : "m"((side).calls), "m"((side).kept[1]), "m"((side).sums[0]),                \
                       "m"((side).sums[1])                                                         \
                     : "memory", "cc")

int zmq_send(void *socket, const void *buffer, size_t size, int flags)
{
    uint64_t scratch;
    PAD(sender);
    int rc = real_send(socket, buffer, size, flags);
    COUNT(sender);
    return rc;
}

int zmq_recv(void *socket, void *buffer, size_t size, int flags)
{
    uint64_t scratch;
    PAD(receiver);
    int rc = real_recv(socket, buffer, size, flags);
    COUNT(receiver);
    return rc;
}
#else
int zmq_send(void *socket, const void *buffer, size_t size, int flags)
{
    return real_send(socket, buffer, size, flags);
}

int zmq_recv(void *socket, void *buffer, size_t size, int flags)
{
    return real_recv(socket, buffer, size, flags);
}
#endif

int zmq_sendmsg(void *socket, zmq_msg_t *message, int flags)
{
    return real_sendmsg(socket, message, flags);
}

int zmq_recvmsg(void *socket, zmq_msg_t *message, int flags)
{
    return real_recvmsg(socket, message, flags);
}
