// A frame of video is read after it was freed: a block so large that malloc mapped it.
//
// must: memory.read memory.unmapped
// may: use-after-free invalid-pointer stale-pointer
// never: null noncanonical double-free heap.overflow bit-flip
// function: brightness
// build: -g -O2
// only: glibc
#include "lab.h"

struct frame {
	int width, height;
	unsigned char *pixels;
};

APART static long brightness(const struct frame *frame)
{
	long sum = 0;

	for (long i = 0; i < (long)frame->width * frame->height; i++)
		sum += frame->pixels[i];
	return sum;
}

int main(void)
{
	struct frame frame = { 1920, 1080, NULL };

	frame.pixels = calloc(1920, 1080);
	long before = brightness(&frame);
	free(frame.pixels);
	return (int)(before + brightness(hidden(&frame)));
}
