/* SPDX-License-Identifier: MIT */
/*
 * window.c - the window of a CPU region: a piece of this process's address space in which nothing is accessible but
 * what is backed, and that is the same memory that devices see.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

struct window {
	struct mapper mapper;
	unsigned char *base;
	size_t bytes;
};

/* Windows begin at a multiple of the largest alignment that reservations ask for by themselves. */
#define WINDOW_ALIGN ((size_t)1 << 24)

static struct window *window_of(struct mapper *mapper)
{
	return VC_CONTAINER(mapper, struct window, mapper);
}

static unsigned char *pointer(const struct window *window, uint64_t address)
{
	return window->base + (address - (uint64_t)(uintptr_t)window->base);
}

static int protection(unsigned int rights)
{
	return (rights & (PT_READ | PT_WRITE) ? PROT_READ : 0) | (rights & PT_WRITE ? PROT_WRITE : 0) |
	       (rights & PT_EXEC ? PROT_EXEC | PROT_READ : 0);
}

static bool map_nothing(unsigned char *at, uint64_t bytes)
{
	return mmap(at, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
	       MAP_FAILED;
}

static void window_unmap(struct mapper *mapper, const struct mapping *mapping)
{
	unsigned char *at = pointer(window_of(mapper), mapping->address);

	/* Where the host has no room for one mapping more, the memory stays but becomes inaccessible. */
	if (!map_nothing(at, mapping->bytes))
		mprotect(at, (size_t)mapping->bytes, PROT_NONE);
}

/* Segment i, as far as the mapping goes; done are the bytes before it. */
static uint64_t bytes_of(const struct mapping *mapping, size_t i, uint64_t done)
{
	uint64_t bytes = mapping->phys->segments[i].bytes, left = mapping->bytes - done;

	return bytes < left ? bytes : left;
}

static int window_map(struct mapper *mapper, const struct mapping *mapping)
{
	struct system *system = mapper->region->system;
	const struct phys *phys = mapping->phys;
	struct mapping done = *mapping;

	done.bytes = 0;
	for (size_t i = 0; done.bytes < mapping->bytes; i++) {
		uint64_t bytes = bytes_of(mapping, i, done.bytes);
		unsigned char *at = pointer(window_of(mapper), mapping->address + done.bytes);
		int error = -ENOMEM;

		if (vc_may_allocate("window")) {
			if (phys->segments[i].pa == PHYS_HOLE)
				error = map_nothing(at, bytes) ? 0 : -ENOMEM;
			else
				error = system_map_memory(system, at, phys->segments[i].pa, bytes,
							  protection(mapping->rights));
		}
		if (error == -EOPNOTSUPP)
			vc_fail_at("vc_back", error, describe_phys(phys).text, phys->segments[i].pa,
				   "the CPU can map memory only, and there is none");
		else if (error)
			vc_fail_at("vc_back", error, describe_region(mapper->region).text,
				   mapping->address + done.bytes, "the host refuses to map the memory");
		if (error) {
			if (done.bytes)
				window_unmap(mapper, &done);
			return error;
		}
		done.bytes += bytes;
	}
	return 0;
}

/* Change the first bytes of a mapping; *done: how many were. */
static bool protect_segments(struct mapper *mapper, const struct mapping *mapping, uint64_t bytes, uint64_t *done)
{
	*done = 0;
	for (size_t i = 0; *done < bytes; i++) {
		unsigned char *at = pointer(window_of(mapper), mapping->address + *done);
		uint64_t now = bytes_of(mapping, i, *done);

		if (mapping->phys->segments[i].pa != PHYS_HOLE &&
		    (!vc_may_allocate("window") || mprotect(at, (size_t)now, protection(mapping->rights))))
			return false;
		*done += now;
	}
	return true;
}

static int window_protect(struct mapper *mapper, const struct mapping *before, const struct mapping *after)
{
	uint64_t done, ignored;
	int error;

	if (protect_segments(mapper, after, after->bytes, &done))
		return 0;
	error = vc_fail_at("vc_reservation_set", -ENOMEM, describe_region(mapper->region).text, after->address + done,
			   "the host refuses to change the protection");
	/* It was so a moment ago. */
	protect_segments(mapper, before, done, &ignored);
	return error;
}

/* mmap() over what is there changes it in one step. */
static int window_replace(struct mapper *mapper, const struct mapping *from, const struct mapping *to)
{
	int error = window_map(mapper, to);

	if (error && window_map(mapper, from))
		return -EIO;
	return error;
}

static void window_destroy(struct mapper *mapper)
{
	struct window *window = window_of(mapper);

	munmap(window->base, window->bytes);
	free(window);
}

static const struct mapper_ops window_ops = {window_map, window_unmap, window_protect, window_replace, window_destroy};

int window_create(struct region *region, uint64_t bytes, struct mapper **out, uint64_t *first)
{
	struct window *window;
	unsigned char *base;
	size_t before;
	void *all;

	if (bytes < VC_PAGE || bytes > SIZE_MAX / 2 || bytes % VC_PAGE)
		return vc_fail_at("vc_region_create_cpu", -EINVAL, "", 0, "a window is whole pages");
	window = vc_calloc(1, sizeof(*window));
	all = window && vc_may_allocate("window") ? mmap(NULL, (size_t)bytes + WINDOW_ALIGN, PROT_NONE,
							 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
						  : MAP_FAILED;
	if (all == MAP_FAILED) {
		free(window);
		return vc_fail_at("vc_region_create_cpu", -ENOMEM, "", 0, "no address space for the window");
	}
	before = (0 - (size_t)(uintptr_t)all) & (WINDOW_ALIGN - 1);
	base = (unsigned char *)all + before;
	if (before)
		munmap(all, before);
	munmap(base + bytes, WINDOW_ALIGN - before);
	*window =
		(struct window){.mapper = {.ops = &window_ops, .region = region}, .base = base, .bytes = (size_t)bytes};
	*out = &window->mapper;
	*first = (uint64_t)(uintptr_t)base;
	return 0;
}
