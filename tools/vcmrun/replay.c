/* SPDX-License-Identifier: MIT */
/*
 * replay.c - does again what vc_trace() wrote down, and compares what comes out.
 *
 * Handles stand for objects, which get others here; addresses in windows of the CPU are moved to where these are now.
 * All else must be as it was: results, addresses, what devices read.
 */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------------------------- lookups */

bool replay_complain(struct replay *replay, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%zu: error: ", replay->path, replay->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	replay->bad = true;
	return false;
}

static size_t slot_of(const struct replay *replay, uint64_t then)
{
	size_t i = (size_t)(then * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (replay->room - 1);

	while (replay->pairs[i].then && replay->pairs[i].then != then)
		i = (i + 1) & (replay->room - 1);
	return i;
}

bool replay_remember(struct replay *replay, uint64_t then, void *now)
{
	size_t slot;

	if (2 * (replay->n_pairs + 1) > replay->room) {
		struct pair *old = replay->pairs;
		size_t room = replay->room;

		replay->room = room ? 2 * room : 1024;
		replay->pairs = calloc(replay->room, sizeof(*replay->pairs));
		if (!replay->pairs) {
			replay->pairs = old;
			replay->room = room;
			return replay_complain(replay, "out of memory");
		}
		for (size_t i = 0; i < room; i++)
			if (old[i].then)
				replay->pairs[slot_of(replay, old[i].then)] = old[i];
		free(old);
	}
	slot = slot_of(replay, then);
	replay->n_pairs += !replay->pairs[slot].then;
	replay->pairs[slot] = (struct pair){then, now};
	return true;
}

bool replay_hex(const json_t *value, uint64_t *out)
{
	const char *text = json_string_value(value);
	char *end;

	if (!text || strncmp(text, "0x", 2) != 0)
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !*end && !errno;
}

uint64_t replay_number_in(struct replay *replay, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	uint64_t number = 0;

	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	if (value && !replay_hex(value, &number))
		replay_complain(replay, "\"%s\" is no number", key);
	return number;
}

uint64_t replay_number(struct replay *replay, const char *key)
{
	return replay_number_in(replay, replay->call, key);
}

void *replay_object_in(struct replay *replay, const json_t *object, const char *key)
{
	uint64_t then = replay_number_in(replay, object, key);
	void *now = then && replay->room ? replay->pairs[slot_of(replay, then)].now : NULL;

	return now ? now : (void *)(uintptr_t)(then ? 1 : 0);
}

void *replay_object(struct replay *replay, const char *key)
{
	return replay_object_in(replay, replay->call, key);
}

bool replay_is_window(const struct replay *replay, uint64_t address)
{
	for (size_t i = 0; i < replay->n_windows; i++)
		if (address >= replay->windows[i].then && address <= replay->windows[i].last)
			return true;
	return false;
}

uint64_t replay_move(const struct replay *replay, uint64_t address)
{
	for (size_t i = replay->n_windows; i-- > 0;) {
		const struct window *window = &replay->windows[i];

		if (address >= window->then && address <= window->last)
			return window->now + (address - window->then);
	}
	return address;
}

/* ------------------------------------------------------------------------------------------------------ comparisons */

void replay_differs(struct replay *replay, const char *what, uint64_t then, uint64_t now)
{
	const char *call = json_string_value(json_object_get(replay->call, "call"));

	if (++replay->n_different > 20)
		return;
	fflush(stdout);
	fprintf(stderr, "%s:%zu: %s: %s is 0x%" PRIx64 ", and was 0x%" PRIx64 "\n", replay->path, replay->line, call,
		what, now, then);
}

void replay_compare(struct replay *replay, const char *key, uint64_t now)
{
	if (json_object_get(replay->call, key) && replay_number(replay, key) != now)
		replay_differs(replay, key, replay_number(replay, key), now);
}

bool replay_result_is(struct replay *replay, int result, void *out)
{
	json_int_t then = json_integer_value(json_object_get(replay->call, "result"));

	replay->n_calls++;
	if (then != result) {
		const char *reason = json_string_value(json_object_get(replay->call, "reason"));

		if (++replay->n_different <= 20) {
			fflush(stdout);
			fprintf(stderr, "%s:%zu: %s gives %d, and gave %" JSON_INTEGER_FORMAT "%s%s%s%s\n",
				replay->path, replay->line, json_string_value(json_object_get(replay->call, "call")),
				result, then, reason ? " then: " : "", reason ? reason : "", result ? "; now: " : "",
				result ? vc_last_error()->reason : "");
		}
	}
	if (!result && !then && out && json_object_get(replay->call, "out"))
		return replay_remember(replay, replay_number(replay, "out"), out);
	return !result && !then;
}

/* -------------------------------------------------------------------------------------------------------------- all */

static const struct replay_call *look_up(const char *name)
{
	static const struct replay_call *const tables[] = {replay_device_calls, replay_region_calls,
							   replay_memory_calls};

	for (size_t i = 0; name && i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct replay_call *call = tables[i]; call->name; call++)
			if (strcmp(call->name, name) == 0)
				return call;
	return NULL;
}

/* NULL: it is none that was recorded, and that was said. */
const struct replay_call *replay_find(struct replay *replay, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "call"));
	const struct replay_call *call = look_up(name);

	if (!call)
		replay_complain(replay, "there is no call '%s' that could be recorded", name ? name : "?");
	else if (!json_is_integer(json_object_get(line, "result"))) {
		replay_complain(replay, "\"result\" is missing");
		call = NULL;
	}
	return call;
}

static bool run_line(struct replay *replay, const char *text, size_t length)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	const struct replay_call *call;

	if (!root) {
		fflush(stdout);
		fprintf(stderr, "%s:%zu:%d: error: %s\n", replay->path, replay->line,
			error.column < 1 ? 1 : error.column, error.text);
		return false;
	}
	replay->call = root;
	if (json_object_get(root, "inside")) {
		if (!json_is_string(json_object_get(root, "call")))
			replay_complain(replay, "\"call\" is missing");
		else
			replay_keep(replay, root);
	} else {
		call = replay_find(replay, root);
		if (call)
			replay_run(replay, call);
	}
	json_decref(root);
	replay->call = NULL;
	return !replay->bad;
}

static bool print_finding(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "vcmrun: %s\n", text);
	return true;
}

int run_replay(struct scenario *scenario)
{
	struct replay replay = {.path = scenario->path};
	uint64_t findings, all = 0;
	const char *at = scenario->text, *end = scenario->text + scenario->length;
	bool fine = true;

	while (fine && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);

		replay.line++;
		if (length)
			fine = run_line(&replay, at, length);
		at += length + 1;
	}
	fine = replay_forget_groups(&replay) && fine;
	for (size_t i = 0; fine && i < replay.n_regions; i++)
		if (!vc_check(replay.regions[i], print_finding, NULL, &findings))
			all += findings;
	if (fine && !scenario->quiet)
		printf("%zu calls, %zu differ; %zu regions at the end, %" PRIu64
		       " differences between lists and tables\n",
		       replay.n_calls, replay.n_different, replay.n_regions, all);
	scenario->system = replay.system;
	for (size_t i = 0; i < replay.n_files; i++)
		close(replay.files[i].fd);
	free(replay.files);
	free(replay.windows);
	free(replay.regions);
	free(replay.pairs);
	return !fine ? EXIT_USAGE : replay.n_different || all ? EXIT_FINDING : EXIT_FINE;
}
