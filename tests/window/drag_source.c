/* A window at the top left of the display from which one file (argument 1, a file URI) is dragged. */
#include <gtk/gtk.h>

static void give(GtkWidget *widget, GdkDragContext *context, GtkSelectionData *data, guint info, guint time, gpointer uri) {
  gchar *uris[] = {uri, NULL};
  gtk_selection_data_set_uris(data, uris);
}

int main(int count, char **words) {
  static GtkTargetEntry targets[] = {{"text/uri-list", 0, 0}};
  gtk_init(&count, &words);
  GtkWidget *window = gtk_window_new(GTK_WINDOW_POPUP);
  GtkWidget *box = gtk_event_box_new();
  gtk_container_add(GTK_CONTAINER(box), gtk_label_new("Drag me"));
  gtk_container_add(GTK_CONTAINER(window), box);
  gtk_drag_source_set(box, GDK_BUTTON1_MASK, targets, 1, GDK_ACTION_COPY);
  g_signal_connect(box, "drag-data-get", G_CALLBACK(give), words[1]);
  gtk_window_set_default_size(GTK_WINDOW(window), 120, 80);
  gtk_window_move(GTK_WINDOW(window), 0, 0);
  gtk_widget_show_all(window);
  gtk_main();
  return 0;
}
