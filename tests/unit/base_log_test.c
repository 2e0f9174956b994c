/* SPDX-License-Identifier: MPL-2.0 */
/* A line of the log is read by machines: each value is one value, whatever bytes it has. */
#include "base/log.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Standard error is a file while `write_lines` runs; what is in it then. */
static const char *captured(void (*write_lines)(void))
{
    static char text[4096];
    int file = memfd_create("log_test", MFD_CLOEXEC), kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0);
    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
    write_lines();
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    ssize_t n = pread(file, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    close(file);
    close(kept);
    return text;
}

/* The first line's rest behind the time, which is checked: now, in UTC, with milliseconds. */
static const char *behind_time(const char *text, const char *before, const char *after)
{
    struct tm utc = {0};
    int ms, n = 0;
    assert_int_equal(strncmp(text, before, strlen(before)), 0);
    text += strlen(before);
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    assert_non_null(rest);
    assert_int_equal(rest - text, 19);
    assert_int_equal(sscanf(rest, ".%3dZ%n", &ms, &n), 1);
    assert_int_equal(n, 5);
    assert_true(timegm(&utc) <= time(NULL) && timegm(&utc) > time(NULL) - 3600);
    rest += n;
    assert_int_equal(strncmp(rest, after, strlen(after)), 0);
    return rest + strlen(after);
}

static void write_values(void)
{
    log_warn("is up", "plain", "a-b/c:8", "empty", "", "left_out", (const char *)NULL, "space",
             "a b", "quote", "\"", "back", "\\", "equals", "k=v", "lines", "a\nb", "control",
             "\x01\x1f\x7f", "utf", "\xc3\xa9", "tilde", "~!");
}

static void write__logfmt__quotes_what_needs_quotes(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    assert_string_equal(behind_time(captured(write_values), "time=", " "),
                        "level=warn msg=\"is up\" plain=a-b/c:8 empty=\"\" space=\"a b\" "
                        "quote=\"\\\"\" back=\"\\\\\" equals=\"k=v\" lines=\"a\\nb\" "
                        "control=\"\\u0001\\u001f\\u007f\" utf=\xc3\xa9 tilde=~!\n");
}

static void write__json__is_an_object(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    assert_string_equal(behind_time(captured(write_values), "{\"time\":\"", "\","),
                        "\"level\":\"warn\",\"msg\":\"is up\",\"plain\":\"a-b/c:8\",\"empty\":\"\","
                        "\"space\":\"a b\",\"quote\":\"\\\"\",\"back\":\"\\\\\",\"equals\":\"k=v\","
                        "\"lines\":\"a\\nb\",\"control\":\"\\u0001\\u001f\\u007f\","
                        "\"utf\":\"\xc3\xa9\",\"tilde\":\"~!\"}\n");
}

static void write_each_level(void)
{
    log_write(LOG_LEVEL_DEBUG, "one", (char *)0);
    log_info("two");
    log_warn("three");
    log_error("four");
}

static void configure__level__what_is_below_is_left_out(void **state)
{
    (void)state;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    static const char *const messages[] = {"msg=one", "msg=two", "msg=three", "msg=four"};
    for (unsigned i = 0; i < 4; i++) {
        enum log_level level;
        assert_true(log_level_parse(names[i], &level));
        log_configure(level, LOG_FORMAT_LOGFMT);
        const char *text = captured(write_each_level);
        for (unsigned m = 0; m < 4; m++)
            assert_int_equal(strstr(text, messages[m]) != NULL, m >= i);
    }
}

static void parse__names__only_those_there_are(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_WARN;
    enum log_format format = LOG_FORMAT_LOGFMT;
    assert_false(log_level_parse("warning", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_LEVEL_WARN);
    assert_true(log_format_parse("json", &format));
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_false(log_format_parse("text", &format));
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_true(log_format_parse("logfmt", &format));
    assert_int_equal(format, LOG_FORMAT_LOGFMT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write__logfmt__quotes_what_needs_quotes),
        cmocka_unit_test(write__json__is_an_object),
        cmocka_unit_test(configure__level__what_is_below_is_left_out),
        cmocka_unit_test(parse__names__only_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
