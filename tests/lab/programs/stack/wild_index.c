// The product of two sizes is too large for an integer, and then an index.
//
// must: memory.write memory.unmapped
// may: invalid-pointer heap.overflow
// never: null noncanonical use-after-free stack-overflow
// function: set_pixel
// build: -g -O1
#include "lab.h"

struct image {
	int width, height;
	unsigned char *pixels;
};

APART static void set_pixel(struct image *image, int x, int y, int value)
{
	image->pixels[y * image->width + x] = (unsigned char)value;
}

int main(void)
{
	struct image image = { 50000, 50000, NULL };
	int size = image.width * image.height;

	image.pixels = calloc(1, (unsigned)size % 100000);
	set_pixel(hidden(&image), 40000, 42949, 1);
	return 0;
}
