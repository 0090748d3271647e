/* SPDX-License-Identifier: MIT */
/*
 * riscv.S - firmware in machine mode that walks foreign tables on request; assembled for 64 and for 32 bits.
 *
 * First stage: loads and stores with the privilege of S or U (MPRV), fetches by a return into the page. Where the mailbox
 * has a value for hgatp: the second stage, below a guest's own (vsatp) or alone, with the loads and stores that
 * hypervisors have for their guests (HLV, HSV), and a return into a guest. Machine mode itself is never translated.
 */
	.set	BASE, 0x80000000
	.set	MAILBOX, 0x80200000
	.set	SATP, 0x20
	.set	HGATP, 0x28
	.set	VSATP, 0x30
	.set	LIST, 0x1000
	.set	vsstatus, 0x200
	.set	vsatp, 0x280
	.set	mtinst, 0x34a
	.set	mtval2, 0x34b
	.set	hstatus, 0x600
	.set	hgatp, 0x680
	.set	mstatush, 0x310

/* A register's width; values of 64 bits take two registers on 32. */
#if __riscv_xlen == 64
	.macro	load_x	to, at
	ld	\to, \at
	.endm
#else
	.macro	load_x	to, at
	lw	\to, \at
	.endm
#endif

	.option	norelax
	.option	norvc
	.text
	.globl	_start
_start:
	li	t0, -1			/* all memory is open to everybody */
	csrw	pmpaddr0, t0
	li	t0, 0x1f
	csrw	pmpcfg0, t0
	li	t0, BASE + 0x400	/* trap */
	csrw	mtvec, t0
	li	s0, MAILBOX
	j	idle

next:
	lw	a3, 0(s1)
	load_x	a1, 8(s1)
	load_x	a2, 16(s1)
#if __riscv_xlen == 32
	lw	a7, 20(s1)
#endif
	li	a0, 0
	li	a6, 0
	li	a4, 0
	li	a5, 0
	li	s4, 0
	li	s5, 0
	load_x	s3, HGATP(s0)
	li	t0, 11
	beq	a3, t0, flush_virtual
	li	t0, 8
	beq	a3, t0, flush_address
	bgt	a3, t0, flush_all
	andi	t3, a3, 4		/* user */
	andi	a3, a3, 3
	bnez	s3, guest
	jal	t4, set_privilege
	li	t2, 1 << 17		/* MPRV */
	li	t0, 1
	beq	a3, t0, write
	bgt	a3, t0, execute
	csrs	mstatus, t2
#if __riscv_xlen == 64
	ld	a0, 0(a1)
#else
	lw	a0, 0(a1)
	lw	a6, 4(a1)
#endif
	csrc	mstatus, t2
	j	store
write:
	csrs	mstatus, t2
#if __riscv_xlen == 64
	sd	a2, 0(a1)
#else
	sw	a2, 0(a1)
	sw	a7, 4(a1)
#endif
	csrc	mstatus, t2
	j	store
execute:
	csrw	mepc, a1		/* there: lui a0, token; ecall */
	mret

/* MPP (S, or U), and SUM. */
set_privilege:
	li	t0, 3 << 11
	csrc	mstatus, t0
	li	t0, 1 << 18 | 1 << 11
	beqz	t3, 1f
	li	t0, 1 << 18
1:	csrs	mstatus, t0
	jr	t4

/*
 * The same as VS or VU: SPVP says which. Loads and stores leave mstatus alone, since QEMU forgets all translations when it
 * changes. When SPVP changes it forgets none, and takes what it knows of the one for the other: with two stages, where
 * that makes a difference, all are dropped before each access.
 */
guest:
	load_x	t0, VSATP(s0)
	beqz	t0, 1f
	.word	0x62000073		/* hfence.gvma zero, zero */
	.word	0x22000073		/* hfence.vvma zero, zero */
