/* SPDX-License-Identifier: MIT */
/* fields.c - entries of tables, field by field. */
#include "pttool.h"

#include <inttypes.h>
#include <string.h>

const char *format_word(char text[WORD_LENGTH], const struct pt_level_info *level, const uint64_t raw[2])
{
	if (level->entry_bytes > 8)
		snprintf(text, WORD_LENGTH, "0x%016" PRIx64 "%016" PRIx64, raw[1], raw[0]);
	else
		snprintf(text, WORD_LENGTH, "0x%0*" PRIx64, 2 * level->entry_bytes, raw[0]);
	return text;
}

bool field_exists(const struct pt_table *table, const struct pt_field_info *field)
{
	return field->when < 0 || (field->when < PT_MAX_WORDS && table->word[field->when] != 0);
}

/* Bits [hi:lo] of a word of up to 128 bits; at most 64 of them. */
static uint64_t bits(const uint64_t raw[2], unsigned int hi, unsigned int lo)
{
	uint64_t value = lo >= 64 ? raw[1] >> (lo - 64) : raw[0] >> lo;
	unsigned int width = hi - lo + 1;

	if (lo > 0 && lo < 64 && hi >= 64)
		value |= raw[1] << (64 - lo);
	return width >= 64 ? value : value & (((uint64_t)1 << width) - 1);
}

static const char *role_name(unsigned int role)
{
	static const char *const names[] = {"value", "address", "constant", "res0", "res1", "ignored", "software"};

	return role < sizeof(names) / sizeof(names[0]) ? names[role] : "?";
}

static uint64_t shift_left(uint64_t value, unsigned int by)
{
	return by < 64 ? value << by : 0;
}

size_t entry_values(const struct pt_table *table, const struct pt_kind_info *kind, const uint64_t raw[2],
		    struct value *values, size_t max)
{
	size_t n = 0;

	for (unsigned int i = 0; i < kind->n_fields; i++) {
		const struct pt_field_info *field = &kind->fields[i];
		uint64_t value = bits(raw, field->hi, field->lo);
		size_t k = 0;

		if (!field_exists(table, field))
			continue;
		switch (field->role) {
		case PT_FIELD_VALUE:
		case PT_FIELD_CONSTANT:
			if (!field->name[0])
				continue;
			while (k < n && strcmp(values[k].name, field->name) != 0)
				k++;
			break;
		case PT_FIELD_IGNORED:
		case PT_FIELD_SOFTWARE:
			if (value == 0)
				continue;
			k = n;
			break;
		default: continue;
		}
		if (k == n) {
			if (n == max)
				return n;
			if (field->name[0])
				snprintf(values[k].name, sizeof(values[k].name), "%s", field->name);
			else if (field->hi == field->lo)
				snprintf(values[k].name, sizeof(values[k].name), "%s[%u]", role_name(field->role),
					 field->hi);
			else
				snprintf(values[k].name, sizeof(values[k].name), "%s[%u:%u]", role_name(field->role),
					 field->hi, field->lo);
			values[n++].value = 0;
		}
		values[k].value |= shift_left(value, field->to);
	}
	return n;
}

/* Has the field of this line other lines in this kind? Then people are shown which of its bits these are. */
static bool is_part(const struct pt_table *table, const struct pt_kind_info *kind, const struct pt_field_info *field)
{
	if (field->to != 0)
		return true;
	for (unsigned int i = 0; i < kind->n_fields; i++)
		if (&kind->fields[i] != field && field_exists(table, &kind->fields[i]) &&
		    strcmp(kind->fields[i].name, field->name) == 0)
			return true;
	return false;
}

void explain_entry(const struct pt_table *table, const struct pt_step *step)
{
	const struct pt_kind_info *kind;

	if (step->kind >= table->format->n_kinds)
		return;
	kind = &table->format->kinds[step->kind];
	for (unsigned int i = 0; i < kind->n_fields; i++) {
		const struct pt_field_info *field = &kind->fields[i];
		uint64_t value = bits(step->raw, field->hi, field->lo);
		unsigned int top = (unsigned int)field->to + field->hi - field->lo;
		char range[16], name[96];

		if (!field_exists(table, field))
			continue;
		if (field->hi == field->lo)
			snprintf(range, sizeof(range), "[%u]", field->hi);
		else
			snprintf(range, sizeof(range), "[%u:%u]", field->hi, field->lo);
		if (field->role == PT_FIELD_ADDRESS)
			snprintf(name, sizeof(name), "%s[%u:%u]", field->name[0] ? field->name : "pa", top, field->to);
		else if (!field->name[0])
			snprintf(name, sizeof(name), "%s", role_name(field->role));
		else if (!is_part(table, kind, field))
			snprintf(name, sizeof(name), "%s", field->name);
		else if (top == field->to)
			snprintf(name, sizeof(name), "%s[%u]", field->name, top);
		else
			snprintf(name, sizeof(name), "%s[%u:%u]", field->name, top, field->to);
		if (field->role == PT_FIELD_ADDRESS)
			value = shift_left(value, field->to);
		printf("      %-8s %-16s 0x%" PRIx64, range, name, value);
		if ((field->role == PT_FIELD_RES0 && value != 0) ||
		    (field->role == PT_FIELD_RES1 &&
		     value != bits((const uint64_t[2]){UINT64_MAX, UINT64_MAX}, field->hi, field->lo)))
			printf("  must be %s", field->role == PT_FIELD_RES0 ? "0" : "all ones");
		else if (field->doc[0])
			printf("  %s", field->doc);
		putchar('\n');
	}
}

const char *level_name(const struct pt_format *format, unsigned int level)
{
	return level < format->n_levels ? format->levels[level].name : "-";
}
