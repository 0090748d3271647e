/* SPDX-License-Identifier: MIT */
/*
 * dump_dot.c - the topology as a drawing: devices on the left, regions with their tables and reservations in the
 * middle, physical memory on the right.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Longer lists are cut, and say so. */
#define MAX_ROWS 40

#define INK		 "#1f2933"
#define FAINT		 "#8a94a0"
#define DEVICE_FILL	 "#e3f0fb"
#define DEVICE_EDGE	 "#2b6cb0"
#define TABLE_FILL	 "#fff4d6"
#define TABLE_EDGE	 "#b7791f"
#define RESERVATION_FILL "#ffffff"
#define MEMORY_FILL	 "#e5f5e8"
#define MEMORY_EDGE	 "#2f855a"

static struct name size_text(uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int unit = 0;
	struct name name;

	while (unit < 6 && bytes && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	snprintf(name.text, sizeof(name.text), "%" PRIu64 " %s", bytes, units[unit]);
	return name;
}

/* Text inside an HTML-like label. */
static void put_text(FILE *stream, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", stream); break;
		case '<': fputs("&lt;", stream); break;
		case '>': fputs("&gt;", stream); break;
		case '"': fputs("&quot;", stream); break;
		default: fputc((unsigned char)*text < ' ' ? ' ' : *text, stream);
		}
	}
}

static void begin_label(FILE *stream, const char *fill, const char *edge)
{
	fprintf(stream,
		" [label=<<table border=\"1\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"4\" bgcolor=\"%s\" "
		"color=\"%s\" style=\"rounded\">",
		fill, edge);
}

/* --------------------------------------------------------------------------------------------------------- devices */

/* Up to four parameters of the format; features that are off say nothing. */
static void put_parameters(FILE *stream, const struct device *device)
{
	unsigned int shown = 0;

	for (unsigned int i = 0; i < device->format->n_params && shown < 4; i++) {
		if (device->format->params[i].feature)
			continue;
		fprintf(stream, "%s",
			shown++ ? ", " : "<tr><td align=\"left\"><font point-size=\"10\" color=\"" FAINT "\">");
		put_text(stream, device->format->params[i].name);
		fprintf(stream, " = %" PRId64, device->shape.param[i]);
	}
	if (shown)
		fputs("</font></td></tr>", stream);
}

/* What the device is loaded with. */
static void put_registers(FILE *stream, const struct device *device)
{
	enum { SHOWN = 8 };
	struct pt_register registers[SHOWN];
	size_t n = device->format->registers(&device->table->pt, registers, SHOWN);

	for (size_t i = 0; i < n && i < SHOWN; i++) {
		unsigned int words = (registers[i].bits + 63) / 64;

		fputs("<tr><td align=\"left\"><font point-size=\"10\" face=\"Courier\">", stream);
		put_text(stream, registers[i].name);
		fputs(" = 0x", stream);
		while (words > 1 && registers[i].value[words - 1] == 0)
			words--;
		fprintf(stream, "%" PRIx64, registers[i].value[words - 1]);
		while (--words)
			fprintf(stream, "_%016" PRIx64, registers[i].value[words - 1]);
		fputs("</font></td></tr>", stream);
	}
}

static void put_device(FILE *stream, struct device *device)
{
	pthread_rwlock_rdlock(&device->lock);
	fprintf(stream, "\td%u", device->object.index);
	begin_label(stream, DEVICE_FILL, device->active ? DEVICE_EDGE : FAINT);
	fputs("<tr><td align=\"left\"><b>", stream);
	put_text(stream, device->name);
	fputs("</b></td></tr><tr><td align=\"left\">", stream);
	put_text(stream, device->format ? device->format->name : "the host's own tables");
	fputs("</td></tr>", stream);
	if (device->format)
		put_parameters(stream, device);
	if (device->bus_offset)
		fprintf(stream, "<tr><td align=\"left\">bus offset %+" PRId64 "</td></tr>", device->bus_offset);
	if (device->table)
		put_registers(stream, device);
	if (!device->active)
		fputs("<tr><td align=\"left\"><i>blocked</i></td></tr>", stream);
	fputs("</table>>];\n", stream);
	pthread_rwlock_unlock(&device->lock);
}

/* --------------------------------------------------------------------------------------------------------- regions */

static bool count_leaves(void *ctx, const struct pt_run *run)
{
	uint64_t *leaves = ctx;

	leaves[run->leaf.lg2 & 63] += ((run->last - run->first) >> (run->leaf.lg2 & 63)) + 1;
	return true;
}

