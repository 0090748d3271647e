/* SPDX-License-Identifier: MIT */
/*
 * file.c - the files that an image lies in, and their bytes.
 *
 * Plain files and ELF cores are mapped into memory: whole where addresses are plenty, else a window at a time. Holes of
 * a sparse file are not looked at, since some file systems would fill them with pages. Of what was looked at only a
 * little stays resident, so that a dump of large tables needs no more memory than one of small ones. What cannot be
 * mapped (devices, compressed dumps) is read in blocks.
 *
 * Mapped pages can go while they are looked at: the file shrinks, or its disk fails, and the kernel sends SIGBUS.
 * copy_mapped() is the only function that touches them, and comes back from that; what has happened is then asked of
 * pread(), which knows. The program has one thread, so that one place to come back to is enough.
 */
#define _GNU_SOURCE /* SEEK_DATA, madvise() */
#include "pttool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "images are larger than 4 GiB");

/* What of a file is mapped at a time: on a host of 32 bits there are not addresses enough for all of it. */
#ifndef WINDOW_LG2
#define WINDOW_LG2 (sizeof(void *) > 4 ? 46 : 26)
#endif
#define WINDOW_BYTES ((uint64_t)1 << WINDOW_LG2)

/* The most that a kernel maps at one touch, where its pages are large; IMAGE_TOUCHED of these may be resident. */
enum { TOUCH_BYTES = 2 << 20 };

/* ---------------------------------------------------------------------------------------------------- opening, closing
 */

/* A file that there is already in the image, by whatever name; or NULL. */
static struct file *find_file(const struct image *image, const char *path, const struct stat *info)
{
	struct file *file = image->files;

	while (file && (info ? file->fd < 0 || file->device != info->st_dev || file->inode != info->st_ino
			     : strcmp(file->path, path) != 0))
		file = file->next;
	return file;
}

uint64_t file_length(int fd)
{
	struct stat info;
	off_t end;

	if (fstat(fd, &info) != 0)
		return 0;
	if (S_ISREG(info.st_mode))
		return (uint64_t)info.st_size;
	end = S_ISBLK(info.st_mode) ? lseek(fd, 0, SEEK_END) : 0;
	return end < 0 ? 0 : (uint64_t)end;
}

int file_descriptor(const char *path, bool write, struct stat *info)
{
	/* Opening a fifo would wait for somebody who writes to it. */
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), flags;

	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (fstat(fd, info) == 0 && flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

struct file *file_add(struct image *image, const char *path, int fd, const struct stat *info)
{
	struct file *file = find_file(image, path, info);

	if (file) {
		if (fd >= 0)
			close(fd);
		return file;
	}
	file = allocate(NULL, 1, sizeof(*file));
	memset(file, 0, sizeof(*file));
	file->path = allocate(NULL, strlen(path) + 1, 1);
	memcpy(file->path, path, strlen(path) + 1);
	file->fd = fd;
	if (info) {
		file->device = info->st_dev;
		file->inode = info->st_ino;
		file->bytes = file_length(fd);
		file->mappable = S_ISREG(info->st_mode) || S_ISBLK(info->st_mode);
	}
	file->next = image->files;
	image->files = file;
	return file;
}

void file_forget(struct file *file)
{
	if (file->window)
		munmap(file->window, file->window_bytes);
	file->window = NULL;
	file->part_end = 0;
}

void file_close(struct file *file)
{
	file_forget(file);
	core_close(file);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file);
}

/* ----------------------------------------------------------------------------------------------------- mapped pages */

static struct {
	volatile sig_atomic_t armed;
	const unsigned char *first;
	size_t bytes;
	sigjmp_buf back;
} guard;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr, first = (uintptr_t)guard.first;

	(void)context;
	if (guard.armed && at >= first && at - first < guard.bytes)
		siglongjmp(guard.back, 1);
	/* Not ours: as if there were no handler. */
	signal(number, SIG_DFL);
	raise(number);
}

/* The signal is not blocked while it is handled, so that the mask need not be kept for each copy. */
static bool catch_bus_errors(void)
{
	static bool caught;
	struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigemptyset(&action.sa_mask);
	if (!caught)
		caught = sigaction(SIGBUS, &action, NULL) == 0;
	return caught;
}

/* False where a page could not be had; what was copied until then is worth nothing. */
static bool copy_mapped(void *to, const unsigned char *from, size_t bytes)
{
	guard.first = from;
	guard.bytes = bytes;
	if (sigsetjmp(guard.back, 0) != 0) {
		guard.armed = 0;
		return false;
	}
	guard.armed = 1;
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(to, from, bytes);
	atomic_signal_fence(memory_order_seq_cst);
	guard.armed = 0;
	return true;
}

/* Makes the window hold this place. False where the file cannot be mapped: it is then read. */
static bool move_window(struct file *file, uint64_t place)
{
	uint64_t first = place & ~(WINDOW_BYTES - 1), bytes = file->bytes - first;
	void *window;

	if (file->window && place >= file->window_first && place - file->window_first < file->window_bytes)
		return true;
	if (file->window)
		munmap(file->window, file->window_bytes);
	file->window = NULL;
	if (bytes > WINDOW_BYTES)
		bytes = WINDOW_BYTES;
	if (!catch_bus_errors() || bytes > SIZE_MAX)
		return false;
	window = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, file->fd, (off_t)first);
	if (window == MAP_FAILED)
		return false;
	file->window = window;
	file->window_first = first;
	file->window_bytes = (size_t)bytes;
	return true;
}

