// GLib's containers with known contents, then a write to address 8.
// Build: cc -g -O0 -o lists lists.c $(pkg-config --cflags --libs glib-2.0)
#include <glib.h>

// As GLib's debug information has it (glib/ghash.c, 2.66 and later).
struct _GHashTable {
	gsize size;
	gint mod;
	guint mask;
	guint nnodes;
	guint noccupied;
	guint have_big_keys : 1;
	guint have_big_values : 1;
	gpointer keys;
	guint *hashes;
	gpointer values;
	GHashFunc hash_func;
	GEqualFunc key_equal_func;
	gint ref_count;
};

int main(void)
{
	GList *list = NULL;
	list = g_list_append(list, "first");
	list = g_list_append(list, "second");
	GSList *single = g_slist_prepend(NULL, GINT_TO_POINTER(7));
	GPtrArray *pointers = g_ptr_array_new();
	g_ptr_array_add(pointers, "pointed");
	g_ptr_array_add(pointers, NULL);
	GString *string = g_string_new("text of a GString");
	GArray *array = g_array_new(FALSE, FALSE, sizeof(gint32));
	gint32 numbers[] = {1, 2, 3};
	g_array_append_vals(array, numbers, 3);
	GByteArray *octets = g_byte_array_new();
	g_byte_array_append(octets, (const guint8 *)"\1\2\3", 3);
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(table, "key", "value");
	g_hash_table_insert(table, "other", "thing");
	GQueue *queue = g_queue_new();
	g_queue_push_tail(queue, "queued");
	*(volatile int *)8 = 1;
	return string->len + array->len + (single != NULL) + (octets != NULL) + (queue != NULL);
}
