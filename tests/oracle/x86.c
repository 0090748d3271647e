/* SPDX-License-Identifier: MIT */
/* x86.c - see x86.h. */
#include "x86.h"

#include <string.h>

void x86_open(struct ram *ram)
{
	static const struct ram_piece pieces[] = {{0, (UINT64_C(2) << 30) - 1, 0},
						  {UINT64_C(4) << 30, (UINT64_C(62) << 30) - 1, UINT64_C(2) << 30}};

	ram_open(ram, pieces, 2);
}

void x86_boot(struct trial *trial, const unsigned char *stub, size_t bytes, const char *cpu)
{
	struct mailbox *mailbox = trial->machine;
	unsigned char image[65536] = {0};
	char firmware[32];
	const char *const arguments[] = {"-bios", firmware, "-cpu", cpu, NULL};

	memcpy(image, stub, bytes);
	memcpy(image + 0xfff0, (const unsigned char[]){0xe9, 0x0d, 0x00}, 3); /* a jump to the first byte */
	nameless_file("firmware", image, sizeof(image), firmware);
	emulator_start(&mailbox->emulator, trial->class->program, "q35", trial->ram.path, trial->ram.bytes, arguments);
}

/* mov $token, %eax; int $0x80; nop */
uint64_t x86_plant(uint16_t token)
{
	return 0xb8 | (uint64_t)token << 8 | UINT64_C(0x80cd) << 40 | UINT64_C(0x90) << 56;
}

void x86_fault(const struct operation *operation, struct access *access)
{
	enum { PAGE_FAULT = 14, GENERAL_PROTECTION = 13, PRESENT = 1, RESERVED = 8 };
	uint64_t error = operation->detail[0];

	access->fault = FAULT_ODD;
	if (operation->code == GENERAL_PROTECTION)
		access->fault = PT_FAULT_ADDRESS; /* the address is not canonical */
	else if (operation->code == PAGE_FAULT && operation->detail[1] == (access->iova & ~UINT64_C(7)))
		access->fault = error & RESERVED  ? PT_FAULT_RESERVED
				: error & PRESENT ? PT_FAULT_PERMISSION
						  : PT_FAULT_ABSENT;
}

void x86_invalidate(struct trial *trial, const struct pt_gather *gather)
{
	mailbox_invalidate(trial, &trial->table, gather, OP_FLUSH_ADDRESS, NULL);
}
