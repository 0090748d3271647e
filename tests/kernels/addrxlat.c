/* SPDX-License-Identifier: MIT */
/*
 * addrxlat.c - asks libaddrxlat, the library of crash and kdump tools, where addresses lead in an image of memory.
 *
 *   addrxlat x86_64|aarch64 FIELDS ROOT IMAGE BASE
 *
 * FIELDS are the widths of the index fields from the page offset up, as in 12,9,9,9,9. Reads lines "ADDRESS PA", or
 * "ADDRESS -" where nothing is mapped, and prints one line for each on which the library differs; then how many it was
 * asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkdumpfile/addrxlat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct memory {
	const unsigned char *at;
	uint64_t base, bytes;
};

static void put_page(const addrxlat_buffer_t *buffer)
{
	(void)buffer;
}

static addrxlat_status get_page(const addrxlat_cb_t *callbacks, addrxlat_buffer_t *buffer)
{
	const struct memory *memory = callbacks->priv;

	buffer->addr.addr &= ~(addrxlat_addr_t)0xfff;
	if (buffer->addr.addr < memory->base || buffer->addr.addr - memory->base >= memory->bytes)
		return ADDRXLAT_ERR_NODATA;
	buffer->ptr = memory->at + (buffer->addr.addr - memory->base);
	buffer->size = 0x1000;
	buffer->byte_order = ADDRXLAT_LITTLE_ENDIAN;
	buffer->put_page = put_page;
	return ADDRXLAT_OK;
}

static unsigned long read_caps(const addrxlat_cb_t *callbacks)
{
	(void)callbacks;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

static int usage(const char *why)
{
	fprintf(stderr, "addrxlat: %s\nusage: addrxlat x86_64|aarch64 FIELDS ROOT IMAGE BASE <LINES\n", why);
	return 2;
}

static int open_image(struct memory *memory, const char *path, const char *base)
{
	int fd = open(path, O_RDONLY);
	struct stat info;
	void *at;

	if (fd < 0 || fstat(fd, &info) != 0)
		return usage(strerror(errno));
	at = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return usage(strerror(errno));
	*memory = (struct memory){at, strtoull(base, NULL, 0), (uint64_t)info.st_size};
	return 0;
}

int main(int argc, char **argv)
{
	addrxlat_meth_t method = {.kind = ADDRXLAT_PGT, .target_as = ADDRXLAT_MACHPHYSADDR};
	addrxlat_param_pgt_t *pgt = &method.param.pgt;
	unsigned long asked = 0, differ = 0;
	addrxlat_ctx_t *context;
	addrxlat_cb_t *callbacks;
	struct memory memory;
	char line[128], *end;

	if (argc != 6)
		return usage("five arguments are needed");
	if (strcmp(argv[1], "x86_64") == 0)
		pgt->pf.pte_format = ADDRXLAT_PTE_X86_64;
	else if (strcmp(argv[1], "aarch64") == 0)
		pgt->pf.pte_format = ADDRXLAT_PTE_AARCH64;
	else
		return usage("a format that is not known here");
	for (end = argv[2]; *end && pgt->pf.nfields < ADDRXLAT_FIELDS_MAX; end += *end == ',')
		pgt->pf.fieldsz[pgt->pf.nfields++] = (unsigned short)strtoul(end, &end, 10);
	pgt->root.addr = strtoull(argv[3], NULL, 0);
	pgt->root.as = ADDRXLAT_MACHPHYSADDR;
	if (open_image(&memory, argv[4], argv[5]) != 0)
		return 2;
	context = addrxlat_ctx_new();
	callbacks = context ? addrxlat_ctx_add_cb(context) : NULL;
	if (!callbacks)
		return usage("no memory");
	callbacks->priv = &memory;
	callbacks->get_page = get_page;
	callbacks->read_caps = read_caps;

	while (fgets(line, sizeof(line), stdin)) {
		addrxlat_step_t step = {.ctx = context, .meth = &method};
		uint64_t address = strtoull(line, &end, 16), pa;
		int mapped = strchr(end, '-') == NULL;
		addrxlat_status status;

		pa = mapped ? strtoull(end, NULL, 16) : 0;
		step.base.addr = address;
		status = addrxlat_launch(&step, address);
		while (status == ADDRXLAT_OK && step.remain)
			status = addrxlat_step(&step);
		asked++;
		if (mapped ? status == ADDRXLAT_OK && step.base.addr == pa : status == ADDRXLAT_ERR_NOTPRESENT)
			continue;
		differ++;
		if (status == ADDRXLAT_OK)
			printf("0x%" PRIx64 " leads to 0x%" PRIx64 "\n", address, (uint64_t)step.base.addr);
		else
			printf("0x%" PRIx64 " leads nowhere: %s\n", address, addrxlat_strerror(status));
		addrxlat_ctx_clear_err(context);
	}
	printf("asked %lu, differ %lu\n", asked, differ);
	addrxlat_ctx_decref(context);
	return differ != 0;
}
