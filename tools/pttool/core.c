/* SPDX-License-Identifier: MIT */
/*
 * core.c - images that say themselves which memory they hold: ELF cores (an emulator's dump-guest-memory, a kernel's
 * vmcore) through libelf, and kdump files, which are compressed, through libkdumpfile where that was there at build
 * time.
 *
 * Both libraries bound their reads; what a header claims is checked against the file before it is believed.
 */
#include "pttool.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_KDUMPFILE
#include <libkdumpfile/kdumpfile.h>
#endif

enum core_kind core_kind(const char *path)
{
	static const struct {
		const char *magic;
		enum core_kind kind;
	} kinds[] = {{"\177ELF", CORE_ELF},
		     {"KDUMP   ", CORE_KDUMP},
		     {"DISKDUMP", CORE_KDUMP},
		     {"makedumpfile", CORE_FLATTENED}};
	char start[16] = "";
	struct stat info;
	int fd = file_descriptor(path, false, &info);
	ssize_t got;

	if (fd < 0)
		return CORE_NONE; /* whoever opens it next says why */
	got = S_ISREG(info.st_mode) || S_ISBLK(info.st_mode) ? pread(fd, start, sizeof(start) - 1, 0) : 0;
	close(fd);
	for (size_t i = 0; got > 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(start, kinds[i].magic, strlen(kinds[i].magic)) == 0)
			return kinds[i].kind;
	return CORE_NONE;
}

/* The segments of an open core. */
static bool elf_segments(struct image *image, struct file *file, Elf *elf)
{
	const char *path = file->path;
	GElf_Ehdr header;
	size_t n = 0, loads = 0;
	bool addresses = false;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) || elf_getphdrnum(elf, &n) != 0 ||
	    n < header.e_phnum % PN_XNUM) {
		complain("%s: a damaged ELF file", path);
		return false;
	}
	if (header.e_type != ET_CORE) {
		complain("%s: an ELF file, but not a core of a machine", path);
		note("to take it as it is, say where its first byte lies: --ram-base PA");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr part;
		struct segment *segment;

		if (!gelf_getphdr(elf, (int)i, &part)) {
			complain("%s: a damaged ELF file", path);
			return false;
		}
		if (part.p_type != PT_LOAD || part.p_filesz == 0 || part.p_paddr == UINT64_MAX)
			continue;
		if (part.p_offset > file->bytes || part.p_filesz > file->bytes - part.p_offset ||
		    part.p_filesz - 1 > UINT64_MAX - part.p_paddr) {
			complain("%s: segment %zu has 0x%" PRIx64 " bytes from offset 0x%" PRIx64
				 ", but the file has 0x%" PRIx64 ": it was cut short",
				 path, i, part.p_filesz, part.p_offset, file->bytes);
			return false;
		}
		loads++;
		addresses |= part.p_paddr != 0;
		segment = image_add(image, file);
		segment->pa = part.p_paddr;
		segment->offset = part.p_offset;
		segment->bytes = segment->file_bytes = part.p_filesz;
	}
	if (loads == 0 || (loads > 1 && !addresses)) {
		complain("%s: the core has no physical %s", path, loads ? "addresses: it is of a process" : "memory");
		return false;
	}
	return true;
}

/* The file of a core; NULL after a message. */
static struct file *open_core(struct image *image, const char *path, enum core_kind kind)
{
	struct stat info;
	int fd = file_descriptor(path, false, &info);
	struct file *file;

	if (fd < 0) {
		complain("%s: %s", path, strerror(errno));
		return NULL;
	}
	file = file_add(image, path, fd, &info);
	file->core = kind;
	return file;
}

static bool open_elf(struct image *image, const char *path)
{
	struct file *file = open_core(image, path, CORE_ELF);
	bool fine = false;
	Elf *elf;

	if (!file)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(file->fd, ELF_C_READ, NULL); /* through read(), not mapped */
	if (elf)
		fine = elf_segments(image, file, elf);
	else
		complain("%s: a damaged ELF file", path);
	elf_end(elf);
	return fine;
}

#ifdef HAVE_KDUMPFILE
static uint64_t big_endian(const unsigned char *from)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

/*
 * A dump that was written to a pipe is "flattened": after a header of 4096 bytes, parts of the real file, each with its
 * place and size in front, until both are -1. Emulators write them so, and older versions of the library do not read
 * them: put together in a file without a name. Returns its descriptor, or -1 after a message.
 */
