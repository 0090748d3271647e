/* SPDX-License-Identifier: MIT */
/*
 * image.c - images of physical memory: one plain file, segments of files, or cores (see core.c).
 *
 * Files are read with pread() and never mapped: a file that shrinks while it is read is an error like any other.
 */
#include "pttool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the file of a segment and sees how much of it there is. size_given: segment->bytes is what the user asked for.
 */
static bool open_segment(struct segment *segment, bool size_given, bool create)
{
	struct stat info;
	uint64_t size;

	segment->fd = -1;
	segment->file_bytes = 0;
	if (stat(segment->path, &info) != 0) {
		if (errno == ENOENT && create && size_given)
			return true;
		complain("%s: %s", segment->path, strerror(errno));
		if (errno == ENOENT && create)
			note("to create it, say how large it is: --ram-size N, or --ram %s@PA+0:SIZE", segment->path);
		return false;
	}
	if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode) && !(S_ISCHR(info.st_mode) && size_given)) {
		complain("%s: not a file that can be read at any place", segment->path);
		if (S_ISCHR(info.st_mode))
			note("a device needs a size: --ram-size N, or --ram %s@PA+OFFSET:SIZE", segment->path);
		return false;
	}
	segment->fd = open(segment->path, (create ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (segment->fd < 0) {
		complain("%s: %s", segment->path, strerror(errno));
		return false;
	}
	if (S_ISCHR(info.st_mode)) {
		segment->file_bytes = segment->bytes;
		return true;
	}
	size = (uint64_t)info.st_size;
	if (S_ISBLK(info.st_mode)) {
		off_t end = lseek(segment->fd, 0, SEEK_END);

		size = end < 0 ? 0 : (uint64_t)end;
	}
	segment->file_size = size;
	segment->file_bytes = size > segment->offset ? size - segment->offset : 0;
	if (!size_given)
		segment->bytes = segment->file_bytes;
	if (segment->file_bytes > segment->bytes)
		segment->file_bytes = segment->bytes;
	if (segment->bytes == 0) {
		complain("%s: the file is empty", segment->path);
		return false;
	}
	if (segment->file_bytes < segment->bytes && !create) {
		complain("%s: the file has 0x%" PRIx64 " bytes from offset 0x%" PRIx64 " on, fewer than the 0x%" PRIx64
			 " that were asked for",
			 segment->path, segment->file_bytes, segment->offset, segment->bytes);
		return false;
	}
	return true;
}

static bool number_of(const char *option, const char *text, size_t length, uint64_t *value)
{
	const char *why = parse_number(text, length, value);

	if (why)
		complain("%s: '%.*s' is not a number: %s", option, (int)length, text, why);
	return why == NULL;
}

/* FILE@PA[+OFFSET:SIZE] */
static bool parse_segment(struct segment *segment, const char *text, bool *size_given)
{
	const char *at = strrchr(text, '@');
	const char *plus = at ? strchr(at, '+') : NULL;
	const char *colon = plus ? strchr(plus, ':') : NULL;
	size_t length;

	if (!at || at == text || (plus && !colon)) {
		complain("--ram %s: a segment is FILE@PA or FILE@PA+OFFSET:SIZE", text);
		if (!at)
			note("a plain file needs --ram-base PA, the physical address of its first byte");
		return false;
	}
	length = (size_t)((plus ? plus : at + strlen(at)) - (at + 1));
	if (!number_of("--ram", at + 1, length, &segment->pa))
		return false;
	*size_given = plus != NULL;
	if (plus && (!number_of("--ram", plus + 1, (size_t)(colon - plus - 1), &segment->offset) ||
		     !number_of("--ram", colon + 1, strlen(colon + 1), &segment->bytes)))
		return false;
	segment->path = allocate(NULL, (size_t)(at - text) + 1, 1);
	memcpy(segment->path, text, (size_t)(at - text));
	segment->path[at - text] = '\0';
	return true;
}

static int compare_segments(const void *a, const void *b)
{
	const struct segment *left = a, *right = b;

	return left->pa < right->pa ? -1 : left->pa > right->pa;
}

static bool check_layout(const struct image *image)
{
	for (size_t i = 0; i < image->n; i++) {
		const struct segment *segment = &image->segments[i];

		if (segment->offset > INT64_MAX || segment->bytes > INT64_MAX - segment->offset) {
			complain("%s: offset and size are beyond what a file can have", segment->path);
			return false;
		}
		if (segment->bytes - 1 > UINT64_MAX - segment->pa) {
			complain("%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " reach beyond the last 64-bit address",
				 segment->path, segment->bytes, segment->pa);
			return false;
		}
		if (i && image->segments[i - 1].pa + (image->segments[i - 1].bytes - 1) >= segment->pa) {
			complain("%s at 0x%" PRIx64 " and %s at 0x%" PRIx64 " overlap", image->segments[i - 1].path,
				 image->segments[i - 1].pa, segment->path, segment->pa);
			return false;
		}
	}
	return true;
}

struct segment *image_add(struct image *image, const char *path)
{
	struct segment *segment;

	if (image->n == image->capacity) {
		image->capacity = image->capacity ? 2 * image->capacity : 8;
		image->segments = allocate(image->segments, image->capacity, sizeof(*image->segments));
	}
	segment = &image->segments[image->n++];
	memset(segment, 0, sizeof(*segment));
	segment->fd = -1;
	segment->path = allocate(NULL, strlen(path) + 1, 1);
	memcpy(segment->path, path, strlen(path) + 1);
	return segment;
}

/* One --ram: a core, a plain file with a base, or a segment. */
static bool open_argument(struct image *image, const char *text, const char *ram_base, const char *ram_size,
			  bool create)
{
	bool size_given = ram_size != NULL;
	struct segment parsed = {.fd = -1}, *segment;
	enum core_kind kind = ram_base ? CORE_NONE : core_kind(text);

	if (kind != CORE_NONE && create) {
		complain("%s: `build` writes plain images only, and this is a core", text);
		return false;
	}
	if (kind != CORE_NONE)
		return core_open(image, text, kind);
	if (ram_base) {
		if (!number_of("--ram-base", ram_base, strlen(ram_base), &parsed.pa) ||
		    (ram_size && !number_of("--ram-size", ram_size, strlen(ram_size), &parsed.bytes)))
			return false;
		segment = image_add(image, text);
	} else {
		if (!parse_segment(&parsed, text, &size_given))
			return false;
		segment = image_add(image, parsed.path);
		free(parsed.path);
	}
	segment->pa = parsed.pa;
	segment->bytes = parsed.bytes;
	segment->offset = parsed.offset;
	if (size_given && segment->bytes == 0) {
		complain("%s: a size of 0 holds nothing", segment->path);
		return false;
	}
	return open_segment(segment, size_given, create);
}

/* Parts of a core may hold the same memory twice (a kernel's image, and the memory it lies in): once is enough. */
static void trim_cores(struct image *image)
{
	size_t n = 0;

	for (size_t i = 0; i < image->n; i++) {
		struct segment *segment = &image->segments[i];
		const struct segment *before = n ? &image->segments[n - 1] : NULL;
		uint64_t twice = 0;

		if (before && before->core == CORE_ELF && segment->core == CORE_ELF &&
		    before->pa + (before->bytes - 1) >= segment->pa)
			twice = before->pa + (before->bytes - 1) - segment->pa + 1;
		if (twice >= segment->bytes) {
			close(segment->fd);
			free(segment->path);
			continue;
		}
		segment->pa += twice;
		segment->offset += twice;
		segment->bytes -= twice;
		segment->file_bytes -= twice;
		image->segments[n++] = *segment;
	}
	image->n = n;
}

bool image_open(struct image *image, const char *const *ram, size_t n_ram, const char *ram_base, const char *ram_size,
		bool create)
{
	memset(image, 0, sizeof(*image));
	if (n_ram == 0) { /* memory without a file, which ends with the program */
		struct segment *segment = image_add(image, "");

		return number_of("--ram-base", ram_base, strlen(ram_base), &segment->pa) &&
		       number_of("--ram-size", ram_size, strlen(ram_size), &segment->bytes) && check_layout(image);
	}
	if (n_ram > 1 && (ram_base || ram_size)) {
		complain("--ram-base and --ram-size go with one plain file; a segment is --ram FILE@PA+OFFSET:SIZE");
		return false;
	}
	if (ram_size && !ram_base) {
		complain("--ram-size needs --ram-base PA, the physical address of the first byte of the file");
		return false;
	}
	for (size_t i = 0; i < n_ram; i++)
		if (!open_argument(image, ram[i], ram_base, ram_size, create))
			return false;
	qsort(image->segments, image->n, sizeof(*image->segments), compare_segments);
	trim_cores(image);
	return check_layout(image);
}

void image_close(struct image *image)
{
	for (size_t i = 0; i < image->n; i++) {
		core_close(&image->segments[i]);
		if (image->segments[i].fd >= 0)
			close(image->segments[i].fd);
		free(image->segments[i].path);
	}
	free(image->segments);
	image->segments = NULL;
	image->n = image->capacity = 0;
}

const struct segment *image_find(const struct image *image, uint64_t pa)
{
	size_t low = 0, high = image->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct segment *segment = &image->segments[middle];

		if (pa < segment->pa)
			high = middle;
		else if (pa - segment->pa >= segment->bytes)
			low = middle + 1;
		else
			return segment;
	}
	return NULL;
}

