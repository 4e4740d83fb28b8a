// Every kind of C value, at rest in two frames, then a write to address 8.
// Build: cc -g -O0 (and -O2) -o values values.c
#include <complex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>
#include <wchar.h>

enum color { RED, GREEN = 5, BLUE };
enum access { READ = 1, WRITE = 2, EXECUTE = 4 };
enum negative { MINUS = -3, PLUS = 3 };

struct point {
    int x, y;
};

struct flags {
    unsigned ready : 1;
    unsigned mode : 3;
    int level : 5;
    enum color color : 4;
    uint64_t wide : 40;
    bool on : 1;
};

struct node {
    struct node *next;
    const char *name;
    int (*compare)(int, int);
    struct point at;
    union {
        int whole;
        unsigned char bytes[4];
    };
    struct flags flags;
};

struct opaque;

typedef struct {
    double matrix[2][3];
    float complex wave;
    char tag[8];
} record_t;

typedef struct point (*maker_t)(int, int);

static int compare(int a, int b)
{
    return a < b;
}

static struct point make(int x, int y)
{
    struct point made = {x, y};
    return made;
}

int counter = 7;

__attribute__((noinline)) int crash(struct node *list, record_t *record, int n,
                                    double ratio, const char *text)
{
    static int calls = 41;
    int vla[n];
    volatile int *null = (volatile int *)8;
    calls++;
    for (int i = 0; i < n; i++) {
        vla[i] = i * n;
    }
    {
        long inner = list->at.x + vla[n - 1];
        *null = (int)(inner + ratio + text[0] + (int)record->matrix[0][0]);
    }
    return vla[0] + calls;
}

__attribute__((noinline)) int hold(int argc, char **argv)
{
    signed char small = -5;
    unsigned char byte = 200;
    char letter = 'x', newline = '\n';
    short medium = -300;
    unsigned short umedium = 60000;
    long big = -5000000000L;
    unsigned long ubig = 18000000000000000000UL;
    __int128 huge = ((__int128)1 << 100) + 3;
    unsigned __int128 uhuge = ~(unsigned __int128)0;
    bool yes = true, no = false;
    float single = 1.5f;
    double real = -2.25;
    long double extended = 3.125L;
    double complex wave = 1.0 + 2.0 * I;
    enum color color = GREEN;
    enum access access = READ | EXECUTE;
    enum negative negative = MINUS;
    char16_t utf16 = u'\u00e9';
    char32_t utf32 = U'\U0001F600';
    wchar_t wide = L'w';
    char buffer[16] = "hello";
    wchar_t wide_buffer[8] = L"wide";
    const char *text = "some text";
    const char *nothing = NULL;
    struct point origin = {1, -1};
    struct node last = {.name = "last", .compare = compare, .at = {3, 4}};
    struct node first = {.next = &last, .name = "first", .at = {5, 6}, .whole = 258};
    struct node *self = &first;
    struct opaque *opaque = (struct opaque *)&first;
    void *any = &big;
    int numbers[5] = {1, 2, 3, 4, 5};
    struct point points[2] = {{1, 2}, {3, 4}};
    char words[2][6] = {"one", "two"};
    maker_t maker = make;
    int (*table[2])(int, int) = {compare, NULL};
    record_t record = {{{1, 2, 3}, {4, 5, 6}}, 7.0f, "tagged"};
    int *invalid = (int *)0x10;
    first.flags = (struct flags){1, 5, -7, BLUE, 0xabcdef0123, true};
    last.next = &first;
    int result = crash(self, &record, 3 + argc, real, text);
    return result + small + byte + letter + newline + medium + umedium + (int)big +
           (int)ubig + (int)huge + (int)uhuge + yes + no + (int)single +
           (int)extended + (int)creal(wave) + color + access + negative + utf16 +
           (int)utf32 + wide + buffer[0] + wide_buffer[0] + (nothing == NULL) +
           origin.x + (opaque == any) + numbers[1] + points[1].x + words[1][0] +
           maker(1, 2).x + table[0](1, 2) + (invalid == NULL) + argv[0][0];
}

int main(int argc, char **argv)
{
    return hold(argc, argv) + counter;
}
