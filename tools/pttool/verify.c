/* SPDX-License-Identifier: MIT */
/*
 * verify.c - `pttool verify`: what is wrong with a table.
 *
 * The format says what is wrong with entries. What only all of them together show is found here: tables that overlap,
 * leaves that nothing can reach since no right is left on the path, and frames that are mapped with different memory
 * types, which most architectures forbid.
 */
#include "survey.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Physical addresses that a run maps. */
struct frames {
	uint64_t first, last, iova;
	unsigned int memory;
};

struct verify {
	const struct pt_table *table;
	bool json;
	struct json_stream stream;
	uint64_t findings;
	struct frames *frames;
	size_t n, capacity;
};

static bool report_finding(void *ctx, const struct pt_finding *finding)
{
	struct verify *verify = ctx;
	const struct pt_format *format = verify->table->format;
	const char *level = level_name(format, finding->step.level);
	char word[WORD_LENGTH] = "";

	verify->findings++;
	if (finding->step.level < format->n_levels)
		format_word(word, &format->levels[finding->step.level], finding->step.raw);
	if (verify->json)
		stream_item(&verify->stream,
			    json_pack("{s:o, s:s, s:o, s:s, s:s}", "iova", hex(finding->iova), "level", level,
				      "entry_pa", hex(finding->step.entry_pa), "entry", word, "text", finding->text));
	else if (finding->status == PT_ERR_BOUNDS) /* there is no word */
		printf("0x%" PRIx64 " level %s, entry at 0x%" PRIx64 ": %s\n", finding->iova, level,
		       finding->step.entry_pa, finding->text);
	else
		printf("0x%" PRIx64 " level %s, entry at 0x%" PRIx64 " (%s): %s\n", finding->iova, level,
		       finding->step.entry_pa, word, finding->text);
	return !ferror(stdout);
}

/* Mapped, but every access is refused: an entry above takes away what the leaf gives, or the leaf gives nothing. */
static void report_unreachable(struct verify *verify, const struct pt_run *run)
{
	verify->findings++;
	if (verify->json)
		stream_item(&verify->stream,
			    json_pack("{s:o, s:o, s:o, s:s}", "first", hex(run->first), "last", hex(run->last), "pa",
				      hex(run->leaf.pa), "text", "mapped, but no right is left on the path"));
	else
		printf("0x%" PRIx64 "-0x%" PRIx64 " is mapped to 0x%" PRIx64
		       ", but no right is left on the path: nothing reaches it\n",
		       run->first, run->last, run->leaf.pa);
}

static void report_overlap(struct verify *verify, const struct surveyed *a, const struct surveyed *b)
{
	const struct pt_format *format = verify->table->format;

	verify->findings++;
	if (verify->json)
		stream_item(&verify->stream, json_pack("{s:o, s:s, s:o, s:s, s:s}", "table", hex(b->pa), "level",
						       level_name(format, b->level), "other", hex(a->pa), "other_level",
						       level_name(format, a->level), "text", "two tables overlap"));
	else
		printf("the %s table at 0x%" PRIx64 " and the %s table at 0x%" PRIx64 " overlap\n",
		       level_name(format, a->level), a->pa, level_name(format, b->level), b->pa);
}

