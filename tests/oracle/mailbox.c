/* SPDX-License-Identifier: MIT */
/* mailbox.c - operations for a stub, and accesses as operations. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mailbox.h"

static uint64_t swapped(const struct mailbox *mailbox, uint64_t value)
{
	return mailbox->big_endian ? pt_be64(value) : pt_le64(value);
}

void mailbox_store(const struct mailbox *mailbox, uint64_t offset, uint64_t value)
{
	ram_store(mailbox->ram, mailbox->pa + offset, swapped(mailbox, value));
}

void mailbox_add(struct mailbox *mailbox, uint32_t op, uint64_t address, uint64_t value)
{
	if (mailbox->n == MAILBOX_OPERATIONS)
		mailbox_run(mailbox);
	mailbox->operation[mailbox->n++] = (struct operation){.op = op, .address = address, .value = value};
}

/* The stub answers within microseconds, or it was not scheduled: look often, then sleep. */
static void await(struct mailbox *mailbox)
{
	uint64_t *answered = (uint64_t *)(void *)ram_at(mailbox->ram, mailbox->pa + 8);
	const struct timespec nap = {.tv_nsec = 50000};
	double deadline = seconds_now() + DEADLINE_SECONDS;

	for (unsigned int i = 0; __atomic_load_n(answered, __ATOMIC_ACQUIRE) != swapped(mailbox, mailbox->rung); i++) {
		if (i < 200)
			continue;
		nanosleep(&nap, NULL);
		if (i % 1000 == 0)
			emulator_check(&mailbox->emulator, "the stub");
		if (seconds_now() > deadline)
			emulator_timeout(&mailbox->emulator, "the stub did not answer the doorbell");
	}
}

void mailbox_run(struct mailbox *mailbox)
{
	uint64_t *doorbell = (uint64_t *)(void *)ram_at(mailbox->ram, mailbox->pa);

	if (mailbox->n == 0)
		return;
	for (unsigned int i = 0; i < mailbox->n; i++) {
		const struct operation *operation = &mailbox->operation[i];
		uint64_t at = MAILBOX_LIST + (uint64_t)i * OPERATION_BYTES;
		uint32_t op = mailbox->big_endian ? pt_be32(operation->op) : pt_le32(operation->op);

		memcpy(ram_at(mailbox->ram, mailbox->pa + at), &op, sizeof(op));
		mailbox_store(mailbox, at + 8, operation->address);
		ram_store(mailbox->ram, mailbox->pa + at + 16, operation->value);
	}
	mailbox_store(mailbox, 16, mailbox->n);
	mailbox->rung++;
	__atomic_store_n(doorbell, swapped(mailbox, mailbox->rung), __ATOMIC_RELEASE);
	await(mailbox);
	for (unsigned int i = 0; i < mailbox->n; i++) {
		struct operation *operation = &mailbox->operation[i];
		uint64_t at = mailbox->pa + MAILBOX_LIST + (uint64_t)i * OPERATION_BYTES;

		operation->code = swapped(mailbox, ram_load(mailbox->ram, at + 24));
		operation->result = ram_load(mailbox->ram, at + 32);
		for (unsigned int k = 0; k < 3; k++)
			operation->detail[k] = swapped(mailbox, ram_load(mailbox->ram, at + 40 + 8 * k));
	}
	mailbox->n = 0;
}

uint32_t operation_of(unsigned int access)
{
	uint32_t op = access & PT_ACCESS_WRITE ? OP_WRITE : access & PT_ACCESS_EXEC ? OP_EXEC : OP_READ;

	return access & PT_ACCESS_PRIV ? op : op + OP_USER;
}

/*
 * Emulators keep code that they have translated, and do not see that the test writes memory: the instructions at an
 * address are always the same.
 */
static uint64_t code_token(uint64_t pa)
{
	uint64_t state = pa / 8;

	return 1 + test_random(&state) % 0x7fff;
}