static int unflatten(const char *path, int from)
{
	unsigned char buffer[1 << 16];
	FILE *file = tmpfile();
	uint64_t at = 4096;
	int fd = -1;

	if (!file) {
		complain("%s: no temporary file to unpack it into: %s", path, strerror(errno));
		return -1;
	}
	for (;;) {
		uint64_t place, bytes;

		if (pread(from, buffer, 16, (off_t)at) != 16)
			break;
		at += 16;
		place = big_endian(buffer);
		bytes = big_endian(buffer + 8);
		if (place == UINT64_MAX && bytes == UINT64_MAX) {
			fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
			if (fd < 0)
				complain("%s: %s", path, strerror(errno));
			fclose(file);
			return fd;
		}
		if (place > INT64_MAX || bytes > INT64_MAX - place)
			break;
		while (bytes) {
			size_t part = bytes < sizeof(buffer) ? (size_t)bytes : sizeof(buffer);

			if (pread(from, buffer, part, (off_t)at) != (ssize_t)part)
				goto cut;
			if (pwrite(fileno(file), buffer, part, (off_t)place) != (ssize_t)part) {
				complain("%s: cannot unpack it: %s", path, strerror(errno));
				fclose(file);
				return -1;
			}
			at += part;
			place += part;
			bytes -= part;
		}
	}
cut:
	complain("%s: the dump was cut short at offset 0x%" PRIx64, path, at);
	fclose(file);
	return -1;
}

static bool open_kdump(struct image *image, const char *path, enum core_kind kind)
{
	/* libkdumpfile 0.5.1 crashes when a handle is freed that could not be opened; the program is about to end. */
	static kdump_ctx_t *volatile refused;
	kdump_num_t frames = 0, shift = 0;
	struct file *file = open_core(image, path, CORE_KDUMP);
	struct segment *segment;
	kdump_ctx_t *dump;

	if (!file)
		return false;
	if (file->dump) {
		complain("%s: this dump is given twice", path);
		return false;
	}
	if (kind == CORE_FLATTENED) {
		int flat = file->fd;

		file->fd = unflatten(path, flat);
		close(flat);
		if (file->fd < 0)
			return false;
		file->bytes = file_length(file->fd);
	}
	dump = kdump_new();
	if (!dump) {
		complain("out of memory");
		return false;
	}
	/* The library maps files if it may, and does not survive that one becomes shorter. */
	if (kdump_set_number_attr(dump, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER) != KDUMP_OK ||
	    kdump_open_fd(dump, file->fd) != KDUMP_OK) {
		complain("%s: a damaged dump: %s", path, kdump_get_err(dump));
		refused = dump;
		(void)refused;
		return false;
	}
	file->dump = dump;
	segment = image_add(image, file);
	/* Which frames are missing shows when they are read. */
	segment->bytes = (uint64_t)1 << 52;
	if (kdump_get_number_attr(dump, "max_pfn", &frames) == KDUMP_OK && frames != 0 &&
	    kdump_get_number_attr(dump, KDUMP_ATTR_PAGE_SHIFT, &shift) == KDUMP_OK && shift < 32 &&
	    frames <= segment->bytes >> shift)
		segment->bytes = frames << shift;
	segment->file_bytes = segment->bytes;
	return true;
}

bool core_read(struct image *image, const struct file *file, uint64_t pa, void *buffer, size_t bytes)
{
	size_t got = bytes;
	kdump_status status = kdump_read(file->dump, KDUMP_MACHPHYSADDR, pa, buffer, &got);

	if (status == KDUMP_OK && got == bytes)
		return true;
	if (status != KDUMP_OK && status != KDUMP_ERR_NODATA)
		image_fail(image, "%s: the dump cannot be read at 0x%" PRIx64 ": %s", file->path, pa,
			   file_length(file->fd) < file->bytes ? "the file became shorter while it was read"
							       : kdump_get_err(file->dump));
	kdump_clear_err(file->dump);
	return false;
}

void core_close(struct file *file)
{
	if (file->dump)
		kdump_free(file->dump);
	file->dump = NULL;
}
#else
static bool open_kdump(struct image *image, const char *path, enum core_kind kind)
{
	(void)image;
	(void)kind;
	complain("%s: a kdump file, which this pttool cannot read: it was built without libkdumpfile", path);
	note("install libkdumpfile-dev and build again");
	return false;
}

bool core_read(struct image *image, const struct file *file, uint64_t pa, void *buffer, size_t bytes)
{
	(void)image;
	(void)file;
	(void)pa;
	(void)buffer;
	(void)bytes;
	return false;
}

void core_close(struct file *file)
{
	(void)file;
}
#endif

bool core_open(struct image *image, const char *path, enum core_kind kind)
{
	return kind == CORE_ELF ? open_elf(image, path) : open_kdump(image, path, kind);
}
