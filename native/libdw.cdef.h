// What coresnap._libdw exposes to Python. Read twice: by cffi as its cdef (which knows
// no preprocessor), and by libdw/csdw.h as C.

// A set of growing records; release it with csdw_table_deinit.
struct csdw_table {
    uint64_t *words;   // rows of `width` words each
    size_t count;      // rows
    size_t capacity;   // rows
    size_t width;      // words in a row
    size_t visited;    // DIEs that were looked at
    int complete;      // 0: the budget ended the walk
};

// What is present in a csdw_die.
enum {
    CSDW_HAS_CHILDREN = 1,
    CSDW_DECLARATION = 2,
    CSDW_EXTERNAL = 4,
    CSDW_ARTIFICIAL = 8,
    CSDW_LOCATION = 16,
    CSDW_CONST_VALUE = 32,
    CSDW_BYTE_SIZE = 64,
    CSDW_BIT_SIZE = 128,
    CSDW_BIT_OFFSET = 256,
    CSDW_DATA_BIT_OFFSET = 512,
    CSDW_MEMBER_LOCATION = 1024,
    CSDW_MEMBER_LOCATION_EXPRESSION = 2048,
    CSDW_LOW_PC = 4096,
    CSDW_RANGES = 8192,
    CSDW_FRAME_BASE = 16384,
    CSDW_PROTOTYPED = 32768,
    CSDW_ENUM_CLASS = 65536,
    CSDW_BYTE_SIZE_EXPRESSION = 131072,
    CSDW_VECTOR = 262144,
    CSDW_NORETURN = 524288
};

// The common attributes of one DIE, read in one pass over its abbreviation.
// References are DIE addresses, 0 when absent. Strings live as long as the Dwarf.
struct csdw_die {
    uint64_t address;
    uint32_t tag;
    uint32_t flags;
    const char *name;
    const char *linkage_name;
    uint64_t type;
    uint64_t abstract_origin;
    uint64_t specification;
    uint64_t signature;        // the full type in a type unit
    uint64_t containing_type;
    uint64_t byte_size;
    uint64_t bit_size;
    int64_t bit_offset;        // DWARF 2 and 3: counted from the most significant bit
    uint64_t data_bit_offset;
    int64_t member_location;   // bytes
    uint64_t low_pc;           // link-time address
    uint32_t encoding;
    uint32_t call_file;
    uint32_t call_line;
    uint32_t decl_line;
    uint32_t language;
    uint32_t inline_code;      // DW_AT_inline, 0 when absent
};

// The class of an attribute's value.
enum {
    CSDW_ABSENT = 0,
    CSDW_NUMBER = 1,        // number
    CSDW_SIGNED = 2,        // number, sign-extended
    CSDW_BLOCK = 3,         // data, size
    CSDW_REFERENCE = 4,     // number is a DIE address
    CSDW_STRING = 5,        // data, size
    CSDW_EXPRESSION = 6,    // data, size: a DWARF expression
    CSDW_LIST = 7,          // a location list: ask csdw_location
    CSDW_OTHER = 8
};

struct csdw_value {
    uint32_t kind;
    uint32_t form;
    uint64_t number;
    const uint8_t *data;
    uint64_t size;
};

// One operation of a location description, as libdw decodes it.
struct csdw_operation {
    uint64_t atom;
    uint64_t number;
    uint64_t number2;
    uint64_t offset;         // of the operation in its expression, for branches
    uint64_t die;            // the DIE that the operation refers to, else 0
    const uint8_t *block;    // implicit value, nested expression or constant
    uint64_t block_size;
};

// One row of the line table.
struct csdw_line {
    uint64_t address;
    const char *file;
    int line;                // 0 when the code has no line
    int column;
    uint32_t discriminator;
};

void csdw_table_deinit(struct csdw_table *table);

// The last row (low, high, DIE) of a sorted table that starts at or below pc and ends
// above it: of nested ranges the inner one. 1 if there is one.
int csdw_ranges_find(const struct csdw_table *table, uint64_t pc, uint64_t *ret);

// Compile units by .debug_aranges. Row: low, high, offset of the unit; sorted. A skeleton
// unit stands for its split unit. Ends quietly where the section makes no sense.
int csdw_listed_ranges(Elf *elf, struct csdw_table *ret);

// The unit DIE of the unit at an offset; -ENXIO: there is none. libdw reads the headers
// of all units before it, which for a table of them all takes 2 ms in libc.
int csdw_listed_unit(Dwarf *dwarf, uint64_t offset, uint64_t *ret);

