/* SPDX-License-Identifier: MIT */
/* image.c - images of physical memory: one plain file, segments of files, or cores (see core.c). */
#include "pttool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Opens the file of a segment and sees how much of it there is. size_given: segment->bytes is what the user asked for.
 */
static bool open_segment(struct image *image, struct segment *segment, const char *path, bool size_given, bool create)
{
	struct stat info;
	int fd = file_descriptor(path, create, &info);
	uint64_t size;

	if (fd < 0 && errno == ENOENT && create && size_given) {
		segment->file = file_add(image, path, -1, NULL);
		return true;
	}
	if (fd < 0) {
		complain("%s: %s", path, strerror(errno));
		if (errno == ENOENT && create)
			note("to create it, say how large it is: --ram-size N, or --ram %s@PA+0:SIZE", path);
		return false;
	}
	segment->file = file_add(image, path, fd, &info);
	if (S_ISCHR(info.st_mode) && size_given) {
		segment->file_bytes = segment->bytes;
		return true;
	}
	if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) {
		complain("%s: not a file that can be read at any place", path);
		if (S_ISCHR(info.st_mode))
			note("a device needs a size: --ram-size N, or --ram %s@PA+OFFSET:SIZE", path);
		return false;
	}
	size = segment->file->bytes;
	segment->file_bytes = size > segment->offset ? size - segment->offset : 0;
	if (!size_given)
		segment->bytes = segment->file_bytes;
	if (segment->file_bytes > segment->bytes)
		segment->file_bytes = segment->bytes;
	if (segment->bytes == 0) {
		complain("%s: the file is empty", path);
		return false;
	}
	if (segment->file_bytes < segment->bytes && !create) {
		complain("%s: the file has 0x%" PRIx64 " bytes from offset 0x%" PRIx64 " on, fewer than the 0x%" PRIx64
			 " that were asked for",
			 path, segment->file_bytes, segment->offset, segment->bytes);
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

/* FILE@PA[+OFFSET:SIZE]; *path is for the caller to free */
static bool parse_segment(struct segment *segment, const char *text, char **path, bool *size_given)
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
	*path = allocate(NULL, (size_t)(at - text) + 1, 1);
	memcpy(*path, text, (size_t)(at - text));
	(*path)[at - text] = '\0';
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
		const char *path = segment->file->path;

		if (segment->offset > INT64_MAX || segment->bytes > INT64_MAX - segment->offset) {
			complain("%s: offset and size are beyond what a file can have", path);
			return false;
		}
		if (segment->bytes - 1 > UINT64_MAX - segment->pa) {
			complain("%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " reach beyond the last 64-bit address", path,
				 segment->bytes, segment->pa);
			return false;
		}
		if (i && image->segments[i - 1].pa + (image->segments[i - 1].bytes - 1) >= segment->pa) {
			complain("%s at 0x%" PRIx64 " and %s at 0x%" PRIx64 " overlap",
				 image->segments[i - 1].file->path, image->segments[i - 1].pa, path, segment->pa);
			return false;
		}
	}
	return true;
}

/* What is written at one address must not change what is at another. */
static bool check_mirrors(const struct image *image)
{
	for (size_t i = 0; i < image->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct segment *a = &image->segments[k], *b = &image->segments[i];

			if (a->file == b->file && a->offset + (a->bytes - 1) >= b->offset &&
			    b->offset + (b->bytes - 1) >= a->offset) {
				complain("%s: the segments at 0x%" PRIx64 " and 0x%" PRIx64
					 " are the same part of the file: `build` would write one into the other",
					 a->file->path, a->pa, b->pa);
				return false;
			}
		}
	return true;
}

struct segment *image_add(struct image *image, struct file *file)
{
	struct segment *segment;

	if (image->n == image->capacity) {
		image->capacity = image->capacity ? 2 * image->capacity : 8;
		image->segments = allocate(image->segments, image->capacity, sizeof(*image->segments));
	}
	segment = &image->segments[image->n++];
	memset(segment, 0, sizeof(*segment));
	segment->file = file;
	return segment;
}

/* One --ram: a core, a plain file with a base, or a segment. */
static bool open_argument(struct image *image, const char *text, const char *ram_base, const char *ram_size,
			  bool create)
{
	bool size_given = ram_size != NULL, fine;
	struct segment parsed = {0};
	enum core_kind kind = ram_base ? CORE_NONE : core_kind(text);
	char *path = NULL;

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
	} else if (!parse_segment(&parsed, text, &path, &size_given)) {
		return false;
	}
	if (size_given && parsed.bytes == 0) {
		complain("%s: a size of 0 holds nothing", path ? path : text);
		fine = false;
	} else {
		fine = open_segment(image, &parsed, path ? path : text, size_given, create);
	}
	if (fine)
		*image_add(image, parsed.file) = parsed;
	free(path);
	return fine;
}

