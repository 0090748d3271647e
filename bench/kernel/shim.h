/* SPDX-License-Identifier: MIT */
/*
 * shim.h - what the page-table code of Linux needs of the rest of the kernel, as thin as it goes: included before
 * everything else in the files that compile that code for the benchmark.
 *
 * Where the kernel does more than here, the benchmark is kind to its code: pages are not accounted, locks that are off
 * the hot path are not taken, nothing is ever invalidated, encryption is off.
 */
#ifndef BENCH_KERNEL_SHIM_H
#define BENCH_KERNEL_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../pool.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
/* As in the kernel, where the formats of messages want it so. */
typedef unsigned long long u64;
typedef int64_t s64;
typedef u64 phys_addr_t, dma_addr_t;
typedef unsigned int gfp_t, slab_flags_t;

#define __init
#define __initdata
#define __initconst
#define __iomem
#define EXPORT_SYMBOL_GPL(symbol)

/* Error numbers: only their sign counts here. */
#define ENOMEM 12
#define EFAULT 14
#define EEXIST 17
#define EINVAL 22
#define ERANGE 34

/* ------------------------------------------------------------------------------------------------------ arithmetic,
 * lists */

#define ULONG_MAX			    (~0UL)
#define BITS_PER_LONG			    64
#define likely(x)			    __builtin_expect(!!(x), 1)
#define unlikely(x)			    __builtin_expect(!!(x), 0)
#define barrier()			    __asm__ __volatile__("" ::: "memory")
#define READ_ONCE(x)			    (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)		    (*(volatile __typeof__(x) *)&(x) = (value))
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#define ARRAY_SIZE(x)			    (sizeof(x) / sizeof((x)[0]))
#define IS_ENABLED(option)		    1
#define BIT(n)				    (1UL << (n))
#define BIT_ULL(n)			    (1ULL << (n))
#define BIT_MASK(n)			    (1UL << ((n) % 64))
#define GENMASK(h, l)			    (((~0UL) << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)		    (((~0ULL) << (l)) & (~0ULL >> (63 - (h))))
#define FIELD_GET(mask, value)		    (((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value)		    (((__typeof__(mask))(value) << __builtin_ctzll(mask)) & (mask))
#define DIV_ROUND_UP(n, d)		    (((n) + (d)-1) / (d))
#define IS_ALIGNED(x, a)		    (((x) & ((__typeof__(x))(a)-1)) == 0)
#define ALIGN(x, a)			    (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define round_down(x, y)		    ((x) & ~((__typeof__(x))(y)-1))
#define min(a, b)			    ((a) < (b) ? (a) : (b))
#define max(a, b)			    ((a) > (b) ? (a) : (b))
#define min_t(type, a, b)		    min((type)(a), (type)(b))
#define is_power_of_2(n)		    ((n) != 0 && ((n) & ((n)-1)) == 0)
#define ilog2(n)			    (63 - __builtin_clzll(n))
#define __ffs(n)			    ((unsigned long)__builtin_ctzl(n))
#define ffz(n)				    __ffs(~(n))
#define upper_32_bits(n)		    ((u32)((u64)(n) >> 32))
#define __fls(n)			    (63UL - (unsigned long)__builtin_clzl(n))

#define SZ_1K	   0x400UL
#define SZ_4K	   0x1000UL
#define SZ_16K	   0x4000UL
#define SZ_64K	   0x10000UL
#define SZ_1M	   0x100000UL
#define SZ_2M	   0x200000UL
#define SZ_16M	   0x1000000UL
#define SZ_32M	   0x2000000UL
#define SZ_512M	   0x20000000UL
#define SZ_1G	   0x40000000UL
#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)     \
	{                        \
		&(name), &(name) \
	}
#define LIST_HEAD(name)			  struct list_head name = {&(name), &(name)}
#define list_entry(pointer, type, member) container_of(pointer, type, member)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	entry->next = list;
	entry->prev = list->prev;
	list->prev->next = entry;
	list->prev = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

/* -------------------------------------------------------------------------------------------------- messages, locks,
 * atomics */

/* No implicit declarations: a name that is missing here must not become a call. */
#pragma GCC diagnostic error "-Wimplicit-function-declaration"

