/* SPDX-License-Identifier: MPL-2.0 */
/*
 * log - one structured line per event on standard error, logfmt or JSON.
 *
 *     log_info("listening", "address", ":10556", "url", url);
 *
 * Arguments after the message are key, value pairs of `const char *`; a NULL value is left out.
 * Keys are literals in snake_case. Values are quoted and escaped as the format asks.
 *
 * Only agent/, cli/ and the collector runner log. Thread: any; a line is one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* The names that --log.level and --log.format take. Return false on an unknown name. */
bool log_level_parse(const char *name, enum log_level *ret_level);
bool log_format_parse(const char *name, enum log_format *ret_format);

/* Called once, before threads start. Default: info, logfmt. */
void log_configure(enum log_level level, enum log_format format);

void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__, (char *)0)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__, (char *)0)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__, (char *)0)

#endif
