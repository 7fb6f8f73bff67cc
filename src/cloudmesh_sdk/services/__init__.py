"""Starting, stopping and looking after what runs beside the shell."""
