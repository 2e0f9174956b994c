/* SPDX-License-Identifier: MPL-2.0 */
#include "config/probe_peers.h"

#include <string.h>

#define TAKES_WORK "it would hand the probe messages that are meant for its workers"
#define DRAFT      "it is a draft socket type"

static const struct probe_pairing pairings[PROBE_PEER_N] = {
    [PROBE_PEER_PAIR] = {"PAIR", -1, "a PAIR has one peer, and a probe would take that place",
                         .may_queue_on_accept = true},
    [PROBE_PEER_PUB] = {"PUB", PROBE_PEER_SUB},
    [PROBE_PEER_SUB] = {"SUB", PROBE_PEER_XPUB},
    [PROBE_PEER_REQ] = {"REQ", -1, "it would send the probe a request that nobody answers",
                        .may_queue_on_accept = true},
    [PROBE_PEER_REP] = {"REP", PROBE_PEER_REQ},
    [PROBE_PEER_DEALER] = {"DEALER", -1, TAKES_WORK, .may_queue_on_accept = true},
    [PROBE_PEER_ROUTER] = {"ROUTER", PROBE_PEER_REQ},
    [PROBE_PEER_PULL] = {"PULL", PROBE_PEER_PUSH},
    [PROBE_PEER_PUSH] = {"PUSH", -1, TAKES_WORK, .may_queue_on_accept = true},
    [PROBE_PEER_XPUB] = {"XPUB", PROBE_PEER_SUB},
    [PROBE_PEER_XSUB] = {"XSUB", PROBE_PEER_XPUB},
    [PROBE_PEER_STREAM] = {"STREAM", -1,
                           "a STREAM socket gives its program a message for every connection, so "
                           "that any probe is work for the program",
                           .is_refused = true},
    [PROBE_PEER_SERVER] = {"SERVER", -1, DRAFT},
    [PROBE_PEER_CLIENT] = {"CLIENT", -1, DRAFT, .may_queue_on_accept = true},
    [PROBE_PEER_RADIO] = {"RADIO", -1, DRAFT},
    [PROBE_PEER_DISH] = {"DISH", -1, DRAFT},
    [PROBE_PEER_GATHER] = {"GATHER", -1, DRAFT},
    [PROBE_PEER_SCATTER] = {"SCATTER", -1, TAKES_WORK, .may_queue_on_accept = true},
    [PROBE_PEER_DGRAM] = {"DGRAM", -1, "DGRAM is UDP, which has no connection to probe",
                          .is_refused = true},
    [PROBE_PEER_PEER] = {"PEER", -1, DRAFT, .may_queue_on_accept = true},
    [PROBE_PEER_CHANNEL] = {"CHANNEL", -1,
                            "a CHANNEL has one peer, and a probe would take "
                            "that place",
                            .may_queue_on_accept = true},
};

/* Nothing is known of it, so it counts among those that could give a probe work. */
static const struct probe_pairing any_pairing = {
    "any", -1, "without its socket type a probe cannot know whether it would take messages",
    .may_queue_on_accept = true};

const struct config_choice probe_peer_choices[] = {
    {"any", PROBE_PEER_ANY},
    {"PUB", PROBE_PEER_PUB},
    {"XPUB", PROBE_PEER_XPUB},
    {"SUB", PROBE_PEER_SUB},
    {"XSUB", PROBE_PEER_XSUB},
    {"ROUTER", PROBE_PEER_ROUTER},
    {"REP", PROBE_PEER_REP},
    {"PULL", PROBE_PEER_PULL},
    {"PUSH", PROBE_PEER_PUSH},
    {"DEALER", PROBE_PEER_DEALER},
    {"REQ", PROBE_PEER_REQ},
    {"PAIR", PROBE_PEER_PAIR},
    {"STREAM", PROBE_PEER_STREAM},
    {"SERVER", PROBE_PEER_SERVER},
    {"CLIENT", PROBE_PEER_CLIENT},
    {"RADIO", PROBE_PEER_RADIO},
    {"DISH", PROBE_PEER_DISH},
    {"GATHER", PROBE_PEER_GATHER},
    {"SCATTER", PROBE_PEER_SCATTER},
    {"DGRAM", PROBE_PEER_DGRAM},
    {"PEER", PROBE_PEER_PEER},
    {"CHANNEL", PROBE_PEER_CHANNEL},
    {NULL, 0},
};

const struct probe_pairing *probe_pairing_get(int peer)
{
    return peer >= 0 && peer < PROBE_PEER_N ? &pairings[peer] : &any_pairing;
}

int probe_peer_find(const char *name)
{
    for (int i = 0; i < PROBE_PEER_N; i++) {
        if (strcmp(pairings[i].peer_name, name) == 0)
            return i;
    }
    return -1;
}