static void put_table(FILE *stream, const struct region *region, const struct mapper *mapper, unsigned int number)
{
	union {
		const struct mapper *from;
		struct mapper *to;
	} it = {.from = mapper};
	const struct table *table = table_of(it.to);
	uint64_t leaves[64] = {0};
	struct pt_reader reader;

	table_reader(table, false, &reader);
	table->pt.format->visit(&table->pt, &reader, 0, UINT64_MAX, count_leaves, leaves);
	fprintf(stream, "\t\tt%u_%u", region->object.index, number);
	begin_label(stream, TABLE_FILL, TABLE_EDGE);
	fputs("<tr><td align=\"left\"><b>", stream);
	put_text(stream, table->pt.format->name);
	fprintf(stream,
		"</b></td></tr><tr><td align=\"left\">root 0x%" PRIx64 "</td></tr><tr><td align=\"left\">%" PRIu64
		" tables, %s</td></tr>",
		pt_root(&table->pt), table->pt.n_tables, size_text(table->pt.table_bytes).text);
	for (unsigned int lg2 = 64; lg2-- > 0;)
		if (leaves[lg2])
			fprintf(stream, "<tr><td align=\"left\">%" PRIu64 " x %s</td></tr>", leaves[lg2],
				size_text((uint64_t)1 << lg2).text);
	fputs("</table>>];\n", stream);
}

