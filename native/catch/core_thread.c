#include "core_thread.h"

#include <elf.h>

// struct elf_prstatus (include/linux/elfcore.h): where pr_reg begins, and what follows
// it, pr_fpvalid with its padding.
enum { BEFORE_64 = 112, AFTER_64 = 8, BEFORE_32 = 72, AFTER_32 = 4 };

// Place of the stack pointer in pr_reg (the kernel's struct user_regs_struct,
// user_pt_regs, ...), -1 if unknown.
static int stack_register(const struct core_head *head)
{
	switch (head->machine) {
	case EM_X86_64:
		return head->is_elf32 ? -1 : 19; // x32 has 64-bit registers
	case EM_386:
		return 15;
	case EM_AARCH64:
		return 31;
	case EM_ARM:
		return 13;
	case EM_RISCV:
		return 2;
	case EM_PPC64:
	case EM_PPC:
		return 1;
	case EM_S390:
		return 2 + 15; // behind the PSW
	default:
		return -1;
	}
}

bool core_thread_read(const struct core_head *head, const struct core_note *note,
		      struct core_thread *ret)
{
	size_t before = head->is_elf32 ? BEFORE_32 : BEFORE_64;
	size_t after = head->is_elf32 ? AFTER_32 : AFTER_64;
	size_t word = core_head_word_size(head);
	int stack = stack_register(head);

	if (stack < 0 || note->size < before + after)
		return false;
	size_t count = (note->size - before - after) / word;
	count = count < CORE_REGISTER_LIMIT ? count : CORE_REGISTER_LIMIT;
	if ((size_t)stack >= count)
		return false;
	for (size_t i = 0; i < count; i++)
		ret->registers[i] = core_head_word(head, note->data + before + i * word);
	ret->register_count = count;
	ret->stack_pointer = ret->registers[stack];
	return true;
}