// Row: low, high, unit DIE, from these, of units that are not listed (clang lists none).
int csdw_unlisted_ranges(Dwarf *dwarf, const struct csdw_table *listed,
                         struct csdw_table *ret);

// 1 if there is any unit.
int csdw_has_units(Dwarf *dwarf);

// All compile units and type units. Row: DIE (the split one if there is one), DW_TAG.
int csdw_units(Dwarf *dwarf, struct csdw_table *ret);

// The unit DIE that holds a DIE, and for a skeleton unit the DIE of its split unit
// (0: not split, or its file was not found).
int csdw_unit_of(Dwarf *dwarf, uint64_t die, uint64_t *ret, uint64_t *split_ret);

// Functions with code below a unit DIE. Row: low, high, DIE; sorted. Nested functions only if
// deep: that walks every DIE of the unit.
int csdw_functions(Dwarf *dwarf, uint64_t unit, int deep, size_t budget,
                   struct csdw_table *ret);

// What stands in a function at pc. Row: DIE, DW_TAG, row of the enclosing scope (-1:
// the function). Scopes that do not hold pc are skipped, scopes without addresses are
// transparent, and only the call site that returns to return_pc is given.
int csdw_scopes(Dwarf *dwarf, uint64_t function, uint64_t pc, uint64_t return_pc,
                size_t budget, struct csdw_table *ret);

// Children of a DIE whose tag is among `tags` (count 0: all). Row: DIE, DW_TAG.
int csdw_children(Dwarf *dwarf, uint64_t die, const uint32_t *tags, size_t tag_count,
                  size_t budget, struct csdw_table *ret);

// Named complete types below a unit, in namespaces too. Row: DIE, DW_TAG, address of
// the name.
int csdw_types(Dwarf *dwarf, uint64_t unit, size_t budget, struct csdw_table *ret);

// The first row at or behind `from` with this name, or if `template` with this name
// before the arguments of a template; the count if there is none.
size_t csdw_types_find(const struct csdw_table *table, const char *name, int template,
                       size_t from);

// Variables below a unit that belong to no function and are somewhere, in namespaces
// too. Row: DIE, address of the name (0: none), link-time address (0: not fixed).
int csdw_variables(Dwarf *dwarf, uint64_t unit, size_t budget, struct csdw_table *ret);

int csdw_die_read(Dwarf *dwarf, uint64_t die, struct csdw_die *ret);

int csdw_attribute(Dwarf *dwarf, uint64_t die, uint32_t attribute,
                   struct csdw_value *ret);

// The operations that hold at pc. count_ret is what there is; at most capacity are
// stored. -ENOENT: no attribute; -ENXIO: none at this pc; -EINVAL: not a location.
int csdw_location(Dwarf *dwarf, uint64_t die, uint32_t attribute, uint64_t pc,
                  size_t capacity, struct csdw_operation *ret, size_t *count_ret);

// The line of pc in a unit, as debuggers choose it among rows of equal address.
// -ENXIO: no row holds pc.
int csdw_line_at(Dwarf *dwarf, uint64_t unit, uint64_t pc, struct csdw_line *ret);

// Skeleton units, and split units in a file of them. Row: unit DIE, whether it is a
// skeleton, id, addresses of the name of the split file and of the directory (0: none).
int csdw_unit_ids(Dwarf *dwarf, struct csdw_table *ret);

// The unit DIE that holds a DIE; unlike csdw_unit_of this searches no split file.
int csdw_skeleton_of(Dwarf *dwarf, uint64_t die, uint64_t *ret);

// .debug_str with room for more, in place of what libelf has read. Call it before
// dwarf_begin_elf, and deinit after elf_end.
struct csdw_strings {
    uint8_t *data;
    size_t used;
    size_t capacity;
};

int csdw_strings_init(struct csdw_strings *strings, Elf *elf, size_t room);
void csdw_strings_deinit(struct csdw_strings *strings);

// Let libdw find the split unit of a skeleton at `path`, and nowhere else. To be called
// before csdw_unit_of or csdw_units see the skeleton. -ENOSPC: too many, or the name stands
// inside the unit and is shorter; it is made useless then.
int csdw_split_rename(struct csdw_strings *strings, Elf *elf, Dwarf *dwarf,
                      uint64_t unit, const char *path);

// The name of file number `index` in a unit's line table. -ENXIO: no such file.
int csdw_file(Dwarf *dwarf, uint64_t unit, uint64_t index, const char **ret);

// A checksum of the first `size` bytes of a file, at the speed of memory. It tells
// damage, and is no proof against those who want another file to have it.
int csdw_checksum(int descriptor, uint64_t size, uint64_t *ret);
