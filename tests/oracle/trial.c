/* SPDX-License-Identifier: MIT */
/* trial.c - one check of one configuration on one machine: setting it up, and the operations on its table. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "registry.h"

const struct check checks[N_CHECKS] = {
	{"translation", check_translation, 0, false},	   {"permissions", check_permissions, 0, false},
	{"accessed", check_accessed, CAN_ACCESSED, false}, {"changes", check_changes, 0, false},
	{"stale", check_stale, CAN_CACHE, false},	   {"growth", check_growth, 0, true},
	{"hostile", check_hostile, CAN_RESERVED, false},   {"second", check_second, CAN_NEST, false},
};

bool check_applies(const struct check *check, const struct machine_class *class,
		   const struct configuration *configuration)
{
	unsigned int can = class->can & ~configuration->lacks;

	if (configuration->whole && !getenv("ORACLE_WHOLE"))
		return false;
	return (can & check->needs) == check->needs && (!check->grows || configuration->grows);
}

static int print_settings(char *text, size_t room, const struct setting *setting)
{
	int at = 0;

	for (unsigned int i = 0; i < MAX_SETTINGS && setting[i].name; i++)
		at += snprintf(text + at, room - (size_t)at, " %s=%" PRId64, setting[i].name, setting[i].value);
	return at;
}

const char *configuration_label(const struct configuration *configuration, char label[MAX_LABEL])
{
	int at = snprintf(label, MAX_LABEL, "%s", configuration->format);

	at += print_settings(label + at, (size_t)(MAX_LABEL - at), configuration->setting);
	if (configuration->second) {
		at += snprintf(label + at, (size_t)(MAX_LABEL - at), " over %s", configuration->second);
		print_settings(label + at, (size_t)(MAX_LABEL - at), configuration->second_setting);
	}
	return label;
}

/* The each-th pair of configuration and check that goes together; false: there are no more. */
static bool nth(const struct machine_class *class, const struct configuration *list, size_t n, size_t each,
		const struct configuration **configuration, const struct check **check)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < N_CHECKS; k++) {
			if (!check_applies(&checks[k], class, &list[i]) || each-- != 0)
				continue;
			*configuration = &list[i];
			*check = &checks[k];
			return true;
		}
	}
	return false;
}

size_t oracle_count(const struct machine_class *class, const struct configuration *list, size_t n)
{
	const struct configuration *configuration;
	const struct check *check;
	size_t count = 0;

	while (nth(class, list, n, count, &configuration, &check))
		count++;
	return count;
}

const char *oracle_label(const struct machine_class *class, const struct configuration *list, size_t n, size_t each)
{
	static char text[MAX_LABEL + 32];
	const struct configuration *configuration;
	const struct check *check;
	char label[MAX_LABEL];

	if (!nth(class, list, n, each, &configuration, &check))
		return "";
	snprintf(text, sizeof(text), "%s: %s", configuration_label(configuration, label), check->name);
	return text;
}

unsigned int effort(void)
{
	return getenv("ORACLE_WHOLE") ? 2 : 1;
}

/* ------------------------------------------------------------------------------------------------- random addresses */

uint64_t trial_below(struct trial *trial, uint64_t n)
{
	uint64_t number = test_random(&trial->random);

	return n ? number % n : number;
}

uint64_t trial_width(const struct trial *trial)
{
	return trial->table.last - trial->table.first + 1;
}

bool trial_usable(const struct trial *trial, uint64_t iova, uint64_t bytes)
{
	return !trial->class->usable || trial->class->usable(trial, iova, bytes);
}

bool trial_pa(struct trial *trial, unsigned int lg2, uint64_t bytes, uint64_t *pa)
{
	bool more = trial->ram.more_last && trial_below(trial, 2);
	uint64_t size = UINT64_C(1) << lg2, last = more ? trial->ram.more_last : trial->ram.data_last;
	uint64_t lowest = more ? trial->ram.more_first : trial->ram.data_first,
		 first = (lowest + size - 1) & ~(size - 1);

	if (last > trial->table.output_last)
		last = trial->table.output_last;
	/* Low ones too: where only some leaves have room for high addresses, the others are used. */
	if (last > UINT32_MAX && first + (bytes - 1) <= UINT32_MAX && trial_below(trial, 3) == 0)
		last = UINT32_MAX;
	if (first < lowest || first > last || bytes - 1 > last - first)
		return false;
	*pa = first + (trial_below(trial, (last - first - (bytes - 1)) / size + 1) << lg2);
	return true;
}

