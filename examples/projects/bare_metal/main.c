/* SPDX-License-Identifier: MIT */
/*
 * main.c - a program without an operating system that turns its MMU on: with tables that `pttool build --emit=c` made
 * on another machine, as firmware does that has no allocator yet. Under these it makes tables of its own with
 * arm64_s1_map(), as a kernel does, and goes over to them. The regions are the same (regions.def), and so must be what
 * the CPU allows and refuses.
 *
 * The order is no accident: generated code counts its tables with atomic operations, which real CPUs have only in
 * memory that is cached, that is, with the MMU on.
 */
#include <stddef.h>
#include <stdint.h>

#include "arm64_s1.h"
#include "layout.h"

void mmu_on(uint64_t ttbr, uint64_t tcr, uint64_t mair);
int main(void);

/* The exception handler writes them. */
volatile uint64_t fault_syndrome, fault_address;

/* ------------------------------------------------------------------------------------------------------ the console */

static void put(const char *text)
{
	for (; *text; text++)
		*(volatile uint32_t *)UART = (uint32_t)*text;
}

static void put_number(unsigned int n)
{
	if (n >= 10)
		put_number(n / 10);
	put((const char[]){(char)('0' + n % 10), '\0'});
}

static unsigned int n_checks, n_failed;

static void check(const char *what, bool fine)
{
	n_checks++;
	n_failed += !fine;
	put(fine ? "  ok      " : "  FAILED  ");
	put(what);
	put("\n");
}

/* -------------------------------------------------------------------------------- what the generated code calls for */

