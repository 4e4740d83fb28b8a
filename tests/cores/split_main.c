// Two units whose debug information may stand in files of their own: this one and
// split_helper.c.

struct point {
	int x;
	int y;
};

int helper(struct point *point);

int main(int count, char **arguments)
{
	(void)arguments;
	struct point corner = {count, 7};
	return helper(&corner);
}