uint64_t trial_iova(struct trial *trial, unsigned int lg2, uint64_t bytes)
{
	uint64_t width = trial_width(trial), slots = (width - bytes) >> lg2;

	/* Often near something that is there: neighbours share tables. */
	for (unsigned int try = 0; try < 100; try++) {
		uint64_t iova = trial->table.first + (trial_below(trial, slots + 1) << lg2);

		if (trial->n_regions && trial_below(trial, 3) != 0) {
			const struct region *region = &trial->region[trial_below(trial, trial->n_regions)];
			uint64_t offset = (region->iova - trial->table.first + region->bytes) >> lg2;

			offset += trial_below(trial, 20);
			iova = trial->table.first + ((offset > slots ? slots : offset) << lg2);
		}
		if (trial_usable(trial, iova, bytes))
			return iova;
	}
	trial_fail(trial, NULL, "no input address is free for 0x%" PRIx64 " bytes", bytes);
}

int64_t trial_param(const struct trial *trial, const char *name)
{
	int index = pt_param_find(trial->format, name);

	CHECK_MSG(index >= 0, "%s has no parameter %s", trial->format->name, name);
	return trial->table.param[index];
}

static struct pt_register register_of(const struct pt_table *table, const char *name)
{
	struct pt_register list[16];
	size_t n = table->format->registers(table, list, 16);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i];
	test_fail(__FILE__, __LINE__, "%s_registers gives no %s", table->format->name, name);
}

struct pt_register trial_register(const struct trial *trial, const char *name)
{
	return register_of(&trial->table, name);
}

struct pt_register second_register(const struct trial *trial, const char *name)
{
	return register_of(&trial->second.table, name);
}

/* ------------------------------------------------------------------------------------------------------- operations */

void trial_note(struct trial *trial, const char *format, ...)
{
	va_list args;
	int n;

	if (SCRIPT_BYTES - trial->script_length < 256) {
		/* Long scripts lose their beginning; the seed still has it. */
		size_t half = SCRIPT_BYTES / 2;
		char *line = memchr(trial->script + half, '\n', SCRIPT_BYTES - half);

		trial->script_length -= (size_t)(line + 1 - trial->script);
		memmove(trial->script, line + 1, trial->script_length + 1);
	}
	va_start(args, format);
	n = vsnprintf(trial->script + trial->script_length, SCRIPT_BYTES - trial->script_length, format, args);
	va_end(args);
	trial->script_length += (size_t)n;
}

static const char *request_letters(unsigned int request)
{
	static char text[12];
	static const char letters[] = "rwxpg";
	size_t n = 0;

	for (unsigned int i = 0; i < 5; i++)
		if (request & 1U << i)
			text[n++] = letters[i];
	if ((request & PT_MEMORY_MASK) == PT_NONCACHED)
		text[n++] = 'n';
	if ((request & PT_MEMORY_MASK) == PT_DEVICE)
		text[n++] = 'd';
	if ((request & PT_MEMORY_MASK) == PT_NONSHAREABLE)
		text[n++] = 'l';
	if (n == 0)
		text[n++] = '-';
	text[n] = '\0';
	return text;
}

bool trial_map(struct trial *trial, uint64_t iova, uint64_t pa, uint64_t bytes, unsigned int request)
{
	struct pt_result result;
	enum pt_status status;

	if (trial->n_regions == MAX_REGIONS)
		return false;
	status = trial->format->map(&trial->table, iova, pa, bytes, request | PT_ALLOW_WIDER, &trial->gather, &result);
	/* Taken, more than the format can say, or an address that this size of leaf cannot hold. */
	if (status == PT_ERR_EXISTS || status == PT_ERR_RIGHTS || status == PT_ERR_OUTPUT)
		return false;
	trial_note(trial, "map 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " %s\n", iova, pa, bytes,
		   request_letters(request));
	if (status != PT_OK)
		trial_fail(trial, NULL, "the last map said: %s", pt_status_string(status));
	trial->region[trial->n_regions++] = (struct region){iova, pa, bytes, result.request};
	return true;
}

