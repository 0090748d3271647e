/* SPDX-License-Identifier: MIT */
/* compare.c - see compare.h. */
#include "compare.h"

#include <inttypes.h>
#include <string.h>

#include "test.h"

enum { STEPS = 1 << 18 };

static void check_fault(const struct compared *c, const char *what, uint64_t iova, const struct interp_walk *want,
			const struct pt_walk *walk)
{
	bool good = want->faults ? walk->fault < 64 && (want->faults >> walk->fault & 1) : walk->fault == PT_FAULT_NONE;

	CHECK_MSG(good,
		  "%s\n  %s of 0x%" PRIx64 ": fault %s, expected one of the set 0x%" PRIx64 " (last word 0x%" PRIx64
		  "'%016" PRIx64 " at 0x%" PRIx64 ", level %s)",
		  c->describe(c->ctx), what, iova, pt_fault_string(c->format, walk->fault), want->faults,
		  want->n_steps ? want->step[want->n_steps - 1].raw[1] : 0,
		  want->n_steps ? want->step[want->n_steps - 1].raw[0] : 0,
		  want->n_steps ? want->step[want->n_steps - 1].entry_pa : 0, c->in->model->levels.v[want->level].name);
}

void compare_walk(const struct compared *c, uint64_t iova)
{
	struct pt_reader reader = c->reader;
	struct interp_walk want;
	struct pt_walk walk;
	const struct m_kind *kind;

	memset(&walk, 0xa5, sizeof(walk));
	reader.steps = STEPS;
	interp_walk(c->in, &c->image, interp_roots(c->table), iova, &want);
	c->format->walk(c->table, &reader, iova, &walk);
	check_fault(c, "walk", iova, &want, &walk);
	CHECK_MSG(walk.n_steps == want.n_steps && walk.level == want.level,
		  "%s\n  walk of 0x%" PRIx64 ": %u steps to level %u, expected %u to %d", c->describe(c->ctx), iova,
		  walk.n_steps, walk.level, want.n_steps, want.level);
	for (unsigned int i = 0; i < want.n_steps; i++)
		CHECK_MSG(walk.step[i].entry_pa == want.step[i].entry_pa &&
				  walk.step[i].raw[0] == want.step[i].raw[0] &&
				  walk.step[i].raw[1] == want.step[i].raw[1] &&
				  walk.step[i].level == want.step[i].level && walk.step[i].kind == want.step[i].kind,
			  "%s\n  walk of 0x%" PRIx64 ", step %u: word 0x%" PRIx64 " at 0x%" PRIx64
			  " is kind %u of level %u, expected 0x%" PRIx64 " at 0x%" PRIx64 " kind %u of level %u",
			  c->describe(c->ctx), iova, i, walk.step[i].raw[0], walk.step[i].entry_pa, walk.step[i].kind,
			  walk.step[i].level, want.step[i].raw[0], want.step[i].entry_pa, want.step[i].kind,
			  want.step[i].level);
	if (want.faults)
		return;
	kind = &c->in->model->kinds.v[want.leaf.kind];
	/* a group that is larger than the input exists on paper only, and begins nowhere */
	if (want.leaf.lg2 > c->in->input_hi + 1)
		walk.leaf.iova = want.leaf.iova;
	CHECK_MSG(walk.pa == want.pa && walk.leaf.iova == want.leaf.iova && walk.leaf.lg2 == want.leaf.lg2 &&
			  walk.leaf.entry_lg2 == want.leaf.entry_lg2 && walk.leaf.level == want.leaf.level &&
			  walk.leaf.kind == want.leaf.kind && walk.leaf.raw[0] == want.leaf.raw[0] &&
			  walk.leaf.raw[1] == want.leaf.raw[1],
		  "%s\n  walk of 0x%" PRIx64 ": pa 0x%" PRIx64 ", leaf at 0x%" PRIx64
		  " of 2^%u (slots 2^%u), expected pa 0x%" PRIx64 ", leaf at 0x%" PRIx64
		  " of 2^%u (slots 2^%u); word 0x%" PRIx64,
		  c->describe(c->ctx), iova, walk.pa, walk.leaf.iova, walk.leaf.lg2, walk.leaf.entry_lg2, want.pa,
		  want.leaf.iova, want.leaf.lg2, want.leaf.entry_lg2, want.leaf.raw[0]);
	/* slots of a contiguous group may contradict each other: then there is no first address */
	if (kind->group != GROUP_CONTIG || (want.leaf.pa & ones((unsigned int)kind->lg2)) == 0)
		CHECK_MSG(walk.leaf.pa == want.leaf.pa,
			  "%s\n  walk of 0x%" PRIx64 ": leaf pa 0x%" PRIx64 ", expected 0x%" PRIx64,
			  c->describe(c->ctx), iova, walk.leaf.pa, want.leaf.pa);
	if (!want.unknown_rights)
		CHECK_MSG(walk.leaf.rights == want.leaf.rights,
			  "%s\n  walk of 0x%" PRIx64 " (word 0x%" PRIx64 "): rights 0x%x, expected 0x%x",
			  c->describe(c->ctx), iova, want.leaf.raw[0], walk.leaf.rights, want.leaf.rights);
	CHECK_MSG(walk.leaf.memory == want.leaf.memory && walk.leaf.accessed == want.leaf.accessed &&
			  walk.leaf.dirty == want.leaf.dirty,
		  "%s\n  walk of 0x%" PRIx64 " (word 0x%" PRIx64 "): memory %u accessed %d dirty %d, expected %u %d %d",
		  c->describe(c->ctx), iova, want.leaf.raw[0], walk.leaf.memory, walk.leaf.accessed, walk.leaf.dirty,
		  want.leaf.memory, want.leaf.accessed, want.leaf.dirty);
}

