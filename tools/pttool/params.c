/* SPDX-License-Identifier: MIT */
/* params.c - which format, and its parameters, as the command line names them. */
#include "pttool.h"
#include "registry.h"

#include <inttypes.h>
#include <string.h>

static const char *get_format(const void *ctx, size_t i)
{
	(void)ctx;
	return pt_formats[i]->name;
}

static const char *get_param(const void *ctx, size_t i)
{
	return ((const struct pt_format *)ctx)->params[i].name;
}

const struct pt_format *find_format(const char *name)
{
	for (size_t i = 0; i < pt_n_formats; i++)
		if (strcmp(pt_formats[i]->name, name) == 0)
			return pt_formats[i];
	complain("--format: there is no format '%s'", name);
	suggest(near_name(name, pt_n_formats, get_format, NULL));
	note("`pttool formats` lists all");
	return NULL;
}

/* NAME=VALUE; option: how it was given */
static bool set_param(struct options *options, const char *option, const char *text)
{
	const struct pt_format *format = options->format;
	const struct pt_param_info *param;
	const char *equal = strchr(text, '=');
	char name[128];
	uint64_t value;
	bool negative;
	int index;

	if (!equal || equal == text) {
		complain("%s %s: it is NAME=VALUE", option, text);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equal - text), text);
	index = pt_param_find(format, name);
	if (index < 0) {
		complain("%s %s: %s has no parameter '%s'", option, text, format->name, name);
		suggest(near_name(name, format->n_params, get_param, format));
		note("`pttool formats --format %s` lists all", format->name);
		return false;
	}
	param = &format->params[index];
	negative = equal[1] == '-';
	if (!read_number(option, equal + 1 + negative, &value))
		return false;
	if (value <= INT64_MAX &&
	    pt_param_valid(format, (unsigned int)index, negative ? -(int64_t)value : (int64_t)value)) {
		options->config.param[index] = negative ? -(int64_t)value : (int64_t)value;
		return true;
	}
	complain("%s %s: '%s' cannot be %s", option, text, name, equal + 1);
	if (param->is_static && param->n_ranges) {
		note("it is fixed to %" PRId64 " in this format", param->ranges[0].first);
	} else if (param->n_ranges) {
		char set[512];
		size_t at = 0;

		for (unsigned int k = 0; k < param->n_ranges && at < sizeof(set); k++) {
			const struct pt_range *range = &param->ranges[k];

			if (range->first == range->last)
				at += (size_t)snprintf(set + at, sizeof(set) - at, "%s%" PRId64, k ? ", " : "",
						       range->first);
			else
				at += (size_t)snprintf(set + at, sizeof(set) - at, "%s%" PRId64 "..%" PRId64,
						       k ? ", " : "", range->first, range->last);
		}
		note("it is one of %s", set);
	}
	return false;
}

bool set_params(struct options *options, const char *option, const char *const *sets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = strcspn(sets[i], "=");

		for (size_t k = 0; k < i; k++)
			if (strcspn(sets[k], "=") == length && strncmp(sets[i], sets[k], length) == 0) {
				complain("%s %s: '%.*s' is set twice", option, sets[i], (int)length, sets[i]);
				return false;
			}
		if (!set_param(options, option, sets[i]))
			return false;
	}
	return true;
}