#define WARN_ON(x)		     unlikely(!!(x))
#define WARN_ON_ONCE(x)		     WARN_ON(x)
#define VM_BUG_ON(x)		     ((void)(x))
#define BUG()			     __builtin_trap()
#define BUG_ON(x)		     ((void)(unlikely(!!(x)) ? (__builtin_trap(), 0) : 0))
#define pr_warn(...)		     ((void)0)
#define pr_err(...)		     ((void)0)
#define pr_crit(...)		     ((void)0)
#define pr_err_ratelimited(...)	     ((void)0)
#define dev_err(...)		     ((void)0)
#define debug_dma_dump_mappings(...) ((void)0)

typedef struct {
	int unused;
} spinlock_t;

#define spin_lock_init(lock)		    ((void)(lock))
#define spin_lock_irqsave(lock, flags)	    ((void)(lock), (flags) = 0)
#define spin_unlock_irqrestore(lock, flags) ((void)(lock), (void)(flags))

typedef struct {
	unsigned int sequence;
} seqcount_t;

#define seqcount_init(count) ((count)->sequence = 0)

static inline unsigned int read_seqcount_begin(const seqcount_t *count)
{
	unsigned int sequence;

	while ((sequence = READ_ONCE(count->sequence)) & 1)
		;
	barrier();
	return sequence;
}

static inline bool read_seqcount_retry(const seqcount_t *count, unsigned int sequence)
{
	barrier();
	return READ_ONCE(count->sequence) != sequence;
}

static inline void write_seqcount_begin(seqcount_t *count)
{
	count->sequence++;
	barrier();
}

static inline void write_seqcount_end(seqcount_t *count)
{
	barrier();
	count->sequence++;
}

/* x86: stores are in order, also for bus masters. */
#define dma_wmb() barrier()
#define wmb()	  __asm__ __volatile__("sfence" ::: "memory")

static inline u64 shim_cmpxchg64(volatile void *entry, u64 old, u64 new)
{
	__asm__ __volatile__("lock cmpxchgq %2, %1" : "+a"(old), "+m"(*(volatile u64 *)entry) : "r"(new) : "memory");
	return old;
}

static inline u64 shim_cmpxchg64_local(volatile void *entry, u64 old, u64 new)
{
	__asm__ __volatile__("cmpxchgq %2, %1" : "+a"(old), "+m"(*(volatile u64 *)entry) : "r"(new) : "memory");
	return old;
}

static inline u32 shim_cmpxchg32(volatile void *entry, u32 old, u32 new)
{
	__asm__ __volatile__("lock cmpxchgl %2, %1" : "+a"(old), "+m"(*(volatile u32 *)entry) : "r"(new) : "memory");
	return old;
}

#define cmpxchg64(entry, old, new)	   shim_cmpxchg64(entry, old, new)
#define cmpxchg64_relaxed(entry, old, new) shim_cmpxchg64(entry, old, new)
#define cmpxchg_relaxed(entry, old, new)   shim_cmpxchg32(entry, old, new)
#define shim_try(function, entry, old, new)                         \
	({                                                          \
		u64 shim_expected = *(old);                         \
		u64 shim_was = function(entry, shim_expected, new); \
		*(old) = shim_was;                                  \
		shim_was == shim_expected;                          \
	})
#define try_cmpxchg64(entry, old, new)	     shim_try(shim_cmpxchg64, entry, old, new)
#define try_cmpxchg64_local(entry, old, new) shim_try(shim_cmpxchg64_local, entry, old, new)

static inline bool test_bit(unsigned int bit, const volatile unsigned long *word)
{
	return word[bit / 64] >> (bit % 64) & 1;
}

static inline void set_bit(unsigned int bit, volatile unsigned long *word)
{
	__asm__ __volatile__("lock btsq %1, %0" : "+m"(word[bit / 64]) : "Jr"((unsigned long)(bit % 64)) : "memory");
}

static inline bool test_and_clear_bit(unsigned int bit, volatile unsigned long *word)
{
	bool old;

	__asm__ __volatile__("lock btrq %2, %1"
			     : "=@ccc"(old), "+m"(word[bit / 64])
			     : "Jr"((unsigned long)(bit % 64))
			     : "memory");
	return old;
}

/* ----------------------------------------------------------------------------------------------------------- memory */

#define GFP_KERNEL	  0U
#define GFP_ATOMIC	  0U
#define GFP_DMA		  0U
#define GFP_DMA32	  0U
#define __GFP_ZERO	  0U
#define __GFP_HIGHMEM	  1U
#define __GFP_DMA32	  2U
#define SLAB_CACHE_DMA	  0U
#define SLAB_CACHE_DMA32  0U
#define ARCH_DMA_MINALIGN 8

