"""Where the view, the journal, the settings and the turns are kept. `base` is the interface."""
