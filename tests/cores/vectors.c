// Leaves the start of $TOKEN in a vector register, as strcpy(3) does, and crashes.
#include <emmintrin.h>
#include <stdlib.h>

int main(void)
{
    const char *token = getenv("TOKEN");
    __m128i moved = _mm_loadu_si128((const __m128i *)token);

    __asm__ volatile("movdqa %0, %%xmm15\n\tmovl $0, 8" : : "x"(moved) : "xmm15", "memory");
    return 0;
}