/* Parts of a core may hold the same memory twice (a kernel's image, and the memory it lies in): once is enough. */
static void trim_cores(struct image *image)
{
	size_t n = 0;

	for (size_t i = 0; i < image->n; i++) {
		struct segment *segment = &image->segments[i];
		const struct segment *before = n ? &image->segments[n - 1] : NULL;
		uint64_t twice = 0;

		if (before && before->file->core == CORE_ELF && segment->file->core == CORE_ELF &&
		    before->pa + (before->bytes - 1) >= segment->pa)
			twice = before->pa + (before->bytes - 1) - segment->pa + 1;
		if (twice >= segment->bytes)
			continue;
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
		struct segment *segment = image_add(image, file_add(image, "", -1, NULL));

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
	return check_layout(image) && (!create || check_mirrors(image));
}

int image_close(struct image *image, int code)
{
	while (image->files) {
		struct file *file = image->files;

		/* The pages that it lost read as zero up to the end of the last one that is left. */
		if (code != EXIT_USAGE && file->bytes && file_length(file->fd) < file->bytes) {
			complain("%s: the file became shorter while it was read: it had 0x%" PRIx64 " bytes",
				 file->path, file->bytes);
			code = EXIT_USAGE;
		}
		image->files = file->next;
		file_close(file);
	}
	free(image->segments);
	image->segments = NULL;
	image->n = image->capacity = 0;
	return code;
}

void image_fail(struct image *image, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_about(format, args);
	va_end(args);
	image_settle(image, false);
	exit(EXIT_USAGE);
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

static bool miss(struct image *image, uint64_t pa)
{
	if (image->n_missed++ == 0)
		image->missed = pa;
	return false;
}

bool image_missed(const struct image *image, const char *what)
{
	if (image->n_missed == 0)
		return false;
	complain("%s: there is no memory at 0x%" PRIx64 ", where a table should be", what, image->missed);
	note("`pttool verify` says what is wrong with the table");
	return true;
}

bool image_read(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	struct image *image = ctx;
	unsigned char *out = buffer;

	progress_tick();
	while (bytes) {
		const struct segment *segment = image_find(image, pa);
		size_t part = bytes;
		uint64_t offset;

		if (!segment)
			return miss(image, pa);
		offset = pa - segment->pa;
		if (part > segment->bytes - offset)
			part = (size_t)(segment->bytes - offset);
		if (offset >= segment->file_bytes) {
			memset(out, 0, part); /* the file does not have it yet */
		} else {
			if (part > segment->file_bytes - offset)
				part = (size_t)(segment->file_bytes - offset);
			if (!file_read(image, segment->file, segment->offset + offset,
				       segment->offset + segment->file_bytes, out, part))
				return miss(image, pa);
		}
		out += part;
		bytes -= part;
		if (bytes && pa > UINT64_MAX - part)
			return miss(image, pa);
		pa += part;
	}
	return true;
}

/* Does the image differ from data? */
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

/* Makes the file of a segment, and makes it long enough. */
static bool prepare_file(const struct segment *segment)
{
	struct file *file = segment->file;
	uint64_t end = segment->offset + segment->bytes;

	if (file->fd < 0) {
		file->fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (file->fd < 0) {
			complain("%s: cannot create it: %s", file->path, strerror(errno));
			return false;
		}
		file->created = true;
		file->mappable = true;
	}
	if (segment->file_bytes == segment->bytes || end <= file->grown)
		return true;
	if (ftruncate(file->fd, (off_t)end) != 0) {
		complain("%s: cannot make it 0x%" PRIx64 " bytes long: %s", file->path, end, strerror(errno));
		return false;
	}
	file->grown = end;
	return true;
}

bool image_prepare(struct image *image, uint64_t pa, const void *data, size_t bytes)
{
	const struct segment *segment = image_find(image, pa);
	int error;

	if (!segment || !prepare_file(segment))
		return false;
	if (bytes == 0 || !differs(image, pa, data, bytes))
		return true;
	error = posix_fallocate(segment->file->fd, (off_t)(segment->offset + (pa - segment->pa)), (off_t)bytes);
	if (error == 0 || error == EINVAL || error == EOPNOTSUPP || error == ENODEV)
		return true; /* a device, or a file system without it: writing will tell */
	complain("%s: no room for 0x%zx bytes of tables: %s", segment->file->path, bytes, strerror(error));
	return false;
}

void image_settle(struct image *image, bool keep)
{
	for (struct file *file = image->files; file; file = file->next) {
		bool fine = true;

		if (keep && file->grown)
			file->bytes = file->grown;
		else if (!keep && file->created)
			fine = unlink(file->path) == 0;
		else if (!keep && file->grown)
			fine = ftruncate(file->fd, (off_t)file->bytes) == 0;
		if (!fine)
			complain("%s: cannot be put back as it was: %s", file->path, strerror(errno));
		file->created = false;
		file->grown = 0;
		file_forget(file);
	}
	for (size_t i = 0; keep && i < image->n; i++) {
		struct segment *segment = &image->segments[i];
		uint64_t bytes = segment->file->bytes;

		if (segment->file_bytes < segment->bytes && bytes > segment->offset)
			segment->file_bytes =
				bytes - segment->offset < segment->bytes ? bytes - segment->offset : segment->bytes;
	}
}

bool image_write(struct image *image, uint64_t pa, const void *data, size_t bytes)
{
	const struct segment *segment = image_find(image, pa);
	const unsigned char *from = data;
	struct file *file;
	uint64_t offset;

	if (!segment)
		return false;
	if (!differs(image, pa, data, bytes))
		return true;
	file = segment->file;
	offset = segment->offset + (pa - segment->pa);
	while (bytes) {
		ssize_t put = pwrite(file->fd, from, bytes, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			complain("%s: cannot write: %s", file->path, put < 0 ? strerror(errno) : "nothing was written");
			return false;
		}
		from += put;
		offset += (uint64_t)put;
		bytes -= (size_t)put;
	}
	file_forget(file);
	for (size_t i = 0; i < IMAGE_BLOCKS; i++)
		image->block[i].file = NULL;
	return true;
}
