"""Where the view, the journal and the settings are kept. `base` is the interface."""
