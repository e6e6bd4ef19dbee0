"""Price tables, one file each."""
