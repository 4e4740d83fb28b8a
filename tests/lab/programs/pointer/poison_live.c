// A live block that its owner filled with the byte that an allocator fills freed ones
// with.
//
// must: memory.write noncanonical
// may: invalid-pointer
// never: use-after-free null double-free heap.*
// unfound: block the block that holds the bad pointer is not asked for
// function: draw
// build: -g -O1
#include "lab.h"

struct canvas {
	unsigned char pixels[64];
	unsigned char *cursor;
};

APART static void clear(struct canvas *canvas, unsigned char shade)
{
	// The size of the whole, where that of the pixels was meant.
	memset(hidden(canvas), shade, sizeof(*canvas));
}

APART static void draw(struct canvas *canvas, unsigned char shade)
{
	*canvas->cursor++ = shade;
}

int main(void)
{
	struct canvas *canvas = malloc(sizeof(*canvas));

	canvas->cursor = canvas->pixels;
	draw(canvas, 1);
	tell_block("live", canvas, sizeof(*canvas));
	clear(canvas, 0x5a);
	draw(canvas, 2);
	return canvas->pixels[0];
}
