/* SPDX-License-Identifier: MIT */
/*
 * window_main.c - generated code in the kernel: a module that makes a page table from kernel pages, maps a window and
 * looks it up. Nothing walks the table; it shows how the hooks of struct pt_mem meet the page allocator.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "vtable.h"

static bool window_alloc(void *ctx, size_t bytes, size_t align, uint64_t max_pa, int node, uint64_t *pa)
{
	struct page *page =
		alloc_pages_node(node < 0 ? numa_node_id() : node, GFP_KERNEL, get_order(max(bytes, align)));

	(void)ctx;
	if (!page)
		return false;
	*pa = PFN_PHYS(page_to_pfn(page));
	if (*pa + (bytes - 1) > max_pa) {
		__free_pages(page, get_order(max(bytes, align)));
		return false;
	}
	return true;
}

static void window_release(void *ctx, uint64_t pa, size_t bytes)
{
	(void)ctx;
	__free_pages(pfn_to_page(PHYS_PFN(pa)), get_order(bytes));
}

static struct pt_mem window_mem = {.alloc = window_alloc, .release = window_release};

static int __init window_init(void)
{
	static struct pt_table table;
	struct pt_result result;
	uint64_t pa = 0;
	enum pt_status status;

	window_mem.direct = (unsigned char *)__va(0);
	status = vtable_init(&table, NULL, &window_mem, &result);
	if (status != PT_OK) {
		pr_err("window: %s\n", pt_status_string(status));
		return -EINVAL;
	}
	status = vtable_map(&table, 0x100000000, 0x40000000, 0x201000, PT_READ | PT_WRITE, NULL, &result);
	if (status == PT_OK)
		status = vtable_iova_to_phys(&table, 0x100000123, &pa);
	pr_info("window: %s, 0x100000123 is at %#llx\n", pt_status_string(status), (unsigned long long)pa);
	vtable_fini(&table);
	return status == PT_OK ? 0 : -EINVAL;
}

static void __exit window_exit(void)
{
}

module_init(window_init);
module_exit(window_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("page tables by ptgen: a demonstration");
