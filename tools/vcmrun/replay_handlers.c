/* SPDX-License-Identifier: MIT */
/*
 * replay_handlers.c - what fault handlers called. Their lines stand before that of the access, and are kept until it is
 * done again; then they are done in a handler, each time that it faults.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

/* Lines with the number of one access: calls, and after those of each handler what it was called for. */
struct group {
	uint64_t id;
	struct {
		json_t *call;
		size_t line;
	} * lines;
	size_t n;
};

struct handling {
	struct replay *replay;
	struct group *group;
	struct vc_device *device;
	struct handling *outer;
	size_t at;
	size_t strange; /* faults for which no handler was called then */
};

static struct group *find_group(const struct replay *replay, uint64_t id)
{
	for (size_t i = replay->n_groups; i-- > 0;)
		if (replay->groups[i].id == id)
			return &replay->groups[i];
	return NULL;
}

bool replay_keep(struct replay *replay, json_t *call)
{
	uint64_t id = replay_number_in(replay, call, "inside");
	struct group *group = find_group(replay, id);
	void *grown;

	if (!group) {
		grown = realloc(replay->groups, (replay->n_groups + 1) * sizeof(*replay->groups));
		if (!grown)
			return replay_complain(replay, "out of memory");
		replay->groups = grown;
		group = &replay->groups[replay->n_groups++];
		*group = (struct group){.id = id};
	}
	grown = realloc(group->lines, (group->n + 1) * sizeof(*group->lines));
	if (!grown)
		return replay_complain(replay, "out of memory");
	group->lines = grown;
	group->lines[group->n].call = json_incref(call);
	group->lines[group->n++].line = replay->line;
	return !replay->bad;
}

static void free_lines(struct group *group)
{
	for (size_t i = 0; i < group->n; i++)
		json_decref(group->lines[i].call);
	free(group->lines);
}

/* Do what the next handler did, and say what it said. */
static int handle(struct vc_device *device, void *data, const struct vc_fault *fault)
{
	struct handling *handling = data;
	struct replay *replay = handling->replay;
	const json_t *call = replay->call;
	size_t line = replay->line;
	int result = 1;
	bool done = false;

	(void)device;
	if (handling->at == handling->group->n)
		handling->strange++;
	while (!done && !replay->bad && handling->at < handling->group->n) {
		const struct replay_call *known;

		replay->call = handling->group->lines[handling->at].call;
		replay->line = handling->group->lines[handling->at++].line;
		done = !strcmp(json_string_value(json_object_get(replay->call, "call")), "vc_fault_handler");
		known = done ? NULL : replay_find(replay, replay->call);
		if (known)
			replay_run(replay, known);
		if (!done)
			continue;
		replay->n_calls++;
		if (!replay_is_window(replay, replay_number(replay, "address")))
			replay_compare(replay, "address", fault->address);
		replay_compare(replay, "kind", fault->kind);
		result = replay_number(replay, "says") != 0;
	}
	replay->call = call;
	replay->line = line;
	return result;
}

void replay_run(struct replay *replay, const struct replay_call *call)
{
	uint64_t id = replay_number(replay, "id");
	struct group *group = id ? find_group(replay, id) : NULL;
	struct handling now = {.replay = replay, .outer = replay->handling};
	struct group mine;

	if (!group) {
		if (id)
			replay_complain(replay, "what its handlers called, inside 0x%llx, is not before it",
					(unsigned long long)id);
		else
			call->run(replay);
		return;
	}
	/* Others may come and go meanwhile, and the list move. */
	mine = *group;
	*group = replay->groups[--replay->n_groups];
	now.group = &mine;
	now.device = replay_object(replay, "device");
	replay->handling = &now;
	vc_device_hook(now.device, handle, &now);
	call->run(replay);
	vc_device_hook(now.device, NULL, NULL);
	replay->handling = now.outer;
	if (now.outer)
		vc_device_hook(now.outer->device, handle, now.outer);
	if (now.strange)
		replay_differs(replay, "the number of faults", mine.n, mine.n + now.strange);
	else if (now.at < mine.n && !replay->bad)
		replay_differs(replay, "the number of lines that its handlers did", mine.n, now.at);
	free_lines(&mine);
}

bool replay_forget_groups(struct replay *replay)
{
	bool none = replay->n_groups == 0;

	if (!none && !replay->bad)
		replay_complain(replay,
				"%zu calls were made by handlers of an access that is not in the trace: it ended "
				"before the access did",
				replay->groups[0].n);
	while (replay->n_groups)
		free_lines(&replay->groups[--replay->n_groups]);
	free(replay->groups);
	return none;
}
