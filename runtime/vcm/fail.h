/* SPDX-License-Identifier: MIT */
/* fail.h - recording the last error of a thread; see struct vc_error. Not installed. */
#ifndef VCM_FAIL_H
#define VCM_FAIL_H

#include "vc.h"

/* Record an error of this thread; returns code. object "" or what describe_*() says. */
int vc_fail_at(const char *function, int code, const char *object, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
#define vc_fail(code, object, address, ...) vc_fail_at(__func__, code, object, address, __VA_ARGS__)
/* Add to the error just recorded what the page-table code said; returns code. */
int vc_fail_status(int code, enum pt_status status);

#endif
