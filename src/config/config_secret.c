/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_secret.h"

#include "base/cleanup.h"
#include "config/config_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 4096u

bool config_secret_is_curve_key(const char *text)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 ".-:+=^!/*?&<>()[]{}@%$#";
    if (strlen(text) != CONFIG_SECRET_KEY_SIZE)
        return false;
    for (size_t i = 0; i < CONFIG_SECRET_KEY_SIZE; i += 5) {
        uint64_t word = 0;
        for (size_t j = 0; j < 5; j++) {
            const char *digit = strchr(digits, text[i + j]);
            if (!digit)
                return false;
            word = word * 85 + (uint64_t)(digit - digits);
        }
        if (word > UINT32_MAX)
            return false;
    }
    return true;
}

static int check_file(int fd, const char *path, enum config_secret_kind kind, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    if (kind == CONFIG_SECRET_CURVE_PUBLIC)
        return 0;
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return error_set(err, -EPERM, "%s: belongs to user %u, not to root or the exporter's user",
                         path, (unsigned)status.st_uid);
    if (status.st_mode & 0037)
        return error_set(err, -EPERM,
                         "%s: mode %04o lets others use the secret (chmod 0600, or 0640 for the "
                         "exporter's group)",
                         path, (unsigned)status.st_mode & 07777);
    return 0;
}

/* The value of `name = "…"` in a CZMQ certificate, as a new start of `text`; or NULL. */
static char *certificate_value(char *text, const char *name)
{
    char *found = strstr(text, name);
    char *start = found ? strchr(found, '"') : NULL;
    char *end = start ? strpbrk(start + 1, "\"\n") : NULL;
    if (!end || *end != '"')
        return NULL;
    *end = '\0';
    return start + 1;
}

static const char *kind_name(enum config_secret_kind kind)
{
    return kind == CONFIG_SECRET_PASSWORD       ? "password"
           : kind == CONFIG_SECRET_CURVE_SECRET ? "CURVE secret key"
                                                : "CURVE public key";
}

static int take(char *text, const char *source, enum config_secret_kind kind, char *ret,
                struct error *err)
{
    bool is_password = kind == CONFIG_SECRET_PASSWORD;
    size_t size = strlen(text);
    while (size && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        text[--size] = '\0';
    if (!is_password && size > CONFIG_SECRET_KEY_SIZE) {
        char *value = certificate_value(text, kind == CONFIG_SECRET_CURVE_SECRET ? "secret-key"
                                                                                 : "public-key");
        text = value ? value : text;
        size = strlen(text);
    }
    if (!is_password && !config_secret_is_curve_key(text))
        return error_set(err, -EINVAL, "%s: no %s (40 characters of Z85)", source, kind_name(kind));
    if (size == 0 || size > CONFIG_SECRET_MAX)
        return error_set(err, -EINVAL, "%s: a %s of %zu bytes, from 1 to %u are possible", source,
                         kind_name(kind), size, CONFIG_SECRET_MAX);
    memcpy(ret, text, size + 1);
    return 0;
}

int config_secret_read_file(const char *path, enum config_secret_kind kind, char *ret,
                            struct error *err)
{
    char text[FILE_MAX + 1];
    cleanup_fd int fd = -1;
    int r = config_file_open(path, &fd, err);
    if (r < 0)
        return error_prefix(err, r, "%s", path);
    r = check_file(fd, path, kind, err);
    if (r < 0)
        return r;
    ssize_t got = read(fd, text, FILE_MAX);
    if (got < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    text[got] = '\0';
    if (strlen(text) != (size_t)got)
        r = error_set(err, -EINVAL, "%s: no %s", path, kind_name(kind));
    else
        r = take(text, path, kind, ret, err);
    explicit_bzero(text, sizeof(text));
    return r;
}

static bool is_variable_name(const char *name)
{
    static const char word[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bool begins_with_digit = *name >= '0' && *name <= '9';
    return *name && !begins_with_digit && name[strspn(name, word)] == '\0';
}

int config_secret_read_environment(const char *name, enum config_secret_kind kind, char *ret,
                                   struct error *err)
{
    char text[CONFIG_SECRET_MAX + 2];
    if (!is_variable_name(name)) /* not shown: it may be the secret itself */
        return error_set(err, -EINVAL, "here stands the name of a variable, not its value");
    const char *value = getenv(name);
    if (!value)
        return error_set(err, -EINVAL, "the environment has no %s", name);
    size_t size = strnlen(value, CONFIG_SECRET_MAX + 1);
    memcpy(text, value, size);
    text[size] = '\0';
    int r = take(text, name, kind, ret, err);
    explicit_bzero(text, sizeof(text));
    return r;
}
