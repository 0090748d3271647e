/* SPDX-License-Identifier: MIT */
/*
 * import.c - files of others as physical memory, and our memory as files for others.
 *
 * An imported file gets a place in the aperture of the system, and is mapped there in every view. The same part of a
 * file has one place: users counts the memories that wrap it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_GET_SEALS, MAP_ANONYMOUS */
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* ----------------------------------------------------------------------------------------------------------- memory */

struct import *import_at(const struct system *system, uint64_t pa)
{
	LIST_FOR(link, &system->imports)
	{
		struct import *import = VC_CONTAINER(link, struct import, link);

		if (pa >= import->pa && pa - import->pa < import->bytes)
			return import;
	}
	return NULL;
}

static bool in_aperture(const struct system *system, uint64_t pa)
{
	return pa >= system->aperture.pa && pa - system->aperture.pa < system->aperture.bytes;
}

unsigned char *system_touch(struct system *system, uint64_t pa, uint64_t bytes)
{
	const struct import *import;

	if (!in_aperture(system, pa))
		return system_is_ram(system, pa, bytes) ? system->view->base + pa : NULL;
	/* A device may still present an address whose memory is gone: then nothing must be there to touch. */
	pthread_rwlock_rdlock(&system->imports_lock);
	import = import_at(system, pa);
	if (import && bytes <= import->bytes - (pa - import->pa))
		return system->view->base + pa;
	pthread_rwlock_unlock(&system->imports_lock);
	return NULL;
}

void system_untouch(struct system *system, uint64_t pa)
{
	if (in_aperture(system, pa))
		pthread_rwlock_unlock(&system->imports_lock);
}

int system_map_memory(struct system *system, unsigned char *at, uint64_t pa, uint64_t bytes, int protection)
{
	uint64_t offset = pa - system->memory_first;
	const struct import *import = NULL;
	int file = system->file, error = 0;

	if (in_aperture(system, pa)) {
		pthread_rwlock_rdlock(&system->imports_lock);
		import = import_at(system, pa);
		file = import ? import->file : -1;
		offset = import ? import->offset + (pa - import->pa) : 0;
	}
	if (import ? bytes > import->bytes - (pa - import->pa) : !system_is_ram(system, pa, bytes))
		error = -EOPNOTSUPP;
	else if (mmap(at, (size_t)bytes, protection, MAP_SHARED | MAP_FIXED, file, (off_t)offset) == MAP_FAILED)
		error = -ENOMEM;
	if (in_aperture(system, pa))
		pthread_rwlock_unlock(&system->imports_lock);
	return error;
}

static bool show(const struct view *view, const struct import *import)
{
	unsigned char *at = view->base + import->pa + (uint64_t)view->offset;

	return mmap(at, (size_t)import->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, import->file,
		    (off_t)import->offset) != MAP_FAILED;
}