void trial_unmap(struct trial *trial, uint64_t iova, uint64_t bytes)
{
	struct pt_result result;
	enum pt_status status = trial->format->unmap(&trial->table, iova, bytes, 0, &trial->gather, &result);

	trial_note(trial, "unmap 0x%" PRIx64 " 0x%" PRIx64 "\n", iova, bytes);
	if (status != PT_OK)
		trial_fail(trial, NULL, "the last unmap said: %s", pt_status_string(status));
	for (unsigned int i = 0; i < trial->n_regions; i++)
		if (trial->region[i].iova == iova)
			trial->region[i] = trial->region[--trial->n_regions];
}

uint64_t invalidation_step(const struct pt_table *table, const struct pt_gather *gather)
{
	uint64_t smallest = gather->sizes ? gather->sizes & -gather->sizes : UINT64_C(1) << 12, step = 0;

	for (unsigned int i = 0; i < table->format->n_levels; i++) {
		const struct pt_level_info *level = &table->format->levels[i];
		uint64_t slot = UINT64_C(1) << level->lo;

		if (level->shape == table->shape && slot <= smallest && slot > step)
			step = slot;
	}
	return step ? step : smallest;
}

void trial_flush(struct trial *trial)
{
	pt_flush(&trial->table, &trial->gather);
}

/* --------------------------------------------------------------------------------------------------------- messages */

static const char *access_letters(unsigned int access)
{
	static char text[32];

	snprintf(text, sizeof(text), "%s, %s",
		 access & PT_ACCESS_WRITE  ? "write"
		 : access & PT_ACCESS_EXEC ? "fetch"
					   : "read",
		 access & PT_ACCESS_PRIV ? "privileged" : "user");
	return text;
}

static void print_steps(const struct pt_format *format, const struct pt_walk *walk)
{
	for (unsigned int i = 0; i < walk->n_steps; i++) {
		const struct pt_step *step = &walk->step[i];

		fprintf(stderr, "    %-8s [0x%" PRIx64 "] = 0x%016" PRIx64 "  %s\n", format->levels[step->level].name,
			step->entry_pa, step->raw[0],
			step->kind == PT_NO_KIND ? "of no kind" : format->kinds[step->kind].name);
	}
}

/* Of two stages: which one, and for what. */
static void print_stage(unsigned int stage, bool in_walk, uint64_t ipa)
{
	if (stage != STAGE_UNTOLD)
		fprintf(stderr, ", stage %u%s", stage, in_walk ? ", for an entry of stage 1" : "");
	if (stage == 2 && ipa != IPA_UNTOLD)
		fprintf(stderr, ", intermediate address 0x%" PRIx64, ipa);
}

static void print_outcome(const struct trial *trial, const struct access *access)
{
	const struct pt_format *format = deciding_format(trial, access);
	const struct pt_walk *walk = &access->walk;

	fprintf(stderr, "  address   0x%" PRIx64 ", %s\n", access->iova, access_letters(access->access));
	if (walk->fault == PT_FAULT_NONE)
		fprintf(stderr, "  expected  0x%" PRIx64, walk->pa);
	else
		fprintf(stderr, "  expected  fault: %s at %s", pt_fault_string(format, walk->fault),
			format->levels[walk->level].name);
	if (trial->second.format && walk->fault != PT_FAULT_NONE)
		print_stage(access->nested.stage, access->nested.in_walk, access->nested.ipa);
	fprintf(stderr, "\n  seen      ");
	if (access->allowed && access->landed)
		fprintf(stderr, "0x%" PRIx64, access->pa);
	else if (access->allowed)
		fprintf(stderr, "allowed, at an address that is not known");
	else if (access->fault == FAULT_UNTOLD)
		fprintf(stderr, "fault");
	else
		fprintf(stderr, "fault: %s",
			access->fault == FAULT_ODD ? "one that tables do not explain"
						   : pt_fault_string(format, access->fault));
	if (!access->allowed && access->level != LEVEL_UNTOLD)
		fprintf(stderr, " at level %d", access->level);
	if (!access->allowed)
		print_stage(access->stage, access->in_walk, access->ipa);
	fprintf(stderr, " (the machine said 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 ")\n  walk\n", access->raw[0],
		access->raw[1], access->raw[2]);
	if (trial->second.format) {
		print_steps(trial->format, &access->nested.walk1);
		fprintf(stderr, "  second stage, of 0x%" PRIx64 "\n", access->nested.ipa);
		print_steps(trial->second.format, &access->nested.walk2);
	} else {
		print_steps(format, walk);
	}
}

static void print_registers(const struct pt_table *table)
{
	struct pt_register list[16];
	size_t n = table->format ? table->format->registers(table, list, 16) : 0;

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "  %s = 0x%" PRIx64 "%s\n", list[i].name, list[i].value[0],
			list[i].bits > 64 ? " ..." : "");
}

