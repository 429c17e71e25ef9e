"""All pairs of columns: a screen of ranks and tables, neighbours, and `auto` for what they do not settle."""
