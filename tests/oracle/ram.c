/* SPDX-License-Identifier: MIT */
/* ram.c - the memory that a test and an emulator share, and the tables in it. */
#define _GNU_SOURCE /* memfd_create, MAP_NORESERVE */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle.h"

enum { POISON = 0xd7 };

bool ram_has(const struct ram *ram, uint64_t pa, uint64_t bytes)
{
	for (unsigned int i = 0; i < ram->n_pieces; i++) {
		const struct ram_piece *piece = &ram->piece[i];

		if (pa >= piece->first && pa <= piece->last && bytes - 1 <= piece->last - pa)
			return true;
	}
	return false;
}

bool ram_is_data(const struct ram *ram, uint64_t pa)
{
	return (pa >= ram->data_first && pa <= ram->data_last) ||
	       (ram->more_last && pa >= ram->more_first && pa <= ram->more_last);
}

unsigned char *ram_at(const struct ram *ram, uint64_t pa)
{
	CHECK_MSG(ram_has(ram, pa, 8), "physical address 0x%" PRIx64 " is not in memory", pa);
	return ram->direct + pa;
}

uint64_t ram_load(const struct ram *ram, uint64_t pa)
{
	uint64_t value;

	memcpy(&value, ram_at(ram, pa), sizeof(value));
	return value;
}

void ram_store(const struct ram *ram, uint64_t pa, uint64_t value)
{
	memcpy(ram_at(ram, pa), &value, sizeof(value));
}

uint64_t stamp_of(uint64_t pa)
{
	return UINT64_C(0x5afe) << 48 | pa;
}

bool stamp_address(uint64_t word, uint64_t *pa)
{
	*pa = word & ((UINT64_C(1) << 48) - 1);
	return word >> 48 == 0x5afe;
}

/*
 * Tables come one after the other, with gaps of random size between them: a pointer that lost a bit then hardly ever
 * leads to another table. New ones hold garbage; what is given back is poisoned, and is not handed out again, so that a
 * walk through a table that should be gone shows.
 */
static bool hook_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct ram *ram = ctx;
	uint64_t at = ram->tables_first + ram->tables_next;
	uint64_t *words;

	(void)node;
	at += (test_random(&ram->random) % 4) * bytes;
	at = (at + align - 1) & ~((uint64_t)align - 1);
	if (at + bytes > ram->tables_first + ram->tables_bytes || at + bytes - 1 > max_pa ||
	    ram->n_blocks == RAM_MAX_TABLES)
		return false;
	ram->tables_next = at + bytes - ram->tables_first;
	words = (uint64_t *)(void *)ram_at(ram, at);
	for (size_t i = 0; i < bytes / 8; i++)
		words[i] = test_random(&ram->random);
	ram->block[ram->n_blocks].pa = at;
	ram->block[ram->n_blocks].bytes = bytes;
	ram->block[ram->n_blocks].live = true;
	ram->n_blocks++;
	ram->n_live++;
	*pa = at;
	return true;
}

static void hook_release(void *ctx, uint64_t pa, size_t bytes)
{
	struct ram *ram = ctx;

	for (uint64_t i = ram->n_blocks; i-- > 0;) {
		if (ram->block[i].pa != pa)
			continue;
		CHECK_MSG(ram->block[i].live && ram->block[i].bytes == bytes,
			  "the table at 0x%" PRIx64 " is given back twice, or in another size", pa);
		ram->block[i].live = false;
		ram->n_live--;
		memset(ram_at(ram, pa), POISON, bytes);
		return;
	}
	CHECK_MSG(false, "0x%" PRIx64 " was given back, and is no table", pa);
}

void ram_open(struct ram *ram, const struct ram_piece *pieces, unsigned int n_pieces)
{
	unsigned char *base;

	CHECK(n_pieces <= RAM_MAX_PIECES);
	ram->n_pieces = n_pieces;
	ram->bytes = 0;
	for (unsigned int i = 0; i < n_pieces; i++) {
		ram->piece[i] = pieces[i];
		ram->bytes += pieces[i].last - pieces[i].first + 1;
	}
	ram->fd = nameless_file("ram", NULL, 0, ram->path);
	CHECK_MSG(ftruncate(ram->fd, (off_t)ram->bytes) == 0, "a memory file of 0x%" PRIx64 " bytes: %s", ram->bytes,
		  strerror(errno));
	/* Both sides see physical addresses: holes are reserved, and nothing is there. */
	ram->reserved_bytes = (size_t)(pieces[n_pieces - 1].last - pieces[0].first + 1);
	ram->reserved = mmap(NULL, ram->reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK_MSG(ram->reserved != MAP_FAILED, "mmap: %s", strerror(errno));
	base = ram->reserved;
	for (unsigned int i = 0; i < n_pieces; i++)
		CHECK_MSG(mmap(base + (pieces[i].first - pieces[0].first),
			       (size_t)(pieces[i].last - pieces[i].first + 1), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED | MAP_NORESERVE, ram->fd, (off_t)pieces[i].offset) != MAP_FAILED,
			  "mmap of memory: %s", strerror(errno));
	ram->direct = (unsigned char *)((uintptr_t)base - (uintptr_t)pieces[0].first);
	ram->mem.ctx = ram;
	ram->mem.direct = ram->direct;
	ram->mem.alloc = hook_alloc;
	ram->mem.release = hook_release;
}

void ram_close(struct ram *ram)
{
	CHECK_MSG(ram->n_live == 0, "%" PRIu64 " tables were not given back", ram->n_live);
	munmap(ram->reserved, ram->reserved_bytes);
	close(ram->fd);
}

static bool read_ram(void *ctx, uint64_t pa, void *buffer, size_t bytes)
{
	const struct ram *ram = ctx;

	if (!ram_has(ram, pa, bytes))
		return false;
	memcpy(buffer, ram->direct + pa, bytes);
	return true;
}

static bool update_ram(void *ctx, uint64_t pa, const void *expected, const void *desired, size_t bytes)
{
	const struct ram *ram = ctx;

	if (!ram_has(ram, pa, bytes) || memcmp(ram->direct + pa, expected, bytes) != 0)
		return false;
	memcpy(ram->direct + pa, desired, bytes);
	return true;
}

struct pt_reader ram_reader(struct ram *ram, bool update)
{
	return (struct pt_reader){.ctx = ram, .read = read_ram, .update = update ? update_ram : NULL, .steps = 1 << 20};
}
