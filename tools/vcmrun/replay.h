/* SPDX-License-Identifier: MIT */
/*
 * replay.h - calls that were recorded, one function for each (do_NAME does vc_NAME again); the tables of them, by what
 * they are about, are what replay.c looks a line up in.
 */
#ifndef PTGEN_TOOLS_VCMRUN_REPLAY_H
#define PTGEN_TOOLS_VCMRUN_REPLAY_H

#include "vcmrun.h"

/* What a recorded handle stands for: open addressing, since there are many. */
struct pair {
	uint64_t then;
	void *now;
};

struct window {
	uint64_t then, last, now;
};

struct file {
	char name[48];
	int fd;
};

struct replay {
	const char *path;
	size_t line;
	const json_t *call; /* of that line */
	struct pair *pairs;
	size_t n_pairs, room;
	struct window *windows;
	size_t n_windows;
	struct file *files;
	size_t n_files;
	struct vc_region **regions;
	size_t n_regions;
	struct vc_system *system; /* the last one */
	struct group *groups;	  /* what handlers called: see replay_handlers.c */
	size_t n_groups;
	struct handling *handling; /* the access that is being done again, if handlers were called for it */
	size_t n_calls, n_different;
	bool bad; /* the line is none that was recorded */
};

struct replay_call {
	const char *name; /* of the function that was called; NULL: the end of the table */
	void (*run)(struct replay *replay);
};

#define REPLAY_CALL(name)              \
	{                              \
		"vc_" #name, do_##name \
	}

/* replay_handlers.c: keep a line that a handler called; do the call of a line, with its handlers; what is left over. */
bool replay_keep(struct replay *replay, json_t *call);
void replay_run(struct replay *replay, const struct replay_call *call);
const struct replay_call *replay_find(struct replay *replay, const json_t *line);
bool replay_forget_groups(struct replay *replay);

/* replay_devices.c: systems, devices, their accesses */
extern const struct replay_call replay_device_calls[];
/* replay_regions.c: regions, associations, reservations */
extern const struct replay_call replay_region_calls[];
/* replay_memory.c: physical memory, and what it is put behind */
extern const struct replay_call replay_memory_calls[];

/* The line is none that was recorded: say why. Always false. */
bool replay_complain(struct replay *replay, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* From now on, the handle of then is this object. */
bool replay_remember(struct replay *replay, uint64_t then, void *now);
bool replay_hex(const json_t *value, uint64_t *out);
/* A number of an object, or of the call; 0 where there is none. */
uint64_t replay_number_in(struct replay *replay, const json_t *object, const char *key);
uint64_t replay_number(struct replay *replay, const char *key);
/* What a handle stands for now. What was no handle then is none now: the call must fail as it did. */
void *replay_object_in(struct replay *replay, const json_t *object, const char *key);
void *replay_object(struct replay *replay, const char *key);
/* An address, which may lie in a window of the CPU that is elsewhere now. */
uint64_t replay_move(const struct replay *replay, uint64_t address);
bool replay_is_window(const struct replay *replay, uint64_t address);
/* Something is not as it was. */
void replay_differs(struct replay *replay, const char *what, uint64_t then, uint64_t now);
void replay_compare(struct replay *replay, const char *key, uint64_t now);
/* The result, and the object that came out. false: it is another one, and nothing came out. */
bool replay_result_is(struct replay *replay, int result, void *out);

#endif
