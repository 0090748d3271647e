/* SPDX-License-Identifier: MIT */
/* fail.h - recording the last error of a thread; see struct vc_error. Not installed. */
#ifndef VCM_FAIL_H
#define VCM_FAIL_H

#include "vc.h"

void vc_record_error(const char *function, int code, const char *object, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static inline int vc_same(int code)
{
	return code;
}

/*
 * Record an error of this thread; the value is code. object is "" or what describe_*() says. A macro, so that analysers
 * see that the value is not 0.
 */
#define vc_fail_at(function, code, object, address, ...) \
	(vc_record_error(function, code, object, address, __VA_ARGS__), vc_same(code))
#define vc_fail(code, object, address, ...) vc_fail_at(__func__, code, object, address, __VA_ARGS__)
/* Add to the error just recorded what the page-table code said; returns code. */
int vc_fail_status(int code, enum pt_status status);

#endif