void trial_fail(struct trial *trial, const struct access *access, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s on %s, %s check\n", trial->label, trial->class->oracle, trial->check);
	fprintf(stderr, "  script (pttool build)\n");
	for (const char *p = trial->script; *p; p = strchr(p, '\n') + 1)
		fprintf(stderr, "    %.*s\n", (int)strcspn(p, "\n"), p);
	print_registers(&trial->table);
	print_registers(&trial->second.table);
	if (access)
		print_outcome(trial, access);
	record_end(trial, "failed");
	fprintf(stderr, "  rerun     TEST_SEED=%" PRIu64 "%s build/tests/oracle/test_%s '%s.walks[%s: %s]'\n",
		test_seed(), getenv("ORACLE_WHOLE") ? " ORACLE_WHOLE=1" : "", trial->class->test, trial->suite,
		trial->label, trial->check);
	test_fail(__FILE__, __LINE__, "%s", text);
}

/* ---------------------------------------------------------------------------------------------------------- running */

static void hook_invalidate(void *ctx, const struct pt_gather *gather)
{
	/* The memory's context is the memory; it is the trial's. */
	struct trial *trial = (struct trial *)(void *)((char *)ctx - offsetof(struct trial, ram));

	if (!trial->deaf)
		trial->class->invalidate(trial, gather);
}

/* Lookups run in the thread that changes tables: there are none to wait for. */
static void hook_quiesce(void *ctx)
{
	(void)ctx;
}

void emulator_need(const char *program, const char *package)
{
	if (!emulator_installed(program))
		test_skip("%s is not installed; as root, run: apt-get update && "
			  "apt-get install -y --no-install-recommends %s",
			  program, package);
}

/* What goes wrong with an emulator fails the test. */
static void machine_failed(const char *message)
{
	test_fail(__FILE__, __LINE__, "%s", message);
}

static const struct pt_format *configure(const char *name, const struct setting *setting, struct pt_config *config)
{
	const struct pt_format *format = NULL;

	for (size_t i = 0; i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, name) == 0)
			format = pt_formats[i];
	CHECK_MSG(format != NULL, "there is no format %s", name);
	pt_config_init(config);
	for (unsigned int i = 0; i < MAX_SETTINGS && setting[i].name; i++) {
		int index = pt_param_find(format, setting[i].name);

		CHECK_MSG(index >= 0, "%s has no parameter %s", name, setting[i].name);
		config->param[index] = setting[i].value;
	}
	return format;
}

void oracle_run(const struct machine_class *class, const struct configuration *list, size_t n, const char *suite,
		size_t each)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	const struct check *check = NULL;
	struct pt_result result;
	enum pt_status status;

	CHECK(trial != NULL);
	machines_on_failure = machine_failed;
	trial->class = class;
	trial->suite = suite;
	CHECK(nth(class, list, n, each, &trial->configuration, &check));
	trial->check = check->name;
	trial->can = class->can & ~trial->configuration->lacks;
	trial->random = test_seed() + each * UINT64_C(0x9e3779b97f4a7c15);
	configuration_label(trial->configuration, trial->label);
	if (class->program)
		emulator_need(class->program, class->package);

	trial->format = configure(trial->configuration->format, trial->configuration->setting, &trial->config);
	if (trial->configuration->second)
		trial->second.format = configure(trial->configuration->second, trial->configuration->second_setting,
						 &trial->second.config);
	trial->ram.random = test_random(&trial->random);
	class->start(trial);
	record_begin(trial); /* not before: what is skipped is no failure */
	if (class->invalidate)
		trial->ram.mem.invalidate = hook_invalidate;
	trial->ram.mem.quiesce = hook_quiesce;
	if (trial->second.format)
		second_begin(trial);
	status = trial->format->init(&trial->table, &trial->config, &trial->ram.mem, &result);
	if (status != PT_OK)
		trial_fail(trial, NULL, "init said: %s (%s)", pt_status_string(status), result.why ? result.why : "");
	pt_gather_init(&trial->gather);
	class->load(trial);

	check->run(trial);

	trial_flush(trial);
	if (class->unload)
		class->unload(trial);
	trial->format->fini(&trial->table);
	if (trial->second.format)
		second_end(trial);
	class->end(trial);
	ram_close(&trial->ram);
	record_end(trial, "passed");
	free(trial);
}