static void put_reservations(FILE *stream, const struct region *region)
{
	struct vc_range_node *node = NULL;
	unsigned int row = 0;

	fprintf(stream, "\t\tr%u", region->object.index);
	begin_label(stream, RESERVATION_FILL, INK);
	if (!region->ranges.count)
		fputs("<tr><td><i>nothing reserved</i></td></tr>", stream);
	while (row < MAX_ROWS && (node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;
		bool backed = reservation->state == BACKED;

		fprintf(stream,
			"%s<tr><td align=\"left\" port=\"i%u\"><font face=\"Courier\">0x%" PRIx64 "</font></td>"
			"<td align=\"right\">%s</td><td><font face=\"Courier\">%s</font></td>"
			"<td align=\"left\" port=\"o%u\">%s%s%s</td></tr>",
			row ? "<hr/>" : "", row, reservation->address, size_text(reservation->bytes).text,
			rights_name(reservation->rights).text, row, backed ? "" : "<i>",
			backed ? cache_name(reservation->cache) : "not backed", backed ? "" : "</i>");
		row++;
	}
	if (region->ranges.count > row)
		fprintf(stream, "<hr/><tr><td colspan=\"4\"><i>and %" PRIu64 " more</i></td></tr>",
			region->ranges.count - row);
	fputs("</table>>];\n", stream);
}

static void put_region(FILE *stream, const struct region *region)
{
	uint64_t bytes = region->ranges.last - region->ranges.first + 1;
	unsigned int number = 0;

	fprintf(stream,
		"\tsubgraph cluster_r%u {\n\t\tlabel=<<b>region %u</b>%s<br align=\"left\"/>0x%" PRIx64 " - 0x%" PRIx64
		" &#160; %s<br align=\"left\"/>>;\n\t\tlabeljust=l; style=\"rounded,filled\"; fillcolor=\"#f5f7fa\"; "
		"color=\"#cbd2d9\"; "
		"margin=14;\n",
		region->object.index, region->number,
		region->kind == VC_REGION_CPU	     ? " &#160; window of the CPU"
		: region->kind == VC_REGION_IDENTITY ? " &#160; physical addresses"
						     : "",
		region->ranges.first, region->ranges.last, size_text(bytes).text);
	put_reservations(stream, region);
	if (region->kind != VC_REGION_CPU)
		LIST_FOR(link, &region->mappers)
	put_table(stream, region, VC_CONTAINER(link, struct mapper, link), number++);
	fputs("\t}\n", stream);
}

static void put_region_edges(FILE *stream, const struct region *region)
{
	struct vc_range_node *node = NULL;
	unsigned int number = 0;

	LIST_FOR(link, &region->associations)
	{
		const struct association *association = VC_CONTAINER(link, struct association, link);
		const char *style = association->active ? "color=\"" DEVICE_EDGE "\", penwidth=1.6"
							: "color=\"" FAINT "\", style=dashed";

		number = 0;
		if (association->mapper && region->kind != VC_REGION_CPU) {
			LIST_FOR(other, &region->mappers)
			{
				if (VC_CONTAINER(other, struct mapper, link) == association->mapper)
					break;
				number++;
			}
			fprintf(stream, "\td%u:e -> t%u_%u:w [%s];\n", association->device->object.index,
				region->object.index, number, style);
		} else {
			fprintf(stream, "\td%u:e -> r%u:w [%s];\n", association->device->object.index,
				region->object.index, style);
		}
	}
	number = 0;
	if (region->kind != VC_REGION_CPU)
		LIST_FOR(link, &region->mappers)
	fprintf(stream, "\tt%u_%u:e -> r%u:w [color=\"" TABLE_EDGE "\"];\n", region->object.index, number++,
		region->object.index);
	number = 0;
	while (number < MAX_ROWS && (node = vc_ranges_next(&region->ranges, node))) {
		const struct reservation *reservation = node->owner;

		if (reservation->state == BACKED)
			fprintf(stream, "\tr%u:o%u:e -> m%u:w [color=\"" MEMORY_EDGE "\"];\n", region->object.index,
				number, reservation->phys->object.index);
		number++;
	}
}

/* ---------------------------------------------------------------------------------------------------------- memory */

static void put_phys(FILE *stream, const struct phys *phys)
{
	unsigned int rows = 0;
	size_t i = 0;

	fprintf(stream, "\t\tm%u", phys->object.index);
	begin_label(stream, MEMORY_FILL, MEMORY_EDGE);
	while (i < phys->n_blocks && rows < MAX_ROWS) {
		const struct phys_block *block = &phys->blocks[i];
		uint64_t bytes = block->last - block->first + 1, n = 1;

		/* Blocks of one size that continue each other are one row. */
		while (i + n < phys->n_blocks && phys->blocks[i + n].first == phys->blocks[i + n - 1].last + 1 &&
		       phys->blocks[i + n].last - phys->blocks[i + n].first + 1 == bytes)
			n++;
		fprintf(stream,
			"%s<tr><td align=\"left\"><font face=\"Courier\">0x%" PRIx64 "</font></td><td align=\"right\">",
			rows++ ? "<hr/>" : "", block->first);
		if (n > 1)
			fprintf(stream, "%" PRIu64 " x ", n);
		fprintf(stream, "%s</td><td align=\"left\"><font color=\"" FAINT "\">", size_text(bytes).text);
		put_text(stream, block->pool ? block->pool->name : "wrapped");
		fputs("</font></td></tr>", stream);
		i += n;
	}
	if (i < phys->n_blocks)
		fprintf(stream, "<hr/><tr><td colspan=\"3\"><i>and %zu more blocks</i></td></tr>", phys->n_blocks - i);
	fputs("</table>>];\n", stream);
}

static void put_memory(FILE *stream, struct system *system)
{
	unsigned int n = 0;

	fputs("\tsubgraph cluster_memory {\n\t\tlabel=<<b>physical memory</b>>; labeljust=l; style=\"rounded,filled\"; "
	      "fillcolor=\"#f5f7fa\"; color=\"#cbd2d9\"; margin=14;\n",
	      stream);
	pthread_mutex_lock(&system->graph);
	for (struct tree_node *node = tree_first(&system->blocks); node; node = tree_next(node)) {
		const struct phys_block *block = VC_CONTAINER(node, struct phys_block, tree);

		if (block == &block->phys->blocks[0]) {
			put_phys(stream, block->phys);
			n++;
		}
	}
	pthread_mutex_unlock(&system->graph);
	if (!n)
		fputs("\t\tnothing [label=<<i>nothing allocated</i>>];\n", stream);
	fputs("\t}\n", stream);
}

int vc_dump_dot(struct vc_system *handle, FILE *stream)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct frozen frozen;
	int error;

	if (!system)
		return -EINVAL;
	error = stream ? freeze(system, &frozen) : vc_fail(-EINVAL, "", 0, "stream is NULL");
	if (!error) {
		fputs("digraph vcm {\n\trankdir=LR; ranksep=0.9; nodesep=0.35; pad=0.3; fontname=\"Helvetica\"; "
		      "fontsize=13; fontcolor=\"" INK "\";\n"
		      "\tnode [shape=plain, fontname=\"Helvetica\", fontsize=12, fontcolor=\"" INK "\"];\n"
		      "\tedge [arrowsize=0.7];\n",
		      stream);
		for (size_t i = 0; i < frozen.n_devices; i++)
			put_device(stream, frozen.devices[i]);
		for (size_t i = 0; i < frozen.n_regions; i++)
			put_region(stream, frozen.regions[i]);
		put_memory(stream, system);
		for (size_t i = 0; i < frozen.n_regions; i++)
			put_region_edges(stream, frozen.regions[i]);
		fputs("}\n", stream);
		thaw(&frozen);
		if (fflush(stream) || ferror(stream))
			error = vc_fail(-EIO, "", 0, "writing the drawing failed");
	}
	object_put(&system->object);
	return error;
}
