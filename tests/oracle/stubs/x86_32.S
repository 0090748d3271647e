/* SPDX-License-Identifier: MIT */
/*
 * x86_32.S - firmware that walks foreign page tables of 32 bits on request, with two levels or three.
 *
 * The image is the last 64 KiB below 4 GiB; the test puts a jump to its first byte at the reset vector. It turns paging
 * on with the tables under test at once: their last slot is the window, in which this image stands where it is without
 * paging, a second time for user code (USER), and the memory from MAILBOX on (MAIL).
 */
	.set	MAILBOX, 0x100000
	.set	MAIL, 0xfff00000
	.set	USER, -0x10000		/* from this image to that of user code */
	.set	CR3, 0x28
	.set	CR4, 0x30
	.set	EFER, 0x38
	.set	CR0, 0x40
	.set	STACK, 0x60
	.set	GDT, 0x80		/* limit and base, 6 bytes */
	.set	IDT, 0x90
	.set	LIST, 0x1000		/* operations of 64 bytes: */
	.set	OP, 0
	.set	ADDRESS, 8
	.set	VALUE, 16
	.set	CODE, 24		/* 0, or the vector of the exception */
	.set	RESULT, 32
	.set	ERROR, 40
	.set	CR2, 48

	.text
	.globl	_start
_start:
	.code16
	cli
	lgdtl	%cs:(gdt_pointer - _start)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$8, $protected

	.code32
protected:
	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$MAILBOX, %ebx
	mov	CR4(%ebx), %eax
	mov	%eax, %cr4
	mov	CR3(%ebx), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER */
	mov	EFER(%ebx), %eax
	xor	%edx, %edx
	wrmsr
	mov	CR0(%ebx), %eax
	mov	%eax, %cr0
	mov	$MAIL, %ebx
	mov	STACK(%ebx), %esp
	lgdt	GDT(%ebx)
	lidt	IDT(%ebx)
	mov	$0x23, %ax		/* data of ring 3, for ring 0 too */
	mov	%ax, %ds
	mov	%ax, %es
	mov	$0x28, %ax		/* task state: where ring 0 has its stack */
	ltr	%ax
	jmp	idle

next:
	mov	OP(%ebp), %eax
	mov	ADDRESS(%ebp), %edi
	mov	VALUE(%ebp), %esi
	xor	%edx, %edx
	movl	$0, CODE(%ebp)
	movl	$0, ERROR(%ebp)
	cmp	$8, %eax
	je	flush_address
	cmp	$9, %eax
	je	flush_all
	cmp	$4, %eax
	jae	user
	cmp	$1, %eax
	je	write
	ja	execute
	mov	(%edi), %eax
	mov	4(%edi), %edx
	jmp	trapped
write:
	mov	VALUE + 4(%ebp), %edx
	mov	%esi, (%edi)
	mov	%edx, 4(%edi)
	jmp	trapped
execute:
	jmp	*%edi			/* there: mov $token, %eax; int $0x80 */
flush_address:
	invlpg	(%edi)
	jmp	trapped
flush_all:
	mov	%cr3, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax		/* changing PGE drops global entries, too */
	xor	$0x80, %al
	mov	%eax, %cr4
	xor	$0x80, %al
	mov	%eax, %cr4
	jmp	trapped

/* 4, 5, 6: the same in ring 3, by a return from an interrupt that never was. */
user:
	cmp	$5, %eax
	jne	1f
	mov	VALUE + 4(%ebp), %edx
1:	push	$0x23			/* ss, esp, eflags, cs, eip */
	push	$0
	push	$2
	push	$0x1b
	cmp	$5, %eax
	jb	2f
	je	3f
	push	%edi
	iret
2:	push	$(user_read + USER)
	iret
3:	push	$(user_write + USER)
	iret
user_read:
	mov	(%edi), %eax
	mov	4(%edi), %edx
	int	$0x80
user_write:
	mov	%esi, (%edi)
	mov	%edx, 4(%edi)
	int	$0x80

/* All ends here; CODE and ERROR have been stored. */
trapped:
	mov	%eax, RESULT(%ebp)
	mov	%edx, RESULT + 4(%ebp)
	movl	$0, CODE + 4(%ebp)
	movl	$0, ERROR + 4(%ebp)
	mov	%cr2, %eax
	mov	%eax, CR2(%ebp)
	movl	$0, CR2 + 4(%ebp)
	mov	STACK(%ebx), %esp
	add	$64, %ebp
	dec	%ecx
	jnz	next
done:
	mov	(%ebx), %eax
	mov	%eax, 8(%ebx)		/* doorbells are small numbers */
idle:
	pause
	mov	(%ebx), %eax
	cmp	%eax, 8(%ebx)
	je	idle
	mov	16(%ebx), %ecx
	lea	LIST(%ebx), %ebp
	jmp	next

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: code */
	.quad	0x00cf93000000ffff	/* 0x10: data */
gdt_pointer:
	.word	23
	.long	gdt

/* Vector n comes to 0x800 + 32 n; 32 stands for int $0x80. Those of the set push an error code. */
	.org	0x800
	.set	vector, 0
	.rept	33
	.balign	32
	.if	(1 << vector) & 0x227d00
	pop	ERROR(%ebp)
	.endif
	.if	vector < 32
	movl	$vector, CODE(%ebp)
	.endif
	jmp	trapped
	.set	vector, vector + 1
	.endr
