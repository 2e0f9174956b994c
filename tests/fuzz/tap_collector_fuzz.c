/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any segment of a process that is dead: the page shows the same before it is folded, after, and
 * after the exporter was started again.
 */
#include "segment_input.h"

#include "base/clock.h"
#include "collectors/tap/tap_collector.h"
#include "metrics/text_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define NAME "2147483647-9.seg" /* no process has this id */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[PATH_MAX];

static void remove_directory(void)
{
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    if (system(command) != 0)
        abort();
}

static int make_directory(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/zmq_exporter_fuzz.XXXXXX");
    if (!mkdtemp(directory))
        abort();
    atexit(remove_directory);
    return open(directory, O_RDONLY | O_DIRECTORY);
}

/* What must be so that the file is taken for that of a dead process of this host. */
static void make_dead(struct segment_input *input)
{
    struct segment_header *header = (void *)input->bytes;
    struct stat status;
    if (stat("/proc/self/ns/pid", &status) < 0)
        abort();
    header->pid = INT32_MAX;
    header->start_ticks = 9;
    header->pid_namespace = status.st_ino;
    memset(header->boot_id, 0, sizeof(header->boot_id));
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++)
        header->capabilities[i].state = SEGMENT_CAPABILITY_ON;
}

static struct string_buffer scrape(const struct collector *collector)
{
    struct string_buffer page = {0};
    struct samples samples;
    const struct samples *part = &samples;
    struct error err = {""};
    samples_init(&samples);
    int r = collector->collect(collector->state, &samples, &err);
    if (r < 0 || samples.has_failed ||
        text_format_write(TEXT_FORMAT_PROMETHEUS, &part, 1, &page) < 0) {
        (void)fprintf(stderr, "%d: %s\n", r, err.message);
        abort();
    }
    samples_finish(&samples);
    /* The segment itself comes and goes. */
    char *own = strstr(page.data, "# HELP zmq_exporter_segments");
    if (own)
        *own = '\0';
    return page;
}

static struct collector start(void)
{
    struct collector collector;
    const struct tap_options options = {.directory = directory};
    if (tap_collector_new(&options, &collector, NULL) < 0)
        abort();
    return collector;
}

static void demand_same(const struct string_buffer *a, const struct string_buffer *b)
{
    if (strcmp(a->data, b->data) != 0) {
        (void)fprintf(stderr, "%s\nis not\n%s\n", a->data, b->data);
        abort();
    }
}

/* An end is counted when the process is folded, not when it is seen to be dead. */
static struct string_buffer without_ends(const struct string_buffer *page)
{
    static const char name[] = "zmq_process_ends_total{";
    struct string_buffer rest = {0};
    for (const char *line = page->data; *line;) {
        size_t size = strcspn(line, "\n");
        size += line[size] == '\n';
        if (strncmp(line, name, sizeof(name) - 1) != 0)
            string_buffer_append(&rest, line, size);
        line += size;
    }
    string_buffer_append(&rest, "", 1);
    return rest;
}

static void demand_same_sums(const struct string_buffer *a, const struct string_buffer *b)
{
    struct string_buffer left = without_ends(a), right = without_ends(b);
    demand_same(&left, &right);
    string_buffer_finish(&left);
    string_buffer_finish(&right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int directory_fd = -1;
    if (directory_fd < 0)
        directory_fd = make_directory();
    (void)unlinkat(directory_fd, "state", 0);
    struct segment_input input = segment_input_make(data, size);
    make_dead(&input);
    int fd = openat(directory_fd, NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    segment_input_write(&input, fd);
    close(fd);
    free(input.bytes);

    struct collector collector = start();
    struct string_buffer before = scrape(&collector);
    collector.tick(collector.state);
    struct string_buffer folded = scrape(&collector);
    demand_same_sums(&before, &folded);
    collector.destroy(collector.state);
    (void)unlinkat(directory_fd, NAME, 0); /* what is no segment stays */
    collector = start();
    struct string_buffer again = scrape(&collector);
    demand_same(&folded, &again);
    collector.destroy(collector.state);
    string_buffer_finish(&before);
    string_buffer_finish(&folded);
    string_buffer_finish(&again);
    return 0;
}
