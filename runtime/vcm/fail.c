/* SPDX-License-Identifier: MIT */
/* fail.c - the last error of each thread, and the hook that makes allocations fail. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static _Thread_local struct vc_error last;

const struct vc_error *vc_last_error(void)
{
	return &last;
}

void vc_clear_error(void)
{
	last = (struct vc_error){.function = NULL};
}

void vc_record_error(const char *function, int code, const char *object, uint64_t address, const char *format, ...)
{
	va_list arguments;

	last.code = code;
	last.status = PT_OK;
	last.address = address;
	last.function = strncmp(function, UNTRACED_PREFIX, sizeof(UNTRACED_PREFIX) - 1)
				? function
				: function + sizeof(UNTRACED_PREFIX) - 1;
	snprintf(last.object, sizeof(last.object), "%s", object);
	va_start(arguments, format);
	vsnprintf(last.reason, sizeof(last.reason), format, arguments);
	va_end(arguments);
}

int vc_fail_status(int code, enum pt_status status)
{
	last.status = status;
	return code;
}

const char *vc_error_string(void)
{
	static _Thread_local char line[512];

	if (!last.code)
		return "no error";
	snprintf(line, sizeof(line), "%s: %s%s%s (%s)", last.function, last.object, last.object[0] ? ": " : "",
		 last.reason, strerror(-last.code));
	return line;
}

static bool (*allocation_hook)(void *ctx, const char *what);
static void *allocation_ctx;

void vc_set_allocation_hook(bool (*fn)(void *ctx, const char *what), void *ctx)
{
	allocation_hook = fn;
	allocation_ctx = ctx;
}

bool vc_may_allocate(const char *what)
{
	return !allocation_hook || allocation_hook(allocation_ctx, what);
}

void *vc_calloc(size_t n, size_t bytes)
{
	return vc_may_allocate("heap") ? calloc(n ? n : 1, bytes) : NULL;
}

struct name describe_region(const struct region *region)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "%sregion %u [0x%" PRIx64 "-0x%" PRIx64 "]",
		 region->kind == VC_REGION_CPU	      ? "CPU "
		 : region->kind == VC_REGION_IDENTITY ? "identity "
						      : "",
		 region->number, region->ranges.first, region->ranges.last);
	return name;
}

struct name describe_reservation(const struct reservation *reservation)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "reservation 0x%" PRIx64 "+0x%" PRIx64 " of %sregion %u",
		 reservation->address, reservation->bytes, reservation->region->kind == VC_REGION_CPU ? "CPU " : "",
		 reservation->region->number);
	return name;
}

struct name describe_phys(const struct phys *phys)
{
	struct name name;

	if (phys->of)
		snprintf(name.text, sizeof(name.text), "range 0x%" PRIx64 "+0x%" PRIx64 " of region %u",
			 (uint64_t)phys->segments[0].pa, phys->bytes, phys->of->number);
	else
		snprintf(name.text, sizeof(name.text), "memory of 0x%" PRIx64 " bytes from 0x%" PRIx64, phys->requested,
			 phys->n_blocks ? phys->blocks[0].first : 0);
	return name;
}

struct name describe_association(const struct association *association)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "%.40s in %sregion %u", association->device->name,
		 association->region->kind == VC_REGION_CPU ? "CPU " : "", association->region->number);
	return name;
}

const char *cache_name(enum vc_cache cache)
{
	static const char *const names[] = {"not cached", "write-back, write-allocate", "write-back", "write-through",
					    "device"};

	return (unsigned int)cache < VC_N_CACHE ? names[cache] : "unknown";
}

struct name rights_name(unsigned int rights)
{
	struct name name = {"----"};

	if (rights & PT_READ)
		name.text[0] = 'r';
	if (rights & PT_WRITE)
		name.text[1] = 'w';
	if (rights & PT_EXEC)
		name.text[2] = 'x';
	if (rights & PT_PRIV)
		name.text[3] = 'p';
	return name;
}
