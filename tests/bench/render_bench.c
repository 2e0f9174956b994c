/* SPDX-License-Identifier: MPL-2.0 */
/*
 * render_bench - nanoseconds per series of writing a page, and its ratio to copying its bytes.
 *
 * usage: render_bench [SERIES]      10000 unless said otherwise
 *
 * Labels and numbers change from round to round; the time is CPU time, the best of many rounds
 * (what else runs on the machine only adds).
 */
#include "base/clock.h"
#include "bench/page_samples.h"
#include "metrics/gzip.h"
#include "metrics/text_writer.h"

#define ROUNDS 300

static uint64_t cpu_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void keep_least(uint64_t *least, uint64_t ns)
{
    if (*least == 0 || ns < *least)
        *least = ns;
}

struct times {
    uint64_t fill, write, copy, gzip;
    size_t size, gzip_size;
};

static struct times measure(enum text_format format, struct page_samples *source)
{
    struct times times = {0};
    struct samples samples = {0};
    struct string_buffer page = {0}, copy = {0}, coded = {0};
    const struct samples *part = &samples;
    struct gzip *gzip;
    if (gzip_new(&gzip) < 0)
        abort();

    for (int i = 0; i < ROUNDS; i++) {
        page_samples_change(source);
        samples_clear(&samples);
        string_buffer_clear(&page);
        string_buffer_clear(&copy);
        uint64_t t0 = cpu_ns();
        page_samples_fill(source, &samples);
        uint64_t t1 = cpu_ns();
        if (text_format_write(format, &part, 1, &page) < 0)
            abort();
        uint64_t t2 = cpu_ns();
        string_buffer_append(&copy, page.data, page.size);
        uint64_t t3 = cpu_ns();
        keep_least(&times.fill, t1 - t0);
        keep_least(&times.write, t2 - t1);
        keep_least(&times.copy, t3 - t2);
        if (i % 30 == 0) {
            string_buffer_clear(&coded);
            uint64_t t4 = cpu_ns();
            gzip_begin(gzip, &coded);
            gzip_add(gzip, page.data, page.size, &coded);
            gzip_end(gzip, &coded);
            keep_least(&times.gzip, cpu_ns() - t4);
        }
    }
    times.size = page.size;
    times.gzip_size = coded.size;
    string_buffer_finish(&page);
    string_buffer_finish(&copy);
    string_buffer_finish(&coded);
    gzip_destroy(&gzip);
    samples_finish(&samples);
    return times;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    static const char *const names[] = {"text 0.0.4", "OpenMetrics 1.0", "with _created"};
    struct page_samples source;
    page_samples_init(&source, n);

    printf("%zu series, best of %d rounds, CPU time\n", n, ROUNDS);
    printf("%-16s %9s %12s %12s %12s %8s %12s %10s\n", "format", "bytes", "collect ns", "write ns",
           "copy ns", "ratio", "gzip ns", "gzip bytes");
    for (int format = 0; format < TEXT_FORMAT_N; format++) {
        struct times t = measure((enum text_format)format, &source);
        double series = (double)n;
        printf("%-16s %9zu %12.1f %12.1f %12.1f %8.2f %12.1f %10zu\n", names[format], t.size,
               (double)t.fill / series, (double)t.write / series, (double)t.copy / series,
               (double)t.write / (double)t.copy, (double)t.gzip / series, t.gzip_size);
    }
    printf("(nanoseconds are per series)\n");
    page_samples_finish(&source);
    return 0;
}
