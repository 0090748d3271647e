/* SPDX-License-Identifier: MIT */
/* replay_memory.c - see replay.h: physical memory, and what it is put behind. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ----------------------------------------------------------------------------------------------------------- memory */

static void new_phys(struct replay *replay, int result, struct vc_phys *phys)
{
	struct vc_span first;
	size_t n;

	if (!replay_result_is(replay, result, phys) || vc_phys_export(phys, &first, 1, &n))
		return;
	replay_compare(replay, "pa", first.pa);
	replay_compare(replay, "segments", n);
}

static struct vc_phys_args phys_args(struct replay *replay)
{
	return (struct vc_phys_args){.type = (unsigned int)replay_number(replay, "type"),
				     .bytes = replay_number(replay, "bytes"),
				     .sizes = replay_number(replay, "sizes"),
				     .align = replay_number(replay, "align"),
				     .contiguous = json_is_true(json_object_get(replay->call, "contiguous")),
				     .attr = (uint32_t)replay_number(replay, "attr")};
}

static void do_phys_alloc(struct replay *replay)
{
	struct vc_phys_args args = phys_args(replay);
	struct vc_phys *phys = NULL;
	int result = vc_phys_alloc(replay_object(replay, "system"),
				   json_object_get(replay->call, "bytes") ? &args : NULL, &phys);

	new_phys(replay, result, phys);
}

static void do_phys_wrap(struct replay *replay)
{
	struct vc_phys *phys = NULL;
	int result = vc_phys_wrap(replay_object(replay, "system"), replay_number(replay, "at"),
				  replay_number(replay, "bytes"), &phys);

	new_phys(replay, result, phys);
}

static void do_phys_import(struct replay *replay)
{
	const json_t *list = json_object_get(replay->call, "list");
	size_t n = json_array_size(list);
	struct vc_span *spans = calloc(n + 1, sizeof(*spans));
	struct vc_phys *phys = NULL;
	int result;

	if (!spans) {
		replay_complain(replay, "out of memory");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		spans[i].pa = replay_number_in(replay, json_array_get(list, i), "pa");
		spans[i].bytes = replay_number_in(replay, json_array_get(list, i), "bytes");
	}
	result = vc_phys_import(replay_object(replay, "system"), spans, n, &phys);
	new_phys(replay, result, phys);
	free(spans);
}

/* A file in the place of the one that was imported: empty, but as long as it has to be. */
static int file_for(struct replay *replay, const char *name, uint64_t bytes)
{
	struct file *more;
	size_t i = 0;
	int fd;

	while (i < replay->n_files && strcmp(replay->files[i].name, name) != 0)
		i++;
	if (i == replay->n_files) {
		more = realloc(replay->files, (replay->n_files + 1) * sizeof(*more));
		replay->files = more ? more : replay->files;
		fd = memfd_create("replay", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (!more || fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
			replay_complain(replay, "no file for an import: %s", strerror(errno));
			return -1;
		}
		snprintf(more[i].name, sizeof(more[i].name), "%s", name);
		more[i].fd = fd;
		replay->n_files++;
	}
	fd = replay->files[i].fd;
	if (lseek(fd, 0, SEEK_END) < (off_t)bytes && ftruncate(fd, (off_t)bytes)) {
		replay_complain(replay, "no file of 0x%" PRIx64 " bytes for an import: %s", bytes, strerror(errno));
		return -1;
	}
	return fd;
}

static void do_phys_import_fd(struct replay *replay)
{
	const char *name = json_string_value(json_object_get(replay->call, "file"));
	uint64_t offset = replay_number(replay, "offset"), bytes = replay_number(replay, "bytes");
	struct vc_phys *phys = NULL;
	int fd, result;

	/* What was refused then, was for the sake of the file, which is not here. */
	if (json_integer_value(json_object_get(replay->call, "result"))) {
		replay->n_calls++;
		return;
	}
	fd = file_for(replay, name ? name : "?", offset + bytes);
	if (fd < 0)
		return;
	result = vc_phys_import_fd(replay_object(replay, "system"), fd, offset, bytes, &phys);
	new_phys(replay, result, phys);
}

static void do_phys_of_region(struct replay *replay)
{
	struct vc_phys *phys = NULL;
	int result = vc_phys_of_region(replay_object(replay, "region"), replay_number(replay, "address"),
				       replay_number(replay, "bytes"), &phys);

	new_phys(replay, result, phys);
}

static void do_phys_compose(struct replay *replay)
{
	const json_t *list = json_object_get(replay->call, "list");
	size_t n = json_array_size(list);
	struct vc_piece *pieces = calloc(n + 1, sizeof(*pieces));
	struct vc_phys *phys = NULL;
	int result;

	if (!pieces) {
		replay_complain(replay, "out of memory");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *at = json_array_get(list, i);

		pieces[i].phys = replay_object_in(replay, at, "memory");
		pieces[i].offset = replay_number_in(replay, at, "offset");
		pieces[i].bytes = replay_number_in(replay, at, "bytes");
	}
	result = vc_phys_compose(replay_object(replay, "system"), pieces, n, &phys);
	new_phys(replay, result, phys);
	free(pieces);
}

static void do_phys_free(struct replay *replay)
{
	replay_result_is(replay, vc_phys_free(replay_object(replay, "memory")), NULL);
}

static void do_back(struct replay *replay)
{
	replay_result_is(replay,
			 vc_back(replay_object(replay, "reservation"), replay_object(replay, "memory"),
				 (unsigned int)replay_number(replay, "flags")),
			 NULL);
}

static void do_unback(struct replay *replay)
{
	replay_result_is(replay,
			 vc_unback(replay_object(replay, "reservation"), (unsigned int)replay_number(replay, "flags")),
			 NULL);
}

static void do_reback(struct replay *replay)
{
	replay_result_is(replay,
			 vc_reback(replay_object(replay, "reservation"), replay_object(replay, "memory"),
				   (unsigned int)replay_number(replay, "flags")),
			 NULL);
}

static void do_migrate(struct replay *replay)
{
	struct vc_phys_args args = phys_args(replay);

	replay_result_is(
		replay,
		vc_migrate(replay_object(replay, "memory"), json_object_get(replay->call, "bytes") ? &args : NULL),
		NULL);
}

static void do_reservation_dirty(struct replay *replay)
{
	uint64_t bytes = 0;
	int result =
		vc_reservation_dirty(replay_object(replay, "reservation"), (unsigned int)replay_number(replay, "flags"),
				     NULL, (unsigned int)replay_number(replay, "lg2"), &bytes);

	if (replay_result_is(replay, result, NULL) && !replay->n_windows)
		replay_compare(replay, "dirty", bytes);
}

const struct replay_call replay_memory_calls[] = {
	REPLAY_CALL(phys_alloc),
	REPLAY_CALL(phys_wrap),
	REPLAY_CALL(phys_import),
	REPLAY_CALL(phys_import_fd),
	REPLAY_CALL(phys_of_region),
	REPLAY_CALL(phys_compose),
	REPLAY_CALL(phys_free),
	REPLAY_CALL(back),
	REPLAY_CALL(unback),
	REPLAY_CALL(reback),
	REPLAY_CALL(migrate),
	REPLAY_CALL(reservation_dirty),
	{NULL, NULL},
};
