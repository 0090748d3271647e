/* SPDX-License-Identifier: MIT */
/*
 * dump_dot.c - the topology as a drawing: devices on the left, regions with their tables and reservations in the
 * middle, physical memory on the right. What is wrong is red.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"

#define INK		 "#1f2933"
#define FAINT		 "#8a94a0"
#define RED		 "#c53030"
#define RED_FILL	 "#fde8e8"
#define DEVICE_FILL	 "#e3f0fb"
#define DEVICE_EDGE	 "#2b6cb0"
#define TABLE_FILL	 "#fff4d6"
#define TABLE_EDGE	 "#b7791f"
#define RESERVATION_FILL "#ffffff"
#define MEMORY_FILL	 "#e5f5e8"
#define MEMORY_EDGE	 "#2f855a"
#define REGION_FILL	 "#f5f7fa"
#define REGION_EDGE	 "#cbd2d9"

/* Blocks of one memory that are listed. */
#define MAX_BLOCKS 12

static struct name size_text(uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int unit = 0;
	struct name name;

	while (unit < 6 && bytes && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	/* Exact, as long as that is short. */
	if (bytes > 9999 && unit < 6)
		snprintf(name.text, sizeof(name.text), "%.1f %s", (double)bytes / 1024, units[unit + 1]);
	else
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

static void begin_row(FILE *stream)
{
	fputs("<tr><td align=\"left\">", stream);
}

static void end_row(FILE *stream)
{
	fputs("</td></tr>", stream);
}

/* ---------------------------------------------------------------------------------------------------------- devices */

/* What follows a line whose letters a viewer may draw wider than Graphviz took them to be. */
#define ROOM "&#160;&#160;&#160;"

/* Up to four parameters of the format; features that are off say nothing. */
static void put_parameters(FILE *stream, const struct stage *stage)
{
	unsigned int shown = 0;

	for (unsigned int i = 0; i < stage->format->n_params && shown < 4; i++) {
		if (stage->format->params[i].feature)
			continue;
		fprintf(stream, "%s",
			shown++ ? ", " : "<tr><td align=\"left\"><font point-size=\"10\" color=\"" FAINT "\">");
		put_text(stream, stage->format->params[i].name);
		fprintf(stream, " = %" PRId64, stage->shape.param[i]);
	}
	if (shown)
		fputs(ROOM "</font></td></tr>", stream);
}

/* What the device is loaded with. */
static void put_registers(FILE *stream, const struct device *device)
{
	enum { SHOWN = 8 };
	struct pt_register registers[SHOWN];
	size_t n = device_registers(device, registers, SHOWN);

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

static void put_stages(FILE *stream, const struct device *device)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (!device->stage[i].format)
			continue;
		begin_row(stream);
		put_text(stream, device->stage[i].format->name);
		fputs(i ? ", stage 2" : device->stage[1].format ? ", stage 1" : "", stream);
		end_row(stream);
		put_parameters(stream, &device->stage[i]);
	}
	if (!device->stage[0].format)
		fprintf(stream, "<tr><td align=\"left\">%s</td></tr>",
			device->kind == VC_DEVICE_CPU ? "the host's own tables" : "no tables");
}

static void put_group(FILE *stream, const struct group *group)
{
	const struct device *device = group->first;
	bool active = device->loaded[0].association || device->loaded[1].association;

	fprintf(stream, "\td%u", device->object.index);
	begin_label(stream, DEVICE_FILL, active ? DEVICE_EDGE : FAINT);
	begin_row(stream);
	fputs("<b>", stream);
	put_text(stream, device->name);
	fputs("</b>", stream);
	if (group->n > 1) {
		fputs(group->n > 2 ? " ... <b>" : ", <b>", stream);
		put_text(stream, group->last->name);
		fprintf(stream, ROOM "</b>(%zu)", group->n);
	}
	end_row(stream);
	put_stages(stream, device);
	if (device->bus_offset)
		fprintf(stream, "<tr><td align=\"left\">bus offset %c0x%" PRIx64 "</td></tr>",
			device->bus_offset < 0 ? '-' : '+',
			device->bus_offset < 0 ? 0 - (uint64_t)device->bus_offset : (uint64_t)device->bus_offset);
	if (device->n_reserved)
		fprintf(stream, "<tr><td align=\"left\">keeps %zu ranges for itself</td></tr>", device->n_reserved);
	if (group->n == 1) /* of many, tables are what they have in common */
		put_registers(stream, device);
	if (!active)
		fprintf(stream, "<tr><td align=\"left\"><i>%s</i></td></tr>", device->bypass ? "bypass" : "blocked");
	fputs("</table>>];\n", stream);
}

/* ---------------------------------------------------------------------------------------------------------- regions */

static bool count_leaves(void *ctx, const struct pt_run *run)
{
	uint64_t *leaves = ctx;

	leaves[run->leaf.lg2 & 63] += ((run->last - run->first) >> (run->leaf.lg2 & 63)) + 1;
	return true;
}

static bool keep_first(void *ctx, const char *text)
{
	struct vc_error *record = ctx;

	snprintf(record->reason, sizeof(record->reason), "%s", text);
	return false;
}

static void put_table(FILE *stream, const struct region *region, struct table *table, unsigned int number)
{
	bool is_second = table->stage == &table->made_for->stage[1];
	struct vc_error difference = {.code = 0};
	uint64_t leaves[64] = {0};
	struct pt_reader reader;
	bool wrong = check_table(table, keep_first, &difference) != 0;

	table_reader(table, false, &reader);
	table->pt.format->visit(&table->pt, &reader, 0, UINT64_MAX, count_leaves, leaves);
	fprintf(stream, "\t\tt%u_%u", region->object.index, number);
	begin_label(stream, wrong ? RED_FILL : TABLE_FILL, wrong ? RED : TABLE_EDGE);
	begin_row(stream);
	fputs("<b>", stream);
	put_text(stream, table->pt.format->name);
	fprintf(stream,
		"</b>%s</td></tr><tr><td align=\"left\">root 0x%" PRIx64 "</td></tr><tr><td align=\"left\">%" PRIu64
		" table%s, %s</td></tr>",
		is_second ? ", stage 2" : "", pt_root(&table->pt), table->pt.n_tables,
		table->pt.n_tables == 1 ? "" : "s", size_text(table->pt.table_bytes).text);
	for (unsigned int lg2 = 64; lg2-- > 0;)
		if (leaves[lg2])
			fprintf(stream, "<tr><td align=\"left\">%" PRIu64 " x %s</td></tr>", leaves[lg2],
				size_text((uint64_t)1 << lg2).text);
	if (wrong) {
		const char *text = strstr(difference.reason, ": ");

		begin_row(stream);
		fputs("<font color=\"" RED "\">is not what the list says:<br align=\"left\"/>", stream);
		put_text(stream, text ? text + 2 : difference.reason);
		fputs("<br align=\"left\"/></font>", stream);
		end_row(stream);
	}
	fputs("</table>>];\n", stream);
}

static void put_row(FILE *stream, const struct row *row, size_t number)
{
	const struct reservation *first = row->first;
	const char *begin = row->conflict ? "<font color=\"" RED "\">" : "", *end = row->conflict ? "</font>" : "";

	fprintf(stream, "%s<tr><td align=\"left\" port=\"i%zu\"><font face=\"Courier\">0x%" PRIx64 "</font></td>",
		number ? "<hr/>" : "", number, first->address);
	if (row->n == 1)
		fprintf(stream, "<td align=\"right\">%s</td>", size_text(row->bytes).text);
	else if (row->mixed)
		fprintf(stream, "<td align=\"right\">%zu in %s</td>", row->n, size_text(row->bytes).text);
	else
		fprintf(stream, "<td align=\"right\">%zu x %s</td>", row->n, size_text(first->bytes).text);
	fprintf(stream, "<td><font face=\"Courier\">%s</font></td><td align=\"left\" port=\"o%zu\">%s",
		row->mixed ? "" : rights_name(first->rights).text, number, begin);
	if (row->mixed)
		fprintf(stream, "%zu backed", row->backed);
	else
		fprintf(stream, "%s", first->state != BACKED ? "<i>not backed</i>" : cache_name(first->cache));
	if (row->conflict)
		fputs(", memory has it otherwise elsewhere", stream);
	if (row->n == 1 && first->pins)
		fputs(", holds tables", stream);
	fprintf(stream, "%s</td></tr>", end);
}

/* How often a row leads to a box. */
struct ends {
	size_t box[MAX_HEAPS + 64], n[MAX_HEAPS + 64], used;
};

static void add_end(struct ends *ends, size_t box)
{
	size_t i = 0;

	while (i < ends->used && ends->box[i] != box)
		i++;
	if (i == sizeof(ends->box) / sizeof(ends->box[0]))
		return;
	if (i == ends->used) {
		ends->box[ends->used] = box;
		ends->n[ends->used++] = 0;
	}
	ends->n[i]++;
}

static void put_row_edges(const struct drawing *drawing, const struct region *region, const struct row *row,
			  size_t number)
{
	const struct vc_range_node *node = row->first->node;
	struct ends ends = {.used = 0};

	for (size_t i = 0; i < row->n; i++, node = vc_ranges_next(&region->ranges, node)) {
		const struct reservation *reservation = node->owner;
		const struct box *box;

		if (reservation->state != BACKED || reservation->phys->of)
			continue;
		box = box_of(drawing, reservation->phys);
		if (box)
			add_end(&ends, box->number);
	}
	for (size_t i = 0; i < ends.used; i++) {
		fprintf(drawing->stream, "\tr%u:o%zu:e -> m%zu:w [color=\"%s\"", region->object.index, number,
			ends.box[i], row->conflict ? RED : MEMORY_EDGE);
		if (row->n > 1)
			fprintf(drawing->stream, ", label=\"%zu\", fontsize=10", ends.n[i]);
		fputs("];\n", drawing->stream);
	}
	if (row->n == 1 && row->first->state == BACKED && row->first->phys->of)
		fprintf(drawing->stream,
			"\tr%u:o%zu:e -> r%u:w [color=\"" MEMORY_EDGE "\", style=dashed, label=\"0x%" PRIx64
			"\", fontsize=10];\n",
			region->object.index, number, region->parent->object.index,
			(uint64_t)row->first->phys->segments[0].pa);
}

static void put_head(FILE *stream, const struct region *region)
{
	uint64_t bytes = region->ranges.last - region->ranges.first + 1;
	char on[48] = "";

	if (region->parent)
		snprintf(on, sizeof(on), "on region %u", region->parent->number);
	fprintf(stream,
		"\tsubgraph cluster_r%u {\n\t\tlabel=<<b>region %u" ROOM "</b>%s<br align=\"left\"/>0x%" PRIx64
		" - 0x%" PRIx64 " &#160; %s<br align=\"left\"/>%" PRIu64
		" reservation%s, %s backed<br align=\"left\"/>>;\n"
		"\t\tlabeljust=l; style=\"rounded,filled\"; fillcolor=\"" REGION_FILL "\"; color=\"" REGION_EDGE
		"\"; margin=14;\n",
		region->object.index, region->number,
		region->kind == VC_REGION_CPU	     ? "window of the CPU"
		: region->kind == VC_REGION_IDENTITY ? "physical addresses"
						     : on,
		region->ranges.first, region->ranges.last, size_text(bytes).text, region->ranges.count,
		region->ranges.count == 1 ? "" : "s", size_text(region->backed).text);
}

static unsigned int number_of(const struct mapper *mapper)
{
	unsigned int number = 0;

	LIST_FOR(link, &mapper->region->mappers)
	{
		if (VC_CONTAINER(link, struct mapper, link) == mapper)
			break;
		number++;
	}
	return number;
}

static void put_association(const struct drawing *drawing, const struct region *region,
			    const struct association *association)
{
	const char *style =
		association->active ? "color=\"" DEVICE_EDGE "\", penwidth=1.6" : "color=\"" FAINT "\", style=dashed";
	const char *half = association->half == VC_LOWER   ? ", label=\"lower half\", fontsize=10"
			   : association->half == VC_UPPER ? ", label=\"upper half\", fontsize=10"
							   : "";
	bool drawn = false;

	for (size_t i = 0; i < drawing->n_groups; i++)
		drawn = drawn || drawing->groups[i].first == association->device;
	if (!drawn)
		return;
	if (association->mapper && region->kind != VC_REGION_CPU)
		fprintf(drawing->stream, "\td%u:e -> t%u_%u:w [%s%s];\n", association->device->object.index,
			region->object.index, number_of(association->mapper), style, half);
	else
		fprintf(drawing->stream, "\td%u:e -> r%u:w [%s%s];\n", association->device->object.index,
			region->object.index, style, half);
	if (association->mapper && association->mapper2)
		fprintf(drawing->stream, "\tt%u_%u:e -> t%u_%u:w [color=\"" TABLE_EDGE "\", style=dashed];\n",
			region->object.index, number_of(association->mapper), region->parent->object.index,
			number_of(association->mapper2));
}

static int put_region(const struct drawing *drawing, const struct region *region)
{
	FILE *stream = drawing->stream;
	unsigned int number = 0;
	struct row *rows;
	size_t n;
	int error = merge_reservations(drawing, region, &rows, &n);

	if (error)
		return error;
	put_head(stream, region);
	fprintf(stream, "\t\tr%u", region->object.index);
	begin_label(stream, RESERVATION_FILL, INK);
	if (!n)
		fputs("<tr><td><i>nothing reserved</i></td></tr>", stream);
	for (size_t i = 0; i < n; i++)
		put_row(stream, &rows[i], i);
	fputs("</table>>];\n", stream);
	if (region->kind != VC_REGION_CPU)
		LIST_FOR(link, &region->mappers)
	put_table(stream, region, table_of(VC_CONTAINER(link, struct mapper, link)), number++);
	fputs("\t}\n", stream);
	for (unsigned int i = 0; i < number; i++)
		fprintf(stream, "\tt%u_%u:e -> r%u:w [color=\"" TABLE_EDGE "\"];\n", region->object.index, i,
			region->object.index);
	for (size_t i = 0; i < n; i++)
		put_row_edges(drawing, region, &rows[i], i);
	free(rows);
	return 0;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

static void put_phys(FILE *stream, const struct box *box)
{
	const struct phys *phys = box->phys;
	unsigned int rows = 0;
	size_t i = 0;

	fprintf(stream, "\t\tm%zu", box->number);
	begin_label(stream, MEMORY_FILL, MEMORY_EDGE);
	while (i < phys->n_blocks && rows < MAX_BLOCKS) {
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
		put_text(stream, block->pool ? block->pool->name : origin_of(phys));
		fputs("</font></td></tr>", stream);
		i += n;
	}
	if (i < phys->n_blocks)
		fprintf(stream, "<hr/><tr><td colspan=\"3\"><i>and %zu more blocks</i></td></tr>", phys->n_blocks - i);
	if (phys->n_backs > 1)
		fprintf(stream, "<hr/><tr><td colspan=\"3\" align=\"left\">shared by %zu reservations</td></tr>",
			phys->n_backs);
	if (phys->n_composed)
		fprintf(stream, "<hr/><tr><td colspan=\"3\" align=\"left\">part of %zu other memories</td></tr>",
			phys->n_composed);
	fputs("</table>>];\n", stream);
}

static void put_heap(FILE *stream, const struct heap *heap, size_t number)
{
	fprintf(stream, "\t\tm%zu", number);
	begin_label(stream, MEMORY_FILL, MEMORY_EDGE);
	begin_row(stream);
	fputs("<b>", stream);
	put_text(stream, heap->origin);
	fprintf(stream, "</b></td></tr><tr><td align=\"left\">%zu allocations, %s</td></tr>", heap->n,
		size_text(heap->bytes).text);
	if (heap->shared)
		fprintf(stream, "<tr><td align=\"left\">each shared, %zu mappings in all</td></tr>", heap->mappings);
	fputs("</table>>];\n", stream);
}

static void put_memory(const struct drawing *drawing)
{
	FILE *stream = drawing->stream;

	fputs("\tsubgraph cluster_memory {\n\t\tlabel=<<b>physical memory</b>>; labeljust=l; style=\"rounded,filled\"; "
	      "fillcolor=\"" REGION_FILL "\"; color=\"" REGION_EDGE "\"; margin=14;\n",
	      stream);
	for (size_t i = 0; drawing->many && i < drawing->n_heaps; i++)
		put_heap(stream, &drawing->heaps[i], i);
	/* In order of address, which is that of their numbers. */
	for (size_t i = 0; !drawing->many && i < drawing->n_boxes; i++)
		for (size_t k = 0; k < drawing->n_boxes; k++)
			if (drawing->boxes[k].number == i)
				put_phys(stream, &drawing->boxes[k]);
	if (!drawing->n_boxes)
		fputs("\t\tnothing [label=<<i>nothing allocated</i>>];\n", stream);
	fputs("\t}\n", stream);
	/* Memory stands on the right, also where nothing leads to it. */
	for (size_t i = 0; i < drawing->frozen->n_regions; i++)
		if (drawing->keep_region[i])
			fprintf(stream, "\tr%u -> %s [style=invis];\n", drawing->frozen->regions[i]->object.index,
				drawing->n_boxes ? "m0" : "nothing");
}

static int draw(const struct drawing *drawing)
{
	const struct frozen *frozen = drawing->frozen;
	FILE *stream = drawing->stream;
	int error = 0;

	fputs("digraph vcm {\n\trankdir=LR; ranksep=0.9; nodesep=0.35; pad=0.3; fontname=\"Helvetica\"; "
	      "fontsize=13; fontcolor=\"" INK "\";\n"
	      "\tnode [shape=plain, fontname=\"Helvetica\", fontsize=12, fontcolor=\"" INK "\"];\n"
	      "\tedge [arrowsize=0.7, fontname=\"Helvetica\", fontcolor=\"" INK "\"];\n",
	      stream);
	for (size_t i = 0; i < drawing->n_groups; i++)
		put_group(stream, &drawing->groups[i]);
	for (size_t i = 0; i < frozen->n_regions && !error; i++)
		if (drawing->keep_region[i])
			error = put_region(drawing, frozen->regions[i]);
	put_memory(drawing);
	for (size_t i = 0; i < frozen->n_regions; i++)
		if (drawing->keep_region[i])
			LIST_FOR(link, &frozen->regions[i]->associations)
	put_association(drawing, frozen->regions[i], VC_CONTAINER(link, struct association, link));
	fputs("}\n", stream);
	return error;
}

int vc_dump_dot_of(struct vc_system *handle, const struct vc_dump_args *args, FILE *stream)
{
	struct system *system = object_get(OBJECT_SYSTEM, handle, __func__);
	struct drawing drawing;
	struct frozen frozen;
	int error;

	if (!system)
		return -EINVAL;
	error = stream ? freeze(system, &frozen) : vc_fail(-EINVAL, "", 0, "stream is NULL");
	if (!error) {
		for (size_t i = 0; i < frozen.n_devices; i++)
			pthread_rwlock_rdlock(&frozen.devices[i]->lock);
		pthread_mutex_lock(&system->graph);
		error = drawing_init(&drawing, &frozen, args);
		drawing.stream = stream;
		if (!error)
			error = draw(&drawing);
		drawing_fini(&drawing);
		pthread_mutex_unlock(&system->graph);
		for (size_t i = 0; i < frozen.n_devices; i++)
			pthread_rwlock_unlock(&frozen.devices[i]->lock);
		thaw(&frozen);
		if (!error && (fflush(stream) || ferror(stream)))
			error = vc_fail(-EIO, "", 0, "writing the drawing failed");
	}
	object_put(&system->object);
	return error;
}

int vc_dump_dot(struct vc_system *system, FILE *stream)
{
	return vc_dump_dot_of(system, NULL, stream);
}