void mailbox_present(struct trial *trial, struct mailbox *mailbox, struct access *accesses, size_t n,
		     uint64_t (*plant)(uint16_t token),
		     void (*fault)(const struct operation *operation, struct access *access))
{
	struct ram *ram = mailbox->ram;
	uint64_t token[MAILBOX_OPERATIONS];

	mailbox_run(mailbox);
	CHECK(n <= MAILBOX_OPERATIONS);
	for (size_t i = 0; i < n; i++) {
		uint64_t pa = accesses[i].walk.pa & ~UINT64_C(7);
		bool lands = accesses[i].walk.fault == PT_FAULT_NONE && ram_has(ram, pa, 8);

		token[i] = UINT64_C(0x70ce) << 48 | test_random(&trial->random) >> 16;
		if (accesses[i].access & PT_ACCESS_EXEC)
			token[i] = code_token(pa);
		if (lands && (accesses[i].access & PT_ACCESS_EXEC))
			ram_store(ram, pa, plant((uint16_t)token[i]));
		else if (lands)
			ram_store(ram, pa, accesses[i].access & PT_ACCESS_WRITE ? 0 : stamp_of(pa));
		mailbox_add(mailbox, operation_of(accesses[i].access), accesses[i].iova & ~UINT64_C(7), token[i]);
	}
	mailbox_run(mailbox);
	for (size_t i = 0; i < n; i++) {
		const struct operation *operation = &mailbox->operation[i];
		struct access *access = &accesses[i];
		uint64_t pa = access->walk.pa & ~UINT64_C(7), offset = access->walk.pa & 7;
		bool lands = access->walk.fault == PT_FAULT_NONE && ram_has(ram, pa, 8);

		access->raw[0] = operation->code;
		access->raw[1] = operation->result;
		access->raw[2] = operation->detail[0];
		access->allowed = operation->code == 0;
		if (!access->allowed) {
			fault(operation, access);
		} else if (access->access & PT_ACCESS_EXEC) {
			access->landed = lands;
			access->pa = operation->result == token[i] ? access->walk.pa : UINT64_MAX;
		} else if (access->access & PT_ACCESS_WRITE) {
			access->landed = lands;
			access->pa = lands && ram_load(ram, pa) == token[i] ? access->walk.pa : UINT64_MAX;
		} else {
			/* A word that is no stamp was never where a leaf leads. */
			access->landed = true;
			access->pa = stamp_address(operation->result, &pa) ? pa + offset : UINT64_MAX;
			pa = access->walk.pa & ~UINT64_C(7);
		}
		if (lands && (access->access & (PT_ACCESS_WRITE | PT_ACCESS_EXEC)))
			ram_store(ram, pa, stamp_of(pa));
	}
}

void mailbox_end(struct trial *trial)
{
	struct mailbox *mailbox = trial->machine;

	emulator_end(&mailbox->emulator);
	free(mailbox);
}

void mailbox_forget(struct trial *trial)
{
	struct mailbox *mailbox = trial->machine;

	mailbox_add(mailbox, OP_FLUSH_ALL, 0, 0);
	mailbox_run(mailbox);
	mailbox->large_flushed = false;
}

void mailbox_invalidate(struct trial *trial, const struct pt_table *table, const struct pt_gather *gather, uint32_t op,
			uint64_t (*operand)(uint64_t iova))
{
	struct mailbox *mailbox = trial->machine;
	uint64_t step = invalidation_step(table, gather);
	uint64_t n = gather->first <= gather->last ? (gather->last - gather->first) / step + 1 : 0;

	if (n > 256 || (n == 0 && gather->levels)) {
		mailbox_forget(trial);
		return;
	}
	mailbox->large_flushed |= step > 4096;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t iova = gather->first + i * step;

		mailbox_add(mailbox, op, operand ? operand(iova) : iova, 0);
	}
	mailbox_run(mailbox);
}

const char *mailbox_old_code(struct trial *trial, const struct access *access)
{
	struct mailbox *mailbox = trial->machine;
	struct access read = {.iova = access->iova, .access = PT_ACCESS_READ | (access->access & PT_ACCESS_PRIV)};
	struct access again = {.iova = access->iova, .access = access->access};

	if (!mailbox->large_flushed || !(access->access & PT_ACCESS_EXEC) || !access->allowed ||
	    !judge_one(trial, &read))
		return NULL;
	trial->class->forget(trial);
	mailbox->large_flushed = true; /* when the other accesses of this batch were made */
	/* What is fetched anew may differ for another reason that has a name, but not for this one: it is allowed no
	 * more. */
	if (!judge_one(trial, &again) && (again.allowed || !trial->class->gap(trial, &again)))
		return NULL;
	return "fetch of old code in a large page after the invalidation of one address";
}
