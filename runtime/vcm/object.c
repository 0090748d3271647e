/* SPDX-License-Identifier: MIT */
/*
 * object.c - handles.
 *
 * A handle is generation : index : type, never a pointer. The slot of an index holds one word: the generation, whether
 * the handle is alive, and how many hold the object. Getting an object is one compare-and-swap without a lock; the slot
 * is reused, with the next generation, only when the last holder is gone.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define TYPE_BITS	 3
#define INDEX_BITS	 (sizeof(uintptr_t) >= 8 ? 24U : 18U)
#define CHUNK		 4096U
#define N_CHUNKS	 (((size_t)1 << 24) / CHUNK)
#define ALIVE		 ((uint64_t)1 << 31)
#define GENERATION_SHIFT 32

struct slot {
	_Atomic uint64_t state; /* generation << 32 | ALIVE | holders */
	struct object *object;
	uint32_t next_free; /* index + 1; 0: none */
};

static struct slot *_Atomic chunks[N_CHUNKS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* free list and growth */
static uint32_t first_free, n_slots;

static uint32_t generation_of(uint64_t state)
{
	return (uint32_t)(state >> GENERATION_SHIFT);
}

static struct slot *slot_at(uint32_t index)
{
	struct slot *chunk = index / CHUNK < N_CHUNKS ? atomic_load(&chunks[index / CHUNK]) : NULL;

	return chunk ? &chunk[index % CHUNK] : NULL;
}

static uint32_t generation_mask(void)
{
	unsigned int bits = (unsigned int)(sizeof(uintptr_t) * 8) - INDEX_BITS - TYPE_BITS;

	return bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;
}

static bool take_slot(uint32_t *index)
{
	bool taken = false;

	pthread_mutex_lock(&lock);
	if (first_free) {
		*index = first_free - 1;
		first_free = slot_at(*index)->next_free;
		taken = true;
	} else if (n_slots < UINT32_C(1) << INDEX_BITS) {
		if (n_slots % CHUNK == 0 && !atomic_load(&chunks[n_slots / CHUNK]))
			atomic_store(&chunks[n_slots / CHUNK], (struct slot *)vc_calloc(CHUNK, sizeof(struct slot)));
		if (atomic_load(&chunks[n_slots / CHUNK])) {
			*index = n_slots++;
			taken = true;
		}
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

void *object_new(enum object_type type, size_t bytes, void (*destroy)(struct object *object))
{
	struct object *object = vc_calloc(1, bytes);
	struct slot *slot;
	uint32_t generation;

	if (!object || !take_slot(&object->index)) {
		free(object);
		vc_fail_at("object_new", -ENOMEM, "", 0, "no memory for an object");
		return NULL;
	}
	slot = slot_at(object->index);
	generation = (generation_of(atomic_load(&slot->state)) + 1) & generation_mask();
	if (!generation)
		generation = 1;
	object->type = type;
	object->destroy = destroy;
	object->handle = (uintptr_t)generation << (INDEX_BITS + TYPE_BITS) | (uintptr_t)object->index << TYPE_BITS |
			 (uintptr_t)type;
	slot->object = object;
	atomic_store(&slot->state, (uint64_t)generation << GENERATION_SHIFT | ALIVE | 1);
	return object;
}

void *object_get(enum object_type type, const void *handle, const char *function)
{
	static const char *const names[] = {"",	      "system", "region",      "reservation",
					    "memory", "device", "association", "bound"};
	uintptr_t value = (uintptr_t)handle;
	uint32_t index = (uint32_t)(value >> TYPE_BITS) & ((UINT32_C(1) << INDEX_BITS) - 1);
	uint32_t generation = (uint32_t)(value >> (INDEX_BITS + TYPE_BITS));
	unsigned int its = value & ((1U << TYPE_BITS) - 1);
	struct slot *slot = slot_at(index);
	uint64_t state;

	if (!handle) {
		vc_fail_at(function, -EINVAL, "", 0, "the %s handle is NULL", names[type]);
		return NULL;
	}
	if (its != type || !slot || !generation) {
		vc_fail_at(function, -EINVAL, "", 0, "%s where a %s is expected",
			   its >= 1 && its <= OBJECT_BOUND && slot && generation ? names[its] : "no handle",
			   names[type]);
		return NULL;
	}
	state = atomic_load(&slot->state);
	do {
		if (generation_of(state) != generation || !(state & ALIVE)) {
			vc_fail_at(function, -EINVAL, "", 0, "stale handle: the %s has been freed", names[type]);
			return NULL;
		}
	} while (!atomic_compare_exchange_weak(&slot->state, &state, state + 1));
	return slot->object;
}

void object_hold(struct object *object)
{
	atomic_fetch_add(&slot_at(object->index)->state, 1);
}

void object_put(struct object *object)
{
	uint32_t index = object->index;
	struct slot *slot = slot_at(index);
	uint64_t before = atomic_fetch_sub(&slot->state, 1);

	if ((before & (ALIVE - 1)) != 1)
		return;
	object->destroy(object);
	pthread_mutex_lock(&lock);
	slot->object = NULL;
	slot->next_free = first_free;
	first_free = index + 1;
	pthread_mutex_unlock(&lock);
}

void object_kill(struct object *object)
{
	atomic_fetch_and(&slot_at(object->index)->state, ~ALIVE);
	object_put(object);
}
