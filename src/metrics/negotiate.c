/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define MAX_RANGES 64u /* of one header; the rest is not looked at */

struct text {
    const char *start;
    size_t size;
};

/* One member of the list: "type/subtype;version=1;q=0.5". */
struct range {
    struct text name;
    struct text version;
    struct text escaping;
    unsigned q; /* thousandths */
    unsigned position;
};

/* How well one thing that we have is wanted. */
struct wish {
    bool is_named; /* some range fits */
    unsigned q;
    unsigned specificity;
    unsigned position;
    struct text escaping;
};

static bool equals(struct text text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.start, word, text.size) == 0;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* A token or a quoted string; the quotes are left off. */
static struct text take_word(const char **at)
{
    struct text word = {*at, strcspn(*at, " \t,;=\"")};
    if (**at != '"') {
        *at += word.size;
        return word;
    }
    word.start = ++*at;
    while (**at && **at != '"')
        *at += **at == '\\' && (*at)[1] ? 2 : 1;
    word.size = (size_t)(*at - word.start);
    if (**at)
        ++*at;
    return word;
}

/* "0", "0.25": at most three decimals. Anything else is 1, or as good as no q, which is 1. */
static unsigned parse_q(struct text text)
{
    if (text.size == 0 || text.start[0] != '0' || (text.size > 1 && text.start[1] != '.'))
        return 1000;
    unsigned q = 0, weight = 100;
    for (size_t i = 2; i < text.size && weight; i++, weight /= 10) {
        if (text.start[i] < '0' || text.start[i] > '9')
            return 1000;
        q += (unsigned)(text.start[i] - '0') * weight;
    }
    return q;
}

static void take_parameter(const char **at, struct range *range)
{
    *at = skip_space(*at + 1);
    struct text name = take_word(at);
    struct text value = {*at, 0};
    *at = skip_space(*at);
    if (**at == '=') {
        *at = skip_space(*at + 1);
        value = take_word(at);
    }
    if (equals(name, "q"))
        range->q = parse_q(value);
    else if (equals(name, "version"))
        range->version = value;
    else if (equals(name, "escaping"))
        range->escaping = value;
}

/* The next member of the list at `*at`; false at the end. */
static bool take_range(const char **at, struct range *ret_range)
{
    *at += strspn(*at, " \t,");
    if (!**at)
        return false;
    *ret_range = (struct range){.q = 1000, .position = ret_range->position + 1};
    ret_range->name = take_word(at);
    for (*at = skip_space(*at); **at && **at != ','; *at = skip_space(*at)) {
        if (**at == ';')
            take_parameter(at, ret_range);
        else
            ++*at; /* not of the form: skip to what is */
    }
    return true;
}

static void wish_for(struct wish *wish, const struct range *range, unsigned specificity)
{
    if (wish->is_named && wish->specificity >= specificity)
        return;
    *wish = (struct wish){true, range->q, specificity, range->position, range->escaping};
}

static bool is_better(const struct wish *a, const struct wish *b)
{
    if (a->q != b->q)
        return a->q > b->q;
    bool a_is_exact = a->specificity > 2, b_is_exact = b->specificity > 2;
    if (a_is_exact != b_is_exact)
        return a_is_exact;
    return a_is_exact && a->position < b->position;
}

static void see_range(const struct range *range, struct wish *text, struct wish *open_metrics)
{
    if (equals(range->name, "*/*")) {
        wish_for(text, range, 1);
        wish_for(open_metrics, range, 1);
    } else if (equals(range->name, "text/*")) {
        wish_for(text, range, 2);
    } else if (equals(range->name, "application/*")) {
        wish_for(open_metrics, range, 2);
    } else if (equals(range->name, "text/plain")) {
        if (range->version.size == 0)
            wish_for(text, range, 3);
        else if (equals(range->version, "0.0.4"))
            wish_for(text, range, 4);
    } else if (equals(range->name, "application/openmetrics-text")) {
        if (range->version.size == 0)
            wish_for(open_metrics, range, 3);
        else if (equals(range->version, "1.0.0"))
            wish_for(open_metrics, range, 4);
    }
}

/* Every name here is valid in the old format too, so all escaping schemes give the same page. */
static const char *open_metrics_type(const struct wish *wish)
{
#define OPEN_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
    static const struct {
        const char *escaping;
        const char *content_type;
    } types[] = {
        {"allow-utf-8", OPEN_METRICS "; escaping=allow-utf-8"},
        {"underscores", OPEN_METRICS "; escaping=underscores"},
        {"dots", OPEN_METRICS "; escaping=dots"},
        {"values", OPEN_METRICS "; escaping=values"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (wish->escaping.size && equals(wish->escaping, types[i].escaping))
            return types[i].content_type;
    }
    return text_format_content_type(TEXT_FORMAT_OPENMETRICS);
}

bool negotiate_format(const char *accept, struct negotiated *ret)
{
    struct wish text = {0}, open_metrics = {0};
    struct range range = {0};
    const char *at = accept ? accept : "";
    for (unsigned i = 0; i < MAX_RANGES && take_range(&at, &range); i++)
        see_range(&range, &text, &open_metrics);

    if (open_metrics.q > 0 && is_better(&open_metrics, &text)) {
        *ret = (struct negotiated){TEXT_FORMAT_OPENMETRICS, open_metrics_type(&open_metrics)};
        return true;
    }
    if (text.is_named && text.q == 0)
        return false;
    *ret = (struct negotiated){TEXT_FORMAT_PROMETHEUS,
                               text_format_content_type(TEXT_FORMAT_PROMETHEUS)};
    return true;
}

enum negotiate_coding negotiate_coding(const char *accept_encoding)
{
    struct wish gzip = {0}, identity = {0};
    struct range range = {0};
    const char *at = accept_encoding ? accept_encoding : "";
    for (unsigned i = 0; i < MAX_RANGES && take_range(&at, &range); i++) {
        if (equals(range.name, "gzip") || equals(range.name, "x-gzip"))
            wish_for(&gzip, &range, 2);
        else if (equals(range.name, "identity"))
            wish_for(&identity, &range, 2);
        else if (equals(range.name, "*")) {
            wish_for(&gzip, &range, 1);
            wish_for(&identity, &range, 1);
        }
    }
    bool takes_identity = !identity.is_named || identity.q > 0;
    if (!gzip.is_named || gzip.q == 0)
        return takes_identity ? NEGOTIATE_IDENTITY : NEGOTIATE_NEITHER;
    if (!takes_identity)
        return NEGOTIATE_GZIP;
    if (identity.is_named && identity.q > gzip.q)
        return NEGOTIATE_IDENTITY;
    return NEGOTIATE_EITHER;
}
