// Capstone 5: what coresnap asks of it. Structures as in its public headers
// (capstone.h, x86.h, arm64.h, arm.h, riscv.h), enumerations as the ints that they are;
// of the union in cs_detail only the architectures whose operands are read.

typedef size_t csh;

typedef struct {
	int segment;
	int base;
	int index;
	int scale;
	int64_t disp;
} x86_op_mem;

typedef struct {
	int type;
	union {
		int reg;
		int64_t imm;
		x86_op_mem mem;
	};
	uint8_t size;
	uint8_t access;
	int avx_bcast;
	bool avx_zero_opmask;
} cs_x86_op;

typedef struct {
	uint8_t prefix[4];
	uint8_t opcode[4];
	uint8_t rex;
	uint8_t addr_size;
	uint8_t modrm;
	uint8_t sib;
	int64_t disp;
	int sib_index;
	int8_t sib_scale;
	int sib_base;
	int xop_cc;
	int sse_cc;
	int avx_cc;
	bool avx_sae;
	int avx_rm;
	uint64_t eflags;
	uint8_t op_count;
	cs_x86_op operands[8];
} cs_x86;

typedef struct {
	int base;
	int index;
	int32_t disp;
} arm64_op_mem;

typedef struct {
	int vector_index;
	int vas;
	struct {
		int type;
		unsigned int value;
	} shift;
	int ext;
	int type;
	int svcr;
	union {
		int reg;
		int64_t imm;
		double fp;
		arm64_op_mem mem;
		int sys;
	};
	uint8_t access;
} cs_arm64_op;

typedef struct {
	int cc;
	bool update_flags;
	bool writeback;
	bool post_index;
	uint8_t op_count;
	cs_arm64_op operands[8];
} cs_arm64;

typedef struct {
	int base;
	int index;
	int scale;
	int disp;
	int lshift;
} arm_op_mem;

typedef struct {
	int vector_index;
	struct {
		int type;
		unsigned int value;
	} shift;
	int type;
	union {
		int reg;
		int32_t imm;
		double fp;
		arm_op_mem mem;
	};
	bool subtracted;
	uint8_t access;
	int8_t neon_lane;
} cs_arm_op;

typedef struct {
	bool usermode;
	int vector_size;
	int vector_data;
	int cps_mode;
	int cps_flag;
	int cc;
	bool update_flags;
	bool writeback;
	bool post_index;
	int mem_barrier;
	uint8_t op_count;
	cs_arm_op operands[36];
} cs_arm;

typedef struct {
	unsigned int base;
	int64_t disp;
} riscv_op_mem;

typedef struct {
	int type;
	union {
		unsigned int reg;
		int64_t imm;
		riscv_op_mem mem;
	};
} cs_riscv_op;

typedef struct {
	bool need_effective_addr;
	uint8_t op_count;
	cs_riscv_op operands[8];
} cs_riscv;

typedef struct {
	uint16_t regs_read[20];
	uint8_t regs_read_count;
	uint16_t regs_write[20];
	uint8_t regs_write_count;
	uint8_t groups[8];
	uint8_t groups_count;
	bool writeback;
	union {
		cs_x86 x86;
		cs_arm64 arm64;
		cs_arm arm;
		cs_riscv riscv;
	};
} cs_detail;

typedef struct {
	unsigned int id;
	uint64_t address;
	uint16_t size;
	uint8_t bytes[24];
	char mnemonic[32];
	char op_str[160];
	cs_detail *detail;
} cs_insn;

unsigned int cs_version(int *major, int *minor);
int cs_open(int arch, int mode, csh *handle);
int cs_close(csh *handle);
int cs_option(csh handle, int type, size_t value);
size_t cs_disasm(csh handle, const char *code, size_t code_size, uint64_t address,
		 size_t count, cs_insn **insn);
void cs_free(cs_insn *insn, size_t count);
const char *cs_reg_name(csh handle, unsigned int reg_id);
