/* SPDX-License-Identifier: MIT */
/* start.S - the first instructions, exceptions, and the switch of the MMU. */
	.section .text.start, "ax"
	.globl start
start:
	adrp	x0, stack_top
	add	x0, x0, :lo12:stack_top
	mov	sp, x0
	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
1:	cmp	x1, x2
	b.hs	2f
	str	xzr, [x1], #8
	b	1b
2:	adr	x0, vectors
	msr	vbar_el1, x0
	isb
	bl	main
	/* PSCI SYSTEM_OFF */
	movz	x0, #0x8400, lsl #16
	movk	x0, #0x0008
	hvc	#0
3:	wfi
	b	3b

/*
 * Any exception is a fault that main.c provoked: it is recorded and the program goes on behind it. After a fetch that
 * failed, that is where the call came from.
 */
	.balign	2048
vectors:
	.rept	16
	.balign	128
	b	exception
	.endr
exception:
	stp	x0, x1, [sp, #-16]!
	mrs	x1, esr_el1
	adrp	x0, fault_syndrome
	str	x1, [x0, :lo12:fault_syndrome]
	lsr	x1, x1, #26
	cmp	x1, #0x21		/* an instruction abort at this level */
	mrs	x1, far_el1
	adrp	x0, fault_address
	str	x1, [x0, :lo12:fault_address]
	b.eq	1f
	mrs	x1, elr_el1
	add	x1, x1, #4
	msr	elr_el1, x1
	b	2f
1:	msr	elr_el1, x30
2:	ldp	x0, x1, [sp], #16
	eret

/*
 * void mmu_on(uint64_t ttbr, uint64_t tcr, uint64_t mair)
 *
 * Also goes from one table to another, where both have this code, its data and its stack at the same addresses.
 */
	.globl mmu_on
mmu_on:
	msr	mair_el1, x2
	msr	tcr_el1, x1
	msr	ttbr0_el1, x0
	dsb	sy
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	mrs	x3, sctlr_el1
	orr	x3, x3, #1		/* M */
	orr	x3, x3, #1 << 2		/* C */
	orr	x3, x3, #1 << 12	/* I */
	msr	sctlr_el1, x3
	isb
	ret