/* Reads from the file; what the file does not have (yet) is zero. */
static bool read_segment(const struct segment *segment, uint64_t offset, void *buffer, size_t bytes)
{
	unsigned char *out = buffer;

	if (segment->core == CORE_KDUMP)
		return core_read(segment, offset, buffer, bytes);
	while (bytes) {
		size_t part = bytes;
		ssize_t got;

		if (offset >= segment->file_bytes) {
			memset(out, 0, bytes);
			return true;
		}
		if (part > segment->file_bytes - offset)
			part = (size_t)(segment->file_bytes - offset);
		got = pread(segment->fd, out, part, (off_t)(segment->offset + offset));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			complain("%s: %s at offset 0x%" PRIx64, segment->path,
				 got < 0 ? strerror(errno) : "the file became shorter", segment->offset + offset);
			return false;
		}
		out += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return true;
}

bool image_read(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	struct image *image = ctx;
	unsigned char *out = buffer;

	progress_tick();
	while (bytes) {
		const struct segment *segment = image_find(image, pa);
		uint64_t offset, start;
		size_t slot, in, part;

		if (!segment)
			return false;
		offset = pa - segment->pa;
		start = offset & ~(uint64_t)(IMAGE_BLOCK - 1);
		slot = (size_t)((start / IMAGE_BLOCK) % IMAGE_BLOCKS);
		if (image->block[slot].segment != segment || image->block[slot].offset != start) {
			uint64_t length = segment->bytes - start;

			if (length > IMAGE_BLOCK)
				length = IMAGE_BLOCK;
			image->block[slot].segment = NULL;
			if (!read_segment(segment, start, image->block[slot].data, (size_t)length))
				return false;
			image->block[slot].segment = segment;
			image->block[slot].offset = start;
			image->block[slot].bytes = (size_t)length;
		}
		in = (size_t)(offset - start);
		part = image->block[slot].bytes - in;
		if (part > bytes)
			part = bytes;
		memcpy(out, image->block[slot].data + in, part);
		out += part;
		bytes -= part;
		if (bytes && pa > UINT64_MAX - part)
			return false;
		pa += part;
	}
	return true;
}

