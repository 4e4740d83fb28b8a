/* A kernel's symbols, where amd64's kernels have them: in the top 2 GB. */
	.globl _start, KPML4phys, msgbufp
	.set KPML4phys, 0xffffffff80800000
	.set msgbufp, 0xffffffff80800008
	.text
_start:
	ud2
