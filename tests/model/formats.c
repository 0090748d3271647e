/* SPDX-License-Identifier: MIT */
/* formats.c - see formats.h. */
#include "formats.h"

#include "interp.h"
#include "list.h"
#include "registry.h"

void formats_config(const struct pt_format *format, struct pt_config *config)
{
	const struct model *model = models_find(format->name);

	pt_config_init(config);
	if (model)
		interp_unset(model, config->param);
}

size_t formats_count(void)
{
	return pt_n_formats + N_MADE_UP_FORMATS;
}

const struct pt_format *formats_nth(size_t n)
{
	return n < pt_n_formats ? pt_formats[n] : made_up_formats[n - pt_n_formats];
}
