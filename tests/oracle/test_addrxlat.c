/* SPDX-License-Identifier: MIT */
/* test_addrxlat.c - libaddrxlat walks: the library that crash and kdump tools translate addresses with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#ifdef HAVE_KDUMPFILE
#include <libkdumpfile/addrxlat.h>

struct library {
	addrxlat_ctx_t *context;
	addrxlat_meth_t method;
};

static void put_page(const addrxlat_buffer_t *buffer)
{
	(void)buffer;
}

static addrxlat_status get_page(const addrxlat_cb_t *callbacks, addrxlat_buffer_t *buffer)
{
	struct trial *trial = callbacks->priv;

	buffer->addr.addr &= ~(addrxlat_addr_t)0xfff;
	if (!ram_has(&trial->ram, buffer->addr.addr, 0x1000))
		return ADDRXLAT_ERR_NODATA;
	buffer->ptr = ram_at(&trial->ram, buffer->addr.addr);
	buffer->size = 0x1000;
	buffer->byte_order = trial->format->levels[0].big_endian ? ADDRXLAT_BIG_ENDIAN : ADDRXLAT_LITTLE_ENDIAN;
	buffer->put_page = put_page;
	return ADDRXLAT_OK;
}

static unsigned long read_caps(const addrxlat_cb_t *callbacks)
{
	(void)callbacks;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

static void library_start(struct trial *trial)
{
	static const struct ram_piece piece = {UINT64_C(1) << 30, (UINT64_C(3) << 30) - 1, 0};
	struct library *library = calloc(1, sizeof(*library));
	addrxlat_cb_t *callbacks;

	CHECK(library != NULL);
	trial->machine = library;
	ram_open(&trial->ram, &piece, 1);
	trial->ram.tables_first = piece.first;
	trial->ram.tables_bytes = UINT64_C(1) << 30;
	trial->ram.data_last = UINT64_MAX;
	library->context = addrxlat_ctx_new();
	CHECK(library->context != NULL);
	callbacks = addrxlat_ctx_add_cb(library->context);
	CHECK(callbacks != NULL);
	callbacks->priv = trial;
	callbacks->get_page = get_page;
	callbacks->read_caps = read_caps;
}

static void library_end(struct trial *trial)
{
	struct library *library = trial->machine;

	addrxlat_ctx_decref(library->context);
	free(library);
}

/* The name that the library has for an entry, and its index fields from the lowest up. */
static void library_load(struct trial *trial)
{
	static const struct {
		const char *format;
		addrxlat_pte_format_t code;
	} names[] = {{"x86_64", ADDRXLAT_PTE_X86_64},	 {"x86_pae", ADDRXLAT_PTE_IA32_PAE},
		     {"x86_32", ADDRXLAT_PTE_IA32},	 {"arm64_s1", ADDRXLAT_PTE_AARCH64},
		     {"arm64_s2", ADDRXLAT_PTE_AARCH64}, {"s390_cpu", ADDRXLAT_PTE_S390X}};
	struct library *library = trial->machine;
	addrxlat_param_pgt_t *pgt = &library->method.param.pgt;
	const struct pt_level_info *levels = trial->format->levels;
	unsigned int first = trial->table.level_base + (unsigned int)(trial->table.top & 15), last = first;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].format, trial->format->name) == 0)
			pgt->pf.pte_format = names[i].code;
	if (pgt->pf.pte_format == ADDRXLAT_PTE_AARCH64 && trial_param(trial, "ds"))
		pgt->pf.pte_format = ADDRXLAT_PTE_AARCH64_LPA2;
	else if (pgt->pf.pte_format == ADDRXLAT_PTE_AARCH64 && trial_param(trial, "oa") == 52)
		pgt->pf.pte_format = ADDRXLAT_PTE_AARCH64_LPA;
	while (last + 1U < trial->format->n_levels && levels[last + 1].shape == levels[first].shape)
		last++;
	pgt->pf.fieldsz[pgt->pf.nfields++] = levels[last].lo;
	for (unsigned int level = last; level > first; level--)
		pgt->pf.fieldsz[pgt->pf.nfields++] = (unsigned short)(levels[level].hi - levels[level].lo + 1);
	/* The root has what is left of the input: more than its natural bits where tables are concatenated. */
	pgt->pf.fieldsz[pgt->pf.nfields++] = (unsigned short)(trial->table.input_bits - levels[first].lo);
	pgt->root.addr = pt_root(&trial->table);
	pgt->root.as = ADDRXLAT_MACHPHYSADDR;
	library->method.kind = ADDRXLAT_PGT;
	library->method.target_as = ADDRXLAT_MACHPHYSADDR;
}

