/* SPDX-License-Identifier: MIT */
/*
 * aarch64.S - firmware at EL2, without translation of its own, that walks foreign EL1&0 tables on request.
 *
 * Address translation instructions need nothing else. For real accesses it returns to EL1 or EL0 into this page, which
 * the test has mapped in the other half of the address space; there an hvc ends each access, and each vector is one.
 */
	.set	MAILBOX, 0x40200000
	.set	SCTLR, 0x20
	.set	TCR, 0x28
	.set	TTBR0, 0x30
	.set	TTBR1, 0x38
	.set	MAIR, 0x40
	.set	HCR, 0x48
	.set	VTTBR, 0x50
	.set	VTCR, 0x58
	.set	DACR, 0x60
	.set	CODE, 0x68		/* this page at EL1, and at EL0 */
	.set	USER_CODE, 0x70
	.set	LIST, 0x1000

	.text
	.globl	_start
_start:
	movz	x19, #(MAILBOX >> 16), lsl #16
	adr	x0, el2_vectors
	msr	vbar_el2, x0
	b	idle

next:
	ldr	w3, [x20]
	ldr	x1, [x20, #8]
	ldr	x2, [x20, #16]
	mov	x0, #0
	mov	x4, #0
	mov	x5, #0
	mov	x7, #0
	cmp	w3, #8
	b.lo	access
	b.eq	flush_address
	cmp	w3, #9
	b.eq	flush_all
	cmp	w3, #10
	b.eq	load
	cmp	w3, #11
	b.eq	flush_stage2
	adr	x6, translate		/* 16 and up: 8 bytes of code for each */
	sub	w3, w3, #16
	add	x6, x6, x3, lsl #3
	br	x6
translate:
	at	s1e1r, x1
	b	translated
	at	s1e1w, x1
	b	translated
	b	.
	b	.
	b	.
	b	.
	at	s1e0r, x1
	b	translated
	at	s1e0w, x1
	b	translated
	b	.
	b	.
	b	.
	b	.
	at	s12e1r, x1
	b	translated
	at	s12e1w, x1
	b	translated
	b	.
	b	.
	b	.
	b	.
	at	s12e0r, x1
	b	translated
	at	s12e0w, x1
translated:
	isb
	mrs	x0, par_el1
	b	store

flush_address:
	dsb	sy
	tlbi	vaae1is, x1
	b	flushed
flush_stage2:
	dsb	sy
	tlbi	ipas2e1is, x1
	dsb	sy
	tlbi	vmalle1is
	b	flushed
flush_all:
	dsb	sy
	tlbi	alle1is
flushed:
	dsb	sy
	isb
	b	store

load:
	ldr	x0, [x19, #TCR]
	msr	tcr_el1, x0
	ldr	x0, [x19, #TTBR0]
	msr	ttbr0_el1, x0
	ldr	x0, [x19, #TTBR1]
	msr	ttbr1_el1, x0
	ldr	x0, [x19, #MAIR]
	msr	mair_el1, x0
	ldr	x0, [x19, #VTTBR]
	msr	vttbr_el2, x0
	ldr	x0, [x19, #VTCR]
	msr	vtcr_el2, x0
	ldr	x0, [x19, #DACR]
	msr	dacr32_el2, x0
	ldr	x0, [x19, #HCR]
	msr	hcr_el2, x0
	ldr	x0, [x19, #CODE]
	add	x0, x0, #(el1_vectors - _start)
	msr	vbar_el1, x0
	ldr	x0, [x19, #SCTLR]
	msr	sctlr_el1, x0
	b	flush_all

access:
	ldr	x5, [x19, #CODE]
	mov	x6, #0x3c5		/* EL1 with its own stack pointer, interrupts masked */
	tbz	w3, #2, 1f
	ldr	x5, [x19, #USER_CODE]
	mov	x6, #0x3c0		/* EL0 */
1:	and	w3, w3, #3
	add	x5, x5, #(lower - _start)
	add	x5, x5, x3, lsl #3
	cmp	w3, #2
	csel	x5, x1, x5, eq		/* there: movz x0, #token; hvc #0 */
	msr	elr_el2, x5
	msr	spsr_el2, x6
	eret

/* From below: hvc 0 ends an access; hvc 2 stands in a vector, where hvc at EL0 (undefined there) leads as well. */
trapped:
	mrs	x4, esr_el2
	lsr	x6, x4, #26
	cmp	x6, #0x16
	b.ne	2f
	ands	x3, x4, #0xffff
	mov	x4, #0
	b.eq	store
	mrs	x4, esr_el1
	mrs	x5, far_el1
	lsr	x6, x4, #26
	cbnz	x6, store
	mov	x4, #0
	b	store
2:	mrs	x5, far_el2		/* stage 2 faults come here themselves */
	mrs	x7, hpfar_el2
	orr	x4, x4, #(1 << 63)
store:
	str	x4, [x20, #24]
	str	x0, [x20, #32]
	str	x5, [x20, #40]
	str	x7, [x20, #48]
	add	x20, x20, #64
	subs	x21, x21, #1
	b.ne	next
	ldr	x0, [x19]
	dmb	sy
	str	x0, [x19, #8]
idle:
	yield
	ldr	x0, [x19]
	ldr	x1, [x19, #8]
	cmp	x0, x1
	b.eq	idle
	dmb	sy
	ldr	x21, [x19, #16]
	add	x20, x19, #LIST
	b	next

/* What EL1 and EL0 run. */
	.balign	16
lower:
	ldr	x0, [x1]
	hvc	#0
	str	x2, [x1]
	hvc	#0

	.org	0x800
el1_vectors:
	.rept	16
	.balign	128
	hvc	#2
	.endr

	.org	0x1000
el2_vectors:
	.rept	16
	.balign	128
	b	trapped
	.endr
