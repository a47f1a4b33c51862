/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The other half of the library that is loaded into each dnsmasq that dnsmasq.c starts. It answers
 * each TCP connection in a child, and until 2.92 has all of them use the netlink socket that they
 * inherit with libnftables' context: two that add to a set at the same time read each other's
 * answers, and fail, the parent among them. Here each process has a context of its own. A dnsmasq
 * without libnftables never calls what is here, so the library is not linked with it. */

#include <dlfcn.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

typedef int (*Run)(struct nft_ctx *context, const char *command);
typedef const char *(*GetError)(struct nft_ctx *context);

static pid_t first; /* the process that has made the context */
static struct nft_ctx *own;

__attribute__((constructor)) static void remember(void)
{
        first = getpid();
}

/* A child that cannot have one ends without an answer, rather than with one that is in no set. */
static struct nft_ctx *own_of(struct nft_ctx *context)
{
        if (getpid() == first)
                return context;
        if (own)
                return own;
        own = nft_ctx_new(NFT_CTX_DEFAULT);
        if (!own || nft_ctx_buffer_error(own) != 0)
                _exit(EXIT_FAILURE);
        return own;
}

EXPORTED int nft_run_cmd_from_buffer(struct nft_ctx *context, const char *command)
{
        Run run = (Run)dlsym(RTLD_NEXT, "nft_run_cmd_from_buffer");

        return run(own_of(context), command);
}

EXPORTED const char *nft_ctx_get_error_buffer(struct nft_ctx *context)
{
        GetError get_error = (GetError)dlsym(RTLD_NEXT, "nft_ctx_get_error_buffer");

        return get_error(own_of(context));
}