static int by_place(const void *a, const void *b)
{
	const struct surveyed *x = a, *y = b;

	if (x->pa != y->pa)
		return x->pa < y->pa ? -1 : 1;
	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

/*
 * Sorted by address, a table that overlaps an earlier one overlaps the one that reaches farthest. One table in several
 * entries is one table: kernels do that on purpose.
 */
static bool find_overlaps(struct verify *verify, struct pt_reader *reader)
{
	struct survey survey;
	const struct surveyed *farthest = NULL;
	bool complete = survey_make(&survey, verify->table, reader) && !survey.unknown;

	if (survey.n)
		qsort(survey.tables, survey.n, sizeof(*survey.tables), by_place);
	for (uint32_t i = 0; i < survey.n && !ferror(stdout); i++) {
		const struct surveyed *now = &survey.tables[i];

		if (farthest && now->pa - farthest->pa < farthest->bytes)
			report_overlap(verify, farthest, now);
		if (!farthest || now->pa + (now->bytes - 1) > farthest->pa + (farthest->bytes - 1))
			farthest = now;
	}
	survey_free(&survey);
	return complete;
}

static bool take_run(void *ctx, const struct pt_run *run)
{
	struct verify *verify = ctx;
	uint64_t last = run->leaf.pa + (run->last - run->first);
	const unsigned int execution = PT_RIGHT_PX | PT_RIGHT_UX;
	struct frames *before = verify->n ? &verify->frames[verify->n - 1] : NULL;

	progress_at(run->last);
	/* where there are no bits for execution, the right to it says nothing */
	if ((run->leaf.rights & (verify->table->format->has_exec ? PT_RIGHT_ALL : PT_RIGHT_ALL & ~execution)) == 0)
		report_unreachable(verify, run);
	if (!verify->table->format->has_memory)
		return !ferror(stdout);
	if (before && before->memory == run->leaf.memory && before->last + 1 == run->leaf.pa && last >= run->leaf.pa) {
		before->last = last;
		return true;
	}
	if (verify->n == verify->capacity) {
		verify->capacity = verify->capacity ? 2 * verify->capacity : 256;
		verify->frames = allocate(verify->frames, verify->capacity, sizeof(*verify->frames));
	}
	verify->frames[verify->n++] = (struct frames){run->leaf.pa, last, run->first, run->leaf.memory};
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct frames *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->iova < y->iova ? -1 : x->iova > y->iova;
}

static const char *memory_name(unsigned int memory)
{
	return (const char *const[]){"cached", "noncached", "device", "nonshareable", "another type"}[memory];
}

static void report_conflict(struct verify *verify, const struct frames *a, const struct frames *b, uint64_t first,
			    uint64_t last)
{
	uint64_t iova_a = a->iova + (first - a->first), iova_b = b->iova + (first - b->first);

	verify->findings++;
	if (verify->json)
		stream_item(&verify->stream,
			    json_pack("{s:o, s:o, s:o, s:o, s:s}", "pa", hex(first), "last", hex(last), "iova",
				      hex(iova_a), "other", hex(iova_b), "text", "mapped with different memory types"));
	else
		printf("0x%" PRIx64 "-0x%" PRIx64 " is mapped as %s at 0x%" PRIx64 " and as %s at 0x%" PRIx64 "\n",
		       first, last, memory_name(a->memory), iova_a, memory_name(b->memory), iova_b);
}

/*
 * Sorted by address, a frame that conflicts with an earlier one conflicts with the one of another type that reaches
 * farthest; one pass with the farthest of each type finds all of them.
 */
static void find_conflicts(struct verify *verify)
{
	const struct frames *farthest[PT_MEMORY_OTHER + 1] = {NULL};

	if (verify->n)
		qsort(verify->frames, verify->n, sizeof(*verify->frames), by_address);
	for (size_t i = 0; i < verify->n && !ferror(stdout); i++) {
		const struct frames *now = &verify->frames[i];
		unsigned int own = now->memory;

		for (unsigned int memory = 0; memory <= PT_MEMORY_OTHER; memory++) {
			const struct frames *before = farthest[memory];

			if (memory != own && before && before->last >= now->first)
				report_conflict(verify, before, now, now->first,
						before->last < now->last ? before->last : now->last);
		}
		if (!farthest[own] || now->last > farthest[own]->last)
			farthest[own] = now;
	}
}

int command_verify(const struct options *options)
{
	struct image image;
	struct pt_table table;
	struct verify verify = {.table = &table};
	struct pt_reader reader, visiting, surveying;
	enum pt_status status, visited;
	uint64_t findings = 0;
	const char *incomplete = NULL;
	bool surveyed;

	if (!open_table(options, &image, &table))
		return image_close(&image, EXIT_USAGE);
	verify.json = options->output == OUTPUT_JSON;
	if (verify.json) {
		printf("{\n  \"format\": \"%s\",\n  \"root\": \"0x%" PRIx64 "\",\n", table.format->name,
		       options->roots[0]);
		print_roots(&table);
		printf("  \"findings\": [");
	}
	reader = visiting = surveying = (struct pt_reader){&image, image_read, NULL, options->steps};
	progress_start(&table, &image, false);
	progress_phase("verifying");
	status = table.format->verify(&table, &reader, report_finding, &verify, &findings);
	progress_phase(NULL);
	surveyed = find_overlaps(&verify, &surveying);
	visited = visit_table(&table, &visiting, take_run, &verify);
	progress_end();
	find_conflicts(&verify);
	if (status == PT_ERR_STEPS || visited == PT_ERR_STEPS || !surveyed)
		incomplete = pt_status_string(PT_ERR_STEPS);
	else if (status != PT_OK && verify.findings == 0)
		incomplete = pt_status_string(status);
	if (verify.json) {
		stream_end(&verify.stream);
		printf("],\n  \"complete\": %s\n}\n", incomplete ? "false" : "true");
	} else {
		printf("%" PRIu64 " finding%s\n", verify.findings, verify.findings == 1 ? "" : "s");
	}
	if (incomplete) {
		complain("not everything was verified: %s", incomplete);
		note("--steps N sets how many entries may be read (now %" PRIu64 ")", options->steps);
	}
	free(verify.frames);
	return image_close(&image, incomplete || verify.findings ? EXIT_FINDING : EXIT_FINE);
}