static void hide(const struct view *view, const struct import *import)
{
	unsigned char *at = view->base + import->pa + (uint64_t)view->offset;

	if (mmap(at, (size_t)import->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		mprotect(at, (size_t)import->bytes, PROT_NONE);
}

bool imports_show(const struct system *system, const struct view *view)
{
	LIST_FOR(link, &system->imports)
	if (!show(view, VC_CONTAINER(link, struct import, link)))
		return false;
	return true;
}

/* ---------------------------------------------------------------------------------------------------------- imports */

/* The file may not become shorter under our feet, and must be writable. */
static int check_file(int fd, uint64_t offset, uint64_t bytes, struct stat *status)
{
	const char *self = "vc_phys_import_fd";
	int seals, mode = fcntl(fd, F_GETFL);
	off_t end;

	if (mode < 0 || fstat(fd, status))
		return vc_fail_at(self, -errno, "", 0, "descriptor %d: %s", fd, strerror(errno));
	if ((mode & O_ACCMODE) != O_RDWR)
		return vc_fail_at(self, -EACCES, "", 0, "descriptor %d is not open for reading and writing", fd);
	end = lseek(fd, 0, SEEK_END);
	if (end < 0 || (uint64_t)end < offset || bytes > (uint64_t)end - offset)
		return vc_fail_at(self, -EINVAL, "", offset,
				  "the file ends at 0x%" PRIx64 ", before 0x%" PRIx64 " + 0x%" PRIx64,
				  end < 0 ? 0 : (uint64_t)end, offset, bytes);
	seals = fcntl(fd, F_GET_SEALS);
	if (seals >= 0 ? !(seals & F_SEAL_SHRINK) : S_ISREG(status->st_mode))
		return vc_fail_at(self, -EINVAL, "", 0, "the file may shrink while devices use it: %s",
				  seals >= 0 ? "seal it with F_SEAL_SHRINK" : "it is no memfd and no DMA buffer");
	if (seals >= 0 && (seals & F_SEAL_WRITE))
		return vc_fail_at(self, -EACCES, "", 0, "the file is sealed against writing");
	return 0;
}

static struct import *find(const struct system *system, const struct stat *status, uint64_t offset, uint64_t bytes)
{
	LIST_FOR(link, &system->imports)
	{
		struct import *import = VC_CONTAINER(link, struct import, link);

		if (import->device == status->st_dev && import->inode == status->st_ino && import->offset == offset &&
		    import->bytes == bytes)
			return import;
	}
	return NULL;
}

static void drop(struct system *system, struct import *import)
{
	if (import->node)
		vc_ranges_give(&system->aperture_space, import->node);
	if (import->file >= 0)
		close(import->file);
	free(import);
}

/* System's lock held. */
static int make(struct system *system, int fd, const struct stat *status, uint64_t offset, uint64_t bytes,
		struct import **out)
{
	const char *self = "vc_phys_import_fd";
	struct import *import = vc_calloc(1, sizeof(*import));
	bool shown = true;
	int error = -ENOSPC;

	if (!import)
		return vc_fail_at(self, -ENOMEM, "", 0, "no memory for an import");
	import->device = status->st_dev;
	import->inode = status->st_ino;
	import->offset = offset;
	import->bytes = bytes;
	import->users = 1;
	import->file = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (import->file < 0) {
		error = vc_fail_at(self, -errno, "", 0, "descriptor %d: %s", fd, strerror(errno));
		drop(system, import);
		return error;
	}
	if (system->aperture.bytes)
		error = vc_ranges_take(&system->aperture_space, bytes,
				       bytes >> 21   ? 21
				       : bytes >> 16 ? 16
						     : VC_PAGE_LG2,
				       0, UINT64_MAX, import, &import->node);
	if (error) {
		drop(system, import);
		return vc_fail_at(self, error, "", offset, "no physical addresses for 0x%" PRIx64 " bytes of a file",
				  bytes);
	}
	import->pa = import->node->first;
	LIST_FOR(link, &system->views)
	shown = shown && vc_may_allocate("window") && show(VC_CONTAINER(link, struct view, link), import);
	if (!shown) {
		LIST_FOR(link, &system->views)
		hide(VC_CONTAINER(link, struct view, link), import);
		drop(system, import);
		return vc_fail_at(self, -ENOMEM, "", offset, "the host refuses to map the file");
	}
	pthread_rwlock_wrlock(&system->imports_lock);
	list_append(&system->imports, &import->link);
	pthread_rwlock_unlock(&system->imports_lock);
	*out = import;
	return 0;
}

void import_put(struct system *system, struct import *import)
{
	pthread_mutex_lock(&system->lock);
	if (--import->users == 0) {
		pthread_rwlock_wrlock(&system->imports_lock);
		list_remove(&import->link);
		LIST_FOR(link, &system->views)
		hide(VC_CONTAINER(link, struct view, link), import);
		pthread_rwlock_unlock(&system->imports_lock);
		drop(system, import);
	}
	pthread_mutex_unlock(&system->lock);
}

/* Is this the file that holds our own memory? Then the part is where it is. */
static bool is_ours(const struct system *system, const struct stat *status, uint64_t offset, uint64_t bytes)
{
	struct stat own;

	return !fstat(system->file, &own) && own.st_dev == status->st_dev && own.st_ino == status->st_ino &&
	       system_is_ram(system, system->memory_first + offset, bytes);
}

int vc_phys_import_fd(struct vc_system *handle, int fd, uint64_t offset, uint64_t bytes, struct vc_phys **out)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct import *import = NULL;
	struct stat status;
	bool ours = false;
	int error = 0;

	if (!system)
		return -EINVAL;
	if (!out || !bytes || ((offset | bytes) & (VC_PAGE - 1)) || bytes - 1 > INT64_MAX - offset)
		error = vc_fail(-EINVAL, "", offset,
				"out is NULL, or 0x%" PRIx64 " + 0x%" PRIx64 " is not made of whole pages", offset,
				bytes);
	else if (!(ours = !fstat(fd, &status) && is_ours(system, &status, offset, bytes)))
		error = check_file(fd, offset, bytes, &status);
	if (!error && ours) {
		error = phys_wrap(system, system->memory_first + offset, bytes, NULL, __func__, out);
	} else if (!error) {
		pthread_mutex_lock(&system->lock);
		import = find(system, &status, offset, bytes);
		if (import)
			import->users++;
		else
			error = make(system, fd, &status, offset, bytes, &import);
		pthread_mutex_unlock(&system->lock);
		if (!error)
			error = phys_wrap(system, import->pa, bytes, import, __func__, out);
	}
	object_put(&system->object);
	return error;
}

int vc_phys_fd(struct vc_phys *handle, size_t i, int *fd, uint64_t *offset, uint64_t *bytes)
{
	struct phys *phys = object_get(OBJECT_PHYS, handle, __func__);
	struct system *system;
	uint64_t pa;
	int file = -1, error = 0;

	if (!phys)
		return -EINVAL;
	system = phys->system;
	pthread_mutex_lock(&system->graph);
	pa = i < phys->n_segments ? phys->segments[i].pa : PHYS_HOLE;
	if (!fd || !offset || !bytes) {
		error = vc_fail(-EINVAL, "", 0, "fd, offset or bytes are NULL");
	} else if (i >= phys->n_segments) {
		error = -ENOENT;
	} else if (pa == PHYS_HOLE || phys->of) {
		error = vc_fail(-ENXIO, describe_phys(phys).text, 0, "there is no memory in segment %zu", i);
	} else if (in_aperture(system, pa)) {
		const struct import *import;

		pthread_rwlock_rdlock(&system->imports_lock);
		import = import_at(system, pa);
		file = import ? fcntl(import->file, F_DUPFD_CLOEXEC, 0) : -1;
		*offset = import ? import->offset + (pa - import->pa) : 0;
		pthread_rwlock_unlock(&system->imports_lock);
	} else if (system_is_ram(system, pa, phys->segments[i].bytes)) {
		file = fcntl(system->file, F_DUPFD_CLOEXEC, 0);
		*offset = pa - system->memory_first;
	} else {
		error = vc_fail(-ENXIO, describe_phys(phys).text, pa, "no memory answers at 0x%" PRIx64, pa);
	}
	if (!error && file < 0)
		error = vc_fail(-errno, describe_phys(phys).text, pa, "%s", strerror(errno));
	if (!error) {
		*fd = file;
		*bytes = phys->segments[i].bytes;
	}
	pthread_mutex_unlock(&system->graph);
	object_put(&phys->object);
	return error;
}