1:
	li	t0, 1
	li	t1, 1 << 8
	csrc	hstatus, t1
	bnez	t3, 1f
	csrs	hstatus, t1
1:	beq	a3, t0, guest_write
	bgt	a3, t0, guest_execute
#if __riscv_xlen == 64
	.word	0x6c004073 | 10 << 7 | 11 << 15	/* hlv.d a0, (a1) */
#else
	.word	0x68004073 | 10 << 7 | 11 << 15	/* hlv.w a0, (a1) */
	addi	a1, a1, 4
	.word	0x68004073 | 16 << 7 | 11 << 15	/* hlv.w a6, (a1) */
#endif
	j	store
guest_write:
#if __riscv_xlen == 64
	.word	0x6e004073 | 12 << 20 | 11 << 15 /* hsv.d a2, (a1) */
#else
	.word	0x6a004073 | 12 << 20 | 11 << 15 /* hsv.w a2, (a1) */
	addi	a1, a1, 4
	.word	0x6a004073 | 17 << 20 | 11 << 15 /* hsv.w a7, (a1) */
#endif
	j	store
guest_execute:
	jal	t4, set_privilege
#if __riscv_xlen == 64
	li	t1, 1
	slli	t1, t1, 39		/* MPV */
	csrs	mstatus, t1
#else
	li	t1, 1 << 7
	csrs	mstatush, t1
#endif
	csrw	mepc, a1
	mret

flush_address:
	bnez	s3, 1f
	sfence.vma a1, zero
	j	store
1:	.word	0x62000073 | 11 << 15	/* hfence.gvma a1, zero: the address is shifted right by 2 */
	j	store
flush_virtual:
	.word	0x22000073 | 11 << 15	/* hfence.vvma a1, zero */
	j	store
flush_all:
	load_x	t0, SATP(s0)
	csrw	satp, t0
	sfence.vma
	beqz	s3, store
	csrw	hgatp, s3
	load_x	t0, VSATP(s0)
	csrw	vsatp, t0
	li	t0, 1 << 18		/* SUM of the guest */
	csrw	vsstatus, t0
	.word	0x22000073		/* hfence.vvma zero, zero */
	.word	0x62000073		/* hfence.gvma zero, zero */
	j	store

	.org	0x400
trap:
	li	t2, 1 << 17
	csrc	mstatus, t2
	csrr	a4, mcause
	csrr	a5, mtval
	beqz	s3, 1f
	csrr	s4, mtval2
	csrr	s5, mtinst
1:
	addi	a4, a4, 1		/* a cause may be 0 */
	li	t0, 9			/* environment calls from U, from S, from VS: it was fetched */
	beq	a4, t0, 2f
	li	t0, 10
	beq	a4, t0, 2f
	li	t0, 11
	bne	a4, t0, store
2:	li	a4, 0
	srli	a0, a0, 12
	li	a6, 0
store:
#if __riscv_xlen == 64
	sd	a4, 24(s1)
	sd	a0, 32(s1)
	sd	a5, 40(s1)
	sd	s4, 48(s1)
	sd	s5, 56(s1)
#else
	sw	a4, 24(s1)
	sw	zero, 28(s1)
	sw	a0, 32(s1)
	sw	a6, 36(s1)
	sw	a5, 40(s1)
	sw	zero, 44(s1)
	sw	s4, 48(s1)
	sw	zero, 52(s1)
	sw	s5, 56(s1)
	sw	zero, 60(s1)
#endif
	addi	s1, s1, 64
	addi	s2, s2, -1
	bnez	s2, next
	load_x	t0, 0(s0)
	fence
#if __riscv_xlen == 64
	sd	t0, 8(s0)
#else
	sw	t0, 8(s0)		/* doorbells are small numbers */
#endif
idle:
	load_x	t0, 0(s0)
	load_x	t1, 8(s0)
	beq	t0, t1, idle
	fence
	load_x	s2, 16(s0)
	li	t0, LIST
	add	s1, s0, t0
	j	next