void compare_translate(const struct compared *c, uint64_t iova, unsigned int access)
{
	struct pt_reader reader = c->reader;
	struct interp_walk want;
	struct pt_walk walk;

	memset(&walk, 0xa5, sizeof(walk));
	reader.steps = STEPS;
	reader.update = NULL;
	interp_translate(c->in, &c->image, interp_roots(c->table), iova, access, &want);
	if (want.unknown_rights)
		return;
	c->format->translate(c->table, &reader, iova, access, &walk);
	check_fault(c, "translate", iova, &want, &walk);
	if (!want.faults)
		CHECK_MSG(walk.pa == want.pa, "%s\n  translate of 0x%" PRIx64 ": 0x%" PRIx64 ", expected 0x%" PRIx64,
			  c->describe(c->ctx), iova, walk.pa, want.pa);
}

void compare_classify(const struct compared *c, ref level, const uint64_t word[2])
{
	int n = 0;
	ref kind = interp_classify(c->in, level, word, &n);
	uint16_t got = c->format->classify(c->table, (uint16_t)level, word);

	CHECK_MSG(n <= 1, "%s\n  level %d: word 0x%" PRIx64 " is of %d kinds", c->describe(c->ctx), level, word[0], n);
	CHECK_MSG(got == (kind == REF_NONE ? PT_NO_KIND : kind),
		  "%s\n  level %d: word 0x%" PRIx64 "'%016" PRIx64 " is of kind %u, expected %d", c->describe(c->ctx),
		  level, word[1], word[0], got, kind);
}

/* ---------------------------------------------------------------------------------------------------- visit, verify */

struct runs {
	const struct compared *c;
	const uint64_t *iova;
	bool *seen; /* which of the addresses lie in a run */
	size_t n;
	uint64_t next;
	bool any;
	unsigned int count;
};

