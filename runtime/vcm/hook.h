/* SPDX-License-Identifier: MIT */
/* hook.h - fault hooks: of another type than the core's, for the layers above it; and where they are called. Not
 * installed. */
#ifndef VCM_HOOK_H
#define VCM_HOOK_H

#include "vc.h"

/* Called for a fault; inner is the function that was hooked, to be cast back to its own type. */
typedef int (*hook_fn)(struct vc_device *device, void (*inner)(void), void *data, const struct vc_fault *fault);

/* Hook inner, called through fn; inner NULL: no hook. 0; -EINVAL. */
int hook_device(struct vc_device *device, hook_fn fn, void (*inner)(void), void *data, const char *function);

/*
 * A handler is called for a fault of an access of this thread, and has returned: so that a trace can tell what it
 * called from what was called after it.
 */
struct hook_trace {
	uint64_t access, handler;
};

void hook_enters(struct hook_trace *trace);
void hook_returns(struct hook_trace *trace, struct vc_device *device, const struct vc_fault *fault, int result);

#endif
