/* SPDX-License-Identifier: MPL-2.0 */
/* What peek derives from live objects is what calibration finds, field by field. */
#include "peek/peek_process.h"
#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"
#include "tap/learned/pipe_calibration.h"

#include "base/procfs.h"
#include "support/cmocka.h"
#include "support/linked_library.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define MAX_PASSES 200

static int procfs_fd;

static struct peek_process *look_at_self(struct peek_class_files *files)
{
    struct peek_process *process;
    uint64_t start_ticks;
    assert_int_equal(procfs_start_time(procfs_fd, getpid(), &start_ticks), 0);
    assert_int_equal(peek_process_new(getpid(), start_ticks, &process), 0);
    for (int i = 0; i < MAX_PASSES; i++) {
        process->next_look_ns = 0;
        peek_process_pass(process, files, procfs_fd);
        if (process->reason == PEEK_REASON_NONE)
            break;
    }
    return process;
}

static void *new_socket(void *context, int type, int hwm)
{
    void *socket = zmq_socket(context, type);
    int linger = 0;
    assert_non_null(socket);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm)), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof(hwm)), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    return socket;
}

static void derive__live_objects__equals_calibration(void **state)
{
    (void)state;
    struct pipe_layout expected;
    pipe_layout_calibrate(linked_library(), &expected);
    assert_true(expected.is_known);
    void *context = zmq_ctx_new();
    void *push = new_socket(context, ZMQ_PUSH, 7), *pull = new_socket(context, ZMQ_PULL, 9);
    assert_int_equal(zmq_bind(pull, "inproc://here"), 0);
    assert_int_equal(zmq_connect(push, "inproc://here"), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(zmq_send(push, "x", 1, ZMQ_DONTWAIT), 1);

    struct peek_class_files *files = peek_class_files_new();
    struct peek_process *process = look_at_self(files);
    assert_int_equal(process->reason, PEEK_REASON_NONE);
    assert_int_equal(process->n_contexts, 1);
    assert_int_equal(process->n_io_threads[0], 1);
    assert_int_equal(process->n_sockets, 2);
    const struct pipe_layout *found = &process->sockets[0].layout->pipes;
    assert_true(found->is_known);
#define SAME(field) assert_int_equal(found->field, expected.field)
    SAME(pipe_vtable);
    SAME(pipes);
    SAME(context);
    SAME(owner);
    SAME(hwm);
    SAME(lwm);
    SAME(n_read);
    SAME(n_written);
    SAME(n_read_by_peer);
    SAME(peer);
    SAME(sink);
    SAME(state);
    SAME(is_writable);
    SAME(in_queue);
    SAME(out_queue);
    SAME(pipe_size);
    SAME(conflating_vtable);
    SAME(has_message);
    SAME(mailbox.vtable);
    SAME(mailbox.mailbox);
    SAME(mailbox.queue);
    SAME(mailbox.bind);
    SAME(mailbox.pipe);
    for (size_t i = 0; i < process->n_sockets; i++) {
        const struct peek_socket *socket = &process->sockets[i];
        bool is_push = socket->type == ZMQ_PUSH;
        assert_true(is_push || socket->type == ZMQ_PULL);
        assert_true(socket->is_valid);
        assert_string_equal(socket->endpoint, "inproc://here");
        assert_int_equal(socket->send_hwm, is_push ? 7 : 9);
        assert_int_equal(socket->sample.n_pipes, 1);
        assert_int_equal(socket->sample.n_inproc, 1);
        assert_int_equal(is_push ? socket->sample.send_queue : socket->sample.receive_queue, 5);
        assert_int_equal(is_push ? socket->followed.n_written : socket->followed.n_read,
                         is_push ? 5 : 0);
        assert_int_equal(socket->options.linger, 0);
    }
    peek_process_destroy(&process);
    peek_class_files_destroy(&files);
    zmq_close(push);
    zmq_close(pull);
    zmq_ctx_term(context);
}

/* What was found of a file in a process that ends says nothing of the next one's. */
static void find__process_ends_meanwhile__is_not_remembered(void **state)
{
    (void)state;
    struct peek_target target;
    struct peek_classes classes;
    uint64_t start_ticks;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    assert_int_equal(procfs_start_time(procfs_fd, pid, &start_ticks), 0);
    assert_int_equal(peek_target_open(&target, procfs_fd, pid, start_ticks), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    struct peek_class_files *files = peek_class_files_new();
    const struct peek_mapping *mapping = peek_maps_find(&target.maps, (uintptr_t)zmq_ctx_new);
    assert_non_null(mapping);
    (void)peek_classes_find(files, &target, mapping, &classes);
    peek_target_close(&target);

    assert_int_equal(procfs_start_time(procfs_fd, getpid(), &start_ticks), 0);
    assert_int_equal(peek_target_open(&target, procfs_fd, getpid(), start_ticks), 0);
    mapping = peek_maps_find(&target.maps, (uintptr_t)zmq_ctx_new);
    assert_int_equal(peek_classes_find(files, &target, mapping, &classes), 0);
    assert_int_not_equal(classes.vtables[PEEK_CLASS_IO_THREAD], 0);
    peek_target_close(&target);
    peek_class_files_destroy(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derive__live_objects__equals_calibration),
        cmocka_unit_test(find__process_ends_meanwhile__is_not_remembered),
    };
    procfs_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