/* Pages that were looked at stay resident until there are too many. */
static void touch(struct image *image, const struct file *file, uint64_t place)
{
	uint64_t chunk = place / TOUCH_BYTES;

	for (unsigned int i = 0; i < image->n_touched; i++)
		if (image->touched[i].chunk == chunk && image->touched[i].file == file)
			return;
	if (image->n_touched == IMAGE_TOUCHED) {
		for (struct file *each = image->files; each; each = each->next)
			if (each->window)
				madvise(each->window, each->window_bytes, MADV_DONTNEED);
		image->n_touched = 0;
	}
	image->touched[image->n_touched].file = file;
	image->touched[image->n_touched].chunk = chunk;
	image->n_touched++;
}

/*
 * Finds the part of the file around place that is all data or all hole. Where the file system knows of no holes, all is
 * data; so is what the file has lost since it was opened: whoever looks there sees it.
 */
static void find_part(struct file *file, uint64_t place)
{
	off_t data, end = -1;

	if (place >= file->part_first && place < file->part_end)
		return;
	file->part_first = place;
	file->part_end = file->bytes;
	file->part_is_hole = false;
	data = lseek(file->fd, (off_t)place, SEEK_DATA);
	if (data == (off_t)place)
		end = lseek(file->fd, (off_t)place, SEEK_HOLE);
	else if (data > (off_t)place)
		end = data;
	else if (errno == ENXIO && file_length(file->fd) >= file->bytes)
		end = (off_t)file->bytes; /* no data from here on */
	if (end <= (off_t)place)
		return;
	file->part_is_hole = data != (off_t)place;
	if ((uint64_t)end < file->part_end)
		file->part_end = (uint64_t)end;
}

/* ---------------------------------------------------------------------------------------------------------- reading */

static void read_plain(struct image *image, const struct file *file, uint64_t place, void *buffer, size_t bytes)
{
	unsigned char *out = buffer;

	while (bytes) {
		ssize_t got = pread(file->fd, out, bytes, (off_t)place);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			image_fail(image, "%s: cannot be read at offset 0x%" PRIx64 ": %s", file->path, place,
				   strerror(errno));
		if (got == 0)
			image_fail(image,
				   file->bytes ? "%s: the file became shorter while it was read: there is no offset "
						 "0x%" PRIx64 " any more"
					       : "%s: there is nothing at offset 0x%" PRIx64,
				   file->path, place);
		out += got;
		place += (uint64_t)got;
		bytes -= (size_t)got;
	}
}

static void read_mapped(struct image *image, struct file *file, uint64_t place, void *buffer, size_t bytes)
{
	unsigned char *out = buffer;

	while (bytes) {
		uint64_t left;
		size_t part = bytes;

		find_part(file, place);
		left = file->part_end - place;
		if (part > left)
			part = (size_t)left;
		if (file->part_is_hole) {
			memset(out, 0, part);
		} else if (!move_window(file, place)) {
			file->mappable = false;
			read_plain(image, file, place, out, part);
		} else {
			size_t at = (size_t)(place - file->window_first);

			if (part > file->window_bytes - at)
				part = file->window_bytes - at;
			touch(image, file, place);
			if (!copy_mapped(out, file->window + at, part))
				read_plain(image, file, place, out, part);
		}
		out += part;
		place += part;
		bytes -= part;
	}
}

/* The block with this place, of which the file has what is before end; or NULL, where a dump leaves it out. */
static const struct block *get_block(struct image *image, const struct file *file, uint64_t place, uint64_t end)
{
	uint64_t first = place & ~(uint64_t)(IMAGE_BLOCK - 1), bytes = end - first;
	struct block *block = &image->block[first / IMAGE_BLOCK % IMAGE_BLOCKS];

	if (bytes > IMAGE_BLOCK)
		bytes = IMAGE_BLOCK;
	if (block->file == file && block->first == first && block->bytes >= bytes)
		return block;
	block->file = NULL;
	if (file->core != CORE_KDUMP)
		read_plain(image, file, first, block->data, (size_t)bytes);
	else if (!core_read(image, file, first, block->data, (size_t)bytes))
		return NULL;
	block->file = file;
	block->first = first;
	block->bytes = (size_t)bytes;
	return block;
}

bool file_read(struct image *image, struct file *file, uint64_t place, uint64_t end, void *buffer, size_t bytes)
{
	unsigned char *out = buffer;

	if (file->mappable && file->core != CORE_KDUMP) {
		read_mapped(image, file, place, buffer, bytes);
		return true;
	}
	while (bytes) {
		const struct block *block = get_block(image, file, place, end);
		size_t at = (size_t)(place & (IMAGE_BLOCK - 1)), part = IMAGE_BLOCK - at;

		if (!block)
			return false;
		if (part > bytes)
			part = bytes;
		memcpy(out, block->data + at, part);
		out += part;
		place += part;
		bytes -= part;
	}
	return true;
}
