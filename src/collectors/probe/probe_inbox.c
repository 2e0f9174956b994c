/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_inbox.h"

#include "collectors/probe/probe_command.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int probe_inbox_init(struct probe_inbox *self)
{
    *self = (struct probe_inbox){.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (self->wake_fd < 0)
        return -errno;
    self->last_command = &self->commands;
    pthread_mutex_init(&self->lock, NULL);
    return 0;
}

void probe_inbox_finish(struct probe_inbox *self)
{
    close(self->wake_fd);
    pthread_mutex_destroy(&self->lock);
}

void probe_inbox_wake(struct probe_inbox *self)
{
    uint64_t one = 1;
    /* It fails only when it is readable anyway. */
    if (write(self->wake_fd, &one, sizeof(one)) < 0)
        return;
}

void probe_inbox_clear(struct probe_inbox *self)
{
    uint64_t count;
    if (read(self->wake_fd, &count, sizeof(count)) < 0)
        return;
}

void probe_inbox_deliver(void *owner, const struct resolver_answer *answer)
{
    struct probe_answer *self = owner;
    struct probe_inbox *inbox = self->inbox;
    pthread_mutex_lock(&inbox->lock);
    self->answer = *answer;
    self->is_queued = true;
    self->next = inbox->answers;
    inbox->answers = self;
    pthread_mutex_unlock(&inbox->lock);
    probe_inbox_wake(inbox);
}

void probe_inbox_withdraw(struct probe_inbox *self, struct probe_answer *answer)
{
    pthread_mutex_lock(&self->lock);
    struct probe_answer **link = &self->answers;
    while (answer->is_queued && *link != answer)
        link = &(*link)->next;
    if (answer->is_queued)
        *link = answer->next;
    answer->is_queued = false;
    pthread_mutex_unlock(&self->lock);
}

struct probe_answer *probe_inbox_take_answer(struct probe_inbox *self)
{
    pthread_mutex_lock(&self->lock);
    struct probe_answer *answer = self->answers;
    if (answer) {
        self->answers = answer->next;
        answer->is_queued = false;
    }
    pthread_mutex_unlock(&self->lock);
    return answer;
}

void probe_inbox_post(struct probe_inbox *self, struct probe_command *command)
{
    pthread_mutex_lock(&self->lock);
    command->next = NULL;
    *self->last_command = command;
    self->last_command = &command->next;
    pthread_mutex_unlock(&self->lock);
    probe_inbox_wake(self);
}

struct probe_command *probe_inbox_take_commands(struct probe_inbox *self)
{
    pthread_mutex_lock(&self->lock);
    struct probe_command *commands = self->commands;
    self->commands = NULL;
    self->last_command = &self->commands;
    pthread_mutex_unlock(&self->lock);
    return commands;
}