/* Generated code needs these of a C library, and no more. */
void *memset(void *to, int byte, size_t n)
{
	unsigned char *at = to;

	while (n--)
		*at++ = (unsigned char)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *at = to;
	const unsigned char *source = from;

	while (n--)
		*at++ = *source++;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *at = to;
	const unsigned char *source = from;

	if (at <= source)
		return memcpy(to, from, n);
	while (n--)
		at[n] = source[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

/* Memory for tables, in the data region; tables are never given back here. */
static _Alignas(4096) unsigned char pool[16][4096];
static size_t n_tables;

static bool alloc_table(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	(void)ctx, (void)node;
	if (bytes > sizeof(pool[0]) || align > sizeof(pool[0]) || n_tables == sizeof(pool) / sizeof(pool[0]))
		return false;
	*pa = (uintptr_t)pool[n_tables++];
	return *pa + (bytes - 1) <= max_pa;
}

static void release_table(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx, (void)pa, (void)bytes;
}

/* What changed is no longer cached anywhere when this returns. */
static void invalidate(void *ctx, const struct pt_gather *gather)
{
	(void)ctx;
	__asm__ volatile("dsb ishst" ::: "memory");
	for (uint64_t at = gather->first >> 12; at <= gather->last >> 12; at++)
		__asm__ volatile("tlbi vaae1is, %0" ::"r"(at) : "memory");
	__asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

static const struct pt_mem memory = {.alloc = alloc_table, .release = release_table, .invalidate = invalidate};

/* ------------------------------------------------------------------------------------------ accesses that may fault */

enum {
	FAULT_TRANSLATION = 0x04, /* with the level in the lowest bits */
	FAULT_PERMISSION = 0x0c,
	NO_FAULT = 0x3f
};

/* The fault status of the last access, or NO_FAULT. */
static unsigned int fault(void)
{
	unsigned int status = fault_syndrome ? (unsigned int)fault_syndrome & 0x3f : NO_FAULT;

	fault_syndrome = 0;
	return status;
}

static unsigned int read_at(uint64_t at, uint32_t *value)
{
	__asm__ volatile("ldr %w0, [%1]" : "=r"(*value) : "r"(at) : "memory");
	return fault();
}

static unsigned int write_at(uint64_t at, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(at) : "memory");
	return fault();
}

static unsigned int fetch_at(uint64_t at)
{
	((void (*)(void))(uintptr_t)at)();
	return fault();
}

/* In .rodata, and there "ret": it can be read, but neither written nor executed. */
static const uint32_t constant = 0xd65f03c0;
static volatile uint32_t variable;

/* What regions.def says, asked of the CPU. */
static void check_regions(void)
{
	uint32_t value = 0;
	uint64_t in_window = WINDOW + ((uintptr_t)&variable - DATA);

	check("code, stack and console go on", fault() == NO_FAULT);
	variable = 0x12345678;
	check("the window shows the same memory", read_at(in_window, &value) == NO_FAULT && value == 0x12345678);
	check("and writes to it", write_at(in_window, 0x9abcdef0) == NO_FAULT && variable == 0x9abcdef0);
	check("a large block, at its last word", write_at(HUGE + HUGE_SIZE - 4, 77) == NO_FAULT &&
							 read_at(HUGE + HUGE_SIZE - 4, &value) == NO_FAULT &&
							 value == 77);
	check("constants can be read", read_at((uintptr_t)&constant, &value) == NO_FAULT && value == constant);
	check("but not written",
	      write_at((uintptr_t)&constant, 0) == (FAULT_PERMISSION | 3) && fault_address == (uintptr_t)&constant);
	check("nor executed", fetch_at((uintptr_t)&constant) == (FAULT_PERMISSION | 3));
	check("code cannot be written", write_at(TEXT, 0) == (FAULT_PERMISSION | 3));
	variable = constant;
	check("data cannot be executed", fetch_at((uintptr_t)&variable) == (FAULT_PERMISSION | 3));
	check("nor can a large block", fetch_at(HUGE) == (FAULT_PERMISSION | 2));
	check("what is not mapped is not there", read_at(HOLE, &value) == (FAULT_TRANSLATION | 2));
	check("behind the last page of the window neither",
	      read_at(WINDOW + DATA_SIZE, &value) == (FAULT_TRANSLATION | 3));
	check("nor beyond the input size", read_at(UINT64_C(1) << 39, &value) == (FAULT_TRANSLATION | 0));
}

/* ------------------------------------------------------------------------------------- tables that were made before */

#include "tables.h"

static void mapped_before(void)
{
	check("the tables are where they were made for", (uintptr_t)page_tables == PAGE_TABLES_BASE);
	mmu_on(PAGE_TABLES_TTBR, PAGE_TABLES_TCR, PAGE_TABLES_MAIR);
	check_regions();
}

/* ---------------------------------------------------------------------------------------- tables that are made here */

enum { rp = PT_READ | PT_PRIV, rwp = rp | PT_WRITE, rxp = rp | PT_EXEC, rwpd = rwp | PT_DEVICE };

static const struct region {
	uint64_t address, pa, bytes;
	unsigned int request;
} regions[] = {
#define REGION(address, pa, bytes, rights) {address, pa, bytes, rights},
#include "regions.def"
#undef REGION
};

static uint64_t register_value(const struct pt_table *table, const char *name)
{
	struct pt_register registers[8];
	size_t n = arm64_s1_registers(table, registers, 8);

	for (size_t i = 0; i < n; i++) {
		const char *a = registers[i].name, *b = name;

		for (; *a && *a == *b; a++)
			b++;
		if (*a == *b)
			return registers[i].value[0];
	}
	return 0;
}

static void change_live_table(struct pt_table *table, struct pt_gather *gather)
{
	struct pt_result result;
	uint32_t value;

	check("protect the window: it can be read only",
	      arm64_s1_protect(table, WINDOW, DATA_SIZE, rp, gather, &result) == PT_OK &&
		      (pt_flush(table, gather), read_at(WINDOW, &value)) == NO_FAULT &&
		      write_at(WINDOW, value) == (FAULT_PERMISSION | 3));
	check("unmap it: it is gone, the data are not",
	      arm64_s1_unmap(table, WINDOW, DATA_SIZE, 0, gather, &result) == PT_OK && result.bytes == DATA_SIZE &&
		      (pt_flush(table, gather), read_at(WINDOW, &value)) == (FAULT_TRANSLATION | 3) &&
		      read_at(DATA, &value) == NO_FAULT);
	check("map it elsewhere", arm64_s1_map(table, WINDOW, RODATA, RODATA_SIZE, rp, gather, &result) == PT_OK &&
					  read_at(WINDOW + ((uintptr_t)&constant - RODATA), &value) == NO_FAULT &&
					  value == constant);
}

static void mapped_here(void)
{
	struct pt_table table;
	struct pt_gather gather;
	struct pt_result result = {0};
	enum pt_status status = arm64_s1_init(&table, NULL, &memory, &result);

	pt_gather_init(&gather);
	for (size_t i = 0; status == PT_OK && i < sizeof(regions) / sizeof(regions[0]); i++)
		status = arm64_s1_map(&table, regions[i].address, regions[i].pa, regions[i].bytes, regions[i].request,
				      &gather, &result);
	check("arm64_s1_map() maps every region", status == PT_OK);
	if (status != PT_OK)
		return;
	mmu_on(register_value(&table, "TTBR"), register_value(&table, "TCR"), register_value(&table, "MAIR"));
	check_regions();
	change_live_table(&table, &gather);
}

int main(void)
{
	put("tables that pttool made\n");
	mapped_before();
	put("tables that arm64_s1_map() makes\n");
	mapped_here();
	put_number(n_checks);
	put(" checks, ");
	put_number(n_failed);
	put(" failed\n");
	return 0;
}
