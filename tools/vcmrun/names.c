/* SPDX-License-Identifier: MIT */
/* names.c - objects by name, and the members of JSON objects as values. */
#include "vcmrun.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *thing_name(enum thing thing)
{
	static const char *const names[N_THINGS] = {"region", "reservation", "memory",
						    "device", "association", "bound"};

	return names[thing];
}

bool names_add(struct names *names, const char *name, enum thing thing, void *handle)
{
	char *copy;

	if (names->n == names->capacity) {
		size_t capacity = names->capacity ? 2 * names->capacity : 64;
		struct name *more = realloc(names->name, capacity * sizeof(*more));

		if (!more)
			return false;
		names->name = more;
		names->capacity = capacity;
	}
	copy = malloc(strlen(name) + 1);
	if (!copy)
		return false;
	memcpy(copy, name, strlen(name) + 1);
	names->name[names->n++] = (struct name){copy, thing, handle};
	return true;
}

static struct name *find(const struct names *names, const char *name, enum thing thing)
{
	for (size_t i = names->n; i-- > 0;)
		if (names->name[i].thing == thing && strcmp(names->name[i].name, name) == 0)
			return &names->name[i];
	return NULL;
}

void *names_find(const struct names *names, const char *name, enum thing thing)
{
	const struct name *found = find(names, name, thing);

	return found ? found->handle : NULL;
}

void names_remove(struct names *names, const char *name, enum thing thing)
{
	struct name *found = find(names, name, thing);

	if (!found)
		return;
	free(found->name);
	*found = names->name[--names->n];
}

void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i].name);
	free(names->name);
	*names = (struct names){0};
}

bool get_number(const struct place *place, const json_t *object, const char *key, bool needed, uint64_t *value)
{
	const json_t *member = json_object_get(object, key);
	const char *why;

	if (!member)
		return !needed || complain_at(place, NULL, "\"%s\" is missing: a number", key);
	if (json_is_integer(member) && json_integer_value(member) >= 0) {
		*value = (uint64_t)json_integer_value(member);
		return true;
	}
	if (!json_is_string(member))
		return complain_at(place, key, "\"%s\" is a number, or a string such as \"0x1000\" or \"16M\"", key);
	why = parse_number(json_string_value(member), json_string_length(member), value);
	return !why || complain_at(place, key, "\"%s\": %s", key, why);
}

bool get_text(const struct place *place, const json_t *object, const char *key, bool needed, const char **value)
{
	const json_t *member = json_object_get(object, key);

	if (!member)
		return !needed || complain_at(place, NULL, "\"%s\" is missing: a string", key);
	if (!json_is_string(member))
		return complain_at(place, key, "\"%s\" is a string", key);
	*value = json_string_value(member);
	return true;
}

bool get_bool(const struct place *place, const json_t *object, const char *key, bool *value)
{
	const json_t *member = json_object_get(object, key);

	if (!member)
		return true;
	if (!json_is_boolean(member))
		return complain_at(place, key, "\"%s\" is true or false", key);
	*value = json_is_true(member);
	return true;
}

bool get_rights(const struct place *place, const json_t *object, unsigned int *rights)
{
	static const char letters[] = "rwxp";
	const char *text = NULL;

	if (!get_text(place, object, "rights", false, &text))
		return false;
	for (; text && *text; text++) {
		const char *at = strchr(letters, *text);

		if (!at)
			return complain_at(place, "rights",
					   "\"rights\" are letters of rwx, and p: privileged accesses only");
		*rights |= 1U << (at - letters);
	}
	return true;
}

bool get_cache(const struct place *place, const json_t *object, enum vc_cache *cache)
{
	static const char *const names[VC_N_CACHE] = {"noncached", "write-back-allocate", "write-back", "write-through",
						      "device"};
	const char *text = NULL;

	if (!get_text(place, object, "cache", false, &text) || !text)
		return text != NULL || !json_object_get(object, "cache");
	for (unsigned int i = 0; i < VC_N_CACHE; i++)
		if (strcmp(text, names[i]) == 0) {
			*cache = (enum vc_cache)i;
			return true;
		}
	return complain_at(place, "cache",
			   "\"cache\" is noncached, write-back-allocate, write-back, write-through or device");
}

bool only_members(const struct place *place, const json_t *object, const char *const *keys)
{
	void *at = json_object_iter((json_t *)(uintptr_t)object);

	for (; at; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
		const char *key = json_object_iter_key(at);
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (!keys[i])
			return complain_at(place, key, "there is no \"%s\" here", key);
	}
	return true;
}