static bool on_run(void *ctx, const struct pt_run *run)
{
	struct runs *runs = ctx;
	const struct compared *c = runs->c;
	uint64_t probe[3] = {run->first, run->last, run->first + (run->last - run->first) / 2};

	CHECK_MSG(run->first <= run->last && (!runs->any || run->first >= runs->next),
		  "%s\n  visit: run 0x%" PRIx64 "-0x%" PRIx64 " goes back", c->describe(c->ctx), run->first, run->last);
	runs->any = true;
	runs->next = run->last + 1;
	for (size_t i = 0; i < runs->n; i++)
		runs->seen[i] |= runs->iova[i] >= run->first && runs->iova[i] <= run->last;
	if (runs->count++ > 2000) /* hostile tables have many */
		return true;
	for (int i = 0; i < 3; i++) {
		struct interp_walk want;
		uint64_t inner;

		if (!interp_input(c->in, probe[i], &inner))
			continue; /* a leaf may reach out of the aperture */
		interp_walk(c->in, &c->image, interp_roots(c->table), probe[i], &want);
		CHECK_MSG(want.faults == 0 && want.pa == run->leaf.pa + (probe[i] - run->first) &&
				  want.leaf.lg2 == run->leaf.lg2 &&
				  (want.unknown_rights || want.leaf.rights == run->leaf.rights) &&
				  want.leaf.memory == run->leaf.memory,
			  "%s\n  visit: run 0x%" PRIx64 "-0x%" PRIx64 " -> 0x%" PRIx64
			  " (2^%u, rights 0x%x); a walk of 0x%" PRIx64 " gives faults 0x%" PRIx64 ", 0x%" PRIx64
			  " (2^%u, rights 0x%x)",
			  c->describe(c->ctx), run->first, run->last, run->leaf.pa, run->leaf.lg2, run->leaf.rights,
			  probe[i], want.faults, want.pa, want.leaf.lg2, want.leaf.rights);
	}
	return true;
}

static bool on_finding(void *ctx, const struct pt_finding *finding)
{
	uint64_t *n = ctx;

	CHECK(finding->text != NULL && finding->status != PT_OK);
	(*n)++;
	return true;
}

void compare_visit_verify(const struct compared *c, const uint64_t *iova, size_t n)
{
	const uint64_t defects = (uint64_t)1 << PT_FAULT_RESERVED | (uint64_t)1 << PT_FAULT_BOUNDS;
	bool seen[256] = {false};
	struct runs runs = {.c = c, .iova = iova, .seen = seen, .n = n};
	struct pt_reader reader = c->reader;
	enum pt_status visited, verified;
	uint64_t findings = 0, counted = 0;

	CHECK(n <= 256);
	reader.steps = STEPS;
	visited = c->format->visit(c->table, &reader, 0, UINT64_MAX, on_run, &runs);
	CHECK_MSG(visited == PT_OK || visited == PT_ERR_STEPS, "%s\n  visit: %s", c->describe(c->ctx),
		  pt_status_string(visited));
	CHECK_MSG(visited != PT_ERR_STEPS || reader.steps == 0,
		  "visit says that its steps are used up, but has some left");
	reader.steps = STEPS;
	verified = c->format->verify(c->table, &reader, on_finding, &counted, &findings);
	CHECK_EQ(findings, counted);
	CHECK_MSG(verified == PT_ERR_STEPS || (verified == PT_OK) == (findings == 0),
		  "%s\n  verify: %s with %" PRIu64 " findings", c->describe(c->ctx), pt_status_string(verified),
		  findings);
	for (size_t i = 0; i < n; i++) {
		struct interp_walk want;
		uint64_t inner;

		interp_walk(c->in, &c->image, interp_roots(c->table), iova[i], &want);
		if (visited == PT_OK && !want.own_ancestor && interp_input(c->in, iova[i], &inner))
			CHECK_MSG(seen[i] == (want.faults == 0),
				  "%s\n  visit %s 0x%" PRIx64 ", a walk gives faults 0x%" PRIx64, c->describe(c->ctx),
				  seen[i] ? "has" : "has not", iova[i], want.faults);
		if (verified != PT_ERR_STEPS && want.faults & defects && !(want.faults & ~defects) &&
		    interp_input(c->in, iova[i], &inner))
			CHECK_MSG(findings > 0,
				  "%s\n  verify finds nothing, but a walk of 0x%" PRIx64 " gives faults 0x%" PRIx64,
				  c->describe(c->ctx), iova[i], want.faults);
	}
}
