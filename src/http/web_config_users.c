/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_keys.h"
#include "http/web_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BASE64_LENGTH 53 /* of 22 characters of salt and 31 of hash */
#define BASE64        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define COST_MIN      4u
#define COST_MAX      31u

/* "$2$", "$2a$", "$2b$", "$2x$" or "$2y$", two digits, "$" and the rest. */
static bool parse_hash(const char *text, unsigned *ret_cost)
{
    if (strncmp(text, "$2", 2) != 0)
        return false;
    text += 2;
    if (*text && strchr("abxy", *text))
        text++;
    if (text[0] != '$' || text[1] < '0' || text[1] > '9' || text[2] < '0' || text[2] > '9' ||
        text[3] != '$')
        return false;
    *ret_cost = (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
    text += 4;
    return *ret_cost >= COST_MIN && *ret_cost <= COST_MAX && strlen(text) == BASE64_LENGTH &&
           strspn(text, BASE64) == BASE64_LENGTH;
}

static int read_user(const struct config_node *node, struct web_config_user *user,
                     struct error *err)
{
    const struct config_key key = {node->key, CONFIG_TEXT, 0};
    user->name = node->key;
    if (strchr(node->key, ':'))
        return config_node_key_error(node, err,
                                     "user '%s' could never log in: in basic authentication the "
                                     "name ends at the first ':'",
                                     node->key);
    int r = config_value_read(node, &key, &user->hash, err);
    if (r < 0)
        return r;
    if (!parse_hash(user->hash, &user->cost))
        return config_node_error(node, err,
                                 "the password of user '%s' is not a bcrypt hash; 'htpasswd -nBC "
                                 "10 \"\"' makes one",
                                 node->key);
    return 0;
}

int web_config_read_users(const struct config_node *node, struct web_config *self,
                          struct error *err)
{
    self->users = calloc(node->n_children + 1, sizeof(*self->users));
    if (!self->users)
        return error_set(err, -ENOMEM, "not enough memory");
    for (const struct config_node *child = node->first; child; child = child->next) {
        int r = read_user(child, &self->users[self->n_users], err);
        if (r < 0)
            return r;
        self->n_users++;
    }
    return 0;
}