static void library_present(struct trial *trial, struct access *accesses, size_t n)
{
	struct library *library = trial->machine;

	for (size_t i = 0; i < n; i++) {
		addrxlat_step_t step = {.ctx = library->context, .meth = &library->method};
		addrxlat_status status;

		step.base.addr = accesses[i].iova;
		status = addrxlat_launch(&step, accesses[i].iova);
		while (status == ADDRXLAT_OK && step.remain)
			status = addrxlat_step(&step);
		accesses[i].raw[0] = (uint64_t)status;
		accesses[i].allowed = accesses[i].landed = status == ADDRXLAT_OK;
		accesses[i].pa = step.base.addr;
		if (status == ADDRXLAT_ERR_NOTPRESENT)
			accesses[i].fault = PT_FAULT_ABSENT;
	}
}

static void nothing_cached(struct trial *trial)
{
	(void)trial;
}

/* Release 0.5.1 drops one address bit of each of the two 52-bit formats of Arm. */
static const char *library_gap(struct trial *trial, const struct access *access)
{
	const struct library *library = trial->machine;
	addrxlat_pte_format_t code = library->method.param.pgt.pf.pte_format;
	struct access whole = *access;

	if (!access->allowed || (access->walk.fault != PT_FAULT_NONE && access->walk.fault != PT_FAULT_PERMISSION))
		return NULL;
	if (led_to_leaf(access))
		return access->walk.fault == PT_FAULT_PERMISSION ? "rights are not looked at" : NULL;
	if (code == ADDRXLAT_PTE_AARCH64_LPA)
		whole.pa |= UINT64_C(1) << 47;
	else if (code == ADDRXLAT_PTE_AARCH64_LPA2)
		whole.pa |= UINT64_C(1) << 49;
	if (!led_to_leaf(&whole))
		return NULL;
	return code == ADDRXLAT_PTE_AARCH64_LPA ? "address bit 47 is lost" : "address bit 49 is lost";
}

#else

/* Without the library every case is skipped, by emulator_need() in the place of a program. */
static void library_start(struct trial *trial)
{
	(void)trial;
	test_skip("built without libaddrxlat; as root, run: apt-get update && apt-get install -y "
		  "--no-install-recommends libkdumpfile-dev");
}
#define library_end	NULL
#define library_load	NULL
#define library_present NULL
#define nothing_cached	NULL
#define library_gap	NULL

#endif

static const struct machine_class addrxlat = {
	.test = "addrxlat",
	.oracle = "libaddrxlat",
	.not_modelled = "it looks at no rights, and caches nothing",
	.can = CAN_USER | CAN_PHYSICAL,
	.start = library_start,
	.end = library_end,
	.load = library_load,
	.present = library_present,
	.forget = nothing_cached,
	.gap = library_gap,
};

static const struct configuration configurations[] = {
	{.format = "x86_64"},
	{.format = "x86_64", .setting = {{"levels", 5}}},
	{.format = "x86_pae"},
	{.format = "x86_32"},
	{.format = "arm64_s1"},
	{.format = "arm64_s1", .setting = {{"ia", 39}, {"oa", 40}}},
	{.format = "arm64_s1", .setting = {{"tg", 14}, {"ia", 47}}},
	{.format = "arm64_s1", .setting = {{"tg", 16}}},
	{.format = "arm64_s1", .setting = {{"tg", 16}, {"ia", 52}, {"oa", 52}}},
	{.format = "arm64_s1", .setting = {{"ds", 1}, {"ia", 52}, {"oa", 52}}},
	{.format = "arm64_s2", .setting = {{"ia", 40}, {"oa", 40}}},
	{.format = "s390_cpu"},
	{.format = "s390_cpu", .setting = {{"dt", 0}}},
	{.format = "s390_cpu", .setting = {{"dt", 3}}},
};

ORACLE_TESTS(addrxlat, &addrxlat, configurations)
