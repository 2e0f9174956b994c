/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/package_version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct part {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* '~' is before the end of a part, letters before all other characters. */
static int order(const struct part *part)
{
    if (part->at == part->end || is_digit(*part->at))
        return 0;
    if (is_letter(*part->at))
        return *part->at;
    return *part->at == '~' ? -1 : (unsigned char)*part->at + 256;
}

static bool is_at_text(const struct part *part)
{
    return part->at != part->end && !is_digit(*part->at);
}

static int compare_text(struct part *a, struct part *b)
{
    while (is_at_text(a) || is_at_text(b)) {
        int left = order(a), right = order(b);
        if (left != right)
            return left - right;
        a->at += a->at != a->end;
        b->at += b->at != b->end;
    }
    return 0;
}

static struct part take_number(struct part *part)
{
    while (part->at != part->end && *part->at == '0')
        part->at++;
    struct part number = {part->at, part->at};
    while (part->at != part->end && is_digit(*part->at))
        part->at++;
    number.end = part->at;
    return number;
}

static int compare_number(struct part *a, struct part *b)
{
    struct part left = take_number(a), right = take_number(b);
    ptrdiff_t n = left.end - left.at, m = right.end - right.at;
    if (n != m)
        return n < m ? -1 : 1;
    return memcmp(left.at, right.at, (size_t)n);
}

static int compare_parts(struct part a, struct part b)
{
    while (a.at != a.end || b.at != b.end) {
        int r = compare_text(&a, &b);
        if (r == 0)
            r = compare_number(&a, &b);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Takes the epoch off the front; it is empty, which is 0, if there is none. */
static struct part take_epoch(struct part *version)
{
    struct part epoch = {version->at, version->at};
    const char *colon = memchr(version->at, ':', (size_t)(version->end - version->at));
    if (colon) {
        epoch.end = colon;
        version->at = colon + 1;
    }
    return epoch;
}

/* Takes the revision off the end; no revision is the same as 0. */
static struct part take_revision(struct part *version)
{
    struct part revision = {version->end, version->end};
    for (const char *at = version->end; at != version->at; at--) {
        if (at[-1] != '-')
            continue;
        revision.at = at;
        version->end = at - 1;
        break;
    }
    return revision;
}

int package_version_compare_dpkg(const char *a, const char *b)
{
    struct part left = {a, a + strlen(a)}, right = {b, b + strlen(b)};
    struct part left_epoch = take_epoch(&left), right_epoch = take_epoch(&right);
    struct part left_revision = take_revision(&left), right_revision = take_revision(&right);
    int r = compare_parts(left_epoch, right_epoch);
    if (r == 0)
        r = compare_parts(left, right);
    return r ? r : compare_parts(left_revision, right_revision);
}