struct device;
#define dev_to_node(dev) ((void)(dev), -1)

struct page {
	struct list_head lru;
};

_Static_assert(sizeof(struct page) == sizeof(struct pool_page), "the pool has room for one per page");

#define virt_to_phys(address) ((phys_addr_t)((const char *)(address) - (const char *)pool.base))
#define phys_to_virt(pa)      ((void *)(pool.base + (pa)))
#define __pa(address)	      virt_to_phys(address)
#define __va(pa)	      phys_to_virt(pa)
#define virt_to_page(address) ((struct page *)(void *)&pool.pages[virt_to_phys(address) >> PAGE_SHIFT])
#define page_address(page)    phys_to_virt((phys_addr_t)((struct pool_page *)(void *)(page)-pool.pages) << PAGE_SHIFT)
#define pfn_to_page(pfn)      ((struct page *)(void *)&pool.pages[pfn])
#define page_to_pfn(page)     ((unsigned long)((struct pool_page *)(void *)(page)-pool.pages))
#define __sme_set(pa)	      (pa)
#define __sme_clr(pa)	      (pa)

static inline int get_order(size_t bytes)
{
	int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

static inline void *iommu_alloc_pages_node(int node, gfp_t gfp, int order)
{
	void *page = pool_get((size_t)PAGE_SIZE << order);

	return page ? __builtin_memset(page, 0, (size_t)PAGE_SIZE << order) : NULL;
}

static inline void *iommu_alloc_page_node(int node, gfp_t gfp)
{
	return iommu_alloc_pages_node(node, gfp, 0);
}

static inline void iommu_free_pages(void *page, int order)
{
	if (page)
		pool_put(page, (size_t)PAGE_SIZE << order);
}

static inline void iommu_free_page(void *page)
{
	iommu_free_pages(page, 0);
}

static inline void iommu_put_pages_list(struct list_head *list)
{
	while (!list_empty(list)) {
		struct page *page = list_entry(list->prev, struct page, lru);

		list_del(&page->lru);
		pool_put(page_address(page), PAGE_SIZE);
	}
}

#define __get_free_pages(gfp, order) ((unsigned long)iommu_alloc_pages_node(-1, gfp, order))
#define free_pages(address, order)   iommu_free_pages((void *)(address), order)

/* What is no table comes from the C library. */
void *malloc(size_t bytes);
void free(void *what);
#define kmalloc(bytes, gfp) malloc(bytes)
#define kfree(what)	    free(what)

struct kmem_cache {
	size_t bytes;
};

static inline struct kmem_cache *kmem_cache_create(const char *name, size_t bytes, size_t align, slab_flags_t flags,
						   void *make)
{
	struct kmem_cache *cache = malloc(sizeof(*cache));

	if (cache)
		cache->bytes = bytes;
	return cache;
}

#define kmem_cache_destroy(cache)    free(cache)
#define kmem_cache_free(cache, what) pool_put(what, (cache)->bytes)
#define kmemleak_ignore(what)	     ((void)(what))

static inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *what = pool_get(cache->bytes);

	return what ? __builtin_memset(what, 0, cache->bytes) : NULL;
}

/* Only for walkers that do not snoop, which none of the benchmark is. */
enum { DMA_TO_DEVICE };
#define dma_map_single(dev, address, bytes, direction)		   virt_to_phys(address)
#define dma_unmap_single(dev, address, bytes, direction)	   ((void)(address))
#define dma_mapping_error(dev, address)				   ((void)(address), 0)
#define dma_sync_single_for_device(dev, address, bytes, direction) ((void)(address))
#define clflush_cache_range(address, bytes)			   ((void)(address))

/* ------------------------------------------------------------------------------------------------------- the IOMMU
 * core */

struct iommu_domain {
	unsigned long pgsize_bitmap;
};

struct iommu_iotlb_gather;
static inline void iommu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
}

/* A bitmap with a bit for each page from first on. */
struct iova_bitmap {
	unsigned long first;
	uint64_t *words;
};

static inline void iova_bitmap_set(struct iova_bitmap *bitmap, unsigned long iova, unsigned long bytes)
{
	for (unsigned long page = (iova - bitmap->first) >> PAGE_SHIFT; bytes != 0; page++, bytes -= PAGE_SIZE)
		bitmap->words[page / 64] |= (uint64_t)1 << (page % 64);
}

#endif