static struct segment *find_for_writing(struct image *image, uint64_t pa)
{
	for (size_t i = 0; i < image->n; i++)
		if (pa >= image->segments[i].pa && pa - image->segments[i].pa < image->segments[i].bytes)
			return &image->segments[i];
	return NULL;
}

/* Does the image differ from data? Also true when it cannot be read: writing will then say why. */
static bool differs(struct image *image, uint64_t pa, const unsigned char *data, size_t bytes)
{
	unsigned char old[IMAGE_BLOCK];

	while (bytes) {
		size_t part = bytes < sizeof(old) ? bytes : sizeof(old);

		if (!image_read(image, pa, old, part) || memcmp(old, data, part) != 0)
			return true;
		pa += part;
		data += part;
		bytes -= part;
	}
	return false;
}

bool image_prepare(struct image *image, uint64_t pa, const void *data, size_t bytes)
{
	struct segment *segment = find_for_writing(image, pa);
	int error;

	if (!segment)
		return false;
	if (segment->fd < 0) {
		segment->fd = open(segment->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (segment->fd < 0) {
			complain("%s: cannot create it: %s", segment->path, strerror(errno));
			return false;
		}
		segment->created = true;
	}
	if (segment->file_bytes < segment->bytes && !segment->extended) {
		if (ftruncate(segment->fd, (off_t)(segment->offset + segment->bytes)) != 0) {
			complain("%s: cannot make it 0x%" PRIx64 " bytes long: %s", segment->path,
				 segment->offset + segment->bytes, strerror(errno));
			return false;
		}
		segment->extended = true;
	}
	if (bytes == 0 || !differs(image, pa, data, bytes))
		return true;
	error = posix_fallocate(segment->fd, (off_t)(segment->offset + (pa - segment->pa)), (off_t)bytes);
	if (error == 0 || error == EINVAL || error == EOPNOTSUPP || error == ENODEV)
		return true; /* a device, or a file system without it: writing will tell */
	complain("%s: no room for 0x%zx bytes of tables: %s", segment->path, bytes, strerror(error));
	return false;
}

void image_settle(struct image *image, bool keep)
{
	for (size_t i = 0; i < image->n; i++) {
		struct segment *segment = &image->segments[i];
		bool fine = true;

		if (keep)
			segment->file_bytes = segment->extended ? segment->bytes : segment->file_bytes;
		else if (segment->created)
			fine = unlink(segment->path) == 0;
		else if (segment->extended)
			fine = ftruncate(segment->fd, (off_t)segment->file_size) == 0;
		if (!fine)
			complain("%s: cannot be put back as it was: %s", segment->path, strerror(errno));
		segment->created = false;
		segment->extended = false;
	}
}

bool image_write(struct image *image, uint64_t pa, const void *data, size_t bytes)
{
	const struct segment *segment = image_find(image, pa);
	const unsigned char *from = data;
	uint64_t offset;

	if (!segment)
		return false;
	if (!differs(image, pa, data, bytes))
		return true;
	offset = segment->offset + (pa - segment->pa);
	while (bytes) {
		ssize_t put = pwrite(segment->fd, from, bytes, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			complain("%s: cannot write: %s", segment->path,
				 put < 0 ? strerror(errno) : "nothing was written");
			return false;
		}
		from += put;
		offset += (uint64_t)put;
		bytes -= (size_t)put;
	}
	for (size_t i = 0; i < IMAGE_BLOCKS; i++)
		image->block[i].segment = NULL;
	return true;
}
